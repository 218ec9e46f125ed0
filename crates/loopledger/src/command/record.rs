//! `record`: sends a file of commands, one ProtoJSON line each, and prints one answer per line, in order.

use std::fs::File;
use std::io::{BufRead, BufReader, Write, stdin, stdout};
use std::path::PathBuf;

use loopledger_proto::client::v1::RecordLine;

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
    /// Prints no answers, only the count at the end.
    #[arg(long)]
    quiet: bool,
}

pub(crate) async fn record(client: &Client, args: &RecordArgs) -> Result<(), Failure> {
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
    if answered > 0 {
        eprintln!("resuming after line {answered}");
    }
    let skip = usize::try_from(answered).unwrap_or(usize::MAX);
    let lines = JsonLines::new(reader).skip(skip);
    let mut out = stdout().lock();
    let tell = |line: u64, answer: &Answer| {
        if let Some(receipts) = receipts.as_mut() {
            receipts.keep(line, answer)?;
        }
        if !args.quiet {
            writeln!(out, "{}", answer.to_json(line))
                .map_err(|error| Failure::Usage(format!("cannot print: {error}")))?;
        }
        Ok(())
    };
    let tally = Recorder::new(client, answered.saturating_add(1), heads, tell).run(lines).await?;
    eprintln!("{} recorded, {} refused, {} barriers", tally.recorded, tally.refused, tally.barriers);
    if tally.refused > 0 { Err(Failure::Refused(format!("{} lines were refused", tally.refused))) } else { Ok(()) }
}

/// Sends lines that are at hand, with progress; refusals are told on standard error.
pub(super) async fn send_all(
    client: &Client,
    what: &'static str,
    total: u64,
    lines: impl IntoIterator<Item = RecordLine>,
) -> Result<Tally, Failure> {
    let mut progress = Progress::new(what, total);
    let tell = |line: u64, answer: &Answer| {
        if let Answer::Refused { .. } = answer {
            eprintln!("{}", answer.to_json(line));
        }
        progress.set(line);
        Ok(())
    };
    let tally = Recorder::new(client, 1, Vec::new(), tell).run(lines.into_iter().map(Ok)).await?;
    progress.finish();
    Ok(tally)
}
