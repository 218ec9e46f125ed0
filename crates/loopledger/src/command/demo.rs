//! `demo`: plays the Tuoli scenario through gRPC, then shows the loop and a few households.

use std::fs::File;
use std::io::{self, BufWriter, Write, stdout};
use std::path::PathBuf;

use loopledger_proto::ledger::v1::ListDivisionIncomeRequest;

use super::income::print_household;
use super::loops::print_loop;
use super::record::send_all;
use super::status::print_digest;
use crate::client::Client;
use crate::demo::{DEMO_WEEKS, last_day, play};
use crate::exit::Failure;
use crate::output::{Format, say};
use crate::record::to_json;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DemoArgs {
    /// Households, spread over the 40 stations.
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub(crate) households: u32,
    /// The same seed plays the same year.
    #[arg(long, default_value_t = 2020)]
    pub(crate) seed: u64,
    /// Weeks from April 2020 on.
    #[arg(long, default_value_t = DEMO_WEEKS, value_parser = clap::value_parser!(i32).range(1..=340))]
    pub(crate) weeks: i32,
    /// Writes the commands to this file, for `record`, instead of sending them.
    #[arg(long)]
    pub(crate) write: Option<PathBuf>,
}

pub(crate) async fn demo(
    connect: impl AsyncFnOnce() -> Result<Client, Failure>,
    args: &DemoArgs,
) -> Result<(), Failure> {
    if let Some(path) = &args.write {
        return write_file(path, args);
    }
    let client = connect().await?;
    let total = u64::try_from(play(args.seed, args.households, args.weeks).count()).unwrap_or(0);
    let (year, month, _) = last_day(args.weeks).ymd();
    let until = if year == 2020 { format!("{month}月") } else { format!("{year}年{month}月") };
    say!("托里县 2020年4月至{until}:{} 户,40 个村级站点,{total} 行指令(种子 {})", args.households, args.seed)?;
    let tally = send_all(&client, "演示", total, play(args.seed, args.households, args.weeks)).await?;
    say!("已记录 {} 条,同步点 {} 个\n", tally.recorded, tally.barriers)?;
    show_outcome(&client).await
}

/// The loop table, the income of a few households, and where to look further.
async fn show_outcome(client: &Client) -> Result<(), Failure> {
    print_loop(client, "", "", "", Format::Table, &mut stdout()).await?;
    say!()?;
    let households = earning_households(client).await?;
    for household in households.iter().take(3) {
        print_household(client, household, ("", "", "")).await?;
        say!()?;
    }
    print_digest(client).await?;
    say!("\n接下来可以看:")?;
    if let Some(household) = households.first() {
        say!("  loopledger income --household {household}        这户的收入,以及每一分钱的依据")?;
    }
    say!("  loopledger income --division 654224202           库普乡各户")?;
    say!("  loopledger loop --division 654224202             库普乡货物的流向")?;
    say!("  loopledger status --format json                  各数据流的位置与账本摘要")?;
    say!("  loopledger rebuild                               从零重算,与现状比对")?;
    Ok(())
}

/// Households of the county with recognised net income, the most first.
async fn earning_households(client: &Client) -> Result<Vec<String>, Failure> {
    let mut rows: Vec<(i64, String)> = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListDivisionIncomeRequest {
            division_code: "654224".to_owned(),
            page_size: 1_000,
            page_token,
            ..ListDivisionIncomeRequest::default()
        };
        let answer = client.income()?.list_division_income(request).await?.into_inner();
        let sums = answer.rows.into_iter().filter_map(|row| Some((row.sums?.net_fen, row.household?.household_id)));
        rows.extend(sums.filter(|(net, _)| *net > 0));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            rows.sort_unstable_by(|a, b| b.cmp(a));
            return Ok(rows.into_iter().map(|(_, household)| household).collect());
        }
    }
}

fn write_file(path: &PathBuf, args: &DemoArgs) -> Result<(), Failure> {
    let created = File::create(path).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
    let wrong = |error: io::Error| Failure::refused(&path.display().to_string(), &error);
    let mut file = BufWriter::new(created);
    for line in play(args.seed, args.households, args.weeks) {
        writeln!(file, "{}", to_json(&line)?).map_err(wrong)?;
    }
    file.flush().map_err(wrong)
}
