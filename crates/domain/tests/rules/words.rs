//! How test lines are read and what came of them is said.

use loopledger_domain::stock::StockRefused;
use loopledger_domain::{
    Event, Measure, Occasion, PartyKind, PlaceKind, Rejection, StockLine, Title, distribution, station,
};
use loopledger_types::{
    BusinessDate, DivisionCode, OrderId, Quantity, Service, Timestamp, Unit, UnitPrice, parse_uuid,
};

use crate::holders::World;

/// Who and what there is before a case begins.
pub(crate) const SETTING: &str = "
    household H1 members=M1 on=2020-01-01 division=654224202207
    household H2 on=2020-01-01 division=654224202208
    joins H1 member=M2 on=2020-03-01
    leaves H1 member=M2 on=2020-05-01
    moves H1 on=2020-06-01 division=654224100001
    party COOP on=2020-01-01
    party FIRM on=2020-01-01
    party CARR on=2020-01-01 division=654201
    party BUYER on=2020-01-01
    party SUPP on=2020-01-01 division=610102
    product pea on=2020-01-01 unit=1g
    product sheep on=2020-01-01 unit=1head
    product lamb on=2020-01-01 unit=1head
    open S1 on=2020-01-01
    open S2 on=2020-01-01 division=654224202208
    open W1 on=2020-01-01 kind=Workshop
    site D1 on=2020-01-01
    site D2 on=2020-01-01 kind=FrontWarehouse division=610102
    contract K1
    contract K2 terms=commission:COOP
    contract K3 from=H2
";

/// `operation name key=value ...`
#[derive(Debug, Clone)]
pub(crate) struct Line<'a> {
    pub(crate) operation: &'a str,
    pub(crate) name: &'a str,
    pub(crate) options: Vec<(&'a str, &'a str)>,
}

impl<'a> Line<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        let mut words = text.split_whitespace();
        let operation = words.next().unwrap();
        let mut rest = words.peekable();
        let name = rest.next_if(|word| !word.contains('=')).unwrap_or("");
        let options = rest.map(|word| word.split_once('=').unwrap()).collect();
        Self { operation, name, options }
    }

    pub(crate) fn find(&self, key: &str) -> Option<&'a str> {
        self.options.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
    }

    pub(crate) fn get(&self, key: &str, default: &'a str) -> &'a str {
        self.find(key).unwrap_or(default)
    }

    pub(crate) fn number(&self, key: &str, default: i64) -> i64 {
        self.find(key).map_or(default, |value| value.parse().unwrap())
    }

    pub(crate) fn list(&self, key: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.find(key).unwrap_or("").split(',').filter(|item| !item.is_empty())
    }

    /// `on=` a day, `hour=` an hour of that day if the device said one.
    pub(crate) fn occasion(&self) -> Occasion {
        let business_date = day(self.get("on", "2020-04-01"));
        let hour = self.find("hour").map(|hour| hour.parse::<i64>().unwrap());
        let hours = |hour| Timestamp { seconds: business_date.end().seconds - (24 - hour) * 3_600, nanos: 0 };
        Occasion {
            business_date,
            occurred_at: hour.map(hours),
            device_utc_offset_min: None,
            division: division("654224202207"),
        }
    }
}

pub(crate) fn id(name: &str) -> [u8; 16] {
    let mut id = [0; 16];
    id[..name.len()].copy_from_slice(name.as_bytes());
    id
}

pub(crate) fn name(id: [u8; 16]) -> String {
    String::from_utf8_lossy(&id).trim_end_matches('\0').to_owned()
}

/// `O1/0`
pub(crate) fn order_line(text: &str) -> (OrderId, u32) {
    let (order, line) = text.split_once('/').unwrap();
    (OrderId(id(order)), line.parse().unwrap())
}

pub(crate) fn day(text: &str) -> BusinessDate {
    BusinessDate::parse(text).unwrap()
}

pub(crate) fn division(text: &str) -> DivisionCode {
    DivisionCode::parse(text).unwrap()
}

fn unit(text: &str) -> Unit {
    match text {
        "g" => Unit::Gram,
        "kg" => Unit::Kilogram,
        "jin" => Unit::Jin,
        "head" => Unit::Head,
        other => panic!("no such unit: {other}"),
    }
}

