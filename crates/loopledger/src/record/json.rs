//! Lines of ProtoJSON, read with the committed descriptors.

use std::io::BufRead;
use std::sync::LazyLock;

use loopledger_proto::FILE_DESCRIPTOR_SET;
use loopledger_proto::client::v1::RecordLine;
use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor};

use crate::exit::Failure;

/// Read once: decoding the pool takes longer than a thousand lines.
static RECORD_LINE: LazyLock<MessageDescriptor> = LazyLock::new(|| {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("the committed descriptors are whole");
    pool.get_message_by_name("loopledger.client.v1.RecordLine").expect("the descriptors have it")
});

/// Longest line taken: far beyond the largest request (200 lines of 200 bytes).
const LINE_BYTES_MAX: usize = 1 << 20;

/// Reads lines of a file or of standard input; blank lines and lines that begin with `#` say nothing and do not count.
pub(crate) struct JsonLines<R> {
    reader: R,
    /// Line of the file, for messages.
    at: u64,
}

impl<R> core::fmt::Debug for JsonLines<R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("JsonLines").field("at", &self.at).finish_non_exhaustive()
    }
}

impl<R: BufRead> JsonLines<R> {
    pub(crate) const fn new(reader: R) -> Self {
        Self { reader, at: 0 }
    }

    fn parse(&self, text: &str) -> Result<RecordLine, Failure> {
        let wrong = |error: &dyn core::fmt::Display| Failure::Usage(format!("line {} of the file: {error}", self.at));
        let mut json = serde_json::Deserializer::from_str(text);
        let options = DeserializeOptions::new().deny_unknown_fields(true);
        let message = DynamicMessage::deserialize_with_options(RECORD_LINE.clone(), &mut json, &options)
            .map_err(|error| wrong(&error))?;
        json.end().map_err(|error| wrong(&error))?;
        message.transcode_to().map_err(|error| wrong(&error))
    }
}

impl<R: BufRead> Iterator for JsonLines<R> {
    type Item = Result<RecordLine, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut text = String::new();
            match self.reader.read_line(&mut text) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(Err(Failure::Usage(format!("cannot read the file: {error}")))),
            }
            self.at = self.at.saturating_add(1);
            if text.len() > LINE_BYTES_MAX {
                return Some(Err(Failure::Usage(format!(
                    "line {} of the file is longer than {LINE_BYTES_MAX} bytes",
                    self.at
                ))));
            }
            let text = text.trim();
            if !text.is_empty() && !text.starts_with('#') {
                return Some(self.parse(text));
            }
        }
    }
}

/// Writes a line as ProtoJSON: for `demo --write` and for tests.
pub(crate) fn to_json(line: &RecordLine) -> Result<String, Failure> {
    let mut message = DynamicMessage::new(RECORD_LINE.clone());
    message.transcode_from(line).map_err(|error| Failure::refused("write a line", &error))?;
    serde_json::to_string(&message).map_err(|error| Failure::refused("write a line", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Result<RecordLine, Failure>> {
        JsonLines::new(text.as_bytes()).collect()
    }

    #[test]
    fn lines_are_read_and_comments_are_not() {
        let lines =
            read("# a file\n\n{\"await\":{}}\n{\"station\":{\"issueGoods\":{\"requestId\":\"x\",\"line\":2}}}\n");
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(Result::is_ok));
    }

    #[test]
    fn what_makes_no_sense_is_named_with_its_line() {
        for text in ["{", "{\"statio\":{}}", "{\"await\":{}} x", "[]", "{\"station\":{\"issueGoods\":{\"line\":-1}}}"] {
            let lines = read(&format!("\n{text}\n"));
            let Err(Failure::Usage(message)) = &lines[0] else { panic!("{text} was read") };
            assert!(message.starts_with("line 2 of the file"), "{message}");
        }
    }

    #[test]
    fn a_written_line_reads_back() {
        for line in crate::demo::play(3, 40, 8) {
            let text = to_json(&line).unwrap();
            assert_eq!(read(&text).pop().unwrap().unwrap(), line);
        }
    }
}
