//! Events within an event: `google.protobuf.Any`, as in a commit. One level deep: an answer that is repeated repeats none.

use loopledger_facts::{AnswerRepeated, Event};
use loopledger_types::Service;

use super::{Unknown, encode_event, package, type_url};
use crate::codec::{Fault, Field, Message, Problem, Reader, SIZED, Value, put_key, put_sized};

/// Reads an answer that is to be repeated, as [`encode_event`] wrote it; `None` if it is damaged.
pub fn decode_answer(bytes: &[u8]) -> Option<AnswerRepeated> {
    AnswerRepeated::decode(Reader::new(bytes)).ok()
}

impl Value for Event {
    const WIRE: u32 = SIZED;

    fn put(&self, out: &mut Vec<u8>) {
        put_sized(out, |out| {
            type_url(self).to_owned().write(1, out);
            put_key(2, SIZED, out);
            put_sized(out, |out| encode_event(self, out));
        });
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Fault> {
        let mut any = Reader::new(from.sized()?);
        let url = String::read(1, &mut any).map_err(|fault| fault.at("type_url"))?;
        if !any.next_is(2, SIZED) {
            return Err(Fault::new(Problem::Missing).at("value"));
        }
        let body = any.sized()?;
        any.end()?;
        decode(&url, body).map_err(|reason| Fault::new(Problem::Unknown(reason)))
    }
}

/// Whatever service it is of. One that repeats others is refused before it is looked into.
fn decode(url: &str, body: &[u8]) -> Result<Event, Unknown> {
    let mut packages = Service::ALL.into_iter().filter_map(package);
    let named = packages.find_map(|(package, decode)| Some((url.strip_prefix(package)?, decode)));
    match named {
        Some((name, decode)) if name != "AnswerRepeated" => decode(name, Reader::new(body)),
        Some(_) | None => Err(format!("no answer says {url}")),
    }
}

/// An answer that is repeated says something, and nothing of another service.
pub(super) fn check(package: &str, event: &Event) -> Result<(), Unknown> {
    let Some(repeated) = event.repeated() else { return Ok(()) };
    if repeated.answers.is_empty() {
        return Err("repeats no event".to_owned());
    }
    match repeated.answers.iter().map(type_url).find(|url| !url.starts_with(package)) {
        Some(url) => Err(format!("repeats an event of another service, {url}")),
        None => Ok(()),
    }
}
