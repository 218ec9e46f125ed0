//! What is asked of income: one household, or a division with its households.

use std::collections::BTreeMap;

use loopledger_facts::{HouseholdCategory, PartyKind};
use loopledger_types::divisions::Edition;
use loopledger_types::{BusinessDate, DivisionCode, Exact as _, Month, PartyId, PlaceId, ProductId, mul_div_half_up};

use super::{IncomeLine, IncomeView};
use crate::area::Area;
use crate::book_records::Basis;
use crate::loop_measures::LoopLevel;
use crate::order::cause_first;
use crate::{IncomeCategory, Ledger, PartyView};

/// A window of business dates, what was known by a day, and the list that divisions are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncomeQuery {
    pub from: BusinessDate,
    /// The last day.
    pub to: BusinessDate,
    /// Facts recorded later (official time) are left out, those of amounts as those of people.
    pub as_of: Option<BusinessDate>,
    /// The list that divisions are grouped by; changes no sum over all of them.
    pub edition: Edition,
}

/// Part of a household's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IncomeFilter {
    pub view: Option<IncomeView>,
    pub category: Option<IncomeCategory>,
    pub product: Option<ProductId>,
    pub basis: Option<Basis>,
    pub month: Option<Month>,
}

impl IncomeFilter {
    fn takes(&self, line: &IncomeLine) -> bool {
        self.view.is_none_or(|view| view == line.view)
            && self.category.is_none_or(|category| category == line.category)
            && self.product.is_none_or(|product| Some(product) == line.product)
            && self.basis.is_none_or(|basis| Some(basis) == line.basis)
            && self.month.is_none_or(|month| month == line.date.month())
    }
}

/// Sums in fen. Recognised and received are two views of the same money, never to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IncomeSums {
    pub gross: i64,
    pub cost: i64,
    pub received: i64,
    /// How many facts these sums rest on.
    pub lines: u64,
}

impl IncomeSums {
    /// Recognised net income.
    pub fn net(&self) -> i64 {
        self.gross.minus(self.cost)
    }

    fn add(&mut self, line: &IncomeLine) {
        self.lines = self.lines.saturating_add(1);
        match line.view {
            IncomeView::Recognised => {
                self.gross = self.gross.plus(line.gross);
                self.cost = self.cost.plus(line.cost);
            }
            IncomeView::Received => self.received = self.received.plus(line.gross),
        }
    }

    fn add_sums(&mut self, other: &Self) {
        self.gross = self.gross.plus(other.gross);
        self.cost = self.cost.plus(other.cost);
        self.received = self.received.plus(other.received);
        self.lines = self.lines.saturating_add(other.lines);
    }
}

/// A household's income in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HouseholdIncome {
    /// Category and members on the last day of the window, and where it stood then, by the query's edition.
    pub household: PartyView,
    pub query: IncomeQuery,
    pub total: IncomeSums,
    pub by_category: BTreeMap<IncomeCategory, IncomeSums>,
    pub by_month: BTreeMap<Month, IncomeSums>,
    /// `None`: income that belongs to no product.
    pub by_product: BTreeMap<Option<ProductId>, IncomeSums>,
    pub by_basis: BTreeMap<Option<Basis>, IncomeSums>,
    /// `None`: income that belongs to no lot.
    pub by_station: BTreeMap<Option<PlaceId>, IncomeSums>,
}

impl HouseholdIncome {
    /// Recognised net income per member, fen, rounded half up; `None` without members.
    pub fn net_per_head(&self) -> Option<i64> {
        mul_div_half_up(self.total.net(), 1, i64::from(self.household.members))
    }

    /// Received income per member, fen, rounded half up; `None` without members.
    pub fn received_per_head(&self) -> Option<i64> {
        mul_div_half_up(self.total.received, 1, i64::from(self.household.members))
    }
}

/// The income of the households of a division.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DivisionIncome {
    pub division: DivisionCode,
    pub query: IncomeQuery,
    /// Members of all its households on the last day of the window.
    pub members: u64,
    pub total: IncomeSums,
    pub by_category: BTreeMap<IncomeCategory, IncomeSums>,
    pub by_month: BTreeMap<Month, IncomeSums>,
    /// By the divisions of the next lower level; `None`: households that stand in none of them. Empty for a village.
    pub by_division: BTreeMap<Option<DivisionCode>, DivisionSums>,
    /// Households that stand in the division on the last day of the window, by id, also those without income.
    pub households: Vec<(PartyView, IncomeSums)>,
}

