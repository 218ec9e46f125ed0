//! Hand-written record batches that no client library would write.

use std::io::{Read, Write};
use std::net::TcpStream;

use loopledger_event_log::EventLog;

use crate::support::{self, PARTITION, TOPIC, append, read_to, values};

/// Kafka's variable-length integer, of small numbers only.
fn varint(value: usize) -> u8 {
    assert!(value < 64, "one byte is enough");
    u8::try_from(value * 2).unwrap()
}

/// A batch of one record with one header, as it lies on disk (format version 2).
fn batch(value: &[u8], header_name: &[u8]) -> Vec<u8> {
    // Attributes, differences of time and offset, no key.
    let mut record = vec![0, 0, 0, 1];
    record.push(varint(value.len()));
    record.extend(value);
    record.push(varint(1));
    record.push(varint(header_name.len()));
    record.extend(header_name);
    record.extend([varint(1), b'v']);

    // Attributes, last offset, first and last time, producer (none), number of records.
    let mut body = vec![0, 0];
    body.extend(0_i32.to_be_bytes());
    body.extend(1_585_670_400_000_i64.to_be_bytes());
    body.extend(1_585_670_400_000_i64.to_be_bytes());
    body.extend((-1_i64).to_be_bytes());
    body.extend((-1_i16).to_be_bytes());
    body.extend((-1_i32).to_be_bytes());
    body.extend(1_i32.to_be_bytes());
    body.push(varint(record.len()));
    body.extend(record);

    let mut batch = 0_i64.to_be_bytes().to_vec();
    batch.extend(i32::try_from(4 + 1 + 4 + body.len()).unwrap().to_be_bytes());
    batch.extend((-1_i32).to_be_bytes());
    batch.push(2);
    batch.extend(crc32c::crc32c(&body).to_be_bytes());
    batch.extend(body);
    batch
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = i16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

/// `Produce`, version 7, of one batch to partition 0.
fn produce(broker: &str, topic: &str, batch: &[u8]) {
    let mut request = vec![0, 0, 0, 7, 0, 0, 0, 1];
    request.extend(text("stranger"));
    request.extend((-1_i16).to_be_bytes());
    request.extend((-1_i16).to_be_bytes());
    request.extend(30_000_i32.to_be_bytes());
    request.extend(1_i32.to_be_bytes());
    request.extend(text(topic));
    request.extend(1_i32.to_be_bytes());
    request.extend(0_i32.to_be_bytes());
    request.extend(i32::try_from(batch.len()).unwrap().to_be_bytes());
    request.extend(batch);
    let mut connection = TcpStream::connect(broker).unwrap();
    connection.write_all(&i32::try_from(request.len()).unwrap().to_be_bytes()).unwrap();
    connection.write_all(&request).unwrap();
    let mut size = [0; 4];
    connection.read_exact(&mut size).unwrap();
    let mut answer = vec![0; usize::try_from(i32::from_be_bytes(size)).unwrap()];
    connection.read_exact(&mut answer).unwrap();
    // After correlation id, count of topics, name, count of partitions and number of the partition.
    let at = 4 + 4 + 2 + topic.len() + 4 + 4;
    assert_eq!(answer[at..at + 2], [0, 0], "the broker takes it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_whose_name_is_no_text_stops_no_reader() {
    let options = support::options(support::bootstrap());
    let log = support::connect(&options).await;
    append(&log, &["before"]).await;
    let broker = options.brokers.split(',').next().unwrap();
    let topic = format!("{}{TOPIC}", options.topic_prefix);
    produce(broker, &topic, &batch(b"garbage", b"\xff\xfe"));
    produce(broker, &topic, &batch(b"stranger", b"name"));
    append(&log, &["after"]).await;
    let read = read_to(&log, log.end(TOPIC, PARTITION).await.unwrap()).await;
    assert_eq!(values(&read), ["before", "garbage", "stranger", "after"]);
    assert_eq!(read[1].headers, [], "as if it had none");
    assert_eq!(read[2].headers, [("name".into(), "v".into())]);
}
