//! `tenure train all`

use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use tenure_churn::contact::{ContactChurnModel, ContactChurnParams};
use tenure_core::{FitContext, Metadata};
use tenure_engagement::{EngagementModel, EngagementParams};
use tenure_eval::metrics::BinaryReport;
use tenure_features::Timestamp;
use tenure_features::contacts::{ContactLog, ContactPlan, LeadTarget, contact_set, lead_set, message_set};
use tenure_lead::{Figures, LeadModel, LeadParams};

use crate::args::TrainAll;
use crate::commands::contacts::{self, Source};
use crate::commands::engagement::messages::MessagePlan;
use crate::commands::lead::LeadPlan;
use crate::output::{self, count};
use crate::session::{Session, date};

/// One training: its name, the folder of its model, and how it goes.
type Job = (&'static str, &'static str, fn(&Work<'_>, &Path) -> Result<Made>);

const JOBS: [Job; 3] = [
    ("lead scoring", "lead", lead),
    ("contact churn", "contact", contact),
    ("engagement", "engagement", engagement),
];

/// What every training needs.
struct Work<'a> {
    args: &'a TrainAll,
    log: &'a ContactLog,
    until: Option<Timestamp>,
    context: FitContext<'a>,
}

/// A model that was trained.
#[derive(Serialize)]
struct Made {
    version: String,
    rows: usize,
    features: usize,
    /// On rows that the model of the figures has not seen.
    held_out_rows: Option<usize>,
    figures: Vec<Figure>,
}

#[derive(Serialize)]
struct Figure {
    name: &'static str,
    value: f64,
    /// What the field asks of it, in words.
    target: Option<&'static str>,
}

/// What became of a training.
#[derive(Serialize)]
struct Outcome {
    name: &'static str,
    model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    trained: Option<Made>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub fn train_all(args: &TrainAll, session: &Session) -> Result<()> {
    let until = args.until.as_deref().map(|text| date("--until", text)).transpose()?;
    for (folder, kind) in [
        ("lead", LeadModel::KIND),
        ("contact", ContactChurnModel::KIND),
        ("engagement", EngagementModel::KIND),
    ] {
        output::keeps_kind(&args.models.join(folder), kind)?;
    }
    let (log, read) = contacts::read(&args.records, false, session)?;
    let until = contacts::within(&log, until);
    let work = Work { args, log: &log, until, context: session.context(args.seed) };
    let (mut outcomes, mut first_error) = (Vec::new(), None);
    for (name, folder, job) in JOBS {
        let place = args.models.join(folder);
        let model = place.display().to_string();
        let (trained, error) = match job(&work, &place) {
            Ok(made) => (Some(made), None),
            Err(error) => {
                let words = format!("{error:#}");
                first_error = first_error.or(Some(error));
                (None, Some(words))
            }
        };
        outcomes.push(Outcome { name, model, trained, error });
    }
    session.finish();
    if args.json {
        output::json(&outcomes)?;
    } else {
        output::text(&format!("{}\n{}", read.to_string().trim_end(), text(args, &outcomes)))?;
    }
    first_error.map_or(Ok(()), Err)
}

fn lead(work: &Work<'_>, dir: &Path) -> Result<Made> {
    let target = match work.args.lead_target.as_str() {
        "converted" => LeadTarget::Converted { days: work.args.conversion_days },
        _ => LeadTarget::Score,
    };
    let table = lead_set(work.log, target, work.until, &work.context)?;
    let (folds, test_share) = (work.args.folds, work.args.test_share);
    let params = LeadParams { folds, test_share, ..LeadParams::default() };
    let trained = tenure_lead::train(table.data(), &params, &work.context)?;
    let report = &trained.report;
    let figures = match &report.held_out.model {
        Figures::Score(of) => vec![
            Figure { name: "MAE", value: of.regression.mae, target: Some("below 10") },
            Figure { name: "R²", value: of.regression.r2.unwrap_or(f64::NAN), target: Some("above 0.80") },
        ],
        Figures::Conversion(of) => of_classes(of, false),
    };
    let source = Source::Records { plan: LeadPlan { target }, until: work.until };
    contacts::save(&trained.model, &source, work.metadata(report.rows, &figures), dir)?;
    Ok(Made {
        version: trained.model.settings().version.clone(),
        rows: report.rows,
        features: report.features,
        held_out_rows: Some(report.held_out.rows),
        figures,
    })
}

fn contact(work: &Work<'_>, dir: &Path) -> Result<Made> {
    let plan = ContactPlan::default();
    let table = contact_set(work.log, &plan, work.until, &work.context)?;
    let (folds, test_share) = (work.args.folds, work.args.test_share);
    let params = ContactChurnParams { folds, test_share, ..ContactChurnParams::default() };
    let trained = tenure_churn::contact::train(table.data(), &params, &work.context)?;
    let report = &trained.report;
    let figures = of_classes(&report.held_out.model, true);
    let source = Source::Records { plan, until: work.until };
    contacts::save(&trained.model, &source, work.metadata(report.rows, &figures), dir)?;
    Ok(Made {
        version: trained.model.settings().version.clone(),
        rows: report.rows,
        features: report.features,
        held_out_rows: Some(report.held_out.rows),
        figures,
    })
}

fn engagement(work: &Work<'_>, dir: &Path) -> Result<Made> {
    let plan = MessagePlan::default();
    let table = message_set(work.log, plan.window_hours, work.until, &work.context)?;
    let (folds, test_share) = (work.args.folds, work.args.test_share);
    let params = EngagementParams { folds, test_share, ..EngagementParams::default() };
    let trained = tenure_engagement::train(table.data(), &params, &work.context)?;
    let report = &trained.report;
    let figures = of_classes(&report.held_out, true);
    let source = Source::Records { plan, until: work.until };
    contacts::save(&trained.model, &source, work.metadata(report.rows, &figures), dir)?;
    Ok(Made {
        version: trained.model.settings().version.clone(),
        rows: report.rows,
        features: table.data().schema().len(),
        held_out_rows: None,
        figures,
    })
}

impl Work<'_> {
    fn metadata(&self, rows: usize, figures: &[Figure]) -> Metadata {
        let metrics = figures.iter().filter(|f| f.value.is_finite());
        Metadata {
            rows: Some(rows),
            seed: Some(self.args.seed),
            metrics: metrics.map(|f| (format!("held_out.{}", f.name.to_lowercase()), f.value)).collect(),
            ..Metadata::default()
        }
    }
}

fn of_classes(of: &BinaryReport, with_targets: bool) -> Vec<Figure> {
    let target = |words| with_targets.then_some(words);
    vec![
        Figure { name: "AUC", value: of.roc_auc, target: None },
        Figure { name: "accuracy", value: of.accuracy, target: target("above 0.75") },
        Figure { name: "precision", value: of.precision.unwrap_or(f64::NAN), target: target("above 0.70") },
        Figure { name: "recall", value: of.recall, target: target("above 0.75") },
        Figure { name: "F1", value: of.f1, target: target("above 0.72") },
    ]
}

fn text(args: &TrainAll, outcomes: &[Outcome]) -> String {
    let mut out = String::new();
    for outcome in outcomes {
        out += &match (&outcome.trained, &outcome.error) {
            (Some(made), _) => of_model(outcome, made),
            (None, error) => {
                format!("\n{}: not trained\n  {}\n", outcome.name, error.as_deref().unwrap_or_default())
            }
        };
    }
    let trained = outcomes.iter().filter(|o| o.trained.is_some()).count();
    out += &format!("\n{trained} of {} models trained.\n", outcomes.len());
    if trained > 0 {
        let (models, records) = (args.models.display(), args.records.display());
        out += &format!("\nNext:\n  tenure test-models --models {models} --records {records}\n");
    }
    out
}

fn of_model(outcome: &Outcome, made: &Made) -> String {
    let held_out = made.held_out_rows.map_or(", judged on recipients held out".into(), |n| {
        format!(", {} of them held out to judge by", count(n))
    });
    let mut out =
        format!("\n{}: {} rows of {} features{held_out}\n", outcome.name, count(made.rows), made.features);
    for Figure { name, value, target } in &made.figures {
        let target = target.map_or(String::new(), |words| format!("  (target: {words})"));
        out += &format!("  {name:<9}  {value:>7.3}{target}\n");
    }
    out + &format!("  model {} written to {}\n", made.version, outcome.model)
}
