//! The first days of April: parties, products, places, households, contracts.

use loopledger_proto::common::v1::{
    BaseUnit as PbBaseUnit, ContractTerms, HouseholdCategory, Medium, OutrightTerms, PartyKind, PlaceKind,
    ProductClass, Relation, contract_terms,
};
use loopledger_proto::procurement::v1::record_request::Command as Procure;
use loopledger_proto::procurement::v1::{
    ContractLinkageRequest, RegisterHouseholdRequest, RegisterPartyRequest, RegisterProductRequest,
};
use loopledger_proto::sales::v1::OpenChannelRequest;
use loopledger_proto::sales::v1::record_request::Command as Sell;
use loopledger_proto::station::v1::OpenStationRequest;
use loopledger_proto::station::v1::record_request::Command as AtStation;
use loopledger_proto::{distribution, procurement};
use loopledger_types::{
    BaseUnit, BusinessDate, ChannelId, ContractId, DivisionCode, MemberId, PartyId, PlaceId, ProductId, Service, Unit,
    UnitPrice,
};

use super::script::{Script, price, quantity, stream};
use super::season::{Class, Deal, INDUSTRIAL, PRODUCE};
use super::world::{Goods, Household, Shop, Station, World, covered_villages};

/// Divisions outside the county where customers stand.
const URUMQI: &str = "650102";
const XIAN: &str = "610102";
const TACHENG: &str = "654201";
/// The county's main town, where the centre is.
const TOWN: &str = "654224100";

fn division(code: &str) -> DivisionCode {
    DivisionCode::parse(code).expect("the demo's codes are well formed")
}

/// Writes the registrations, and says what they created.
pub(crate) fn open_world(script: &mut Script, households: u32, last_day: BusinessDate) -> World {
    let mut party = |kind, code: &str, label: &str| register_party(script, kind, division(code), label);
    let chickpea_coop = party(PartyKind::Cooperative, TOWN, "托里县鹰嘴豆种植专业合作社");
    let safflower_coop = party(PartyKind::Cooperative, TOWN, "托里县红花种植专业合作社");
    let livestock_coop = party(PartyKind::Cooperative, TOWN, "巴什拜羊养殖专业合作社");
    let brand = party(PartyKind::Firm, TOWN, "牧原绿风电商运营公司");
    let network = party(PartyKind::Firm, TOWN, "托里县电商站点运营公司");
    let carrier = party(PartyKind::Carrier, TOWN, "托里县农村物流公司");
    let supplier = party(PartyKind::Supplier, URUMQI, "乌鲁木齐日用品批发");
    let shop_in_xian = party(PartyKind::Buyer, XIAN, "西安特产商行");
    let shop_in_tacheng = party(PartyKind::Buyer, TACHENG, "塔城社区团购");
    let produce: Vec<Goods> =
        PRODUCE.iter().map(|p| register_product(script, p.code, p.name, p.class, p.base)).collect();
    let industrial: Vec<Goods> = INDUSTRIAL
        .iter()
        .map(|(code, name, _, _)| register_product(script, code, name, Class::Industrial, BaseUnit::Piece))
        .collect();
    script.barrier();

    let stations = open_stations(script, network);
    let mut site = |kind, code: &str, label: &str| open_site(script, kind, division(code), brand, label);
    let centre = site(PlaceKind::CountyCentre, TOWN, "县域商品配送中心");
    let outlet = site(PlaceKind::Outlet, URUMQI, "乌鲁木齐直销点");
    let warehouse = site(PlaceKind::FrontWarehouse, XIAN, "西安前置仓");
    let online = open_channel(script, Medium::Online, brand, "牧原绿风微商城");
    let offline = open_channel(script, Medium::Offline, brand, "县域直营与团购");
    let mut households = register_households(script, &stations, households);
    script.barrier();
    let chickpea = produce.first().expect("the catalogue has it").id;
    contract_chickpea(script, (chickpea_coop, chickpea), last_day, &stations, &mut households);
    script.barrier();

    let shop = |place, customers: &str, buyer, online, orders| Shop {
        place,
        customers: division(customers),
        buyer,
        online,
        orders,
    };
    let shops = vec![
        shop(centre, TOWN, None, false, (10, 16)),
        shop(centre, TOWN, None, true, (6, 10)),
        shop(centre, TACHENG, Some(shop_in_tacheng), false, (2, 4)),
        shop(centre, "310101", None, true, (3, 6)),
        shop(outlet, URUMQI, None, false, (4, 8)),
        shop(warehouse, XIAN, Some(shop_in_xian), true, (3, 6)),
    ];
    World {
        chickpea_coop,
        safflower_coop,
        livestock_coop,
        brand,
        carrier,
        supplier,
        centre,
        outlet,
        warehouse,
        online,
        offline,
        stations,
        households,
        produce,
        industrial,
        shops,
    }
}

