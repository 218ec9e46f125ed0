//! Every error of a line, field by field. The reader of ProtoJSON stops at the first; correcting a file takes
//! all of them.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value};

use super::broken::Wrong;
use super::json::message;
use super::tree::join;

/// Values that a message about an enumeration names.
const VALUES_NAMED: usize = 12;

/// Everything that is wrong with a value that cannot be read as a message, or has keys twice.
pub(super) fn of(descriptor: &MessageDescriptor, value: &Value, twice: Vec<String>) -> Vec<Wrong> {
    let twice = twice.into_iter().map(|field| wrong(field, "字段重复", "The field occurs twice"));
    let mut found = Found(twice.collect());
    found.message(descriptor, value, "");
    if found.0.is_empty() {
        // Not reached as long as the checks below know all that the reader refuses.
        let why = message(descriptor, value).err().map_or_else(String::new, |error| error.to_string());
        found.0.push(Wrong::of_line(format!("无法读取:{why}"), format!("The line cannot be read: {why}")));
    }
    found.0
}

fn wrong(field: impl Into<String>, chinese: impl Into<String>, english: impl Into<String>) -> Wrong {
    Wrong { field: field.into(), chinese: chinese.into(), english: english.into() }
}

struct Found(Vec<Wrong>);

impl Found {
    fn message(&mut self, descriptor: &MessageDescriptor, value: &Value, path: &str) {
        let Value::Object(object) = value else {
            self.0.push(wrong(path, "应为对象 {…}", "An object {...} is expected"));
            return;
        };
        let mut given = BTreeSet::new();
        let mut chosen: BTreeMap<String, &str> = BTreeMap::new();
        for (key, value) in object {
            let path = join(path, key);
            let Some(field) = descriptor.get_field_by_json_name(key).or_else(|| descriptor.get_field_by_name(key))
            else {
                self.0.push(wrong(path, "没有这个字段", "There is no such field"));
                continue;
            };
            if value.is_null() {
                continue;
            }
            if !given.insert(field.number()) {
                // Another spelling of a field that was named already.
                continue;
            }
            let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
            if let Some(other) = oneof.and_then(|oneof| chosen.insert(oneof.name().to_owned(), key)) {
                let english = format!("Only one of {other} and {key} can be given");
                self.0.push(wrong(path, format!("{other} 与 {key} 只能有一个"), english));
                continue;
            }
            self.field(descriptor, &field, key, value, &path);
        }
    }

    fn field(&mut self, parent: &MessageDescriptor, field: &FieldDescriptor, key: &str, value: &Value, path: &str) {
        if !field.is_list() {
            return self.one(parent, field, key, value, value, path);
        }
        let Value::Array(items) = value else {
            self.0.push(wrong(path, "应为列表 […]", "A list [...] is expected"));
            return;
        };
        for (index, item) in items.iter().enumerate() {
            self.one(parent, field, key, item, &Value::Array(vec![item.clone()]), &format!("{path}[{index}]"));
        }
    }

    /// One value: of a field, or of an item of its list. `whole` is what the field would hold with it alone.
    fn one(
        &mut self,
        parent: &MessageDescriptor,
        field: &FieldDescriptor,
        key: &str,
        value: &Value,
        whole: &Value,
        path: &str,
    ) {
        let kind = field.kind();
        // What Google's own messages look like in JSON is the reader's to know.
        if let Some(inner) = kind.as_message().filter(|inner| !inner.full_name().starts_with("google.protobuf.")) {
            return self.message(inner, value, path);
        }
        let alone = Map::from_iter([(key.to_owned(), whole.clone())]);
        if message(parent, &Value::Object(alone)).is_err() {
            let (chinese, english) = expected(&kind);
            self.0.push(wrong(path, chinese, english));
        }
    }
}

/// What a field of a kind holds.
fn expected(kind: &Kind) -> (String, String) {
    let (chinese, english) = match kind {
        Kind::Double | Kind::Float => ("应为数", "A number is expected"),
        Kind::Int32 | Kind::Int64 | Kind::Sint32 | Kind::Sint64 | Kind::Sfixed32 | Kind::Sfixed64 => {
            ("应为整数", "An integer is expected")
        }
        Kind::Uint32 | Kind::Uint64 | Kind::Fixed32 | Kind::Fixed64 => {
            ("应为不小于零的整数", "An integer of zero or more is expected")
        }
        Kind::Bool => ("应为 true 或 false", "true or false is expected"),
        Kind::String => ("应为文字(加引号)", "A text in quotes is expected"),
        Kind::Bytes => ("应为 Base64 文字", "A text in Base64 is expected"),
        Kind::Message(_) => ("应为时间,如 2020-04-06T02:00:00Z", "An instant such as 2020-04-06T02:00:00Z is expected"),
        Kind::Enum(values) => {
            let names: Vec<String> = values.values().skip(1).take(VALUES_NAMED).map(|v| v.name().to_owned()).collect();
            let names = names.join(", ");
            return (format!("取值无法识别,可用:{names}"), format!("Not a known value; known are {names}"));
        }
    };
    (chinese.to_owned(), english.to_owned())
}
