//! Parties, products and places: what they are called and what they are, with the days from which it holds.

use loopledger_facts::distribution::SiteOpened;
use loopledger_facts::procurement::{
    HouseholdCategoryChanged, HouseholdRegistered, HouseholdRelocated, MemberJoined, MemberLeft, PartyRegistered,
    ProductRegistered,
};
use loopledger_facts::station::StationOpened;
use loopledger_facts::{HouseholdCategory, PartyKind, PartyRef, PlaceKind};
use loopledger_types::{BusinessDate, DivisionCode, PartyId, PlaceId};

use super::{At, Fold};
use crate::book_records::{self, BookRecord};
use crate::fact::{read_date, write_date};
use crate::heads;
use crate::store::{Reader, Writer};
use crate::tables::{NO_ROW, Opened, Tables};

/// One thing that is known of a party, from a day on. Chained in the order of procurement's stream, each under the head of
/// its event: so it is known when it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProfileRecord {
    Label {
        label: String,
    },
    Division {
        division: DivisionCode,
        from: BusinessDate,
    },
    Category {
        category: HouseholdCategory,
        from: BusinessDate,
    },
    Joined {
        from: BusinessDate,
    },
    /// `from` is the first day without the member.
    Left {
        from: BusinessDate,
    },
}

/// A place as it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PlaceRecord {
    kind: PlaceKind,
    division: DivisionCode,
    on: BusinessDate,
    label: String,
}

impl From<&StationOpened> for PlaceRecord {
    fn from(fact: &StationOpened) -> Self {
        Self { kind: fact.kind, division: fact.division, on: fact.occasion.business_date, label: fact.label.clone() }
    }
}

impl From<&SiteOpened> for PlaceRecord {
    fn from(fact: &SiteOpened) -> Self {
        Self { kind: fact.kind, division: fact.division, on: fact.occasion.business_date, label: fact.label.clone() }
    }
}

impl Fold for HouseholdRegistered {
    fn fold(&self, at: At, tables: &mut Tables) {
        let mut note = |record: ProfileRecord| household_changed(self.household, &record, self.from, at, tables);
        note(ProfileRecord::Division { division: self.division, from: self.from });
        note(ProfileRecord::Category { category: self.category, from: self.from });
        for member in &self.members {
            note(ProfileRecord::Joined { from: member.from });
        }
    }
}

impl Fold for PartyRegistered {
    fn fold(&self, at: At, tables: &mut Tables) {
        let from = self.occasion.business_date;
        let mut note = |record: ProfileRecord| profile(self.party, &record, from, at, tables);
        note(ProfileRecord::Division { division: self.division, from });
        note(ProfileRecord::Label { label: self.label.clone() });
    }
}

impl Fold for HouseholdCategoryChanged {
    fn fold(&self, at: At, tables: &mut Tables) {
        let record = ProfileRecord::Category { category: self.category, from: self.from };
        household_changed(self.household, &record, self.from, at, tables);
    }
}

impl Fold for MemberJoined {
    fn fold(&self, at: At, tables: &mut Tables) {
        let record = ProfileRecord::Joined { from: self.member.from };
        household_changed(self.household, &record, self.member.from, at, tables);
    }
}

impl Fold for MemberLeft {
    fn fold(&self, at: At, tables: &mut Tables) {
        let record = ProfileRecord::Left { from: self.from };
        household_changed(self.household, &record, self.from, at, tables);
    }
}

impl Fold for HouseholdRelocated {
    fn fold(&self, at: At, tables: &mut Tables) {
        let record = ProfileRecord::Division { division: self.division, from: self.from };
        household_changed(self.household, &record, self.from, at, tables);
    }
}

fn household_changed(id: PartyId, record: &ProfileRecord, from: BusinessDate, at: At, tables: &mut Tables) {
    profile(PartyRef { id, kind: PartyKind::Household }, record, from, at, tables);
}

fn profile(party: PartyRef, record: &ProfileRecord, from: BusinessDate, at: At, tables: &mut Tables) {
    let number = super::party(party, tables);
    let head = heads::offset(&at.on(from), tables);
    let Some(previous) = tables.parties.value(number).map(|row| row.profile) else { return };
    let last = tables.log.append(previous, head, |out| write_profile(record, out));
    tables.parties.update(number, |row| row.profile = last);
}

impl Fold for ProductRegistered {
    fn fold(&self, at: At, tables: &mut Tables) {
        let number = tables.product(self.product);
        let words = tables.log.put(|out| {
            out.text(&self.code).text(&self.name);
        });
        tables.products.update(number, |row| {
            row.class = Some(self.class);
            row.base = Some(self.base);
            row.recorded_on = Some(at.recorded_on);
            row.words = words;
        });
    }
}

impl Fold for StationOpened {
    fn fold(&self, at: At, tables: &mut Tables) {
        place(&PlaceRecord::from(self), self.operator, self.station, at, tables);
    }
}

impl Fold for SiteOpened {
    fn fold(&self, at: At, tables: &mut Tables) {
        place(&PlaceRecord::from(self), self.operator, self.site, at, tables);
    }
}

fn place(record: &PlaceRecord, operator: PartyRef, id: PlaceId, at: At, tables: &mut Tables) {
    let operator = super::party(operator, tables);
    let number = tables.place(id);
    let label = tables.log.put(|out| {
        out.text(&record.label);
    });
    let (kind, division, on) = (record.kind, record.division, record.on);
    let opened = Opened { kind, division, on, recorded_on: at.recorded_on, operator };
    tables.places.update(number, |row| {
        row.opened = Some(opened);
        row.label = label;
    });
    book_records::append(NO_ROW, record.on, &BookRecord::Opened { place: number }, at, tables);
}

fn write_profile(record: &ProfileRecord, out: &mut Writer) {
    match record {
        ProfileRecord::Label { label } => {
            out.byte(0).text(label);
        }
        ProfileRecord::Division { division, from } => {
            out.byte(1).number(division.get());
            write_date(*from, out);
        }
        ProfileRecord::Category { category, from } => {
            out.byte(2).byte(category_code(*category));
            write_date(*from, out);
        }
        ProfileRecord::Joined { from } => write_date(*from, out.byte(3)),
        ProfileRecord::Left { from } => write_date(*from, out.byte(4)),
    }
}

pub(crate) fn read_profile(from: &mut Reader<'_>) -> Option<ProfileRecord> {
    Some(match from.byte()? {
        0 => ProfileRecord::Label { label: from.text()?.to_owned() },
        1 => ProfileRecord::Division {
            division: DivisionCode::from_number(from.number()?).ok()?,
            from: read_date(from)?,
        },
        2 => ProfileRecord::Category { category: category_of(from.byte()?)?, from: read_date(from)? },
        3 => ProfileRecord::Joined { from: read_date(from)? },
        4 => ProfileRecord::Left { from: read_date(from)? },
        _ => return None,
    })
}

const CATEGORIES: [HouseholdCategory; 6] = [
    HouseholdCategory::General,
    HouseholdCategory::RegisteredPoor,
    HouseholdCategory::Exited,
    HouseholdCategory::ExitedUnstable,
    HouseholdCategory::AtRisk,
    HouseholdCategory::SuddenHardship,
];

fn category_code(category: HouseholdCategory) -> u8 {
    CATEGORIES.iter().position(|each| *each == category).and_then(|at| u8::try_from(at).ok()).unwrap_or(0)
}

fn category_of(code: u8) -> Option<HouseholdCategory> {
    CATEGORIES.get(usize::from(code)).copied()
}
