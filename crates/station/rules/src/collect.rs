//! Collecting: goods come in from a producer against a receipt, on terms that are stated or a contract's. Consigned goods
//! are on hand at once; of an outright purchase they wait for the buyer (`purchase`).

use loopledger_facts::procurement::ContractTerms;
use loopledger_facts::station::GoodsCollected;
use loopledger_facts::{Age, Measure, Occasion, Origin, PartyKind, PartyRef, StockLine, Terms};
use loopledger_rules::stock::{self, Bucket, Checks, found};
use loopledger_rules::{Context, Decide, Evolve, Missing, Rejection, Rule, State, same_number, with};
use loopledger_types::{
    BaseUnit, ContractId, EntityKind, LotId, MemberId, Money, NumberId, PartyId, PlaceId, ProductId, Quantity,
    ReceiptId,
};

use crate::contracts::Contract;
use crate::purchase::PendingReceipt;
use crate::{Entity, Key, Station, StationState as _};

/// Creates a receipt (`ReceiptId` index 0) and a lot (`LotId` index 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectGoods {
    pub occasion: Occasion,
    pub station: PlaceId,
    pub producer: PartyId,
    pub member: Option<MemberId>,
    pub product: ProductId,
    pub terms: CollectTerms,
    pub receipt_number: String,
    /// The receipt that has the same number, if that is meant.
    pub same_number_as: Option<ReceiptId>,
    pub lot_label: String,
    pub grade: String,
    pub gross: Measure,
    pub tare: Measure,
    pub moisture: Measure,
    pub impurity: Measure,
    pub live_weight_grams: Option<u64>,
}

/// The terms of a collection: those of a contract, or stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CollectTerms {
    Contract(ContractId),
    Stated { principal: PartyId, terms: ContractTerms },
}

impl CollectGoods {
    fn number(&self) -> Option<NumberId> {
        NumberId::new(self.station.0, self.occasion.business_date, &self.receipt_number)
    }
}

impl Decide<Station> for CollectGoods {
    type Fact = GoodsCollected;

    fn keys(&self, missing: &mut Missing<'_, Station>) {
        missing.ask(stock::Key::Place(self.station));
        missing.ask(stock::Key::Party(self.producer));
        missing.ask(stock::Key::Product(self.product));
        missing.ask_all(self.number().map(Key::Number));
        if self.member.is_some() {
            missing.ask(Key::Members(self.producer));
        }
        match self.terms {
            CollectTerms::Contract(id) => {
                missing.ask(Key::Contract(id));
                missing.ask(Key::Collected(id));
                if let Some(contract) = missing.state().contract(id) {
                    missing.ask(stock::Key::Party(contract.firm.id));
                }
            }
            CollectTerms::Stated { principal, .. } => missing.ask(stock::Key::Party(principal)),
        }
    }

    fn decide(&self, state: &State<Station>, context: &Context) -> Result<GoodsCollected, Rejection> {
        let mut checks = Checks::new(&self.occasion, context);
        let day = self.occasion.business_date;
        let station = checks.place(state, self.station)?;
        let producer = checks.party(state, self.producer)?;
        let product = checks.product(state, self.product)?;
        let basis = basis(&mut checks, state, self)?;
        units(&mut checks, self, product);
        checks.pass()?;

        if !matches!(producer.kind, PartyKind::Household | PartyKind::Cooperative) {
            return Err(Rejection::broken(Rule::PartyNotProducer, self.producer));
        }
        let producer_ref = PartyRef { id: self.producer, kind: producer.kind };
        check_member(state, self, producer.kind)?;
        let terms = terms(self, &basis)?;
        if terms.principal().id == self.producer {
            return Err(Rejection::broken(Rule::SellerIsBuyer, self.producer));
        }
        let net = net(self)?;
        let amount = amount(&mut checks, self, &terms, net);
        checks.pass()?;
        if let Basis::Contract(id, contract) = basis {
            within_contract(state, id, contract, net)?;
        }
        let number = self.number();
        let receipts = number.map_or(&[][..], |number| state.numbered(number));
        let same_number_as = same_number(receipts, self.same_number_as, &self.receipt_number)?;
        let origin = Origin {
            receipt: ReceiptId::derive(context.request_id, context.stream, 0),
            producer: producer_ref,
            division: producer.division_on(day),
            terms,
            quantity: net,
            source_quantity: net,
        };
        Ok(GoodsCollected {
            occasion: self.occasion,
            lot: LotId::derive(context.request_id, context.stream, 0),
            origin,
            station: self.station,
            custodian: station.operator.id,
            product: self.product,
            member: self.member,
            receipt_number: self.receipt_number.clone(),
            lot_label: self.lot_label.clone(),
            grade: self.grade.clone(),
            gross: self.gross.quantity,
            tare: self.tare.quantity,
            moisture: self.moisture.quantity,
            impurity: self.impurity.quantity,
            live_weight_grams: self.live_weight_grams,
            amount,
            same_number_as,
        })
    }
}

