//! The journal entries of one commit: flat lines in reusable buffers, so that posting allocates nothing per entry.
//!
//! Closing an entry is where it is shown to balance, in every book and for every product. What would not is put right
//! against suspense and listed as an exception, so that posting stays total and an error stays visible.

use loopledger_facts::{BuyerRef, PartyKind, PartyRef, StockLine, Title};
use loopledger_types::{BusinessDate, Exact as _, LotId, Money, PartyId, PlaceId, ProductId, Quantity, Scope};

use crate::{Account, GoodsAccount};

/// Against whom a money line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counterparty {
    None,
    Party(PartyId),
    /// An anonymous party outside the loop.
    Outside(Scope),
}

impl From<PartyRef> for Counterparty {
    fn from(party: PartyRef) -> Self {
        Self::Party(party.id)
    }
}

impl From<BuyerRef> for Counterparty {
    fn from(buyer: BuyerRef) -> Self {
        buyer.party.map_or(Self::Outside(buyer.scope), |party| Self::Party(party.id))
    }
}

/// One line in one party's book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoneyLine {
    pub book: PartyRef,
    pub account: Account,
    pub counterparty: Counterparty,
    /// The lot and pool that 1401, 2314s and 6001 are kept by.
    pub lot: Option<(LotId, u16)>,
    /// Fen, debit positive.
    pub amount: i64,
}

/// Goods of one pool in one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoodsLine {
    pub account: GoodsAccount,
    pub product: ProductId,
    pub lot: LotId,
    pub pool: u16,
    /// Whose the goods are while in this account.
    pub title: Title,
    pub custodian: PartyId,
    pub place: PlaceId,
    /// Where goods in transit are going.
    pub destination: Option<PlaceId>,
    /// Base units; into stock and out across a boundary positive.
    pub quantity: i64,
}

macro_rules! texts {
    ($($name:ident => $code:literal, $chinese:literal;)*) => {
        /// What an entry is about: the fact that it posts.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum EntryText { $($name,)* }

        impl EntryText {
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            pub const fn chinese(self) -> &'static str {
                match self { $(Self::$name => $chinese,)* }
            }
        }
    };
}

texts! {
    Collected => "collected", "收购入库";
    PurchaseAccepted => "purchase_accepted", "收购确认";
    Released => "released", "收购放行";
    Returned => "returned", "退还农户";
    HandedOver => "handed_over", "交运";
    TakenBack => "taken_back", "交运退回";
    Dispatched => "dispatched", "发运";
    Freight => "freight", "运费";
    Received => "received", "到货";
    Reserved => "reserved", "订单预留";
    Unreserved => "unreserved", "取消预留";
    Issued => "issued", "出库";
    BoughtIn => "bought_in", "外购入库";
    SupplierOwed => "supplier_owed", "外购应付";
    Fulfilled => "fulfilled", "销售";
    PaymentReceived => "payment_received", "收款";
    PrepaymentReturned => "prepayment_returned", "退还预收款";
    Settled => "settled", "代销结算";
    Paid => "paid", "付款";
    PayoutFailed => "payout_failed", "付款失败冲回";
    Valued => "valued", "存货计价";
    Inspected => "inspected", "检测";
}

impl EntryText {
    /// Dense index, the position in [`EntryText::ALL`].
    #[expect(clippy::as_conversions, reason = "the discriminant of a repr(u8) enum")]
    pub const fn index(self) -> u8 {
        self as u8
    }

    /// How early in a lot's life it can be: the list above is in that order, but for goods that
    /// come from outside and for what is no entry.
    pub const fn causal_rank(self) -> u8 {
        if matches!(self, Self::BoughtIn) {
            Self::Collected.index()
        } else if matches!(self, Self::Inspected) {
            Self::Released.index()
        } else {
            self.index()
        }
    }

    pub fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }
}

/// One entry: what one fact, or one line of a settlement, posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Index of the event in its commit.
    pub event: u32,
    /// Index of the line within the event, where each line is an entry of its own.
    pub line: u32,
    pub text: EntryText,
    pub date: BusinessDate,
    /// Not posted by a fact but computed by valuation.
    pub derived: bool,
    money_from: u32,
    goods_from: u32,
    money_to: u32,
    goods_to: u32,
}

/// What would not balance, or cannot be posted rightly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exception {
    /// The entry's lines in this book missed zero by `amount`, which suspense 9999 now carries.
    Money { event: u32, book: PartyRef, amount: i64 },
    /// The entry's lines of this product missed zero by `quantity`.
    Goods { event: u32, product: ProductId, quantity: i64 },
    /// A sale to a party that has a book: its side of the deal cannot be posted from this fact.
    BuyerInLoop { event: u32, buyer: PartyId },
}

/// The entries of one commit. Reuse one: it keeps its buffers.
#[derive(Debug, Default, Clone)]
pub struct Journal {
    entries: Vec<Entry>,
    money: Vec<MoneyLine>,
    goods: Vec<GoodsLine>,
    exceptions: Vec<Exception>,
    event: u32,
    open: Option<Entry>,
    books: Vec<(PartyRef, i128)>,
    products: Vec<(ProductId, i128)>,
}

impl Journal {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn money(&self, entry: &Entry) -> &[MoneyLine] {
        self.money.get(span(entry.money_from, entry.money_to)).unwrap_or_default()
    }

