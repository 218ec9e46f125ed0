//! Lines of the demo, looked into by reflection: every command has a request id and positions that it rests on.

use std::sync::LazyLock;

use loopledger_proto::FILE_DESCRIPTOR_SET;
use loopledger_proto::client::v1::RecordLine;
use loopledger_proto::client::v1::record_line::Line;
use loopledger_proto::common::v1::{Position, Relation};
use loopledger_proto::procurement::v1::RegisterHouseholdRequest;
use loopledger_proto::procurement::v1::record_request::Command;
use loopledger_scenario::play;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, Value};

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("the committed descriptors are whole"));

fn descriptor(name: &str) -> MessageDescriptor {
    POOL.get_message_by_name(name).expect("the descriptors have it")
}

fn reflect(line: &RecordLine) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor("loopledger.client.v1.RecordLine"));
    message.transcode_from(line).expect("a line");
    message
}

/// The only message in `message`, changed in place.
fn inner<T>(message: &mut DynamicMessage, change: impl FnOnce(&mut DynamicMessage) -> T) -> T {
    let (_, value) = message.fields_mut().next().expect("a line says something");
    change(value.as_message_mut().expect("a message"))
}

pub(crate) fn request_id(line: &RecordLine) -> String {
    let id = |command: &mut DynamicMessage| {
        let id = command.get_field_by_name("request_id").expect("every command has one");
        id.as_str().expect("text").to_owned()
    };
    inner(&mut reflect(line), |service| inner(service, id))
}

/// The line with the heads of the last barrier.
pub(crate) fn resting_on(line: &RecordLine, heads: &[Position]) -> RecordLine {
    let position = |head: &Position| {
        let mut message = DynamicMessage::new(descriptor("loopledger.common.v1.Position"));
        message.transcode_from(head).expect("a position");
        Value::Message(message)
    };
    let after = Value::List(heads.iter().map(position).collect());
    let mut message = reflect(line);
    inner(&mut message, |service| inner(service, |command| command.set_field_by_name("after", after)));
    message.transcode_to().expect("a line")
}

/// As `record` reads it.
pub(crate) fn to_json(line: &RecordLine) -> String {
    serde_json::to_string(&reflect(line)).expect("JSON")
}

/// Registrations of households that no other line names; nothing in the ledger depends on them.
pub(crate) fn registration(request_id: String, is_lawful: bool) -> RecordLine {
    static SOME: LazyLock<RegisterHouseholdRequest> = LazyLock::new(|| {
        let found = play(1, 1, 1).find_map(|line| match line.line {
            Some(Line::Procurement(request)) => match request.command {
                Some(Command::RegisterHousehold(command)) => Some(command),
                _ => None,
            },
            _ => None,
        });
        found.expect("the demo registers households")
    });
    let mut command = RegisterHouseholdRequest { request_id, ..SOME.clone() };
    if !is_lawful {
        // It has no head.
        command.members = vec![Relation::Child.into()];
    }
    let request =
        loopledger_proto::procurement::v1::RecordRequest { command: Some(Command::RegisterHousehold(command)) };
    RecordLine { line: Some(Line::Procurement(request)) }
}
