//! What the commands do.

mod churn;
mod contact;
mod contacts;
mod engagement;
mod evaluation;
mod health;
mod lead;
mod ltv;
mod orders;
mod quickstart;
mod study_time;
mod suite;
mod synth;
mod table;
mod truth;

use anyhow::Result;

use crate::args::{Command, TrainCommand};
use crate::session::Session;

/// Runs one command.
pub fn run(command: &Command, session: &Session) -> Result<()> {
    match command {
        Command::Quickstart(args) => quickstart::run(args, session),
        Command::Synth(args) => synth::run(args, session),
        Command::Churn(args) => churn::run(args, session),
        Command::Ltv(args) => ltv::run(args, session),
        Command::Lead(args) => lead::run(args, session),
        Command::Contact(args) => contact::run(args, session),
        Command::Engagement(args) => engagement::run(args, session),
        Command::StudyTime(args) => study_time::run(args, session),
        Command::Health(args) => health::run(args, session),
        Command::Train(TrainCommand::All(args)) => suite::train_all(args, session),
        Command::TestModels(args) => suite::test_models(args, session),
        Command::Table(args) => table::run(args, session),
    }
}
