//! `repair`: what the log lost is appended again from what the stores hold, or the loss is accepted. Offline: the
//! services are stopped.

use std::io;
use std::path::Path;
use std::sync::Arc;

use loopledger_event_log::EventLog;
use loopledger_service::clock::{Clock, SystemClock};
use loopledger_service::feed::Feed;
use loopledger_service::repair::{
    Evidence, Finding, Loss, RepairError, Sighting, Standing, Witness, accept, append_again, examine, is_evidence,
};
use loopledger_types::CountyCode;
use serde_json::{Value, json};

use crate::cli::RepairArgs;
use crate::exit::Failure;
use crate::output::{Format, Report};
use crate::server::{open_log, projection_store, stores};

pub(crate) async fn repair(args: &RepairArgs, format: Format) -> Result<(), Failure> {
    if args.kafka.is_none() && !args.data.join("log").is_dir() {
        return Err(Failure::Usage(format!("--data: there is no log in {}", args.data.display())));
    }
    let kafka = args.client.options_if(args.kafka.as_deref())?;
    let log = open_log(kafka, &args.data, None, None).await?;
    repair_log(log, &args.data, args.accept_loss, format).await
}

/// Mends any log that the stores in `data` know of.
async fn repair_log(log: Arc<dyn EventLog>, data: &Path, accepting: bool, format: Format) -> Result<(), Failure> {
    let evidence = open_stores(data)?;
    let witnesses: Vec<Witness> = evidence.iter().map(|store| store.witness.clone()).collect();
    let feed = Feed::new(log);
    let look = || examine(&feed, CountyCode::TUOLI, &witnesses, accepting);
    let findings = look().await.map_err(|error| failed(&error))?;
    print(&findings, format).map_err(|error| Failure::refused("print", &error))?;
    if findings.iter().all(|finding| finding.loss.is_none()) {
        eprintln!("日志中没有缺失");
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
            eprintln!("存储 {name} 含有已丢失提交的结果,已移至 {aside} 作为证据,下次启动时重建");
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

fn open_stores(data: &Path) -> Result<Vec<Evidence>, Failure> {
    let opened = |error| Failure::refused("open a store", &error);
    let mut evidence = Evidence::of_services(&stores(data), CountyCode::TUOLI).map_err(opened)?;
    let projection = loopledger_projection::evidence(&projection_store(data), CountyCode::TUOLI).map_err(opened)?;
    evidence.extend(projection);
    for store in &evidence {
        if let Some((to, reason)) = &store.unusable {
            eprintln!(
                "loopledger: the store of {} says nothing: {reason}; it is in {}",
                store.witness.name,
                to.display()
            );
        }
    }
    Ok(evidence)
}

/// One line per stream and store that has seen it.
fn print(findings: &[Finding], format: Format) -> io::Result<()> {
    let mut report = Report::new("")
        .text("stream", "数据流")
        .number("in_log", "日志至")
        .text("store", "存储")
        .number("seen", "曾见至")
        .text("standing", "状态")
        .text("missing", "缺失")
        .text("held", "可补写");
    for finding in findings {
        let range = |range: Option<(u64, u64)>| range.map_or(Value::Null, |(from, to)| json!(format!("{from}-{to}")));
        let missing = range(finding.loss.as_ref().map(|loss| (*loss.missing.start(), *loss.missing.end())));
        let held = range(finding.loss.as_ref().and_then(Loss::held).map(|held| (*held.start(), *held.end())));
        for Sighting { witness, head, standing } in &finding.seen {
            let standing = match standing {
                Standing::InLog => "在日志中",
                Standing::Accepted => "已确认丢失",
                Standing::Lost => "缺失",
            };
            report.row(vec![
                json!(finding.stream.to_string()),
                json!(finding.in_log.sequence),
                json!(witness),
                json!(head.sequence),
                json!(standing),
                missing.clone(),
                held.clone(),
            ]);
        }
    }
    report.print(format, &mut io::stdout().lock())
}

fn say_appended(finding: &Finding, done: bool) {
    if let Some(held) = finding.loss.as_ref().and_then(Loss::held).filter(|_| done) {
        eprintln!("{}:第 {} 至 {} 条已重新写入日志,并读回核对", finding.stream, held.start(), held.end());
    }
}

fn say_accepted(finding: &Finding, done: bool) {
    let Some(loss) = finding.loss.as_ref().filter(|_| done) else { return };
    let (from, to) = (loss.missing.start(), loss.missing.end());
    eprintln!("{}:已在日志中确认第 {from} 至 {to} 条丢失(TailLost)", finding.stream);
    if let Some(held) = loss.held() {
        eprintln!("  其中第 {} 至 {} 条本可重新写入,其原文留在移开的存储中", held.start(), held.end());
    }
}

/// Why a loss is still there, and what can be done about it.
fn remaining(finding: &Finding, loss: &Loss, data: &Path) -> String {
    let (stream, from, to) = (finding.stream, loss.missing.start(), loss.missing.end());
    let why = match loss.replaced_from {
        Some(other) => {
            format!(
                "the log has other commits from {other} on, so that appending what stood there again would be void;"
            )
        }
        // On Kafka every service may have a folder of its own.
        None => format!(
            "no store in {} holds what continues the log; unless the stream's own service keeps its store elsewhere,",
            data.display()
        ),
    };
    format!("commits {from} to {to} of {stream} are missing, and {why} only --accept-loss remains")
}
