//! What tests found of a lot. They stand among the lot's facts, and move neither goods nor money.

use loopledger_facts::station::GoodsInspected;
use loopledger_types::PlaceId;

use crate::fold::At;
use crate::heads::{self, EventHead};
use crate::lots::INSPECTED;
use crate::store::{Reader, RecordOffset, Writer};
use crate::tables::{Number, Tables};

/// What a test found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Where the sample was taken.
    pub station: Option<PlaceId>,
    pub test: String,
    pub passed: bool,
    pub finding: String,
    pub laboratory_code: String,
    /// SHA-256 of the report.
    pub report_hash: Option<[u8; 32]>,
}

/// Bits of an inspection's second byte.
const PASSED: u8 = 1;
const HAS_REPORT: u8 = 2;

/// Chains an inspection to its lot.
pub(crate) fn append(fact: &GoodsInspected, at: At, tables: &mut Tables) {
    let lot = tables.lot(fact.lot);
    let station = tables.place(fact.station);
    let head = heads::offset(&at.on(fact.occasion.business_date), tables);
    let Some(previous) = tables.lots.value(lot).map(|row| row.last) else { return };
    let last = tables.log.append(previous, head, |out| write(fact, station, out));
    tables.lots.update(lot, |row| row.last = last);
}

/// The inspections of a lot, latest read first.
pub(crate) fn of(tables: &Tables, last: RecordOffset) -> impl Iterator<Item = (EventHead, Inspection)> + '_ {
    tables.log.chain(last).filter_map(|(reader, head)| Some((heads::read(head, tables)?, read(reader, tables)?)))
}

fn write(fact: &GoodsInspected, station: Number, out: &mut Writer) {
    let passed = if fact.passed { PASSED } else { 0 };
    let has_report = if fact.report_hash.is_some() { HAS_REPORT } else { 0 };
    out.byte(INSPECTED).byte(passed | has_report).index(station);
    out.text(&fact.test).text(&fact.finding).text(&fact.laboratory_code);
    if let Some(hash) = &fact.report_hash {
        out.hash(hash);
    }
}

fn read(mut from: Reader<'_>, tables: &Tables) -> Option<Inspection> {
    if from.byte()? != INSPECTED {
        return None;
    }
    let bits = from.byte()?;
    Some(Inspection {
        station: tables.place_id(from.index()?),
        test: from.text()?.to_owned(),
        passed: bits & PASSED != 0,
        finding: from.text()?.to_owned(),
        laboratory_code: from.text()?.to_owned(),
        report_hash: if bits & HAS_REPORT == 0 { None } else { Some(from.hash()?) },
    })
}