/// What the terms rest on: a contract that exists, or a party that exists.
enum Basis<'s> {
    Contract(ContractId, &'s Contract),
    Stated(PartyRef, ContractTerms),
}

fn basis<'s>(checks: &mut Checks, state: &'s State<Station>, command: &CollectGoods) -> Result<Basis<'s>, Rejection> {
    match command.terms {
        CollectTerms::Contract(id) => {
            let contract = found(state.contract(id), EntityKind::Contract, id)?;
            checks.party(state, contract.firm.id)?;
            Ok(Basis::Contract(id, contract))
        }
        CollectTerms::Stated { principal, terms } => Ok(Basis::Stated(checks.party_ref(state, principal)?, terms)),
    }
}

fn units(checks: &mut Checks, command: &CollectGoods, product: BaseUnit) {
    checks.unit("gross", command.gross, product);
    checks.unit("tare", command.tare, product);
    checks.unit("moisture", command.moisture, product);
    checks.unit("impurity", command.impurity, product);
    if let CollectTerms::Stated { terms, .. } = command.terms {
        match terms {
            ContractTerms::Outright { price }
            | ContractTerms::AgreedPrice { price }
            | ContractTerms::Commission { price_basis: Some(price), .. } => {
                checks.price_unit(price_field(&terms), price, product);
            }
            ContractTerms::Commission { price_basis: None, .. } => {}
        }
    }
}

/// Where the request states the price of such terms.
const fn price_field(terms: &ContractTerms) -> &'static str {
    match terms {
        ContractTerms::Outright { .. } => "stated.terms.outright.price",
        ContractTerms::AgreedPrice { .. } => "stated.terms.agreed_price.price",
        ContractTerms::Commission { .. } => "stated.terms.commission.price_basis",
    }
}

fn check_member(state: &State<Station>, command: &CollectGoods, kind: PartyKind) -> Result<(), Rejection> {
    let Some(member) = command.member else { return Ok(()) };
    if kind != PartyKind::Household {
        return Err(Rejection::broken(Rule::NotAHousehold, command.producer));
    }
    let day = command.occasion.business_date;
    let members = state.members(command.producer);
    if let Some(later) = members.iter().find(|known| known.member == member && day < known.from) {
        return Err(Rejection::too_early(member, later.from));
    }
    let belongs = members
        .iter()
        .any(|known| known.member == member && known.from <= day && known.until.is_none_or(|until| day < until));
    if belongs { Ok(()) } else { Err(Rejection::broken(Rule::MemberNotIn, member)) }
}

/// The terms of the collection, if they may apply.
fn terms(command: &CollectGoods, basis: &Basis<'_>) -> Result<Terms, Rejection> {
    match *basis {
        Basis::Contract(id, contract) => {
            let same = contract.producer == command.producer
                && contract.station == command.station
                && contract.product == command.product;
            if !same {
                return Err(Rejection::broken(Rule::ContractMismatch, id));
            }
            if !(contract.valid_from..=contract.valid_to).contains(&command.occasion.business_date) {
                return Err(Rejection::broken(Rule::ContractNotInForce, id)
                    .with("valid_from", contract.valid_from)
                    .with("valid_to", contract.valid_to));
            }
            Ok(terms_of(contract.firm, contract.terms, Some(id)))
        }
        Basis::Stated(principal, _) if !principal.kind.trades() => {
            Err(Rejection::broken(Rule::PartyCannotTrade, principal.id))
        }
        Basis::Stated(principal, terms) => Ok(terms_of(principal, terms, None)),
    }
}