fn register_party(script: &mut Script, kind: PartyKind, division: DivisionCode, label: &str) -> PartyId {
    let request = script.request();
    let command = RegisterPartyRequest {
        request_id: request.to_string(),
        after: Vec::new(),
        occasion: script.occasion(division),
        kind: kind.into(),
        division_code: division.to_string(),
        label: label.to_owned(),
        county_code: String::new(),
    };
    script.procurement(Procure::RegisterParty(command));
    PartyId::derive(request, stream(Service::Procurement), 0)
}

fn register_product(script: &mut Script, code: &str, name: &str, class: Class, base: BaseUnit) -> Goods {
    let request = script.request();
    let command = RegisterProductRequest {
        request_id: request.to_string(),
        after: Vec::new(),
        occasion: script.occasion(division(TOWN)),
        code: code.to_owned(),
        name: name.to_owned(),
        product_class: match class {
            Class::Speciality => ProductClass::Speciality,
            Class::Handicraft => ProductClass::Handicraft,
            Class::Industrial => ProductClass::Industrial,
        }
        .into(),
        base_unit: match base {
            BaseUnit::Gram => PbBaseUnit::Gram,
            BaseUnit::Millilitre => PbBaseUnit::Millilitre,
            BaseUnit::Head => PbBaseUnit::Head,
            BaseUnit::Piece => PbBaseUnit::Piece,
        }
        .into(),
        county_code: String::new(),
    };
    script.procurement(Procure::RegisterProduct(command));
    Goods { id: ProductId::derive(request, stream(Service::Procurement), 0) }
}

fn open_stations(script: &mut Script, operator: PartyId) -> Vec<Station> {
    let mut stations = Vec::new();
    for village in covered_villages() {
        let request = script.request();
        let command = OpenStationRequest {
            request_id: request.to_string(),
            after: Vec::new(),
            occasion: script.occasion(village.code),
            kind: PlaceKind::Station.into(),
            division_code: village.code.to_string(),
            operator_id: operator.to_string(),
            label: format!("{}{}电商服务站", village.township_name, village.name.trim_end_matches("委会")),
            county_code: String::new(),
        };
        script.station(AtStation::OpenStation(command));
        stations.push(Station { id: PlaceId::derive(request, stream(Service::Station), 0), division: village.code });
    }
    stations
}

fn open_site(script: &mut Script, kind: PlaceKind, division: DivisionCode, operator: PartyId, label: &str) -> PlaceId {
    let request = script.request();
    let command = distribution::v1::OpenSiteRequest {
        request_id: request.to_string(),
        after: Vec::new(),
        occasion: script.occasion(division),
        kind: kind.into(),
        division_code: division.to_string(),
        operator_id: operator.to_string(),
        label: label.to_owned(),
        county_code: String::new(),
    };
    script.distribution(distribution::v1::record_request::Command::OpenSite(command));
    PlaceId::derive(request, stream(Service::Distribution), 0)
}

