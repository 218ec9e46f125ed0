//! The printed output, cell by cell, at 80 and 120 columns in both languages. `UPDATE_GOLDEN=1` rewrites the files.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::unnecessary_wraps,
    reason = "made-up figures; fields of messages are options"
)]

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use loopledger_client::Failure;
use loopledger_client::lang::{Lang, speaking};
use loopledger_client::output::captured;
use loopledger_proto::common::v1::{BaseUnit, HouseholdCategory, Position, StreamState, WriterStatus};
use loopledger_proto::ledger::v1::{
    Account, AccountAmount, BasisIncome, ByScope, CategoryIncome, Counterparty, DerivedAmount, Fact,
    GetHouseholdIncomeResponse, GetLoopResponse, GetStatementResponse, GetStatusResponse, GoodsAt, HouseholdSums,
    HouseholdView, IncomeBasis, IncomeCategory, IncomeLine, IncomeSums, IncomeView, Inspection, LoopMoney, LotBalance,
    LotOrigin, LotStep, MonthIncome, Named, PaymentDelay, ProductIncome, ProductLoop, StatementLine, StationIncome,
    StreamStatus, Target, TraceLotResponse, ValueAdded, counterparty,
};
use unicode_width::UnicodeWidthStr as _;

use super::{income, loops, statement, status, trace};
use crate::output::{Format, View};

const ID: &str = "9dac8912-959b-5fb6-abbc-db99facb2348";
const STATION: &str = "阿克别里斗乡江布勒阔拉村电商服务站";

fn name(label: &str) -> Option<Named> {
    Some(Named { id: ID.to_owned(), label: label.to_owned() })
}

fn fact(stream: &str, sequence: u64) -> Option<Fact> {
    let position = Position { stream: format!("{stream}/654224"), sequence, hash: vec![7; 32] };
    Some(Fact { position: Some(position), event: 0 })
}

fn sums(gross_fen: i64) -> Option<IncomeSums> {
    let cost_fen = gross_fen / 20;
    Some(IncomeSums { gross_fen, cost_fen, net_fen: gross_fen - cost_fen, received_fen: gross_fen / 2, facts: 12 })
}

fn household() -> HouseholdView {
    HouseholdView {
        household_id: ID.to_owned(),
        division_code: "654224203204".to_owned(),
        division_name: "江布勒阔拉村委会".to_owned(),
        category: HouseholdCategory::RegisteredPoor.into(),
        members: 4,
    }
}

fn household_income() -> GetHouseholdIncomeResponse {
    let month = |month: &str, fen| MonthIncome { month: month.to_owned(), sums: sums(fen) };
    let product = |label: &str, fen| ProductIncome { product: name(label), sums: sums(fen) };
    GetHouseholdIncomeResponse {
        household: Some(household()),
        total: sums(123_456_789),
        net_per_head_fen: Some(29_320_987),
        by_month: vec![month("2020-04", 160_466), month("2020-05", 123_296_323)],
        by_category: vec![CategoryIncome { category: IncomeCategory::Operating.into(), sums: sums(123_456_789) }],
        by_product: vec![product("鹰嘴豆", 160_466), product("毡绣手工艺品", 123_296_323)],
        by_basis: vec![BasisIncome { basis: IncomeBasis::AgreedPrice.into(), sums: sums(123_456_789) }],
        by_station: vec![StationIncome { station: name(STATION), sums: sums(123_456_789) }],
        ..GetHouseholdIncomeResponse::default()
    }
}

fn income_lines() -> Vec<IncomeLine> {
    let line = |view: IncomeView, stream| IncomeLine {
        business_date: "2020-05-03".to_owned(),
        fact: fact(stream, 1042),
        view: view.into(),
        category: IncomeCategory::Operating.into(),
        basis: IncomeBasis::AgreedPrice.into(),
        product: name("毡绣手工艺品"),
        quantity: 174_420,
        unit: BaseUnit::Gram.into(),
        gross_fen: 12_345_678,
        cost_fen: 617_283,
        payer: name("托里县鹰嘴豆种植专业合作社"),
        station: name(STATION),
        lot_id: ID.to_owned(),
        ..IncomeLine::default()
    };
    vec![line(IncomeView::Recognised, "sales"), line(IncomeView::Received, "procurement")]
}

