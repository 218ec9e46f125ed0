//! The ledger's answers in the words of the contract. Households are shown by id alone; everybody else with a label.

use loopledger_domain::PartyKind;
use loopledger_ledger as ledger;
use loopledger_ledger::{Account, GoodsAccount, Ledger};
use loopledger_proto::ledger::v1 as pb;
use loopledger_types::divisions::{self, Edition};
use loopledger_types::{BusinessDate, DivisionCode, Hash, Month, PartyId, PlaceId, ProductId, Scope};
use loopledger_wire::{Word, position_to_pb};

use crate::api::{Fact, RebuildReport, Rebuilt};

/// The name in an edition; of a code that it does not list, the newest name.
pub(crate) fn division_name(code: DivisionCode, edition: Edition) -> String {
    edition.name_of(code).or_else(|| divisions::name_of(code)).unwrap_or_default().to_owned()
}

pub(crate) fn fact(fact: &Fact) -> pb::Fact {
    pb::Fact { position: Some(position_to_pb(fact.position)), event: fact.event }
}

pub(crate) fn rebuild_report(report: RebuildReport) -> pb::RebuildResponse {
    let digest = |of: fn(Rebuilt) -> Hash| report.outcome.map(|outcome| of(outcome).0.to_vec()).unwrap_or_default();
    pb::RebuildResponse {
        done: report.done,
        total: report.total,
        commits_per_second: report.commits_per_second,
        digests_agree: report.outcome.map(|outcome| outcome.digests_agree),
        ledger_digest: digest(|outcome| outcome.ledger),
        state_digest: digest(|outcome| outcome.state),
    }
}

/// A label has no date.
fn any_day() -> BusinessDate {
    Month::from_index(0).map(Month::first_day).expect("January 2000 is a month")
}

pub(crate) fn party(id: PartyId, ledger: &Ledger) -> pb::Named {
    let view = ledger.party(id, any_day(), None).filter(|view| view.kind != Some(PartyKind::Household));
    pb::Named { id: id.to_string(), label: view.map(|view| view.label).unwrap_or_default() }
}

pub(crate) fn product(id: ProductId, ledger: &Ledger) -> pb::Named {
    pb::Named { id: id.to_string(), label: ledger.product(id).map(|view| view.name).unwrap_or_default() }
}

/// The base unit, as a number of the contract.
pub(crate) fn unit(id: ProductId, ledger: &Ledger) -> i32 {
    ledger.product(id).and_then(|view| view.base).map_or(0, Word::number)
}

pub(crate) fn place(id: PlaceId, ledger: &Ledger) -> pb::Named {
    pb::Named { id: id.to_string(), label: ledger.place(id).map(|view| view.label).unwrap_or_default() }
}

pub(crate) fn sums(sums: &ledger::IncomeSums) -> pb::IncomeSums {
    pb::IncomeSums {
        gross_fen: sums.gross,
        cost_fen: sums.cost,
        net_fen: sums.net(),
        received_fen: sums.received,
        facts: sums.lines,
    }
}

pub(crate) fn household(view: &ledger::PartyView, edition: Edition) -> pb::HouseholdView {
    pb::HouseholdView {
        household_id: view.id.to_string(),
        division_code: view.division.map(|code| code.to_string()).unwrap_or_default(),
        division_name: view.division.map(|code| division_name(code, edition)).unwrap_or_default(),
        category: view.category.map_or(0, Word::number),
        members: view.members,
    }
}

pub(crate) const fn category(category: ledger::IncomeCategory) -> pb::IncomeCategory {
    match category {
        ledger::IncomeCategory::Operating => pb::IncomeCategory::Operating,
        ledger::IncomeCategory::Wage => pb::IncomeCategory::Wage,
        ledger::IncomeCategory::Property => pb::IncomeCategory::Property,
        ledger::IncomeCategory::Transfer => pb::IncomeCategory::Transfer,
    }
}

pub(crate) const fn basis(basis: Option<ledger::Basis>) -> pb::IncomeBasis {
    match basis {
        None => pb::IncomeBasis::Unspecified,
        Some(ledger::Basis::Outright) => pb::IncomeBasis::Outright,
        Some(ledger::Basis::AgreedPrice) => pb::IncomeBasis::AgreedPrice,
        Some(ledger::Basis::Commission) => pb::IncomeBasis::Commission,
    }
}

pub(crate) const fn income_view(view: ledger::IncomeView) -> pb::IncomeView {
    match view {
        ledger::IncomeView::Recognised => pb::IncomeView::Recognised,
        ledger::IncomeView::Received => pb::IncomeView::Received,
    }
}

pub(crate) fn account(account: Account) -> pb::Account {
    pb::Account {
        number: account.number().to_owned(),
        name: account.english().to_owned(),
        chinese: account.chinese().to_owned(),
    }
}