/// The income of the households of part of a division.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DivisionSums {
    pub households: u64,
    pub members: u64,
    pub sums: IncomeSums,
}

impl DivisionSums {
    /// Recognised net income per member, fen, rounded half up; `None` without members.
    pub fn net_per_head(&self) -> Option<i64> {
        mul_div_half_up(self.sums.net(), 1, i64::try_from(self.members).ok()?)
    }

    fn add(&mut self, household: &PartyView, sums: &IncomeSums) {
        self.households = self.households.saturating_add(1);
        self.members = self.members.saturating_add(u64::from(household.members));
        self.sums.add_sums(sums);
    }
}

impl Ledger {
    /// The income of one household; `None` if there is no such household.
    pub fn household_income(&self, household: PartyId, query: IncomeQuery) -> Option<HouseholdIncome> {
        let number = self.tables.parties.find(&household)?;
        let view = self.household(household, &query)?;
        let mut income = HouseholdIncome {
            household: view,
            query,
            total: IncomeSums::default(),
            by_category: BTreeMap::new(),
            by_month: BTreeMap::new(),
            by_product: BTreeMap::new(),
            by_basis: BTreeMap::new(),
            by_station: BTreeMap::new(),
        };
        for line in self.income_records(number, &query) {
            income.total.add(&line);
            income.by_category.entry(line.category).or_default().add(&line);
            income.by_month.entry(line.date.month()).or_default().add(&line);
            income.by_product.entry(line.product).or_default().add(&line);
            income.by_basis.entry(line.basis).or_default().add(&line);
            income.by_station.entry(line.station).or_default().add(&line);
        }
        Some(income)
    }

    /// A household on the last day of the window, by the query's edition; `None` if there is no such household.
    pub fn household(&self, household: PartyId, query: &IncomeQuery) -> Option<PartyView> {
        let view = self.party(household, query.to, query.as_of)?;
        (view.kind == Some(PartyKind::Household)).then(|| by_edition(view, query.edition))
    }

    /// The facts that a household's figures rest on, by business date, what was earned before what was paid for it.
    pub fn income_lines(&self, household: PartyId, query: IncomeQuery, filter: &IncomeFilter) -> Vec<IncomeLine> {
        let Some(number) = self.tables.parties.find(&household) else { return Vec::new() };
        let mut lines: Vec<IncomeLine> = self.income_records(number, &query).filter(|l| filter.takes(l)).collect();
        lines.sort_unstable();
        let rank = |line: &IncomeLine| match line.view {
            IncomeView::Recognised => 0,
            IncomeView::Received => 1,
        };
        cause_first(lines, |line| (Some(line.date), line.at), rank)
    }

    /// The income of the households of a division; of those of one category only, if asked.
    pub fn division_income(
        &self,
        division: DivisionCode,
        category: Option<HouseholdCategory>,
        query: IncomeQuery,
    ) -> DivisionIncome {
        let mut income = DivisionIncome {
            division,
            query,
            members: 0,
            total: IncomeSums::default(),
            by_category: BTreeMap::new(),
            by_month: BTreeMap::new(),
            by_division: BTreeMap::new(),
            households: Vec::new(),
        };
        let (area, below) = (Area::of(query.edition, Some(division)), LoopLevel::below(division));
        for view in self.parties(Some(PartyKind::Household), query.to, query.as_of) {
            let Some(number) = self.tables.parties.find(&view.id) else { continue };
            let inside = view.division.is_some_and(|stands| area.takes(stands));
            if !inside || category.is_some() && view.category != category {
                continue;
            }
            let view = by_edition(view, query.edition);
            let mut sums = IncomeSums::default();
            for line in self.income_records(number, &query) {
                sums.add(&line);
                income.by_category.entry(line.category).or_default().add(&line);
                income.by_month.entry(line.date.month()).or_default().add(&line);
            }
            income.total.add_sums(&sums);
            income.members = income.members.saturating_add(u64::from(view.members));
            if let Some(level) = below {
                let part = view.division.and_then(|stands| level.of(stands, self.county));
                income.by_division.entry(part).or_default().add(&view, &sums);
            }
            income.households.push((view, sums));
        }
        income
    }
}

fn by_edition(view: PartyView, edition: Edition) -> PartyView {
    PartyView { division: view.division.map(|stands| edition.of(stands)), ..view }
}
