//! How a command ends: 0 done, 1 the server or a check said no, 2 wrong usage, 3 the server cannot be reached.

use core::fmt;
use std::error::Error;
use std::process::ExitCode;

use tonic::{Code, Status};

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server answered, and the answer was no; or a check failed.
    Refused(String),
    /// The command line or its input makes no sense.
    Usage(String),
    /// Nobody answered.
    Unreachable(String),
}

impl Failure {
    pub(crate) fn code(&self) -> ExitCode {
        match self {
            Self::Refused(_) => ExitCode::from(1),
            Self::Usage(_) => ExitCode::from(2),
            Self::Unreachable(_) => ExitCode::from(3),
        }
    }

    /// An error with everything that caused it, in one line.
    pub(crate) fn refused(doing: &str, error: &(dyn Error + 'static)) -> Self {
        Self::Refused(format!("{doing}: {}", chain(error)))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(text) | Self::Usage(text) | Self::Unreachable(text) => f.write_str(text),
        }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let text = format!("{}: {}", code_name(status.code()), status.message());
        // A transport failure comes as UNAVAILABLE or UNKNOWN with a source; what a server says has none.
        if status.source().is_some() || status.code() == Code::Unavailable {
            Self::Unreachable(text)
        } else {
            Self::Refused(text)
        }
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
