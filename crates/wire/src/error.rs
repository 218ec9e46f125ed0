//! Refusals and failures as gRPC statuses with `google.rpc` details: `ErrorInfo` (domain `loopledger`, a stable reason,
//! every variable of the text as metadata), the detail of its code, and the Chinese text.
//!
//! One place, total matches, no logging: what the log says is the caller's other string.

use core::time::Duration;
use std::collections::HashMap;

use loopledger_domain::{Rejection, Violation};
use loopledger_types::{CountyCode, EntityKind, Position, RequestId, StreamId};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, LocalizedMessage, PreconditionViolation, StatusExt as _};

use crate::{HaltNotice, UnknownField};

mod chinese;
mod code;
#[cfg(test)]
mod tests;

pub use code::code_name;

/// The domain of every reason.
pub const DOMAIN: &str = "loopledger";
const LOCALE: &str = "zh-CN";
/// Field violations in one answer: an answer must stay far below the 8 KiB that clients take as headers.
const VIOLATIONS_MAX: usize = 20;

/// What else can go wrong, besides a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The bytes of the message are not the request that the method takes.
    MalformedMessage { what: String },
    /// The message has a field that its contract does not have here.
    UnknownField(UnknownField),
    /// The message is longer than a service reads.
    MessageTooLarge { bytes_max: usize },
    /// The message, or the single request, was not sent in time.
    MessageTooSlow { within: Duration },
    /// What the connection, or all of them, hold of requests and answers leaves no room for this one.
    TooMuchAtOnce { of_connection: bool, retry_after: Duration },
    /// The id belongs to another request.
    RequestIdReused { request_id: RequestId },
    /// The thing asked for does not exist.
    NotFound { kind: EntityKind, id: String },
    /// No commit has this request id.
    ReceiptNotFound { request_id: RequestId },
    /// The writer's queue is full.
    QueueFull { retry_after: Duration },
    /// Another stream was not folded far enough in time.
    UpstreamBehind { stream: StreamId, wanted: u64, have: u64, retry_after: Duration },
    /// The deadline passed; the command may still be recorded.
    OutcomeUnknown { request_id: RequestId },
    /// The deadline passed before anything was done.
    DeadlineExceeded,
    /// A position names a commit that is not in the log.
    PositionNotInLog { position: Position },
    /// Commits that were known are no longer in the log.
    LostTail { stream: StreamId, from: u64, to: u64 },
    /// Nothing more is written to the stream, or folded of it, until an operator acts.
    StreamHalted(HaltNotice),
    /// The request names no county, and the server hosts several.
    CountyRequired,
    /// The server does not host the county. `owner` is who does, if that is known.
    CountyNotHosted { county: CountyCode, owner: Option<String> },
    /// This process does not serve the stream.
    NotServed { stream: StreamId },
    /// Still loading or rebuilding.
    NotReady { retry_after: Duration },
    /// Going down.
    ShuttingDown,
    /// The log cannot be written or read now.
    LogUnavailable { retry_after: Duration },
    /// A bug: the text is for the log and the developer, without anybody's data.
    Internal { what: &'static str },
}

impl Failure {
    pub const fn code(&self) -> Code {
        match self {
            Self::MalformedMessage { .. }
            | Self::UnknownField(_)
            | Self::MessageTooLarge { .. }
            | Self::CountyRequired => Code::InvalidArgument,
            Self::RequestIdReused { .. } => Code::AlreadyExists,
            Self::NotFound { .. } | Self::ReceiptNotFound { .. } | Self::CountyNotHosted { .. } => Code::NotFound,
            Self::QueueFull { .. } | Self::TooMuchAtOnce { .. } => Code::ResourceExhausted,
            Self::OutcomeUnknown { .. } | Self::DeadlineExceeded | Self::MessageTooSlow { .. } => {
                Code::DeadlineExceeded
            }
            Self::PositionNotInLog { .. } | Self::LostTail { .. } => Code::DataLoss,
            // Not UNAVAILABLE, which clients retry: trying again does not help.
            Self::StreamHalted(_) => Code::FailedPrecondition,
            Self::UpstreamBehind { .. }
            | Self::NotServed { .. }
            | Self::NotReady { .. }
            | Self::ShuttingDown
            | Self::LogUnavailable { .. } => Code::Unavailable,
            Self::Internal { .. } => Code::Internal,
        }
    }

