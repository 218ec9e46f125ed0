//! Small texts that several commands print.

use loopledger_proto::common::v1::{BaseUnit, HouseholdCategory};
use loopledger_proto::ledger::v1::{Fact, IncomeBasis, IncomeCategory, IncomeView, Named};
use loopledger_types::Money;
use serde_json::{Value, json};

/// Fen as yuan with two decimals.
pub(super) fn yuan(fen: i64) -> Value {
    json!(Money(fen).to_string())
}

/// Yuan, or nothing.
pub(super) fn some_yuan(fen: Option<i64>) -> Value {
    fen.map_or(Value::Null, yuan)
}

/// Basis points as a percentage with two decimals, or nothing.
pub(super) fn percent(basis_points: Option<i64>) -> Value {
    basis_points.map_or(Value::Null, |bp| json!(format!("{}%", Money(bp))))
}

/// `station/654224/1042`, with the event's index if it is not the first.
pub(super) fn fact(fact: Option<&Fact>) -> String {
    let Some(fact) = fact else { return String::new() };
    let Some(position) = &fact.position else { return String::new() };
    match fact.event {
        0 => format!("{}/{}", position.stream, position.sequence),
        event => format!("{}/{}#{event}", position.stream, position.sequence),
    }
}

/// The label, or the id where there is none to show.
pub(super) fn named(named: Option<&Named>) -> String {
    named.map_or_else(String::new, |named| if named.label.is_empty() { named.id.clone() } else { named.label.clone() })
}

pub(super) const fn unit(unit: BaseUnit) -> &'static str {
    match unit {
        BaseUnit::Unspecified => "",
        BaseUnit::Gram => "克",
        BaseUnit::Millilitre => "毫升",
        BaseUnit::Head => "只",
        BaseUnit::Piece => "件",
    }
}

pub(super) const fn category(category: IncomeCategory) -> &'static str {
    match category {
        IncomeCategory::Unspecified => "",
        IncomeCategory::Operating => "生产经营性",
        IncomeCategory::Wage => "工资性",
        IncomeCategory::Property => "财产性",
        IncomeCategory::Transfer => "转移性",
    }
}

pub(super) const fn basis(basis: IncomeBasis) -> &'static str {
    match basis {
        IncomeBasis::Unspecified => "",
        IncomeBasis::Outright => "买断收购",
        IncomeBasis::AgreedPrice => "视同买断代销",
        IncomeBasis::Commission => "手续费代销",
    }
}

pub(super) const fn view(view: IncomeView) -> &'static str {
    match view {
        IncomeView::Unspecified => "",
        IncomeView::Recognised => "应得",
        IncomeView::Received => "实收",
    }
}

pub(super) const fn household_category(category: HouseholdCategory) -> &'static str {
    match category {
        HouseholdCategory::Unspecified => "",
        HouseholdCategory::General => "一般农户",
        HouseholdCategory::RegisteredPoor => "建档立卡贫困户",
        HouseholdCategory::Exited => "脱贫户",
        HouseholdCategory::ExitedUnstable => "脱贫不稳定户",
        HouseholdCategory::AtRisk => "边缘易致贫户",
        HouseholdCategory::SuddenHardship => "突发严重困难户",
    }
}
