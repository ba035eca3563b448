//! An evaluation as text, and its report as a file.

use std::path::Path;

use anyhow::Result;
use tenure_churn::{ChurnFigures, ChurnModel, Evaluation};
use tenure_eval::metrics::BinaryReport;

use crate::output::{self, columns, count, percent};

/// The figures of model, baselines and oracle side by side.
pub fn table(figures: &ChurnFigures) -> String {
    let mut rows = vec![
        header(),
        row("model", &figures.model),
        row("  before calibration", &figures.uncalibrated),
        row("recency only", &figures.baselines.recency),
        row("rules", &figures.baselines.rules),
    ];
    if let Some(oracle) = &figures.oracle {
        rows.push(row("best attainable", &oracle.figures));
    }
    columns(&rows)
}

/// What [`row`] holds.
pub fn header() -> Vec<String> {
    let figures = [
        "",
        "AUC",
        "95 % interval",
        "avg. precision",
        "log loss",
        "Brier",
        "calibration error",
        "lift, top tenth",
    ];
    figures.map(str::to_owned).to_vec()
}

/// The figures of one model.
pub fn row(name: &str, report: &BinaryReport) -> Vec<String> {
    let interval = match (report.roc_auc_low, report.roc_auc_high) {
        (Some(low), Some(high)) => format!("{low:.3}–{high:.3}"),
        _ => "–".into(),
    };
    vec![
        name.to_owned(),
        format!("{:.4}", report.roc_auc),
        interval,
        format!("{:.4}", report.average_precision),
        format!("{:.4}", report.log_loss),
        format!("{:.4}", report.brier),
        format!("{:.4}", report.ece),
        format!("{:.2}", report.lift_top_decile),
    ]
}

/// How good the decisions at the threshold are.
pub fn at_threshold(of: &BinaryReport) -> String {
    format!(
        "At the threshold {:.3}: accuracy {}, precision {}, recall {}, F1 {:.3}.\n",
        of.threshold,
        percent(of.accuracy),
        of.precision.map_or("–".into(), percent),
        percent(of.recall),
        of.f1
    )
}

/// The evaluation in sentences and figures.
pub fn text(figures: &ChurnFigures) -> String {
    let mut out = format!(
        "{} customers as of {}; {} ({}) made no purchase until {}.\n\n{}",
        count(figures.customers),
        figures.as_of,
        count(figures.churned),
        percent(figures.churned as f64 / figures.customers.max(1) as f64),
        figures.window_end,
        table(figures),
    );
    let model = &figures.model;
    out += &format!(
        "\nAt the threshold {:.3}: precision {}, recall {}, F1 {:.3}.\n",
        model.threshold,
        model.precision.map_or("–".into(), percent),
        percent(model.recall),
        model.f1
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

/// Writes the report.
pub fn write_report(path: &Path, model: &ChurnModel, evaluation: &Evaluation) -> Result<()> {
    let html = tenure_churn::report(model, evaluation)?.report()?.to_html();
    output::file(path, html.as_bytes())
}