fn division_rows() -> Vec<HouseholdSums> {
    vec![HouseholdSums { household: Some(household()), sums: sums(123_456_789), net_per_head_fen: Some(29_320_987) }]
}

fn loop_answer() -> GetLoopResponse {
    let by_scope = |county, outside| Some(ByScope { county, outside, ..ByScope::default() });
    let product = |label: &str, unit: BaseUnit, many: i64| ProductLoop {
        product: name(label),
        unit: unit.into(),
        supply: 838_321 * many,
        sold: by_scope(397_680 * many, 236_040 * many),
        lost: 1_200 * many,
        closing_stock: 203_401 * many,
        in_transit: 5_000 * many,
        identity_holds: true,
        sales_fen: by_scope(591_400 * many, 355_706 * many),
        closed_loop_quantity_bp: Some(6_275),
        closed_loop_value_bp: Some(6_243),
        value_added: Some(ValueAdded {
            value_added_fen: -36_408 * many,
            value_added_bp: Some(-324),
            ..ValueAdded::default()
        }),
        ..ProductLoop::default()
    };
    let target = |name: &str, label: &str, actual, target| Target {
        name: name.to_owned(),
        label: label.to_owned(),
        actual,
        target,
        reached: actual >= target,
    };
    GetLoopResponse {
        products: vec![product("毡绣手工艺品", BaseUnit::Gram, 100), product("巴什拜羊", BaseUnit::Head, 1)],
        money: Some(LoopMoney {
            final_sales_fen: 94_710_600,
            gross_flow_fen: 181_642_850,
            closed_loop_value_bp: Some(6_243),
            paid_out_fen: 152_244_360,
            paid_in_county_fen: 41_844_360,
            kept_in_county_bp: Some(2_748),
            ..LoopMoney::default()
        }),
        delay: Some(PaymentDelay { payments: 65, amount_fen: 41_844_360, mean_days_tenths: Some(187) }),
        targets: vec![
            target("turnover", "电商年交易额", 94_710_600, 1_500_000_000),
            target("townships", "覆盖乡镇", 7, 7),
        ],
        target_year: 2020,
        ..GetLoopResponse::default()
    }
}

fn lot() -> TraceLotResponse {
    let at = |account: &str, label: &str, place: &str| {
        Some(GoodsAt { account: account.to_owned(), label: label.to_owned(), place: name(place), ..GoodsAt::default() })
    };
    let step = |date: &str, text: &str, label: &str| LotStep {
        business_date: date.to_owned(),
        fact: fact("distribution", 1_159),
        text: text.to_owned(),
        label: label.to_owned(),
        document_id: ID.to_owned(),
        ..LotStep::default()
    };
    TraceLotResponse {
        lot_id: ID.to_owned(),
        product: name("精选鹰嘴豆"),
        place: name(STATION),
        since: "2020-04-27".to_owned(),
        unit: BaseUnit::Gram.into(),
        origins: vec![LotOrigin {
            fact: fact("station", 172),
            producer: name(""),
            division_name: "江布勒阔拉村委会".to_owned(),
            quantity: 174_420,
            label: "654224203204-chickpea-20200427-000202".to_owned(),
            receipt_number: "GB000202".to_owned(),
            grade: "一级".to_owned(),
            ..LotOrigin::default()
        }],
        steps: vec![
            LotStep {
                quantity: 174_420,
                from: at("supply", "农户交来", STATION),
                to: at("pending", "待确认", STATION),
                ..step("2020-04-27", "collected", "收购入库")
            },
            LotStep {
                amount_fen: 160_466,
                payer: name("托里县鹰嘴豆种植专业合作社"),
                payee: name(""),
                ..step("2020-04-27", "purchase_accepted", "收购确认")
            },
            LotStep {
                document_id: String::new(),
                inspection: Some(Inspection {
                    station: name(STATION),
                    test: "农药残留".to_owned(),
                    passed: false,
                    finding: "毒死蜱 0.12 mg/kg".to_owned(),
                    laboratory_code: "CATL-6542-017".to_owned(),
                    report_hash: vec![0xab; 32],
                }),
                ..step("2020-04-28", "inspected", "检测")
            },
        ],
        balances: vec![LotBalance {
            at: at("on_hand", "在库", "县域商品配送中心"),
            quantity: 174_420,
            ..LotBalance::default()
        }],
        ..TraceLotResponse::default()
    }
}

