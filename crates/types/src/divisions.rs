//! The divisions of the home county as data: dated lists, and which code succeeds which.
//!
//! For 托里县 every township and village-level unit of two lists is known (`data/README.md`). For other counties only the
//! form of a code and its province can be checked, because the national list is not shipped.
//!
//! A unit's code may change. Both codes name the same unit permanently: a code that was valid on its day stays valid
//! through its successors, and an [`Edition`] decides which code is shown. The day on which a code changed is not known:
//! a list applies from its date, and its codes are accepted from the day after the previous list.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::{BusinessDate, CountyCode, DivisionCode};

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

/// One dated list of the county's divisions.
///
/// Every grouping by division uses the codes of one edition. A sum over all divisions never depends
/// on the edition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edition(usize);

/// The county whose divisions are listed.
const HOME: CountyCode = CountyCode::TUOLI;

/// The first two digits of every code of GB/T 2260: provinces, autonomous regions, municipalities, special regions.
const PROVINCES: [u32; 34] = [
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63,
    64, 65, 71, 81, 82,
];

/// The lists, oldest first.
const SOURCES: [((i32, u32, u32), &str); 2] = [
    ((2019, 10, 31), include_str!("../data/tuoli_divisions_2019.csv")),
    ((2023, 6, 30), include_str!("../data/tuoli_divisions_2023.csv")),
];

/// What changed between each list and the next.
const CHANGES: [&str; SOURCES.len() - 1] = [include_str!("../data/tuoli_division_changes_2019_2023.csv")];

static LISTS: LazyLock<Vec<List>> = LazyLock::new(read_lists);

struct List {
    day: BusinessDate,
    villages: Vec<Village>,
    /// Every division that it lists, by code: the county, townships, village-level units.
    names: BTreeMap<DivisionCode, &'static str>,
    /// How the codes of every list are written in this one, as far as there is such a unit in it.
    codes: BTreeMap<DivisionCode, DivisionCode>,
}

impl Edition {
    /// The list of 2019-10-31, the first.
    pub const FIRST: Self = Self(0);
    /// The list of 2023-06-30, the newest.
    pub const LATEST: Self = Self(SOURCES.len() - 1);

    /// Every edition, oldest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..SOURCES.len()).map(Self)
    }

    /// The list in force on a day: the newest of that day or earlier; before the first, the first.
    pub fn on(day: BusinessDate) -> Self {
        Self(LISTS.partition_point(|list| list.day <= day).saturating_sub(1))
    }

    /// The list in force on the last day of a window. If that one has no unit of the code asked for: the newest that has.
    pub fn for_window(last: BusinessDate, asked: Option<DivisionCode>) -> Self {
        let usual = Self::on(last);
        let Some(asked) = asked else { return usual };
        let knows = |edition: &Self| edition.exact(asked).is_some();
        Some(usual).filter(knows).or_else(|| Self::all().filter(knows).last()).unwrap_or(usual)
    }

    /// The day that the list is of.
    pub fn day(self) -> BusinessDate {
        self.list().day
    }

    /// The village-level units, by code.
    pub fn villages(self) -> &'static [Village] {
        &self.list().villages
    }

    /// The code of the same unit in this edition; `None` if the edition has no such unit. Of another county: the code.
    pub fn exact(self, code: DivisionCode) -> Option<DivisionCode> {
        if code.county() == HOME { self.list().codes.get(&code).copied() } else { Some(code) }
    }

    /// The division of this edition that something of `code` belongs to: the same unit, or if the edition has no such
    /// unit, the smallest division of it around that.
    pub fn of(self, code: DivisionCode) -> DivisionCode {
        let around = || code.township().filter(|township| self.list().names.contains_key(township));
        self.exact(code).or_else(around).unwrap_or_else(|| code.county().into())
    }

    /// The name of a division of the county, if the edition lists this code.
    pub fn name_of(self, code: DivisionCode) -> Option<&'static str> {
        self.list().names.get(&code).copied()
    }

    /// The editions whose codes may be in force on a day: between two lists, both.
    fn possible_on(day: BusinessDate) -> impl Iterator<Item = Self> {
        let Self(surely) = Self::on(day);
        let next = LISTS.get(surely).filter(|list| list.day < day).map(|_| Self(surely.saturating_add(1)));
        core::iter::once(Self(surely)).chain(next.filter(|Self(next)| *next < LISTS.len()))
    }

    fn lists(self, code: DivisionCode) -> bool {
        self.list().names.contains_key(&code)
    }

    fn list(self) -> &'static List {
        LISTS.get(self.0).expect("an edition is one of the lists")
    }
}

