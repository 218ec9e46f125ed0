//! Deadlines of calls. tonic drops a handler whose deadline passes and answers CANCELLED, so we answer a little earlier.

use core::time::Duration;

use tokio::time::Instant;
use tonic::metadata::MetadataMap;

/// What a caller waits that says nothing.
pub const DEADLINE_DEFAULT: Duration = Duration::from_secs(30);

/// The longest that a call waits, whatever its caller says.
pub const DEADLINE_MAX: Duration = Duration::from_mins(5);

/// The share of a short deadline that is kept for the answer: one eighth.
const MARGIN: u32 = 8;

/// How much earlier we answer, at most.
const MARGIN_MAX: Duration = Duration::from_millis(100);

/// When a call must have been answered.
pub fn deadline_of(metadata: &MetadataMap) -> Instant {
    let limit = asked(metadata).map_or(DEADLINE_DEFAULT, |asked| asked.min(DEADLINE_MAX));
    let now = Instant::now();
    now.checked_add(limit).unwrap_or(now)
}

/// When a stream must have ended; `None`: whenever its caller is done.
pub(super) fn stream_deadline_of(metadata: &MetadataMap) -> Option<Instant> {
    asked(metadata).and_then(|limit| Instant::now().checked_add(limit))
}

/// What the caller asks for, less the margin. What is not of the protocol's form asks for nothing, as in tonic.
fn asked(metadata: &MetadataMap) -> Option<Duration> {
    let asked = metadata.get("grpc-timeout").and_then(|value| value.to_str().ok()).and_then(parse)?;
    let margin = asked.checked_div(MARGIN).unwrap_or_default().min(MARGIN_MAX);
    Some(asked.saturating_sub(margin))
}

/// gRPC over HTTP/2: at most 8 digits and a unit of `H M S m u n`.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count.saturating_mul(3_600))),
        "M" => Some(Duration::from_secs(count.saturating_mul(60))),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_the_protocol_writes_them() {
        for (text, expected) in [
            ("1H", Some(Duration::from_hours(1))),
            ("2M", Some(Duration::from_mins(2))),
            ("15S", Some(Duration::from_secs(15))),
            ("250m", Some(Duration::from_millis(250))),
            ("99999999n", Some(Duration::from_nanos(99_999_999))),
            ("5u", Some(Duration::from_micros(5))),
            ("123456789m", None),
            ("m", None),
            ("", None),
            ("-1S", None),
            ("1s", None),
            ("1页", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn we_answer_before_the_transport_gives_up() {
        let mut metadata = MetadataMap::new();
        let left = |metadata: &MetadataMap| deadline_of(metadata).saturating_duration_since(Instant::now());
        assert_eq!(left(&metadata), DEADLINE_DEFAULT);
        metadata.insert("grpc-timeout", "400m".parse().unwrap());
        assert_eq!(left(&metadata), Duration::from_millis(350));
        metadata.insert("grpc-timeout", "10S".parse().unwrap());
        assert_eq!(left(&metadata), Duration::from_millis(9_900));
        metadata.insert("grpc-timeout", "99999999H".parse().unwrap());
        assert_eq!(left(&metadata), DEADLINE_MAX);
    }
}
