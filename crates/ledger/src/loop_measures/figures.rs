//! The facts behind a figure: read from the lots themselves, not from the sums.

use std::collections::BTreeMap;

use loopledger_facts::{Medium, PlaceKind};
use loopledger_types::{BusinessDate, CountyCode, DivisionCode, Exact as _, Month, PartyId, PlaceId, Scope};

use super::{Activity, LoopQuery, Measure, contributions, counts_on};
use crate::book_records::{self, BookRecord, TouchRecord};
use crate::lots::{self, LotFact, LotRecord};
use crate::tables::{NO_ROW, Number, PartyMonth};
use crate::{FactRef, GoodsAccount, Ledger};

/// Divisions of which size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoopLevel {
    County,
    Township,
    Village,
}

impl LoopLevel {
    /// The division of this level that `division` lies in. Townships and villages are those of the home county.
    pub(crate) fn of(self, division: DivisionCode, home: CountyCode) -> Option<DivisionCode> {
        match self {
            Self::County => Some(DivisionCode::from(division.county())),
            Self::Township => division.township().filter(|_| division.county() == home),
            Self::Village => Some(division).filter(|_| division.is_village() && division.county() == home),
        }
    }

    /// The level below a division's own; `None` below a village.
    pub(crate) fn below(division: DivisionCode) -> Option<Self> {
        match (division.is_village(), division.township()) {
            (true, _) => None,
            (false, Some(_)) => Some(Self::Village),
            (false, None) => Some(Self::Township),
        }
    }
}

/// A figure whose facts can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoopFigure {
    /// The movement of a goods account that is not stock, positive whether it comes in or goes out.
    Flow(GoodsAccount),
    /// What was issued; of one scope, or of all.
    Sold(Option<Scope>),
    /// The stock of every state before the window.
    OpeningStock,
    /// The stock at the window's end; of one state, or of all.
    ClosingStock(Option<GoodsAccount>),
    /// What was fulfilled; of one scope, or of all.
    Sales(Option<Scope>),
    /// What was fulfilled through online channels.
    OnlineSales,
    GrossFlow,
    Purchases,
    BoughtInValue,
    SettledNet,
    /// Payments to producers, made in the window, that did not fail: their number and value.
    PaidToProducers,
    /// Days from collection to payment: summed, and weighted by value.
    PaymentDays,
    /// What was paid out to parties of the division asked for.
    PaidOut(Payees),
    /// Completed movements up from and down to stations; of one direction, or of both.
    Coverage(Option<Way>),
    /// Stations opened by the window's end.
    Stations,
}

/// Whom payouts went to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payees {
    All,
    /// Parties of the county.
    County,
}

/// Which way goods went at a station.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Up,
    Down,
}

/// A fact, and what it adds to a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoopFact {
    pub date: BusinessDate,
    pub at: FactRef,
    pub subject: Option<Subject>,
    /// Where that station or payee stands, by the query's edition; absent for goods.
    pub division: Option<DivisionCode>,
    /// Base units, days or a count, as the figure says.
    pub quantity: i64,
    /// Fen, or fen × days.
    pub value: i64,
}

/// Whose fact it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Station(PlaceId),
    Seller(PartyId),
}

/// The facts found so far, each once.
type Found = BTreeMap<(BusinessDate, FactRef), LoopFact>;

impl LoopFigure {
    /// What a measure of a lot's fact adds to the figure; `None` if it does not belong to it.
    fn part(self, measure: Measure, quantity: i64, value: i64) -> Option<(i64, i64)> {
        let goods = |taken: bool| taken.then_some((quantity, 0));
        let worth = |taken: bool| taken.then_some((0, value));
        match (self, measure) {
            (Self::Flow(account), Measure::Goods(of)) if of == account => {
                Some((if account.is_inflow() { quantity.negated() } else { quantity }, 0))
            }
            (Self::Sold(scope), Measure::Goods(GoodsAccount::Sold(of))) => goods(scope.is_none_or(|asked| asked == of)),
            (Self::OpeningStock | Self::ClosingStock(None), Measure::Goods(of)) => goods(of.is_stock()),
            (Self::ClosingStock(Some(state)), Measure::Goods(of)) => goods(of == state),
            (Self::Sales(scope), Measure::Sales(of)) => {
                scope.is_none_or(|asked| asked == of).then_some((quantity, value))
            }
            (Self::GrossFlow, of) => {
                worth(matches!(of, Measure::Sales(_) | Measure::Purchases | Measure::BoughtInValue))
            }
            (Self::Purchases, of) => worth(of == Measure::Purchases),
            (Self::BoughtInValue, of) => worth(of == Measure::BoughtInValue),
            (Self::SettledNet, of) => worth(of == Measure::SettledNet),
            (Self::OnlineSales, Measure::Sales(_))
            | (Self::PaidToProducers, Measure::Paid)
            | (Self::PaymentDays, Measure::PaidDays) => Some((quantity, value)),
            _ => None,
        }
    }

    /// Whether a fact of that month counts.
    fn takes_month(self, month: Month, query: &LoopQuery) -> bool {
        if self == Self::OpeningStock {
            month < query.from
        } else if matches!(self, Self::ClosingStock(_) | Self::Stations) {
            month <= query.to
        } else {
            (query.from..=query.to).contains(&month)
        }
    }

