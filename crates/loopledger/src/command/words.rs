//! Small texts that several commands print.

use loopledger_client::lang::{Lang, lang, pick};
use loopledger_proto::common::v1::{BaseUnit, HouseholdCategory};
use loopledger_proto::ledger::v1::{Account, Fact, IncomeBasis, IncomeCategory, IncomeView, Named};
use loopledger_types::Money;
use serde_json::{Value, json};

use crate::output::Cell;

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

/// The text of a value, a dash for nothing.
pub(super) fn or_dash(value: &Value) -> String {
    value.as_str().unwrap_or("—").to_owned()
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

/// A quantity in its base unit for programs, and for people in the unit that they weigh in.
pub(super) fn quantity(value: i64, unit: BaseUnit) -> Cell {
    let shown = match unit {
        BaseUnit::Gram | BaseUnit::Millilitre => thousandths(value),
        BaseUnit::Unspecified | BaseUnit::Head | BaseUnit::Piece => value.to_string(),
    };
    Cell::shown(json!(value), shown)
}

/// The same with the unit behind it.
pub(super) fn measured(value: i64, unit: BaseUnit) -> Cell {
    let cell = quantity(value, unit);
    let shown = format!("{} {}", cell.text(), people_unit(unit));
    Cell::shown(json!(value), shown.trim_end().to_owned())
}

/// `1234` as `1.234`, `99000` as `99`.
fn thousandths(value: i64) -> String {
    let (whole, rest) = (value.unsigned_abs() / 1_000, value.unsigned_abs() % 1_000);
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{whole}.{rest:03}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The unit of a quantity: the base unit for programs, that of [`quantity`] for people.
pub(super) fn unit(unit: BaseUnit) -> Cell {
    let base = match unit {
        BaseUnit::Unspecified => "",
        BaseUnit::Gram => "克",
        BaseUnit::Millilitre => "毫升",
        BaseUnit::Head => "只",
        BaseUnit::Piece => "件",
    };
    Cell::shown(json!(base), people_unit(unit).to_owned())
}

fn people_unit(unit: BaseUnit) -> &'static str {
    match unit {
        BaseUnit::Unspecified => "",
        BaseUnit::Gram => pick("公斤", "kg"),
        BaseUnit::Millilitre => pick("升", "l"),
        BaseUnit::Head => pick("只", "head"),
        BaseUnit::Piece => pick("件", "pieces"),
    }
}

/// A word that programs get in Chinese, and people in their language.
fn word(chinese: &'static str, english: &'static str) -> Cell {
    Cell::shown(json!(chinese), pick(chinese, english).to_owned())
}

/// A text of the server: its code in English, its label in Chinese.
pub(super) fn coded(code: &str, chinese: &str) -> Cell {
    let shown = match lang() {
        Lang::Chinese => chinese.to_owned(),
        Lang::English => code.replace('_', " "),
    };
    Cell::shown(json!(chinese), shown)
}

/// Number and name of an account.
pub(super) fn account(account: Option<&Account>) -> Cell {
    let Some(account) = account else { return Cell::from("") };
    let chinese = format!("{} {}", account.number, account.chinese);
    let shown = match lang() {
        Lang::Chinese => chinese.clone(),
        Lang::English => format!("{} {}", account.number, account.name.replace('_', " ")),
    };
    Cell::shown(json!(chinese), shown)
}

pub(super) fn category(category: IncomeCategory) -> Cell {
    match category {
        IncomeCategory::Unspecified => word("", ""),
        IncomeCategory::Operating => word("生产经营性", "operating"),
        IncomeCategory::Wage => word("工资性", "wages"),
        IncomeCategory::Property => word("财产性", "property"),
        IncomeCategory::Transfer => word("转移性", "transfers"),
    }
}

pub(super) fn basis(basis: IncomeBasis) -> Cell {
    match basis {
        IncomeBasis::Unspecified => word("", ""),
        IncomeBasis::Outright => word("买断收购", "outright"),
        IncomeBasis::AgreedPrice => word("视同买断代销", "agreed price"),
        IncomeBasis::Commission => word("手续费代销", "commission"),
    }
}

pub(super) fn view(view: IncomeView) -> Cell {
    match view {
        IncomeView::Unspecified => word("", ""),
        IncomeView::Recognised => word("应得", "recognised"),
        IncomeView::Received => word("实收", "received"),
    }
}

pub(super) fn household_category(category: HouseholdCategory) -> Cell {
    match category {
        HouseholdCategory::Unspecified => word("", ""),
        HouseholdCategory::General => word("一般农户", "general"),
        HouseholdCategory::RegisteredPoor => word("建档立卡贫困户", "registered poor"),
        HouseholdCategory::Exited => word("脱贫户", "exited"),
        HouseholdCategory::ExitedUnstable => word("脱贫不稳定户", "exited, unstable"),
        HouseholdCategory::AtRisk => word("边缘易致贫户", "at risk"),
        HouseholdCategory::SuddenHardship => word("突发严重困难户", "sudden hardship"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_kilograms_and_programs_grams() {
        for (grams, shown) in [
            (0, "0"),
            (99_000, "99"),
            (1_234, "1.234"),
            (1_500, "1.5"),
            (50, "0.05"),
            (-60_000, "-60"),
            (-5, "-0.005"),
            (100_000, "100"),
            (i64::MIN, "-9223372036854775.808"),
        ] {
            let cell = quantity(grams, BaseUnit::Gram);
            assert_eq!((cell.text().as_str(), cell.value()), (shown, &json!(grams)));
        }
        assert_eq!(measured(2_500, BaseUnit::Gram).text(), "2.5 公斤");
        assert_eq!(measured(3, BaseUnit::Head).text(), "3 只");
        assert_eq!((unit(BaseUnit::Gram).text().as_str(), unit(BaseUnit::Gram).value()), ("公斤", &json!("克")));
    }
}
