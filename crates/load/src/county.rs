//! The county that the load runs in: the scenario's parties, places and households, and collections without end.

use core::time::Duration;
use std::sync::Arc;

use loopledger_client::record::{Answer, Recorder, Stop, numbered};
use loopledger_client::{Client, Failure};
use loopledger_dice::Dice;
use loopledger_proto::client::v1::record_line::Line;
use loopledger_proto::client::v1::{Await, RecordLine};
use loopledger_proto::common::v1::{Position, contract_terms};
use loopledger_proto::ledger::v1::{AwaitRequest, GetStatusRequest};
use loopledger_proto::procurement;
use loopledger_proto::station::v1::collect_goods_request::Basis;
use loopledger_proto::station::v1::record_request::Command;
use loopledger_proto::station::v1::{CollectGoodsRequest, RecordRequest};
use loopledger_scenario::{DEMO_WEEKS, play};
use loopledger_types::{BusinessDate, CountyCode, MemberId, PartyId, RequestId, Service, StreamId};

/// Collections that serve as patterns: from spring to harvest with some hundred households.
const PATTERNS: usize = 20_000;
/// Of four commands three are outright purchases, with two reactions each; one is consigned, with none.
const OUTRIGHT_IN_FOUR: usize = 3;

/// Sends the scenario's registrations; repeats find them. The heads at which they and their consequences are in the
/// ledger.
pub(super) async fn open(client: &Client, seed: u64, households: u32) -> Result<Vec<Position>, Failure> {
    let mut reached = Vec::new();
    let barrier = RecordLine { line: Some(Line::Await(Await {})) };
    let lines = numbered(registrations(seed, households).chain([barrier]));
    let recorder = Recorder::new(client, Duration::ZERO, Vec::new(), |_, answer, _| {
        if let Answer::Reached(heads) = answer {
            reached.clone_from(heads);
        }
        Ok(())
    });
    let (tally, ended) = recorder.run(lines).await;
    match ended {
        Ok(()) if tally.refused == 0 => Ok(reached),
        Ok(()) => Err(Failure::Refused(format!("{} registrations were refused", tally.refused))),
        Err(Stop::Failed(failure)) => Err(failure),
        Err(Stop::Broken(broken)) => Err(Failure::Usage(broken.to_string())),
    }
}

/// Collections of households that are registered, with request ids of their own.
#[derive(Debug)]
pub(super) struct Collections {
    patterns: Arc<[CollectGoodsRequest]>,
    next: usize,
    dice: Dice,
    /// Receipt numbers are unique at a station within a year, so those of one run are unlike those of another.
    run: u64,
    serial: u64,
}

impl Collections {
    /// `run` makes the request ids of one run unlike those of another.
    pub(super) fn new(county: Option<CountyCode>, seed: u64, households: u32, run: u64) -> Self {
        let county_code = county.map(|county| county.to_string()).unwrap_or_default();
        let collected = play(seed, households, DEMO_WEEKS).filter_map(|line| collection(&line).cloned());
        let collected = collected.map(|request| CollectGoodsRequest { county_code: county_code.clone(), ..request });
        let collected = collected.take(PATTERNS);
        let (outright, consigned): (Vec<_>, Vec<_>) = collected.partition(is_outright);
        let mut patterns = Vec::new();
        for (chunk, other) in outright.chunks(OUTRIGHT_IN_FOUR).zip(consigned.into_iter().cycle()) {
            patterns.extend(chunk.iter().cloned().chain([other]));
        }
        Self { patterns: patterns.into(), next: 0, dice: Dice::new(run), run, serial: 0 }
    }

    /// The same patterns with other request ids.
    pub(super) fn again(&self, run: u64) -> Self {
        Self { patterns: Arc::clone(&self.patterns), next: 0, dice: Dice::new(run), run, serial: 0 }
    }

    /// The next collection, on a day of 2020 of its own.
    pub(super) fn next(&mut self) -> CollectGoodsRequest {
        let mut request = self.patterns.get(self.next).cloned().unwrap_or_default();
        self.next = self.next.saturating_add(1).checked_rem(self.patterns.len().max(1)).unwrap_or(0);
        self.serial = self.serial.saturating_add(1);
        request.request_id = self.request_id();
        request.receipt_number = format!("{:x}-{}", self.run, self.serial);
        let days = i32::try_from(self.dice.between(0, 260)).unwrap_or(0);
        let first = BusinessDate::from_ymd(2020, 4, 6).expect("a day");
        if let Some(occasion) = &mut request.occasion {
            occasion.business_date = first.plus_days(days).to_string();
        }
        request
    }

