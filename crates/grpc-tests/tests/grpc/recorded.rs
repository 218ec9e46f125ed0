//! Files of commands for several counties, as the client sends them.

use std::time::Duration;

use loopledger_client::record::{Answer, Recorder, Stop, Tally, numbered};
use loopledger_client::{Client, Failure};
use loopledger_proto::client::v1::record_line::Line;
use loopledger_proto::client::v1::{Await, RecordLine};
use loopledger_proto::common::v1 as common;
use loopledger_proto::procurement::v1::record_request::Command;
use loopledger_proto::procurement::v1::{ChangeHouseholdCategoryRequest, RecordRequest, RegisterHouseholdRequest};
use loopledger_types::{CountyCode, PartyId, RequestId, Service, StreamId};

use crate::bulk::{register, request_id};
use crate::counties::{HERE, THERE, of_county};
use crate::county::{County, VILLAGE};
use crate::several::Several;

fn line(command: RecordRequest) -> RecordLine {
    RecordLine { line: Some(Line::Procurement(command)) }
}

fn barrier() -> RecordLine {
    RecordLine { line: Some(Line::Await(Await {})) }
}

/// Sends the lines; the stream that each was recorded in, or why not, and the heads of barriers.
async fn record(client: &Client, lines: Vec<RecordLine>) -> (Vec<String>, Tally, Result<(), Stop>) {
    let mut said = Vec::new();
    let tell = |_: &_, answer: &Answer, _: &_| {
        said.push(match answer {
            Answer::Recorded(receipt) => receipt.position.as_ref().unwrap().stream.clone(),
            Answer::Refused(status) => status.message.clone(),
            Answer::Reached(heads) => {
                let mut heads: Vec<_> = heads.iter().map(|head| format!("{}@{}", head.stream, head.sequence)).collect();
                heads.sort();
                heads.join(" ")
            }
        });
        Ok(())
    };
    let (tally, ended) = Recorder::new(client, Duration::ZERO, Vec::new(), tell).run(numbered(lines)).await;
    (said, tally, ended)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_several_counties_goes_to_each_and_its_barriers_span_all() {
    let several = Several::start(&[HERE, THERE]).await;
    let client = Client::connect(&several.address.to_string()).await.unwrap();
    let lines = vec![
        line(of_county(1, HERE)),
        line(of_county(1, THERE)),
        line(of_county(2, HERE)),
        barrier(),
        // These rest on the heads of their own county, or the other one's would be refused.
        line(of_county(3, THERE)),
        line(of_county(3, HERE)),
        barrier(),
    ];
    let (said, tally, ended) = record(&client, lines.clone()).await;
    ended.unwrap();
    let (here, there) = ("procurement/654224", "procurement/654201");
    let heads = |here: u64, there: u64| format!("procurement/654201@{there} procurement/654224@{here}");
    assert_eq!(said, [here, there, here, &heads(2, 1), there, here, &heads(3, 2)]);
    assert_eq!((tally.new, tally.barriers, tally.refused), (5, 2, 0));
    // A line that names none is of the client's; one that names its own keeps it.
    let client = client.of_county(Some(CountyCode::parse(THERE).unwrap()));
    let (said, tally, ended) = record(&client, vec![barrier(), line(of_county(4, "")), line(of_county(4, HERE))]).await;
    ended.unwrap();
    assert_eq!(said, ["procurement/654201@2", there, here]);
    assert_eq!(tally.new, 2);
    let (_, tally, ended) = record(&client, lines).await;
    ended.unwrap();
    assert_eq!((tally.new, tally.found), (0, 5), "all of it was recorded before");
    several.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_names_no_county_stops_where_several_are_hosted() {
    let several = Several::start(&[HERE, THERE]).await;
    let client = Client::connect(&several.address.to_string()).await.unwrap();
    for lines in [vec![line(of_county(1, ""))], vec![barrier()]] {
        let (said, _, ended) = record(&client, lines).await;
        let Err(Stop::Failed(Failure::Refused(why))) = ended else { panic!("{ended:?}") };
        assert!(said.is_empty() && why.contains("county_code") && why.contains("--county"), "{why}");
    }
    // A code that is wrong in form is the line's fault alone.
    let (said, tally, ended) = record(&client, vec![line(of_county(1, "6542")), line(of_county(1, HERE))]).await;
    ended.unwrap();
    assert_eq!((tally.refused, tally.new), (1, 1), "{said:?}");
    let (_, _, ended) = record(&client, vec![line(of_county(2, "110101"))]).await;
    let Err(Stop::Failed(Failure::Refused(why))) = ended else { panic!("{ended:?}") };
    assert!(why.contains("110101") && why.contains("procurement-7"), "{why}");
    several.stop().await;
}

/// Each household is registered, and changed by the next line; only one of both names the county.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_keep_their_order_also_if_only_some_name_their_county() {
    let county = County::start().await;
    let client = Client::connect(&county.address.to_string()).await.unwrap();
    let stream = StreamId { service: Service::Procurement, county: CountyCode::TUOLI };
    let mut lines = Vec::new();
    for number in 0..40 {
        let codes = if number % 2 == 0 { ["", HERE] } else { [HERE, ""] };
        let occasion = register(0).occasion;
        let registered = RegisterHouseholdRequest {
            request_id: request_id(number),
            occasion: occasion.clone(),
            division_code: VILLAGE.to_owned(),
            category: common::HouseholdCategory::General.into(),
            members: vec![common::Relation::Head.into()],
            county_code: codes[0].to_owned(),
            ..RegisterHouseholdRequest::default()
        };
        let household = PartyId::derive(RequestId::parse(&registered.request_id).unwrap(), stream, 0);
        let changed = ChangeHouseholdCategoryRequest {
            request_id: request_id(1_000 + number),
            occasion,
            household_id: household.to_string(),
            category: common::HouseholdCategory::Exited.into(),
            county_code: codes[1].to_owned(),
            ..ChangeHouseholdCategoryRequest::default()
        };
        for command in [Command::RegisterHousehold(registered), Command::ChangeHouseholdCategory(changed)] {
            lines.push(line(RecordRequest { command: Some(command) }));
        }
    }
    let (said, tally, ended) = record(&client, lines).await;
    ended.unwrap();
    assert_eq!((tally.new, tally.refused), (80, 0), "{said:?}");
    county.stop().await;
}

/// More than a connection has streams for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_may_name_more_counties_than_streams_are_open_at_once() {
    let codes: Vec<String> = (0..300).map(|number| (110_101 + number).to_string()).collect();
    let several = Several::start(&codes.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let client = Client::connect(&several.address.to_string()).await.unwrap();
    let lines: Vec<_> = (0..2).flat_map(|round| codes.iter().map(move |code| line(of_county(round, code)))).collect();
    let (said, tally, ended) = record(&client, lines).await;
    ended.unwrap();
    assert_eq!((tally.new, tally.refused), (600, 0), "{said:?}");
    several.stop().await;
}