pub(crate) fn counterparty(counterparty: ledger::Counterparty, ledger: &Ledger) -> Option<pb::Counterparty> {
    use pb::counterparty::Who;
    let who = match counterparty {
        ledger::Counterparty::None => return None,
        ledger::Counterparty::Party(id) => Who::Party(party(id, ledger)),
        ledger::Counterparty::Outside(scope) => Who::Outside(scope_name(scope).to_owned()),
    };
    Some(pb::Counterparty { who: Some(who) })
}

pub(crate) const fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::County => "county",
        Scope::Prefecture => "prefecture",
        Scope::Region => "region",
        Scope::Outside => "outside",
    }
}

pub(crate) fn goods_at(at: &ledger::GoodsAt, ledger: &Ledger) -> pb::GoodsAt {
    pb::GoodsAt {
        account: at.account.as_str().to_owned(),
        label: at.account.chinese().to_owned(),
        place: at.place.map(|id| place(id, ledger)),
        destination: at.destination.map(|id| place(id, ledger)),
        custodian: at.custodian.map(|id| party(id, ledger)),
    }
}

pub(crate) const fn by_scope([county, prefecture, region, outside]: [i64; 4]) -> pb::ByScope {
    pb::ByScope { county, prefecture, region, outside }
}

pub(crate) fn product_loop(line: &ledger::ProductLoop, ledger: &Ledger) -> pb::ProductLoop {
    use GoodsAccount as G;
    let came_in = |account| line.movement(account).saturating_neg();
    let sold =
        [Scope::County, Scope::Prefecture, Scope::Region, Scope::Outside].map(|scope| line.movement(G::Sold(scope)));
    let stock = G::ALL.into_iter().filter(|account| account.is_stock());
    let opening_stock = stock.fold(0_i64, |sum, account| sum.saturating_add(line.opening(account)));
    pb::ProductLoop {
        product: Some(product(line.product, ledger)),
        unit: unit(line.product, ledger),
        supply: came_in(G::Supply),
        bought_in: came_in(G::BoughtIn),
        produced: came_in(G::Produced),
        found: came_in(G::Found),
        sold: Some(by_scope(sold)),
        returned: line.movement(G::Returned),
        lost: line.movement(G::Lost),
        own_use: line.movement(G::OwnUse),
        transformed: line.movement(G::Transformed),
        opening_stock,
        closing_stock: opening_stock.saturating_add(line.stock_change()),
        identity_holds: line.identity_holds(),
        sales_fen: Some(by_scope(line.sales)),
        purchases_fen: line.purchases,
        bought_in_fen: line.bought_in_value,
        settled_net_fen: line.settled_net,
        closed_loop_quantity_bp: line.closed_loop_quantity_bp(),
        closed_loop_value_bp: line.closed_loop_value_bp(),
        pending: line.closing(G::Pending),
        on_hand: line.closing(G::OnHand),
        reserved: line.closing(G::Reserved),
        quarantined: line.closing(G::Quarantined),
        in_transit: line.closing(G::InTransit),
        in_process: line.closing(G::InProcess),
        value_added: None,
    }
}

pub(crate) fn value_added(added: &ledger::ValueAdded) -> pb::ValueAdded {
    pb::ValueAdded {
        sales_fen: added.sales,
        input_cost_fen: added.input_cost,
        value_added_fen: added.amount(),
        value_added_bp: added.basis_points(),
    }
}

pub(crate) fn loop_money(money: &ledger::LoopMoney) -> pb::LoopMoney {
    pb::LoopMoney {
        final_sales_fen: money.final_sales,
        gross_flow_fen: money.gross_flow,
        sales_fen: Some(by_scope(money.sales)),
        closed_loop_value_bp: money.closed_loop_value_bp(),
        paid_out_fen: money.paid_out,
        paid_in_county_fen: money.paid_in_county,
        kept_in_county_bp: money.kept_in_county_bp(),
    }
}

pub(crate) fn delay(delay: &ledger::PaymentDelay) -> pb::PaymentDelay {
    pb::PaymentDelay { payments: delay.payments, amount_fen: delay.amount, mean_days_tenths: delay.mean_tenths() }
}

pub(crate) fn coverage(coverage: &ledger::Coverage) -> pb::StationCoverage {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    pb::StationCoverage { active: count(coverage.active()), covered: count(coverage.covered()) }
}

pub(crate) fn target(target: &ledger::Target) -> pb::Target {
    pb::Target {
        name: target.kind.as_str().to_owned(),
        label: target.kind.chinese().to_owned(),
        actual: target.actual,
        target: target.target,
        reached: target.is_reached(),
    }
}
