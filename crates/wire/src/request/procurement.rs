//! Requests of `loopledger.procurement.v1`.

use loopledger_domain::procurement::{
    AddHouseholdMember, ChangeHouseholdCategory, Command, ContractLinkage, FailPayout, MakePayout, RegisterHousehold,
    RegisterParty, RegisterProduct, RelocateHousehold, RemoveHouseholdMember,
};
use loopledger_domain::{FieldFault, PartyKind, Rejection, Relation};
use loopledger_proto::procurement::v1 as pb;
use loopledger_types::{ContractId, EntityKind, MemberId, PartyId, PayableId, PayoutId, PlaceId, ProductId};

use super::check::{LABEL_MAX, LINES_MAX, MEMBERS_MAX};
use super::{Check, at, requests};

requests! {
    "loopledger.procurement.v1" pb Command, |receipt, created|
    RegisterHousehold: RegisterHouseholdRequest => register_household, RegisterHouseholdResponse {
        household_id: receipt.id(PartyId::derive, 0),
        member_ids: (0..created.members).map(|index| receipt.id(MemberId::derive, index)).collect(),
    };
    ChangeHouseholdCategory: ChangeHouseholdCategoryRequest => change_category, ChangeHouseholdCategoryResponse {};
    AddHouseholdMember: AddHouseholdMemberRequest => add_member, AddHouseholdMemberResponse {
        member_id: receipt.id(MemberId::derive, 0),
    };
    RemoveHouseholdMember: RemoveHouseholdMemberRequest => remove_member, RemoveHouseholdMemberResponse {};
    RelocateHousehold: RelocateHouseholdRequest => relocate, RelocateHouseholdResponse {};
    RegisterParty: RegisterPartyRequest => register_party, RegisterPartyResponse {
        party_id: receipt.id(PartyId::derive, 0),
    };
    RegisterProduct: RegisterProductRequest => register_product, RegisterProductResponse {
        product_id: receipt.id(ProductId::derive, 0),
    };
    ContractLinkage: ContractLinkageRequest => contract_linkage, ContractLinkageResponse {
        contract_id: receipt.id(ContractId::derive, 0),
    };
    MakePayout: MakePayoutRequest => make_payout, MakePayoutResponse {
        payout_id: receipt.id(PayoutId::derive, 0),
    };
    FailPayout: FailPayoutRequest => fail_payout, FailPayoutResponse {};
}

fn register_household(request: &pb::RegisterHouseholdRequest, check: &mut Check) -> Option<Command> {
    check.creates(&[EntityKind::Party]);
    check.created.members = u32::try_from(request.members.len()).unwrap_or(u32::MAX);
    let occasion = check.occasion(request.occasion.as_ref());
    let division = check.division(at("division_code"), &request.division_code);
    let category = check.word(at("category"), request.category);
    let members =
        check.list(at("members"), &request.members, (1, MEMBERS_MAX), |check, at, relation| check.word(at, *relation));
    let heads = members.iter().flatten().filter(|relation| **relation == Relation::Head).count();
    if members.is_some() && heads != 1 {
        return check.wrong(at("members"), FieldFault::HouseholdNeedsOneHead, "A household has exactly one head.");
    }
    Some(Command::RegisterHousehold(RegisterHousehold {
        occasion: occasion?,
        division: division?,
        category: category?,
        members: members?,
    }))
}

fn change_category(request: &pb::ChangeHouseholdCategoryRequest, check: &mut Check) -> Option<Command> {
    let occasion = check.occasion(request.occasion.as_ref());
    let household = check.id(at("household_id"), &request.household_id, PartyId::parse);
    let category = check.word(at("category"), request.category);
    Some(Command::ChangeHouseholdCategory(ChangeHouseholdCategory {
        occasion: occasion?,
        household: household?,
        category: category?,
    }))
}

fn add_member(request: &pb::AddHouseholdMemberRequest, check: &mut Check) -> Option<Command> {
    check.creates(&[EntityKind::Member]);
    let occasion = check.occasion(request.occasion.as_ref());
    let household = check.id(at("household_id"), &request.household_id, PartyId::parse);
    let relation = check.word(at("relation"), request.relation);
    Some(Command::AddHouseholdMember(AddHouseholdMember {
        occasion: occasion?,
        household: household?,
        relation: relation?,
    }))
}

fn remove_member(request: &pb::RemoveHouseholdMemberRequest, check: &mut Check) -> Option<Command> {
    let occasion = check.occasion(request.occasion.as_ref());
    let household = check.id(at("household_id"), &request.household_id, PartyId::parse);
    let member = check.id(at("member_id"), &request.member_id, MemberId::parse);
    Some(Command::RemoveHouseholdMember(RemoveHouseholdMember {
        occasion: occasion?,
        household: household?,
        member: member?,
    }))
}