    /// The goods lines of an entry: pairs, first where the goods leave, then where they come.
    pub fn goods(&self, entry: &Entry) -> &[GoodsLine] {
        self.goods.get(span(entry.goods_from, entry.goods_to)).unwrap_or_default()
    }

    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.money.clear();
        self.goods.clear();
        self.exceptions.clear();
        self.open = None;
    }

    pub(crate) fn begin_event(&mut self, event: u32) {
        self.event = event;
    }

    pub(crate) fn begin(&mut self, text: EntryText, date: BusinessDate) {
        self.begin_line(text, date, 0);
    }

    pub(crate) fn begin_line(&mut self, text: EntryText, date: BusinessDate, line: u32) {
        let (money, goods) = (length(&self.money), length(&self.goods));
        self.open = Some(Entry {
            event: self.event,
            line,
            text,
            date,
            derived: text == EntryText::Valued,
            money_from: money,
            goods_from: goods,
            money_to: money,
            goods_to: goods,
        });
    }

    pub(crate) fn exception(&mut self, exception: Exception) {
        self.exceptions.push(exception);
    }

    pub(crate) const fn event(&self) -> u32 {
        self.event
    }

    pub(crate) fn debit(&mut self, book: PartyRef, account: Account, against: impl Into<Counterparty>, amount: Money) {
        self.line(book, account, against.into(), None, amount.0);
    }

    pub(crate) fn credit(&mut self, book: PartyRef, account: Account, against: impl Into<Counterparty>, amount: Money) {
        self.line(book, account, against.into(), None, amount.0.negated());
    }

    /// A line kept by lot and pool; debit positive. Nothing is written for an amount of nil, or for a party without a book.
    pub(crate) fn line(
        &mut self,
        book: PartyRef,
        account: Account,
        counterparty: Counterparty,
        lot: Option<(LotId, u16)>,
        amount: i64,
    ) {
        if amount != 0 && book.kind.has_book() {
            self.money.push(MoneyLine { book, account, counterparty, lot, amount });
        }
    }

    /// Goods leave one cell and come to another.
    pub(crate) fn shift(&mut self, line: &StockLine, quantity: Quantity, from: Cell, to: Cell) {
        if quantity.0 == 0 {
            return;
        }
        self.goods.push(from.line(line, quantity.0.negated()));
        self.goods.push(to.line(line, quantity.0));
    }

    /// Closes the entry; one without lines leaves no trace.
    pub(crate) fn end(&mut self) {
        let Some(mut entry) = self.open.take() else { return };
        self.balance_money(entry.money_from);
        self.balance_goods(entry.goods_from);
        entry.money_to = length(&self.money);
        entry.goods_to = length(&self.goods);
        if entry.money_to > entry.money_from || entry.goods_to > entry.goods_from {
            self.entries.push(entry);
        }
    }

    fn balance_money(&mut self, from: u32) {
        self.books.clear();
        for line in self.money.get(index(from)..).unwrap_or_default() {
            let amount = i128::from(line.amount);
            match self.books.iter_mut().find(|(book, _)| book.id == line.book.id) {
                Some((_, sum)) => *sum = sum.plus(amount),
                None => self.books.push((line.book, amount)),
            }
        }
        for (book, sum) in &self.books {
            if *sum != 0 {
                let amount = clamp(*sum);
                self.exceptions.push(Exception::Money { event: self.event, book: *book, amount });
                self.money.push(MoneyLine {
                    book: *book,
                    account: Account::Suspense,
                    counterparty: Counterparty::None,
                    lot: None,
                    amount: amount.negated(),
                });
            }
        }
    }

    /// Goods always move in pairs, so this can only fail if a quantity cannot be negated.
    fn balance_goods(&mut self, from: u32) {
        self.products.clear();
        for line in self.goods.get(index(from)..).unwrap_or_default() {
            let quantity = i128::from(line.quantity);
            match self.products.iter_mut().find(|(product, _)| *product == line.product) {
                Some((_, sum)) => *sum = sum.plus(quantity),
                None => self.products.push((line.product, quantity)),
            }
        }
        for (product, sum) in &self.products {
            if *sum != 0 {
                let quantity = clamp(*sum);
                self.exceptions.push(Exception::Goods { event: self.event, product: *product, quantity });
            }
        }
    }
}

/// Where goods are, and whose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) account: GoodsAccount,
    pub(crate) title: Title,
    pub(crate) custodian: PartyId,
    pub(crate) place: PlaceId,
    pub(crate) destination: Option<PlaceId>,
}

impl Cell {
    /// Goods at a place, of the line's own title.
    pub(crate) const fn at(line: &StockLine, account: GoodsAccount, custodian: PartyId, place: PlaceId) -> Self {
        Self { account, title: line.title, custodian, place, destination: None }
    }

    /// The same, another account.
    pub(crate) const fn account(self, account: GoodsAccount) -> Self {
        Self { account, ..self }
    }

    /// The same, still `owner`'s.
    pub(crate) const fn of(self, owner: PartyRef) -> Self {
        Self { title: Title::Owned { owner }, ..self }
    }

    const fn line(self, line: &StockLine, quantity: i64) -> GoodsLine {
        GoodsLine {
            account: self.account,
            product: line.product,
            lot: line.lot,
            pool: line.pool,
            title: self.title,
            custodian: self.custodian,
            place: self.place,
            destination: self.destination,
            quantity,
        }
    }
}

/// Whether a producer is a household: then its income is household income.
pub(crate) const fn is_household(party: PartyRef) -> bool {
    matches!(party.kind, PartyKind::Household)
}

fn length<T>(lines: &[T]) -> u32 {
    u32::try_from(lines.len()).unwrap_or(u32::MAX)
}

fn index(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

fn span(from: u32, to: u32) -> core::ops::Range<usize> {
    index(from)..index(to)
}

fn clamp(sum: i128) -> i64 {
    i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
}
