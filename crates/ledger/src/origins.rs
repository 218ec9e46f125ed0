//! Where a lot came from, as the fact that created it said.

use loopledger_facts::station::GoodsCollected;
use loopledger_facts::stock::GoodsBoughtIn;
use loopledger_facts::{PartyRef, Terms};
use loopledger_types::{ContractId, DivisionCode, Unit, UnitPrice};

use crate::FactRef;
use crate::heads::{self, EventHead};
use crate::kinds::{party_kind_code, party_kind_of};
use crate::store::{Reader, RecordOffset, Writer};
use crate::tables::{Born, NO_ROW, Number, Tables};

/// The one origin of a lot as it was collected or bought in. Lots of several origins get one record each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OriginRecord {
    pub(crate) at: FactRef,
    /// `NO_ROW` for goods from outside: there is no receipt.
    pub(crate) receipt: Number,
    /// The producer, or the supplier outside.
    pub(crate) producer: (Number, u8),
    pub(crate) division: DivisionCode,
    /// Absent for goods from outside.
    pub(crate) terms: Option<Terms>,
    pub(crate) quantity: i64,
    pub(crate) source_quantity: i64,
    pub(crate) label: String,
    pub(crate) receipt_number: String,
    pub(crate) grade: String,
}

impl OriginRecord {
    pub(crate) fn collected(fact: &GoodsCollected, at: FactRef, tables: &mut Tables) -> Self {
        let origin = &fact.origin;
        Self {
            at,
            receipt: tables.receipt(origin.receipt),
            producer: (tables.party(origin.producer.id), party_kind_code(origin.producer.kind)),
            division: origin.division,
            terms: Some(origin.terms),
            quantity: origin.quantity.0,
            source_quantity: origin.source_quantity.0,
            label: fact.lot_label.clone(),
            receipt_number: fact.receipt_number.clone(),
            grade: fact.grade.clone(),
        }
    }

    pub(crate) fn bought_in(fact: &GoodsBoughtIn, at: FactRef, tables: &mut Tables) -> Self {
        Self {
            at,
            receipt: NO_ROW,
            producer: (tables.party(fact.supplier.id), party_kind_code(fact.supplier.kind)),
            division: fact.supplier_division,
            terms: None,
            quantity: fact.line.quantity.0,
            source_quantity: fact.line.quantity.0,
            label: fact.lot_label.clone(),
            receipt_number: String::new(),
            grade: String::new(),
        }
    }

    /// Puts it into the log; its division is that of its lot.
    pub(crate) fn put(&self, principal: Number, head: &EventHead, tables: &mut Tables) -> RecordOffset {
        let head = heads::offset(head, tables);
        let contract = self.terms.and_then(|terms| terms.contract());
        let contract = contract.map_or(NO_ROW, |contract| tables.document(contract.0));
        tables.log.append(RecordOffset::NONE, head, |out| self.write((principal, contract), out))
    }

    fn write(&self, (principal, contract): (Number, Number), out: &mut Writer) {
        out.row(self.receipt).index(self.producer.0).byte(self.producer.1);
        write_terms(self.terms.as_ref(), (principal, contract), out);
        out.signed(self.quantity).signed(self.source_quantity);
        out.text(&self.label).text(&self.receipt_number).text(&self.grade);
    }

    /// The origin of a lot that was born.
    pub(crate) fn of(born: &Born, tables: &Tables) -> Option<Self> {
        let (mut reader, head) = tables.log.chain(born.origins).next()?;
        let from = &mut reader;
        Some(Self {
            at: heads::read(head, tables)?.at,
            receipt: from.row()?,
            producer: (from.index()?, from.byte()?),
            division: born.division.division(),
            terms: read_terms(from, tables)?,
            quantity: from.signed()?,
            source_quantity: from.signed()?,
            label: from.text()?.to_owned(),
            receipt_number: from.text()?.to_owned(),
            grade: from.text()?.to_owned(),
        })
    }
}

fn write_terms(terms: Option<&Terms>, (principal, contract): (Number, Number), out: &mut Writer) {
    let Some(terms) = terms else {
        out.byte(0);
        return;
    };
    let tag = match terms {
        Terms::Outright { .. } => 1,
        Terms::AgreedPrice { .. } => 2,
        Terms::Commission { .. } => 3,
    };
    out.byte(tag).index(principal).byte(party_kind_code(terms.principal().kind));
    match terms {
        Terms::Outright { price, .. } | Terms::AgreedPrice { price, .. } => write_price(Some(*price), out),
        Terms::Commission { commission_bp, price_basis, .. } => write_price(*price_basis, out.index(*commission_bp)),
    }
    out.row(contract);
}

#[expect(clippy::option_option, reason = "outer: damage; inner: nothing was written")]
fn read_terms(from: &mut Reader<'_>, tables: &Tables) -> Option<Option<Terms>> {
    let tag = from.byte()?;
    if tag == 0 {
        return Some(None);
    }
    let id = tables.party_id(from.index()?)?;
    let principal = PartyRef { id, kind: party_kind_of(from.byte()?)? };
    let commission_bp = if tag == 3 { from.index()? } else { 0 };
    let price = read_price(from)?;
    let contract = tables.document_id(from.row()?).map(ContractId);
    Some(Some(match tag {
        1 => Terms::Outright { buyer: principal, price: price?, contract },
        2 => Terms::AgreedPrice { consignee: principal, price: price?, contract },
        _ => Terms::Commission { consignee: principal, commission_bp, price_basis: price, contract },
    }))
}

fn write_price(price: Option<UnitPrice>, out: &mut Writer) {
    match price.and_then(|price| Some((price, UNITS.iter().position(|unit| *unit == price.per)?))) {
        Some((price, unit)) => {
            out.byte(u8::try_from(unit).unwrap_or(0).saturating_add(1)).signed(price.e4);
        }
        None => {
            out.byte(0);
        }
    }
}

#[expect(clippy::option_option, reason = "outer: damage; inner: nothing was written")]
fn read_price(from: &mut Reader<'_>) -> Option<Option<UnitPrice>> {
    match from.byte()?.checked_sub(1) {
        None => Some(None),
        Some(unit) => Some(Some(UnitPrice { per: *UNITS.get(usize::from(unit))?, e4: from.signed()? })),
    }
}

const UNITS: [Unit; 9] = [
    Unit::Gram,
    Unit::Liang,
    Unit::Jin,
    Unit::Kilogram,
    Unit::Tonne,
    Unit::Millilitre,
    Unit::Litre,
    Unit::Head,
    Unit::Piece,
];

/// Whether goods on these terms are consigned at an agreed price: then what is unsold is a memorandum of the consignee.
pub(crate) fn agreed_price(terms: Option<&Terms>) -> Option<(PartyRef, UnitPrice)> {
    match terms? {
        Terms::AgreedPrice { consignee, price, .. } => Some((*consignee, *price)),
        Terms::Outright { .. } | Terms::Commission { .. } => None,
    }
}
