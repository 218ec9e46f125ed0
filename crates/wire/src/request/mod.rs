//! Requests as commands. Every field that is wrong in form is named in one [`Rejection::Invalid`], with its path in
//! the request; an invalid message never becomes half a command.

mod check;
mod distribution;
mod path;
mod procurement;
mod sales;
mod station;
mod stock;
#[cfg(test)]
mod tests;
mod texts;

use core::fmt;

use loopledger_domain::Rejection;
use loopledger_proto::common::v1 as pb;
use loopledger_types::{CountyCode, EntityKind, Position, RequestId, StreamId};
use sha2::{Digest as _, Sha256};

pub(crate) use check::Check;
pub use check::{CHARGES_MAX, GRADE_MAX, LABEL_MAX, LINES_MAX, MEMBERS_MAX, NUMBER_MAX, POSITIONS_MAX};
pub(crate) use path::{FieldPath, at};

use crate::{OfCounty, position_to_pb};

/// A command of a caller, with what the writer needs besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write<C> {
    pub request_id: RequestId,
    /// Whose books these are; `None`: those of the only county that the server hosts.
    pub county: Option<CountyCode>,
    /// SHA-256(full name of the request message, 0x00, its bytes without `request_id`, `after` and `county_code`): what
    /// makes a repeat a repeat. The deadline travels in `grpc-timeout`, outside the message.
    pub digest: [u8; 32],
    /// Positions of other streams that must be folded before this is decided.
    pub after: Vec<Position>,
    /// What the command creates if it is accepted, for the answer.
    pub created: Created,
    pub command: C,
}

/// The kinds of things that a command creates, one of each (ids of index 0), and a number of members besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Created {
    pub kinds: &'static [EntityKind],
    pub members: u32,
}

/// Where a write stands; all that its answer is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    pub position: Position,
    pub request_id: RequestId,
    /// It had been recorded before.
    pub repeated: bool,
}

impl Receipt {
    /// The `index`-th id of its kind that the request created.
    fn id<T: fmt::Display>(&self, derive: fn(RequestId, StreamId, u32) -> T, index: u32) -> String {
        derive(self.request_id, self.position.stream, index).to_string()
    }

    /// The receipt as a message, with what was created; pass `Created::default()` if that is not known.
    pub fn to_pb(&self, created: Created) -> pb::Receipt {
        let singles = created.kinds.iter().map(|kind| (*kind, 0));
        let members = (0..created.members).map(|index| (EntityKind::Member, index));
        pb::Receipt {
            position: Some(position_to_pb(self.position)),
            request_id: self.request_id.to_string(),
            created: singles
                .chain(members)
                .map(|(kind, index)| pb::EntityRef { kind: kind.as_str().to_owned(), id: self.id_of(kind, index) })
                .collect(),
            already_recorded: self.repeated,
        }
    }

    fn id_of(&self, kind: EntityKind, index: u32) -> String {
        use loopledger_types as t;
        match kind {
            EntityKind::Party => self.id(t::PartyId::derive, index),
            EntityKind::Member => self.id(t::MemberId::derive, index),
            EntityKind::Product => self.id(t::ProductId::derive, index),
            EntityKind::Contract => self.id(t::ContractId::derive, index),
            EntityKind::Place => self.id(t::PlaceId::derive, index),
            EntityKind::Receipt => self.id(t::ReceiptId::derive, index),
            EntityKind::Lot => self.id(t::LotId::derive, index),
            EntityKind::Shipment => self.id(t::ShipmentId::derive, index),
            EntityKind::Channel => self.id(t::ChannelId::derive, index),
            EntityKind::Order => self.id(t::OrderId::derive, index),
            EntityKind::Issue => self.id(t::IssueId::derive, index),
            EntityKind::Payment => self.id(t::PaymentId::derive, index),
            EntityKind::Settlement => self.id(t::SettlementId::derive, index),
            EntityKind::Payable => self.id(t::PayableId::derive, index),
            EntityKind::Payout => self.id(t::PayoutId::derive, index),
        }
    }
}

/// A write request of one RPC.
pub trait Request: OfCounty + prost::Message + Default + Sized + 'static {
    type Command;
    type Response: prost::Message + Default;

    /// Checks the form of every field.
    fn into_write(self) -> Result<Write<Self::Command>, Rejection>;

    /// The answer to a command that was recorded.
    fn answer(receipt: &Receipt, created: Created) -> Self::Response;
}

