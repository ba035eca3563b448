//! `tenure health …`

mod alerts;
mod figures;
mod judge;
mod package;
mod predict;
mod run_files;
mod train;

use std::path::{Path, PathBuf};

use anyhow::Result;
use tenure_core::Error;
use tenure_features::marketplace::{MarketplaceTable, Profile};
use tenure_health::HealthModel;
use tenure_io::{MarketplaceReadReport, ReadOptions, read_marketplace};

use crate::args::HealthCommand;
use crate::session::Session;

/// The model that a training keeps, within its output folder.
const BEST: &str = "best_model";

pub fn run(command: &HealthCommand, session: &Session) -> Result<()> {
    match command {
        HealthCommand::Train(args) => train::train(args, session),
        HealthCommand::Evaluate(args) => judge::evaluate(args, session),
        HealthCommand::Predict(args) => predict::predict(args, session),
        HealthCommand::Explain(args) => predict::explain(args, session),
        HealthCommand::Alerts(args) => alerts::alerts(args, session),
        HealthCommand::Package(args) => package::package(args),
    }
}

/// The folder of the model itself, where the output folder of a training is named.
fn model_folder(dir: &Path) -> PathBuf {
    let best = dir.join(BEST);
    if best.join("CURRENT").is_file() { best } else { dir.to_owned() }
}

fn load(dir: &Path) -> Result<HealthModel> {
    Ok(HealthModel::load(&model_folder(dir))?.0)
}

fn read(
    path: &Path,
    profile: Profile,
    session: &Session,
) -> Result<(MarketplaceTable, MarketplaceReadReport)> {
    let context = session.context(0);
    let (progress, threads) = (context.progress, context.threads);
    let options = ReadOptions { progress, threads, ..ReadOptions::default() };
    Ok(read_marketplace(path, profile, &options)?)
}

/// Customers with the features that a model reads.
fn read_for(
    path: &Path,
    model: &HealthModel,
    session: &Session,
) -> Result<(MarketplaceTable, MarketplaceReadReport)> {
    let own = || {
        Error::unsupported("the command line", "files for a model of features of one's own; give one --row")
    };
    read(path, model.settings().profile.ok_or_else(own)?, session)
}
