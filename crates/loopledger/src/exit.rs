//! How a command ends: 0 done, 1 the server or a check said no, 2 wrong usage, 3 the server cannot be reached.
//!
//! And 141, in silence, if nobody reads what it prints any more: what a shell shows of a program that SIGPIPE ended.

use core::fmt;
use std::error::Error;
use std::io;
use std::process::ExitCode;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server answered, and the answer was no; or a check failed; or the answer could not be written down.
    Refused(String),
    /// The command line or its input makes no sense.
    Usage(String),
    /// Nobody answered.
    Unreachable(String),
    /// Who read our output has gone, as `head` does when it has enough.
    Unread,
}

impl Failure {
    pub(crate) fn code(&self) -> ExitCode {
        match self {
            Self::Refused(_) => ExitCode::from(1),
            Self::Usage(_) => ExitCode::from(2),
            Self::Unreachable(_) => ExitCode::from(3),
            Self::Unread => ExitCode::from(141),
        }
    }

    /// An error with everything that caused it, in one line.
    pub(crate) fn refused(doing: &str, error: &(dyn Error + 'static)) -> Self {
        Self::Refused(format!("{doing}: {}", chain(error)))
    }

    /// What was printed went nowhere.
    #[expect(clippy::needless_pass_by_value, reason = "for map_err")]
    pub(crate) fn output(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::Unread } else { Self::refused("cannot print", &error) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(text) | Self::Usage(text) | Self::Unreachable(text) => f.write_str(text),
            Self::Unread => f.write_str("nobody reads the output"),
        }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let text = in_words(&status);
        // A transport failure has a source, or is a bare UNAVAILABLE of this side; what a server says has details.
        let said = status.get_details_error_info().is_some();
        if status.source().is_some() || (status.code() == Code::Unavailable && !said) {
            Self::Unreachable(text)
        } else {
            Self::Refused(text)
        }
    }
}

/// A status for people: in Chinese if it can be, and in English, which its code and the documentation are in.
fn in_words(status: &Status) -> String {
    let code = code_name(status.code());
    match status.get_details_localized_message() {
        Some(chinese) => format!("{code}: {} ({})", chinese.message, status.message()),
        None => format!("{code}: {}", status.message()),
    }
}

/// The display of an error and of everything beneath it.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// The canonical name of a gRPC code.
pub(crate) const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use loopledger_types::{CountyCode, Service, StreamId};
    use loopledger_wire::Failure as Said;

    use super::*;

    #[test]
    fn what_a_server_says_is_no_failure_to_reach_it() {
        let stream = StreamId { service: Service::Sales, county: CountyCode::TUOLI };
        for said in [
            Said::StreamHalted { stream, sequence: 3, reason: "NOT_UNDERSTOOD".to_owned() },
            Said::UpstreamBehind { stream, wanted: 9, have: 4, retry_after: Duration::from_millis(50) },
            Said::ShuttingDown,
        ] {
            let failure = Failure::from(Status::from(said.clone()));
            let Failure::Refused(text) = failure else { panic!("{said:?} is {failure:?}") };
            assert!(text.starts_with("UNAVAILABLE: ") && text.contains(&said.english()), "{text}");
            assert!(text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{text}");
        }
    }

    #[test]
    fn what_nobody_said_is_one() {
        let mut broken = Status::unknown("transport error");
        broken.set_source(std::sync::Arc::new(io::Error::from(io::ErrorKind::ConnectionReset)));
        for status in [broken, Status::unavailable("the server ended the stream")] {
            assert!(matches!(Failure::from(status), Failure::Unreachable(_)));
        }
    }

    #[test]
    fn output_that_goes_nowhere_is_told_apart_from_output_that_nobody_reads() {
        assert!(matches!(Failure::output(io::ErrorKind::BrokenPipe.into()), Failure::Unread));
        assert!(matches!(Failure::output(io::ErrorKind::StorageFull.into()), Failure::Refused(_)));
    }
}