/// `98kg`
pub(crate) fn measure(text: &str) -> Measure {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-').unwrap();
    let unit = unit(&text[at..]);
    Measure { quantity: Quantity(decimal(&text[..at], unit.factor())), base: unit.base() }
}

/// `text` × `times`, which must be whole.
fn decimal(text: &str, times: i64) -> i64 {
    let (whole, digits) = text.split_once('.').unwrap_or((text, ""));
    let scale = 10_i64.pow(digits.len() as u32);
    let scaled = format!("{whole}{digits}").parse::<i64>().unwrap() * times;
    assert_eq!(scaled % scale, 0, "{text} times {times}");
    scaled / scale
}

/// `9.2/kg`
pub(crate) fn price(text: &str) -> UnitPrice {
    let (amount, per) = text.split_once('/').unwrap();
    UnitPrice { e4: decimal(amount, 10_000), per: unit(per) }
}

pub(crate) fn kind_of(party: &str) -> PartyKind {
    match party.as_bytes() {
        [b'H', ..] => PartyKind::Household,
        [b'C', b'O', ..] => PartyKind::Cooperative,
        [b'C', ..] => PartyKind::Carrier,
        [b'B', ..] => PartyKind::Buyer,
        [b'S', ..] => PartyKind::Supplier,
        _ => PartyKind::Firm,
    }
}

pub(crate) fn place_kind(text: &str) -> PlaceKind {
    match text {
        "Station" => PlaceKind::Station,
        "Workshop" => PlaceKind::Workshop,
        "CountyCentre" => PlaceKind::CountyCentre,
        "TownshipHub" => PlaceKind::TownshipHub,
        "FrontWarehouse" => PlaceKind::FrontWarehouse,
        _ => PlaceKind::Outlet,
    }
}

pub(crate) fn service(text: &str) -> Service {
    if text == "station" { Service::Station } else { Service::Distribution }
}

/// Pool 0 goes without saying.
pub(crate) fn pool(lot: &str, pool: u16) -> String {
    if pool == 0 { lot.to_owned() } else { format!("{lot}/{pool}") }
}

pub(crate) fn refusal(rejection: &Rejection, name_of: impl Fn([u8; 16]) -> String) -> String {
    match rejection {
        Rejection::Invalid(violations) => {
            let fields: Vec<String> = violations.iter().map(|v| format!("{} {}", v.field, v.fault.reason())).collect();
            format!("! {}", fields.join(", "))
        }
        Rejection::NotFound { kind, .. } => format!("! no such {}", kind.as_str()),
        Rejection::Exists { kind, .. } => format!("! {} exists", kind.as_str()),
        Rejection::Broken { rule, facts, .. } => {
            let named = |value: &String| parse_uuid(value).map_or(value.clone(), &name_of);
            let facts: Vec<String> = facts.iter().map(|(name, value)| format!(" {name}={}", named(value))).collect();
            format!("! {}{}", rule.reason(), facts.concat())
        }
    }
}