    /// Stable, `UPPER_SNAKE`.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::MalformedMessage { .. } => "MALFORMED_MESSAGE",
            Self::UnknownField(_) => "UNKNOWN_FIELD",
            Self::MessageTooLarge { .. } => "MESSAGE_TOO_LARGE",
            Self::MessageTooSlow { .. } => "MESSAGE_TOO_SLOW",
            Self::TooMuchAtOnce { .. } => "TOO_MUCH_AT_ONCE",
            Self::RequestIdReused { .. } => "REQUEST_ID_REUSED",
            Self::NotFound { .. } => "NOT_FOUND",
            Self::ReceiptNotFound { .. } => "RECEIPT_NOT_FOUND",
            Self::QueueFull { .. } => "QUEUE_FULL",
            Self::UpstreamBehind { .. } => "UPSTREAM_BEHIND",
            Self::OutcomeUnknown { .. } => "OUTCOME_UNKNOWN",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::PositionNotInLog { .. } => "POSITION_NOT_IN_LOG",
            Self::LostTail { .. } => "LOST_TAIL",
            Self::StreamHalted(_) => "STREAM_HALTED",
            Self::CountyRequired => "COUNTY_REQUIRED",
            Self::CountyNotHosted { .. } => "COUNTY_NOT_HOSTED",
            Self::NotServed { .. } => "STREAM_NOT_SERVED",
            Self::NotReady { .. } => "NOT_READY",
            Self::ShuttingDown => "SHUTTING_DOWN",
            Self::LogUnavailable { .. } => "LOG_UNAVAILABLE",
            Self::Internal { .. } => "INTERNAL",
        }
    }

    /// One English sentence.
    pub fn english(&self) -> String {
        match self {
            Self::MalformedMessage { what } => format!("The message cannot be read: {what}."),
            Self::UnknownField(UnknownField { path, number }) => {
                format!("{path}: field number {number} is not known to this server.")
            }
            Self::MessageTooLarge { bytes_max } => format!("A message has at most {bytes_max} bytes."),
            Self::MessageTooSlow { within } => format!("The message was not sent within {} s.", within.as_secs()),
            Self::TooMuchAtOnce { of_connection, .. } => {
                format!("This {} has too much under way; try again.", holder(*of_connection))
            }
            Self::RequestIdReused { request_id } => format!("Request id {request_id} belongs to another request."),
            Self::NotFound { kind, id } => format!("There is no {} {id}.", kind.as_str()),
            Self::ReceiptNotFound { request_id } => format!("No commit has the request id {request_id}."),
            Self::QueueFull { .. } => "Too many commands are waiting; try again.".to_owned(),
            Self::UpstreamBehind { stream, wanted, have, .. } => {
                format!("{stream} is read up to {have}, not yet up to {wanted}; try again.")
            }
            Self::OutcomeUnknown { request_id } => {
                format!("The deadline passed and the outcome is unknown: repeat with the same request id {request_id}.")
            }
            Self::DeadlineExceeded => "The deadline passed before anything was done.".to_owned(),
            Self::PositionNotInLog { position } => {
                format!("Commit {}/{} with that hash is not in the log.", position.stream, position.sequence)
            }
            Self::LostTail { stream, from, to } => {
                format!(
                    "Commits {from} to {to} of {stream} were known and are not in the log (LOST_TAIL): stop the services and run `loopledger repair`."
                )
            }
            Self::StreamHalted(halt) => halt.english(),
            Self::CountyRequired => "This server hosts several counties: name one in county_code.".to_owned(),
            Self::CountyNotHosted { county, owner: None } => format!("County {county} is not hosted here."),
            Self::CountyNotHosted { county, owner: Some(owner) } => {
                format!("County {county} is not hosted here, but by {owner}.")
            }
            Self::NotServed { stream } => format!("{stream} is not served here."),
            Self::NotReady { .. } => "Still loading; try again.".to_owned(),
            Self::ShuttingDown => "The server is going down; try another one, or again.".to_owned(),
            Self::LogUnavailable { .. } => "The log is not available; try again.".to_owned(),
            Self::Internal { what } => format!("A bug: {what}."),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::QueueFull { retry_after }
            | Self::TooMuchAtOnce { retry_after, .. }
            | Self::UpstreamBehind { retry_after, .. }
            | Self::NotReady { retry_after }
            | Self::LogUnavailable { retry_after } => Some(*retry_after),
            Self::MalformedMessage { .. }
            | Self::UnknownField(_)
            | Self::MessageTooLarge { .. }
            | Self::MessageTooSlow { .. }
            | Self::RequestIdReused { .. }
            | Self::NotFound { .. }
            | Self::ReceiptNotFound { .. }
            | Self::OutcomeUnknown { .. }
            | Self::DeadlineExceeded
            | Self::PositionNotInLog { .. }
            | Self::LostTail { .. }
            | Self::StreamHalted(_)
            | Self::CountyRequired
            | Self::CountyNotHosted { .. }
            | Self::NotServed { .. }
            | Self::ShuttingDown
            | Self::Internal { .. } => None,
        }
    }

    /// Kind and name of the thing that it is about.
    fn resource(&self) -> Option<(&'static str, String)> {
        match self {
            Self::RequestIdReused { request_id } | Self::ReceiptNotFound { request_id } => {
                Some(("request", request_id.to_string()))
            }
            Self::NotFound { kind, id } => Some((kind.as_str(), id.clone())),
            Self::PositionNotInLog { position } => {
                Some(("commit", format!("{}/{}", position.stream, position.sequence)))
            }
            Self::LostTail { stream, .. } | Self::NotServed { stream } => Some(("stream", stream.to_string())),
            Self::StreamHalted(halt) => Some(("stream", halt.stream.to_string())),
            Self::CountyNotHosted { county, .. } => Some(("county", county.to_string())),
            Self::MalformedMessage { .. }
            | Self::UnknownField(_)
            | Self::MessageTooLarge { .. }
            | Self::MessageTooSlow { .. }
            | Self::TooMuchAtOnce { .. }
            | Self::QueueFull { .. }
            | Self::UpstreamBehind { .. }
            | Self::OutcomeUnknown { .. }
            | Self::DeadlineExceeded
            | Self::CountyRequired
            | Self::NotReady { .. }
            | Self::ShuttingDown
            | Self::LogUnavailable { .. }
            | Self::Internal { .. } => None,
        }
    }

    /// The path of the wrong field. Of a message that was not read none can be named: the empty path is the message itself.
    fn field(&self) -> &str {
        if let Self::UnknownField(unknown) = self {
            return &unknown.path;
        }
        if matches!(self, Self::CountyRequired) { "county_code" } else { "" }
    }

    fn metadata(&self) -> HashMap<String, String> {
        match self {
            Self::MalformedMessage { what } => map([("what", what.clone())]),
            Self::UnknownField(UnknownField { path, number }) => {
                map([("path", path.clone()), ("number", number.to_string())])
            }
            Self::MessageTooLarge { bytes_max } => map([("bytes_max", bytes_max.to_string())]),
            Self::MessageTooSlow { within } => map([("seconds", within.as_secs().to_string())]),
            Self::TooMuchAtOnce { of_connection, .. } => map([("holder", holder(*of_connection).to_owned())]),
            Self::RequestIdReused { request_id }
            | Self::ReceiptNotFound { request_id }
            | Self::OutcomeUnknown { request_id } => map([("request_id", request_id.to_string())]),
            Self::NotFound { kind, id } => map([("kind", kind.as_str().to_owned()), ("id", id.clone())]),
            Self::UpstreamBehind { stream, wanted, have, .. } => {
                map([("stream", stream.to_string()), ("wanted", wanted.to_string()), ("have", have.to_string())])
            }
            Self::PositionNotInLog { position } => map([
                ("stream", position.stream.to_string()),
                ("sequence", position.sequence.to_string()),
                ("hash", position.hash.to_string()),
            ]),
            Self::LostTail { stream, from, to } => {
                map([("stream", stream.to_string()), ("from", from.to_string()), ("to", to.to_string())])
            }
            Self::StreamHalted(halt) => {
                let at = (halt.sequence > 0).then(|| ("sequence", halt.sequence.to_string()));
                let named = [("stream", halt.stream.to_string()), ("halt_reason", halt.reason.as_str().to_owned())];
                named.into_iter().chain(at).map(|(name, value)| (name.to_owned(), value)).collect()
            }
            Self::CountyNotHosted { county, owner } => {
                let owner = owner.iter().map(|owner| ("owner".to_owned(), owner.clone()));
                owner.chain([("county".to_owned(), county.to_string())]).collect()
            }
            Self::NotServed { stream } => map([("stream", stream.to_string())]),
            Self::Internal { what } => map([("what", (*what).to_owned())]),
            Self::QueueFull { .. }
            | Self::DeadlineExceeded
            | Self::CountyRequired
            | Self::NotReady { .. }
            | Self::ShuttingDown
            | Self::LogUnavailable { .. } => HashMap::new(),
        }
    }
}

