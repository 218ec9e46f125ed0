//! Stations and workshops are opened; the sites of distribution are known.

use loopledger_facts::distribution::SiteOpened;
use loopledger_facts::station::StationOpened;
use loopledger_facts::{Occasion, PlaceKind};
use loopledger_rules::stock::{self, Checks, Place};
use loopledger_rules::{ApplyUpstream, Context, Decide, Evolve, Missing, Rejection, Rule, State};
use loopledger_types::{DivisionCode, PartyId, PlaceId, Service};

use crate::Station;

/// Creates a station or workshop (`PlaceId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenStation {
    pub occasion: Occasion,
    pub kind: PlaceKind,
    pub division: DivisionCode,
    pub operator: PartyId,
    pub label: String,
}

impl Decide<Station> for OpenStation {
    type Fact = StationOpened;

    fn keys(&self, missing: &mut Missing<'_, Station>) {
        missing.ask(stock::Key::Party(self.operator));
    }

    fn decide(&self, state: &State<Station>, context: &Context) -> Result<StationOpened, Rejection> {
        let mut checks = Checks::new(&self.occasion, context);
        checks.pass()?;
        if self.kind.holder() != Service::Station {
            return Err(Rejection::broken(Rule::PlaceKindWrong, format!("{:?}", self.kind)));
        }
        if !self.division.is_village() || self.division.county() != state.county {
            return Err(Rejection::broken(Rule::StationNotInVillage, self.division));
        }
        let operator = checks.party_ref(state, self.operator)?;
        checks.pass()?;
        let operator = stock::trades(operator)?;
        Ok(StationOpened {
            occasion: self.occasion,
            station: PlaceId::derive(context.request_id, context.stream, 0),
            kind: self.kind,
            division: self.division,
            operator,
            label: self.label.clone(),
        })
    }
}

impl Evolve<Station> for StationOpened {
    // It creates a place.
    fn keys(&self, _: &mut Missing<'_, Station>) {}

    fn evolve(&self, state: &mut State<Station>) {
        stock::open_place(state, self.station, Place::from(self));
    }
}

impl ApplyUpstream<Station> for SiteOpened {
    fn keys(&self, _: &mut Missing<'_, Station>) {}

    fn apply_upstream(&self, state: &mut State<Station>) {
        stock::note_other_place(state, self.site, Place::from(self));
    }
}
