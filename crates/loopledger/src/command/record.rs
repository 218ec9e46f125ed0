//! `record`: sends a file of commands, one ProtoJSON line each, and prints one answer per line, in order.

use std::fs::File;
use std::io::{BufRead, BufReader, Write, stdin, stdout};
use std::path::PathBuf;

use loopledger_proto::client::v1::RecordLine;
use loopledger_wire::status_from_pb;
use tonic::{Code, Status};

use super::Progress;
use crate::client::Client;
use crate::exit::Failure;
use crate::record::{Answer, JsonLines, Receipts, Recorder, Tally};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct RecordArgs {
    /// File of `client.v1.RecordLine` as ProtoJSON, one a line; standard input if absent or "-".
    file: Option<PathBuf>,
    /// Keeps every answer in this file, and resumes after the last line answered.
    #[arg(long)]
    receipts: Option<PathBuf>,
    /// Prints no answers, only how far it is.
    #[arg(long)]
    quiet: bool,
}

pub(crate) async fn record(
    connect: impl AsyncFnOnce() -> Result<Client, Failure>,
    args: &RecordArgs,
) -> Result<(), Failure> {
    let reader: Box<dyn BufRead> = match args.file.as_deref() {
        None => Box::new(BufReader::new(stdin())),
        Some(path) if path.as_os_str() == "-" => Box::new(BufReader::new(stdin())),
        Some(path) => {
            let file = File::open(path).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
            Box::new(BufReader::new(file))
        }
    };
    let mut receipts = args.receipts.as_deref().map(Receipts::open).transpose()?;
    let answered = receipts.as_ref().map_or(0, |receipts| receipts.answered);
    let heads = receipts.as_mut().map(|receipts| std::mem::take(&mut receipts.heads)).unwrap_or_default();
    // Files first: a name that is wrong is wrong whether or not anybody listens.
    let client = connect().await?;
    if answered > 0 {
        eprintln!("resuming after line {answered}");
    }
    let skip = usize::try_from(answered).unwrap_or(usize::MAX);
    let lines = JsonLines::new(reader).skip(skip);
    let mut out = stdout().lock();
    let mut progress = args.quiet.then(|| Progress::new("record", 0));
    let tell = |line: u64, answer: &Answer| {
        if let Some(receipts) = receipts.as_mut() {
            receipts.keep(line, answer)?;
        }
        match progress.as_mut() {
            Some(progress) => progress.set(line),
            None => writeln!(out, "{}", answer.to_json(line)).map_err(Failure::output)?,
        }
        Ok(())
    };
    let tally = Recorder::new(&client, answered.saturating_add(1), heads, tell).run(lines).await?;
    if let Some(progress) = &progress {
        progress.finish();
    }
    eprintln!("{} recorded, {} refused, {} barriers", tally.recorded, tally.refused, tally.barriers);
    if tally.refused > 0 { Err(Failure::Refused(format!("{} lines were refused", tally.refused))) } else { Ok(()) }
}

/// Sends lines of which none can be refused, with progress; stops at the first that is.
pub(super) async fn send_all(
    client: &Client,
    what: &'static str,
    total: u64,
    lines: impl IntoIterator<Item = RecordLine>,
) -> Result<Tally, Failure> {
    let mut progress = Progress::new(what, total);
    let tell = |line: u64, answer: &Answer| {
        if let Answer::Refused { status, .. } = answer {
            return Err(unexpected(line, &status_from_pb(status)));
        }
        progress.set(line);
        Ok(())
    };
    let tally = Recorder::new(client, 1, Vec::new(), tell).run(lines.into_iter().map(Ok)).await?;
    progress.finish();
    Ok(tally)
}

/// Why what is never refused on its own was: as a rule because somebody else was there before.
fn unexpected(line: u64, status: &Status) -> Failure {
    let said = Failure::from(status.clone());
    Failure::Refused(if status.code() == Code::AlreadyExists {
        format!(
            "the server already holds other business, of another seed or another number of households or weeks ({said}); \
             use an empty --data folder, or `up --data OTHER`"
        )
    } else {
        format!("line {line} was refused: {said}")
    })
}
