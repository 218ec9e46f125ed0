//! The file of answers that makes a run resumable: one line of JSON per line answered.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;

use loopledger_proto::common::v1::Position;
use serde_json::Value;

use super::answer::{Answer, position_from_json};
use crate::exit::Failure;

/// An open file of receipts, and where to go on.
#[derive(Debug)]
pub(crate) struct Receipts {
    file: File,
    /// Lines answered so far.
    pub(crate) answered: u64,
    /// What the last barrier reached.
    pub(crate) heads: Vec<Position>,
}

impl Receipts {
    /// Opens or creates the file; a torn last line (a kill in mid-write) is cut off.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let wrong = |error: &dyn core::fmt::Display| Failure::Usage(format!("--receipts {}: {error}", path.display()));
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|error| wrong(&error))?;
        let mut whole = 0_u64;
        let (mut answered, mut heads) = (0_u64, Vec::new());
        let mut reader = BufReader::new(&file);
        let mut text = String::new();
        while reader.read_line(&mut text).map_err(|error| wrong(&error))? > 0 {
            let Ok(value) = serde_json::from_str::<Value>(text.trim_end()) else { break };
            if !text.ends_with('\n') {
                break;
            }
            answered = answered.saturating_add(1);
            if value.get("line").and_then(Value::as_u64) != Some(answered) {
                return Err(wrong(&format!("line {answered} is not the receipt of that line")));
            }
            if let Some(reached) = value.get("await").and_then(Value::as_array) {
                heads = reached.iter().filter_map(position_from_json).collect();
            }
            whole = whole.saturating_add(u64::try_from(text.len()).unwrap_or(0));
            text.clear();
        }
        file.set_len(whole).map_err(|error| wrong(&error))?;
        file.seek(SeekFrom::End(0)).map_err(|error| wrong(&error))?;
        Ok(Self { file, answered, heads })
    }

    /// Keeps an answer, with one write, before anything else learns of it.
    pub(crate) fn keep(&mut self, line: u64, answer: &Answer) -> Result<(), Failure> {
        let text = format!("{}\n", answer.to_json(line));
        self.file.write_all(text.as_bytes()).map_err(|error| Failure::refused("cannot write the receipts", &error))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_torn_line_is_cut_and_the_run_goes_on_after_the_last_whole_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipts");
        let hash = "ab".repeat(32);
        let text = format!(
            "{{\"line\":1,\"receipt\":{{}}}}\n{{\"await\":[{{\"hash\":\"{hash}\",\"sequence\":7,\"stream\":\"station/654224\"}}],\"line\":2}}\n{{\"line\":3,\"rec"
        );
        fs::write(&path, text).unwrap();
        let receipts = Receipts::open(&path).unwrap();
        assert_eq!((receipts.answered, receipts.heads.len(), receipts.heads[0].sequence), (2, 1, 7));
        assert!(fs::read_to_string(&path).unwrap().ends_with("\"line\":2}\n"));
    }

    #[test]
    fn the_receipts_of_another_file_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipts");
        fs::write(&path, "{\"line\":2}\n").unwrap();
        assert!(matches!(Receipts::open(&path), Err(Failure::Usage(_))));
    }
}
