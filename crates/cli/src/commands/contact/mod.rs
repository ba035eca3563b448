//! `tenure contact …`

mod predict;

use anyhow::Result;
use serde_json::json;
use tenure_churn::contact::{
    ContactChurnModel, ContactChurnParams, ContactFigures, ContactTraining, evaluate as judge, report,
};
use tenure_core::Metadata;
use tenure_features::Timestamp;
use tenure_features::contacts::{ContactLog, ContactPlan, ContactTable, contact_set};

use super::contacts::{self, Rows, Source};
use super::{evaluation, truth};
use crate::args::{ContactCommand, ContactEvaluate, ContactTrain};
use crate::output::{self, columns, count, percent};
use crate::session::{Session, date};

pub fn run(command: &ContactCommand, session: &Session) -> Result<()> {
    match command {
        ContactCommand::Train(args) => train(args, session),
        ContactCommand::Evaluate(args) => evaluate(args, session),
        ContactCommand::Predict(args) => predict::predict(&args.scoring, session),
        ContactCommand::Explain(args) => predict::explain(&args.explaining, session),
    }
}

/// The contacts, and where they come from.
fn rows(args: &ContactTrain, session: &Session) -> Result<(Rows, Source<ContactPlan>)> {
    if let Some(dir) = &args.from.records {
        let plan = ContactPlan {
            active_days: args.active_days,
            prediction_days: args.prediction_days,
            max_instants: args.max_instants,
            ..ContactPlan::default()
        };
        plan.check()?;
        let until = contacts::until(&args.from)?;
        let (log, read) = contacts::read(dir, false, session)?;
        let until = contacts::within(&log, until);
        let table = contact_set(&log, &plan, until, &session.context(0))?;
        return Ok((contacts::of_table(table, &read), Source::Records { plan, until }));
    }
    let path = args.from.data.as_deref().unwrap_or_else(|| std::path::Path::new(""));
    let target = args.target.as_deref().unwrap_or_default();
    let (rows, reading) = contacts::learn_from_table(path, &args.from, target, false)?;
    Ok((rows, Source::Table(reading)))
}

fn train(args: &ContactTrain, session: &Session) -> Result<()> {
    output::keeps_kind(&args.model, ContactChurnModel::KIND)?;
    let params = ContactChurnParams {
        backend: ContactChurnParams::backend_named(&args.backend)?,
        folds: args.folds,
        test_share: args.test_share,
        interval_level: args.interval_level,
        ..ContactChurnParams::default()
    };
    params.check()?;
    let (rows, source) = rows(args, session)?;
    let trained = tenure_churn::contact::train(&rows.data, &params, &session.context(args.seed))?;
    let (model, report) = (&trained.model, &trained.report);
    let held_out = &report.held_out.model;
    let metrics = [("roc_auc", held_out.roc_auc), ("log_loss", held_out.log_loss), ("f1", held_out.f1)];
    let metadata = Metadata {
        rows: Some(report.rows),
        seed: Some(args.seed),
        metrics: metrics.into_iter().map(|(name, value)| (format!("held_out.{name}"), value)).collect(),
        ..Metadata::default()
    };
    contacts::save(model, &source, metadata, &args.model)?;
    session.finish();
    let (version, place) = (&model.settings().version, args.model.display());
    if args.json {
        return output::json(&json!({
            "model": place.to_string(), "model_version": version, "training": report,
        }));
    }
    output::text(&format!("{}\n{}", rows.read.trim_end(), training_text(report)))?;
    let next = match &args.from.records {
        Some(dir) => format!("--records {} --as-of DATE", dir.display()),
        None => "--data new.csv".into(),
    };
    output::text(&format!(
        "Model {version} written to {place}.\n\nNext:\n  tenure contact predict {next} --model {place} --out contacts.csv"
    ))
}