const fn terms_of(principal: PartyRef, terms: ContractTerms, contract: Option<ContractId>) -> Terms {
    match terms {
        ContractTerms::Outright { price } => Terms::Outright { buyer: principal, price, contract },
        ContractTerms::AgreedPrice { price } => Terms::AgreedPrice { consignee: principal, price, contract },
        ContractTerms::Commission { commission_bp, price_basis } => {
            Terms::Commission { consignee: principal, commission_bp, price_basis, contract }
        }
    }
}

/// Gross less tare and deductions.
fn net(command: &CollectGoods) -> Result<Quantity, Rejection> {
    let deductions = [command.tare, command.moisture, command.impurity];
    let net = deductions.iter().try_fold(command.gross.quantity, |left, part| left.checked_sub(part.quantity));
    net.filter(|net| net.is_positive()).ok_or_else(|| {
        let deducted = deductions.iter().fold(0_i64, |sum, part| sum.saturating_add(part.quantity.0));
        Rejection::broken(Rule::DeductionsExceedGross, &command.receipt_number)
            .with("gross", command.gross.quantity)
            .with("deducted", deducted)
    })
}

/// Consigned goods are taken whole while the contract's quantity lasts. Of an outright purchase the buyer decides, in
/// procurement.
fn within_contract(
    state: &State<Station>,
    id: ContractId,
    contract: &Contract,
    net: Quantity,
) -> Result<(), Rejection> {
    let consigned = !matches!(contract.terms, ContractTerms::Outright { .. });
    let Some(max) = contract.quantity_max.filter(|_| consigned) else { return Ok(()) };
    let left = max.checked_sub(state.collected(id)).expect("both are far below 2^63");
    if net > left {
        let rejection = Rejection::broken(Rule::ContractUsedUp, id);
        return Err(rejection.with("quantity_max", max).with("left", left).with("quantity", net));
    }
    Ok(())
}

/// What the goods come to, of an outright purchase; a price agreed for later must come to an amount as well.
fn amount(checks: &mut Checks, command: &CollectGoods, terms: &Terms, net: Quantity) -> Option<Money> {
    let field = match &command.terms {
        CollectTerms::Contract(_) => "gross",
        CollectTerms::Stated { terms, .. } => price_field(terms),
    };
    match *terms {
        Terms::Outright { price, .. } => Some(checks.amount(field, price, net)),
        Terms::AgreedPrice { price, .. } | Terms::Commission { price_basis: Some(price), .. } => {
            checks.amount(field, price, net);
            None
        }
        Terms::Commission { price_basis: None, .. } => None,
    }
}

impl Evolve<Station> for GoodsCollected {
    fn keys(&self, missing: &mut Missing<'_, Station>) {
        missing.ask_all(self.origin.terms.contract().map(Key::Collected));
        let number = NumberId::new(self.station.0, self.occasion.business_date, &self.receipt_number);
        missing.ask_all(number.map(Key::Number));
    }

    fn evolve(&self, state: &mut State<Station>) {
        let day = self.occasion.business_date;
        let line = StockLine {
            lot: self.lot,
            pool: 0,
            product: self.product,
            title: self.origin.terms.title(),
            collected_on: day,
            quantity: self.origin.quantity,
        };
        let age = Age::new(&self.occasion, &self.receipt_number);
        let number = NumberId::new(self.station.0, day, &self.receipt_number);
        if let Some(number) = number {
            let receipts = with(state.numbered(number), self.origin.receipt, day);
            state.entities.put(Key::Number(number), Entity::Number(receipts));
        }
        match self.origin.terms {
            Terms::Outright { .. } => {
                stock::begin(state, (self.station, day), &line, age, Bucket::Pending);
                let receipt = PendingReceipt {
                    place: self.station,
                    producer: self.origin.producer,
                    line,
                    number,
                    answered: false,
                };
                state.entities.put(Key::Receipt(self.origin.receipt), Entity::Receipt(Box::new(receipt)));
            }
            Terms::AgreedPrice { contract, .. } | Terms::Commission { contract, .. } => {
                stock::begin(state, (self.station, day), &line, age, Bucket::OnHand);
                if let Some(id) = contract {
                    let collected = state.collected(id).checked_add(line.quantity);
                    let collected = collected.expect("what one contract covers stays far below 2^63");
                    state.entities.put(Key::Collected(id), Entity::Collected(collected));
                }
            }
        }
    }
}
