//! How what comes of test lines of procurement and sales is said.

use loopledger_domain::procurement::{self, PayableSource};
use loopledger_domain::{Event, sales};

use crate::market::Market;

impl Market {
    pub(crate) fn describe(&self, event: &Event) -> String {
        match event {
            Event::Procurement(event) => self.describe_procurement(event),
            Event::Sales(event) => self.describe_sales(event),
            Event::Station(_) | Event::Distribution(_) => panic!("not an event of these services"),
        }
    }

    fn describe_procurement(&self, event: &procurement::Event) -> String {
        use procurement::Event as E;
        match event {
            E::HouseholdRegistered(e) => format!("household in {} of {} from {}", e.division, e.members.len(), e.from),
            E::HouseholdCategoryChanged(e) => format!("{:?} from {}", e.category, e.from),
            E::MemberJoined(e) => format!("{:?} joined on {}", e.member.relation, e.member.from),
            E::MemberLeft(e) => format!("{} left on {}", self.name(e.member.0), e.from),
            E::HouseholdRelocated(e) => format!("in {} from {}", e.division, e.from),
            E::PartyRegistered(e) => format!("{:?} in {}", e.party.kind, e.division),
            E::ProductRegistered(e) => format!("{} by {:?}", e.code, e.base),
            E::LinkageContracted(e) => {
                format!("{} takes {} of {}", self.name(e.firm.id.0), self.name(e.product.0), self.name(e.producer.id.0))
            }
            E::PurchaseAccepted(e) => format!("bought {} for {}", e.quantity, e.amount),
            E::PurchaseDeclined(e) => {
                let left = e.quantity_left.map_or(String::new(), |left| format!(", {left} left"));
                format!("declined {:?}{left}", e.reason)
            }
            E::PayableOpened(e) => {
                let source = match e.source {
                    PayableSource::Purchase { .. } => "purchase",
                    PayableSource::Settlement { .. } => "settlement",
                    PayableSource::Freight { .. } => "freight",
                    PayableSource::BoughtIn { .. } => "goods",
                };
                format!("{} owed to {} of {} for {source}", e.amount, self.name(e.payee.id.0), e.payee_division)
            }
            E::PayoutMade(e) => {
                let items = e.items.iter().map(|item| format!("{} {}", self.name(item.payable.0), item.amount));
                format!("paid {} in {}: {}", e.amount, e.payee_division, items.collect::<Vec<_>>().join(", "))
            }
            E::PayoutFailed(e) => format!("{} did not arrive", e.original.amount),
            E::UpstreamIgnored(e) => format!("ignored {:?}", e.reason),
            E::AnswerRepeated(e) => format!("answered as in {}", e.first),
            E::TailLost(e) => format!("lost {} to {}", e.first, e.last),
        }
    }

    fn describe_sales(&self, event: &sales::Event) -> String {
        use sales::Event as E;
        match event {
            E::ChannelOpened(e) => format!("{:?} by {}", e.medium, self.name(e.operator.id.0)),
            E::OrderPlaced(e) => {
                let lines = e.lines.iter().map(|line| format!("{} from {}", line.amount, line.holder));
                format!("ordered {} to {:?}", lines.collect::<Vec<_>>().join(", "), e.buyer.scope)
            }
            E::OrderLineCancelled(e) => {
                let why = e.refusal.map_or(String::new(), |refusal| format!(" {refusal:?}"));
                format!("{} cancelled{why}", e.line)
            }
            E::CancellationRequested(e) => format!("{} to be released at {}", e.line, self.name(e.place.0)),
            E::OrderLineStands(e) => format!("{} stands", e.line),
            E::OrderFulfilled(e) => {
                let part = |part: &sales::FulfilledPart| format!("{} {}", self.name(part.stock.lot.0), part.amount);
                let parts: Vec<String> = e.parts.iter().map(part).collect();
                format!("sold {} for {} ({} prepaid): {}", e.quantity, e.amount, e.from_prepayment, parts.join(", "))
            }
            E::PaymentReceived(e) => format!("{} for goods, {} ahead", e.applied, e.prepaid),
            E::PrepaymentReturned(e) => format!("{} given back", e.amount),
            E::ConsignmentSettled(e) => e.lines.iter().map(|line| self.settled(line)).collect::<Vec<_>>().join("; "),
            E::UpstreamIgnored(e) => format!("ignored {:?}", e.reason),
            E::AnswerRepeated(e) => format!("answered as in {}", e.first),
            E::TailLost(e) => format!("lost {} to {}", e.first, e.last),
        }
    }

    fn settled(&self, line: &sales::SettledLine) -> String {
        let charges: Vec<String> = line.charges.iter().map(|charge| format!(" - {}", charge.amount)).collect();
        format!(
            "{} {} {}/{}: {} - {}{} = {}",
            self.name(line.lot.0),
            self.name(line.producer.id.0),
            line.quantity,
            line.source_quantity,
            line.gross,
            line.commission,
            charges.concat(),
            line.net
        )
    }
}
