//! What several answers show, in the words of the contract. Households are shown by id alone; everybody else with a label.

use loopledger_ledger::{Account, Counterparty, GoodsAt};
use loopledger_proto::common::v1 as common;
use loopledger_proto::ledger::v1 as pb;
use loopledger_types::{PartyId, PlaceId, Position, ProductId, Scope, Timestamp};
use loopledger_wire::{Word, position_to_pb};

use crate::api::{Fact, Names};

pub(super) fn positions(positions: &[Position]) -> Vec<common::Position> {
    positions.iter().copied().map(position_to_pb).collect()
}

pub(super) fn fact(fact: &Fact) -> pb::Fact {
    pb::Fact { position: Some(position_to_pb(fact.position)), event: fact.event }
}

pub(super) fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

pub(super) fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.seconds, nanos: i32::try_from(at.nanos).unwrap_or(0) }
}

pub(super) fn party(id: PartyId, names: &Names) -> pb::Named {
    pb::Named { id: id.to_string(), label: names.party(id).to_owned() }
}

pub(super) fn product(id: ProductId, names: &Names) -> pb::Named {
    pb::Named { id: id.to_string(), label: names.product(id).to_owned() }
}

/// The base unit, as a number of the contract.
pub(super) fn unit(id: ProductId, names: &Names) -> i32 {
    names.base_unit(id).map_or(0, Word::number)
}

pub(super) fn place(id: PlaceId, names: &Names) -> pb::Named {
    pb::Named { id: id.to_string(), label: names.place(id).to_owned() }
}

pub(super) fn account(account: Account) -> pb::Account {
    pb::Account {
        number: account.number().to_owned(),
        name: account.english().to_owned(),
        chinese: account.chinese().to_owned(),
    }
}

pub(super) fn counterparty(counterparty: Counterparty, names: &Names) -> Option<pb::Counterparty> {
    use pb::counterparty::Who;
    let who = match counterparty {
        Counterparty::None => return None,
        Counterparty::Party(id) => Who::Party(party(id, names)),
        Counterparty::Outside(scope) => Who::Outside(scope_name(scope).to_owned()),
    };
    Some(pb::Counterparty { who: Some(who) })
}

pub(super) const fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::County => "county",
        Scope::Prefecture => "prefecture",
        Scope::Region => "region",
        Scope::Outside => "outside",
    }
}

pub(super) fn goods_at(at: &GoodsAt, names: &Names) -> pb::GoodsAt {
    pb::GoodsAt {
        account: at.account.as_str().to_owned(),
        label: at.account.chinese().to_owned(),
        place: at.place.map(|id| place(id, names)),
        destination: at.destination.map(|id| place(id, names)),
        custodian: at.custodian.map(|id| party(id, names)),
    }
}