    /// An outright purchase of each household in each of `months`, month after month.
    pub(super) fn monthly(
        mut self,
        households: Vec<Household>,
        months: u32,
    ) -> impl Iterator<Item = CollectGoodsRequest> {
        let mut patterns: Vec<_> =
            self.patterns.iter().filter(|pattern| is_stated_outright(pattern)).cloned().collect();
        patterns.truncate(PATTERNS / 2);
        self.patterns = patterns.into();
        let first = BusinessDate::from_ymd(2020, 4, 15).expect("a day");
        let days = (0..months).map(move |month| first.plus_days(i32::try_from(month).unwrap_or(0).saturating_mul(30)));
        days.flat_map(move |day| households.clone().into_iter().map(move |household| (day, household))).map(
            move |(day, household)| {
                let mut request = self.next();
                request.producer_id = household.id.to_string();
                request.member_id = household.head.to_string();
                if let Some(occasion) = &mut request.occasion {
                    occasion.business_date = day.to_string();
                }
                request
            },
        )
    }

    fn request_id(&mut self) -> String {
        RequestId(self.dice.uuid()).to_string()
    }
}

/// A household that the scenario registers.
#[derive(Debug, Clone)]
pub(super) struct Household {
    pub(super) id: PartyId,
    head: MemberId,
}

/// The households of the scenario, by the ids that follow from their registrations.
pub(super) fn households(county: Option<CountyCode>, seed: u64, count: u32) -> Vec<Household> {
    let stream = StreamId { service: Service::Procurement, county: county.unwrap_or(CountyCode::TUOLI) };
    let households = registrations(seed, count).filter_map(|line| {
        let Line::Procurement(procurement::v1::RecordRequest {
            command: Some(procurement::v1::record_request::Command::RegisterHousehold(request)),
        }) = line.line?
        else {
            return None;
        };
        let request = RequestId::parse(&request.request_id).ok()?;
        Some(Household { id: PartyId::derive(request, stream, 0), head: MemberId::derive(request, stream, 0) })
    });
    households.collect()
}

/// What the scenario begins with: all that comes before its first collection.
fn registrations(seed: u64, households: u32) -> impl Iterator<Item = RecordLine> {
    play(seed, households, DEMO_WEEKS).take_while(|line| collection(line).is_none())
}

fn collection(line: &RecordLine) -> Option<&CollectGoodsRequest> {
    let Line::Station(RecordRequest { command: Some(Command::CollectGoods(request)) }) = line.line.as_ref()? else {
        return None;
    };
    Some(request)
}

/// Bought outright at the station; the demo's contracts are for outright purchases.
fn is_outright(request: &CollectGoodsRequest) -> bool {
    match &request.basis {
        Some(Basis::ContractId(_)) => true,
        Some(Basis::Stated(stated)) => {
            let terms = stated.terms.as_ref().and_then(|terms| terms.terms.as_ref());
            matches!(terms, Some(contract_terms::Terms::Outright(_)))
        }
        None => false,
    }
}

/// Bought at a price that the collection states: no contract of its producer stands in the way of another's using it.
fn is_stated_outright(request: &CollectGoodsRequest) -> bool {
    is_outright(request) && matches!(request.basis, Some(Basis::Stated(_)))
}

/// The later one of two positions of a stream.
pub(super) fn later(one: Option<Position>, other: Option<Position>) -> Option<Position> {
    [one, other].into_iter().flatten().max_by_key(|position| position.sequence)
}

