//! Parties, products, contracts and payouts.

use serde_json::json;

use super::{Case, early, heads, per_head};
use crate::season::on;

const P: &str = "procurement";

#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn cases() -> Vec<Case> {
    vec![
        (
            P,
            "RegisterHousehold",
            json!({"divisionCode": "654224202"}),
            "INVALID_REQUEST division_code:NOT_A_VILLAGE_OF_THE_COUNTY",
        ),
        (
            P,
            "RegisterHousehold",
            json!({"divisionCode": "654224202999", "members": ["RELATION_SPOUSE"]}),
            "INVALID_REQUEST division_code:UNKNOWN_DIVISION members:HOUSEHOLD_NEEDS_ONE_HEAD",
        ),
        (P, "ChangeHouseholdCategory", json!({"householdId": "$COOP"}), "NOT_A_HOUSEHOLD $COOP"),
        (P, "ChangeHouseholdCategory", json!({"householdId": "$ABSENT"}), "NOT_FOUND party $ABSENT"),
        (P, "ChangeHouseholdCategory", json!({"occasion": early()}), "DATE_TOO_EARLY $H1"),
        (P, "AddHouseholdMember", json!({"relation": "RELATION_HEAD"}), "HOUSEHOLD_NEEDS_ONE_HEAD $H1"),
        (P, "AddHouseholdMember", json!({"occasion": early()}), "DATE_TOO_EARLY $H1"),
        (P, "AddHouseholdMember", json!({"householdId": "$ABSENT"}), "NOT_FOUND party $ABSENT"),
        (P, "RemoveHouseholdMember", json!({"memberId": "$H1.head"}), "HOUSEHOLD_NEEDS_ONE_HEAD $H1"),
        (P, "RemoveHouseholdMember", json!({"memberId": "$H2.head"}), "MEMBER_NOT_IN_HOUSEHOLD $H2.head"),
        (
            P,
            "RelocateHousehold",
            json!({"divisionCode": "110101001001"}),
            "INVALID_REQUEST division_code:NOT_A_VILLAGE_OF_THE_COUNTY",
        ),
        (P, "RelocateHousehold", json!({"occasion": early()}), "DATE_TOO_EARLY $H1"),
        (P, "RelocateHousehold", json!({"householdId": "$FIRM"}), "NOT_A_HOUSEHOLD $FIRM"),
        (
            P,
            "RegisterParty",
            json!({"kind": "PARTY_KIND_HOUSEHOLD", "label": ""}),
            "INVALID_REQUEST kind:UNKNOWN_VALUE label:REQUIRED",
        ),
        (P, "RegisterProduct", json!({"code": "pea"}), "EXISTS product $pea"),
        (P, "ContractLinkage", json!({"firmId": "$CARR"}), "PARTY_CANNOT_TRADE $CARR"),
        (P, "ContractLinkage", json!({"producerId": "$SUPP"}), "PARTY_NOT_A_PRODUCER $SUPP"),
        (P, "ContractLinkage", json!({"firmId": "$COOP", "producerId": "$COOP"}), "SELLER_IS_BUYER $COOP"),
        (P, "ContractLinkage", json!({"stationId": "$ABSENT"}), "NOT_FOUND place $ABSENT"),
        (P, "ContractLinkage", json!({"productId": "$ABSENT"}), "NOT_FOUND product $ABSENT"),
        (
            P,
            "ContractLinkage",
            json!({"terms": {"outright": {"price": per_head()}}, "quantityMax": heads()}),
            "INVALID_REQUEST quantity_max:WRONG_UNIT terms.outright.price:WRONG_UNIT",
        ),
        (P, "ContractLinkage", json!({"validTo": "2025-12-31"}), "INVALID_REQUEST valid_to:OUT_OF_RANGE"),
        (P, "MakePayout", json!({"amountFen": 1_000_000_000}), "PAYOUT_EXCEEDS_OWED $H1"),
        (P, "MakePayout", json!({"payeeId": "$H2"}), "NOTHING_OWED $H2"),
        (
            P,
            "MakePayout",
            json!({"payeeId": "$SUPP", "amountFen": null, "payableIds": null, "receivedBy": null}),
            "TOO_LARGE $SUPP",
        ),
        (P, "MakePayout", json!({"receivedBy": "$H2.head"}), "MEMBER_NOT_IN_HOUSEHOLD $H2.head"),
        (P, "MakePayout", json!({"payableIds": ["$ABSENT"]}), "NOT_FOUND payable $ABSENT"),
        (P, "MakePayout", json!({"payableIds": ["$OWED.SUPP"]}), "INVALID_REQUEST payable_ids[0]:OTHER_ACCOUNT"),
        (P, "MakePayout", json!({"payableIds": ["$OWED.H1", "$OWED.H1"]}), "INVALID_REQUEST payable_ids[1]:DUPLICATE"),
        (P, "MakePayout", json!({"payerId": "$ABSENT"}), "NOT_FOUND party $ABSENT"),
        (P, "FailPayout", json!({"payoutId": "$P0"}), "PAYOUT_ALREADY_FAILED $P0"),
        (P, "FailPayout", json!({"occasion": early()}), "DATE_TOO_EARLY $P1"),
        (P, "FailPayout", json!({"payoutId": "$ABSENT"}), "NOT_FOUND payout $ABSENT"),
        (
            P,
            "ChangeHouseholdCategory",
            json!({"householdId": "x", "category": 99}),
            "INVALID_REQUEST category:UNKNOWN_VALUE household_id:NOT_A_UUID",
        ),
        (P, "AddHouseholdMember", json!({"relation": null}), "INVALID_REQUEST relation:REQUIRED"),
        (P, "AddHouseholdMember", json!({"householdId": "$FIRM"}), "NOT_A_HOUSEHOLD $FIRM"),
        (P, "RemoveHouseholdMember", json!({"memberId": ""}), "INVALID_REQUEST member_id:REQUIRED"),
        (P, "RemoveHouseholdMember", json!({"householdId": "$ABSENT"}), "NOT_FOUND party $ABSENT"),
        (P, "RemoveHouseholdMember", json!({"householdId": "$FIRM"}), "NOT_A_HOUSEHOLD $FIRM"),
        // A child joined on the 20th.
        (P, "RemoveHouseholdMember", json!({"occasion": on("2026-02-10")}), "BACK_DATED $H1"),
        (P, "RelocateHousehold", json!({"householdId": "$ABSENT"}), "NOT_FOUND party $ABSENT"),
        (
            P,
            "RegisterParty",
            json!({"divisionCode": "6542", "label": "x".repeat(101)}),
            "INVALID_REQUEST division_code:MALFORMED_DIVISION label:TOO_LONG",
        ),
        (P, "RegisterParty", json!({"divisionCode": "999999"}), "INVALID_REQUEST division_code:UNKNOWN_DIVISION"),
        (
            P,
            "RegisterProduct",
            json!({"code": "", "name": "x".repeat(101), "baseUnit": null, "productClass": 99}),
            "INVALID_REQUEST base_unit:REQUIRED code:REQUIRED name:TOO_LONG product_class:UNKNOWN_VALUE",
        ),
        (P, "ContractLinkage", json!({"firmId": "$ABSENT"}), "NOT_FOUND party $ABSENT"),
        (P, "ContractLinkage", json!({"producerId": "$ABSENT"}), "NOT_FOUND party $ABSENT"),
        (P, "MakePayout", json!({"payeeId": "$ABSENT"}), "NOT_FOUND party $ABSENT"),
        (
            P,
            "MakePayout",
            json!({"amountFen": 0, "proofHash": "AQI="}),
            "INVALID_REQUEST amount_fen:NOT_POSITIVE proof_hash:HASH_LENGTH",
        ),
        (P, "FailPayout", json!({"reason": " "}), "INVALID_REQUEST reason:REQUIRED"),
    ]
}
