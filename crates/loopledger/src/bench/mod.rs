//! `bench`: a load generator for a running server. It measures what is acknowledged, never what is sent, and says how
//! far the ledger is when the last answer comes.

mod county;
mod latency;
mod load;
mod queries;

use crate::cli::Server;
use crate::client::Client;
use crate::exit::Failure;

#[derive(Debug, Clone, clap::Subcommand)]
pub(crate) enum Bench {
    /// One bulk stream of collections to the station service, and the reactions to them.
    Bulk(load::BulkArgs),
    /// Unary collections over a number of connections, one in flight on each.
    Unary(load::UnaryArgs),
    /// One household's income by month, over and over, at random.
    Income(queries::IncomeArgs),
}

pub(crate) async fn bench(server: &Server, bench: &Bench) -> Result<(), Failure> {
    let client = Client::connect(&server.server).await?;
    match bench {
        Bench::Bulk(args) => load::bulk(&client, args).await,
        Bench::Unary(args) => load::unary(&client, &server.server, args).await,
        Bench::Income(args) => queries::income(&client, args).await,
    }
}
