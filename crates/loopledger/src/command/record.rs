//! `record`: sends a file of commands, one ProtoJSON line each, and prints one answer per line, in order.

use core::time::Duration;
use std::fs::File;
use std::io::{BufRead, BufReader, Write, stdin, stdout};
use std::path::PathBuf;

use loopledger_client::output::json_line;
use loopledger_client::record::{
    Answer, JsonLines, Kept, Line, PATIENCE_SECONDS, Parting, Receipts, Recorder, Stop, Tally, compare, numbered,
};
use loopledger_client::{Client, Failure, both, note, tr};
use loopledger_proto::client::v1::RecordLine;
use loopledger_wire::status_from_pb;
use tonic::{Code, Status};

use super::Progress;

/// Refused lines that are named in the end.
const REFUSALS_NAMED: usize = 5;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct RecordArgs {
    /// File of `client.v1.RecordLine` as ProtoJSON, one a line; standard input if absent or "-".
    file: Option<PathBuf>,
    /// Keeps every answer in this file, and resumes after the last line answered.
    #[arg(long)]
    receipts: Option<PathBuf>,
    /// Prints progress only, no answers.
    #[arg(long)]
    quiet: bool,
    /// Seconds to reconnect to a server that becomes unreachable during the run; unanswered lines are sent again.
    #[arg(long, value_name = "SECONDS", default_value_t = PATIENCE_SECONDS)]
    patience: u64,
}

pub(crate) async fn record(
    connect: impl AsyncFnOnce() -> Result<Client, Failure>,
    args: &RecordArgs,
) -> Result<(), Failure> {
    let mut lines = JsonLines::new(open(args)?);
    let mut receipts = args.receipts.as_deref().map(Receipts::open).transpose()?;
    let (kept, heads) = receipts.as_mut().map(|r| (r.kept.clone(), std::mem::take(&mut r.heads))).unwrap_or_default();
    // Files first: one that is wrong is wrong whether or not anybody listens.
    let last = skip_answered(&mut lines, &kept)?;
    let client = connect().await?;
    if let Some(last) = last {
        let text = tr!(
            "从第 {last} 行之后继续,之前的行已有答复",
            "resuming after line {last}: it and all before it are answered"
        );
        note!("{text}");
    }
    let mut out = stdout().lock();
    let mut progress = args.quiet.then(|| Progress::new("record", 0));
    let mut refused = Vec::new();
    let tell = |line: &Line, answer: &Answer, tally: &Tally| {
        if let Some(receipts) = receipts.as_mut() {
            receipts.keep(line, answer)?;
        }
        if let Answer::Refused(status) = answer
            && refused.len() < REFUSALS_NAMED
        {
            refused.push((line.number, Failure::from(status_from_pb(status)).to_string()));
        }
        match progress.as_mut() {
            Some(progress) => progress.answered(tally),
            None => writeln!(out, "{}", json_line(&answer.to_json(line))).map_err(Failure::output)?,
        }
        Ok(())
    };
    let recorder = Recorder::new(&client, Duration::from_secs(args.patience), heads, tell);
    let (tally, ended) = recorder.run(lines).await;
    if let Some(progress) = &progress {
        progress.finish();
    }
    report(&tally, &refused);
    match ended {
        Ok(()) => outcome(&tally, &kept),
        Err(Stop::Failed(failure)) => Err(failure),
        Err(Stop::Broken(broken)) => {
            let advice = tr!(
                "之后的行没有发送。改正该行后再次运行即可,已答复的行不会重复记账",
                "No line after it was sent. Correct it and run again: what is answered is not recorded twice"
            );
            Err(Failure::Usage(format!("{broken}\n{advice}")))
        }
    }
}

fn open(args: &RecordArgs) -> Result<Box<dyn BufRead>, Failure> {
    match args.file.as_deref().filter(|path| path.as_os_str() != "-") {
        None => Ok(Box::new(BufReader::new(stdin()))),
        Some(path) => {
            let file = File::open(path).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
            Ok(Box::new(BufReader::new(file)))
        }
    }
}

