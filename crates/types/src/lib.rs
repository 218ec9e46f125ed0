//! Types that every crate of `LoopLedger` shares: ids, money, quantities, dates, divisions,
//! streams and positions, and the two ways of dividing a whole exactly.
//!
//! Pure: no clock, no randomness, no I/O, and no hash-map order that could leak into a result.
//! Not here: anything that only one service needs.

mod apportion;
mod causes;
mod date;
mod division;
pub mod divisions;
mod exact;
pub mod hex;
mod id;
mod money;
mod partition;
mod position;
mod quantity;
mod rounding;
mod table;
mod text;

pub use apportion::{largest_remainder, shares};
pub use causes::WithCauses;
pub use date::{BusinessDate, DateError, Month, Timestamp};
pub use division::{CountyCode, DivisionCode, DivisionError, Scope};
pub use exact::Exact;
pub use id::{
    ChannelId, ContractId, EntityKind, IdError, IssueId, LotId, MemberId, NumberId, OrderId, PartyId, PayableId,
    PaymentId, PayoutId, PlaceId, ProductId, ReceiptId, RequestId, SettlementId, ShipmentId, parse_uuid, write_uuid,
};
pub use money::{Money, UnitPrice};
pub use partition::{Key, Partition, Topic, murmur2, partition_of};
pub use position::{Cause, Hash, Head, Position, Service, StreamError, StreamId, StreamSequence};
pub use quantity::{BaseUnit, Quantity, Unit};
pub use rounding::mul_div_half_up;
pub use table::{IdHasher, Table};
pub use text::{TextFault, code_fault, comparison_key, is_visible, text_fault};
