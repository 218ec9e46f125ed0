//! Two fingerprints of a ledger.
//!
//! `ledger_digest` is SHA-256 over the business alone: no position, hash or record time, so two runs of the same
//! business agree. Canonical bytes, integers big-endian, texts and rows as written here:
//!
//! 1. `M`, then per sum of money that is not nil, by book, account, counterparty, month:
//!    book (16), account number (1 length + text), counterparty (1 tag; 16 bytes if a party, 1 if a scope), month (2), fen (8).
//! 2. Per lot by id: `L`, lot (16); then by their bytes the sums that are not nil: `G`, pool (2), goods account
//!    (1 length + text), title (1 + 16), custodian (16), place (16), destination (1, 16 if any), month (2), quantity (8);
//!    `C`, pool (2), book (16), account number (1 length + text), month (2), fen (8); and `O`, quantity (8), if it is open: not nil over all stock.
//! 3. Per household by id: `H`, household (16), then by their bytes its income lines: date (4), view (1), category (1),
//!    basis (1), lot, receipt, settlement, payout, payer (1, 16 if any), quantity, gross, cost (8 each).
//!
//! `state_digest` is SHA-256 over `ledger_digest` and, per service in order, sequence (8), hash (32), record time (12);
//! and the number of exceptions (8). Compared on one and the same log only.

use std::collections::BTreeMap;

use loopledger_facts::PartyKind;
use loopledger_types::divisions::Edition;
use loopledger_types::{BusinessDate, Exact as _, Hash, LotId, Month, PartyId};
use sha2::{Digest as _, Sha256};

use crate::balances::{self, scope_code};
use crate::income::{IncomeLine, IncomeQuery, IncomeView};
use crate::lots::{self, CellRow, LotRecord, TitleRow, mode_code};
use crate::tables::{LotRow, NO_ROW};
use crate::{Account, Counterparty, Ledger};

impl Ledger {
    /// The fingerprint of the business. Reads everything: about a second for millions of commits; callers keep it by heads.
    pub fn ledger_digest(&self) -> Hash {
        let mut hash = Sha256::new();
        self.digest_money(&mut hash);
        self.digest_lots(&mut hash);
        self.digest_income(&mut hash);
        Hash(hash.finalize().into())
    }

    /// The fingerprint of the whole state at its heads.
    pub fn state_digest(&self, ledger_digest: Hash) -> Hash {
        let mut hash = Sha256::new();
        hash.update(ledger_digest.0);
        for at in &self.heads {
            hash.update(at.head.sequence.to_be_bytes());
            hash.update(at.head.hash.0);
            hash.update(at.recorded_at.seconds.to_be_bytes());
            hash.update(at.recorded_at.nanos.to_be_bytes());
        }
        hash.update(self.exceptions.count.to_be_bytes());
        Hash(hash.finalize().into())
    }

    /// Book by book: all sums at once, resolved, would take a hundred megabytes for millions of commits.
    fn digest_money(&self, hash: &mut Sha256) {
        let rows = balances::rows_by_book(&self.tables);
        let mut books: Vec<(PartyId, &[(u32, u32)])> =
            rows.chunk_by(|(book, _), (next, _)| book == next).filter_map(|rows| self.named_book(rows)).collect();
        books.sort_unstable_by_key(|(id, _)| *id);
        let mut sums = Vec::new();
        let mut row = Vec::with_capacity(64);
        for (book, rows) in books {
            sums.clear();
            sums.extend(rows.iter().filter_map(|(_, number)| balances::sum(*number, &self.tables)));
            sums.sort_unstable();
            for sum in &sums {
                row.clear();
                row.push(b'M');
                row.extend_from_slice(&book.0);
                put_text(sum.account.number(), &mut row);
                put_counterparty(sum.counterparty, &mut row);
                row.extend_from_slice(&sum.month.index().to_be_bytes());
                row.extend_from_slice(&sum.amount.to_be_bytes());
                hash.update(&row);
            }
        }
    }