impl DivisionCode {
    /// The code by which the same unit goes on a day: this one while it may be in force, else its successor's or
    /// predecessor's. A code without one stays as it is.
    #[must_use]
    pub fn on(self, day: BusinessDate) -> Self {
        if self.county() != HOME || Edition::possible_on(day).any(|edition| edition.lists(self)) {
            return self;
        }
        Edition::on(day).exact(self).unwrap_or(self)
    }

    /// The code by which the same unit goes today.
    #[must_use]
    pub fn current(self) -> Self {
        Edition::LATEST.exact(self).unwrap_or(self)
    }

    /// Whether both codes name one unit: the same code, or one succeeded the other.
    pub fn is_same_unit(self, other: Self) -> bool {
        self == other || self.current() == other.current()
    }
}

/// Whether the code can be accepted for something that happened on that day. In 托里县 a list that may be in force by
/// then must have it, and the list in force must still have the unit, by this code or by a successor's. Without a day: any
/// list. Elsewhere its province must exist.
pub fn exists(code: DivisionCode, on: Option<BusinessDate>) -> bool {
    if code.county() != HOME {
        return PROVINCES.contains(&(code.county().get() / 10_000));
    }
    let Some(day) = on else { return Edition::all().any(|edition| edition.lists(code)) };
    let has_unit = |edition: Edition| edition.exact(code).is_some();
    let newest = Edition::possible_on(day).last().unwrap_or(Edition::FIRST);
    Edition::all().any(|edition| edition <= newest && edition.lists(code)) && Edition::possible_on(day).any(has_unit)
}

/// The name of a division of 托里县 by this code, from the newest edition that lists it.
pub fn name_of(code: DivisionCode) -> Option<&'static str> {
    Edition::all().filter_map(|edition| edition.name_of(code)).last()
}

fn read_lists() -> Vec<List> {
    let mut lists: Vec<List> = SOURCES.into_iter().map(read_list).collect();
    let steps: Vec<Vec<(DivisionCode, DivisionCode)>> = CHANGES.into_iter().map(read_recoded).collect();
    let all: Vec<Vec<DivisionCode>> = lists.iter().map(|list| list.names.keys().copied().collect()).collect();
    for at in 0..lists.len() {
        let codes = (0..lists.len()).flat_map(|from| {
            let of_list = all.get(from).into_iter().flatten();
            of_list.filter_map(|code| Some((*code, walk(*code, (from, at), &lists, &steps)?))).collect::<Vec<_>>()
        });
        let codes = codes.collect();
        if let Some(list) = lists.get_mut(at) {
            list.codes = codes;
        }
    }
    lists
}

/// Follows a unit of one list to another, forwards or backwards; `None` where it is in no list on the way.
fn walk(
    code: DivisionCode,
    (from, to): (usize, usize),
    lists: &[List],
    steps: &[Vec<(DivisionCode, DivisionCode)>],
) -> Option<DivisionCode> {
    let mut code = code;
    for step in from..to {
        let successor = steps.get(step)?.iter().find(|(old, _)| *old == code).map(|(_, new)| *new);
        code = successor.unwrap_or(code);
        lists.get(step.saturating_add(1))?.names.get(&code)?;
    }
    for step in (to..from).rev() {
        let predecessor = steps.get(step)?.iter().find(|(_, new)| *new == code).map(|(old, _)| *old);
        code = predecessor.unwrap_or(code);
        lists.get(step)?.names.get(&code)?;
    }
    Some(code)
}

