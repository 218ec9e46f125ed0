//! `repair`: appends lost commits again from the stores, or accepts the loss. Offline: the
//! services are stopped.

use std::path::Path;
use std::sync::Arc;

use loopledger_client::lang::pick;
use loopledger_client::{Failure, both, note, tr};
use loopledger_event_log::EventLog;
use loopledger_service::clock::{Clock, SystemClock};
use loopledger_service::feed::Feed;
use loopledger_service::repair::{
    Evidence, Finding, Loss, RepairError, Sighting, Standing, Witness, accept, append_again, examine, is_evidence,
};
use loopledger_types::{CountyCode, Service, StreamId};
use serde_json::{Value, json};

use crate::cli::RepairArgs;
use crate::output::{Cell, Report, View};
use crate::server::{open_log, stores};

pub(crate) async fn repair(args: &RepairArgs, view: &View) -> Result<(), Failure> {
    if args.kafka.is_none() && !args.data.join("log").is_dir() {
        return Err(Failure::Usage({
            let data = args.data.display();
            both!("--data:{data} 中没有日志", "--data: there is no log in {data}")
        }));
    }
    let kafka = args.client.options_if(args.kafka.as_deref())?;
    let log = open_log(kafka, &args.data, None).await?;
    repair_log(log, &args.data, args.accept_loss, view).await
}

/// Mends any log that the stores in `data` know of.
async fn repair_log(log: Arc<dyn EventLog>, data: &Path, accepting: bool, view: &View) -> Result<(), Failure> {
    let feed = Feed::new(log);
    let evidence = open_stores(data, &feed)?;
    let witnesses: Vec<Witness> = evidence.iter().map(|store| store.witness.clone()).collect();
    let look = || examine(&feed, CountyCode::TUOLI, &witnesses, accepting);
    let findings = look().await.map_err(|error| failed(&error))?;
    view.print(&report(&findings))?;
    if findings.iter().all(|finding| finding.loss.is_none()) {
        note!("{}", pick("日志中没有缺失", "nothing is missing in the log"));
    }
    for finding in &findings {
        if accepting {
            say_accepted(
                finding,
                accept(&feed, finding, SystemClock.now()).await.map_err(|error| failed(&error))?.is_some(),
            );
        } else {
            say_appended(finding, append_again(&feed, finding).await.map_err(|error| failed(&error))?.is_some());
        }
    }
    let after = look().await.map_err(|error| failed(&error))?;
    for store in evidence {
        let name = store.witness.name.clone();
        let is_settled = after.iter().flat_map(|finding| &finding.seen);
        let is_settled = is_settled.filter(|seen| seen.witness == name).all(|seen| seen.standing != Standing::Lost);
        if is_settled && is_evidence(&after, &name) {
            let aside = store.retire().map_err(|error| Failure::refused("move a store aside", &error))?;
            let aside = aside.map(|aside| aside.display().to_string()).unwrap_or_default();
            let text = tr!(
                "存储 {name} 含有已丢失提交的结果,已移至 {aside} 作为证据,下次启动时重建",
                "the store {name} holds effects of lost commits: it was moved to {aside} as evidence and is rebuilt at the next start"
            );
            note!("{text}");
        } else {
            store.close().map_err(|error| Failure::refused("close a store", &error))?;
        }
    }
    let left: Vec<String> =
        after.iter().filter_map(|finding| Some(remaining(finding, finding.loss.as_ref()?, data))).collect();
    if left.is_empty() { Ok(()) } else { Err(Failure::Refused(left.join("\n"))) }
}

fn failed(error: &RepairError) -> Failure {
    Failure::refused("repair", error)
}

