//! A strict parser of `OpenMetrics` text: what a lenient scraper accepts is an error here.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

type Labels = BTreeMap<String, String>;

/// Every sample of a scrape.
#[derive(Debug, Default)]
pub struct Exposition {
    samples: BTreeMap<(String, Labels), f64>,
    /// The type of each family.
    types: BTreeMap<String, String>,
}

/// Metadata and samples of one family, which stand together.
#[derive(Debug, Default)]
struct Family {
    name: String,
    help: Option<String>,
    kind: Option<String>,
    unit: Option<String>,
    samples: Vec<(String, Labels, f64)>,
}

impl Exposition {
    /// What the process shows now whose metrics are on `address`.
    ///
    /// # Panics
    /// If it shows nothing, or what is no `OpenMetrics`.
    pub fn scrape(address: &str) -> Self {
        let mut connection = TcpStream::connect(address).expect("a connection");
        let request = "GET /metrics HTTP/1.1\r\nHost: loopledger\r\nAccept: application/openmetrics-text\r\nConnection: close\r\n\r\n";
        connection.write_all(request.as_bytes()).expect("it is sent");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("an answer");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        Self::parse(body).unwrap_or_else(|error| panic!("{error}\n{body}"))
    }

    /// The samples of a whole answer, or what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let body = text.strip_suffix("# EOF\n").ok_or("it does not end in # EOF")?;
        let mut exposition = Self::default();
        let mut family = Family::default();
        for line in body.lines() {
            let wrong = |what: &str| format!("{what}: {line}");
            if line.trim() != line || line.is_empty() {
                return Err(wrong("white space at its ends, or nothing"));
            }
            if let Some(metadata) = line.strip_prefix("# ") {
                let mut words = metadata.splitn(3, ' ');
                let (Some(keyword), Some(name), Some(rest)) = (words.next(), words.next(), words.next()) else {
                    return Err(wrong("not KEYWORD name text"));
                };
                if name != family.name {
                    exposition.take(core::mem::take(&mut family))?;
                    name.clone_into(&mut family.name);
                }
                let slot = match keyword {
                    "HELP" => &mut family.help,
                    "TYPE" => &mut family.kind,
                    "UNIT" => &mut family.unit,
                    _ => return Err(wrong("no such keyword")),
                };
                if !family.samples.is_empty() || slot.replace(rest.to_owned()).is_some() {
                    return Err(wrong("metadata said twice, or after samples"));
                }
            } else {
                family.samples.push(sample(line).map_err(|what| wrong(&what))?);
            }
        }
        exposition.take(family)?;
        Ok(exposition)
    }

    fn take(&mut self, family: Family) -> Result<(), String> {
        let Family { name, help, kind, unit, samples } = family;
        if name.is_empty() && samples.is_empty() {
            return Ok(());
        }
        let kind = kind.ok_or(format!("{name} has no type"))?;
        if help.is_none_or(|help| help.len() < 10) || samples.is_empty() || !is_name(&name) {
            return Err(format!("{name} has no help or no sample, or is no name"));
        }
        if unit.is_some_and(|unit| !name.ends_with(&format!("_{unit}"))) {
            return Err(format!("{name} does not end in its unit"));
        }
        let suffixes: &[&str] = match kind.as_str() {
            "counter" => &["_total"],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => return Err(format!("{name} is of no type that we write: {kind}")),
        };
        for (sample, _, value) in &samples {
            let suffix = sample.strip_prefix(name.as_str()).filter(|suffix| suffixes.contains(suffix));
            if suffix.is_none() || (kind != "gauge" && (*value < 0.0 || !value.is_finite())) {
                return Err(format!("{sample} {value} does not belong to the {kind} {name}"));
            }
        }
        if kind == "histogram" {
            check_histogram(&name, &samples)?;
        }
        if self.types.insert(name.clone(), kind).is_some() {
            return Err(format!("{name} stands in two places"));
        }
        for (sample, labels, value) in samples {
            if self.samples.insert((sample.clone(), labels), value).is_some() {
                return Err(format!("{sample} has a sample twice"));
            }
        }
        Ok(())
    }

    /// The value of one sample.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.samples.get(&(name.to_owned(), labels)).copied()
    }

    /// All samples of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a Labels, f64)> {
        self.samples.iter().filter(move |((sample, _), _)| sample == name).map(|((_, labels), value)| (labels, *value))
    }

    /// The type of a family, by its name without suffixes.
    pub fn kind(&self, family: &str) -> Option<&str> {
        self.types.get(family).map(String::as_str)
    }

    pub fn label_names(&self) -> BTreeSet<&str> {
        self.samples.keys().flat_map(|(_, labels)| labels.keys().map(String::as_str)).collect()
    }

    pub fn label_values(&self) -> BTreeSet<&str> {
        self.samples.keys().flat_map(|(_, labels)| labels.values().map(String::as_str)).collect()
    }
}

