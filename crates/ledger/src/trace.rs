//! Where goods came from and where they went: a lot in full, and an order or receipt back to lots.

use loopledger_facts::{Medium, PartyKind, PartyRef, SettlementMode, Terms, Title};
use loopledger_types::{
    BusinessDate, DivisionCode, Exact as _, LotId, OrderId, PartyId, PayoutId, PlaceId, ProductId, ReceiptId, Scope,
    SettlementId,
};

use crate::heads::EventHead;
use crate::inspections::{self, Inspection};
use crate::kinds::party_kind_of;
use crate::lots::{self, CellRow, LotFact, LotRecord, TitleRow};
use crate::order::cause_first;
use crate::orders::{self, OrderStep};
use crate::origins::OriginRecord;
use crate::tables::NO_ROW;
use crate::{EntryText, FactRef, GoodsAccount, Ledger};

/// One origin of a lot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotOrigin {
    pub at: FactRef,
    /// Absent for goods from outside.
    pub receipt: Option<ReceiptId>,
    /// The producer, or the supplier outside.
    pub producer: Option<PartyRef>,
    /// The village, or where the supplier stands; by the code of the day of collection.
    pub division: DivisionCode,
    /// Absent for goods from outside.
    pub terms: Option<Terms>,
    pub quantity: i64,
    pub source_quantity: i64,
    pub label: String,
    pub receipt_number: String,
    pub grade: String,
}

/// Goods in a place and state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoodsAt {
    pub account: GoodsAccount,
    pub title: Option<Title>,
    pub custodian: Option<PartyId>,
    pub place: Option<PlaceId>,
    pub destination: Option<PlaceId>,
}

/// What a fact says of a lot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LotStepKind {
    /// `document`: the receipt, shipment or order that it belongs to.
    Moved {
        from: GoodsAt,
        to: GoodsAt,
        quantity: i64,
        document: Option<[u8; 16]>,
    },
    Cost {
        payer: Option<PartyId>,
        payee: Option<PartyId>,
        amount: i64,
    },
    Sold {
        seller: Option<PartyId>,
        order: Option<OrderId>,
        scope: Scope,
        medium: Medium,
        own: bool,
        quantity: i64,
        amount: i64,
    },
    Settled {
        consignee: Option<PartyId>,
        producer: Option<PartyId>,
        receipt: Option<ReceiptId>,
        settlement: SettlementId,
        mode: SettlementMode,
        quantity: i64,
        source_quantity: i64,
        gross: i64,
        kept: i64,
        net: i64,
    },
    /// Negative when a payout failed.
    Paid {
        payer: Option<PartyId>,
        payee: Option<PartyId>,
        payout: PayoutId,
        amount: i64,
    },
    Inspected(Box<Inspection>),
}

/// One fact in a lot's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotStep {
    pub date: BusinessDate,
    pub at: FactRef,
    pub text: EntryText,
    pub pool: u16,
    pub record: LotStepKind,
}

/// A lot, both ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotTrace {
    pub lot: LotId,
    pub product: Option<ProductId>,
    pub place: Option<PlaceId>,
    /// When it was collected or bought in; absent if facts name it but its own has not been read.
    pub since: Option<BusinessDate>,
    pub origins: Vec<LotOrigin>,
    /// By business date, causes before effects.
    pub steps: Vec<LotStep>,
    /// Where it is now, per pool: what is not nil, boundary accounts included.
    pub balances: Vec<(u16, GoodsAt, i64)>,
}

/// One fact in an order's life, with the lots that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderTraceStep {
    pub at: FactRef,
    pub step: OrderStep,
    pub lots: Vec<LotId>,
}

impl LotTrace {
    /// The same as it stood when only these facts had been read.
    #[must_use]
    pub fn of_facts(mut self, known: impl Fn(FactRef) -> bool) -> Self {
        self.origins.retain(|origin| known(origin.at));
        self.steps.retain(|step| known(step.at));
        self.balances = balances(&self.steps);
        self
    }
}

impl Ledger {
    /// Everything known of a lot; `None` if no fact names it.
    pub fn trace_lot(&self, id: LotId) -> Option<LotTrace> {
        let row = self.tables.lots.value(self.tables.lots.find(&id)?)?;
        let record = row.born.and_then(|born| OriginRecord::of(&born, &self.tables));
        let mut steps: Vec<LotStep> = lots::facts(&self.tables, row.last).map(|fact| self.step(&fact)).collect();
        steps.extend(inspections::of(&self.tables, row.last).map(|(head, inspection)| inspected(&head, inspection)));
        // Facts of one event keep the order in which they were posted; the chain gives them backwards.
        steps.reverse();
        let steps = cause_first(steps, |step| (Some(step.date), step.at), |step| step.text.causal_rank());
        Some(LotTrace {
            lot: id,
            product: row.born.and_then(|born| self.tables.product_id(born.product)),
            place: row.born.and_then(|born| self.tables.place_id(born.place)),
            since: row.born.map(|born| born.on),
            origins: record.map(|record| self.origin(record)).into_iter().collect(),
            balances: balances(&steps),
            steps,
        })
    }

