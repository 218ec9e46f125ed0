//! Queries: one household's income by month.

use std::time::Instant;

use loopledger_client::{Client, Failure, say};
use loopledger_dice::Dice;
use loopledger_proto::ledger::v1::{GetHouseholdIncomeRequest, ListDivisionIncomeRequest};

use loopledger_types::CountyCode;

use super::county::{Collections, commits_settled, households, open};
use super::latency::{Latencies, rate};
use super::writes::{Written, stream};

#[derive(Debug, Clone, clap::Args)]
pub struct IncomeArgs {
    /// Queries to ask.
    #[arg(long, default_value_t = 50_000)]
    queries: u64,
    /// The same seed asks the same.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Registers so many households first and buys something of each in every month; 0: those that are there.
    #[arg(long, default_value_t = 0)]
    households: u32,
    /// Months to fill.
    #[arg(long, default_value_t = 12)]
    months: u32,
}

pub(super) async fn income(client: &Client, args: &IncomeArgs) -> Result<(), Failure> {
    let households = if args.households == 0 { all_households(client).await? } else { fill(client, args).await? };
    let Some(last) = households.len().checked_sub(1) else {
        return Err(Failure::Refused("there is no household to ask about".to_owned()));
    };
    let mut dice = Dice::new(args.seed);
    let mut service = client.income()?;
    let mut latencies = Latencies::default();
    let mut months = 0_usize;
    let began = Instant::now();
    for _ in 0..args.queries {
        let index = usize::try_from(dice.between(0, i64::try_from(last).unwrap_or(0))).unwrap_or(0);
        let household_id = households.get(index).cloned().unwrap_or_default();
        let asked = Instant::now();
        let request = client.in_county(GetHouseholdIncomeRequest { household_id, ..Default::default() });
        let answer = service.get_household_income(request).await?;
        latencies.add(asked.elapsed());
        months = months.saturating_add(answer.get_ref().by_month.len());
    }
    let took = began.elapsed();
    let mean = months.saturating_mul(10).checked_div(latencies.len()).unwrap_or(0);
    say!(
        "income: {} queries over {} households, {}.{} months each",
        latencies.len(),
        households.len(),
        mean / 10,
        mean % 10
    )?;
    say!("  {}/s, {}", rate(args.queries, took), latencies.summary())?;
    Ok(())
}

/// A purchase of every household in every month, when all of it is in the ledger.
async fn fill(client: &Client, args: &IncomeArgs) -> Result<Vec<String>, Failure> {
    open(client, args.seed, args.households).await?;
    let households = households(client.county(), args.seed, args.households);
    let ids = households.iter().map(|household| household.id.to_string()).collect();
    let collections =
        Collections::new(client.county(), args.seed, args.households, args.seed).monthly(households, args.months);
    let Written { recorded, refused, last } = stream(client, collections).await?;
    let commits = commits_settled(client, last).await?;
    say!("filled: {recorded} purchases, {refused} refused, {commits} commits")?;
    Ok(ids)
}

async fn all_households(client: &Client) -> Result<Vec<String>, Failure> {
    let mut service = client.income()?;
    let (mut households, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListDivisionIncomeRequest {
            page_size: 1_000,
            page_token,
            division_code: client.county().unwrap_or(CountyCode::TUOLI).to_string(),
            ..ListDivisionIncomeRequest::default()
        };
        let answer = service.list_division_income(client.in_county(request)).await?.into_inner();
        households.extend(answer.rows.into_iter().filter_map(|row| Some(row.household?.household_id)));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return Ok(households);
        }
    }
}
