//! The one list of every fact: who posts it, who folds it, who hears it. Whatever handles facts is made from it.
//!
//! [`facts!`] hands the list to a macro of the caller's, which expands each line into a call of a trait (`Post`, `Fold`,
//! `Hears` …): a fact that is listed and not implemented does not compile. What is listed as `_` is not done, on purpose.

use loopledger_types::Service;

use crate::{AnswerRepeated, Occasion, TailLost, UpstreamIgnored};

/// Calls `$callback!` with the list. Each line is a fact of the service above it, in the order of its contract:
///
/// * `[posts folds files]`: whether the ledger posts it, folds it into its tables, and keeps it under the head of a paper
///   (a receipt, an order, a shipment …).
/// * `[procurement station distribution sales]`: what each reader does. `apply`: keeps something of it. `answer`: always
///   answers it. `asked`: answers it if it asks that reader ([`Asks`](crate::Asks)). `both`: `apply` and `asked`.
///
/// Every service says [`UpstreamIgnored`], [`AnswerRepeated`] and [`TailLost`] besides, last in its contract.
#[macro_export]
macro_rules! facts {
    ($callback:ident $($argument:tt)*) => {
        $callback! { $($argument)*
            procurement Procurement "loopledger.procurement.event.v1" {
                HouseholdRegistered      [_    fold _   ] [_      apply  apply  apply ];
                HouseholdCategoryChanged [_    fold _   ] [_      _      _      _     ];
                MemberJoined             [_    fold _   ] [_      apply  _      _     ];
                MemberLeft               [_    fold _   ] [_      apply  _      _     ];
                HouseholdRelocated       [_    fold _   ] [_      apply  apply  _     ];
                PartyRegistered          [_    fold _   ] [_      apply  apply  apply ];
                ProductRegistered        [_    fold _   ] [_      apply  apply  apply ];
                LinkageContracted        [_    _    _   ] [_      apply  _      _     ];
                PurchaseAccepted         [post fold _   ] [_      answer _      _     ];
                PurchaseDeclined         [_    _    _   ] [_      answer _      _     ];
                PayableOpened            [post fold _   ] [_      _      _      _     ];
                PayoutMade               [post fold file] [_      _      _      _     ];
                PayoutFailed             [post fold file] [_      _      _      _     ];
            }
            station Station "loopledger.station.event.v1" {
                StationOpened            [_    fold _   ] [apply  _      apply  apply ];
                GoodsCollected           [post fold file] [both   _      apply  apply ];
                GoodsReleased            [post _    file] [_      _      _      _     ];
                GoodsReturned            [post _    file] [_      _      _      _     ];
                GoodsHandedOver          [post _    file] [_      _      answer _     ];
                GoodsTakenBack           [post _    file] [_      _      _      _     ];
                StockTakenIn             [_    _    _   ] [_      _      _      _     ];
                GoodsInspected           [_    fold _   ] [_      _      _      _     ];
                GoodsBoughtIn            [post fold _   ] [answer _      apply  _     ];
                StockReserved            [post fold file] [_      _      _      _     ];
                StockRefused             [_    fold _   ] [_      _      _      answer];
                ReservationReleased      [post fold file] [_      _      _      answer];
                CancelRefused            [_    _    _   ] [_      _      _      answer];
                GoodsIssued              [post fold file] [_      _      _      answer];
            }
            distribution Distribution "loopledger.distribution.event.v1" {
                SiteOpened               [_    fold _   ] [_      apply  _      apply ];
                ShipmentDispatched       [post fold file] [asked  _      _      _     ];
                HandOverRefused          [_    _    _   ] [_      answer _      _     ];
                ShipmentReceived         [post fold file] [_      asked  _      _     ];
                GoodsBoughtIn            [post fold _   ] [answer apply  _      _     ];
                StockReserved            [post fold file] [_      _      _      _     ];
                StockRefused             [_    fold _   ] [_      _      _      answer];
                ReservationReleased      [post fold file] [_      _      _      answer];
                CancelRefused            [_    _    _   ] [_      _      _      answer];
                GoodsIssued              [post fold file] [_      _      _      answer];
            }
            sales Sales "loopledger.sales.event.v1" {
                ChannelOpened            [_    _    _   ] [_      _      _      _     ];
                OrderPlaced              [_    fold _   ] [_      asked  asked  _     ];
                OrderLineCancelled       [_    fold _   ] [_      _      _      _     ];
                CancellationRequested    [_    fold _   ] [_      asked  asked  _     ];
                OrderLineStands          [_    fold _   ] [_      _      _      _     ];
                OrderFulfilled           [post fold _   ] [_      _      _      _     ];
                PaymentReceived          [post fold _   ] [_      _      _      _     ];
                PrepaymentReturned       [post fold _   ] [_      _      _      _     ];
                ConsignmentSettled       [post fold file] [answer _      _      _     ];
            }
        }
    };
}

