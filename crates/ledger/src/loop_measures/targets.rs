//! Coverage of stations, and what the county's plan asks for (the plan of 2019: six numbers that circulation can prove).

use std::collections::BTreeSet;

use loopledger_facts::PlaceKind;
use loopledger_types::divisions::Edition;
use loopledger_types::{DivisionCode, Month, PartyId, PlaceId};

use super::{Activity, LoopQuery};
use crate::Ledger;
use crate::tables::split;

/// A station, and what was completed for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StationCoverage {
    pub station: PlaceId,
    /// By the query's edition.
    pub division: DivisionCode,
    pub up: i64,
    pub down: i64,
}

/// Which active stations goods went up from and came down to, within the window.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Active stations, by id: opened by the end of the window, in the division asked for.
    pub stations: Vec<StationCoverage>,
}

impl Coverage {
    pub const fn active(&self) -> usize {
        self.stations.len()
    }

    /// Stations with at least one completed movement up and one down.
    pub fn covered(&self) -> usize {
        self.stations.iter().filter(|station| station.up > 0 && station.down > 0).count()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetKind {
    /// 年交易额不低于1500万元: final sales, fen.
    Turnover,
    /// 服务站点100%全覆盖: covered stations of all active ones.
    StationCoverage,
    /// 7个乡镇: townships with an active station.
    Townships,
    /// 40个行政村: villages with an active station.
    Villages,
    /// 培育网销企业不少于10家: sellers with an online sale.
    OnlineSellers,
}

impl TargetKind {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Turnover => "turnover",
            Self::StationCoverage => "station_coverage",
            Self::Townships => "townships",
            Self::Villages => "villages",
            Self::OnlineSellers => "online_sellers",
        }
    }

    pub const fn chinese(self) -> &'static str {
        match self {
            Self::Turnover => "电商年交易额",
            Self::StationCoverage => "服务站点上下行覆盖",
            Self::Townships => "覆盖乡镇",
            Self::Villages => "覆盖行政村",
            Self::OnlineSellers => "网销企业",
        }
    }
}

/// What the plan asks for, and what the ledger can prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    pub kind: TargetKind,
    pub actual: i64,
    pub target: i64,
}

impl Target {
    /// What has no target yet, as the stations of an empty county, is not reached.
    pub const fn is_reached(&self) -> bool {
        self.target > 0 && self.actual >= self.target
    }
}

/// 15 million yuan.
const TURNOVER_FEN: i64 = 1_500_000_000;
const TOWNSHIPS: i64 = 7;
const VILLAGES: i64 = 40;
const ONLINE_SELLERS: i64 = 10;

/// The plan's targets of a calendar year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets {
    pub year: i32,
    pub targets: Vec<Target>,
}

impl Ledger {
    /// What the plan asks of the whole county in the calendar year that holds `month`, of all goods. Townships and villages
    /// are those of `edition`.
    pub fn targets(&self, month: Month, edition: Edition) -> Targets {
        let (year, _) = month.parts();
        let (from, to) = year_of(month);
        let query = LoopQuery { division: None, product: None, from, to, edition };
        let sales = self.loop_money(&query).final_sales;
        let coverage = self.coverage(&query);
        let divisions: BTreeSet<DivisionCode> = coverage.stations.iter().map(|s| s.division).collect();
        let townships: BTreeSet<DivisionCode> = divisions.iter().filter_map(|division| division.township()).collect();
        let villages = divisions.iter().filter(|division| division.is_village()).count();
        let (covered, active) = (number(coverage.covered()), number(coverage.active()));
        let sellers = self.online_sellers(from, to).len();
        let target = |kind, actual, target| Target { kind, actual, target };
        let targets = vec![
            target(TargetKind::Turnover, sales, TURNOVER_FEN),
            target(TargetKind::StationCoverage, covered, active),
            target(TargetKind::Townships, number(townships.len()), TOWNSHIPS),
            target(TargetKind::Villages, number(villages), VILLAGES),
            target(TargetKind::OnlineSellers, number(sellers), ONLINE_SELLERS),
        ];
        Targets { year, targets }
    }

    /// Stations opened by the window's end in the division asked for, with what was completed for them in the window.
    pub fn coverage(&self, query: &LoopQuery) -> Coverage {
        let area = query.area();
        let mut stations = Vec::new();
        for (number, id, row) in self.tables.places.iter() {
            let Some(opened) = row.opened else { continue };
            if opened.kind == PlaceKind::Station && area.takes(opened.division) && opened.on.month() <= query.to {
                let count = |activity| self.activity(number, activity, query.from, query.to);
                stations.push(StationCoverage {
                    station: *id,
                    division: query.edition.of(opened.division),
                    up: count(Activity::UpCompleted),
                    down: count(Activity::DownCompleted),
                });
            }
        }
        stations.sort_unstable();
        Coverage { stations }
    }

    /// Sellers with at least one online sale in the window, by id.
    pub fn online_sellers(&self, from: Month, to: Month) -> BTreeSet<PartyId> {
        let rows = self.tables.activity.iter().filter(|(_, key, count)| {
            let (month, kind) = split(key.month_kind);
            kind == Activity::OnlineSale.code() && (from.index()..=to.index()).contains(&month) && **count > 0
        });
        rows.filter_map(|(_, key, _)| self.tables.party_id(key.subject)).collect()
    }

    fn activity(&self, subject: u32, activity: Activity, from: Month, to: Month) -> i64 {
        let rows = self.tables.activity.iter().filter(|(_, key, _)| {
            let (month, kind) = split(key.month_kind);
            key.subject == subject && kind == activity.code() && (from.index()..=to.index()).contains(&month)
        });
        rows.fold(0_i64, |sum, (_, _, count)| sum.saturating_add(*count))
    }
}

/// January and December of the year that holds `month`.
fn year_of(month: Month) -> (Month, Month) {
    let january = month.index().saturating_sub(month.index() % 12);
    let of = |index| Month::from_index(index).unwrap_or(month);
    (of(january), of(january.saturating_add(11)))
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
