//! The steps of an order, with the lots that they name.

use loopledger_facts::sales::{
    CancellationRequested, OrderLineCancelled, OrderLineStands, OrderPlaced, PaymentReceived, PrepaymentReturned,
};
use loopledger_facts::stock::{GoodsIssued, ReservationReleased, StockRefused, StockReserved};

use super::{At, Fold};
use crate::orders::{self, OrderStep};
use crate::tables::Tables;

/// `Fact: Step, lines that it names`.
macro_rules! steps {
    ($($fact:ident: $step:ident $(, $lines:ident)?;)*) => {
        $(impl Fold for $fact {
            fn fold(&self, at: At, tables: &mut Tables) {
                let head = at.on(self.occasion.business_date);
                orders::note(self.order, OrderStep::$step, &head, steps!(@lines self $($lines)?), tables);
            }
        })*
    };
    (@lines $self:ident) => { &[] };
    (@lines $self:ident $lines:ident) => { &$self.$lines };
}

steps! {
    OrderPlaced: Placed;
    StockReserved: Reserved, picks;
    StockRefused: Refused;
    OrderLineCancelled: LineCancelled;
    CancellationRequested: CancelRequested;
    OrderLineStands: LineStands;
    ReservationReleased: Released, picks;
    GoodsIssued: Issued, issued;
    PaymentReceived: Paid;
    PrepaymentReturned: PrepaymentReturned;
}