/// Whether a fact needs the answer of a reader that answers only some of its kind.
pub trait Asks {
    fn asks(&self, reader: Service) -> bool;
}

/// Whether a reader answers, by what the list says of it.
macro_rules! is_asked {
    (_ $fact:ident $reader:ident) => {{
        let _ = $fact;
        false
    }};
    (apply $fact:ident $reader:ident) => {{
        let _ = $fact;
        false
    }};
    (answer $fact:ident $reader:ident) => {{
        let _ = $fact;
        true
    }};
    (asked $fact:ident $reader:ident) => {
        Asks::asks($fact, Service::$reader)
    };
    (both $fact:ident $reader:ident) => {
        Asks::asks($fact, Service::$reader)
    };
}

macro_rules! events {
    ($(
        $service:ident $variant:ident $package:literal {
            $($fact:ident [$post:tt $fold:tt $file:tt] [$procurement:tt $station:tt $distribution:tt $sales:tt];)*
        }
    )*) => {
        $(pub(crate) mod $service {
            use super::{AnswerRepeated, TailLost, UpstreamIgnored};
            use crate::$service::*;

            /// What the service has decided.
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub enum Event {
                $($fact($fact),)*
                UpstreamIgnored(UpstreamIgnored),
                AnswerRepeated(AnswerRepeated),
                TailLost(TailLost),
            }
        })*

        /// Everything that can have happened.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Event {
            $($variant($service::Event),)*
        }

        $(
            impl From<$service::Event> for Event {
                fn from(event: $service::Event) -> Self {
                    Self::$variant(event)
                }
            }

            impl From<UpstreamIgnored> for $service::Event {
                fn from(fact: UpstreamIgnored) -> Self {
                    Self::UpstreamIgnored(fact)
                }
            }

            $(impl From<crate::$service::$fact> for $service::Event {
                fn from(fact: crate::$service::$fact) -> Self {
                    Self::$fact(fact)
                }
            })*
        )*

        impl Event {
            /// When and where the fact happened; `None` for what is no fact of business: an answer that is repeated was
            /// dated when it was given.
            pub const fn occasion(&self) -> Option<&Occasion> {
                match self {
                    $(
                        $(Self::$variant($service::Event::$fact(fact)) => Some(&fact.occasion),)*
                        Self::$variant($service::Event::UpstreamIgnored(fact)) => Some(&fact.occasion),
                        Self::$variant($service::Event::AnswerRepeated(_) | $service::Event::TailLost(_)) => None,
                    )*
                }
            }

            /// Whether procurement answers it.
            fn asks_procurement(&self) -> bool {
                match self {
                    $($(Self::$variant($service::Event::$fact(fact)) => is_asked!($procurement fact Procurement),)*)*
                    $(Self::$variant(
                        $service::Event::UpstreamIgnored(_)
                        | $service::Event::AnswerRepeated(_)
                        | $service::Event::TailLost(_),
                    ) => false,)*
                }
            }

            /// Whether station answers it.
            fn asks_station(&self) -> bool {
                match self {
                    $($(Self::$variant($service::Event::$fact(fact)) => is_asked!($station fact Station),)*)*
                    $(Self::$variant(
                        $service::Event::UpstreamIgnored(_)
                        | $service::Event::AnswerRepeated(_)
                        | $service::Event::TailLost(_),
                    ) => false,)*
                }
            }

            /// Whether distribution answers it.
            fn asks_distribution(&self) -> bool {
                match self {
                    $($(Self::$variant($service::Event::$fact(fact)) => is_asked!($distribution fact Distribution),)*)*
                    $(Self::$variant(
                        $service::Event::UpstreamIgnored(_)
                        | $service::Event::AnswerRepeated(_)
                        | $service::Event::TailLost(_),
                    ) => false,)*
                }
            }

            /// Whether sales answers it.
            fn asks_sales(&self) -> bool {
                match self {
                    $($(Self::$variant($service::Event::$fact(fact)) => is_asked!($sales fact Sales),)*)*
                    $(Self::$variant(
                        $service::Event::UpstreamIgnored(_)
                        | $service::Event::AnswerRepeated(_)
                        | $service::Event::TailLost(_),
                    ) => false,)*
                }
            }
        }
    };
}

facts!(events);

impl Event {
    /// Whether `reader` must answer it. A function of the event alone; an answer that is repeated asks what it asked.
    pub fn asks(&self, reader: Service) -> bool {
        let asks = match reader {
            Service::Procurement => Self::asks_procurement,
            Service::Station => Self::asks_station,
            Service::Distribution => Self::asks_distribution,
            Service::Sales => Self::asks_sales,
            Service::Ledger => return false,
        };
        self.heard().iter().any(asks)
    }
}
