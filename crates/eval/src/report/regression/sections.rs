//! What the report on predicted numbers says, and in which order.

use super::figures::Judged;
use super::{ExplainedValue, RegressionEvaluation, ValueIntervals, charts};
use crate::Result;
use crate::metrics::{interval_coverage, mean_interval_width};
use crate::report::NumberFormat;
use crate::report::model::{KeyFigure, Part, Report, RowExplanation, Section, Table, TableRow, Term};
use crate::report::shared::{self, Figure, Role, count, sentence};

const SCORE: NumberFormat = NumberFormat::Number { decimals: 3 };
const SHARE: NumberFormat = NumberFormat::Percent { decimals: 1 };

/// Fewer rows than this leave every figure uncertain.
const FEW: usize = 100;

pub(super) fn report(e: &RegressionEvaluation, judged: &[Judged<'_>]) -> Result<Report> {
    // `judged` is sorted by role and holds a model: the first is the one.
    let main = &judged[0];
    let coverage = e.intervals.as_ref().map(|i| Covered::new(e, i)).transpose()?;
    let sections = [
        shared::training(&e.timeline, &e.training),
        Some(comparison(e, judged)),
        Some(predictions(e, judged)),
        coverage.as_ref().map(|c| c.section(e, main)),
        shared::importances(&e.importances, &e.importance_method),
        explained(e),
    ];
    Ok(Report {
        title: if e.title.is_empty() { "Evaluation".into() } else { e.title.clone() },
        subtitle: e.subject.clone(),
        headline: format!(
            "The model's {} is off by {} on average; for half of the {} by less than {}.",
            e.wording.value,
            amount(e, main.figures.mae),
            e.wording.items,
            amount(e, main.error_within(0.5))
        ),
        summary: summary(e, judged),
        figures: key_figures(judged, e, coverage.as_ref()),
        warnings: warnings(e, judged),
        sections: sections.into_iter().flatten().collect(),
        glossary: glossary(e, judged),
        notes: e.notes.clone(),
    })
}

/// A value with its unit.
fn amount(e: &RegressionEvaluation, value: f64) -> String {
    format!("{} {}", e.format.show(value), e.wording.unit).trim_end().to_owned()
}

fn summary(e: &RegressionEvaluation, judged: &[Judged<'_>]) -> String {
    let w = &e.wording;
    let main = &judged[0];
    let mut text = format!(
        "Judged on {} {} whose {} is {} on average.",
        count(main.figures.rows as f64),
        w.items,
        w.value,
        amount(e, main.figures.mean_actual)
    );
    let others: Vec<String> = judged
        .iter()
        .filter(|j| j.is(Role::Baseline))
        .map(|j| format!("{} {}", j.model.name, e.format.show(j.figures.mae)))
        .collect();
    if !others.is_empty() {
        text += &format!(" Simpler ways are off by: {}.", others.join(", "));
    }
    if let Some(oracle) = judged.iter().find(|j| j.is(Role::Oracle)) {
        text += &format!(
            " Even somebody who knew how these synthetic data came about would be off by {}.",
            amount(e, oracle.figures.mae)
        );
    }
    text
}

fn key_figures(
    judged: &[Judged<'_>],
    e: &RegressionEvaluation,
    coverage: Option<&Covered<'_>>,
) -> Vec<KeyFigure> {
    let figure = |label: &str, note: &str, format: &NumberFormat, of: &dyn Fn(&Judged<'_>) -> f64| {
        let others: Vec<String> = judged[1..]
            .iter()
            .map(|j| format!("{} {}", j.model.name, format.show(of(j))).replace(' ', "\u{a0}"))
            .collect();
        let compared = if others.is_empty() { String::new() } else { format!(" {}.", others.join(" · ")) };
        KeyFigure {
            label: label.into(),
            value: format.show(of(&judged[0])),
            note: format!("{note}{compared}"),
        }
    };
    let mut figures = vec![
        figure("Off by (MAE)", &sentence(&format!("{} on average.", e.wording.unit)), &e.format, &|j| {
            j.figures.mae
        }),
        figure("Explained (R²)", "0 is always saying the mean, 1 is perfect.", &SCORE, &r2),
        figure("Right order (Spearman)", "0 is chance, 1 is perfect.", &SCORE, &order),
    ];
    figures.extend(coverage.map(|c| KeyFigure {
        label: "Ranges that hold".into(),
        value: SHARE.show(c.share),
        note: format!("Stated: {}.", SHARE.show(c.intervals.level)),
    }));
    figures
}

fn r2(judged: &Judged<'_>) -> f64 {
    judged.figures.r2.unwrap_or(f64::NAN)
}

fn order(judged: &Judged<'_>) -> f64 {
    judged.spearman.unwrap_or(f64::NAN)
}

fn warnings(e: &RegressionEvaluation, judged: &[Judged<'_>]) -> Vec<String> {
    let w = &e.wording;
    let main = &judged[0];
    let mut warnings = e.warnings.clone();
    if main.figures.rows < FEW {
        warnings.push(format!("Only {} {}: every figure here may be far off.", main.figures.rows, w.items));
    }
    if main.is_constant() {
        warnings.push(format!("The model gives all {} the same {}: it cannot rank them.", w.items, w.value));
        return warnings;
    }
    if main.figures.r2.is_some_and(|r2| r2 > 0.99) {
        warnings.push(
            "The prediction is nearly perfect. In practice that mostly means that a feature knows the outcome."
                .into(),
        );
    }
    let baselines = judged.iter().filter(|j| j.is(Role::Baseline));
    let best = baselines.min_by(|a, b| a.figures.mae.total_cmp(&b.figures.mae));
    if let Some(best) = best.filter(|best| !main.surely_beats(best)) {
        warnings.push(format!(
            "On these {}, the model is not closer than {} beyond what chance explains (sizes of error row by row, \
             5 %).",
            w.items, best.model.name
        ));
    }
    warnings
}

fn comparison(e: &RegressionEvaluation, judged: &[Judged<'_>]) -> Section {
    let mut columns = vec!["Figure".to_owned()];
    columns.extend(judged.iter().map(|j| j.model.name.clone()));
    let alone = judged.len() == 1;
    let ceiling = if judged.iter().any(|j| j.is(Role::Oracle)) {
        " The oracle knows the expected values from which the synthetic data were drawn; nothing can be better in \
         the long run."
    } else {
        ""
    };
    let lead = if alone {
        "The figures by which such models are usually compared. No baseline was given.".into()
    } else {
        format!(
            "A model earns its keep only where it beats what needs no model. The best of each row is bold.{ceiling}"
        )
    };
    Section {
        title: if alone { "The figures".into() } else { "Against simpler ways".into() },
        lead,
        parts: vec![Part::Table(Table { columns, rows: comparison_rows(e, judged), ..Table::default() })],
    }
}

fn comparison_rows(e: &RegressionEvaluation, judged: &[Judged<'_>]) -> Vec<TableRow> {
    let row = |label, note: &str, format: &NumberFormat, up: bool, of: &dyn Fn(&Judged<'_>) -> f64| {
        let values: Vec<(Role, f64)> = judged.iter().map(|j| (j.model.role, of(j))).collect();
        let figure = Figure { label, note: note.into(), format: format.clone(), higher_is_better: up };
        figure.row(&values)
    };
    let mae = "How far off on average. Lower is better.";
    let rmse = "Root of the mean squared error: large errors weigh more. Lower is better.";
    let explained =
        "Share of the differences that is predicted. Higher is better; 0 is always saying the mean.";
    let ranks = "Spearman's rank correlation: is the order right? Higher is better; 0 is chance.";
    let mut rows = vec![
        row("Mean absolute error", mae, &e.format, false, &|j| j.figures.mae),
        row("RMSE", rmse, &e.format, false, &|j| j.figures.rmse),
        row("R²", explained, &SCORE, true, &r2),
        row("Rank correlation", ranks, &SCORE, true, &order),
    ];
    let mut bias =
        row("Bias", "Predicted less actual, on average. 0 is best.", &e.format, false, &|j| j.figures.bias);
    // Neither end is the good one.
    bias.cells.iter_mut().for_each(|cell| cell.strong = false);
    rows.push(bias);
    let ceiling = judged.iter().find(|j| j.is(Role::Oracle)).and_then(|o| o.figures.r2);
    if let Some(ceiling) = ceiling.filter(|r2| *r2 > 0.0) {
        let note = "R² as a share of the oracle's. Higher is better.";
        rows.push(row("Share of the attainable", note, &SHARE, true, &|j| r2(j) / ceiling));
    }
    rows
}

fn predictions(e: &RegressionEvaluation, judged: &[Judged<'_>]) -> Section {
    let figures = &judged[0].figures;
    Section {
        title: format!("Can the {} be taken at its word?", e.wording.value),
        lead: format!(
            "On average, the model predicts {}; in fact, it is {}.",
            amount(e, figures.mean_predicted),
            amount(e, figures.mean_actual)
        ),
        parts: vec![
            Part::Lines(charts::predicted_and_actual(e, judged)),
            Part::Columns(charts::errors(e, &judged[0])),
        ],
    }
}

/// How the intervals fared.
struct Covered<'a> {
    intervals: &'a ValueIntervals,
    share: f64,
    width: f64,
}

impl<'a> Covered<'a> {
    fn new(e: &RegressionEvaluation, intervals: &'a ValueIntervals) -> Result<Self> {
        let ValueIntervals { low, high, .. } = intervals;
        Ok(Self {
            intervals,
            share: interval_coverage(&e.actual, low, high, None)?,
            width: mean_interval_width(low, high, None)?,
        })
    }

    fn section(&self, e: &RegressionEvaluation, main: &Judged<'_>) -> Section {
        let w = &e.wording;
        Section {
            title: "Do the ranges hold?".into(),
            lead: format!(
                "{} of the {} have a {} within their range; {} is what is stated. A range is {} wide on average.",
                SHARE.show(self.share),
                w.items,
                w.value,
                SHARE.show(self.intervals.level),
                amount(e, self.width)
            ),
            parts: vec![Part::Lines(charts::coverage(e, main, self.intervals))],
        }
    }
}

fn explained(e: &RegressionEvaluation) -> Option<Section> {
    let w = &e.wording;
    let row = |row: &ExplainedValue| RowExplanation {
        id: row.id.clone(),
        value: amount(e, row.value),
        interval: row
            .interval
            .map(|(low, high)| format!("{} to {}", e.format.show(low), e.format.show(high)))
            .unwrap_or_default(),
        level: row.level.clone(),
        factors: row.factors.clone(),
        recommendation: row.recommendation.clone(),
    };
    shared::explained(&w.items, &w.item, &w.value, e.explained.iter().map(row).collect())
}

fn glossary(e: &RegressionEvaluation, judged: &[Judged<'_>]) -> Vec<Term> {
    let term = |term: &str, text: &str| Term { term: term.into(), text: text.into() };
    let mut terms = vec![
        term("MAE", "Mean absolute error: how far the prediction is off on average, whichever way."),
        term(
            "R²",
            "Coefficient of determination: 1 less the squared errors as a share of those made by always saying the mean.",
        ),
        term(
            "Rank correlation",
            "Spearman's: how well the order of the predictions agrees with that of the actual values.",
        ),
    ];
    if e.intervals.is_some() {
        terms.push(term(
            "Range",
            "Where the actual value should lie in the stated share of cases, on average over all.",
        ));
    }
    let oracle =
        "For synthetic data only: the true expected values. The rest is chance, which nobody can predict.";
    terms.extend(shared::role_terms(judged.iter().map(|j| j.model.role), oracle));
    terms
}
