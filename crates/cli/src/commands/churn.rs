//! `tenure churn …`

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::json;
use tenure_churn::{ChurnModel, ChurnParams, ChurnPrediction, ChurnScorer, Goal, Profit, TrainReport};
use tenure_core::Metadata;
use tenure_features::Timestamp;
use tenure_io::{ColumnValues, TableWriter};

use super::{evaluation, orders, truth};
use crate::args::{ChurnCommand, ChurnEvaluate, ChurnExplain, ChurnPredict, ChurnTrain, Goal as GoalArg};
use crate::failure::WrongArgument;
use crate::output::{self, columns, count, percent};
use crate::session::{Session, date};

pub fn run(command: &ChurnCommand, session: &Session) -> Result<()> {
    match command {
        ChurnCommand::Train(args) => train(args, session),
        ChurnCommand::Evaluate(args) => evaluate(args, session),
        ChurnCommand::Predict(args) => predict(args, session),
        ChurnCommand::Explain(args) => explain(args, session),
    }
}

fn train(args: &ChurnTrain, session: &Session) -> Result<()> {
    output::keeps_kind(&args.model, ChurnModel::KIND)?;
    let until = args.until.as_deref().map(|text| date("--until", text)).transpose()?;
    let params = params(args)?;
    params.check()?;
    let (log, read) = orders::read(&args.file, session)?;
    // Behind its end the log says nothing: taken as complete up to there, it would show everybody as a leaver.
    let until = until.map(|until| log.coverage_end(None).map_or(until, |end| until.min(end)));
    let trained = tenure_churn::train(&log, &params, until, &session.context(args.seed))?;
    save(&trained.model, &trained.report, &args.model, args.seed)?;
    session.finish();
    if args.json {
        let model = args.model.display().to_string();
        let version = &trained.model.settings().version;
        return output::json(&json!({
            "model": model, "model_version": version, "orders": read, "training": trained.report,
        }));
    }
    output::text(&format!("{read}\n{}", train_text(&trained.report)))?;
    output::text(&format!(
        "Model {} written to {}.\n\nNext:\n  tenure churn predict --orders {} --model {} --as-of {} --out scores.csv",
        trained.model.settings().version,
        args.model.display(),
        args.file.orders.display(),
        args.model.display(),
        trained.model.settings().until,
    ))
}

fn params(args: &ChurnTrain) -> Result<ChurnParams> {
    let goal = match args.goal {
        GoalArg::F1 => Goal::F1,
        GoalArg::Profit => Goal::Profit,
        GoalArg::Precision => Goal::Precision { at_least: args.precision },
    };
    let (contact_cost, saved_value, success_rate) = (args.contact_cost, args.saved_value, args.success_rate);
    Ok(ChurnParams {
        observation_days: args.observation_days,
        prediction_days: args.prediction_days,
        min_orders: args.min_orders,
        backend: ChurnParams::backend_named(&args.backend)?,
        goal,
        profit: Profit { contact_cost, saved_value, success_rate },
        ..ChurnParams::default()
    })
}

/// Saves the model with the figures of its training.
pub fn save(model: &ChurnModel, report: &TrainReport, dir: &Path, seed: u64) -> Result<()> {
    let calibrated = &report.calibrated;
    let figures = [
        ("roc_auc", calibrated.roc_auc),
        ("log_loss", calibrated.log_loss),
        ("ece", calibrated.ece),
        ("base_rate", calibrated.base_rate),
    ];
    let metrics = figures.into_iter().map(|(name, value)| (format!("out_of_fold.{name}"), value)).collect();
    let metadata = Metadata { seed: Some(seed), metrics, ..Metadata::default() };
    Ok(model.save(dir, Session::now(), metadata)?)
}

