//! Inspecting: what a test found of a lot is recorded. Nothing becomes of the goods by it.

use loopledger_facts::Occasion;
use loopledger_facts::station::GoodsInspected;
use loopledger_rules::stock::{self, CellKey, Checks};
use loopledger_rules::{Context, Decide, Evolve, Missing, Rejection, Rule, State};
use loopledger_types::{LotId, PlaceId};

use crate::Station;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectGoods {
    pub occasion: Occasion,
    /// Where the sample was taken.
    pub station: PlaceId,
    pub lot: LotId,
    pub test: String,
    pub passed: bool,
    pub finding: String,
    pub laboratory_code: String,
    pub report_hash: Option<[u8; 32]>,
}

impl InspectGoods {
    /// A station knows a lot by what lies or lay there, by what left another one, and by what distribution bought in.
    const fn cell(&self) -> CellKey {
        CellKey { place: self.station, lot: self.lot, pool: 0 }
    }
}

impl Decide<Station> for InspectGoods {
    type Fact = GoodsInspected;

    fn keys(&self, missing: &mut Missing<'_, Station>) {
        missing.ask(stock::Key::Place(self.station));
        missing.ask(stock::Key::Cell(self.cell()));
        missing.ask(stock::Key::Lot(self.lot));
    }

    fn decide(&self, state: &State<Station>, context: &Context) -> Result<GoodsInspected, Rejection> {
        let mut checks = Checks::new(&self.occasion, context);
        checks.place(state, self.station)?;
        let age = state.cell(self.cell()).map(|cell| &cell.age).or_else(|| state.lot(self.lot));
        let Some(age) = age else { return Err(Rejection::broken(Rule::LotNotHere, self.lot)) };
        checks.rests_on(age.day, self.lot);
        checks.pass()?;
        Ok(GoodsInspected {
            occasion: self.occasion,
            station: self.station,
            lot: self.lot,
            test: self.test.clone(),
            passed: self.passed,
            finding: self.finding.clone(),
            laboratory_code: self.laboratory_code.clone(),
            report_hash: self.report_hash,
        })
    }
}

impl Evolve<Station> for GoodsInspected {
    // The ledger remembers it.
    fn keys(&self, _: &mut Missing<'_, Station>) {}

    fn evolve(&self, _: &mut State<Station>) {}
}
