//! Facts that post money alone.

use loopledger_domain::procurement::{
    Event as P, PayableOpened, PayableSource, PayoutFailed, PayoutItem, PayoutMade, PurchaseAccepted,
};
use loopledger_domain::sales::{
    ConsignmentSettled, Event as S, FulfilledPart, OrderFulfilled, PaymentReceived, PrepaymentReturned, SettledLine,
};
use loopledger_domain::*;
use loopledger_types::*;

use super::{
    Sample, consigned, consumer, coop, household, id, occasion, owned, party, place, price, registered, stock, village,
};

const AMOUNT: i64 = 6_440;

pub(super) fn samples() -> Vec<Sample> {
    [purchases(), payouts(), sales(), settlements()].concat()
}

fn purchases() -> Vec<Sample> {
    let amount = [(AMOUNT, "amount")];
    let opened = |payee, source| {
        Event::Procurement(P::PayableOpened(PayableOpened {
            occasion: occasion(),
            payable: PayableId(id("payable")),
            payer: coop("payer"),
            payee,
            payee_division: village(),
            amount: Money(AMOUNT),
            source,
            number: "L1".into(),
        }))
    };
    let purchase = opened(household("payee"), PayableSource::Purchase { receipt: ReceiptId(id("receipt")) });
    let bought_in = opened(party("payee", PartyKind::Supplier), PayableSource::BoughtIn { lot: LotId(id("lot")) });
    vec![
        Sample::new("from a household", accepted(household("producer")), &amount),
        Sample::new("from a co-op", accepted(coop("producer")), &amount),
        Sample::new("goods bought in", bought_in, &amount),
        Sample::new("purchase, settlement or freight", purchase, &amount),
    ]
}

fn accepted(producer: PartyRef) -> Event {
    Event::Procurement(P::PurchaseAccepted(PurchaseAccepted {
        occasion: occasion(),
        receipt: ReceiptId(id("receipt")),
        lot: LotId(id("lot")),
        station: place("station"),
        buyer: coop("buyer"),
        producer,
        product: ProductId(id("product")),
        contract: None,
        quantity: Quantity(700),
        price: price(),
        amount: Money(AMOUNT),
        payable: PayableId(id("payable")),
        receipt_number: "R1".into(),
    }))
}

fn payouts() -> Vec<Sample> {
    let measures = [(4_440, "items.amount"), (2_000, "items.amount"), (AMOUNT, "amount")];
    let purchase = PayableSource::Purchase { receipt: ReceiptId(id("receipt")) };
    let freight = PayableSource::Freight { shipment: ShipmentId(id("shipment")) };
    let bought_in = PayableSource::BoughtIn { lot: LotId(id("lot")) };
    let cases = [
        ("purchase or settlement", paid(household("payee"), purchase)),
        ("freight", paid(party("payee", PartyKind::Carrier), freight)),
        ("goods bought in", paid(party("payee", PartyKind::Supplier), bought_in)),
    ];
    let both = |(case, original): (&'static str, PayoutMade)| {
        let failed = PayoutFailed { occasion: occasion(), reason: "退票".into(), original: original.clone() };
        let events = [P::PayoutMade(original), P::PayoutFailed(failed)];
        events.map(|event| Sample::new(case, Event::Procurement(event), &measures))
    };
    cases.into_iter().flat_map(both).collect()
}

fn paid(payee: PartyRef, source: PayableSource) -> PayoutMade {
    let item = |amount| PayoutItem { payable: PayableId(id("payable")), source, amount: Money(amount) };
    PayoutMade {
        occasion: occasion(),
        payout: PayoutId(id("payout")),
        payer: coop("payer"),
        payee,
        payee_division: village(),
        amount: Money(AMOUNT),
        items: vec![item(4_440), item(2_000)],
        method: PaymentMethod::BankTransfer,
        proof_hash: None,
        received_by: None,
    }
}