/// Passes over the lines that the receipts answer, each compared with its receipt; the number of the last one.
fn skip_answered(lines: &mut JsonLines<impl BufRead>, kept: &[Kept]) -> Result<Option<u64>, Failure> {
    let mut last = None;
    for (index, receipt) in kept.iter().enumerate() {
        let line = match lines.next() {
            Some(Ok(line)) => line,
            Some(Err(broken)) => return Err(Failure::Usage(broken.to_string())),
            None => return Err(Parting::Short { answered: kept.len(), lines: index }.into()),
        };
        let later = kept.get(index.saturating_add(1)..).unwrap_or_default();
        if let Some(parting) = compare(receipt, &line, later, lines.by_ref().map_while(Result::ok)) {
            return Err(parting.into());
        }
        last = Some(line.number);
    }
    Ok(last)
}

/// What this run did, and the first lines that were refused.
fn report(tally: &Tally, refused: &[(u64, String)]) {
    let Tally { new, found, refused: refusals, barriers } = tally;
    let text = tr!(
        "新记录 {new} 条,已有 {found} 条,拒绝 {refusals} 条,同步点 {barriers} 个",
        "{new} recorded, {found} found, {refusals} refused, {barriers} barriers"
    );
    note!("{text}");
    for (number, why) in refused {
        let text = tr!("  第 {number} 行:{why}", "  line {number}: {why}");
        note!("{text}");
    }
}

/// Refusals of this run and those that stand in the receipts of earlier ones.
fn outcome(tally: &Tally, kept: &[Kept]) -> Result<(), Failure> {
    let standing = kept.iter().filter_map(|kept| Some((kept.number, kept.refusal.as_ref()?))).collect::<Vec<_>>();
    if tally.refused == 0 && standing.is_empty() {
        return Ok(());
    }
    let (refused, earlier) = (tally.refused, standing.len());
    let mut text = both!("有 {refused} 行被拒绝", "{refused} lines were refused");
    if !standing.is_empty() {
        let named: Vec<String> =
            standing.iter().take(REFUSALS_NAMED).map(|(number, reason)| format!("{number} {reason}")).collect();
        let named = named.join(", ");
        text.push('\n');
        text.push_str(&both!(
            "此前的运行中有 {earlier} 行被拒绝,仍在回执中(行号与原因:{named})。改正后换一个新的回执文件整份重发",
            "{earlier} lines were refused in earlier runs and stand in the receipts (line and reason: {named}). \
             Correct them and send the whole file with a new file of receipts"
        ));
    }
    Err(Failure::Refused(text))
}

/// Sends lines of which none can be refused, with progress; stops at the first that is.
pub(super) async fn send_all(
    client: &Client,
    what: &'static str,
    total: u64,
    lines: impl IntoIterator<Item = RecordLine>,
) -> Result<Tally, Failure> {
    let mut progress = Progress::new(what, total);
    let tell = |line: &Line, answer: &Answer, tally: &Tally| {
        if let Answer::Refused(status) = answer {
            return Err(unexpected(line.number, &status_from_pb(status)));
        }
        progress.answered(tally);
        Ok(())
    };
    let patience = Duration::from_secs(PATIENCE_SECONDS);
    let (tally, ended) = Recorder::new(client, patience, Vec::new(), tell).run(numbered(lines)).await;
    match ended {
        Ok(()) => {}
        Err(Stop::Failed(failure)) => return Err(failure),
        Err(Stop::Broken(broken)) => return Err(Failure::Usage(broken.to_string())),
    }
    progress.finish();
    Ok(tally)
}

/// Why what is never refused on its own was: as a rule because another command came first.
fn unexpected(line: u64, status: &Status) -> Failure {
    let said = Failure::from(status.clone());
    Failure::Refused(if status.code() == Code::AlreadyExists {
        both!(
            "服务器上已有其他业务(不同的种子、户数或周数):{said};请用空的 --data 目录,或 `up --data OTHER`",
            "the server already holds other business, of another seed or another number of households or weeks ({said}); \
             use an empty --data folder, or `up --data OTHER`"
        )
    } else {
        both!("第 {line} 行被拒绝:{said}", "line {line} was refused: {said}")
    })
}