fn read_list(((year, month, day), csv): ((i32, u32, u32), &'static str)) -> List {
    let day = BusinessDate::from_ymd(year, month, day).expect("a day of the calendar");
    let mut villages: Vec<Village> =
        csv.lines().skip(1).map(|line| read_village(line).expect("the committed list is well formed")).collect();
    villages.sort_by_key(|village| village.code);
    let mut names = BTreeMap::from([(DivisionCode::from(HOME), "托里县")]);
    for village in &villages {
        names.insert(village.code, village.name);
        names.insert(village.township, village.township_name);
    }
    List { day, villages, names, codes: BTreeMap::new() }
}

fn read_village(line: &'static str) -> Option<Village> {
    let mut fields = line.split(',');
    let township = DivisionCode::parse(fields.next()?).ok()?;
    let township_name = fields.next()?;
    let code = DivisionCode::parse(fields.next()?).ok()?;
    let name = fields.next()?;
    let kind = fields.next()?;
    Some(Village { code, name, township, township_name, kind })
}

/// Old and new code of every unit that was re-coded. Other changes keep the code or begin a unit.
fn read_recoded(csv: &'static str) -> Vec<(DivisionCode, DivisionCode)> {
    let lines = csv.lines().skip(1).filter(|line| line.starts_with("recoded,"));
    let read = |line: &str| {
        let mut fields = line.split(',').skip(1);
        let old = DivisionCode::parse(fields.next()?).ok()?;
        Some((old, DivisionCode::parse(fields.nth(2)?).ok()?))
    };
    lines.map(|line| read(line).expect("the committed changes are well formed")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> DivisionCode {
        DivisionCode::parse(text).unwrap()
    }

    fn day(text: &str) -> BusinessDate {
        BusinessDate::parse(text).unwrap()
    }

    /// 喀拉苏村 by both its codes, and its township of 2023, 哈图镇.
    const OLD: &str = "654224201206";
    const NEW: &str = "654224103200";
    const TOWN: &str = "654224103";

    #[test]
    fn the_editions_are_what_their_source_says() {
        let count = |edition: Edition, kind| edition.villages().iter().filter(|v| v.kind == kind).count();
        assert_eq!((Edition::FIRST.villages().len(), count(Edition::FIRST, "village")), (87, 66));
        assert_eq!((Edition::LATEST.villages().len(), count(Edition::LATEST, "village")), (88, 66));
        assert_eq!(Edition::all().map(|e| e.day().to_string()).collect::<Vec<_>>(), ["2019-10-31", "2023-06-30"]);
    }

    #[test]
    fn every_unit_of_a_list_is_in_the_next_one_by_one_code() {
        for (older, newer) in Edition::all().zip(Edition::all().skip(1)) {
            let units: Vec<DivisionCode> = older.list().names.keys().copied().collect();
            let mut then: Vec<DivisionCode> = units.iter().filter_map(|code| newer.exact(*code)).collect();
            then.sort_unstable();
            then.dedup();
            assert_eq!(then.len(), units.len(), "a unit without a successor, or two with one");
            for unit in &units {
                assert_eq!(older.exact(newer.exact(*unit).unwrap()), Some(*unit), "the way back is the way there");
            }
        }
        let recoded: Vec<_> = CHANGES.into_iter().flat_map(read_recoded).collect();
        assert_eq!(recoded.len(), 5);
        for (old, new) in recoded {
            assert!(!Edition::LATEST.lists(old) && !Edition::FIRST.lists(new), "no code is used again: {old} {new}");
        }
    }

    #[test]
    fn an_edition_gives_one_code_to_one_unit() {
        for (edition, village, township) in [(Edition::FIRST, OLD, "654224201"), (Edition::LATEST, NEW, TOWN)] {
            for written in [OLD, NEW] {
                assert_eq!(edition.of(code(written)), code(village));
                assert_eq!(edition.of(code(written)).township(), Some(code(township)));
                assert_eq!(edition.name_of(edition.of(code(written))), Some("喀拉苏村委会"));
            }
        }
        assert!(code(OLD).is_same_unit(code(NEW)) && code(NEW).is_same_unit(code(OLD)));
        assert!(!code(OLD).is_same_unit(code("654224200213")), "another village of the same name");
        assert!(code("650102").is_same_unit(code("650102")) && !code("650102").is_same_unit(code("650103")));
    }

    #[test]
    fn what_an_edition_has_not_belongs_to_what_lies_around_it() {
        let first = |text| Edition::FIRST.of(code(text)).to_string();
        // A committee that began later, a township that began later, and goods from outside.
        assert_eq!((first("654224100007"), first(TOWN)), ("654224100".to_owned(), "654224".to_owned()));
        assert_eq!((first("650102"), first("654224202207")), ("650102".to_owned(), "654224202207".to_owned()));
        assert_eq!((Edition::FIRST.exact(code(TOWN)), Edition::LATEST.exact(code(TOWN))), (None, Some(code(TOWN))));
    }

    #[test]
    fn only_listed_codes_of_the_county_exist() {
        let exists = |text| exists(code(text), None);
        assert!(exists("654224") && exists("654224202") && exists("654224202207"));
        assert!(!exists("654224999") && !exists("654224202999"));
        assert_eq!(name_of(code("654224202")), Some("库普乡"));
    }

    #[test]
    fn a_code_valid_on_its_day_stays_valid_through_its_successor() {
        let exists = |text, on| exists(code(text), Some(day(on)));
        for (on, expected) in [
            ("2000-01-01", [true, false, false]),
            ("2019-10-31", [true, false, false]),
            ("2019-11-01", [true, true, true]),
            ("2023-06-29", [true, true, true]),
            ("2023-06-30", [true, true, true]),
            ("2026-01-01", [true, true, true]),
        ] {
            assert_eq!([exists(OLD, on), exists(NEW, on), exists(TOWN, on)], expected, "{on}");
            assert!(exists("654224", on) && exists("654224202207", on), "{on}");
            assert!(!exists("654224202999", on), "{on}");
        }
    }

    #[test]
    fn a_unit_goes_by_the_code_of_its_day() {
        for (on, old, new) in [
            ("2019-10-31", OLD, OLD),
            ("2019-11-01", OLD, NEW),
            ("2023-06-29", OLD, NEW),
            ("2023-06-30", NEW, NEW),
            ("2024-03-01", NEW, NEW),
        ] {
            assert_eq!((code(OLD).on(day(on)), code(NEW).on(day(on))), (code(old), code(new)), "{on}");
        }
        assert_eq!(code("654224100007").on(day("2010-01-01")), code("654224100007"), "it has no other code");
    }

    #[test]
    fn a_window_is_grouped_by_the_list_in_force_on_its_last_day() {
        for (last, asked, expected) in [
            ("2010-01-01", None, Edition::FIRST),
            ("2023-06-29", Some(NEW), Edition::FIRST),
            ("2023-06-30", Some(OLD), Edition::LATEST),
            // The first list has no 哈图镇.
            ("2020-12-31", Some(TOWN), Edition::LATEST),
            ("2020-12-31", Some("654224999"), Edition::FIRST),
        ] {
            assert_eq!(Edition::for_window(day(last), asked.map(code)), expected, "{last} {asked:?}");
        }
    }

    #[test]
    fn elsewhere_the_province_must_exist() {
        let exists = |text| exists(code(text), None);
        assert!(exists("650102") && exists("110101001001") && exists("820000"));
        assert!(!exists("999999") && !exists("100000") && !exists("160101001") && !exists("990101001001"));
    }
}