/// What training did, in words.
pub fn train_text(report: &TrainReport) -> String {
    let mut out = format!(
        "Learned from {} rows: {} customers at {} monthly snapshots, {} features; {} churned.\n",
        count(report.rows),
        count(report.customers),
        report.snapshots.len(),
        report.features,
        percent(report.churn_rate)
    );
    let header = ["snapshot", "customers", "churned"].map(str::to_owned).to_vec();
    let rows =
        report.snapshots.iter().map(|s| vec![s.as_of.to_string(), count(s.rows), percent(s.churn_rate)]);
    out += &columns(&std::iter::once(header).chain(rows).collect::<Vec<_>>());
    for fold in &report.time_series_cv {
        out += &format!(
            "Trained on months that end before {}, judged on it: AUC {:.4}, log loss {:.4} ({} rows after {}).\n",
            fold.as_of,
            fold.roc_auc,
            fold.log_loss,
            count(fold.rows),
            count(fold.train_rows)
        );
    }
    out += &format!(
        "Held-out customers: AUC {:.4}; calibration error {:.4} before calibration, {:.4} after.\n\
         Customers are at risk from a probability of {:.3}.\n",
        report.calibrated.roc_auc, report.uncalibrated.ece, report.calibrated.ece, report.threshold
    );
    for note in &report.notes {
        out += &format!("note: {note}\n");
    }
    out
}

fn evaluate(args: &ChurnEvaluate, session: &Session) -> Result<()> {
    let as_of = date("--as-of", &args.as_of)?;
    let (model, _) = ChurnModel::load(&args.model)?;
    let days = model.settings().params.prediction_days;
    let truth =
        args.truth.as_deref().map(|path| truth::of_orders(path, "attainable", as_of, days)).transpose()?;
    let (log, read) = orders::read(&args.file, session)?;
    let result = tenure_churn::evaluate(&model, &log, as_of, truth.as_ref(), &session.context(0))?;
    if let Some(path) = &args.report {
        evaluation::write_report(path, &model, &result)?;
    }
    session.finish();
    if args.json {
        return output::json(&result.figures);
    }
    output::text(&format!("{read}\n{}", evaluation::text(&result.figures)))?;
    match &args.report {
        Some(path) => output::text(&format!("Report written to {}.", path.display())),
        None => Ok(()),
    }
}

fn predict(args: &ChurnPredict, session: &Session) -> Result<()> {
    output::keeps("--out", &args.out, &[&args.file.orders])?;
    let as_of = date("--as-of", &args.as_of)?;
    let (scorer, _) = ChurnScorer::load(&args.model);
    let (log, read) = orders::read(&args.file, session)?;
    let scored = scorer.score_all(&log, as_of, &session.context(0)).map_err(anyhow::Error::from);
    let decisions = match log.coverage_end(None) {
        Some(end) if end < as_of => scored.with_context(|| format!("the log reaches up to {end}"))?,
        _ => scored?,
    };
    write_predictions(&args.out, &decisions)?;
    session.finish();
    let summary = Summary::of(&decisions, &scorer, as_of);
    if args.json {
        return output::json(&summary);
    }
    output::text(&format!("{read}\n{}Scores written to {}.", summary.text(), args.out.display()))
}

/// What a scoring run found.
#[derive(Debug, Serialize)]
pub struct Summary {
    as_of: String,
    customers: usize,
    at_risk: usize,
    risk_levels: HashMap<String, usize>,
    model_version: String,
    /// Customers about whom the rules answered.
    by_rules: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback_reason: Option<String>,
}

impl Summary {
    pub fn of(decisions: &[ChurnPrediction], scorer: &ChurnScorer, as_of: Timestamp) -> Self {
        let mut risk_levels: HashMap<String, usize> = HashMap::new();
        for decision in decisions {
            *risk_levels.entry(decision.risk_level.to_string()).or_default() += 1;
        }
        // A model may be there and yet fail on the rows: what counts is who answered.
        let by_rules = decisions.iter().filter(|d| d.fallback_reason.is_some()).count();
        let model = scorer.model().filter(|_| by_rules < decisions.len().max(1));
        let version = model.map_or(tenure_churn::RULES_VERSION, |m| &m.settings().version);
        Self {
            as_of: as_of.to_string(),
            customers: decisions.len(),
            at_risk: decisions.iter().filter(|d| d.is_at_risk).count(),
            risk_levels,
            model_version: version.to_owned(),
            by_rules,
            fallback_reason: decisions.iter().find_map(|d| d.fallback_reason.clone()),
        }
    }

    pub fn text(&self) -> String {
        let level = |name: &str| count(self.risk_levels.get(name).copied().unwrap_or(0));
        let mut out = String::new();
        if let Some(reason) = &self.fallback_reason {
            let (version, all) = (tenure_churn::RULES_VERSION, self.by_rules == self.customers);
            let which = if all { String::new() } else { format!(" for {} customers", count(self.by_rules)) };
            out += &format!("warning: the rules answered{which} ({version}): {reason}\n");
        }
        out += &format!(
            "{} customers as of {}: {} at risk; risk low {}, medium {}, high {}, critical {}.\n",
            count(self.customers),
            self.as_of,
            count(self.at_risk),
            level("low"),
            level("medium"),
            level("high"),
            level("critical"),
        );
        out
    }
}

