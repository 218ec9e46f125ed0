//! How fast a writer is with a trivial decider on the memory log. `MEASURE=1` prints it; nothing is asserted, because a
//! shared machine proves nothing.

use std::time::Instant;

use loopledger_event_log::MemoryLog;
use loopledger_service::writer::{Writer, WriterConfig};
use loopledger_state_store::Memory;

use crate::peer::Left;
use crate::world::{add, start};

#[tokio::test]
async fn commits_per_second_on_one_core() {
    let count = if std::env::var_os("MEASURE").is_some() { 500_000 } else { 2_000 };
    let log = MemoryLog::new(8);
    let writer: Writer<Left> = start(&log, &Memory::new(), WriterConfig::default());
    writer.handle().serving().await.unwrap();
    let writes: Vec<_> = (0..count).map(|number| add(number, number % 1_000, 1)).collect();
    let began = Instant::now();
    let (mut ordered, mut answers) = writer.handle().ordered();
    let send = async {
        for write in writes {
            ordered.submit(write, None).await;
        }
        drop(ordered);
    };
    let receive = async {
        while let Some(answer) = answers.next().await {
            answer.unwrap();
        }
    };
    tokio::join!(send, receive);
    let elapsed = began.elapsed();
    let rate = u128::from(count) * 1_000_000 / elapsed.as_micros().max(1);
    println!("{count} commits in {elapsed:?}: {rate}/s; {:?}", writer.handle().metrics().snapshot());
    let feed = loopledger_service::feed::Feed::new(std::sync::Arc::new(log.clone()));
    let mut follower = feed.follow(crate::world::stream(loopledger_types::Service::Station));
    let began = Instant::now();
    while follower.head().sequence < count {
        follower.next().await.unwrap();
    }
    let elapsed = began.elapsed();
    println!("followed and decoded: {}/s", u128::from(count) * 1_000_000 / elapsed.as_micros().max(1));
}