fn book() -> GetStatementResponse {
    let account = || {
        let name = "Operating income: produce".to_owned();
        Some(Account { number: "5001.produce".to_owned(), name, chinese: "经营收入:农产品".to_owned() })
    };
    let who = counterparty::Who::Party(Named { id: ID.to_owned(), label: String::new() });
    let line = StatementLine {
        business_date: "2020-05-03".to_owned(),
        fact: fact("sales", 1_067),
        text: "settled".to_owned(),
        label: "代销结算".to_owned(),
        account: account(),
        counterparty: Some(Counterparty { who: Some(who) }),
        lot_id: ID.to_owned(),
        amount_fen: -108_790,
        ..StatementLine::default()
    };
    let derived = DerivedAmount { account: account(), opening_fen: 1, movement_fen: -2, closing_fen: 123_456_789 };
    GetStatementResponse {
        opening: vec![AccountAmount { account: account(), amount_fen: -123_456_789 }],
        lines: vec![line],
        derived: vec![derived],
        ..GetStatementResponse::default()
    }
}

fn status_answer() -> GetStatusResponse {
    let stream = |stream: &str, sequence| StreamStatus {
        stream: format!("{stream}/654224"),
        sequence,
        hash: vec![0xab; 32],
        state: StreamState::CatchingUp.into(),
        ..StreamStatus::default()
    };
    GetStatusResponse {
        streams: vec![stream("procurement", 2_345_678), stream("distribution", 12_345_678)],
        ledger_digest: vec![0x50; 32],
        state_digest: vec![0x11; 32],
        durability: "replicated".to_owned(),
        ledger_bytes: 123_456_789,
        ..GetStatusResponse::default()
    }
}

/// Everything that a command prints.
fn printed(name: &str, view: &View) -> Result<(), Failure> {
    match name {
        "income" => {
            income::show_household(&household_income(), view)?;
            income::show_lines(&income_lines(), view)
        }
        "households" => income::show_rows("654224203", &division_rows(), view),
        "loop" => loops::table(&loop_answer(), "", view),
        "empty-loop" => loops::table(&GetLoopResponse::default(), "", view),
        "trace" => trace::show(&lot(), view),
        "statement" => statement::show(&book(), (ID, "2020-05"), view),
        _ => {
            let said = WriterStatus { state: StreamState::Serving.into(), ..WriterStatus::default() };
            status::show(&status_answer(), &[status::Writer::Said(Box::new(said)), status::Writer::NotAsked], view)
        }
    }
}

fn golden(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "src", "command", "golden", file].iter().collect()
}

#[test]
fn tables_fit_and_are_what_they_were() {
    let update = env::var_os("UPDATE_GOLDEN").is_some();
    let mut differ = Vec::new();
    for (lang, language) in [(Lang::Chinese, "zh"), (Lang::English, "en")] {
        for width in [80, 120] {
            let mut all = String::new();
            for (name, detail) in [
                ("income", false),
                ("income", true),
                ("households", false),
                ("loop", false),
                ("empty-loop", false),
                ("trace", false),
                ("trace", true),
                ("statement", false),
                ("statement", true),
                ("status", false),
                ("status", true),
            ] {
                let view = View { format: Format::Table, detail, width };
                let text = speaking(lang, || captured(|| printed(name, &view))).expect("it prints");
                let wide = text.lines().find(|line| line.width() > width);
                assert_eq!(wide, None, "{name} at {width} in {language}");
                let detail = if detail { " --detail" } else { "" };
                writeln!(all, "==== {name}{detail}\n{text}").expect("writing to a string does not fail");
            }
            let path = golden(&format!("{language}-{width}.txt"));
            if update {
                fs::write(&path, &all).expect("a file");
            } else if fs::read_to_string(&path).unwrap_or_default() != all {
                differ.push(format!("{}:\n{all}", path.display()));
            }
        }
    }
    assert!(
        differ.is_empty(),
        "printed otherwise than in the golden files (UPDATE_GOLDEN=1 writes them):\n{}",
        differ.join("\n")
    );
}

#[test]
fn an_empty_county_names_no_year_and_reaches_no_target() {
    let view = View { format: Format::Table, detail: false, width: 80 };
    let text = captured(|| loops::table(&GetLoopResponse::default(), "", &view)).expect("it prints");
    assert!(!text.contains("2000") && !text.contains('✓') && text.contains("还没有记录"), "{text}");
}
