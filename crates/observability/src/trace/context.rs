//! W3C Trace Context, as far as it travels here: `traceparent`, in gRPC metadata and in the headers of records.
//!
//! `tracestate` is not carried: it may be long, what is in it is the tracing system's own, and no span needs it.

use core::fmt;

use bytes::Bytes;
use loopledger_event_log::Headers;
use loopledger_types::hex;
use tonic::metadata::MetadataMap;

/// The name in metadata and in headers.
pub(super) const TRACEPARENT: &str = "traceparent";

/// Version, trace, span and flags in hexadecimal, with hyphens between them.
const LENGTH: usize = 55;

const SAMPLED: u8 = 1;

/// Which trace something belongs to, and which of its spans led to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    pub flags: u8,
}

impl TraceContext {
    /// Of a call. What is not of the standard's form is as if it were not there.
    pub fn of_call(metadata: &MetadataMap) -> Option<Self> {
        Self::parse(metadata.get(TRACEPARENT)?.as_bytes())
    }

    /// Of a record's headers.
    pub fn of_headers(headers: &Headers) -> Option<Self> {
        let (_, value) = headers.iter().find(|(name, _)| name == TRACEPARENT)?;
        Self::parse(value)
    }

    /// Reads the value of `traceparent`.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (known, more) = text.split_at_checked(LENGTH)?;
        // The standard has lower case only.
        if known.iter().any(u8::is_ascii_uppercase) {
            return None;
        }
        let [version @ .., b'-'] = known.get(..3)? else { return None };
        let [b'-', ..] = known.get(35..)? else { return None };
        let [b'-', ..] = known.get(52..)? else { return None };
        let [version] = hex::decode_array(version)?;
        // A later version may say more, behind a hyphen; 255 is no version.
        let is_whole = if version == 0 { more.is_empty() } else { more.first().is_none_or(|byte| *byte == b'-') };
        let trace_id = hex::decode_array(known.get(3..35)?)?;
        let span_id = hex::decode_array(known.get(36..52)?)?;
        let [flags] = hex::decode_array(known.get(53..)?)?;
        let is_valid = version != u8::MAX && is_whole && trace_id != [0; 16] && span_id != [0; 8];
        is_valid.then_some(Self { trace_id, span_id, flags })
    }

    /// Whether the trace is being recorded.
    pub const fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// As a header of a record.
    pub fn header(self) -> (std::borrow::Cow<'static, str>, Bytes) {
        (TRACEPARENT.into(), Bytes::from(self.to_string().into_bytes()))
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("00-")?;
        hex::write(&self.trace_id, f)?;
        f.write_str("-")?;
        hex::write(&self.span_id, f)?;
        f.write_str("-")?;
        hex::write(&[self.flags], f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_are_read_as_the_standard_writes_them() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = TraceContext::parse(good.as_bytes()).expect("it is of the form");
        assert_eq!(context.to_string(), good);
        assert!(context.is_sampled());
        let from_header = vec![("ce_id".into(), Bytes::new()), context.header()];
        assert_eq!(TraceContext::of_headers(&from_header), Some(context));
        for (text, is_read) in [
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true),
            ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what the future brings", true),
            ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.what", false),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", false),
            ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
            ("00-00000000000000000000000000000000-b7ad6b7169203331-01", false),
            ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false),
            ("00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01", false),
            ("00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
            ("00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01", false),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", false),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-页", false),
            ("", false),
        ] {
            assert_eq!(TraceContext::parse(text.as_bytes()).is_some(), is_read, "{text}");
        }
        let unsampled = TraceContext::parse(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02");
        assert!(!unsampled.expect("it is of the form").is_sampled());
    }
}