impl From<&Failure> for Status {
    fn from(failure: &Failure) -> Self {
        let mut details = ErrorDetails::new();
        details.set_error_info(failure.reason(), DOMAIN, failure.metadata());
        details.set_localized_message(LOCALE, chinese::failure(failure));
        if let Some(delay) = failure.retry_after() {
            details.set_retry_info(Some(delay));
        }
        let english = failure.english();
        if failure.code() == Code::InvalidArgument {
            let field = failure.field();
            details.set_bad_request(vec![FieldViolation {
                reason: failure.reason().to_owned(),
                localized_message: Some(LocalizedMessage::new(LOCALE, chinese::failure(failure))),
                ..FieldViolation::new(field, &english)
            }]);
        }
        if let Failure::StreamHalted(halt) = failure {
            details.set_precondition_failure(vec![PreconditionViolation::new(
                halt.reason.as_str(),
                halt.stream.to_string(),
                halt.reason.advice(),
            )]);
        }
        if let Some((kind, name)) = failure.resource() {
            let owner = if let Failure::CountyNotHosted { owner: Some(owner), .. } = failure { owner } else { "" };
            details.set_resource_info(kind, name, owner, &english);
        }
        Self::with_error_details(failure.code(), english, details)
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        Self::from(&failure)
    }
}