/// One line a customer, the riskiest first.
pub fn write_predictions(path: &Path, decisions: &[ChurnPrediction]) -> Result<()> {
    let mut sorted: Vec<&ChurnPrediction> = decisions.iter().collect();
    sorted.sort_by(|a, b| {
        b.churn_probability.total_cmp(&a.churn_probability).then_with(|| a.customer_id.cmp(&b.customer_id))
    });
    let numbers = |of: fn(&ChurnPrediction) -> f64| -> Vec<f64> { sorted.iter().map(|d| of(d)).collect() };
    let texts =
        |of: fn(&ChurnPrediction) -> String| -> Vec<String> { sorted.iter().map(|d| of(d)).collect() };
    let probabilities = numbers(|d| d.churn_probability);
    let (low, high) = (numbers(|d| d.interval.low), numbers(|d| d.interval.high));
    let named: [(&str, Vec<String>); 8] = [
        ("customer_id", texts(|d| d.customer_id.clone())),
        ("as_of", texts(|d| d.as_of.clone())),
        ("is_at_risk", texts(|d| d.is_at_risk.to_string())),
        ("risk_level", texts(|d| d.risk_level.to_string())),
        ("confidence", texts(|d| d.confidence.to_string())),
        (
            "risk_factors",
            texts(|d| d.risk_factors.iter().map(|f| f.text.as_str()).collect::<Vec<_>>().join("; ")),
        ),
        ("recommendation", texts(|d| d.recommendation.clone())),
        ("model_version", texts(|d| d.model_version.clone())),
    ];
    let text = |at: usize| (named[at].0, ColumnValues::Texts(&named[at].1));
    let columns = [
        text(0),
        text(1),
        ("churn_probability", ColumnValues::Numbers(&probabilities)),
        ("interval_low", ColumnValues::Numbers(&low)),
        ("interval_high", ColumnValues::Numbers(&high)),
        text(2),
        text(3),
        text(4),
        text(5),
        text(6),
        text(7),
    ];
    let (names, values): (Vec<&str>, Vec<ColumnValues<'_>>) = columns.into_iter().unzip();
    let mut writer = TableWriter::create(path, &names)?;
    writer.write(&values)?;
    Ok(writer.finish()?)
}

fn explain(args: &ChurnExplain, session: &Session) -> Result<()> {
    let as_of = date("--as-of", &args.as_of)?;
    let (scorer, _) = ChurnScorer::load(&args.model);
    let (log, _) = orders::read(&args.file, session)?;
    if log.customer_index(&args.customer).is_none() {
        let words = format!("--customer: `{}` is not in {}", args.customer, args.file.orders.display());
        bail!(WrongArgument(words));
    }
    let decision = scorer.score(&log, as_of, &args.customer)?;
    session.finish();
    if args.json { output::json(&decision) } else { output::text(&decision_text(&decision)) }
}

/// A decision in words.
pub fn decision_text(decision: &ChurnPrediction) -> String {
    let mut out =
        format!("Customer {} as of {} ({})\n", decision.customer_id, decision.as_of, decision.model_version);
    if let Some(reason) = &decision.fallback_reason {
        out += &format!("  the rules answered: {reason}\n");
    }
    let interval = decision.interval;
    out += &format!("  probability of leaving  {}", percent(decision.churn_probability));
    if interval.level > 0.0 {
        out += &format!(
            " (of similar customers {} to {} left, at {} confidence)",
            percent(interval.low),
            percent(interval.high),
            percent(interval.level)
        );
    }
    let verdict = if decision.is_at_risk { "at risk" } else { "not at risk" };
    out += &format!(
        "\n  risk                    {}, {verdict}, {} confidence\n  why\n",
        decision.risk_level, decision.confidence
    );
    let rows: Vec<Vec<String>> = decision
        .risk_factors
        .iter()
        .map(|f| vec![format!("  {}", f.text), format!("{:+.2} log-odds", f.effect)])
        .collect();
    out += &columns(&rows);
    out += &format!("  recommendation          {}\n", decision.recommendation);
    out
}