/// Commits of all streams, once these positions and everything that follows from them is in the ledger. The ledger's own
/// heads would not do: it may not have read yet what was acknowledged.
pub(super) async fn commits_settled(
    client: &Client,
    positions: impl IntoIterator<Item = Position>,
) -> Result<u64, Failure> {
    let mut ledger = client.ledger()?;
    let positions = positions.into_iter().collect();
    let all = AwaitRequest { positions, consequences: true, ..AwaitRequest::default() };
    let _ = ledger.r#await(client.in_county(all)).await?;
    let status = ledger.get_status(client.in_county(GetStatusRequest::default())).await?.into_inner();
    Ok(status.streams.iter().fold(0, |sum, stream| u64::saturating_add(sum, stream.sequence)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use loopledger_domain::procurement::Event as Procurement;
    use loopledger_domain::{Event, Relation};
    use loopledger_testkit::County;

    use super::*;

    const SEED: u64 = 7;
    const HOUSEHOLDS: u32 = 20;

    fn collections(run: u64) -> Collections {
        Collections::new(None, SEED, HOUSEHOLDS, run)
    }

    /// One request after every pattern.
    fn one_cycle(collections: &mut Collections) -> Vec<CollectGoodsRequest> {
        (0..collections.patterns.len()).map(|_| collections.next()).collect()
    }

    fn two_cycles(mut collections: Collections) -> Vec<CollectGoodsRequest> {
        [one_cycle(&mut collections), one_cycle(&mut collections)].concat()
    }

    /// The scenario's county with its registrations.
    fn registered() -> County {
        let mut county = County::new();
        for outcome in registrations(SEED, HOUSEHOLDS).filter_map(|line| county.record(line)) {
            outcome.expect("a registration is accepted");
        }
        county
    }

    /// How many commits the request leads to: its own and all reactions.
    fn commits_of(county: &mut County, request: CollectGoodsRequest) -> usize {
        let before = county.records().len();
        let said = format!("{request:?}");
        let line = Line::Station(RecordRequest { command: Some(Command::CollectGoods(request)) });
        let outcome = county.record(RecordLine { line: Some(line) }).expect("it is no barrier");
        outcome.unwrap_or_else(|refused| panic!("{refused:?}: {said}"));
        county.records()[before..].len()
    }

    /// Events of procurement that `which` picks.
    fn procured<T>(county: &County, which: impl Fn(&Procurement) -> Option<T>) -> Vec<T> {
        let events = county.commits(Service::Procurement).iter().flat_map(|commit| &commit.events);
        events.filter_map(|event| if let Event::Procurement(event) = event { which(event) } else { None }).collect()
    }

    #[test]
    fn the_same_seed_and_run_make_the_same_requests() {
        let made = two_cycles(collections(1));
        assert_eq!(made, two_cycles(collections(1)));
        assert_eq!(made, two_cycles(collections(2).again(1)));
        assert_ne!(made, two_cycles(Collections::new(None, SEED + 1, HOUSEHOLDS, 1)));
    }

    #[test]
    fn another_run_makes_the_same_purchases_under_other_request_ids_and_numbers() {
        let first = collections(1);
        let second = first.again(2);
        let (mut first, mut second) = (two_cycles(first), two_cycles(second));
        let made = first.iter().chain(&second);
        let ids: BTreeSet<_> = made.clone().map(|request| &request.request_id).collect();
        let numbers: BTreeSet<_> = made.clone().map(|request| &request.receipt_number).collect();
        assert_eq!((ids.len(), numbers.len()), (made.clone().count(), made.count()), "no id and no number is repeated");

        for request in first.iter_mut().chain(&mut second) {
            (request.request_id, request.receipt_number, request.occasion) = Default::default();
        }
        assert_eq!(first, second);
    }

    #[test]
    fn collections_are_spread_over_the_year_2020() {
        let made = two_cycles(collections(1));
        let days: BTreeSet<_> = made.iter().map(|made| made.occasion.clone().expect("a day").business_date).collect();
        assert!(days.iter().all(|day| day.starts_with("2020-")), "{days:?}");
        assert!(days.len() > 100, "{days:?}");
    }

    #[test]
    fn the_services_accept_every_collection_and_react_to_three_in_four() {
        let (mut county, mut collections) = (registered(), collections(1));
        let fours = one_cycle(&mut collections);
        assert!(fours.len() > 100, "{} patterns", fours.len());
        // The last ones of a cycle may be fewer than four.
        for four in fours.chunks_exact(4) {
            let mut commits: Vec<_> = four.iter().map(|request| commits_of(&mut county, request.clone())).collect();
            commits.sort_unstable();
            assert_eq!(commits, [1, 3, 3, 3], "{four:?}");
        }
        for request in one_cycle(&mut collections) {
            commits_of(&mut county, request);
        }
    }

    #[test]
    fn the_households_have_the_ids_that_the_services_derive() {
        let registered = procured(&registered(), |event| {
            let Procurement::HouseholdRegistered(registered) = event else { return None };
            let head = registered.members.iter().find(|member| member.relation == Relation::Head)?;
            Some((registered.household, head.member))
        });
        assert_eq!(registered.len(), 20);
        let named = households(None, SEED, HOUSEHOLDS).into_iter().map(|household| (household.id, household.head));
        assert_eq!(named.collect::<Vec<_>>(), registered);
    }

    #[test]
    fn every_household_sells_something_outright_in_every_month() {
        let mut county = registered();
        let households = households(None, SEED, HOUSEHOLDS);
        for request in collections(1).monthly(households.clone(), 12) {
            commits_of(&mut county, request);
        }
        let purchases = procured(&county, |event| {
            let Procurement::PurchaseAccepted(accepted) = event else { return None };
            Some((accepted.producer.id, accepted.occasion.business_date.month()))
        });
        let (producers, months): (BTreeSet<_>, BTreeSet<_>) = purchases.iter().copied().unzip();
        assert_eq!(producers, households.iter().map(|household| household.id).collect());
        assert_eq!((months.len(), purchases.len()), (12, 240));
        assert_eq!(purchases.iter().collect::<BTreeSet<_>>().len(), 240, "none sells twice in a month");
    }
}
