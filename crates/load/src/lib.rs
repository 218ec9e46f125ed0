//! The load generator for a running server. It measures what is acknowledged, never what is sent, and how long
//! it takes until everything that follows is in the ledger.

mod county;
mod latency;
mod queries;
mod writes;

use loopledger_client::{Client, Failure};
use loopledger_types::CountyCode;

/// What is measured, and with how much.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Bench {
    /// One bulk stream of collections to the station service, and the reactions to them.
    Bulk(writes::BulkArgs),
    /// Unary collections over a number of connections, one in flight on each.
    Unary(writes::UnaryArgs),
    /// One household's income by month, over and over, at random.
    Income(queries::IncomeArgs),
}

/// Loads a county of the server that `server` names, as [`Client::connect`] reads it, and prints what it measured.
pub async fn bench(server: &str, county: Option<CountyCode>, bench: &Bench) -> Result<(), Failure> {
    let client = Client::connect(server).await?.of_county(county);
    match bench {
        Bench::Bulk(args) => writes::bulk(&client, args).await,
        Bench::Unary(args) => writes::unary(&client, server, args).await,
        Bench::Income(args) => queries::income(&client, args).await,
    }
}