fn sales() -> Vec<Sample> {
    let (order, seller, method) = (OrderId(id("order")), coop("seller"), PaymentMethod::Mobile);
    let (occasion, payment, buyer) = (occasion(), PaymentId(id("payment")), registered());
    let (applied, prepaid) = (Money(4_000), Money(900));
    let received = PaymentReceived { occasion, payment, order, seller, buyer, applied, prepaid, method };
    let amount = Money(AMOUNT);
    let returned = PrepaymentReturned { occasion, payment, order, seller, buyer, amount, method };
    let received_of = [(4_900, "applied + prepaid"), (4_000, "applied"), (900, "prepaid")];
    let fulfilled_of =
        [(AMOUNT, "amount"), (4_440, "parts.amount"), (2_000, "parts.amount"), (1_500, "from_prepayment")];
    vec![
        Sample::new("own goods, registered buyer", fulfilled(owned("seller"), registered()), &fulfilled_of),
        Sample::new("consigned goods, consumer", fulfilled(consigned(), consumer()), &fulfilled_of),
        Sample::new("", Event::Sales(S::PaymentReceived(received)), &received_of),
        Sample::new("", Event::Sales(S::PrepaymentReturned(returned)), &[(AMOUNT, "amount")]),
    ]
}

fn fulfilled(title: Title, buyer: BuyerRef) -> Event {
    let part = |quantity, fen| FulfilledPart { stock: stock(title, quantity), amount: Money(fen), shared: false };
    Event::Sales(S::OrderFulfilled(OrderFulfilled {
        occasion: occasion(),
        order: OrderId(id("order")),
        line: 0,
        issue: IssueId(id("issue")),
        channel: ChannelId(id("channel")),
        medium: Medium::Online,
        place: place("place"),
        seller: coop("seller"),
        buyer,
        product: ProductId(id("product")),
        quantity: Quantity(700),
        price: price(),
        amount: Money(AMOUNT),
        from_prepayment: Money(1_500),
        parts: vec![part(480, 4_440), part(220, 2_000)],
    }))
}

fn settlements() -> Vec<Sample> {
    let charges = [(ChargeKind::Freight, 300), (ChargeKind::Platform, 200), (ChargeKind::Processing, 100)];
    let charge = |(kind, fen)| Charge { kind, amount: Money(fen) };
    let all: Vec<Charge> = charges.into_iter().map(charge).collect();
    let freight = all[..1].to_vec();
    let commission = [
        (100_000, "gross"),
        (94_400, "net"),
        (5_000, "commission"),
        (300, "charges.freight"),
        (200, "charges.platform"),
        (100, "charges.processing"),
    ];
    let more = [
        (100_000, "gross"),
        (79_700, "net"),
        (20_000, "commission"),
        (300, "charges.freight"),
        (80_000, "net + charges"),
    ];
    let less = [(50_000, "gross"), (80_000, "net"), (30_000, "commission")];
    let (rate, agreed) = (SettlementMode::Commission, SettlementMode::AgreedPrice);
    let producer = household("producer");
    vec![
        Sample::new(
            "commission, household",
            settled(producer, rate, [100_000, 5_000, 94_400], all.clone()),
            &commission,
        ),
        Sample::new("commission, co-op", settled(coop("producer"), rate, [100_000, 5_000, 94_400], all), &commission),
        Sample::new(
            "agreed price, sold for more",
            settled(producer, agreed, [100_000, 20_000, 79_700], freight),
            &more,
        ),
        Sample::new("agreed price, sold for less", settled(producer, agreed, [50_000, -30_000, 80_000], vec![]), &less),
    ]
}

fn settled(
    producer: PartyRef,
    mode: SettlementMode,
    [gross, commission, net]: [i64; 3],
    charges: Vec<Charge>,
) -> Event {
    let line = SettledLine {
        lot: LotId(id("lot")),
        pool: 0,
        receipt: ReceiptId(id("receipt")),
        producer,
        producer_division: village(),
        product: ProductId(id("product")),
        mode,
        quantity: Quantity(700),
        source_quantity: Quantity(700),
        gross: Money(gross),
        commission: Money(commission),
        charges,
        net: Money(net),
    };
    Event::Sales(S::ConsignmentSettled(ConsignmentSettled {
        occasion: occasion(),
        settlement: SettlementId(id("settlement")),
        consignee: coop("consignee"),
        lines: vec![line],
    }))
}
