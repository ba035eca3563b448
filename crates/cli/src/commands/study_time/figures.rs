//! The figures of study time in words and columns.

use tenure_eval::metrics::RegressionReport;
use tenure_study_time::{
    ColumnOutliers, Comparison, FeatureImportance, Searched, StudyFigures, StudyTimePrediction, Trained,
};

use crate::output::{columns, count, percent};

/// Ids of outliers that are named.
const NAMED: usize = 5;

fn line(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

fn row(name: &str, figures: &RegressionReport) -> Vec<String> {
    let r2 = figures.r2.map_or("–".to_owned(), |v| format!("{v:.3}"));
    // Rounded before it is written, so that no zero has a sign.
    let bias = (figures.bias * 1e3).round() / 1e3 + 0.0;
    vec![
        name.to_owned(),
        format!("{:.3}", figures.mae),
        format!("{:.3}", figures.rmse),
        r2,
        format!("{bias:.3}"),
    ]
}

const HEADER: [&str; 5] = ["", "MAE", "RMSE", "R²", "bias"];

/// Model, baselines and oracle side by side, and whether the ranges held.
fn body(figures: &StudyFigures, unit: &str) -> String {
    let mut rows = vec![line(&HEADER), row("model", &figures.model)];
    rows.extend(figures.estimate.as_ref().map(|f| row("estimated base time", f)));
    rows.push(row("mean", &figures.mean));
    rows.extend(figures.oracle.as_ref().map(|o| row("best attainable", &o.figures)));
    let coverage = &figures.coverage;
    let mut out = columns(&rows);
    out += &format!(
        "{} of the ranges held ({} stated); they are {:.2}{} wide on average.\n",
        percent(coverage.share),
        percent(coverage.level),
        coverage.mean_width,
        if unit.is_empty() { String::new() } else { format!(" {unit}") },
    );
    if let Some(oracle) = &figures.oracle {
        out += &format!(
            "The model's MAE is {} and its RMSE {} above the best attainable (the true medians, the true means).\n",
            percent(oracle.mae_ratio - 1.0),
            percent(oracle.rmse_ratio - 1.0)
        );
    }
    out
}

pub fn training(trained: &Trained) -> String {
    let (report, settings) = (&trained.report, trained.model.settings());
    let mut out = format!(
        "Learned from {} rows and {} features by {} × {}.\n\nOn {} rows held out, by a model that learned from the others \
         (the one that is kept learned from all):\n{}",
        count(report.rows),
        report.features,
        settings.params.ensemble,
        settings.params.learner.name(),
        count(report.held_out.rows),
        body(&report.held_out, &settings.unit),
    );
    for note in &report.notes {
        out += &format!("note: {note}\n");
    }
    out
}

pub fn evaluation(figures: &StudyFigures, unit: &str) -> String {
    let mut out = format!("{} rows whose target is known.\n\n{}", count(figures.rows), body(figures, unit));
    if !figures.segments.is_empty() {
        let mut rows = vec![line(&["", "rows", "MAE", "bias", "ranges that hold"])];
        rows.extend(figures.segments.iter().map(|s| {
            vec![
                format!("{} {}", s.by, s.segment),
                count(s.rows),
                format!("{:.3}", s.mae),
                format!("{:.3}", s.bias),
                percent(s.coverage),
            ]
        }));
        out += &format!("\n{}", columns(&rows));
    }
    out
}

pub fn prediction(answer: &StudyTimePrediction, unit: &str) -> String {
    let range = answer.interval;
    let mut out = format!(
        "{} ({})\n  expected  {:.2} {unit}\n  range     {:.2} to {:.2}, at {}\n  spread    {:.2} between the members\n",
        answer.id,
        answer.model_version,
        answer.hours,
        range.low,
        range.high,
        percent(range.level),
        answer.spread
    );
    for reason in &answer.reasons {
        out += &format!("  {:+.2}  {}\n", reason.effect, reason.text);
    }
    out
}

pub fn importances(found: &[FeatureImportance]) -> String {
    let some = |value: Option<f64>| value.map_or("–".to_owned(), |v| format!("{v:.4}"));
    let mut rows = vec![line(&["feature", "permutation", "sd", "contribution", "first layer"])];
    rows.extend(found.iter().map(|f| {
        vec![
            f.feature.clone(),
            format!("{:.4}", f.permutation),
            format!("{:.4}", f.permutation_deviation),
            some(f.contribution),
            some(f.first_layer),
        ]
    }));
    format!(
        "{}permutation: by how much the mean absolute error grows when the feature is shuffled; contribution: mean size of \
         what it adds (SHAP; of networks integrated gradients); first layer: mean size of its weights.\n",
        columns(&rows)
    )
}

pub fn comparison(found: &Comparison) -> String {
    let mut rows = vec![line(&["", "MAE", "RMSE", "R²", "bias", "closer by", "95 % interval"])];
    for learner in &found.learners {
        let mut cells = row(&learner.name, &learner.figures);
        if let Some(gain) = learner.gain {
            cells.extend([format!("{:.4}", gain.mean), format!("{:.4} to {:.4}", gain.low, gain.high)]);
        }
        rows.push(cells);
    }
    rows.push(row("mean", &found.mean));
    rows.extend(found.oracle.as_ref().map(|figures| row("best attainable", figures)));
    let mut out = format!(
        "{} rows of {} students or groups, {} folds.\n\n{}\n",
        count(found.rows),
        count(found.groups),
        found.folds,
        columns(&rows)
    );
    for conclusion in &found.conclusions {
        out += &format!("{conclusion}.\n");
    }
    out
}

pub fn searched(found: &Searched) -> String {
    let mut rows = vec![line(&["fold", "chosen", "RMSE within", "RMSE of the fold"])];
    rows.extend(found.folds.iter().enumerate().map(|(at, fold)| {
        let point = serde_json::to_string(&fold.point).unwrap_or_default();
        vec![
            (at + 1).to_string(),
            format!("{} {point}", fold.name),
            format!("{:.4}", fold.inner_rmse),
            format!("{:.4}", fold.rmse),
        ]
    }));
    let point = serde_json::to_string(&found.chosen.point).unwrap_or_default();
    format!(
        "{}\nSuch a choice, on rows that had no part in it: RMSE {:.4} (mean of the folds {:.4}), MAE {:.4}; always saying \
         the mean: RMSE {:.4}.\nOver all rows the choice is {} {point}.\n",
        columns(&rows),
        found.figures.rmse,
        found.mean_fold_rmse,
        found.figures.mae,
        found.mean.rmse,
        found.chosen.name
    )
}

pub fn outliers(found: &[ColumnOutliers], ids: &[String]) -> String {
    let mut rows = vec![line(&["column", "outliers", "of", "usual from", "to", "the farthest"])];
    rows.extend(found.iter().map(|c| {
        let named: Vec<&str> = c.outliers.iter().take(NAMED).map(|&row| ids[row].as_str()).collect();
        vec![
            c.column.clone(),
            count(c.outliers.len()),
            count(c.rows),
            format!("{:.3}", c.low),
            format!("{:.3}", c.high),
            named.join(", "),
        ]
    }));
    format!(
        "{}Usual is what lies within 1.5 spreads of the middle half. An outlier is a value to look at, not one to delete.\n",
        columns(&rows)
    )
}
