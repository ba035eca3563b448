//! The figures of lead models in words and columns.

use std::collections::BTreeMap;

use tenure_lead::{
    Baselines, Figures, LeadFigures, LeadModel, OracleFigures, ScoreFigures, TierFigures, TrainReport,
};

use crate::commands::evaluation;
use crate::output::{columns, count, percent};

/// The main figures by name, for the model's metadata.
pub fn metrics(figures: &Figures) -> BTreeMap<String, f64> {
    let named = match figures {
        Figures::Score(f) => {
            vec![("mae", Some(f.regression.mae)), ("r2", f.regression.r2), ("spearman", f.spearman)]
        }
        Figures::Conversion(f) => {
            vec![("roc_auc", Some(f.roc_auc)), ("log_loss", Some(f.log_loss)), ("ece", Some(f.ece))]
        }
    };
    named.into_iter().filter_map(|(name, value)| Some((format!("held_out.{name}"), value?))).collect()
}

/// Model, baselines and oracle side by side.
fn table(model: &Figures, baselines: &Baselines, oracle: Option<&OracleFigures>) -> String {
    let mut named = vec![("model", model)];
    named.extend(baselines.linear.as_ref().map(|figures| ("linear model", figures)));
    named.extend(baselines.rules.as_ref().map(|figures| ("rules", figures)));
    named.push(("mean", &baselines.mean));
    named.extend(oracle.map(|oracle| ("best attainable", &oracle.figures)));
    let header = match model {
        Figures::Score(_) => ["", "MAE", "RMSE", "R²", "rank corr.", "bias"].map(str::to_owned).to_vec(),
        Figures::Conversion(_) => evaluation::header(),
    };
    let row = |(name, figures): (&str, &Figures)| match figures {
        Figures::Score(figures) => score_row(name, figures),
        Figures::Conversion(figures) => evaluation::row(name, figures),
    };
    columns(&std::iter::once(header).chain(named.into_iter().map(row)).collect::<Vec<_>>())
}

fn score_row(name: &str, figures: &ScoreFigures) -> Vec<String> {
    // Rounded before it is written, so that no zero has a sign.
    let rounded = |v: f64| (v * 1e3).round() / 1e3 + 0.0;
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |v| format!("{:.3}", rounded(v)));
    let of = &figures.regression;
    vec![
        name.to_owned(),
        format!("{:.2}", of.mae),
        format!("{:.2}", of.rmse),
        number(of.r2),
        number(figures.spearman),
        number(Some(of.bias)),
    ]
}

fn tiers(tiers: &[TierFigures]) -> String {
    let mut header =
        ["tier", "leads", "mean score", "came true", "stated confidence"].map(str::to_owned).to_vec();
    header.extend(tiers.iter().any(|tier| tier.share_right.is_some()).then(|| "right".to_owned()));
    let row = |tier: &TierFigures| {
        let mut row = vec![
            tier.tier.to_string(),
            count(tier.leads),
            format!("{:.1}", tier.mean_score),
            format!("{:.1}", tier.mean_actual),
            percent(tier.mean_confidence),
        ];
        row.extend(tier.share_right.map(percent));
        row
    };
    columns(&std::iter::once(header).chain(tiers.iter().map(row)).collect::<Vec<_>>())
}

fn body(figures: &LeadFigures) -> String {
    let mut out = table(&figures.model, &figures.baselines, figures.oracle.as_ref());
    if let Some(coverage) = &figures.coverage {
        out += &format!(
            "Ranges of {} hold the score of {} of the leads; they are {:.1} points wide.\n",
            percent(coverage.level),
            percent(coverage.share),
            coverage.mean_width
        );
    }
    out += &format!("\n{}", tiers(&figures.tiers));
    if let Some(oracle) = &figures.oracle {
        let of = match figures.model {
            Figures::Score(_) => "R²",
            Figures::Conversion(_) => "AUC above chance",
        };
        out += &format!(
            "The model reaches {} of the {of} that is attainable.\n",
            percent(oracle.share_of_attainable)
        );
    }
    for note in &figures.notes {
        out += &format!("note: {note}\n");
    }
    out
}

/// What an evaluation found.
pub fn evaluation(figures: &LeadFigures) -> String {
    format!("{} leads whose outcome is known.\n\n{}", count(figures.rows), body(figures))
}

/// What training did.
pub fn training(report: &TrainReport, model: &LeadModel) -> String {
    let mean = match &report.held_out.model {
        Figures::Score(_) => format!("their mean score is {:.1}", report.mean),
        Figures::Conversion(_) => format!("{} converted", percent(report.mean)),
    };
    let mut out =
        format!("Learned from {} leads and {} features; {mean}.\n", count(report.rows), report.features);
    let bounds = model.settings().bounds;
    out += &format!("A lead is hot from {:.1} and warm from {:.1}.\n", bounds.hot, bounds.warm);
    out += &format!(
        "\nOn {} leads held out, by a model that learned from the others (the one that is kept learned from all):\n{}",
        count(report.held_out.rows),
        body(&report.held_out)
    );
    let name = match report.cross_validation.figures {
        Figures::Score(_) => "mean absolute error",
        Figures::Conversion(_) => "AUC",
    };
    let folds: Vec<String> = report.cross_validation.folds.iter().map(|f| format!("{f:.3}")).collect();
    out += &format!("\nCross-validation, {name} by fold: {}.\n", folds.join(", "));
    for note in &report.notes {
        out += &format!("note: {note}\n");
    }
    out
}
