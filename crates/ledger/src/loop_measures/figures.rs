//! The facts behind a figure: read from the lots themselves, not from the sums.

use loopledger_types::{BusinessDate, DivisionCode, Scope};

use super::{Activity, LoopQuery, Measure, contributions};
use crate::lots;
use crate::tables::{NO_ROW, PartyMonth};
use crate::touch::{self, Touch};
use crate::{FactRef, GoodsAccount, Ledger};

/// Divisions of which size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoopLevel {
    County,
    Township,
    Village,
}

impl LoopLevel {
    /// The division of this level that `division` lies in.
    pub(crate) fn of(self, division: DivisionCode) -> Option<DivisionCode> {
        match self {
            Self::County => Some(DivisionCode::from(division.county())),
            Self::Township => division.township(),
            Self::Village => division.is_village().then_some(division),
        }
    }
}

/// A figure whose facts can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoopFigure {
    Goods(GoodsAccount),
    /// Of one scope, or of all.
    Sales(Option<Scope>),
    GrossFlow,
    Purchases,
    SettledNet,
    /// Payments to producers, from which the days to payment are computed.
    PaidToProducers,
    /// Everything paid out; `in_county`: to parties of the county only.
    PaidOut {
        in_county: bool,
    },
    /// Completed movements up from and down to stations.
    Coverage,
}

impl LoopFigure {
    fn takes(self, measure: Measure) -> bool {
        match self {
            Self::Goods(account) => measure == Measure::Goods(account),
            Self::Sales(Some(scope)) => measure == Measure::Sales(scope),
            Self::Sales(None) => matches!(measure, Measure::Sales(_)),
            Self::GrossFlow => matches!(measure, Measure::Sales(_) | Measure::Purchases | Measure::BoughtInValue),
            Self::Purchases => measure == Measure::Purchases,
            Self::SettledNet => measure == Measure::SettledNet,
            Self::PaidToProducers => measure == Measure::Paid,
            Self::PaidOut { .. } | Self::Coverage => false,
        }
    }
}

impl Ledger {
    /// The facts that a figure of `query` rests on, each once, by business date and position.
    ///
    /// Reads every lot that the query takes in: tens of milliseconds for a county's year.
    pub fn loop_facts(&self, query: &LoopQuery, figure: LoopFigure) -> Vec<(BusinessDate, FactRef)> {
        let mut facts = match figure {
            LoopFigure::PaidOut { .. } | LoopFigure::Coverage => self.county_facts(query, figure),
            LoopFigure::Goods(_)
            | LoopFigure::Sales(_)
            | LoopFigure::GrossFlow
            | LoopFigure::Purchases
            | LoopFigure::SettledNet
            | LoopFigure::PaidToProducers => self.lot_facts(query, figure),
        };
        facts.sort_unstable();
        facts.dedup();
        facts
    }

    fn lot_facts(&self, query: &LoopQuery, figure: LoopFigure) -> Vec<(BusinessDate, FactRef)> {
        let product = query.product.map(|id| self.tables.products.find(&id));
        let mut found = Vec::new();
        for (_, _, row) in self.tables.lots.iter() {
            let Some(born) = row.born else { continue };
            let wanted = query.division.is_none_or(|asked| asked.contains(born.division))
                && product.is_none_or(|number| number == Some(born.product));
            if !wanted {
                continue;
            }
            for fact in lots::facts(&self.tables, row.last) {
                let month = fact.head.date.month();
                let mut taken = false;
                contributions(&born, &fact, |measure, _, _| taken |= figure.takes(measure));
                if taken && (query.from..=query.to).contains(&month) {
                    found.push((fact.head.date, fact.head.at));
                }
            }
        }
        found
    }

    fn county_facts(&self, query: &LoopQuery, figure: LoopFigure) -> Vec<(BusinessDate, FactRef)> {
        let mut found = Vec::new();
        for month in (query.from.index()..=query.to.index()).filter_map(|m| loopledger_types::Month::from_index(m).ok())
        {
            let row = self.tables.months.find(&PartyMonth { party: NO_ROW, month });
            let Some(chain) = row.and_then(|row| self.tables.months.value(row)) else { continue };
            for record in touch::records(&self.tables, chain.last) {
                let wanted = match (figure, record.touch) {
                    (LoopFigure::PaidOut { in_county }, Touch::PaidOut { division, .. }) => {
                        !in_county || division.county() == self.county
                    }
                    (LoopFigure::Coverage, Touch::Completed { place, activity }) => {
                        activity != Activity::OnlineSale && self.is_station_of(place, query.division)
                    }
                    _ => false,
                };
                if wanted {
                    found.push((record.head.date, record.head.at));
                }
            }
        }
        found
    }

    fn is_station_of(&self, place: u32, division: Option<DivisionCode>) -> bool {
        let opened = self.tables.places.value(place).and_then(|row| row.opened);
        opened.is_some_and(|opened| {
            opened.kind == loopledger_domain::PlaceKind::Station
                && division.is_none_or(|asked| asked.contains(opened.division))
        })
    }
}
