//! The county's own divisions: which codes exist, so that a request which names another is refused at the door.
//!
//! Of 托里县 every township and village-level unit of two editions is known (`data/README.md`); of any other county
//! only the form of a code can be checked, because the nation's list is not shipped.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use loopledger_types::{CountyCode, DivisionCode};

/// A village-level unit in one edition of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Village {
    pub code: DivisionCode,
    pub name: &'static str,
    pub township: DivisionCode,
    pub township_name: &'static str,
    /// `village`, `resident_committee`, `quasi_village` or `quasi_resident_committee`, as the source says.
    pub kind: &'static str,
}

static EDITION_2019: LazyLock<Vec<Village>> = LazyLock::new(|| parse(include_str!("../data/tuoli_divisions_2019.csv")));
static EDITION_2023: LazyLock<Vec<Village>> = LazyLock::new(|| parse(include_str!("../data/tuoli_divisions_2023.csv")));

/// Names by code, of villages, townships and the county; the newer edition wins.
static NAMES: LazyLock<BTreeMap<DivisionCode, &'static str>> = LazyLock::new(|| {
    let mut names = BTreeMap::from([(DivisionCode::from(CountyCode::TUOLI), "托里县")]);
    for village in EDITION_2019.iter().chain(EDITION_2023.iter()) {
        names.insert(village.code, village.name);
        names.insert(village.township, village.township_name);
    }
    names
});

/// The village-level units as of 2019-10-31, by code.
pub fn villages_2019() -> &'static [Village] {
    &EDITION_2019
}

/// The village-level units as of 2023-06-30, by code.
pub fn villages_2023() -> &'static [Village] {
    &EDITION_2023
}

/// The name of a division of 托里县, if it is one.
pub fn name_of(code: DivisionCode) -> Option<&'static str> {
    NAMES.get(&code).copied()
}

/// Whether the code can be taken: in 托里县 it must be listed in one of the editions.
pub fn exists(code: DivisionCode) -> bool {
    code.county() != CountyCode::TUOLI || NAMES.contains_key(&code)
}

fn parse(csv: &'static str) -> Vec<Village> {
    let mut villages: Vec<Village> =
        csv.lines().skip(1).map(|line| parse_line(line).expect("the committed list is well formed")).collect();
    villages.sort_by_key(|village| village.code);
    villages
}

fn parse_line(line: &'static str) -> Option<Village> {
    let mut fields = line.split(',');
    let township = DivisionCode::parse(fields.next()?).ok()?;
    let township_name = fields.next()?;
    let code = DivisionCode::parse(fields.next()?).ok()?;
    let name = fields.next()?;
    let kind = fields.next()?;
    Some(Village { code, name, township, township_name, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_editions_are_what_their_source_says() {
        let count = |edition: &[Village], kind| edition.iter().filter(|v| v.kind == kind).count();
        assert_eq!((villages_2019().len(), count(villages_2019(), "village")), (87, 66));
        assert_eq!((villages_2023().len(), count(villages_2023(), "village")), (88, 66));
    }

    #[test]
    fn only_listed_codes_of_the_county_exist() {
        let exists = |text| exists(DivisionCode::parse(text).unwrap());
        assert!(exists("654224") && exists("654224202") && exists("654224202207"));
        assert!(!exists("654224999") && !exists("654224202999"));
        assert!(exists("650102"), "other counties are checked by form alone");
        assert_eq!(name_of(DivisionCode::parse("654224202").unwrap()), Some("库普乡"));
    }
}
