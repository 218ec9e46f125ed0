//! Which counties a process hosts, as its configuration says it: `654224,654223`, or a file with a code in each line.

use core::str::FromStr;
use std::fs;

use loopledger_types::{CountyCode, divisions};

/// At least one county, each once, in the order of their codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counties(Vec<CountyCode>);

impl Counties {
    pub(crate) fn codes(&self) -> &[CountyCode] {
        &self.0
    }

    /// The only one, if there is but one.
    pub(crate) fn only(&self) -> Option<CountyCode> {
        match *self.0 {
            [county] => Some(county),
            _ => None,
        }
    }
}

impl FromStr for Counties {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_list = text.chars().all(|letter| letter.is_ascii_digit() || letter == ',' || letter == ' ');
        let mut counties = if is_list && !text.is_empty() {
            text.split(',').map(|code| county(code.trim())).collect::<Result<Vec<_>, _>>()?
        } else {
            read(&fs::read_to_string(text).map_err(|error| format!("{text}: {error}"))?)?
        };
        counties.sort_unstable();
        counties.dedup();
        if counties.is_empty() { Err("there is no county in it".to_owned()) } else { Ok(Self(counties)) }
    }
}

/// A code in each line; what follows it, and what follows `#`, is for people.
fn read(text: &str) -> Result<Vec<CountyCode>, String> {
    let lines = text.lines().zip(1_usize..).filter_map(|(line, number)| {
        let code = line.split('#').next()?.split([' ', '\t', ',']).find(|word| !word.is_empty())?;
        Some((code, number))
    });
    lines.map(|(code, number)| county(code).map_err(|wrong| format!("line {number}: {wrong}"))).collect()
}

fn county(code: &str) -> Result<CountyCode, String> {
    let county =
        CountyCode::parse(code).map_err(|_| format!("'{code}' is no code of a county (six digits, GB/T 2260)"))?;
    if divisions::exists(county.into(), None) { Ok(county) } else { Err(format!("there is no province of '{code}'")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counties(text: &str) -> Result<String, String> {
        let counties: Counties = text.parse()?;
        Ok(counties.codes().iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn codes_and_files_are_taken() {
        assert_eq!(counties("654224").as_deref(), Ok("654224"));
        assert_eq!(counties("654224, 110101,654224").as_deref(), Ok("110101 654224"));
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "# two\n654224 托里县\n\n110101,东城区 # the capital\n").unwrap();
        assert_eq!(counties(file.path().to_str().unwrap()).as_deref(), Ok("110101 654224"));
        assert_eq!("654224".parse::<Counties>().unwrap().only(), Some(CountyCode::TUOLI));
        assert_eq!("654224,110101".parse::<Counties>().unwrap().only(), None);
    }

    #[test]
    fn nonsense_is_refused_and_named() {
        for (text, named) in [
            ("65422", "'65422' is no code"),
            ("654224,", "'' is no code"),
            ("994224", "no province of '994224'"),
            ("no-such-file", "no-such-file: "),
            ("", ": "),
        ] {
            let wrong = counties(text).unwrap_err();
            assert!(wrong.contains(named), "{text}: {wrong}");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "654224\nTuoli\n").unwrap();
        let wrong = counties(file.path().to_str().unwrap()).unwrap_err();
        assert!(wrong.starts_with("line 2: 'Tuoli'"), "{wrong}");
        fs::write(file.path(), "# none\n").unwrap();
        assert_eq!(counties(file.path().to_str().unwrap()), Err("there is no county in it".to_owned()));
    }
}