/// Buckets ascend in bound and in count, and the last, without a bound, holds everything.
fn check_histogram(name: &str, samples: &[(String, Labels, f64)]) -> Result<(), String> {
    let mut buckets: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    let mut counts: BTreeMap<Labels, f64> = BTreeMap::new();
    for (sample, labels, value) in samples {
        let mut labels = labels.clone();
        let bound = labels.remove("le");
        if sample.ends_with("_bucket") {
            let bound = bound.ok_or("a bucket without a bound")?;
            // Rust would read an infinity in other spellings too.
            let upper = match bound.as_str() {
                "+Inf" => f64::INFINITY,
                finite => finite
                    .parse::<f64>()
                    .ok()
                    .filter(|upper| upper.is_finite())
                    .ok_or(format!("{finite} is no bound"))?,
            };
            buckets.entry(labels).or_default().push((upper, *value));
        } else if sample.ends_with("_count") {
            counts.insert(labels, *value);
        }
    }
    for (labels, count) in counts {
        let buckets = buckets.remove(&labels).unwrap_or_default();
        let ascends = buckets.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1);
        if !ascends || buckets.last() != Some(&(f64::INFINITY, count)) {
            return Err(format!("the buckets of {name}{labels:?} do not add up: {buckets:?}"));
        }
    }
    if buckets.is_empty() { Ok(()) } else { Err(format!("{name} has buckets without a count")) }
}

/// `name{label="value",…} value`, without a timestamp.
fn sample(line: &str) -> Result<(String, Labels, f64), String> {
    let end = line.find(['{', ' ']).ok_or("no value")?;
    let (name, rest) = line.split_at(end);
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Labels::new(), rest),
    };
    let value = value.strip_prefix(' ').ok_or("no space before the value")?;
    let number = value.parse::<f64>().map_err(|error| error.to_string())?;
    if !is_name(name) {
        return Err("no name of a metric".to_owned());
    }
    Ok((name.to_owned(), labels, number))
}

/// The labels up to the closing brace, and what follows it.
fn labels(mut rest: &str) -> Result<(Labels, &str), String> {
    let mut labels = Labels::new();
    loop {
        let (name, after) = rest.split_once("=\"").ok_or("a label without a value")?;
        let mut value = String::new();
        let mut characters = after.char_indices();
        let end = loop {
            match characters.next().ok_or("a value without an end")? {
                (at, '"') => break at,
                (_, '\\') => match characters.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, escaped @ ('\\' | '"'))) => value.push(escaped),
                    _ => return Err("an escape that is none".to_owned()),
                },
                (_, character) => value.push(character),
            }
        };
        if !is_name(name) || value.is_empty() || labels.insert(name.to_owned(), value).is_some() {
            return Err(format!("the label {name} is no name, has no value, or comes twice"));
        }
        let after = after.get(end.saturating_add(1)..).unwrap_or_default();
        match (after.strip_prefix(','), after.strip_prefix('}')) {
            (Some(next), _) => rest = next,
            (None, Some(value)) => return Ok((labels, value)),
            (None, None) => return Err("neither a comma nor a brace after a label".to_owned()),
        }
    }
}

/// Lower case with underscores, as we write them.
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# HELP a_seconds How long it takes.\n# TYPE a_seconds histogram\n# UNIT a_seconds seconds\n\
        a_seconds_sum{s=\"x\"} 0.5\na_seconds_count{s=\"x\"} 3\na_seconds_bucket{le=\"0.1\",s=\"x\"} 2\n\
        a_seconds_bucket{le=\"+Inf\",s=\"x\"} 3\n# HELP b Something counted.\n# TYPE b counter\nb_total 7\n# EOF\n";

    #[test]
    fn what_is_well_formed_is_read() {
        let exposition = Exposition::parse(GOOD).expect("it is well formed");
        assert_eq!(exposition.value("b_total", &[]), Some(7.0));
        assert_eq!(exposition.value("a_seconds_bucket", &[("s", "x"), ("le", "0.1")]), Some(2.0));
        assert_eq!(exposition.kind("b"), Some("counter"));
    }

    #[test]
    fn what_is_not_is_refused() {
        for (from, to) in [
            ("# EOF\n", ""),
            ("b_total 7\n", "b_total 7\n\n"),
            ("b_total 7\n", "b_total 7\nb_total 8\n"),
            ("b_total 7\n", "b 7\n"),
            ("b_total 7\n", "b_total -7\n"),
            ("b_total 7\n", "b_total{x=\"1\",x=\"2\"} 7\n"),
            ("b_total 7\n", "b_total{x=\"1} 7\n"),
            ("b_total 7\n", "b_total seven\n"),
            ("b_total 7\n", ""),
            ("b_total 7\n", "b_total 7\n# HELP a_seconds Again, elsewhere.\n# TYPE a_seconds gauge\na_seconds 1\n"),
            ("# TYPE b counter\n", ""),
            ("# HELP b Something counted.\n", ""),
            ("# UNIT a_seconds seconds", "# UNIT a_seconds minutes"),
            ("{le=\"0.1\",s=\"x\"} 2", "{le=\"0.1\",s=\"x\"} 4"),
            ("a_seconds_count{s=\"x\"} 3", "a_seconds_count{s=\"x\"} 4"),
        ] {
            let broken = GOOD.replacen(from, to, 1);
            assert!(Exposition::parse(&broken).is_err(), "{broken}");
        }
    }
}
