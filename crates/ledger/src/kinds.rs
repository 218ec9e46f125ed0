//! Stable codes of kinds of parties, places and products, as they are saved.

use loopledger_facts::{PartyKind, PlaceKind, ProductClass};
use loopledger_types::BaseUnit;

pub(crate) const PARTY_KINDS: [PartyKind; 6] = [
    PartyKind::Household,
    PartyKind::Cooperative,
    PartyKind::Firm,
    PartyKind::Carrier,
    PartyKind::Buyer,
    PartyKind::Supplier,
];
pub(crate) const CLASSES: [ProductClass; 3] =
    [ProductClass::Speciality, ProductClass::Handicraft, ProductClass::Industrial];
pub(crate) const BASES: [BaseUnit; 4] = [BaseUnit::Gram, BaseUnit::Millilitre, BaseUnit::Head, BaseUnit::Piece];
pub(crate) const PLACE_KINDS: [PlaceKind; 6] = [
    PlaceKind::Station,
    PlaceKind::Workshop,
    PlaceKind::CountyCentre,
    PlaceKind::TownshipHub,
    PlaceKind::FrontWarehouse,
    PlaceKind::Outlet,
];

/// Stable code of a party's kind, from 1; also in digests.
pub(crate) fn party_kind_code(kind: PartyKind) -> u8 {
    code(&PARTY_KINDS, Some(kind))
}

/// One more than the position of `value`; 0 for none.
pub(crate) fn code<T: PartialEq + Copy>(all: &[T], value: Option<T>) -> u8 {
    value
        .and_then(|value| all.iter().position(|each| *each == value))
        .and_then(|position| u8::try_from(position).ok()?.checked_add(1))
        .unwrap_or(0)
}

pub(crate) fn decode<T: Copy>(all: &[T], code: u8) -> Option<T> {
    all.get(usize::from(code.checked_sub(1)?)).copied()
}

pub(crate) fn party_kind_of(code: u8) -> Option<PartyKind> {
    decode(&PARTY_KINDS, code)
}