    fn named_book<'a>(&self, rows: &'a [(u32, u32)]) -> Option<(PartyId, &'a [(u32, u32)])> {
        let (book, _) = rows.first()?;
        Some((self.tables.party_id(*book)?, rows))
    }

    fn digest_lots(&self, hash: &mut Sha256) {
        let mut lots: Vec<(LotId, &LotRow)> = self.tables.lots.iter().map(|(_, id, row)| (*id, row)).collect();
        lots.sort_unstable_by_key(|(id, _)| *id);
        let mut sums: BTreeMap<Vec<u8>, i64> = BTreeMap::new();
        for (id, row) in lots {
            sums.clear();
            let open = self.sum_lot(row, &mut sums);
            sums.retain(|_, sum| *sum != 0);
            if sums.is_empty() {
                continue;
            }
            hash.update(b"L");
            hash.update(id.0);
            for (key, sum) in &sums {
                hash.update(key);
                hash.update(sum.to_be_bytes());
            }
            if open != 0 {
                hash.update(b"O");
                hash.update(open.to_be_bytes());
            }
        }
    }

    /// Sums of a lot by their canonical bytes; answers with what is in stock.
    fn sum_lot(&self, row: &LotRow, sums: &mut BTreeMap<Vec<u8>, i64>) -> i64 {
        let mut open = 0_i64;
        for fact in lots::facts(&self.tables, row.last) {
            let month = fact.head.date.month();
            let mut add = |key: Vec<u8>, part: i64| {
                let sum = sums.entry(key).or_default();
                *sum = sum.plus(part);
            };
            let mut money = |book: u32, account: Account, amount: i64| {
                let book = self.tables.party_id(book).map_or([0; 16], |id| id.0);
                add(money_key(fact.pool, book, account, month), amount);
            };
            match &fact.record {
                LotRecord::Moved { from, to, quantity, .. } => {
                    for (cell, part) in [(from, quantity.negated()), (to, *quantity)] {
                        add(self.goods_key(fact.pool, cell, month), part);
                        open = open.plus(if cell.account.is_stock() { part } else { 0 });
                    }
                }
                LotRecord::Cost { payer, amount, .. } => money(*payer, Account::Goods, *amount),
                LotRecord::Sold { seller, own, amount, .. } => {
                    let account = if *own { Account::Sales } else { Account::ConsignmentProceeds };
                    money(*seller, account, amount.negated());
                }
                LotRecord::Settled(settled) => money(settled.consignee, Account::ConsignmentProceeds, settled.gross),
                LotRecord::Paid { .. } => {}
            }
        }
        open
    }

    fn goods_key(&self, pool: u16, cell: &CellRow, month: Month) -> Vec<u8> {
        let party = |number| self.tables.party_id(number).map_or([0; 16], |id: PartyId| id.0);
        let place = |number| self.tables.place_id(number).map_or([0; 16], |id| id.0);
        let mut key = Vec::with_capacity(96);
        key.push(b'G');
        key.extend_from_slice(&pool.to_be_bytes());
        put_text(cell.account.as_str(), &mut key);
        match cell.title {
            TitleRow::Owned(owner) => {
                key.push(0);
                key.extend_from_slice(&party(owner));
            }
            TitleRow::Consigned(consignee, mode) => {
                key.push(mode_code(mode));
                key.extend_from_slice(&party(consignee));
            }
        }
        key.extend_from_slice(&party(cell.custodian));
        key.extend_from_slice(&place(cell.place));
        put_id((cell.destination != NO_ROW).then(|| place(cell.destination)), &mut key);
        key.extend_from_slice(&month.index().to_be_bytes());
        key
    }

    fn digest_income(&self, hash: &mut Sha256) {
        let households = self.tables.parties.iter().filter(|(_, _, row)| row.kind == Some(PartyKind::Household));
        let mut households: Vec<(PartyId, u32)> = households.map(|(number, id, _)| (*id, number)).collect();
        households.sort_unstable();
        let query = IncomeQuery { from: first_day(), to: last_day(), as_of: None, edition: Edition::FIRST };
        for (id, number) in households {
            let mut lines: Vec<Vec<u8>> = self.income_records(number, &query).map(|line| income_bytes(&line)).collect();
            if lines.is_empty() {
                continue;
            }
            lines.sort_unstable();
            hash.update(b"H");
            hash.update(id.0);
            for line in &lines {
                hash.update(line);
            }
        }
    }
}

fn money_key(pool: u16, book: [u8; 16], account: Account, month: Month) -> Vec<u8> {
    let mut key = Vec::with_capacity(40);
    key.push(b'C');
    key.extend_from_slice(&pool.to_be_bytes());
    key.extend_from_slice(&book);
    put_text(account.number(), &mut key);
    key.extend_from_slice(&month.index().to_be_bytes());
    key
}

fn income_bytes(line: &IncomeLine) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(&line.date.days().to_be_bytes());
    let view = match line.view {
        IncomeView::Recognised => 0,
        IncomeView::Received => 1,
    };
    out.extend_from_slice(&[view, line.category.index(), line.basis.map_or(u8::MAX, crate::Basis::code)]);
    put_id(line.lot.map(|id| id.0), &mut out);
    put_id(line.receipt.map(|id| id.0), &mut out);
    put_id(line.settlement.map(|id| id.0), &mut out);
    put_id(line.payout.map(|id| id.0), &mut out);
    put_id(line.payer.map(|id| id.0), &mut out);
    for number in [line.quantity, line.gross, line.cost] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out
}

fn put_counterparty(counterparty: Counterparty, out: &mut Vec<u8>) {
    match counterparty {
        Counterparty::None => out.push(0),
        Counterparty::Party(id) => {
            out.push(1);
            out.extend_from_slice(&id.0);
        }
        Counterparty::Outside(scope) => {
            out.push(2);
            out.push(scope_code(scope));
        }
    }
}

fn put_id(id: Option<[u8; 16]>, out: &mut Vec<u8>) {
    out.push(u8::from(id.is_some()));
    out.extend_from_slice(id.as_ref().map_or(&[], |id| id.as_slice()));
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    out.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(text.as_bytes());
}

fn first_day() -> BusinessDate {
    Month::from_index(0).map(Month::first_day).expect("January 2000 is a month")
}

fn last_day() -> BusinessDate {
    Month::from_index(2_399).map(Month::last_day).expect("December 2199 is a month")
}
