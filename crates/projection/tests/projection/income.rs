//! Income of households and divisions is the ledger's own, with the facts that it rests on named by position and hash.

use loopledger_ledger::IncomeFilter;
use loopledger_proto::ledger::v1 as pb;
use loopledger_types::DivisionCode;

use crate::answers::{cooperative, ever, fact, households};
use crate::world::{LEDGER, World, heads};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn household_income_is_the_ledgers_with_every_line_behind_it() {
    let world = World::full().await;
    let mut earning = 0;
    for id in households() {
        let expected = LEDGER.household_income(id, ever()).unwrap();
        let request = pb::GetHouseholdIncomeRequest { household_id: id.to_string(), ..Default::default() };
        let answer = world.income().get_household_income(request).await.unwrap().into_inner();
        assert_eq!(answer.heads, heads());
        let total = answer.total.unwrap();
        assert_eq!(
            (total.gross_fen, total.cost_fen, total.net_fen, total.received_fen, total.facts),
            (
                expected.total.gross,
                expected.total.cost,
                expected.total.net(),
                expected.total.received,
                expected.total.lines
            )
        );
        assert_eq!(
            (answer.net_per_head_fen, answer.received_per_head_fen),
            (expected.net_per_head(), expected.received_per_head())
        );
        let months: Vec<_> = answer.by_month.iter().map(|row| (row.month.clone(), row.sums.unwrap().net_fen)).collect();
        assert_eq!(months, expected.by_month.iter().map(|(m, sums)| (m.to_string(), sums.net())).collect::<Vec<_>>());
        assert_eq!(answer.by_product.len(), expected.by_product.len());
        assert!(
            answer.by_product.iter().all(|row| row.product.as_ref().is_none_or(|product| !product.label.is_empty()))
        );
        let by_basis: i64 = answer.by_basis.iter().map(|row| row.sums.unwrap().gross_fen).sum();
        assert_eq!(by_basis, total.gross_fen);
        let by_station: i64 = answer.by_station.iter().map(|row| row.sums.unwrap().gross_fen).sum();
        assert_eq!(by_station, total.gross_fen);
        assert!(answer.by_station.iter().all(|row| !row.station.as_ref().unwrap().label.is_empty()));
        let household = answer.household.unwrap();
        assert_eq!(household.members, expected.household.members);
        assert!(household.division_name.chars().count() > 1 && household.category > 0, "{household:?}");

        let request =
            pb::ListIncomeLinesRequest { household_id: id.to_string(), page_size: 1_000, ..Default::default() };
        let answer = world.income().list_income_lines(request).await.unwrap().into_inner();
        let lines = LEDGER.income_lines(id, ever(), &IncomeFilter::default());
        assert_eq!((answer.heads, answer.lines.len()), (heads(), lines.len()));
        for (row, line) in answer.lines.iter().zip(&lines) {
            assert_eq!(row.fact, fact(line.at));
            assert_eq!((row.gross_fen, row.cost_fen, row.quantity), (line.gross, line.cost, line.quantity));
            assert_eq!(row.business_date, line.date.to_string());
            assert!(row.unit > 0 && !row.station.as_ref().unwrap().label.is_empty(), "{row:?}");
            assert_eq!(row.lot_id, line.lot.map(|lot| lot.to_string()).unwrap_or_default());
            assert!(row.payer.as_ref().is_some_and(|payer| !payer.label.is_empty()), "payers have names: {row:?}");
        }
        earning += usize::from(!lines.is_empty());
    }
    assert!(earning > 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_can_be_filtered_and_known_by_a_day() {
    let world = World::full().await;
    let id =
        households().into_iter().max_by_key(|id| LEDGER.household_income(*id, ever()).unwrap().total.lines).unwrap();
    let ask = |view: pb::IncomeView, month: &str, as_of: &str| pb::ListIncomeLinesRequest {
        household_id: id.to_string(),
        view: view.into(),
        month: month.into(),
        as_of: as_of.into(),
        ..Default::default()
    };
    let list = async |request| world.income().list_income_lines(request).await.unwrap().into_inner().lines;
    let recognised = list(ask(pb::IncomeView::Recognised, "", "")).await;
    assert!(!recognised.is_empty() && recognised.iter().all(|line| line.view() == pb::IncomeView::Recognised));
    let month = &recognised[0].business_date[..7];
    assert!(
        list(ask(pb::IncomeView::Unspecified, month, ""))
            .await
            .iter()
            .all(|line| line.business_date.starts_with(month))
    );
    let all = list(ask(pb::IncomeView::Unspecified, "", "")).await;
    assert_eq!(list(ask(pb::IncomeView::Unspecified, "", "2026-11-24")).await, all, "all of it was recorded by then");
}

/// Everything was recorded on 2026-11-24: on the day before no household existed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_of_a_day_a_household_registered_later_is_not_found() {
    let world = World::full().await;
    let (household, coop) = (households()[0].to_string(), cooperative().to_string());
    let product = LEDGER.products()[0].id.to_string();
    for (as_of, found) in [("2026-11-23", false), ("2026-11-24", true)] {
        let as_of = as_of.to_owned();
        let income = pb::GetHouseholdIncomeRequest {
            household_id: household.clone(),
            as_of: as_of.clone(),
            ..Default::default()
        };
        let lines =
            pb::ListIncomeLinesRequest { household_id: household.clone(), as_of: as_of.clone(), ..Default::default() };
        let statement = pb::GetStatementRequest {
            party_id: coop.clone(),
            month: "2020-05".into(),
            as_of: as_of.clone(),
            derived: true,
            ..Default::default()
        };
        let values = pb::ListLotValuesRequest {
            party_id: coop.clone(),
            product_id: product.clone(),
            as_of: as_of.clone(),
            ..Default::default()
        };
        let answers = [
            world.income().get_household_income(income).await.map(drop),
            world.income().list_income_lines(lines).await.map(drop),
            world.ledger().get_statement(statement).await.map(drop),
            world.ledger().list_lot_values(values).await.map(drop),
        ];
        for answer in answers {
            assert_eq!(answer.err().map(|status| status.code()), (!found).then_some(tonic::Code::NotFound), "{as_of}");
        }
        let division = pb::ListDivisionIncomeRequest { division_code: "654224".into(), as_of, ..Default::default() };
        let answer = world.income().list_division_income(division).await.unwrap().into_inner();
        assert_eq!((answer.households > 0, answer.members > 0, answer.rows.is_empty()), (found, found, !found));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn division_income_lists_every_household_once() {
    let world = World::full().await;
    for code in ["654224", "654224202"] {
        let division = DivisionCode::parse(code).unwrap();
        let expected = LEDGER.division_income(division, None, ever());
        let (mut rows, mut token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListDivisionIncomeRequest {
                division_code: code.into(),
                page_size: 7,
                page_token: token,
                ..Default::default()
            };
            let answer = world.income().list_division_income(request).await.unwrap().into_inner();
            assert_eq!((answer.households, answer.members), (expected.households.len() as u64, expected.members));
            let parts = answer.by_division.iter();
            let parts = parts.map(|part| (part.sums.unwrap().net_fen, part.members, part.division_name.is_empty()));
            let sum = parts.fold((0, 0), |sum, (net, members, is_nameless)| {
                assert!(!is_nameless, "every household stands in a village");
                (sum.0 + net, sum.1 + members)
            });
            assert_eq!(
                (sum, answer.division_edition.as_str()),
                ((expected.total.net(), expected.members), "2019-10-31")
            );
            assert_eq!(answer.total.unwrap().net_fen, expected.total.net());
            rows.extend(answer.rows);
            token = answer.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        let found: Vec<_> = rows
            .iter()
            .map(|row| (row.household.as_ref().unwrap().household_id.clone(), row.sums.unwrap().net_fen))
            .collect();
        let wanted: Vec<_> =
            expected.households.iter().map(|(party, sums)| (party.id.to_string(), sums.net())).collect();
        assert_eq!(found, wanted);
    }
}
