//! The file of answers that makes a run resumable: one line of JSON per line answered. Each answer keeps the request's
//! id and a digest of the line, so that the receipts of another file, or of this one before it was edited, are detected.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;

use loopledger_proto::common::v1::Position;
use serde_json::{Value, json};

use super::answer::{Answer, position_from_json};
use super::line::Line;
use crate::both;
use crate::exit::Failure;

/// An answer of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Line of the file when it was answered.
    pub number: u64,
    /// `None` for a barrier.
    request_id: Option<String>,
    /// Absent in receipts of earlier builds.
    digest: Option<String>,
    /// Why it was refused.
    pub refusal: Option<String>,
}

impl Kept {
    fn read(value: &Value) -> Option<Self> {
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let answer = value.get("receipt").or_else(|| value.get("refusal"));
        Some(Self {
            number: value.get("line")?.as_u64()?,
            request_id: match answer {
                Some(answer) => Some(text(answer, "requestId")?),
                None => value.get("await").map(|_| None)?,
            },
            digest: text(value, "digest"),
            refusal: value.get("refusal").map(|refusal| text(refusal, "reason").unwrap_or_default()),
        })
    }

    /// Whether this answers the line, as it stands now.
    fn fits(&self, line: &Line) -> Fit {
        if self.request_id != line.request_id() {
            Fit::Other
        } else if self.digest.as_ref().is_some_and(|digest| *digest != line.digest()) {
            Fit::Changed
        } else {
            Fit::Same
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Same,
    /// The same request with another content.
    Changed,
    Other,
}

/// An open file of receipts, and where to go on.
#[derive(Debug)]
pub struct Receipts {
    file: File,
    /// The answers so far, in the order of the file of commands.
    pub kept: Vec<Kept>,
    /// What the last barrier reached.
    pub heads: Vec<Position>,
}

impl Receipts {
    /// Opens or creates the file; a torn last line (a kill in mid-write) is cut off. A file that holds anything else than
    /// receipts is left as it is.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let name = path.display();
        let wrong = |error: &dyn core::fmt::Display| Failure::Usage(format!("--receipts {name}: {error}"));
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = options.map_err(|error| wrong(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(wrong(&both!("另一个 record 正在使用该文件", "another run of record uses this file")));
            }
            // Not every file system has locks.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(wrong(&error)),
        }
        let mut whole = 0_u64;
        let (mut kept, mut heads) = (Vec::new(), Vec::new());
        let mut reader = BufReader::new(&file);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).map_err(|error| wrong(&error))? > 0 {
            if bytes.last() != Some(&b'\n') && bytes.first() == Some(&b'{') {
                break;
            }
            let value = serde_json::from_slice::<Value>(&bytes).ok();
            let Some((value, answer)) = value.and_then(|value| Kept::read(&value).map(|answer| (value, answer))) else {
                let at = kept.len().saturating_add(1);
                return Err(wrong(&both!("第 {at} 行不是 record 的回执", "line {at} is not a receipt of record")));
            };
            kept.push(answer);
            if let Some(reached) = value.get("await").and_then(Value::as_array) {
                heads = reached.iter().filter_map(position_from_json).collect();
            }
            whole = whole.saturating_add(u64::try_from(bytes.len()).unwrap_or(0));
            bytes.clear();
        }
        file.set_len(whole).map_err(|error| wrong(&error))?;
        file.seek(SeekFrom::End(0)).map_err(|error| wrong(&error))?;
        Ok(Self { file, kept, heads })
    }

    /// Keeps an answer, with one write, before anything else learns of it.
    pub fn keep(&mut self, line: &Line, answer: &Answer) -> Result<(), Failure> {
        let mut value = answer.to_json(line);
        if let Some(object) = value.as_object_mut() {
            object.insert("digest".to_owned(), json!(line.digest()));
        }
        let wrong = |error| Failure::Refused(both!("无法写入回执:{error}", "cannot write the receipts: {error}"));
        self.file.write_all(format!("{value}\n").as_bytes()).map_err(wrong)
    }
}

/// The first place at which receipts and file part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parting {
    /// The file ends before its receipts do.
    Short { answered: usize, lines: usize },
    /// The line was sent with another content.
    Changed { number: u64 },
    /// Lines stand here that were not sent; the receipt's request follows on a later line.
    Inserted { number: u64, resumed_at: u64 },
    /// Lines were sent before this one that are no longer there.
    Deleted { number: u64, request_id: String },
    /// The request has no receipt, and the receipt's request is not in the file.
    Foreign { number: u64, request_id: String },
}

/// Compares a receipt with the line that it should answer; `rest` is what follows in the file, `later` in the receipts.
pub fn compare(kept: &Kept, line: &Line, later: &[Kept], rest: impl Iterator<Item = Line>) -> Option<Parting> {
    let number = line.number;
    match kept.fits(line) {
        Fit::Same => return None,
        Fit::Changed => return Some(Parting::Changed { number }),
        Fit::Other => {}
    }
    let wanted = kept.request_id.clone().or_else(|| later.iter().find_map(|kept| kept.request_id.clone()));
    let mut rest = rest;
    if let Some(wanted) = &wanted
        && let Some(found) = rest.find(|line| line.request_id().as_ref() == Some(wanted))
    {
        return Some(Parting::Inserted { number, resumed_at: found.number });
    }
    let request_id = wanted.unwrap_or_default();
    let is_later = |id: &String| later.iter().any(|kept| kept.request_id.as_ref() == Some(id));
    Some(if line.request_id().as_ref().is_some_and(is_later) {
        Parting::Deleted { number, request_id }
    } else {
        Parting::Foreign { number, request_id }
    })
}

