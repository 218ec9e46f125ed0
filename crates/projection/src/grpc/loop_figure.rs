//! The figures of the loop whose facts can be listed.

use loopledger_domain::FieldFault;
use loopledger_ledger::{GoodsAccount, LoopFigure, Payees, Way};
use loopledger_proto::ledger::v1 as pb;
use loopledger_types::Scope;
use loopledger_wire::query;

use super::fields::Fields;

pub(super) fn figure(fields: &mut Fields, request: &pb::ListLoopFactsRequest) -> Option<LoopFigure> {
    use GoodsAccount as G;
    use pb::LoopFigure as F;
    let scope: Option<Scope> = fields.take(query::optional_word("scope", request.scope))?;
    let figure = match F::try_from(request.figure) {
        Ok(F::Unspecified) => {
            fields.wrong("figure", FieldFault::Required, "This field must not be unspecified.");
            return None;
        }
        Err(_) => {
            fields.wrong("figure", FieldFault::UnknownValue, "There is no such figure.");
            return None;
        }
        Ok(F::Sales) => return Some(LoopFigure::Sales(scope)),
        Ok(F::Sold) => return Some(LoopFigure::Sold(scope)),
        Ok(F::Supply) => LoopFigure::Flow(G::Supply),
        Ok(F::BoughtIn) => LoopFigure::Flow(G::BoughtIn),
        Ok(F::Produced) => LoopFigure::Flow(G::Produced),
        Ok(F::Found) => LoopFigure::Flow(G::Found),
        Ok(F::Returned) => LoopFigure::Flow(G::Returned),
        Ok(F::Lost) => LoopFigure::Flow(G::Lost),
        Ok(F::OwnUse) => LoopFigure::Flow(G::OwnUse),
        Ok(F::Transformed) => LoopFigure::Flow(G::Transformed),
        Ok(F::OpeningStock) => LoopFigure::OpeningStock,
        Ok(F::ClosingStock) => LoopFigure::ClosingStock(None),
        Ok(F::Pending) => LoopFigure::ClosingStock(Some(G::Pending)),
        Ok(F::OnHand) => LoopFigure::ClosingStock(Some(G::OnHand)),
        Ok(F::Reserved) => LoopFigure::ClosingStock(Some(G::Reserved)),
        Ok(F::Quarantined) => LoopFigure::ClosingStock(Some(G::Quarantined)),
        Ok(F::InTransit) => LoopFigure::ClosingStock(Some(G::InTransit)),
        Ok(F::InProcess) => LoopFigure::ClosingStock(Some(G::InProcess)),
        Ok(F::GrossFlow) => LoopFigure::GrossFlow,
        Ok(F::Purchases) => LoopFigure::Purchases,
        Ok(F::SettledNet) => LoopFigure::SettledNet,
        Ok(F::PaidToProducers) => LoopFigure::PaidToProducers,
        Ok(F::BoughtInValue) => LoopFigure::BoughtInValue,
        Ok(F::PaymentDays) => LoopFigure::PaymentDays,
        Ok(F::PaidOut) => LoopFigure::PaidOut(Payees::All),
        Ok(F::PaidInCounty) => LoopFigure::PaidOut(Payees::County),
        Ok(F::OnlineSales) => LoopFigure::OnlineSales,
        Ok(F::Coverage) => LoopFigure::Coverage(None),
        Ok(F::MovedUp) => LoopFigure::Coverage(Some(Way::Up)),
        Ok(F::MovedDown) => LoopFigure::Coverage(Some(Way::Down)),
        Ok(F::Stations) => LoopFigure::Stations,
    };
    if scope.is_some() {
        fields.wrong("scope", FieldFault::NotApplicable, "Only sales and sold quantities have a scope.");
        return None;
    }
    Some(figure)
}
