//! Every refusal and failure against what a caller relies on.

use core::time::Duration;
use std::collections::BTreeSet;

use loopledger_domain::{FieldFault, Rejection, Rule};
use loopledger_types::{CountyCode, EntityKind, Hash, Position, RequestId, Service, StreamId};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::*;
use crate::HaltReason;

const STREAM: StreamId = StreamId { service: Service::Station, county: CountyCode::TUOLI };

/// What holds for every error.
fn check(status: &Status, code: Code, reason: &str) {
    assert_eq!(status.code(), code, "{reason}");
    let details = status.get_error_details();
    let info = details.error_info().expect("every error has an ErrorInfo");
    assert_eq!((info.domain.as_str(), info.reason.as_str()), ("loopledger", reason));
    assert!(reason.len() <= 63 && reason.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'));
    assert!(status.message().is_ascii() && status.message().ends_with(['.', ';']), "{}", status.message());
    let chinese = details.localized_message().expect("every error has a Chinese text");
    assert_eq!(chinese.locale, "zh-CN");
    assert!(chinese.message.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{}", chinese.message);
    assert!(status.details().len() < 4096, "fits in headers");
    // Through a bulk stream and back it is the same error.
    let back = status_from_pb(&status_to_pb(status));
    assert_eq!((back.code(), back.message(), back.details()), (status.code(), status.message(), status.details()));
}

fn failures() -> Vec<(Failure, Code, &'static str)> {
    let request_id = RequestId([0x4a; 16]);
    let retry_after = Duration::from_millis(20);
    let position = Position { stream: STREAM, sequence: 4, hash: Hash([4; 32]) };
    let stream = STREAM;
    vec![
        (
            Failure::MalformedMessage { what: "failed to decode Protobuf message: buffer underflow".to_owned() },
            Code::InvalidArgument,
            "MALFORMED_MESSAGE",
        ),
        (
            Failure::UnknownField(UnknownField { path: "collect_goods.lines[199].99".to_owned(), number: 99 }),
            Code::InvalidArgument,
            "UNKNOWN_FIELD",
        ),
        (Failure::MessageTooLarge { bytes_max: 4_194_304 }, Code::InvalidArgument, "MESSAGE_TOO_LARGE"),
        (Failure::MessageTooSlow { within: Duration::from_secs(30) }, Code::DeadlineExceeded, "MESSAGE_TOO_SLOW"),
        (Failure::TooMuchAtOnce { of_connection: true, retry_after }, Code::ResourceExhausted, "TOO_MUCH_AT_ONCE"),
        (Failure::RequestIdReused { request_id }, Code::AlreadyExists, "REQUEST_ID_REUSED"),
        (Failure::NotFound { kind: EntityKind::Lot, id: "x".to_owned() }, Code::NotFound, "NOT_FOUND"),
        (Failure::ReceiptNotFound { request_id }, Code::NotFound, "RECEIPT_NOT_FOUND"),
        (Failure::QueueFull { retry_after }, Code::ResourceExhausted, "QUEUE_FULL"),
        (Failure::UpstreamBehind { stream, wanted: 9, have: 4, retry_after }, Code::Unavailable, "UPSTREAM_BEHIND"),
        (Failure::OutcomeUnknown { request_id }, Code::DeadlineExceeded, "OUTCOME_UNKNOWN"),
        (Failure::DeadlineExceeded, Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
        (Failure::PositionNotInLog { position }, Code::DataLoss, "POSITION_NOT_IN_LOG"),
        (Failure::LostTail { stream, from: 3, to: 5 }, Code::DataLoss, "LOST_TAIL"),
        (halted(HaltReason::NotUnderstood), Code::FailedPrecondition, "STREAM_HALTED"),
        (Failure::CountyRequired, Code::InvalidArgument, "COUNTY_REQUIRED"),
        (
            Failure::CountyNotHosted { county: CountyCode::TUOLI, owner: Some("station-3".to_owned()) },
            Code::NotFound,
            "COUNTY_NOT_HOSTED",
        ),
        (Failure::NotServed { stream }, Code::Unavailable, "STREAM_NOT_SERVED"),
        (Failure::NotReady { retry_after }, Code::Unavailable, "NOT_READY"),
        (Failure::ShuttingDown, Code::Unavailable, "SHUTTING_DOWN"),
        (Failure::LogUnavailable { retry_after }, Code::Unavailable, "LOG_UNAVAILABLE"),
        (Failure::Internal { what: "an entry does not balance" }, Code::Internal, "INTERNAL"),
    ]
}

fn halted(reason: HaltReason) -> Failure {
    Failure::StreamHalted(HaltNotice { stream: STREAM, sequence: 3, reason, detail: "unknown event".to_owned() })
}

#[test]
fn a_halted_stream_says_what_to_do_in_both_languages_and_is_not_retried() {
    let reasons = [
        HaltReason::NotUnderstood,
        HaltReason::LogDamaged,
        HaltReason::LogRefuses,
        HaltReason::StoreFull,
        HaltReason::StoreFailed,
        HaltReason::Inconsistent,
        HaltReason::ClockAhead,
        HaltReason::ClockBehind,
        HaltReason::Internal,
        HaltReason::Stopped,
    ];
    for reason in reasons {
        let status = Status::from(halted(reason));
        check(&status, Code::FailedPrecondition, "STREAM_HALTED");
        let details = status.get_error_details();
        assert!(details.retry_info().is_none(), "{reason:?}");
        assert_eq!(details.error_info().unwrap().metadata["halt_reason"], reason.as_str());
        assert_eq!(details.precondition_failure().unwrap().violations[0].description, reason.advice());
        assert!(status.message().contains(reason.advice()), "{}", status.message());
        let chinese = &details.localized_message().unwrap().message;
        assert!(chinese.contains(reason.advice_chinese()), "{chinese}");
    }
    let lost = HaltNotice {
        stream: STREAM,
        sequence: 0,
        reason: HaltReason::LostTail { from: 3, to: 5 },
        detail: String::new(),
    };
    assert_eq!(lost.failure(), Failure::LostTail { stream: STREAM, from: 3, to: 5 });
}

#[test]
fn every_failure_has_its_code_reason_and_details() {
    let mut reasons = BTreeSet::new();
    for (failure, code, reason) in failures() {
        let status = Status::from(&failure);
        check(&status, code, reason);
        let details = status.get_error_details();
        assert_eq!(details.bad_request().is_some(), code == Code::InvalidArgument, "{reason}");
        assert_eq!(details.retry_info().is_some(), failure.retry_after().is_some(), "{reason}");
        assert_eq!(
            details.resource_info().is_some(),
            matches!(code, Code::NotFound | Code::AlreadyExists | Code::DataLoss)
                || matches!(reason, "STREAM_HALTED" | "STREAM_NOT_SERVED"),
            "{reason}"
        );
        // AIP-193: what varies in the text is in the metadata too.
        for value in details.error_info().unwrap().metadata.values() {
            assert!(status.message().contains(value.as_str()) || reason == "POSITION_NOT_IN_LOG", "{reason}: {value}");
        }
        assert!(reasons.insert(reason), "{reason} twice");
    }
}

#[test]
fn every_rule_is_a_failed_precondition_with_its_reason() {
    let mut reasons = BTreeSet::new();
    for rule in Rule::ALL {
        let rejection = Rejection::broken(*rule, "lot 1").with("available", 5);
        let status = rejection_status(&rejection);
        check(&status, Code::FailedPrecondition, rule.reason());
        let details = status.get_error_details();
        let violation = &details.precondition_failure().unwrap().violations[0];
        assert_eq!((violation.r#type.as_str(), violation.subject.as_str()), (rule.reason(), "lot 1"));
        assert_eq!(details.error_info().unwrap().metadata["available"], "5");
        assert!(reasons.insert(rule.reason()), "{rule:?}");
    }
}

#[test]
fn wrong_fields_are_a_bad_request() {
    let violations = vec![
        Violation::new("lines[0].quantity", FieldFault::WrongUnit, "The product is counted by head."),
        Violation::new("label", FieldFault::Required, "This field must not be empty."),
    ];
    let status = rejection_status(&Rejection::Invalid(violations));
    check(&status, Code::InvalidArgument, "INVALID_REQUEST");
    let details = status.get_error_details();
    let fields = &details.bad_request().unwrap().field_violations;
    assert_eq!((fields[0].field.as_str(), fields[0].reason.as_str()), ("lines[0].quantity", "WRONG_UNIT"));
    assert_eq!(fields[1].localized_message.as_ref().unwrap().message, "必填。");
    check(
        &rejection_status(&Rejection::Invalid(vec![
            Violation::new(
                "lines[199].quantity",
                FieldFault::Required,
                "Needed."
            );
            400
        ])),
        Code::InvalidArgument,
        "INVALID_REQUEST",
    );
}

#[test]
fn what_is_missing_or_exists_is_named() {
    let id = "6f1f7d2e-0d5c-4c65-9a3a-2f5d6f0a7b11".to_owned();
    for (rejection, code, reason) in [
        (Rejection::NotFound { kind: EntityKind::Place, id: id.clone() }, Code::NotFound, "NOT_FOUND"),
        (Rejection::Exists { kind: EntityKind::Place, id: id.clone() }, Code::AlreadyExists, "EXISTS"),
    ] {
        let status = rejection_status(&rejection);
        check(&status, code, reason);
        let details = status.get_error_details();
        let resource = details.resource_info().unwrap();
        assert_eq!((resource.resource_type.as_str(), &resource.resource_name), ("place", &id));
    }
}

#[test]
fn a_plain_status_crosses_a_bulk_stream_too() {
    let plain = Status::unauthenticated("No token.");
    let back = status_from_pb(&status_to_pb(&plain));
    assert_eq!((back.code(), back.message()), (Code::Unauthenticated, "No token."));
}

#[test]
fn every_fault_of_a_field_has_a_reason_and_a_chinese_text_of_its_own() {
    let reasons: BTreeSet<_> = FieldFault::ALL.iter().map(|fault| fault.reason()).collect();
    let texts: BTreeSet<_> = FieldFault::ALL.iter().map(|fault| fault.chinese()).collect();
    assert_eq!((reasons.len(), texts.len()), (FieldFault::ALL.len(), FieldFault::ALL.len()));
    assert!(reasons.iter().all(|reason| reason.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')), "{reasons:?}");
}
