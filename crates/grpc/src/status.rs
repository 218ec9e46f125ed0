//! Why a write was not answered with a receipt, as callers see it. What the log says is said here too, once.

use core::time::Duration;

use loopledger_domain::{Decider, FieldFault, Rejection, Violation};
use loopledger_types::{Position, RequestId, StreamId};
use loopledger_wire::{Failure, rejection_status};
use tonic::Status;

use loopledger_writer::WriteError;

/// A full queue is a matter of milliseconds.
pub(super) const QUEUE_RETRY: Duration = Duration::from_millis(50);

/// An operator has to act, or the log has to be reachable again.
const LOG_RETRY: Duration = Duration::from_secs(1);

/// The status of a failed write, or of a question to the writer of `stream` (without a request id). A message that was refused
/// before it was known whose it is has no stream.
pub(super) fn write_status(stream: Option<StreamId>, request_id: Option<RequestId>, error: &WriteError) -> Status {
    match error {
        WriteError::Rejected(rejection) => rejection_status(rejection),
        WriteError::Malformed { what } => Failure::MalformedMessage { what: what.clone() }.into(),
        WriteError::UnknownField(unknown) => Failure::UnknownField(unknown.clone()).into(),
        // Found by `check_streams` already, unless the writer was asked some other way.
        WriteError::StreamNotRead { stream } => Failure::NotServed { stream: *stream }.into(),
        WriteError::RequestIdReused { request_id, .. } => Failure::RequestIdReused { request_id: *request_id }.into(),
        WriteError::QueueFull { .. } => Failure::QueueFull { retry_after: QUEUE_RETRY }.into(),
        WriteError::UpstreamBehind { stream, wanted, read } => {
            Failure::UpstreamBehind { stream: *stream, wanted: *wanted, have: *read, retry_after: QUEUE_RETRY }.into()
        }
        WriteError::DataLoss(position) => Failure::PositionNotInLog { position: *position }.into(),
        WriteError::DeadlineExceeded => match request_id {
            Some(request_id) => Failure::OutcomeUnknown { request_id }.into(),
            None => Failure::DeadlineExceeded.into(),
        },
        WriteError::LogUnavailable => Failure::LogUnavailable { retry_after: LOG_RETRY }.into(),
        WriteError::Internal { detail } => {
            let stream = stream.map(tracing::field::display);
            tracing::error!(stream, %detail, "bug: a decision was rejected before it was written");
            Failure::Internal { what: "the decision could not be recorded" }.into()
        }
        WriteError::UpstreamHalted(notice) => notice.failure().into(),
        WriteError::Halted(halt) if let Some(stream) = stream => halt.notice(stream).failure().into(),
        WriteError::Halted(_) | WriteError::ShuttingDown => Failure::ShuttingDown.into(),
    }
}

/// Whether `field` names only positions of streams that the writer of `own` reads.
pub(super) fn check_streams<D: Decider>(
    field: &'static str,
    own: StreamId,
    positions: &[Position],
) -> Result<(), Rejection> {
    let mut violations = Vec::new();
    for (index, Position { stream, .. }) in positions.iter().enumerate() {
        let is_read = stream.service == own.service || D::UPSTREAM.contains(&stream.service);
        let (fault, text) = if !is_read {
            (FieldFault::StreamNotRead, format!("{stream} is not read by this service."))
        } else if stream.county != own.county {
            (FieldFault::OtherCounty, format!("{stream} is of another county; the request is of {}.", own.county))
        } else {
            continue;
        };
        violations.push(Violation::new(format!("{field}[{index}].stream"), fault, text));
    }
    if violations.is_empty() { Ok(()) } else { Err(Rejection::Invalid(violations)) }
}

/// A request that is wrong in form, or asks for what does not exist.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub fn refused(rejection: Rejection) -> Status {
    rejection_status(&rejection)
}

/// Any other failure.
pub fn failure_status(failure: &Failure) -> Status {
    failure.into()
}
