//! Lines of ProtoJSON, read with the committed descriptors.

use std::io::BufRead;
use std::sync::LazyLock;

use loopledger_proto::FILE_DESCRIPTOR_SET;
use loopledger_proto::client::v1::RecordLine;
use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor};
use serde_json::Value;

use super::broken::{Broken, Wrong};
use super::line::Line;
use super::{bytes, diagnosis, tree};
use crate::exit::Failure;

/// Read once: decoding the pool takes longer than a thousand lines.
static RECORD_LINE: LazyLock<MessageDescriptor> = LazyLock::new(|| {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("the committed descriptors are whole");
    pool.get_message_by_name("loopledger.client.v1.RecordLine").expect("the descriptors have it")
});

/// Reads lines of a file or of standard input; blank lines and lines that begin with `#` say nothing.
pub struct JsonLines<R> {
    reader: R,
    /// Line of the file, from 1.
    at: u64,
}

impl<R> core::fmt::Debug for JsonLines<R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("JsonLines").field("at", &self.at).finish_non_exhaustive()
    }
}

impl<R: BufRead> JsonLines<R> {
    /// Reads from the first line of `reader`.
    pub const fn new(reader: R) -> Self {
        Self { reader, at: 0 }
    }

    /// The next line that says something; `None` at the end.
    fn read(&mut self) -> Result<Option<RecordLine>, Vec<Wrong>> {
        loop {
            let read = bytes::read_line(&mut self.reader).map_err(|error| {
                vec![Wrong::of_line(format!("无法读取文件:{error}"), format!("The file cannot be read: {error}"))]
            });
            self.at = self.at.saturating_add(1);
            let Some(bytes) = read? else { return Ok(None) };
            let text = bytes::text(&bytes).map_err(|wrong| vec![wrong])?;
            if !text.is_empty() && !text.starts_with('#') {
                return parse(text).map(Some);
            }
        }
    }
}

fn parse(text: &str) -> Result<RecordLine, Vec<Wrong>> {
    let (value, twice) = tree::parse(text).map_err(|error| vec![not_json(&error)])?;
    if twice.is_empty()
        && let Ok(message) = message(&RECORD_LINE, &value)
        && let Ok(line) = message.transcode_to()
    {
        return Ok(line);
    }
    Err(diagnosis::of(&RECORD_LINE, &value, twice))
}

/// A value as a message of a kind; a field that the kind does not have is an error.
pub(super) fn message(descriptor: &MessageDescriptor, value: &Value) -> Result<DynamicMessage, serde_json::Error> {
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    DynamicMessage::deserialize_with_options(descriptor.clone(), value, &options)
}

fn not_json(error: &serde_json::Error) -> Wrong {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    let column = error.column();
    Wrong::of_line(format!("不是 JSON(第 {column} 列)"), format!("Not JSON at column {column}: {what}"))
}

impl<R: BufRead> Iterator for JsonLines<R> {
    type Item = Result<Line, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = match self.read() {
            Ok(None) => return None,
            Ok(Some(line)) => line.line.ok_or_else(|| vec![Wrong::of_line("没有指令", "The line holds no command")]),
            Err(wrong) => Err(wrong),
        };
        let number = self.at;
        Some(line.map(|command| Line { number, command }).map_err(|wrong| Broken { number, wrong }))
    }
}

/// Writes a line as ProtoJSON: for `demo --write` and for tests.
pub fn to_json(line: &RecordLine) -> Result<String, Failure> {
    let mut message = DynamicMessage::new(RECORD_LINE.clone());
    message.transcode_from(line).map_err(|error| Failure::refused("write a line", &error))?;
    serde_json::to_string(&message).map_err(|error| Failure::refused("write a line", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Result<Line, Broken>> {
        JsonLines::new(text.as_bytes()).collect()
    }

    /// The fields that are wrong with one line.
    fn wrong(text: &str) -> Vec<String> {
        let broken = read(text).remove(0).expect_err(text);
        broken.wrong.into_iter().map(|wrong| wrong.field).collect()
    }

    #[test]
    fn lines_are_read_with_their_number_and_comments_are_not() {
        let lines =
            read("# a file\n\n{\"await\":{}}\n{\"station\":{\"issueGoods\":{\"requestId\":\"x\",\"line\":2}}}\n");
        let numbers: Vec<u64> = lines.iter().map(|line| line.as_ref().unwrap().number).collect();
        assert_eq!(numbers, [3, 4]);
    }

    #[test]
    fn what_makes_no_sense_is_named_with_its_line_in_both_languages() {
        for text in
            ["{", "{\"statio\":{}}", "{\"await\":{}} x", "[]", "{}", "{\"station\":{\"issueGoods\":{\"line\":-1}}}"]
        {
            let broken = read(&format!("\n{text}\n")).remove(0).expect_err(text);
            assert_eq!(broken.number, 2, "{text}");
            let shown = broken.to_string();
            assert!(shown.contains("line 2 of the file") && shown.contains("第 2 行"), "{shown}");
            for wrong in &broken.wrong {
                assert!(wrong.english.is_ascii() && !wrong.english.is_empty(), "{wrong:?}");
                assert!(wrong.chinese.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{wrong:?}");
            }
        }
    }

    #[test]
    fn every_wrong_field_is_named() {
        let text = "{\"station\":{\"collectGoods\":{\"requestId\":7,\"gros\":{},\"tare\":{\"unit\":\"UNIT_KILO\",\"value\":\"x\"},\
                    \"occasion\":[],\"grade\":null,\"liveWeightGrams\":-1,\"contractId\":\"a\",\"stated\":{}}}}";
        assert_eq!(
            wrong(text),
            [
                "station.collectGoods.gros",
                "station.collectGoods.liveWeightGrams",
                "station.collectGoods.occasion",
                "station.collectGoods.requestId",
                "station.collectGoods.stated",
                "station.collectGoods.tare.unit",
                "station.collectGoods.tare.value",
            ]
        );
        assert_eq!(
            wrong("{\"sales\":{\"placeOrder\":{\"lines\":[{},{\"prize\":1},7],\"after\":{}}}}"),
            ["sales.placeOrder.after", "sales.placeOrder.lines[1].prize", "sales.placeOrder.lines[2]",]
        );
        assert_eq!(wrong("{\"station\":{},\"await\":{}}"), ["station"]);
    }

    #[test]
    fn a_key_that_stands_twice_is_refused() {
        let text = "{\"station\":{\"issueGoods\":{\"line\":1,\"line\":2}},\"station\":{}}";
        assert_eq!(wrong(text), ["station.issueGoods.line", "station"]);
        assert_eq!(
            wrong("{\"station\":{\"issueGoods\":{\"orderId\":\"a\",\"order_id\":\"b\"}}}"),
            ["station.issueGoods.order_id"]
        );
    }

    #[test]
    fn a_written_line_reads_back() {
        for line in loopledger_scenario::play(3, 40, 8) {
            let text = to_json(&line).unwrap();
            assert_eq!(Some(read(&text).pop().unwrap().unwrap().command), line.line);
        }
    }
}