impl From<Parting> for Failure {
    fn from(parting: Parting) -> Self {
        let what = match parting {
            Parting::Short { answered, lines } => both!(
                "回执有 {answered} 条,文件只有 {lines} 行指令:末尾的行被删除,或这是另一个文件",
                "there are {answered} receipts and {lines} lines of commands: lines at the end were deleted, or this is another file"
            ),
            Parting::Changed { number } => both!(
                "文件第 {number} 行在得到答复之后被改动",
                "line {number} of the file was changed after it was answered"
            ),
            Parting::Inserted { number, resumed_at } => both!(
                "文件第 {number} 行起是新插入的行,回执中的请求现在第 {resumed_at} 行",
                "lines were inserted from line {number} of the file on: the request of the receipt is now on line {resumed_at}"
            ),
            Parting::Deleted { number, request_id } => both!(
                "文件第 {number} 行之前有行被删除:回执中的请求 {request_id} 已不在文件中",
                "lines were deleted above line {number} of the file: request {request_id} of the receipts is no longer there"
            ),
            Parting::Foreign { number, request_id } => both!(
                "文件第 {number} 行属于另一个文件:该处的回执属于请求 {request_id}",
                "line {number} of the file is another file's: the receipt in its place is that of request {request_id}"
            ),
        };
        let advice = both!(
            "未发送任何内容。每个文件须有自己的回执文件;文件改动过的,换一个新的回执文件整份重发:已记录的会被认出,不会重复记账",
            "Nothing was sent. Each file needs receipts of its own; after an edit send the whole file with a new file of receipts: \
             what is recorded is found again and not doubled"
        );
        Self::Usage(format!("{what}\n{advice}"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use loopledger_proto::client::v1::record_line::Line as Command;
    use loopledger_proto::procurement::v1::{RecordRequest, RegisterPartyRequest, record_request};

    use super::*;

    fn line(number: u64, id: &str, label: &str) -> Line {
        let party = RegisterPartyRequest { request_id: id.to_owned(), label: label.to_owned(), ..Default::default() };
        let command = record_request::Command::RegisterParty(party);
        Line { number, command: Command::Procurement(RecordRequest { command: Some(command) }) }
    }

    fn kept(line: &Line) -> Kept {
        let (number, request_id) = (line.number, line.request_id());
        Kept { number, request_id, digest: Some(line.digest()), refusal: None }
    }

    #[test]
    fn a_torn_line_is_cut_and_the_run_goes_on_after_the_last_whole_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipts");
        let hash = "ab".repeat(32);
        let text = format!(
            "{{\"line\":1,\"receipt\":{{\"requestId\":\"a\"}}}}\n{{\"await\":[{{\"hash\":\"{hash}\",\"sequence\":7,\"stream\":\"station/654224\"}}],\"line\":2}}\n{{\"line\":3,\"rec"
        );
        fs::write(&path, text).unwrap();
        let receipts = Receipts::open(&path).unwrap();
        assert_eq!((receipts.kept.len(), receipts.heads.len(), receipts.heads[0].sequence), (2, 1, 7));
        assert!(fs::read_to_string(&path).unwrap().ends_with("\"line\":2}\n"));
        let second = Receipts::open(&path).unwrap_err().to_string();
        assert!(second.contains("another run"), "{second}");
    }

    #[test]
    fn a_file_that_holds_no_receipts_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipts");
        for text in ["{\"line\":2}\n", "托里县\n", "no end", "{\"await\":{}}\n", "[]\n"] {
            fs::write(&path, text).unwrap();
            assert!(matches!(Receipts::open(&path), Err(Failure::Usage(_))), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn where_receipts_and_file_part_is_named() {
        let lines: Vec<Line> = ["a", "b", "c", "d"].into_iter().zip(1..).map(|(id, n)| line(n, id, id)).collect();
        let receipts: Vec<Kept> = lines.iter().map(kept).collect();
        let part = |file: &[Line]| {
            (0..receipts.len())
                .find_map(|at| compare(&receipts[at], &file[at], &receipts[at + 1..], file[at + 1..].iter().cloned()))
        };
        assert_eq!(part(&lines), None);
        let renumbered: Vec<Line> = lines.iter().map(|line| Line { number: line.number + 9, ..line.clone() }).collect();
        assert_eq!(part(&renumbered), None, "comments may come and go");
        let mut inserted = lines.clone();
        inserted.insert(1, line(9, "x", "x"));
        assert_eq!(part(&inserted), Some(Parting::Inserted { number: 9, resumed_at: 2 }));
        let mut deleted = lines.clone();
        deleted.remove(1);
        assert_eq!(part(&deleted), Some(Parting::Deleted { number: 3, request_id: "b".to_owned() }));
        let mut changed = lines.clone();
        changed[2] = line(3, "c", "other");
        assert_eq!(part(&changed), Some(Parting::Changed { number: 3 }));
        let other: Vec<Line> = lines.iter().map(|l| line(l.number, &format!("o{}", l.number), "")).collect();
        assert_eq!(part(&other), Some(Parting::Foreign { number: 1, request_id: "a".to_owned() }));
    }
}