fn relocate(request: &pb::RelocateHouseholdRequest, check: &mut Check) -> Option<Command> {
    let occasion = check.occasion(request.occasion.as_ref());
    let household = check.id(at("household_id"), &request.household_id, PartyId::parse);
    let division = check.division(at("division_code"), &request.division_code);
    Some(Command::RelocateHousehold(RelocateHousehold {
        occasion: occasion?,
        household: household?,
        division: division?,
    }))
}

fn register_party(request: &pb::RegisterPartyRequest, check: &mut Check) -> Option<Command> {
    check.creates(&[EntityKind::Party]);
    let occasion = check.occasion(request.occasion.as_ref());
    let kind = check.word(at("kind"), request.kind);
    if kind == Some(PartyKind::Household) {
        check.wrong::<()>(at("kind"), FieldFault::UnknownValue, "A household is registered by RegisterHousehold.");
    }
    let division = check.division(at("division_code"), &request.division_code);
    let label = check.text(at("label"), &request.label, LABEL_MAX);
    Some(Command::RegisterParty(RegisterParty { occasion: occasion?, kind: kind?, division: division?, label: label? }))
}

fn register_product(request: &pb::RegisterProductRequest, check: &mut Check) -> Option<Command> {
    check.creates(&[EntityKind::Product]);
    let occasion = check.occasion(request.occasion.as_ref());
    let code = check.code(at("code"), &request.code);
    let name = check.text(at("name"), &request.name, LABEL_MAX);
    let class = check.word(at("product_class"), request.product_class);
    let base = check.word(at("base_unit"), request.base_unit);
    Some(Command::RegisterProduct(RegisterProduct {
        occasion: occasion?,
        code: code?,
        name: name?,
        class: class?,
        base: base?,
    }))
}

fn contract_linkage(request: &pb::ContractLinkageRequest, check: &mut Check) -> Option<Command> {
    check.creates(&[EntityKind::Contract]);
    let occasion = check.occasion(request.occasion.as_ref());
    let firm = check.id(at("firm_id"), &request.firm_id, PartyId::parse);
    let station = check.id(at("station_id"), &request.station_id, PlaceId::parse);
    let producer = check.id(at("producer_id"), &request.producer_id, PartyId::parse);
    let product = check.id(at("product_id"), &request.product_id, ProductId::parse);
    let terms = check.terms(at("terms"), request.terms.as_ref());
    let valid_from = check.date(at("valid_from"), &request.valid_from);
    let valid_to = check.date(at("valid_to"), &request.valid_to);
    if let (Some(from), Some(to)) = (valid_from, valid_to)
        && to < from
    {
        check.wrong::<()>(at("valid_to"), FieldFault::OutOfRange, "The last day is not before the first.");
    }
    let quantity_max = match &request.quantity_max {
        None => Some(None),
        Some(quantity) => check.quantity(at("quantity_max"), Some(quantity)).map(Some),
    };
    Some(Command::ContractLinkage(ContractLinkage {
        occasion: occasion?,
        firm: firm?,
        station: station?,
        producer: producer?,
        product: product?,
        terms: terms?,
        valid_from: valid_from?,
        valid_to: valid_to?,
        quantity_max: quantity_max?,
    }))
}

fn make_payout(request: &pb::MakePayoutRequest, check: &mut Check) -> Option<Command> {
    check.creates(&[EntityKind::Payout]);
    let occasion = check.occasion(request.occasion.as_ref());
    let paid_by = check.id(at("payer_id"), &request.payer_id, PartyId::parse);
    let payee = check.id(at("payee_id"), &request.payee_id, PartyId::parse);
    let amount = match request.amount_fen {
        None => Some(None),
        Some(fen) => check.amount(at("amount_fen"), fen).map(Some),
    };
    let payables = check.list(at("payable_ids"), &request.payable_ids, (0, LINES_MAX), |check, at, id| {
        check.id(at, id, PayableId::parse)
    });
    let method = check.word(at("method"), request.method);
    let proof_hash = check.optional_hash(at("proof_hash"), &request.proof_hash);
    let received_by = check.optional_id(at("received_by"), &request.received_by, MemberId::parse);
    Some(Command::MakePayout(MakePayout {
        occasion: occasion?,
        payer: paid_by?,
        payee: payee?,
        amount: amount?,
        payables: payables?,
        method: method?,
        proof_hash: proof_hash?,
        received_by: received_by?,
    }))
}

fn fail_payout(request: &pb::FailPayoutRequest, check: &mut Check) -> Option<Command> {
    let occasion = check.occasion(request.occasion.as_ref());
    let payout = check.id(at("payout_id"), &request.payout_id, PayoutId::parse);
    let reason = check.text(at("reason"), &request.reason, LABEL_MAX);
    Some(Command::FailPayout(FailPayout { occasion: occasion?, payout: payout?, reason: reason? }))
}
