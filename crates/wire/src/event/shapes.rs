//! The fields of every event, by number: the Rust side of `proto/loopledger/*/event/v1`. Numbers are for ever; a new
//! field gets the next one and must be one that may be absent.

use loopledger_facts::distribution::{
    HandOverRefused, ReceivedLine, ShipmentDispatched, ShipmentLine, ShipmentReceived, SiteOpened,
};
use loopledger_facts::procurement::{
    ContractTerms, HouseholdCategoryChanged, HouseholdRegistered, HouseholdRelocated, LinkageContracted, MemberJoined,
    MemberLeft, MemberSince, PartyRegistered, PayableOpened, PayableSource, PayoutFailed, PayoutItem, PayoutMade,
    ProductRegistered, PurchaseAccepted, PurchaseDeclined,
};
use loopledger_facts::sales::{
    CancellationRequested, ChannelOpened, ConsignmentSettled, FulfilledPart, OrderFulfilled, OrderLine,
    OrderLineCancelled, OrderLineStands, OrderPlaced, PaymentReceived, PrepaymentReturned, SettledLine,
};
use loopledger_facts::station::{
    GoodsCollected, GoodsHandedOver, GoodsInspected, GoodsReleased, GoodsReturned, GoodsTakenBack, StationOpened,
    StockTakenIn,
};
use loopledger_facts::stock::{
    CancelRefused, GoodsBoughtIn, GoodsIssued, LineWeight, ReservationReleased, StockRefused, StockReserved,
};
use loopledger_facts::{
    AnswerRepeated, BuyerRef, Charge, Occasion, Origin, PartyRef, StockLine, TailLost, Terms, Title, UpstreamIgnored,
};

use crate::codec::{Fault, Field, Message, Reader, message_value, messages, oneofs};

// Shared words.
messages! { SHARED:
    Occasion { 1 business_date, 2 occurred_at, 3 device_utc_offset_min, 4 division }
    PartyRef { 1 id, 2 kind }
    Origin { 1 receipt, 2 producer, 3 division, 4 terms, 5 quantity, 6 source_quantity }
    StockLine { 1 lot, 2 pool, 3 product, 4 title, 5 collected_on, 6 quantity }
    BuyerRef { 1 party, 2 division, 3 scope }
    Charge { 1 kind, 2 amount }
}

oneofs! { TERMS:
    Terms {
        1 Outright { 1 buyer, 2 price, 3 contract },
        2 AgreedPrice { 1 consignee, 2 price, 3 contract },
        3 Commission { 1 consignee, 2 commission_bp, 3 price_basis, 4 contract },
    }
}

/// A pool of consigned goods says how it is settled; an owned one does not.
impl Message for Title {
    fn encode(&self, out: &mut Vec<u8>) {
        let consigned = match self {
            Self::Owned { .. } => None,
            Self::Consigned { mode, .. } => Some(*mode),
        };
        self.principal().write(1, out);
        consigned.write(2, out);
    }

    fn decode(mut from: Reader<'_>) -> Result<Self, Fault> {
        let principal = Field::read(1, &mut from).map_err(|fault| fault.at("principal"))?;
        let consigned: Option<_> = Field::read(2, &mut from).map_err(|fault| fault.at("consigned"))?;
        from.end()?;
        Ok(match consigned {
            None => Self::Owned { owner: principal },
            Some(mode) => Self::Consigned { consignee: principal, mode },
        })
    }
}

message_value!(Title);

// Procurement.
messages! { PROCUREMENT:
    MemberSince { 1 member, 2 relation, 3 from }
    HouseholdRegistered { 1 occasion, 2 household, 3 division, 4 category, 5 from, 6 members }
    HouseholdCategoryChanged { 1 occasion, 2 household, 3 category, 4 from }
    MemberJoined { 1 occasion, 2 household, 3 member }
    MemberLeft { 1 occasion, 2 household, 3 member, 4 from }
    HouseholdRelocated { 1 occasion, 2 household, 3 division, 4 from }
    PartyRegistered { 1 occasion, 2 party, 3 division, 4 label }
    ProductRegistered { 1 occasion, 2 product, 3 code, 4 name, 5 class, 6 base }
    LinkageContracted {
        1 occasion, 2 contract, 3 firm, 4 station, 5 producer, 6 product, 7 terms, 8 valid_from, 9 valid_to,
        10 quantity_max,
    }
    PurchaseAccepted {
        1 occasion, 2 receipt, 3 lot, 4 station, 5 buyer, 6 producer, 7 product, 8 contract, 9 quantity, 10 price,
        11 amount, 12 payable, 13 receipt_number,
    }
    PurchaseDeclined { 1 occasion, 2 receipt, 3 lot, 4 station, 5 reason, 6 quantity_left }
    PayableOpened { 1 occasion, 2 payable, 3 payer, 4 payee, 5 payee_division, 6 amount, 7 source, 8 number }
    PayoutItem { 1 payable, 2 source, 3 amount }
    PayoutMade {
        1 occasion, 2 payout, 3 payer, 4 payee, 5 payee_division, 6 amount, 7 items, 8 method, 9 proof_hash,
        10 received_by,
    }
    PayoutFailed { 1 occasion, 2 reason, 3 original }
}