impl World {
    fn lines<'a>(&self, lines: impl IntoIterator<Item = &'a StockLine>) -> String {
        let lines =
            lines.into_iter().map(|line| format!("{}:{}", pool(&self.name(line.lot.0), line.pool), line.quantity));
        lines.collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn refusal(&self, rejection: &Rejection) -> String {
        refusal(rejection, |id| self.name(id))
    }

    pub(crate) fn describe(&self, event: &Event) -> String {
        match event {
            Event::Station(event) => self.describe_station(event),
            Event::Distribution(event) => self.describe_distribution(event),
            Event::Procurement(_) | Event::Sales(_) => panic!("not a holder's event"),
        }
    }

    fn describe_station(&self, event: &station::Event) -> String {
        use station::Event as E;
        match event {
            E::StationOpened(e) => format!("opened {:?} {}", e.kind, e.division),
            E::GoodsCollected(e) => {
                let title = match e.origin.terms.title() {
                    Title::Owned { owner } => format!("bought by {}", self.name(owner.id.0)),
                    Title::Consigned { consignee, mode } => format!("{mode:?} with {}", self.name(consignee.id.0)),
                };
                let amount = e.amount.map_or(String::new(), |amount| format!(" for {amount}"));
                format!("collected {} {title}{amount} from {}", e.origin.quantity, e.origin.division)
            }
            E::GoodsReleased(e) => format!("released {}", self.lines([&e.line])),
            E::GoodsReturned(e) => format!("returned {} {:?}", self.lines([&e.line]), e.reason),
            E::GoodsHandedOver(e) => format!("handed over {} {:?}", self.lines(&e.lines), e.direction),
            E::GoodsTakenBack(e) => format!("took back {}", self.lines(&e.lines)),
            E::StockTakenIn(e) => {
                format!("took in {} damaged [{}]", self.lines(&e.received), self.lines(&e.damaged))
            }
            E::GoodsInspected(e) => {
                format!("inspected {} {}", self.name(e.lot.0), if e.passed { "passed" } else { "failed" })
            }
            E::GoodsBoughtIn(e) => format!("bought in {} for {}", e.line.quantity, e.amount),
            E::StockReserved(e) => format!("reserved {} {}", e.line, self.lines(&e.picks)),
            E::StockRefused(e) => refused(e),
            E::ReservationReleased(e) => format!("released {} {}", e.line, self.lines(&e.picks)),
            E::CancelRefused(e) => format!("cancel refused {}", e.line),
            E::GoodsIssued(e) => self.issued(&e.issued, &e.beyond, &e.released),
            E::UpstreamIgnored(e) => format!("ignored {:?}", e.reason),
            E::AnswerRepeated(e) => format!("answered as in {}", e.first),
            E::TailLost(e) => format!("lost {} to {}", e.first, e.last),
        }
    }

    fn describe_distribution(&self, event: &distribution::Event) -> String {
        use distribution::Event as E;
        match event {
            E::SiteOpened(e) => format!("opened {:?} {}", e.kind, e.division),
            E::ShipmentDispatched(e) => {
                let lines: Vec<String> = e
                    .lines
                    .iter()
                    .map(|line| {
                        let freight = if e.freight.0 == 0 { String::new() } else { format!(" ({})", line.freight) };
                        format!("{}{freight}", self.lines([&line.stock]))
                    })
                    .collect();
                let how = if e.handed_over { "accepted" } else { "dispatched" };
                format!(
                    "{how} {} {:?} by {} of {}",
                    lines.join(" "),
                    e.direction,
                    self.name(e.carrier.id.0),
                    e.carrier_division
                )
            }
            E::HandOverRefused(e) => format!("hand-over refused {:?}", e.reason),
            E::ShipmentReceived(e) => {
                let lines: Vec<String> = e
                    .lines
                    .iter()
                    .map(|line| {
                        format!("{}={}+{}+{}", self.lines([&line.stock]), line.received, line.damaged, line.missing)
                    })
                    .collect();
                format!("received {}{}", lines.join(" "), if e.at_station { " at a station" } else { "" })
            }
            E::GoodsBoughtIn(e) => format!("bought in {} for {}", e.line.quantity, e.amount),
            E::StockReserved(e) => format!("reserved {} {}", e.line, self.lines(&e.picks)),
            E::StockRefused(e) => refused(e),
            E::ReservationReleased(e) => format!("released {} {}", e.line, self.lines(&e.picks)),
            E::CancelRefused(e) => format!("cancel refused {}", e.line),
            E::GoodsIssued(e) => self.issued(&e.issued, &e.beyond, &e.released),
            E::UpstreamIgnored(e) => format!("ignored {:?}", e.reason),
            E::AnswerRepeated(e) => format!("answered as in {}", e.first),
            E::TailLost(e) => format!("lost {} to {}", e.first, e.last),
        }
    }

    fn issued(&self, issued: &[StockLine], beyond: &[StockLine], released: &[StockLine]) -> String {
        format!("issued {} beyond [{}] released [{}]", self.lines(issued), self.lines(beyond), self.lines(released))
    }
}

fn refused(e: &StockRefused) -> String {
    let earliest = e.earliest.map_or(String::new(), |day| format!(", from {day}"));
    format!("refused {} {:?} {} of {}{earliest}", e.line, e.reason, e.available, e.requested)
}