/// A request of a service's bulk stream: any of its commands.
pub trait BulkRequest: prost::Message + Default + Sized + 'static {
    type Command;
    type Response: prost::Message + Default;

    /// As it was sent, to be repeated in the answer; empty if there is no command.
    fn request_id(&self) -> &str;

    /// The county that the command names, as it was sent; empty if it names none.
    fn county_code(&self) -> &str;

    /// The same to be set; `None` if there is no command.
    fn county_code_mut(&mut self) -> Option<&mut String>;

    /// The positions that the command rests on; `None` if there is no command.
    fn after(&mut self) -> Option<&mut Vec<pb::Position>>;

    /// Checks the form of every field; paths are those within the command's own message.
    fn into_write(self) -> Result<Write<Self::Command>, Rejection>;

    /// The answer at this place in the stream.
    fn answer(request_id: String, outcome: Result<pb::Receipt, tonic_types::Status>) -> Self::Response;
}

/// A service's requests: what each is called, who reads it, and what its answer holds.
macro_rules! requests {
    (
        $package:literal $pb:ident $command:ty, |$receipt:ident, $created:ident|
        $($variant:ident: $request:ident => $read:ident, $response:ident { $($field:ident: $value:expr),* $(,)? };)*
    ) => {
        $(
        impl $crate::request::Request for $pb::$request {
            type Command = $command;
            type Response = $pb::$response;

            fn into_write(self) -> Result<$crate::request::Write<$command>, Rejection> {
                let mut request = self;
                let mut check = $crate::request::Check::default();
                let request_id = check.request_id($crate::request::at("request_id"), &request.request_id);
                let after = check.positions($crate::request::at("after"), &request.after);
                let county = check.optional_county($crate::request::at("county_code"), &request.county_code);
                let command = $read(&request, &mut check);
                let whole = request_id.zip(after).zip(county).zip(command);
                let ((((request_id, after), county), command), created) = check.finish(whole)?;
                request.request_id = String::new();
                request.after = Vec::new();
                request.county_code = String::new();
                let digest = $crate::request::digest(concat!($package, ".", stringify!($request)), &request);
                Ok($crate::request::Write { request_id, county, digest, after, created, command })
            }

            fn answer($receipt: &$crate::request::Receipt, $created: $crate::request::Created) -> $pb::$response {
                // Not every answer needs more than its position.
                let _ = &$created;
                $pb::$response {
                    position: Some($crate::position_to_pb($receipt.position)),
                    $($field: $value,)*
                }
            }
        }

        impl TryFrom<$pb::$request> for $crate::request::Write<$command> {
            type Error = Rejection;

            fn try_from(request: $pb::$request) -> Result<Self, Rejection> {
                $crate::request::Request::into_write(request)
            }
        }
        )*

        impl $crate::request::BulkRequest for $pb::RecordRequest {
            type Command = $command;
            type Response = $pb::RecordResponse;

            fn request_id(&self) -> &str {
                match &self.command {
                    None => "",
                    $(Some($pb::record_request::Command::$variant(request)) => &request.request_id,)*
                }
            }

            fn county_code(&self) -> &str {
                match &self.command {
                    None => "",
                    $(Some($pb::record_request::Command::$variant(request)) => &request.county_code,)*
                }
            }

            fn county_code_mut(&mut self) -> Option<&mut String> {
                match &mut self.command {
                    None => None,
                    $(Some($pb::record_request::Command::$variant(request)) => Some(&mut request.county_code),)*
                }
            }

            fn after(&mut self) -> Option<&mut Vec<loopledger_proto::common::v1::Position>> {
                match &mut self.command {
                    None => None,
                    $(Some($pb::record_request::Command::$variant(request)) => Some(&mut request.after),)*
                }
            }

            fn into_write(self) -> Result<$crate::request::Write<$command>, Rejection> {
                match self.command {
                    None => Err(Rejection::invalid("command", loopledger_domain::FieldFault::Required, "A command is required.")),
                    $(Some($pb::record_request::Command::$variant(request)) => {
                        $crate::request::Request::into_write(request)
                    })*
                }
            }

            fn answer(
                request_id: String,
                outcome: Result<loopledger_proto::common::v1::Receipt, tonic_types::Status>,
            ) -> $pb::RecordResponse {
                use $pb::record_response::Outcome;
                let outcome = match outcome {
                    Ok(receipt) => Outcome::Receipt(receipt),
                    Err(status) => Outcome::Status(status),
                };
                $pb::RecordResponse { request_id, outcome: Some(outcome) }
            }
        }
    };
}

pub(crate) use requests;

/// See [`Write::digest`]; the request comes without what it leaves out.
fn digest(name: &str, request: &impl prost::Message) -> [u8; 32] {
    Sha256::new().chain_update(name).chain_update([0]).chain_update(request.encode_to_vec()).finalize().into()
}
