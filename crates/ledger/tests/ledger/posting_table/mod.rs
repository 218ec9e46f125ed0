//! `docs/postings.md` says what the code posts: for every kind of event, and for the chart of accounts.

mod document;
mod samples;

use std::collections::{BTreeMap, BTreeSet};

use loopledger_domain::*;
use loopledger_ledger::*;
use loopledger_types::*;

use crate::world::HOME;
use document::Document;
use samples::{Sample, samples};

macro_rules! kinds {
    ($($service:ident => $module:ident { $($event:ident)* })*) => {
        /// Every kind of event, as the document names it.
        const KINDS: &[&str] = &[$($(concat!(stringify!($module), ".", stringify!($event)),)*)*];

        /// The kind of an event. A new event does not compile until it stands in the list below.
        const fn kind(event: &Event) -> &'static str {
            match event {
                $($(Event::$service($module::Event::$event(_)) => concat!(stringify!($module), ".", stringify!($event)),)*)*
            }
        }
    };
}

kinds! {
    Procurement => procurement {
        HouseholdRegistered HouseholdCategoryChanged MemberJoined MemberLeft HouseholdRelocated PartyRegistered
        ProductRegistered LinkageContracted PurchaseAccepted PurchaseDeclined PayableOpened PayoutMade PayoutFailed
        UpstreamIgnored AnswerRepeated TailLost
    }
    Station => station {
        StationOpened GoodsCollected GoodsReleased GoodsReturned GoodsHandedOver GoodsTakenBack StockTakenIn
        GoodsInspected GoodsBoughtIn StockReserved StockRefused ReservationReleased CancelRefused GoodsIssued UpstreamIgnored
        AnswerRepeated TailLost
    }
    Distribution => distribution {
        SiteOpened ShipmentDispatched HandOverRefused ShipmentReceived GoodsBoughtIn StockReserved StockRefused
        ReservationReleased CancelRefused GoodsIssued UpstreamIgnored AnswerRepeated TailLost
    }
    Sales => sales {
        ChannelOpened OrderPlaced OrderLineCancelled CancellationRequested OrderLineStands OrderFulfilled
        PaymentReceived PrepaymentReturned ConsignmentSettled UpstreamIgnored AnswerRepeated TailLost
    }
}

/// An id whose bytes spell the role that it plays in its event.
fn id(role: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..role.len()].copy_from_slice(role.as_bytes());
    bytes
}

fn role(id: [u8; 16]) -> String {
    String::from_utf8(id.into_iter().take_while(|byte| *byte != 0).collect()).unwrap()
}

/// A commit with this event alone.
fn commit(event: Event) -> Commit {
    let service = match &event {
        Event::Procurement(_) => Service::Procurement,
        Event::Station(_) => Service::Station,
        Event::Distribution(_) => Service::Distribution,
        Event::Sales(_) => Service::Sales,
    };
    Commit {
        stream: StreamId { service, county: HOME },
        sequence: 1,
        hash: Hash([1; 32]),
        request_id: RequestId([1; 16]),
        request_digest: [0; 32],
        cause: None,
        actor: None,
        recorded_at: Timestamp { seconds: 1_600_000_000, nanos: 0 },
        events: vec![event],
        upstream: Vec::new(),
    }
}

/// What a sample posts, one text for each line of money and for each movement of goods, as the document writes it.
fn posted(sample: &Sample) -> BTreeSet<String> {
    let mut journal = Journal::new();
    post(&commit(sample.event.clone()), &mut journal);
    let (name, case) = (kind(&sample.event), sample.case);
    assert!(journal.exceptions().is_empty(), "{name}, {case}: {:?}", journal.exceptions());
    let mut lines = BTreeSet::new();
    for entry in journal.entries() {
        lines.extend(journal.money(entry).iter().map(|line| money(line, sample)));
        lines.extend(journal.goods(entry).chunks_exact(2).map(|pair| goods(&pair[0], &pair[1], sample)));
    }
    lines
}

fn money(line: &MoneyLine, sample: &Sample) -> String {
    let side = if line.amount > 0 { "Dr" } else { "Cr" };
    let lot = if line.lot.is_some() { "(lot)" } else { "" };
    let against = match line.counterparty {
        Counterparty::None => String::new(),
        Counterparty::Party(party) => format!("[{}]", role(party.0)),
        Counterparty::Outside(_) => "[outside]".to_owned(),
    };
    let (book, account) = (role(line.book.id.0), line.account.number());
    format!("{book}: {side} {account}{lot}{against} {}", sample.measure(line.amount.abs()))
}

fn goods(from: &GoodsLine, to: &GoodsLine, sample: &Sample) -> String {
    assert_eq!((from.quantity, from.product, from.lot), (-to.quantity, to.product, to.lot));
    format!("{} → {}: {}", cell(from), cell(to), sample.measure(to.quantity))
}

fn cell(line: &GoodsLine) -> String {
    let way = line.destination.map_or(String::new(), |to| format!(">{}", role(to.0)));
    let owner = match line.title {
        Title::Owned { owner } => role(owner.id.0),
        Title::Consigned { .. } => "consignors".to_owned(),
    };
    format!("{}@{}{way}[{}] of {owner}", line.account.as_str(), role(line.place.0), role(line.custodian.0))
}

#[test]
fn the_document_and_the_samples_name_every_kind_of_event() {
    let every: BTreeSet<&str> = KINDS.iter().copied().collect();
    let document = Document::read();
    let posting: BTreeSet<&str> = document.postings.keys().map(|(event, _)| event.as_str()).collect();
    let silent: BTreeSet<&str> = document.silent.iter().map(String::as_str).collect();
    assert_eq!(posting.intersection(&silent).collect::<Vec<_>>(), Vec::<&&str>::new(), "in both tables");
    assert_eq!(posting.union(&silent).copied().collect::<BTreeSet<_>>(), every, "in the document, in the code");
    let sampled: BTreeSet<&str> = samples().iter().map(|sample| kind(&sample.event)).collect();
    assert_eq!(sampled, every, "in the samples, in the code");
}

#[test]
fn every_fact_is_posted_as_the_document_says() {
    let document = Document::read();
    let mut found: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for sample in samples() {
        let (name, lines) = (kind(&sample.event), posted(&sample));
        if document.silent.contains(name) {
            assert_eq!(lines, BTreeSet::new(), "{name} posts, and the document says that it does not");
            continue;
        }
        let before = found.insert((name.to_owned(), sample.case.to_owned()), lines);
        assert_eq!(before, None, "{name}, {}: two samples", sample.case);
    }
    let cases = |all: &BTreeMap<(String, String), BTreeSet<String>>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(cases(&document.postings), cases(&found), "cases in the document, cases of the samples");
    for (case, lines) in &document.postings {
        assert_eq!(lines, &found[case], "{case:?}: in the document, as posted");
    }
}

#[test]
fn the_accounts_of_the_document_are_those_that_facts_post_to() {
    let document = Document::read();
    for (number, english, chinese) in &document.accounts {
        let account = Account::parse(number).unwrap_or_else(|| panic!("no account {number}"));
        assert_eq!((account.english(), account.chinese()), (english.as_str(), chinese.as_str()), "{number}");
    }
    let listed: BTreeSet<&str> = document.accounts.iter().map(|(number, ..)| number.as_str()).collect();
    let mut used = BTreeSet::new();
    let mut journal = Journal::new();
    for sample in samples() {
        post(&commit(sample.event), &mut journal);
        for entry in journal.entries() {
            used.extend(journal.money(entry).iter().map(|line| line.account.number()));
        }
    }
    assert_eq!(listed, used, "in the document, as posted");
}
