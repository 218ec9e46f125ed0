//! `CloudEvents`' Kafka binding in binary mode, for consumers that know nothing of commits, and the trace that the commit
//! belongs to. Advisory: admission never reads them, so they are made only for a log that keeps them.

use bytes::Bytes;
use loopledger_domain::Commit;
use loopledger_event_log::Headers;
use loopledger_types::{BusinessDate, Timestamp};
use loopledger_wire::type_url;

use loopledger_observability::trace::TraceContext;

/// Official time, in seconds ahead of UTC.
const OFFICIAL_OFFSET_SECONDS: i64 = 8 * 3_600;

/// The headers of a commit's record.
pub(super) fn headers(commit: &Commit, trace: Option<TraceContext>) -> Headers {
    let event = commit.events.first().map_or("", type_url);
    let event = event.strip_prefix("type.googleapis.com/").unwrap_or(event);
    let text = |text: String| Bytes::from(text.into_bytes());
    let mut headers: Headers = vec![
        ("ce_specversion".into(), Bytes::from_static(b"1.0")),
        ("ce_id".into(), text(format!("{}/{}", commit.stream, commit.sequence))),
        ("ce_source".into(), text(format!("/loopledger/{}", commit.stream))),
        ("ce_type".into(), text(event.to_owned())),
        ("ce_time".into(), text(rfc_3339(commit.recorded_at))),
        ("content-type".into(), Bytes::from_static(b"application/protobuf")),
    ];
    headers.extend(trace.map(TraceContext::header));
    headers
}

/// RFC 3339, in official time, to the microsecond.
fn rfc_3339(time: Timestamp) -> String {
    let day = BusinessDate::of(time);
    let second = time.seconds.saturating_add(OFFICIAL_OFFSET_SECONDS).rem_euclid(86_400);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let micros = time.nanos / 1_000;
    format!("{day}T{hour:02}:{minute:02}:{second:02}.{micros:06}+08:00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_official() {
        let time = Timestamp { seconds: 1_585_670_400, nanos: 1_500_000 };
        assert_eq!(rfc_3339(time), "2020-04-01T00:00:00.001500+08:00");
        let time = Timestamp { seconds: 1_585_670_399, nanos: 0 };
        assert_eq!(rfc_3339(time), "2020-03-31T23:59:59.000000+08:00");
    }
}
