//! How a command ends: 0 done, 1 the server or a check refused, 2 wrong usage, 3 the server cannot be reached.
//!
//! And 141, without a message, if the reader of its output is gone: as a shell shows a program that SIGPIPE ended.

use core::fmt::{self, Write as _};
use std::error::Error;
use std::io;
use std::process::ExitCode;

use loopledger_types::{Money, WithCauses};
use loopledger_wire::code_name;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::lang::{Lang, lang, pick};
use crate::output::neutral;
use crate::{both, tr};

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// The server answered, and the answer was no; or a check failed; or the answer could not be written down.
    Refused(String),
    /// The command line or its input makes no sense.
    Usage(String),
    /// The server cannot be reached.
    Unreachable(String),
    /// Who read our output has gone, as `head` does when it has enough.
    Unread,
}

impl Failure {
    /// The exit code of a command that ends so.
    pub fn code(&self) -> ExitCode {
        match self {
            Self::Refused(_) => ExitCode::from(1),
            Self::Usage(_) => ExitCode::from(2),
            Self::Unreachable(_) => ExitCode::from(3),
            Self::Unread => ExitCode::from(141),
        }
    }

    /// An error with everything that caused it, in one line.
    pub fn refused(doing: &str, error: &(dyn Error + 'static)) -> Self {
        Self::Refused(format!("{doing}: {}", WithCauses(error)))
    }

    /// What was printed went nowhere.
    #[expect(clippy::needless_pass_by_value, reason = "for map_err")]
    pub fn output(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::Unread
        } else {
            Self::Refused(both!("无法输出:{error}", "cannot print: {error}"))
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(text) | Self::Usage(text) | Self::Unreachable(text) => f.write_str(text),
            Self::Unread => f.write_str("the reader of the output is gone"),
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

/// A status for people: in Chinese if it can be, and in English, which its code and the documentation are in; then every
/// field that is wrong, or the numbers behind a rule.
fn in_words(status: &Status) -> String {
    let code = code_name(status.code());
    let details = status.get_error_details();
    let english = neutral(status.message());
    let mut text = match details.localized_message() {
        Some(chinese) if lang() == Lang::Chinese => format!("{code}: {} ({english})", neutral(&chinese.message)),
        Some(_) | None if !english.trim().is_empty() => format!("{code}: {english}"),
        Some(_) | None => format!("{code}: {}", advice(status.code())),
    };
    let violations = details.bad_request().map(|request| request.field_violations.as_slice()).unwrap_or_default();
    if violations.len() > 1 {
        for violation in violations {
            let english = neutral(&violation.description);
            let chinese = violation.localized_message.as_ref().filter(|_| lang() == Lang::Chinese);
            let what =
                chinese.map_or_else(|| english.to_string(), |text| format!("{} ({english})", neutral(&text.message)));
            write!(text, "\n  {}: {what}", neutral(&violation.field)).expect("writing to a string does not fail");
        }
    }
    let count = details.error_info().and_then(|info| info.metadata.get("count")?.parse::<usize>().ok());
    let more = count.unwrap_or(0).saturating_sub(violations.len());
    if more > 0 && !violations.is_empty() {
        text.push_str(&tr!("\n  另有 {more} 处", "\n  and {more} more"));
    }
    text.push_str(&facts(&details));
    if details.error_info().is_some_and(|info| info.reason == "COUNTY_REQUIRED") {
        text.push_str(pick("\n  请用 --county 指明是哪个县", "\n  say which with --county"));
    }
    text
}

/// What a rule was decided on, such as how much is available or owed.
fn facts(details: &ErrorDetails) -> String {
    let Some(info) = details.error_info().filter(|_| details.precondition_failure().is_some()) else {
        return String::new();
    };
    let mut facts: Vec<String> = info.metadata.iter().map(|(name, value)| fact(name, value)).collect();
    facts.sort_unstable();
    if facts.is_empty() { String::new() } else { format!(" [{}]", facts.join(", ")) }
}

/// One of them, amounts in yuan.
fn fact(name: &str, value: &str) -> String {
    let fen = name.strip_suffix("_fen").and_then(|name| Some((name, Money(value.parse().ok()?))));
    let (name, value) = fen.map_or((name, neutral(value).into_owned()), |(name, fen)| (name, fen.to_string()));
    let chinese = CHINESE_FACTS.iter().find(|(known, _)| *known == name && lang() == Lang::Chinese);
    match (chinese, fen.is_some()) {
        (Some((_, chinese)), true) => format!("{chinese} {value} 元"),
        (Some((_, chinese)), false) => format!("{chinese} {value}"),
        (None, true) => format!("{name} {value} yuan"),
        (None, false) => format!("{name} {value}"),
    }
}

/// Names of facts that officers meet; quantities are in the base unit. Others keep the name that programs know.
const CHINESE_FACTS: [(&str, &str); 16] = [
    ("subject", "对象"),
    ("available", "可用"),
    ("requested", "所需"),
    ("reserved", "已预留"),
    ("owed", "应付"),
    ("amount", "金额"),
    ("payable", "最多可付"),
    ("returnable", "可退"),
    ("left", "剩余"),
    ("quantity", "数量"),
    ("quantity_max", "数量上限"),
    ("gross", "毛重"),
    ("deducted", "扣减"),
    ("valid_from", "起始日"),
    ("valid_to", "截止日"),
    ("made_on", "支付日"),
];

/// What to do about an error that comes without a text.
fn advice(code: Code) -> &'static str {
    match code {
        Code::Unimplemented => pick(
            "对方没有这个方法:--server 指向的可能是别的程序或别的版本,请核对地址与 loopledger --version (The server has no such method: check --server, and that both are of one version)",
            "the server has no such method: --server may name another program or another version; check the address and loopledger --version",
        ),
        Code::Unauthenticated | Code::PermissionDenied => pick(
            "对方不允许此操作,请核对 --server 与访问权限 (The server does not permit this: check --server and your access)",
            "the server does not permit this: check --server and your access",
        ),
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => pick(
            "服务器没有答复,请确认它在运行后重试 (The server did not answer: check that it runs, and try again)",
            "the server did not answer: check that it runs, and try again",
        ),
        Code::Ok
        | Code::Unknown
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Internal
        | Code::DataLoss => pick(
            "对方没有说明原因,请查看服务器日志,并核对 --server 的地址 (The server gives no reason: look at its log, and check --server)",
            "the server gives no reason: look at its log, and check --server",
        ),
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use loopledger_types::{CountyCode, Service, StreamId};
    use loopledger_wire::{Failure as Said, HaltNotice, HaltReason};

    use super::*;
    use crate::lang::speaking;

    #[test]
    fn what_a_server_says_is_no_failure_to_reach_it() {
        let stream = StreamId { service: Service::Sales, county: CountyCode::TUOLI };
        let halt = HaltNotice { stream, sequence: 3, reason: HaltReason::NotUnderstood, detail: "why".to_owned() };
        for said in [
            Said::StreamHalted(halt),
            Said::UpstreamBehind { stream, wanted: 9, have: 4, retry_after: Duration::from_millis(50) },
            Said::ShuttingDown,
        ] {
            let failure = Failure::from(Status::from(said.clone()));
            let Failure::Refused(text) = failure else { panic!("{said:?} is {failure:?}") };
            assert!(text.starts_with(code_name(said.code())) && text.contains(&said.english()), "{text}");
            assert!(text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{text}");
        }
    }

    #[test]
    fn a_status_that_no_server_sent_is_one() {
        let mut broken = Status::unknown("transport error");
        broken.set_source(std::sync::Arc::new(io::Error::from(io::ErrorKind::ConnectionReset)));
        for status in [broken, Status::unavailable("the server ended the stream")] {
            assert!(matches!(Failure::from(status), Failure::Unreachable(_)));
        }
    }

    #[test]
    fn an_error_without_a_text_says_what_to_do() {
        for code in (0..=16).map(Code::from_i32).filter(|code| *code != Code::Ok) {
            let text = Failure::from(Status::new(code, "")).to_string();
            let said = text.strip_prefix(code_name(code)).expect("the code comes first");
            assert!(said.len() > 20 && said.contains("server"), "{text}");
        }
        let text = Failure::from(Status::unimplemented("")).to_string();
        assert!(text.contains("--server") && text.contains("版本"), "{text}");
    }

    #[test]
    fn every_wrong_field_and_the_numbers_behind_a_rule_are_shown() {
        use loopledger_domain::{FieldFault, Rejection, Rule, Violation};
        let violations = vec![
            Violation::new("label", FieldFault::Required, "This field must not be empty."),
            Violation::new("gross.value", FieldFault::NotPositive, "The quantity must be positive."),
        ];
        let text = Failure::from(loopledger_wire::rejection_status(&Rejection::Invalid(violations))).to_string();
        for part in ["label: 必填。", "gross.value: 必须大于零。", "The quantity must be positive."] {
            assert!(text.contains(part), "{text}");
        }
        let broken = Rejection::broken(Rule::InsufficientStock, "lot 1").with("available", 200).with("requested", 260);
        let text = Failure::from(loopledger_wire::rejection_status(&broken)).to_string();
        assert!(
            text.ends_with("[可用 200, 对象 lot 1, 所需 260]") || text.ends_with("[可用 200, 所需 260, 对象 lot 1]"),
            "{text}"
        );
        let owed = Rejection::broken(Rule::PayoutExceedsOwed, "x").with("owed_fen", 12_345).with("amount_fen", 20_000);
        let status = loopledger_wire::rejection_status(&owed);
        let text = Failure::from(status.clone()).to_string();
        assert!(text.contains("应付 123.45 元") && text.contains("金额 200.00 元"), "{text}");
        let text = speaking(Lang::English, || Failure::from(status).to_string());
        assert!(text.ends_with("[amount 200.00 yuan, owed 123.45 yuan, subject x]"), "{text}");
        let many = vec![Violation::new("label", FieldFault::Required, "This field must not be empty."); 25];
        let text = Failure::from(loopledger_wire::rejection_status(&Rejection::Invalid(many))).to_string();
        assert!(text.ends_with("另有 5 处"), "{text}");
    }

    #[test]
    fn output_that_cannot_be_written_differs_from_output_whose_reader_is_gone() {
        assert!(matches!(Failure::output(io::ErrorKind::BrokenPipe.into()), Failure::Unread));
        assert!(matches!(Failure::output(io::ErrorKind::StorageFull.into()), Failure::Refused(_)));
    }
}
