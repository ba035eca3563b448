//! The command line of tenure; see `tenure --help`.

#![allow(missing_docs, unreachable_pub, reason = "a program has no API; its documentation is its help")]

mod args;
mod commands;
mod failure;
mod output;
mod progress;
mod session;

use std::process::ExitCode;

use clap::Parser;

use crate::session::Session;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let session = Session::new(&cli);
    let outcome = commands::run(&cli.command, &session);
    session.finish();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            failure::tell(&error);
            ExitCode::from(failure::exit_code(&error))
        }
    }
}