    /// An order's facts, causes before effects; empty if no fact names it.
    pub fn trace_order(&self, order: OrderId) -> Vec<OrderTraceStep> {
        let last = self.tables.orders.find(&order).and_then(|number| self.tables.orders.value(number)).copied();
        let steps: Vec<OrderTraceStep> = orders::records(&self.tables, last.unwrap_or_default())
            .map(|record| OrderTraceStep {
                at: record.at,
                step: record.step,
                lots: record.lots.iter().filter_map(|lot| self.tables.lot_id(*lot)).collect(),
            })
            .collect();
        cause_first(steps, |step| (None, step.at), |step| step.step.causal_rank())
    }

    /// Whether any fact recorded by `as_of` names this lot.
    pub fn knows_lot(&self, id: LotId, as_of: Option<BusinessDate>) -> bool {
        let row = self.tables.lots.find(&id).and_then(|number| self.tables.lots.value(number));
        let Some((row, day)) = row.zip(as_of) else { return row.is_some() };
        lots::facts(&self.tables, row.last).any(|fact| fact.head.recorded_on <= day)
    }

    /// The lot that a receipt was collected into.
    pub fn lot_of_receipt(&self, receipt: ReceiptId) -> Option<LotId> {
        let lot = self.tables.lot_of_receipt(self.tables.receipts.find(&receipt)?)?;
        self.tables.lot_id(lot)
    }

    fn origin(&self, record: OriginRecord) -> LotOrigin {
        let (producer, kind) = record.producer;
        let kind: Option<PartyKind> = party_kind_of(kind);
        LotOrigin {
            at: record.at,
            receipt: if record.receipt == NO_ROW { None } else { self.tables.receipt_id(record.receipt) },
            producer: self.tables.party_id(producer).zip(kind).map(|(id, kind)| PartyRef { id, kind }),
            division: record.division,
            terms: record.terms,
            quantity: record.quantity,
            source_quantity: record.source_quantity,
            label: record.label,
            receipt_number: record.receipt_number,
            grade: record.grade,
        }
    }

    fn step(&self, fact: &LotFact) -> LotStep {
        let party = |number| self.tables.party_id(number);
        let document = fact.head.document_id();
        let record = match fact.record {
            LotRecord::Moved { from, to, quantity } => {
                LotStepKind::Moved { from: self.cell(&from), to: self.cell(&to), quantity, document }
            }
            LotRecord::Cost { payer, payee, amount } => {
                LotStepKind::Cost { payer: party(payer), payee: party(payee), amount }
            }
            LotRecord::Sold { seller, order, scope, medium, own, quantity, amount } => {
                let order = self.tables.orders.key(order).copied();
                LotStepKind::Sold { seller: party(seller), order, scope, medium, own, quantity, amount }
            }
            LotRecord::Settled(settled) => LotStepKind::Settled {
                consignee: party(settled.consignee),
                producer: party(settled.producer),
                receipt: self.tables.receipt_id(settled.receipt),
                settlement: SettlementId(document.unwrap_or_default()),
                mode: settled.mode,
                quantity: settled.quantity,
                source_quantity: settled.source_quantity,
                gross: settled.gross,
                kept: settled.kept,
                net: settled.net,
            },
            LotRecord::Paid { payer, payee, amount, .. } => {
                let payout = PayoutId(document.unwrap_or_default());
                LotStepKind::Paid { payer: party(payer), payee: party(payee), payout, amount }
            }
        };
        LotStep { date: fact.head.date, at: fact.head.at, text: fact.text, pool: fact.pool, record }
    }

    pub(crate) fn cell(&self, cell: &CellRow) -> GoodsAt {
        GoodsAt {
            account: cell.account,
            title: self.title(cell.title),
            custodian: self.tables.party_id(cell.custodian),
            place: self.tables.place_id(cell.place),
            destination: self.tables.place_id(cell.destination),
        }
    }

    fn title(&self, title: TitleRow) -> Option<Title> {
        let party = |number| {
            let kind = self.tables.parties.value(number)?.kind?;
            Some(PartyRef { id: self.tables.party_id(number)?, kind })
        };
        Some(match title {
            TitleRow::Owned(owner) => Title::Owned { owner: party(owner)? },
            TitleRow::Consigned(consignee, mode) => Title::Consigned { consignee: party(consignee)?, mode },
        })
    }
}

fn inspected(head: &EventHead, inspection: Inspection) -> LotStep {
    let record = LotStepKind::Inspected(Box::new(inspection));
    LotStep { date: head.date, at: head.at, text: EntryText::Inspected, pool: 0, record }
}

/// What the movements of a lot add up to, by pool, account and place.
fn balances(steps: &[LotStep]) -> Vec<(u16, GoodsAt, i64)> {
    let mut sums: std::collections::BTreeMap<(u16, GoodsAt), i64> = std::collections::BTreeMap::new();
    for step in steps {
        if let LotStepKind::Moved { from, to, quantity, .. } = step.record {
            let mut add = |at, quantity| {
                let sum = sums.entry((step.pool, at)).or_default();
                *sum = sum.plus(quantity);
            };
            add(from, quantity.negated());
            add(to, quantity);
        }
    }
    sums.into_iter().filter(|(_, sum)| *sum != 0).map(|((pool, at), sum)| (pool, at, sum)).collect()
}
