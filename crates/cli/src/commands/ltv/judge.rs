//! `tenure ltv cv` and `tenure ltv evaluate`

use std::path::Path;

use anyhow::Result;
use tenure_io::OrderReadReport;
use tenure_ltv::{Evaluation, JudgedOn, LtvFigures, LtvModel, ValueFigures};

use super::{money, train};
use crate::args::{LtvCv, LtvEvaluate};
use crate::commands::{orders, truth};
use crate::output::{self, columns, count, percent};
use crate::session::{Session, date};

pub fn cv(args: &LtvCv, session: &Session) -> Result<()> {
    let as_of = date("--as-of", &args.as_of)?;
    let params = super::params(&args.value)?;
    let (log, read) = orders::read(&args.file, session)?;
    let context = session.context(args.value.seed);
    let result = tenure_ltv::cross_validate(&log, &params, as_of, args.folds, &context)?;
    show(None, &result, &read, args.report.as_deref(), args.json, session)
}

pub fn evaluate(args: &LtvEvaluate, session: &Session) -> Result<()> {
    let as_of = date("--as-of", &args.as_of)?;
    let (model, _) = LtvModel::load(&args.model)?;
    let days = model.settings().params.prediction_days;
    let truth = args
        .truth
        .as_deref()
        .map(|path| truth::of_orders(path, "attainable_spend", as_of, days))
        .transpose()?;
    let (log, read) = orders::read(&args.file, session)?;
    let result = tenure_ltv::evaluate(&model, &log, as_of, truth.as_ref(), &session.context(0))?;
    show(Some(&model), &result, &read, args.report.as_deref(), args.json, session)
}

fn show(
    model: Option<&LtvModel>,
    result: &Evaluation,
    read: &OrderReadReport,
    report: Option<&Path>,
    json: bool,
    session: &Session,
) -> Result<()> {
    if let Some(path) = report {
        let html = tenure_ltv::report(model, result)?.report()?.to_html();
        output::file(path, html.as_bytes())?;
    }
    session.finish();
    if json {
        return output::json(&result.figures);
    }
    output::text(&format!("{read}\n{}", text(&result.figures)))?;
    report.map_or(Ok(()), |path| output::text(&format!("Report written to {}.", path.display())))
}

fn row(name: &str, of: &ValueFigures) -> Vec<String> {
    // Rounded before it is written, so that no zero has a sign.
    let rounded = |v: f64| (v * 1e4).round() / 1e4 + 0.0;
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |v| format!("{:.4}", rounded(v)));
    vec![
        name.to_owned(),
        number(of.spearman),
        number(of.normalised_gini),
        of.top_decile_share.map_or("–".to_owned(), percent),
        money(of.mae),
        money(of.rmse),
        money(of.predicted_total),
    ]
}

fn text(figures: &LtvFigures) -> String {
    let who = match figures.judged_on {
        JudgedOn::HeldOut => "held out, each part predicted by a model that learned from the others",
        JudgedOn::Seen => "predicted by a model that has learned from later orders",
        _ => "predicted by a model that was trained before",
    };
    let header = ["", "rank corr.", "norm. Gini", "money of top tenth", "MAE", "RMSE", "total"];
    let mut rows = vec![header.map(str::to_owned).to_vec(), row("model", &figures.model)];
    if let Some(by_rhythm) = &figures.baselines.bg_nbd_gamma_gamma {
        rows.push(row("BG/NBD, Gamma-Gamma", by_rhythm));
    }
    rows.push(row("past spend", &figures.baselines.past_spend));
    rows.push(row("mean", &figures.baselines.mean));
    if let Some(oracle) = &figures.oracle {
        rows.push(row("best attainable", &oracle.figures));
    }
    let mut out = format!(
        "{} customers as of {}, {who}; {} spent {} until {}.\n\n{}",
        count(figures.customers),
        figures.as_of,
        count(figures.spenders),
        money(figures.model.actual_total),
        figures.window_end,
        columns(&rows),
    );
    if let Some(share) = figures.oracle.as_ref().and_then(|oracle| oracle.share_of_spearman) {
        out +=
            &format!("\nThe model reaches {} of the rank correlation that is attainable.\n", percent(share));
    }
    let coverage = &figures.coverage;
    out += &format!(
        "\nIntervals of {} hold the spend of {} of the customers; {}.\n\n",
        percent(coverage.level),
        percent(coverage.overall),
        train::by_segment(&coverage.segments),
    );
    let header = ["tenth by prediction", "customers", "predicted", "spent"].map(str::to_owned).to_vec();
    let tenths = figures.deciles.iter().enumerate().map(|(at, tenth)| {
        vec![(at + 1).to_string(), count(tenth.customers), money(tenth.predicted), money(tenth.actual)]
    });
    out += &columns(&std::iter::once(header).chain(tenths).collect::<Vec<_>>());
    for note in &figures.notes {
        out += &format!("note: {note}\n");
    }
    out
}
