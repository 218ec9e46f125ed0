//! Names and kinds: what queries show beside ids. Households have no name, only a division, a category and a head count.

use loopledger_facts::{HouseholdCategory, PartyKind, PlaceKind, ProductClass};
use loopledger_types::{BaseUnit, BusinessDate, DivisionCode, LotId, PartyId, PlaceId, ProductId, comparison_key};

use crate::Ledger;
use crate::fold::{ProfileRecord, read_profile};
use crate::heads;
use crate::origins::OriginRecord;
use crate::store::RecordOffset;
use crate::tables::PartyRow;

/// A party on a day, as known by a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartyView {
    pub id: PartyId,
    /// Absent for a party that facts name but that is not registered (yet).
    pub kind: Option<PartyKind>,
    /// By the code of that day.
    pub division: Option<DivisionCode>,
    /// Empty for households.
    pub label: String,
    /// Of households.
    pub category: Option<HouseholdCategory>,
    /// Members on that day, of households.
    pub members: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductView {
    pub id: ProductId,
    pub code: String,
    pub name: String,
    pub class: Option<ProductClass>,
    pub base: Option<BaseUnit>,
    /// When its registration was recorded (official time); absent if that is not read yet.
    pub recorded_on: Option<BusinessDate>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceView {
    pub id: PlaceId,
    pub label: String,
    pub kind: Option<PlaceKind>,
    pub division: Option<DivisionCode>,
    pub opened_on: Option<BusinessDate>,
    /// When the opening was recorded (official time); absent if that is not read yet.
    pub recorded_on: Option<BusinessDate>,
    pub operator: Option<PartyId>,
}

impl Ledger {
    /// A party as it was on `day`, from what was recorded by `as_of`; `None` if no fact names it, or it was registered later.
    pub fn party(&self, id: PartyId, day: BusinessDate, as_of: Option<BusinessDate>) -> Option<PartyView> {
        let row = self.tables.parties.value(self.tables.parties.find(&id)?)?;
        self.party_view(id, *row, day, as_of)
    }

    /// Every party of a kind as it was on `day`, from what was recorded by `as_of`, by id.
    pub fn parties(&self, kind: Option<PartyKind>, day: BusinessDate, as_of: Option<BusinessDate>) -> Vec<PartyView> {
        let of_kind = self.tables.parties.iter().filter(|(_, _, row)| kind.is_none_or(|kind| row.kind == Some(kind)));
        let views = of_kind.filter_map(|(_, id, row)| self.party_view(*id, *row, day, as_of));
        let mut found: Vec<PartyView> = views.collect();
        found.sort_unstable_by_key(|view| view.id);
        found
    }

    /// `None` if the party was registered after `as_of`. One whose registration is not read yet is known by its id alone.
    fn party_view(
        &self,
        id: PartyId,
        row: PartyRow,
        day: BusinessDate,
        as_of: Option<BusinessDate>,
    ) -> Option<PartyView> {
        let mut view =
            PartyView { id, kind: row.kind, division: None, label: String::new(), category: None, members: 0 };
        let (mut joined, mut left) = (0_u32, 0_u32);
        // Latest first: the first record in force by `day` stands. A party is never without a division: before the day
        // of its registration the first one stands.
        let mut first_division = None;
        let mut is_known = row.profile == RecordOffset::NONE;
        for (mut reader, head) in self.tables.log.chain(row.profile) {
            let is_later = |day| heads::read(head, &self.tables).is_some_and(|head| head.recorded_on > day);
            let Some(record) = read_profile(&mut reader).filter(|_| !as_of.is_some_and(is_later)) else { continue };
            is_known = true;
            match record {
                ProfileRecord::Label { label } if view.label.is_empty() => view.label = label,
                ProfileRecord::Division { division, from } => {
                    first_division = Some(division);
                    if from <= day && view.division.is_none() {
                        view.division = Some(division);
                    }
                }
                ProfileRecord::Category { category, from } if from <= day && view.category.is_none() => {
                    view.category = Some(category);
                }
                ProfileRecord::Joined { from } if from <= day => joined = joined.saturating_add(1),
                ProfileRecord::Left { from } if from <= day => left = left.saturating_add(1),
                ProfileRecord::Label { .. }
                | ProfileRecord::Category { .. }
                | ProfileRecord::Joined { .. }
                | ProfileRecord::Left { .. } => {}
            }
        }
        view.division = view.division.or(first_division).map(|division| division.on(day));
        view.members = joined.saturating_sub(left);
        is_known.then_some(view)
    }

    /// `None` if no fact names it.
    pub fn product(&self, id: ProductId) -> Option<ProductView> {
        let row = self.tables.products.value(self.tables.products.find(&id)?)?;
        let words = self.tables.log.get(row.words);
        let (class, base, recorded_on) = (row.class, row.base, row.recorded_on);
        let mut view = ProductView { id, code: String::new(), name: String::new(), class, base, recorded_on };
        if let Some(mut reader) = words {
            reader.text().unwrap_or_default().clone_into(&mut view.code);
            reader.text().unwrap_or_default().clone_into(&mut view.name);
        }
        Some(view)
    }

    /// Every product that facts name, by id.
    pub fn products(&self) -> Vec<ProductView> {
        let mut found: Vec<ProductView> =
            self.tables.products.iter().filter_map(|(_, id, _)| self.product(*id)).collect();
        found.sort_unstable_by_key(|view| view.id);
        found
    }

    /// `None` if no fact names it.
    pub fn place(&self, id: PlaceId) -> Option<PlaceView> {
        let row = self.tables.places.value(self.tables.places.find(&id)?)?;
        Some(PlaceView {
            id,
            label: self.text_at(row.label),
            kind: row.opened.map(|opened| opened.kind),
            division: row.opened.map(|opened| opened.division),
            opened_on: row.opened.map(|opened| opened.on),
            recorded_on: row.opened.map(|opened| opened.recorded_on),
            operator: row.opened.and_then(|opened| self.tables.party_id(opened.operator)),
        })
    }

    /// Every place that facts name, by id.
    pub fn places(&self) -> Vec<PlaceView> {
        let mut found: Vec<PlaceView> = self.tables.places.iter().filter_map(|(_, id, _)| self.place(*id)).collect();
        found.sort_unstable_by_key(|view| view.id);
        found
    }

    /// Lots with this label or receipt number, or one that looks the same, by id. Labels are attributes, not keys: there
    /// may be several. Reads every lot: some milliseconds.
    pub fn lots_by_label(&self, label: &str) -> Vec<LotId> {
        let asked = comparison_key(label);
        let is_asked = |text: &str| text == label || comparison_key(text) == asked;
        let mut found = Vec::new();
        for (_, id, row) in self.tables.lots.iter() {
            let record = row.born.and_then(|born| OriginRecord::of(&born, &self.tables));
            if record.is_some_and(|record| is_asked(&record.label) || is_asked(&record.receipt_number)) {
                found.push(*id);
            }
        }
        found.sort_unstable();
        found
    }

    fn text_at(&self, at: RecordOffset) -> String {
        let record = self.tables.log.get(at);
        record.and_then(|mut reader| reader.text()).unwrap_or_default().to_owned()
    }
}