/// What training did, in words.
fn training_text(report: &ContactTraining) -> String {
    let contacts = report.contacts.map_or_else(String::new, |n| format!(" of {} contacts", count(n)));
    let mut out = format!(
        "Learned from {} rows{contacts} and {} features; {} churned.\n",
        count(report.rows),
        report.features,
        percent(report.churn_rate)
    );
    let mut rows = vec![
        evaluation::header(),
        evaluation::row("held out", &report.held_out.model),
        evaluation::row("  logistic regression", &report.held_out.baselines.logistic),
    ];
    rows.extend(report.held_out.baselines.rules.as_ref().map(|rules| evaluation::row("  rules", rules)));
    rows.push(evaluation::row("cross-validation", &report.cross_validation));
    rows.extend(report.out_of_bag.as_ref().map(|bag| evaluation::row("out of bag, uncalibrated", bag)));
    out += &format!(
        "\nHeld out are {} rows, judged by a model that learned from the others (the one that is kept learned from \
         all):\n{}{}",
        count(report.held_out.rows),
        columns(&rows),
        evaluation::at_threshold(&report.held_out.model)
    );
    for note in report.notes.iter().chain(&report.held_out.notes) {
        out += &format!("note: {note}\n");
    }
    out
}

fn evaluate(args: &ContactEvaluate, session: &Session) -> Result<()> {
    let judging = &args.judging;
    let (artifact, source) = contacts::load::<ContactPlan>(&judging.model, ContactChurnModel::KIND)?;
    let model = ContactChurnModel::from_artifact(&artifact)?;
    let as_of = args.as_of.as_deref().map(|text| date("--as-of", text)).transpose()?;
    let of_log = |log: &ContactLog, plan: &ContactPlan, until| match as_of {
        Some(as_of) => at_one_date(log, plan, as_of, session),
        None => contact_set(log, plan, until, &session.context(0)),
    };
    let rows =
        contacts::judged_rows(&args.from, judging.since.as_deref(), (&model, &source), session, of_log)?;
    let truth = judging.truth.as_deref().map(|path| {
        let truth = truth::of_contacts(path, &["contact_id", "as_of"], "churn_probability")?;
        let times = rows.data.times().unwrap_or_default();
        let key = |(id, &time): (&String, &i64)| format!("{id} {}", Timestamp::from_seconds(time));
        truth::look_up(&truth, rows.ids.iter().zip(times).map(key))
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
    output::text(&format!("{}{}", evaluation_text(&evaluation.figures), written.unwrap_or_default()))
}

/// The contacts at one date, with what became of them.
fn at_one_date(
    log: &ContactLog,
    plan: &ContactPlan,
    as_of: Timestamp,
    session: &Session,
) -> tenure_features::Result<ContactTable> {
    let over = as_of.plus_days(i64::from(plan.prediction_days));
    let end = log.coverage_end(None).unwrap_or_default();
    if end < over {
        let days = plan.prediction_days;
        return Err(tenure_features::Error::WindowNotOver { instant: as_of, days, end });
    }
    contact_set(log, &ContactPlan { max_instants: 1, ..*plan }, Some(over), &session.context(0))
}

/// What an evaluation found.
fn evaluation_text(figures: &ContactFigures) -> String {
    let mut rows = vec![
        evaluation::header(),
        evaluation::row("model", &figures.model),
        evaluation::row("logistic regression", &figures.baselines.logistic),
    ];
    rows.extend(figures.baselines.rules.as_ref().map(|rules| evaluation::row("rules", rules)));
    rows.extend(figures.oracle.as_ref().map(|oracle| evaluation::row("best attainable", &oracle.figures)));
    let mut out = format!(
        "{} rows; {} ({}) churned.\n\n{}\n{}",
        count(figures.rows),
        count(figures.churned),
        percent(figures.churned as f64 / figures.rows.max(1) as f64),
        columns(&rows),
        evaluation::at_threshold(&figures.model)
    );
    if let Some(oracle) = &figures.oracle {
        out += &format!(
            "The model reaches {} of the AUC above chance that is attainable.\n",
            percent(oracle.share_of_auc_lift)
        );
    }
    for note in &figures.notes {
        out += &format!("note: {note}\n");
    }
    out
}
