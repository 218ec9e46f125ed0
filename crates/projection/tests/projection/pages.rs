//! A list is that of its first page's heads, whatever is folded between two pages.

use loopledger_domain::PartyKind;
use loopledger_event_log::MemoryLog;
use loopledger_ledger::{Concerns, Ledger, statement_from};
use loopledger_projection::StoragePlace;
use loopledger_proto::ledger::v1 as pb;
use loopledger_state_store::Memory;
use loopledger_types::divisions::Edition;
use loopledger_types::{BusinessDate, CountyCode, Month, Service};

use crate::world::{HISTORY, PARTITIONS, World, append};

/// The ledger of the first `count` records.
fn ledger_of(count: usize) -> Ledger {
    let mut ledger = Ledger::new(CountyCode::TUOLI, Concerns::SERVICES);
    let mut taken = [0_usize; 5];
    for (service, _) in &HISTORY.records()[..count] {
        let next = taken[service.index()];
        ledger.apply(&HISTORY.commits(*service)[next]).unwrap();
        taken[service.index()] = next + 1;
    }
    ledger
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_of_facts_neither_skip_nor_repeat_while_the_ledger_grows() {
    let records = HISTORY.records();
    let half = records.len() * 2 / 3;
    let ledger = ledger_of(half);
    let log = MemoryLog::new(PARTITIONS);
    append(&log, &records[..half]).await;
    let world = World::start(&log, StoragePlace::Memory(Memory::new())).await;
    world.projection.caught_up().await;

    let any_day = BusinessDate::parse("2020-12-31").unwrap();
    let coop = ledger.parties(Some(PartyKind::Cooperative), any_day, None)[0].id;
    let month = Month::parse("2020-05").unwrap();
    let commits = ledger.statement_commits(coop, month, None).unwrap();
    let commit =
        |at: &loopledger_ledger::FactRef| &*HISTORY.commits(at.service)[usize::try_from(at.sequence).unwrap() - 1];
    let expected = statement_from(coop, month, &commits, commits.month.iter().map(commit), []);
    let statement = |page_token| pb::GetStatementRequest {
        party_id: coop.to_string(),
        month: month.to_string(),
        page_size: 40,
        page_token,
        ..Default::default()
    };
    let sales = |page_token| pb::ListLoopFactsRequest {
        figure: pb::LoopFigure::Sales.into(),
        page_size: 5,
        page_token,
        ..Default::default()
    };
    let first = world.ledger().get_statement(statement(String::new())).await.unwrap().into_inner();
    let first_facts = world.loops().list_loop_facts(sales(String::new())).await.unwrap().into_inner();
    append(&log, &records[half..]).await;
    world.settled().await;

    let (mut lines, mut token) = (first.lines.clone(), first.next_page_token.clone());
    while !token.is_empty() {
        let page = world.ledger().get_statement(statement(token)).await.unwrap().into_inner();
        assert_eq!((&page.heads, &page.opening, &page.closing), (&first.heads, &first.opening, &first.closing));
        lines.extend(page.lines);
        token = page.next_page_token;
    }
    assert!(lines.len() > 40, "more than a page");
    let wanted: Vec<_> = expected.lines.iter().map(|line| (line.account.number(), line.amount)).collect();
    assert_eq!(
        lines.iter().map(|l| (l.account.as_ref().unwrap().number.as_str(), l.amount_fen)).collect::<Vec<_>>(),
        wanted
    );

    let query = loopledger_ledger::LoopQuery {
        division: None,
        product: None,
        from: Month::from_index(0).unwrap(),
        to: Month::parse("2020-12").unwrap(),
        edition: Edition::FIRST,
    };
    let expected = ledger.loop_facts(&query, loopledger_ledger::LoopFigure::Sales(None));
    let (mut facts, mut token) = (first_facts.facts, first_facts.next_page_token);
    while !token.is_empty() {
        let page = world.loops().list_loop_facts(sales(token)).await.unwrap().into_inner();
        assert_eq!(page.heads, first_facts.heads);
        facts.extend(page.facts);
        token = page.next_page_token;
    }
    assert_eq!(facts.len(), expected.len());
    for (row, line) in facts.iter().zip(&expected) {
        let found = row.fact.as_ref().unwrap().position.as_ref().unwrap();
        assert_eq!((&row.business_date, found.sequence), (&line.date.to_string(), line.at.sequence));
    }
}

/// A token outlives a restart: the list goes on once its heads are folded again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_goes_on_after_a_restart() {
    let log = crate::world::full_log().await;
    let ask = |page_token| pb::ListLoopFactsRequest {
        figure: pb::LoopFigure::Supply.into(),
        page_size: 10,
        page_token,
        ..Default::default()
    };
    let world = World::start(&log, StoragePlace::Memory(Memory::new())).await;
    world.settled().await;
    let whole = pb::ListLoopFactsRequest { page_size: 1_000, ..ask(String::new()) };
    let whole = world.loops().list_loop_facts(whole).await.unwrap().into_inner().facts;
    let token = world.loops().list_loop_facts(ask(String::new())).await.unwrap().into_inner().next_page_token;
    world.projection.shutdown().await;
    let world = World::start(&log, StoragePlace::Memory(Memory::new())).await;
    let second = world.loops().list_loop_facts(ask(token)).await.unwrap().into_inner().facts;
    assert_eq!(second, whole[10..20]);
    assert!(HISTORY.commits(Service::Procurement).len() > 20);
}
