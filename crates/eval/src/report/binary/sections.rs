//! What the report on a binary classifier says, and in which order.

use super::charts;
use super::figures::Judged;
use super::{BinaryEvaluation, ExplainedRow, ProfitAssumptions};
use crate::Result;
use crate::metrics::{confusion, delong_test};
use crate::report::NumberFormat;
use crate::report::model::{
    Cell, KeyFigure, Part, Point, Report, RowExplanation, Section, Table, TableRow, Term,
};
use crate::report::shared::{self, Figure, Role, count, sentence};

const SHARE: NumberFormat = NumberFormat::Percent { decimals: 1 };
const SCORE: NumberFormat = NumberFormat::Number { decimals: 3 };
const TIMES: NumberFormat = NumberFormat::Times { decimals: 1 };

/// Fewer rows of either class than this leave every figure uncertain.
const FEW: f64 = 50.0;

pub(super) fn report(e: &BinaryEvaluation, judged: &[Judged<'_>]) -> Result<Report> {
    // `judged` is sorted by role and holds a model: the first is the one.
    let main = &judged[0];
    let sections = [
        shared::training(&e.timeline, &e.training),
        Some(comparison(e, judged)),
        Some(ranking(e, judged)),
        Some(probabilities(e, judged)?),
        Some(decision(e, judged)?),
        shared::importances(&e.importances, &e.importance_method),
        explained(e),
    ];
    Ok(Report {
        title: if e.title.is_empty() { "Evaluation".into() } else { e.title.clone() },
        subtitle: e.subject.clone(),
        headline: headline(e, main),
        summary: summary(e, judged),
        figures: key_figures(e, judged)?,
        warnings: warnings(e, judged),
        sections: sections.into_iter().flatten().collect(),
        glossary: glossary(e, judged),
        notes: e.notes.clone(),
    })
}

/// How many rows the headline speaks of: a hundred, or a tenth of few.
fn head(total: f64) -> f64 {
    if total >= 500.0 { 100.0 } else { (total / 10.0).round().max(1.0).min(total) }
}

fn headline(e: &BinaryEvaluation, main: &Judged<'_>) -> String {
    let w = &e.wording;
    let k = head(main.total());
    let random = k * main.figures.base_rate;
    let found = main.found(k).round();
    if k == 1.0 {
        return format!(
            "The model was judged on {} {}; {} of them {}.",
            count(main.total()),
            w.items,
            count(main.positives()),
            w.happened
        );
    }
    format!(
        "Of the {} {} the model ranks {}, {} {}; choosing {} at random would find {}.",
        count(k),
        w.items,
        w.top,
        count(found),
        w.happened,
        count(k),
        count(random)
    )
}

fn summary(e: &BinaryEvaluation, judged: &[Judged<'_>]) -> String {
    let w = &e.wording;
    let main = &judged[0];
    let k = head(main.total());
    let mut text = format!(
        "Judged on {} {}, of whom {} ({}) {}.",
        count(main.total()),
        w.items,
        count(main.positives()),
        SHARE.show(main.figures.base_rate),
        w.happened
    );
    let others: Vec<String> = judged
        .iter()
        .filter(|j| j.is(Role::Baseline))
        .map(|j| format!("{} {}", j.model.name, count(j.found(k))))
        .collect();
    if !others.is_empty() {
        text += &format!(" Simpler ways, with {} each, find: {}.", count(k), others.join(", "));
    }
    if let Some(oracle) = judged.iter().find(|j| j.is(Role::Oracle)) {
        let found = count(oracle.found(k));
        text +=
            &format!(" Even somebody who knew how these synthetic data came about would find only {found}.");
    }
    text
}

/// A figure of the first model, with the others' beside it.
fn key_figure(
    label: &str,
    note: &str,
    judged: &[Judged<'_>],
    format: &NumberFormat,
    of: impl Fn(&Judged<'_>) -> f64,
) -> KeyFigure {
    let others: Vec<String> = judged[1..]
        .iter()
        .map(|j| format!("{} {}", j.model.name, format.show(of(j))).replace(' ', "\u{a0}"))
        .collect();
    let compared = if others.is_empty() { String::new() } else { format!(" {}.", others.join(" · ")) };
    KeyFigure { label: label.into(), value: format.show(of(&judged[0])), note: format!("{note}{compared}") }
}

fn key_figures(e: &BinaryEvaluation, judged: &[Judged<'_>]) -> Result<Vec<KeyFigure>> {
    let mut figures = vec![
        key_figure("Ranking quality (AUC)", "0.5 is guessing, 1 is perfect.", judged, &SCORE, |j| {
            j.figures.roc_auc
        }),
        key_figure("Top tenth against average", "Lift in the top 10 %.", judged, &TIMES, |j| {
            j.figures.lift_top_decile
        }),
        key_figure("Percentages are off by", "Percentage points, on average.", judged, &POINTS, |j| {
            100.0 * j.figures.ece
        }),
    ];
    if let Some(assumptions) = &e.profit {
        let money = NumberFormat::Money { currency: assumptions.currency.clone() };
        let contacted = flagged(e, &judged[0])?;
        figures.push(key_figure(
            "Expected profit",
            &format!("Contacting {} at the chosen threshold.", count(contacted)),
            judged,
            &money,
            |j| assumptions.profit(contacted, j.found(contacted)),
        ));
    }
    Ok(figures)
}

const POINTS: NumberFormat = NumberFormat::Number { decimals: 1 };

/// Weight of the rows at or above the threshold.
fn flagged(e: &BinaryEvaluation, main: &Judged<'_>) -> Result<f64> {
    let counts = confusion(&e.labels, &main.model.probabilities, e.weights.as_deref(), e.threshold)?;
    Ok(counts.true_positives + counts.false_positives)
}

fn warnings(e: &BinaryEvaluation, judged: &[Judged<'_>]) -> Vec<String> {
    let w = &e.wording;
    let main = &judged[0];
    let mut warnings = e.warnings.clone();
    let negatives = main.total() - main.positives();
    if main.positives() < FEW || negatives < FEW {
        warnings.push(format!(
            "Few {}: {} that {}, {} that {}. Every figure here may be far off.",
            w.items,
            count(main.positives()),
            w.happened,
            count(negatives),
            w.did_not
        ));
    }
    if main.is_constant() {
        warnings.push(format!("The model gives all {} the same {}: it cannot rank them.", w.items, w.risk));
        return warnings;
    }
    if main.figures.roc_auc > 0.99 {
        warnings.push(
            "The ranking is nearly perfect. In practice that mostly means that a feature knows the outcome."
                .into(),
        );
    }
    let baselines = judged.iter().filter(|j| j.is(Role::Baseline));
    let best = baselines.max_by(|a, b| a.figures.roc_auc.total_cmp(&b.figures.roc_auc));
    if let Some(best) = best {
        let (ours, theirs) = (&main.model.probabilities, &best.model.probabilities);
        // Without enough rows for a test, nothing is shown to be better.
        let test = delong_test(&e.labels, ours, theirs, e.weights.as_deref());
        if !test.is_ok_and(|t| t.difference > 0.0 && t.p_value < 0.05) {
            warnings.push(format!(
                "On these {}, the model does not rank better than {} beyond what chance explains (DeLong's test, 5 %).",
                w.items, best.model.name
            ));
        }
    }
    warnings
}

/// One row of the comparison.
fn figure_row(judged: &[Judged<'_>], figure: Figure<'_>, of: impl Fn(&Judged<'_>) -> f64) -> TableRow {
    figure.row(&judged.iter().map(|j| (j.model.role, of(j))).collect::<Vec<_>>())
}

fn comparison(e: &BinaryEvaluation, judged: &[Judged<'_>]) -> Section {
    let mut columns = vec!["Figure".to_owned()];
    columns.extend(judged.iter().map(|j| j.model.name.clone()));
    let alone = judged.len() == 1;
    let lead = if alone {
        "The figures by which such models are usually compared. No baseline was given.".into()
    } else {
        let oracle = judged.iter().any(|j| j.is(Role::Oracle));
        let ceiling = if oracle {
            " The oracle knows the probabilities from which the synthetic data were drawn; nothing can be better \
             in the long run."
        } else {
            ""
        };
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

fn comparison_rows(e: &BinaryEvaluation, judged: &[Judged<'_>]) -> Vec<TableRow> {
    let w = &e.wording;
    let k = head(judged[0].total());
    let rate = judged[0].figures.base_rate;
    let figure =
        |label, note: String, format, higher_is_better| Figure { label, note, format, higher_is_better };
    let auc_note = format!(
        "Chance that one of the {} is ranked above one of the {}. Below: 95 % interval. Higher is better; 0.5 is guessing.",
        w.positives, w.negatives
    );
    let mut auc = figure_row(judged, figure("AUC", auc_note, SCORE, true), |j| j.figures.roc_auc);
    for (cell, j) in auc.cells.iter_mut().zip(judged) {
        if let (Some(low), Some(high)) = (j.figures.roc_auc_low, j.figures.roc_auc_high) {
            cell.note = format!("{}–{}", SCORE.show(low), SCORE.show(high));
        }
    }
    let precision_note = format!(
        "Share of right alarms, averaged over lists of all lengths. Higher is better; {} is guessing.",
        SCORE.show(rate)
    );
    let found_note = format!(
        "How many of the first {} on the list {}. {} at random.",
        count(k),
        w.happened,
        count(k * rate)
    );
    let found_label = format!("Found among the first {}", count(k));
    let lift_note =
        format!("How much more often the top 10 % {} than the average. Higher is better.", w.happened);
    let loss_note = format!(
        "Penalty for being confident and wrong. Lower is better; {} for always saying {}.",
        SCORE.show(judged[0].figures.log_loss_base),
        SHARE.show(rate)
    );
    let brier_note = format!(
        "Mean squared error of the probabilities. Lower is better; {} for always saying {}.",
        SCORE.show(rate * (1.0 - rate)),
        SHARE.show(rate)
    );
    let ece_note =
        "Mean distance between predicted and observed share, over ten groups of equal size. Lower is better.";
    let mut rows = vec![
        auc,
        figure_row(judged, figure("Average precision", precision_note, SCORE, true), |j| {
            j.figures.average_precision
        }),
        figure_row(
            judged,
            figure("Lift in the top 10 %", lift_note, NumberFormat::Times { decimals: 2 }, true),
            |j| j.figures.lift_top_decile,
        ),
        figure_row(
            judged,
            figure(&found_label, found_note, NumberFormat::Number { decimals: 0 }, true),
            |j| j.found(k),
        ),
        figure_row(judged, figure("Log loss", loss_note, SCORE, false), |j| j.figures.log_loss),
        figure_row(judged, figure("Brier score", brier_note, SCORE, false), |j| j.figures.brier),
        figure_row(judged, figure("Calibration error (ECE)", ece_note.into(), SHARE, false), |j| {
            j.figures.ece
        }),
    ];
    let ceiling = judged.iter().find(|j| j.is(Role::Oracle)).map(|o| o.figures.roc_auc - 0.5);
    if let Some(ceiling) = ceiling.filter(|c| *c > 0.0) {
        let note = "The model's AUC above guessing, as a share of the oracle's. Higher is better.".to_owned();
        rows.push(figure_row(judged, figure("Share of the attainable", note, SHARE, true), |j| {
            (j.figures.roc_auc - 0.5) / ceiling
        }));
    }
    rows
}

fn ranking(e: &BinaryEvaluation, judged: &[Judged<'_>]) -> Section {
    Section {
        title: format!("Does it find the right {}?", e.wording.items),
        lead: format!(
            "All four charts ask the same in different ways: how well does the list, sorted by {}, put the {} at its top?",
            e.wording.risk, e.wording.positives
        ),
        parts: vec![
            Part::Lines(charts::gains(e, judged)),
            Part::Columns(charts::lift(e, judged)),
            Part::Lines(charts::roc(e, judged)),
            Part::Lines(charts::precision_recall(e, judged)),
        ],
    }
}

fn probabilities(e: &BinaryEvaluation, judged: &[Judged<'_>]) -> Result<Section> {
    let figures = &judged[0].figures;
    Ok(Section {
        title: "Can the percentages be taken at their word?".into(),
        lead: format!(
            "On average, the model predicts {}; in fact, {} {}.",
            SHARE.show(figures.mean_probability),
            SHARE.show(figures.base_rate),
            e.wording.happened
        ),
        parts: vec![
            Part::Lines(charts::reliability(e, judged)),
            Part::Columns(charts::distribution(e, &judged[0])?),
        ],
    })
}

fn decision(e: &BinaryEvaluation, judged: &[Judged<'_>]) -> Result<Section> {
    let w = &e.wording;
    let main = &judged[0];
    let c = confusion(&e.labels, &main.model.probabilities, e.weights.as_deref(), e.threshold)?;
    let contacted = c.true_positives + c.false_positives;
    let precision =
        c.precision().map_or_else(String::new, |p| format!(", and {} of them {}", SHARE.show(p), w.happened));
    let lead = format!(
        "Acting at a {} of {} or more means acting on {} of {} {} ({}){precision}. That reaches {} of all {}.",
        w.risk,
        SHARE.show(e.threshold),
        count(contacted),
        count(main.total()),
        w.items,
        SHARE.show(contacted / main.total()),
        SHARE.show(main.figures.recall),
        w.positives
    );
    let mut parts = Vec::new();
    let mut assumed = String::new();
    if let Some(assumptions) = &e.profit {
        let money = NumberFormat::Money { currency: assumptions.currency.clone() };
        let chosen = Point::new(contacted / main.total(), assumptions.profit(contacted, c.true_positives));
        assumed = format!(
            " Assumed: a contact costs {}; {} of the contacted {} would have been won over, each worth {}.",
            money.show(assumptions.contact_cost),
            NumberFormat::Percent { decimals: 0 }.show(assumptions.success_rate),
            w.positives,
            money.show(assumptions.saved_value)
        );
        parts.push(Part::Lines(charts::profit(e, judged, assumptions, chosen)));
    }
    let cell =
        |value: f64, strong| Cell { text: count(value), note: String::new(), value: Some(value), strong };
    let row = |label: &str, right: f64, wrong: f64, first_is_right: bool| TableRow {
        label: label.into(),
        note: String::new(),
        cells: vec![cell(right, first_is_right), cell(wrong, !first_is_right)],
    };
    parts.push(Part::Table(Table {
        title: "What the decision would have done".into(),
        caption: "Right decisions are bold.".into(),
        columns: vec![sentence(&w.items), sentence(&w.happened), sentence(&w.did_not)],
        rows: vec![
            row("Acted on", c.true_positives, c.false_positives, true),
            row("Not acted on", c.false_negatives, c.true_negatives, false),
        ],
    }));
    if let Some(assumptions) = &e.profit {
        parts.push(Part::Table(profits(judged, assumptions, contacted)));
    }
    Ok(Section { title: "Where to draw the line".into(), lead: lead + &assumed, parts })
}

/// What every model's list would have brought.
fn profits(judged: &[Judged<'_>], assumptions: &ProfitAssumptions, contacted: f64) -> Table {
    let money = NumberFormat::Money { currency: assumptions.currency.clone() };
    let cell =
        |value: f64, note: String| Cell { text: money.show(value), note, value: Some(value), strong: false };
    let row = |j: &Judged<'_>| {
        let best = j.best_profit(assumptions);
        let same = assumptions.profit(contacted, j.found(contacted));
        let note = format!("contacting {}", count(best.x * j.total()));
        TableRow {
            label: j.model.name.clone(),
            note: String::new(),
            cells: vec![cell(same, String::new()), cell(best.y, note)],
        }
    };
    Table {
        title: "What each list would have brought".into(),
        caption: "The best number of contacts is read off the same rows, and so a little optimistic.".into(),
        columns: vec!["List".into(), format!("First {}", count(contacted)), "At its best".into()],
        rows: judged.iter().map(row).collect(),
    }
}

fn explained(e: &BinaryEvaluation) -> Option<Section> {
    let w = &e.wording;
    let row = |row: &ExplainedRow| RowExplanation {
        id: row.id.clone(),
        value: SHARE.show(row.probability),
        interval: row
            .interval
            .map(|(l, h)| format!("{} to {}", SHARE.show(l), SHARE.show(h)))
            .unwrap_or_default(),
        level: row.level.clone(),
        factors: row.factors.clone(),
        recommendation: row.recommendation.clone(),
    };
    shared::explained(&w.items, &w.item, &w.risk, e.explained.iter().map(row).collect())
}

fn glossary(e: &BinaryEvaluation, judged: &[Judged<'_>]) -> Vec<Term> {
    let w = &e.wording;
    let term = |term: &str, text: String| Term { term: term.into(), text };
    let mut terms = vec![
        term(&sentence(&w.risk), format!("The model's estimate, from 0 to 100 %, of how likely a {} is among the {}.", w.item, w.positives)),
        term("Threshold", format!("From this {} on, something is done.", w.risk)),
        term("AUC", "Area under the ROC curve: how well the list is sorted, whatever the threshold. 0.5 is guessing, 1 is perfect.".into()),
        term("Lift", format!("How many times more {} are found than by choosing at random.", w.positives)),
        term("Precision and recall", format!("Precision: the share of alarms that are right. Recall: the share of all {} that are found.", w.positives)),
        term("Calibration", "Whether percentages mean what they say: of all those given 30 %, about 30 % should come true.".into()),
        term("95 % interval", "Where the figure would lie in 95 of 100 repetitions with other rows of the same kind; wide where there are few rows.".into()),
    ];
    let oracle =
        "For synthetic data only: the true probabilities. The rest is chance, which nobody can predict.";
    terms.extend(shared::role_terms(judged.iter().map(|j| j.model.role), oracle));
    terms
}