/// A refusal: `INVALID_ARGUMENT`, `NOT_FOUND`, `ALREADY_EXISTS` or `FAILED_PRECONDITION`.
pub fn rejection_status(rejection: &Rejection) -> Status {
    let mut details = ErrorDetails::new();
    let (code, reason, english, metadata) = match rejection {
        Rejection::Invalid(violations) => {
            details.set_bad_request(violations.iter().take(VIOLATIONS_MAX).map(field_violation).collect::<Vec<_>>());
            (
                Code::InvalidArgument,
                "INVALID_REQUEST",
                invalid(violations),
                map([("count", violations.len().to_string())]),
            )
        }
        Rejection::NotFound { kind, id } => {
            let english = format!("There is no {} {id}.", kind.as_str());
            details.set_resource_info(kind.as_str(), id, "", &english);
            (Code::NotFound, "NOT_FOUND", english, map([("kind", kind.as_str().to_owned()), ("id", id.clone())]))
        }
        Rejection::Exists { kind, id } => {
            let english = format!("The {} {id} exists already.", kind.as_str());
            details.set_resource_info(kind.as_str(), id, "", &english);
            (Code::AlreadyExists, "EXISTS", english, map([("kind", kind.as_str().to_owned()), ("id", id.clone())]))
        }
        Rejection::Broken { rule, subject, facts } => {
            details.add_precondition_failure_violation(rule.reason(), subject, rule.english());
            let mut metadata = map([("subject", subject.clone())]);
            metadata.extend(facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
            (Code::FailedPrecondition, rule.reason(), rule.english().to_owned(), metadata)
        }
    };
    details.set_error_info(reason, DOMAIN, metadata);
    details.set_localized_message(LOCALE, chinese::rejection(rejection));
    Status::with_error_details(code, english, details)
}

/// The status as a message, for the answers of a bulk stream.
pub fn status_to_pb(status: &Status) -> tonic_types::Status {
    // The details of a status are a `google.rpc.Status` of their own, made by `with_error_details`.
    match prost::Message::decode(status.details()) {
        Ok(message) if !status.details().is_empty() => message,
        _ => tonic_types::Status {
            code: status.code().into(),
            message: status.message().to_owned(),
            details: Vec::new(),
        },
    }
}

/// The other way: what a client of a bulk stream got, as the status that a single call would have got.
pub fn status_from_pb(status: &tonic_types::Status) -> Status {
    let details = prost::Message::encode_to_vec(status);
    Status::with_details(Code::from_i32(status.code), status.message.clone(), details.into())
}

fn invalid(violations: &[Violation]) -> String {
    match violations {
        [only] => format!("{}: {}", only.field, only.description),
        [first, ..] => format!("{} fields are wrong; {}: {}", violations.len(), first.field, first.description),
        [] => "The request is wrong.".to_owned(),
    }
}

fn field_violation(violation: &Violation) -> FieldViolation {
    FieldViolation {
        reason: violation.fault.reason().to_owned(),
        localized_message: Some(LocalizedMessage::new(LOCALE, violation.fault.chinese())),
        ..FieldViolation::new(&violation.field, &violation.description)
    }
}

const fn holder(of_connection: bool) -> &'static str {
    if of_connection { "connection" } else { "process" }
}

fn map<const N: usize>(entries: [(&str, String); N]) -> HashMap<String, String> {
    entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
