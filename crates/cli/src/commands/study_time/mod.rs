//! `tenure study-time …`

mod figures;
mod judge;
mod predict;
mod rows;

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};
use tenure_backends::Backend;
use tenure_core::Metadata;
use tenure_features::augment::{Augmentation, Noise};
use tenure_study_time::{Samples, StudyLearner, StudyModel, StudyParams, Trained, train as learn};

use self::rows::Read;
use crate::args::{StudyLearning, StudyTimeCommand, StudyTrain};
use crate::commands::contacts;
use crate::failure::WrongArgument;
use crate::output;
use crate::session::Session;

/// Share of a column's deviation by which the numbers of a table's copies are moved.
const TABLE_NOISE: f64 = 0.1;

pub fn run(command: &StudyTimeCommand, session: &Session) -> Result<()> {
    match command {
        StudyTimeCommand::Train(args) => train(args, session),
        StudyTimeCommand::Evaluate(args) => judge::evaluate(args, session),
        StudyTimeCommand::Predict(args) => predict::predict(args, session),
        StudyTimeCommand::Explain(args) => predict::explain(args, session),
        StudyTimeCommand::Compare(args) => judge::compare(args, session),
        StudyTimeCommand::Search(args) => judge::search(args, session),
        StudyTimeCommand::Outliers(args) => judge::outliers(args, session),
    }
}

/// What all that learn are told.
fn params(args: &StudyLearning, learner: StudyLearner) -> Result<StudyParams> {
    let noise = match args.rows.data {
        Some(_) => Noise::EveryNumber(TABLE_NOISE),
        None => Augmentation::default().noise,
    };
    let augmentation = (args.augment != 0.0).then(|| Augmentation {
        factor: args.augment,
        noise,
        ..Augmentation::default()
    });
    let params = StudyParams {
        learner,
        ensemble: args.ensemble,
        augmentation,
        interval_level: args.interval_level,
        ..StudyParams::default()
    };
    params.check()?;
    Ok(params)
}

/// The learner of this name with the parameters that were named.
fn learner(name: &str, set: &[String]) -> Result<StudyLearner> {
    let set_one = |learner: StudyLearner, setting: &String| -> Result<StudyLearner> {
        let Some((name, value)) = setting.split_once('=') else {
            return Err(WrongArgument(format!("--set {setting}: expected NAME=VALUE")).into());
        };
        // What is not JSON is a text.
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        Ok(learner.with(name, value)?)
    };
    set.iter().try_fold(StudyLearner::by_name(name)?, set_one)
}

fn train(args: &StudyTrain, session: &Session) -> Result<()> {
    // What cannot be right is told before anything is read.
    output::keeps_kind(&args.model, StudyModel::KIND)?;
    let params = StudyParams {
        test_share: args.test_share,
        ..params(&args.learning, learner(&args.learner, &args.set)?)?
    };
    params.check()?;
    let read = rows::learning(&args.learning, session)?;
    let trained = learn(&read.samples, &params, &session.context(args.learning.seed))?;
    save(&trained, &read, args.learning.seed, &args.model)?;
    session.finish();
    let (version, place) = (&trained.model.settings().version, args.model.display());
    if args.learning.json {
        let training = &trained.report;
        return output::json(&json!({
            "model": place.to_string(), "model_version": version, "training": training,
        }));
    }
    let next = match &args.learning.rows.sessions {
        Some(_) => "--sessions planned.csv",
        None => "--data new.csv",
    };
    output::text(&format!(
        "{}\n{}Model {version} written to {place}.\n\nNext:\n  tenure study-time predict {next} --model {place} --out hours.csv",
        read.words.trim_end(),
        figures::training(&trained),
    ))
}

/// Writes a model with how its table was read beside it.
fn save(trained: &Trained, read: &Read, seed: u64, dir: &std::path::Path) -> Result<()> {
    let own = &trained.report.held_out.model;
    let metrics =
        BTreeMap::from([("held_out.mae".to_owned(), own.mae), ("held_out.rmse".to_owned(), own.rmse)]);
    let metadata =
        Metadata { rows: Some(trained.report.rows), seed: Some(seed), metrics, ..Metadata::default() };
    contacts::save(&trained.model, &read.source, metadata, dir)
}

/// The learners that are compared where none are named.
fn usual(samples: &Samples) -> Vec<String> {
    let sequences: &[&str] = match samples {
        Samples::Sessions(_) => &StudyLearner::SEQUENCES,
        Samples::Table(_) => &[],
    };
    ["mlp", "gbdt", "glm"].iter().chain(sequences).map(|name| (*name).to_owned()).collect()
}

/// A backend of a space that a file holds.
fn base(name: &str) -> Result<Backend> {
    match StudyLearner::by_name(name)? {
        StudyLearner::Rows(backend) => Ok(backend),
        StudyLearner::Sequence(_) => {
            Err(WrongArgument(format!("--space: {name} is searched by --set alone")).into())
        }
    }
}
