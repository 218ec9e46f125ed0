//! Sites are opened: the county centre, hubs, front warehouses and outlets; the places of station are known.

use loopledger_facts::distribution::SiteOpened;
use loopledger_facts::station::StationOpened;
use loopledger_facts::{Occasion, PartyKind, PlaceKind};
use loopledger_rules::stock::{self, Checks, Place};
use loopledger_rules::{ApplyUpstream, Context, Decide, Evolve, FieldFault, Missing, Rejection, Rule, State};
use loopledger_types::{DivisionCode, PartyId, PlaceId, Service};

use crate::Distribution;

/// Creates a site (`PlaceId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSite {
    pub occasion: Occasion,
    pub kind: PlaceKind,
    pub division: DivisionCode,
    pub operator: PartyId,
    pub label: String,
}

impl Decide<Distribution> for OpenSite {
    type Fact = SiteOpened;

    fn keys(&self, missing: &mut Missing<'_, Distribution>) {
        missing.ask(stock::Key::Party(self.operator));
    }

    fn decide(&self, state: &State<Distribution>, context: &Context) -> Result<SiteOpened, Rejection> {
        let mut checks = Checks::new(&self.occasion, context);
        if self.kind.holder() != Service::Distribution {
            return Err(Rejection::broken(Rule::PlaceKindWrong, format!("{:?}", self.kind)));
        }
        let anywhere = matches!(self.kind, PlaceKind::FrontWarehouse | PlaceKind::Outlet);
        if !anywhere && self.division.county() != state.county {
            let description = "Only front warehouses and outlets may lie outside the county.";
            checks.refuse("division_code", FieldFault::OutsideCounty, description);
        }
        checks.pass()?;
        let operator = checks.party_ref(state, self.operator)?;
        checks.pass()?;
        // 寄递企业 run logistics sites; like co-ops and firms they have a book that custody stands in.
        if !operator.kind.trades() && operator.kind != PartyKind::Carrier {
            return Err(Rejection::broken(Rule::PartyCannotTrade, self.operator));
        }
        Ok(SiteOpened {
            occasion: self.occasion,
            site: PlaceId::derive(context.request_id, context.stream, 0),
            kind: self.kind,
            division: self.division,
            operator,
            label: self.label.clone(),
        })
    }
}

impl Evolve<Distribution> for SiteOpened {
    // It creates a place.
    fn keys(&self, _: &mut Missing<'_, Distribution>) {}

    fn evolve(&self, state: &mut State<Distribution>) {
        stock::open_place(state, self.site, Place::from(self));
    }
}

impl ApplyUpstream<Distribution> for StationOpened {
    fn keys(&self, _: &mut Missing<'_, Distribution>) {}

    fn apply_upstream(&self, state: &mut State<Distribution>) {
        stock::note_other_place(state, self.station, Place::from(self));
    }
}
