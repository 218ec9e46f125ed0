//! The growing file of commands: what every part of the script writes with.
//!
//! The script is a pure function of (seed, households): it derives every id itself (docs/design.md §3), so it needs
//! no answer to continue, and two runs send the same bytes. There is a barrier wherever one command depends on another.

use loopledger_dice::Dice;
use loopledger_proto::client::v1::record_line::Line;
use loopledger_proto::client::v1::{Await, RecordLine};
use loopledger_proto::common::v1::{Occasion, Quantity, Unit as PbUnit, UnitPrice as PbUnitPrice};
use loopledger_proto::{distribution, procurement, sales, station};
use loopledger_types::{BusinessDate, CountyCode, DivisionCode, RequestId, Service, StreamId, Unit, UnitPrice};

use super::request_ids::RequestIds;

pub(crate) const fn stream(service: Service) -> StreamId {
    StreamId { service, county: CountyCode::TUOLI }
}

#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) dice: Dice,
    ids: RequestIds,
    lines: Vec<RecordLine>,
    today: BusinessDate,
}

impl Script {
    pub(crate) fn new(seed: u64, households: u32, first_day: BusinessDate) -> Self {
        Self { dice: Dice::new(seed), ids: RequestIds::new(seed, households), lines: Vec::new(), today: first_day }
    }

    /// What was written since the last call.
    pub(crate) fn take_lines(&mut self) -> Vec<RecordLine> {
        std::mem::take(&mut self.lines)
    }

    pub(crate) const fn today(&self) -> BusinessDate {
        self.today
    }

    /// Everything that follows happens on `day`.
    pub(crate) const fn set_day(&mut self, day: BusinessDate) {
        self.today = day;
    }

    pub(crate) fn request(&mut self) -> RequestId {
        self.ids.next()
    }

    /// What follows rests on what precedes.
    pub(crate) fn barrier(&mut self) {
        if !matches!(self.lines.last(), None | Some(RecordLine { line: Some(Line::Await(_)) })) {
            self.lines.push(RecordLine { line: Some(Line::Await(Await {})) });
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "the field of every request is an Option")]
    pub(crate) fn occasion(&self, division: DivisionCode) -> Option<Occasion> {
        Some(Occasion {
            business_date: self.today.to_string(),
            occurred_at: None,
            device_utc_offset_min: Some(480),
            division_code: division.to_string(),
        })
    }

    pub(crate) fn procurement(&mut self, command: procurement::v1::record_request::Command) {
        self.push(Line::Procurement(procurement::v1::RecordRequest { command: Some(command) }));
    }

    pub(crate) fn station(&mut self, command: station::v1::record_request::Command) {
        self.push(Line::Station(station::v1::RecordRequest { command: Some(command) }));
    }

    pub(crate) fn distribution(&mut self, command: distribution::v1::record_request::Command) {
        self.push(Line::Distribution(distribution::v1::RecordRequest { command: Some(command) }));
    }

    pub(crate) fn sales(&mut self, command: sales::v1::record_request::Command) {
        self.push(Line::Sales(sales::v1::RecordRequest { command: Some(command) }));
    }

    fn push(&mut self, line: Line) {
        self.lines.push(RecordLine { line: Some(line) });
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the field of every request is an Option")]
pub(crate) fn quantity(value: i64, unit: Unit) -> Option<Quantity> {
    Some(Quantity { value, unit: pb_unit(unit).into() })
}

#[expect(clippy::unnecessary_wraps, reason = "the field of every request is an Option")]
pub(crate) fn price(price: UnitPrice) -> Option<PbUnitPrice> {
    Some(PbUnitPrice { e4: price.e4, per: pb_unit(price.per).into() })
}

const fn pb_unit(unit: Unit) -> PbUnit {
    match unit {
        Unit::Gram => PbUnit::Gram,
        Unit::Liang => PbUnit::Liang,
        Unit::Jin => PbUnit::Jin,
        Unit::Kilogram => PbUnit::Kilogram,
        Unit::Tonne => PbUnit::Tonne,
        Unit::Millilitre => PbUnit::Millilitre,
        Unit::Litre => PbUnit::Litre,
        Unit::Head => PbUnit::Head,
        Unit::Piece => PbUnit::Piece,
    }
}
