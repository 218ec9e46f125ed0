//! The program: servers, client commands, the demo and the load generator. A library so that tests and benches can use
//! its parts; the binary is one call.
#![allow(clippy::similar_names, reason = "payer and payee, lane and line: the words of the trade")]

mod bench;
mod cli;
mod client;
mod command;
mod crash;
pub mod demo;
mod exit;
mod kafka;
mod output;
mod program;
mod record;
mod repair;
mod server;

use core::time::Duration;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::client::Client;
use crate::exit::Failure;

/// How long the end waits for questions that nobody wants answered any more, such as one to a cluster that is away.
const LEFT_OVER_MAX: Duration = Duration::from_millis(200);

/// Parses the command line, does what it says, and tells how it ended.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    if let Err(error) = loopledger_service::telemetry::init("warn") {
        let failure = Failure::Usage(error.to_string());
        eprintln!("loopledger: {failure}");
        return failure.code();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("loopledger: cannot start threads: {error}");
            return ExitCode::from(1);
        }
    };
    let ended = runtime.block_on(dispatch(cli.command));
    runtime.shutdown_timeout(LEFT_OVER_MAX);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::Unread) {
                eprintln!("loopledger: {failure}");
            }
            failure.code()
        }
    }
}

async fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Up(args) => server::up(args).await,
        Command::Serve(args) => server::serve(args).await,
        Command::Demo { server, args } => {
            command::demo(async || Client::connect_soon(&server.server).await, &args).await
        }
        Command::Record { server, args } => {
            command::record(async || Client::connect(&server.server).await, &args).await
        }
        Command::Income { server, output, args } => {
            command::income(&Client::connect(&server.server).await?, &args, output.format).await
        }
        Command::Loop { server, output, args } => {
            command::show_loop(&Client::connect(&server.server).await?, &args, output.format).await
        }
        Command::Trace { server, output, args } => {
            command::trace(&Client::connect(&server.server).await?, &args, output.format).await
        }
        Command::Statement { server, output, args } => {
            command::statement(&Client::connect(&server.server).await?, &args, output.format).await
        }
        Command::Rebuild { server } => command::rebuild(&Client::connect(&server.server).await?).await,
        Command::Bench { server, bench } => bench::bench(&server, &bench).await,
        Command::Repair { output, args } => repair::repair(&args, output.format).await,
        Command::Status { server, output } => {
            command::status(&Client::connect(&server.server).await?, output.format).await
        }
        Command::Topics { topics } => command::topics(&topics).await,
    }
}
