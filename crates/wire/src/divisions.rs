//! The county's own divisions: which codes exist, so that a request which names another is refused at the door.
//!
//! Of 托里县 every township and village-level unit of two editions is known (`data/README.md`); of any other county
//! only the form of a code and its province can be checked, because the nation's list is not shipped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use loopledger_types::{BusinessDate, CountyCode, DivisionCode};

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

/// The first two digits of every code of GB/T 2260: provinces, autonomous regions, municipalities, special regions.
const PROVINCES: [u32; 34] = [
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63,
    64, 65, 71, 81, 82,
];

/// What the two editions list; between the days that they are of, nobody says on which day a code changed.
static CODES: LazyLock<[(BusinessDate, BTreeSet<DivisionCode>); 2]> = LazyLock::new(|| {
    let day = |year, month, day| BusinessDate::from_ymd(year, month, day).expect("a day of the calendar");
    [(day(2019, 10, 31), codes(&EDITION_2019)), (day(2023, 6, 30), codes(&EDITION_2023))]
});

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

/// Whether the code can be taken of something that happened on that day. In 托里县 an edition that may hold then must
/// list it: the older one up to its day, the newer one from its day on, either between; either for ever, without a day.
/// Elsewhere its province must exist.
pub fn exists(code: DivisionCode, on: Option<BusinessDate>) -> bool {
    if code.county() != CountyCode::TUOLI {
        return PROVINCES.contains(&(code.county().get() / 10_000));
    }
    let [(older_day, older), (newer_day, newer)] = &*CODES;
    match on {
        Some(day) if day <= *older_day => older.contains(&code),
        Some(day) if day >= *newer_day => newer.contains(&code),
        Some(_) | None => older.contains(&code) || newer.contains(&code),
    }
}

/// The county, its townships and its village-level units.
fn codes(edition: &[Village]) -> BTreeSet<DivisionCode> {
    let listed = edition.iter().flat_map(|village| [village.township, village.code]);
    core::iter::once(DivisionCode::from(CountyCode::TUOLI)).chain(listed).collect()
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
        let exists = |text| exists(DivisionCode::parse(text).unwrap(), None);
        assert!(exists("654224") && exists("654224202") && exists("654224202207"));
        assert!(!exists("654224999") && !exists("654224202999"));
        assert_eq!(name_of(DivisionCode::parse("654224202").unwrap()), Some("库普乡"));
    }

    #[test]
    fn a_code_holds_while_an_edition_that_may_hold_lists_it() {
        let exists = |text, day| exists(DivisionCode::parse(text).unwrap(), Some(BusinessDate::parse(day).unwrap()));
        // 喀拉苏村 and its township of 2023, 哈图镇.
        let (old, new, town) = ("654224201206", "654224103200", "654224103");
        for (day, expected) in [
            ("2019-10-31", [true, false, false]),
            ("2019-11-01", [true, true, true]),
            ("2023-06-29", [true, true, true]),
            ("2023-06-30", [false, true, true]),
        ] {
            assert_eq!([exists(old, day), exists(new, day), exists(town, day)], expected, "{day}");
        }
        for day in ["2000-01-01", "2019-10-31", "2026-01-01"] {
            assert!(exists("654224", day) && exists("654224202207", day), "{day}");
        }
    }

    #[test]
    fn elsewhere_the_province_must_exist() {
        let exists = |text| exists(DivisionCode::parse(text).unwrap(), None);
        assert!(exists("650102") && exists("110101001001") && exists("820000"));
        assert!(!exists("999999") && !exists("100000") && !exists("160101001") && !exists("990101001001"));
    }
}
