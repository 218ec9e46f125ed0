//! `demo`: plays the Tuoli scenario through gRPC, then shows the loop and a few households.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use loopledger_client::lang::pick;
use loopledger_client::record::to_json;
use loopledger_client::{Client, Failure, say, tr};
use loopledger_proto::ledger::v1::ListDivisionIncomeRequest;
use loopledger_types::CountyCode;
use unicode_width::UnicodeWidthStr as _;

use super::income::{Window, print_household};
use super::loops::{LoopArgs, print_loop};
use super::record::send_all;
use super::status::print_digest;
use crate::cli::DEFAULT_SERVER;
use crate::output::View;
use loopledger_scenario::{DEMO_WEEKS, last_day, play};

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
    server: &str,
    args: &DemoArgs,
) -> Result<(), Failure> {
    if let Some(path) = &args.write {
        return write_file(path, args);
    }
    let client = connect().await?;
    let total = u64::try_from(play(args.seed, args.households, args.weeks).count()).unwrap_or(0);
    let (year, month, _) = last_day(args.weeks).ymd();
    let (households, seed) = (args.households, args.seed);
    let view = View::table();
    // One line, not broken: programs wait for it.
    let text = tr!(
        "托里县 2020年4月至{year}年{month}月:{households} 户,40 个村级站点,{total} 行指令(种子 {seed})",
        "托里县 from April 2020 to {year}-{month:02}: {households} households, 40 village stations, {total} lines (seed {seed})"
    );
    say!("{text}")?;
    let lines = play(args.seed, args.households, args.weeks);
    let tally = send_all(&client, pick("演示", "demo"), total, lines).await?;
    let (new, found, barriers) = (tally.new, tally.found, tally.barriers);
    let text = tr!(
        "新记录 {new} 条,已有 {found} 条,同步点 {barriers} 个",
        "{new} recorded, {found} found, {barriers} barriers"
    );
    say!("{text}\n")?;
    show_outcome(&client, server, &view).await
}

/// The loop table, the income of a few households, and where to look further.
async fn show_outcome(client: &Client, server: &str, view: &View) -> Result<(), Failure> {
    print_loop(client, &LoopArgs::default(), view).await?;
    say!()?;
    let households = earning_households(client).await?;
    for household in households.iter().take(3) {
        print_household(client, household, Window::default(), view).await?;
        say!()?;
    }
    print_digest(client).await?;
    hints(server, client.county(), households.first().map(String::as_str), view)
}

/// Commands to go on with, for this server.
fn hints(server: &str, county: Option<CountyCode>, household: Option<&str>, view: &View) -> Result<(), Failure> {
    say!("\n{}", pick("接下来可以看:", "To look further:"))?;
    let server = if server == DEFAULT_SERVER { String::new() } else { format!(" --server {server}") };
    let at = server + &county.map(|county| format!(" --county {county}")).unwrap_or_default();
    let mut commands = Vec::new();
    if let Some(household) = household {
        let what = pick("这户的收入,以及每一分钱的依据", "what this household earned, and why");
        commands.push((format!("income --household {household}"), what));
    }
    commands.extend([
        ("income --division 654224202".to_owned(), pick("库普乡各户", "the households of 库普乡")),
        ("loop --division 654224202".to_owned(), pick("库普乡货物的流向", "where the goods of 库普乡 went")),
        ("status".to_owned(), pick("各数据流的位置与账本摘要", "heads of the streams, digests of the ledger")),
        ("rebuild".to_owned(), pick("从零重算,与现状比对", "the ledger rebuilt from zero and compared")),
    ]);
    commands.into_iter().try_for_each(|(command, what)| {
        let one_line = format!("  loopledger {command}{at}");
        let gap = if one_line.width() > view.width { " \\\n     " } else { "" };
        say!("  # {what}\n  loopledger {command}{gap}{at}")
    })
}

/// Households of the county with recognised net income, the most first.
async fn earning_households(client: &Client) -> Result<Vec<String>, Failure> {
    let mut rows: Vec<(i64, String)> = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListDivisionIncomeRequest {
            division_code: client.county().unwrap_or(CountyCode::TUOLI).to_string(),
            page_size: 1_000,
            page_token,
            ..ListDivisionIncomeRequest::default()
        };
        let answer = client.income()?.list_division_income(client.in_county(request)).await?.into_inner();
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
