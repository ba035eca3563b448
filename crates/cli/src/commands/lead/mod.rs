//! `tenure lead …`

mod figures;
mod predict;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenure_core::Metadata;
use tenure_features::contacts::{LeadTarget, lead_set};
use tenure_lead::{Goal, LeadModel, LeadParams, Tiers, evaluate as judge, report};

use super::contacts::{self, Rows, Source};
use super::truth;
use crate::args::{LeadCommand, LeadEvaluate, LeadTrain};
use crate::failure::WrongArgument;
use crate::output;
use crate::session::Session;

/// How records become leads.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeadPlan {
    pub target: LeadTarget,
}

/// For a model that was trained elsewhere: what it learned is in the model.
impl Default for LeadPlan {
    fn default() -> Self {
        Self { target: LeadTarget::Score }
    }
}

pub fn run(command: &LeadCommand, session: &Session) -> Result<()> {
    match command {
        LeadCommand::Train(args) => train(args, session),
        LeadCommand::Evaluate(args) => evaluate(args, session),
        LeadCommand::Predict(args) => predict::predict(&args.scoring, session),
        LeadCommand::Explain(args) => predict::explain(&args.explaining, session),
    }
}

fn params(args: &LeadTrain, goal: Goal) -> Result<LeadParams> {
    let tiers = match args.shares.as_deref() {
        Some(&[hot_share, warm_share]) => Tiers::Relative { hot_share, warm_share },
        _ => Tiers::Absolute { hot: args.hot, warm: args.warm },
    };
    let backend = args.backend.as_deref().map(|name| LeadParams::backend_named(name, goal)).transpose()?;
    let params = LeadParams {
        backend,
        tiers,
        interval_level: args.interval_level,
        folds: args.folds,
        test_share: args.test_share,
        search_trials: args.search,
    };
    params.check()?;
    Ok(params)
}

/// The leads, and where they come from.
fn rows(args: &LeadTrain, session: &Session) -> Result<(Rows, Source<LeadPlan>)> {
    if let Some(dir) = &args.from.records {
        let target = match args.target.as_str() {
            "score" => LeadTarget::Score,
            "converted" => LeadTarget::Converted { days: args.conversion_days },
            other => bail!(WrongArgument(format!("--target: `{other}` is not one of score, converted"))),
        };
        let until = contacts::until(&args.from)?;
        let (log, read) = contacts::read(dir, false, session)?;
        let until = contacts::within(&log, until);
        let table = lead_set(&log, target, until, &session.context(0))?;
        return Ok((contacts::of_table(table, &read), Source::Records { plan: LeadPlan { target }, until }));
    }
    let path = args.from.data.as_deref().unwrap_or_else(|| std::path::Path::new(""));
    let (rows, reading) = contacts::learn_from_table(path, &args.from, &args.target, true)?;
    Ok((rows, Source::Table(reading)))
}

fn train(args: &LeadTrain, session: &Session) -> Result<()> {
    // What cannot be right is told before anything is read.
    output::keeps_kind(&args.model, LeadModel::KIND)?;
    params(args, Goal::Score)?;
    let (rows, source) = rows(args, session)?;
    let goal = match rows.data.target()?.kind() {
        tenure_core::TargetKind::Real => Goal::Score,
        _ => Goal::Conversion,
    };
    let trained = tenure_lead::train(&rows.data, &params(args, goal)?, &session.context(args.seed))?;
    let (model, report) = (&trained.model, &trained.report);
    let metadata = Metadata {
        rows: Some(report.rows),
        seed: Some(args.seed),
        metrics: figures::metrics(&report.held_out.model),
        ..Metadata::default()
    };
    contacts::save(model, &source, metadata, &args.model)?;
    session.finish();
    let (version, place) = (&model.settings().version, args.model.display());
    if args.json {
        return output::json(&json!({
            "model": place.to_string(), "model_version": version, "tiers": model.settings().bounds, "training": report,
        }));
    }
    output::text(&format!("{}\n{}", rows.read.trim_end(), figures::training(report, model)))?;
    let next = match &args.from.records {
        Some(dir) => format!("--records {} --as-of DATE", dir.display()),
        None => "--data new.csv".into(),
    };
    output::text(&format!(
        "Model {version} written to {place}.\n\nNext:\n  tenure lead predict {next} --model {place} --out leads.csv"
    ))
}

fn evaluate(args: &LeadEvaluate, session: &Session) -> Result<()> {
    let judging = &args.judging;
    let (artifact, source) = contacts::load::<LeadPlan>(&judging.model, LeadModel::KIND)?;
    let model = LeadModel::from_artifact(&artifact)?;
    let of_log = |log: &_, plan: &LeadPlan, until| lead_set(log, plan.target, until, &session.context(0));
    let rows =
        contacts::judged_rows(&args.from, judging.since.as_deref(), (&model, &source), session, of_log)?;
    let value = match model.settings().goal {
        Goal::Score => "expected_score",
        Goal::Conversion => "conversion_probability",
    };
    let truth = judging.truth.as_deref().map(|path| {
        let truth = truth::of_contacts(path, &["lead_id"], value)?;
        truth::look_up(&truth, rows.ids.iter().cloned())
    });
    let mut evaluation = judge(&model, &rows.data, &rows.ids, truth.transpose()?.as_deref())?;
    evaluation.figures.notes.extend(contacts::overlap(&source, &rows.data));
    if let Some(path) = &judging.report {
        output::file(path, report(&model, &evaluation)?.to_html().as_bytes())?;
    }
    session.finish();
    if judging.json {
        return output::json(&evaluation.figures);
    }
    let written = judging.report.as_ref().map(|path| format!("Report written to {}.\n", path.display()));
    output::text(&format!("{}{}", figures::evaluation(&evaluation.figures), written.unwrap_or_default()))
}
