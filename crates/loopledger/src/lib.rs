//! The program: servers, client commands and the demo. The binary is one call of it.

#[cfg(test)]
mod causes;
mod cli;
mod command;
mod config;
mod crash;
mod help;
mod kafka;
mod output;
mod repair;
mod server;

use core::time::Duration;
use std::env;
use std::process::ExitCode;

use loopledger_client::{Failure, lang, note};
use loopledger_service::metrics::Build;

use crate::cli::{Command, Output};
use crate::output::{Format, Pager, View};

/// What this program was built from.
const BUILD: Build = Build { version: env!("CARGO_PKG_VERSION"), commit: env!("LOOPLEDGER_COMMIT") };

/// How long the exit waits for blocking calls whose results are not needed, such as one to an unreachable cluster.
const LEFT_OVER_MAX: Duration = Duration::from_millis(200);

/// Chooses the language, parses the command line, does what it says, and tells how it ended.
pub fn run() -> ExitCode {
    lang::choose(lang::of_locale(|name| env::var(name).ok()));
    let ended = match help::parse() {
        Ok(None) => Ok(()),
        Ok(Some(cli)) => start(cli.command),
        Err(failure) => Err(failure),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::Unread) {
                note!("loopledger: {failure}");
            }
            failure.code()
        }
    }
}

fn start(command: Command) -> Result<(), Failure> {
    loopledger_service::telemetry::init("warn").map_err(|error| Failure::Usage(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::refused("cannot start threads", &error))?;
    let ended = runtime.block_on(dispatch(command));
    runtime.shutdown_timeout(LEFT_OVER_MAX);
    ended
}

async fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Up(args) => server::up(args).await,
        Command::Serve(args) => server::serve(args).await,
        Command::Demo { server, args } => {
            command::demo(async || server.connect_soon().await, &server.server, &args).await
        }
        Command::Record { server, args } => command::record(async || server.connect().await, &args).await,
        Command::Income { server, output, args } => {
            let client = server.connect().await?;
            shown(&output, async |view| command::income(&client, &args, view).await).await
        }
        Command::Loop { server, output, args } => {
            let client = server.connect().await?;
            shown(&output, async |view| command::show_loop(&client, &args, view).await).await
        }
        Command::Trace { server, output, args } => {
            let client = server.connect().await?;
            shown(&output, async |view| command::trace(&client, &args, view).await).await
        }
        Command::Statement { server, output, args } => {
            let client = server.connect().await?;
            shown(&output, async |view| command::statement(&client, &args, view).await).await
        }
        Command::Duplicates { server, output, args } => {
            let client = server.connect().await?;
            shown(&output, async |view| command::duplicates(&client, &args, view).await).await
        }
        Command::Rebuild { server } => command::rebuild(&server.connect().await?).await,
        Command::Bench { server, bench } => loopledger_load::bench(&server.server, server.county, &bench).await,
        Command::Repair { output, args } => repair::repair(&args, &output.view()).await,
        Command::Status { server, output } => {
            let client = server.connect().await?;
            shown(&output, async |view| command::status(&client, view).await).await
        }
        Command::Topics { topics } => command::topics(&topics).await,
    }
}

/// Prints an answer, through a pager if it is for people and they sit at a terminal.
async fn shown(output: &Output, print: impl AsyncFnOnce(&View) -> Result<(), Failure>) -> Result<(), Failure> {
    let pager = Pager::start(output.format == Format::Table && !output.no_pager);
    let printed = print(&output.view()).await;
    let was_paged = pager.finish();
    match printed {
        // Who leaves the pager has read enough.
        Err(Failure::Unread) if was_paged => Ok(()),
        printed => printed,
    }
}