oneofs! { PROCUREMENT_CHOICES:
    ContractTerms {
        1 Outright { 1 price },
        2 AgreedPrice { 1 price },
        3 Commission { 1 commission_bp, 2 price_basis },
    }
    PayableSource {
        1 Purchase { 1 receipt },
        2 Settlement { 1 settlement, 2 lot, 3 mode },
        3 Freight { 1 shipment },
        4 BoughtIn { 1 lot },
    }
}

// Station.
messages! { STATION:
    StationOpened { 1 occasion, 2 station, 3 kind, 4 division, 5 operator, 6 label }
    GoodsCollected {
        1 occasion, 2 lot, 3 origin, 4 station, 5 custodian, 6 product, 7 member, 8 receipt_number, 9 lot_label,
        10 grade, 11 gross, 12 tare, 13 moisture, 14 impurity, 15 live_weight_grams, 16 amount,
        17 same_number_as,
    }
    GoodsReleased { 1 occasion, 2 receipt, 3 producer, 4 place, 5 custodian, 6 line }
    GoodsReturned { 1 occasion, 2 receipt, 3 producer, 4 place, 5 custodian, 6 line, 7 reason }
    LineWeight { 1 grams }
    GoodsHandedOver {
        1 occasion, 2 shipment, 3 from, 4 custodian, 5 to, 6 direction, 7 carrier, 8 principal, 9 freight, 10 lines,
        11 weights,
    }
    GoodsTakenBack { 1 occasion, 2 shipment, 3 from, 4 custodian, 5 to, 6 carrier, 7 lines }
    StockTakenIn { 1 occasion, 2 shipment, 3 place, 4 received, 5 damaged }
    GoodsInspected { 1 occasion, 2 station, 3 lot, 4 test, 5 passed, 6 finding, 7 laboratory_code, 8 report_hash }
}

// Every service alike.
messages! { REACTIONS:
    UpstreamIgnored { 1 occasion, 2 reason }
}

messages! { LOSSES:
    AnswerRepeated { 1 first, 2 answers }
    TailLost { 1 first, 2 last, 3 head }
}

// Station and distribution alike.
messages! { STOCK:
    StockReserved { 1 occasion, 2 order, 3 line, 4 place, 5 custodian, 6 seller, 7 buyer, 8 picks, 9 price }
    StockRefused { 1 occasion, 2 order, 3 line, 4 place, 5 reason, 6 requested, 7 available, 8 earliest }
    ReservationReleased { 1 occasion, 2 order, 3 line, 4 place, 5 custodian, 6 picks }
    CancelRefused { 1 occasion, 2 order, 3 line, 4 place }
    GoodsIssued {
        1 occasion, 2 issue, 3 order, 4 line, 5 place, 6 custodian, 7 seller, 8 buyer, 9 issued, 10 beyond,
        11 released,
    }
    GoodsBoughtIn {
        1 occasion, 2 place, 3 custodian, 4 line, 5 owner, 6 supplier, 7 supplier_division, 8 price, 9 amount,
        10 lot_label,
    }
}

// Distribution.
messages! { DISTRIBUTION:
    SiteOpened { 1 occasion, 2 site, 3 kind, 4 division, 5 operator, 6 label }
    ShipmentLine { 1 stock, 2 freight }
    ShipmentDispatched {
        1 occasion, 2 shipment, 3 from, 4 custodian, 5 to, 6 direction, 7 carrier, 8 carrier_division, 9 principal,
        10 freight, 11 lines, 12 handed_over,
    }
    HandOverRefused { 1 occasion, 2 shipment, 3 reason }
    ReceivedLine { 1 stock, 2 received, 3 damaged, 4 missing }
    ShipmentReceived {
        1 occasion, 2 shipment, 3 from, 4 place, 5 at_station, 6 direction, 7 carrier, 8 custodian, 9 lines,
    }
}

// Sales.
messages! { SALES:
    ChannelOpened { 1 occasion, 2 channel, 3 medium, 4 operator, 5 label }
    OrderLine { 1 product, 2 quantity, 3 price, 4 amount, 5 place, 6 holder }
    OrderPlaced { 1 occasion, 2 order, 3 number, 4 channel, 5 medium, 6 seller, 7 buyer, 8 lines, 9 same_number_as }
    OrderLineCancelled { 1 occasion, 2 order, 3 line, 4 refusal, 5 available }
    CancellationRequested { 1 occasion, 2 order, 3 line, 4 place, 5 holder }
    OrderLineStands { 1 occasion, 2 order, 3 line }
    FulfilledPart { 1 stock, 2 amount, 3 shared }
    OrderFulfilled {
        1 occasion, 2 order, 3 line, 4 issue, 5 channel, 6 medium, 7 place, 8 seller, 9 buyer, 10 product,
        11 quantity, 12 price, 13 amount, 14 from_prepayment, 15 parts,
    }
    PaymentReceived { 1 occasion, 2 payment, 3 order, 4 seller, 5 buyer, 6 applied, 7 prepaid, 8 method }
    PrepaymentReturned { 1 occasion, 2 payment, 3 order, 4 seller, 5 buyer, 6 amount, 7 method }
    SettledLine {
        1 lot, 2 pool, 3 receipt, 4 producer, 5 producer_division, 6 product, 7 mode, 8 quantity, 9 source_quantity,
        10 gross, 11 commission, 12 charges, 13 net,
    }
    ConsignmentSettled { 1 occasion, 2 settlement, 3 consignee, 4 lines }
}