fn open_stores(data: &Path, feed: &Feed) -> Result<Vec<Evidence>, Failure> {
    let opened = |error| Failure::refused("open a store", &error);
    let county = CountyCode::TUOLI;
    let partition = feed.partition(StreamId { service: Service::Station, county });
    let mut evidence = Evidence::of_services(&stores(data), county, partition).map_err(opened)?;
    let projection = loopledger_projection::evidence(&stores(data), county, partition).map_err(opened)?;
    evidence.extend(projection);
    for store in &evidence {
        if let Some((to, reason)) = &store.unusable {
            let (name, to) = (&store.witness.name, to.display());
            let text = both!(
                "{name} 的存储无法使用:{reason};已移至 {to}",
                "the store of {name} cannot be used: {reason}; it was moved to {to}"
            );
            note!("loopledger: {text}");
        }
    }
    Ok(evidence)
}

/// One line per stream and store that has seen it.
fn report(findings: &[Finding]) -> Report {
    let mut report = Report::new("")
        .text("stream", "数据流", "Stream")
        .number("in_log", "日志至", "In log")
        .text("store", "存储", "Store")
        .number("seen", "曾见至", "Seen")
        .text("standing", "状态", "State")
        .text("missing", "缺失", "Missing")
        .text("held", "可补写", "Held");
    for finding in findings {
        let range = |range: Option<(u64, u64)>| range.map_or(Value::Null, |(from, to)| json!(format!("{from}-{to}")));
        let missing = range(finding.loss.as_ref().map(|loss| (*loss.missing.start(), *loss.missing.end())));
        let held = range(finding.loss.as_ref().and_then(Loss::held).map(|held| (*held.start(), *held.end())));
        for Sighting { witness, head, standing } in &finding.seen {
            let (standing, english) = match standing {
                Standing::InLog => ("在日志中", "in the log"),
                Standing::Accepted => ("已确认丢失", "loss accepted"),
                Standing::Lost => ("缺失", "missing"),
            };
            report.row([
                finding.stream.to_string().into(),
                finding.in_log.sequence.into(),
                json!(witness).into(),
                head.sequence.into(),
                Cell::shown(json!(standing), pick(standing, english).to_owned()),
                missing.clone().into(),
                held.clone().into(),
            ]);
        }
    }
    report
}

fn say_appended(finding: &Finding, done: bool) {
    if let Some(held) = finding.loss.as_ref().and_then(Loss::held).filter(|_| done) {
        let (stream, from, to) = (finding.stream, held.start(), held.end());
        let text = tr!(
            "{stream}:第 {from} 至 {to} 条已重新写入日志,并读回核对",
            "{stream}: commits {from} to {to} were appended again and read back"
        );
        note!("{text}");
    }
}

fn say_accepted(finding: &Finding, done: bool) {
    let Some(loss) = finding.loss.as_ref().filter(|_| done) else { return };
    let (from, to) = (loss.missing.start(), loss.missing.end());
    let stream = finding.stream;
    let text = tr!(
        "{stream}:已在日志中确认第 {from} 至 {to} 条丢失(TailLost)",
        "{stream}: commits {from} to {to} are now recorded as lost (TailLost)"
    );
    note!("{text}");
    if let Some(held) = loss.held() {
        let (from, to) = (held.start(), held.end());
        let text = tr!(
            "  其中第 {from} 至 {to} 条本可重新写入,其原文留在移开的存储中",
            "  of these, {from} to {to} could have been appended again: their bytes are in the store that was moved aside"
        );
        note!("{text}");
    }
}

/// Why a loss is still there, and what can be done about it.
fn remaining(finding: &Finding, loss: &Loss, data: &Path) -> String {
    let (stream, from, to) = (finding.stream, loss.missing.start(), loss.missing.end());
    let why = match loss.replaced_from {
        Some(other) => {
            format!("the log has other commits from {other} on, so appending the lost ones again would be void;")
        }
        // On Kafka every service may have a folder of its own.
        None => format!(
            "no store in {} holds the missing commits; unless the stream's own service keeps its store elsewhere,",
            data.display()
        ),
    };
    format!("commits {from} to {to} of {stream} are missing, and {why} only --accept-loss remains")
}
