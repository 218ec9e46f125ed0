//! Fields of a request that its contract does not have, found in its bytes before they are decoded.
//!
//! The generated decoders drop such a field, so a caller with a newer contract, or with a mistake in its own, would be
//! answered as if all of it were recorded. A walk over the bytes costs far less than decoding them: it reads keys and
//! lengths, and allocates nothing unless it finds something.
//!
//! It judges nothing else. Bytes that are no message at all are the decoder's to refuse.

use std::collections::HashMap;
use std::sync::Arc;

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};

mod bytes;
#[cfg(test)]
mod tests;

use bytes::{Bytes, Payload, Unreadable};

/// How deep messages and groups may lie in each other; the decoder's bound too.
const DEPTH_MAX: usize = 100;

/// A field that the contract does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownField {
    /// The fields around it, and its number: `lines[1].quantity.9`.
    pub path: String,
    pub number: u32,
}

/// The messages of the contracts.
#[derive(Debug)]
pub struct Shapes {
    by_name: HashMap<String, usize>,
    messages: Arc<[Message]>,
}

/// The fields that a message may have, and those of the messages within it.
#[derive(Debug, Clone)]
pub struct Shape {
    messages: Arc<[Message]>,
    root: usize,
}

#[derive(Debug, Default)]
struct Message {
    /// By number.
    fields: Vec<Field>,
}

#[derive(Debug)]
struct Field {
    number: u32,
    name: String,
    is_repeated: bool,
    /// The message that it holds, if it holds one.
    message: Option<usize>,
}

impl Shapes {
    /// # Panics
    /// If a field's message is not in the set.
    pub fn new(set: &FileDescriptorSet) -> Self {
        let mut found = Vec::new();
        for file in &set.file {
            let package = if file.package().is_empty() { String::new() } else { format!(".{}", file.package()) };
            file.message_type.iter().for_each(|message| collect(&package, message, &mut found));
        }
        let by_name: HashMap<String, usize> =
            found.iter().enumerate().map(|(index, (name, _))| (name.clone(), index)).collect();
        let messages = found.iter().map(|(_, message)| Message::new(message, &by_name)).collect();
        Self { by_name, messages }
    }

    /// By a full name with its dot: `.loopledger.station.v1.CollectGoodsRequest`.
    pub fn find(&self, name: &str) -> Option<Shape> {
        let root = *self.by_name.get(name)?;
        Some(Shape { messages: Arc::clone(&self.messages), root })
    }
}

/// A message and those declared within it (the entries of maps among them), by full name.
fn collect<'a>(around: &str, message: &'a DescriptorProto, found: &mut Vec<(String, &'a DescriptorProto)>) {
    let name = format!("{around}.{}", message.name());
    message.nested_type.iter().for_each(|nested| collect(&name, nested, found));
    found.push((name, message));
}

impl Message {
    fn new(descriptor: &DescriptorProto, by_name: &HashMap<String, usize>) -> Self {
        let mut fields: Vec<Field> = descriptor.field.iter().map(|field| Field::new(field, by_name)).collect();
        fields.sort_unstable_by_key(|field| field.number);
        Self { fields }
    }

    #[inline]
    fn field(&self, number: u32) -> Option<&Field> {
        // Most contracts number from one without a gap.
        let guess = usize::try_from(number).ok().and_then(|number| self.fields.get(number.checked_sub(1)?));
        if let Some(field) = guess.filter(|field| field.number == number) {
            return Some(field);
        }
        let index = self.fields.binary_search_by_key(&number, |field| field.number).ok()?;
        self.fields.get(index)
    }
}

impl Field {
    fn new(descriptor: &FieldDescriptorProto, by_name: &HashMap<String, usize>) -> Self {
        let message = (descriptor.r#type() == Type::Message).then(|| {
            let name = descriptor.type_name();
            *by_name.get(name).unwrap_or_else(|| panic!("{name} is not among the descriptors"))
        });
        Self {
            number: u32::try_from(descriptor.number()).unwrap_or(0),
            name: descriptor.name().to_owned(),
            is_repeated: descriptor.label() == Label::Repeated,
            message,
        }
    }
}

impl Shape {
    /// The first field of the message in `bytes` that its contract does not have. None if there is none, and if the bytes
    /// are no message, which the decoder will say.
    pub fn unknown_field(&self, bytes: &[u8]) -> Option<UnknownField> {
        match self.is_known(self.root, bytes, 0) {
            Ok(true) | Err(Unreadable) => None,
            Ok(false) => self.locate(self.root, bytes).ok().flatten(),
        }
    }

    /// Whether the contract has every field of a message. All of it is read, so that a message which is cut short is
    /// always called that.
    fn is_known(&self, message: usize, bytes: &[u8], depth: usize) -> Result<bool, Unreadable> {
        if depth > DEPTH_MAX {
            return Err(Unreadable);
        }
        let message = self.messages.get(message).ok_or(Unreadable)?;
        let mut bytes = Bytes::new(bytes);
        let mut is_known = true;
        while let Some((number, payload)) = bytes.next_field(depth)? {
            match (message.field(number), payload) {
                (None, _) => is_known = false,
                (Some(Field { message: Some(inner), .. }), Payload::Sized(body)) => {
                    is_known &= self.is_known(*inner, body, depth.saturating_add(1))?;
                }
                // A field of another wire type than the contract's is the decoder's to refuse.
                (Some(_), _) => {}
            }
        }
        Ok(is_known)
    }

    /// The first unknown field of a message that was read once.
    fn locate(&self, message: usize, bytes: &[u8]) -> Result<Option<UnknownField>, Unreadable> {
        let message = self.messages.get(message).ok_or(Unreadable)?;
        let mut bytes = Bytes::new(bytes);
        let mut counts = HashMap::<u32, usize>::new();
        while let Some((number, payload)) = bytes.next_field(0)? {
            let Some(field) = message.field(number) else {
                return Ok(Some(UnknownField { path: number.to_string(), number }));
            };
            let count = counts.entry(number).or_default();
            let index = *count;
            *count = index.saturating_add(1);
            if let (Some(inner), Payload::Sized(body)) = (field.message, payload)
                && let Some(UnknownField { path, number }) = self.locate(inner, body)?
            {
                let name = if field.is_repeated { format!("{}[{index}]", field.name) } else { field.name.clone() };
                return Ok(Some(UnknownField { path: format!("{name}.{path}"), number }));
            }
        }
        Ok(None)
    }
}