fn open_channel(script: &mut Script, medium: Medium, operator: PartyId, label: &str) -> ChannelId {
    let request = script.request();
    let command = OpenChannelRequest {
        request_id: request.to_string(),
        after: Vec::new(),
        occasion: script.occasion(division(TOWN)),
        medium: medium.into(),
        operator_id: operator.to_string(),
        label: label.to_owned(),
        county_code: String::new(),
    };
    script.sales(Sell::OpenChannel(command));
    ChannelId::derive(request, stream(Service::Sales), 0)
}

fn register_households(script: &mut Script, stations: &[Station], count: u32) -> Vec<Household> {
    let mut households = Vec::new();
    for (station, place) in
        (0..stations.len()).cycle().zip(stations.iter().cycle()).take(usize::try_from(count).unwrap_or(0))
    {
        let request = script.request();
        let members = members(script);
        let category = match script.dice.between(1, 100) {
            1..=45 => HouseholdCategory::RegisteredPoor,
            46..=60 => HouseholdCategory::Exited,
            61..=65 => HouseholdCategory::AtRisk,
            _ => HouseholdCategory::General,
        };
        let command = RegisterHouseholdRequest {
            request_id: request.to_string(),
            after: Vec::new(),
            occasion: script.occasion(place.division),
            division_code: place.division.to_string(),
            category: category.into(),
            members: members.into_iter().map(i32::from).collect(),
            county_code: String::new(),
        };
        script.procurement(Procure::RegisterHousehold(command));
        let products = (0..PRODUCE.len()).filter(|_| script.dice.chance(45)).collect();
        let procurement = stream(Service::Procurement);
        households.push(Household {
            id: PartyId::derive(request, procurement, 0),
            head: MemberId::derive(request, procurement, 0),
            station,
            division: place.division,
            contract: None,
            limited: false,
            products,
        });
    }
    households
}

fn members(script: &mut Script) -> Vec<Relation> {
    let mut members = vec![Relation::Head];
    let others =
        [Relation::Spouse, Relation::Child, Relation::Child, Relation::Parent, Relation::Parent, Relation::Other];
    let size = usize::try_from(script.dice.between(0, 5)).unwrap_or(0);
    members.extend(others.into_iter().take(size));
    members
}

/// What a contract that is limited at all takes of one household, in grams: some will bring more, and be declined.
pub(crate) const CONTRACT_MAX_GRAMS: i64 = 900_000;

fn contract_chickpea(
    script: &mut Script,
    (coop, product): (PartyId, ProductId),
    last_day: BusinessDate,
    stations: &[Station],
    households: &mut [Household],
) {
    let Some(catalogue) = PRODUCE.iter().find(|p| p.deal == Deal::Contract) else { return };
    let price_per_unit = UnitPrice { e4: catalogue.farm_price_e4, per: catalogue.unit };
    for household in households.iter_mut().filter(|household| household.products.contains(&0)) {
        let Some(station) = stations.get(household.station) else { continue };
        let request = script.request();
        let limited = script.dice.chance(8);
        household.limited = limited;
        let terms = contract_terms::Terms::Outright(OutrightTerms { price: price(price_per_unit) });
        let command = ContractLinkageRequest {
            request_id: request.to_string(),
            after: Vec::new(),
            occasion: script.occasion(household.division),
            firm_id: coop.to_string(),
            station_id: station.id.to_string(),
            producer_id: household.id.to_string(),
            product_id: product.to_string(),
            terms: Some(ContractTerms { terms: Some(terms) }),
            valid_from: "2020-04-01".to_owned(),
            valid_to: last_day.to_string(),
            quantity_max: limited.then(|| quantity(CONTRACT_MAX_GRAMS, Unit::Gram)).flatten(),
            county_code: String::new(),
        };
        script.procurement(procurement::v1::record_request::Command::ContractLinkage(command));
        household.contract = Some(ContractId::derive(request, stream(Service::Procurement), 0));
    }
}