    const fn is_of_lots(self) -> bool {
        !matches!(self, Self::PaidOut(_) | Self::Coverage(_) | Self::Stations)
    }

    /// Whether a fact whose parts cancel out leaves the figure as it was, and is not listed.
    const fn is_of_stock(self) -> bool {
        matches!(self, Self::OpeningStock | Self::ClosingStock(_))
    }
}

impl Ledger {
    /// The facts that a figure of `query` rests on, each once, by business date and position. Their parts add up to it.
    ///
    /// Reads every lot that the query takes in: tens of milliseconds for a county's year.
    pub fn loop_facts(&self, query: &LoopQuery, figure: LoopFigure) -> Vec<LoopFact> {
        let found = if figure.is_of_lots() { self.lot_facts(query, figure) } else { self.county_facts(query, figure) };
        let facts = found.into_values();
        facts.filter(|fact| !figure.is_of_stock() || fact.quantity != 0).collect()
    }

    fn lot_facts(&self, query: &LoopQuery, figure: LoopFigure) -> Found {
        let product = query.product.map(|id| self.tables.products.find(&id));
        let area = query.area();
        let mut found = Found::new();
        for (_, _, row) in self.tables.lots.iter() {
            let Some(born) = row.born else { continue };
            let wanted =
                area.takes(born.division.division()) && product.is_none_or(|number| number == Some(born.product));
            if !wanted {
                continue;
            }
            for fact in lots::facts(&self.tables, row.last) {
                if !figure.takes_month(counts_on(&fact).month(), query) {
                    continue;
                }
                let Some(subject) = self.subject_of(&fact, figure) else { continue };
                contributions(&born, &fact, |measure, quantity, value| {
                    if let Some((quantity, value)) = figure.part(measure, quantity, value) {
                        let (date, at) = (fact.head.date, fact.head.at);
                        add(&mut found, LoopFact { date, at, subject, division: None, quantity, value });
                    }
                });
            }
        }
        found
    }

    /// `None` if the fact is none of the figure's.
    #[expect(
        clippy::option_option,
        reason = "outer: whether it belongs to the figure; inner: whether it has a subject"
    )]
    fn subject_of(&self, fact: &LotFact, figure: LoopFigure) -> Option<Option<Subject>> {
        if figure != LoopFigure::OnlineSales {
            return Some(None);
        }
        match fact.record {
            LotRecord::Sold { medium: Medium::Online, seller, .. } => {
                Some(self.tables.party_id(seller).map(Subject::Seller))
            }
            LotRecord::Sold { .. }
            | LotRecord::Moved { .. }
            | LotRecord::Cost { .. }
            | LotRecord::Settled(_)
            | LotRecord::Paid { .. } => None,
        }
    }

    fn county_facts(&self, query: &LoopQuery, figure: LoopFigure) -> Found {
        let mut found = Found::new();
        let months = (0..=query.to.index()).filter_map(|index| Month::from_index(index).ok());
        for month in months.filter(|month| figure.takes_month(*month, query)) {
            let row = self.tables.months.find(&PartyMonth { party: NO_ROW, month });
            let Some(chain) = row.and_then(|row| self.tables.months.value(row)) else { continue };
            for record in book_records::records(&self.tables, chain.last) {
                if let Some(fact) = self.county_fact(&record, query, figure) {
                    add(&mut found, fact);
                }
            }
        }
        found
    }

    fn county_fact(&self, record: &TouchRecord, query: &LoopQuery, figure: LoopFigure) -> Option<LoopFact> {
        let (date, at) = (record.head.date, record.head.at);
        match (figure, record.touch) {
            (LoopFigure::PaidOut(payees), BookRecord::PaidOut { division, amount }) => {
                let wanted = query.area().takes(division)
                    && match payees {
                        Payees::All => true,
                        Payees::County => division.county() == self.county,
                    };
                let (quantity, value, division) = (amount.signum(), amount, Some(query.edition.of(division)));
                wanted.then_some(LoopFact { date, at, subject: None, division, quantity, value })
            }
            (LoopFigure::Coverage(way), BookRecord::Completed { place, activity }) => {
                let went = match activity {
                    Activity::UpCompleted => Way::Up,
                    Activity::DownCompleted => Way::Down,
                    Activity::OnlineSale => return None,
                };
                if way.is_some_and(|asked| asked != went) {
                    return None;
                }
                self.station_fact(place, (date, at), query)
            }
            (LoopFigure::Stations, BookRecord::Opened { place }) => self.station_fact(place, (date, at), query),
            _ => None,
        }
    }

    /// A fact of a station in the division asked for.
    fn station_fact(&self, place: Number, (date, at): (BusinessDate, FactRef), query: &LoopQuery) -> Option<LoopFact> {
        let opened = self.tables.places.value(place)?.opened?;
        let wanted = opened.kind == PlaceKind::Station && query.area().takes(opened.division);
        let subject = self.tables.place_id(place).map(Subject::Station);
        let division = Some(query.edition.of(opened.division));
        wanted.then_some(LoopFact { date, at, subject, division, quantity: 1, value: 0 })
    }
}

fn add(found: &mut Found, fact: LoopFact) {
    let known = found.entry((fact.date, fact.at)).or_insert(LoopFact { quantity: 0, value: 0, ..fact });
    known.quantity = known.quantity.plus(fact.quantity);
    known.value = known.value.plus(fact.value);
}
