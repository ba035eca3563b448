//! What the reports on classifiers and on predicted numbers have in common.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};
use tenure_core::Model;

use super::NumberFormat;
use super::model::{
    Bar, BarChart, Cell, Explanations, KeyFigure, Part, RowExplanation, Section, SpanKind, TableRow, Term,
    TimeSpan, Timeline, TimelineRow, Tone,
};

/// Features shown among the importances.
const FEATURES_SHOWN: usize = 20;

/// What a model of an evaluation is there for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// What the report is about; the first such model is the one whose rows are shown.
    #[default]
    Model,
    /// What it has to beat.
    Baseline,
    /// What synthetic data were drawn from: the best attainable.
    Oracle,
}

impl From<Role> for Tone {
    fn from(role: Role) -> Self {
        match role {
            Role::Model => Self::Model,
            Role::Baseline => Self::Baseline,
            Role::Oracle => Self::Oracle,
        }
    }
}

/// How much a feature matters to the model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// Name of the feature's column.
    pub feature: String,
    /// Its unit, empty where there is none.
    pub unit: String,
    /// What it means, readable; the column's name is shown where it is empty.
    pub description: String,
    /// Its importance, at least 0, on any scale: the report shows shares of the sum.
    pub importance: f64,
}

/// Rows whose explanations are averaged into importances.
const EXPLAINED_ROWS: usize = 1_000;

impl Importance {
    /// The mean size of each feature's contribution to the model's first output, over up to 1,000 rows taken
    /// evenly from `x`; none of a model that does not explain itself.
    ///
    /// # Errors
    /// As [`Model::explain_row`].
    pub fn of_contributions(model: &dyn Model, x: ArrayView2<'_, f64>) -> tenure_core::Result<Vec<Self>> {
        Self::of_output(model, x, 0)
    }

    /// The same of another output.
    ///
    /// # Errors
    /// As [`Model::explain_row`].
    pub fn of_output(
        model: &dyn Model,
        x: ArrayView2<'_, f64>,
        output: usize,
    ) -> tenure_core::Result<Vec<Self>> {
        if !model.capabilities().explains {
            return Ok(Vec::new());
        }
        let step = x.nrows().div_ceil(EXPLAINED_ROWS).max(1);
        let mut sums = vec![0.0; model.schema().len()];
        for row in x.rows().into_iter().step_by(step) {
            for (sum, c) in sums.iter_mut().zip(model.explain_row(&row.to_vec(), output)?.contributions) {
                *sum += c.abs();
            }
        }
        let rows = x.nrows().div_ceil(step).max(1) as f64;
        let named = model.schema().features().iter().zip(sums).map(|(feature, sum)| Self {
            feature: feature.name.clone(),
            unit: feature.unit.clone(),
            description: feature.description.clone(),
            importance: sum / rows,
        });
        Ok(named.collect())
    }
}

impl Timeline {
    /// Snapshots learned from, each with what was observed before it and what was learned after it, and the one that
    /// is judged. Instants are days since 1970-01-01.
    #[must_use]
    pub fn of_snapshots(training: &[i64], judged: i64, observed_days: i64, outcome_days: i64) -> Self {
        let window = |kind, start_day, days| TimeSpan { kind, start_day, end_day: start_day + days };
        let spans = |&at: &i64| {
            [
                window(SpanKind::Observed, at - observed_days, observed_days),
                window(SpanKind::Prediction, at, 0),
                window(SpanKind::Outcome, at, outcome_days),
            ]
        };
        let row = |label: &str, at: &[i64]| TimelineRow {
            label: label.into(),
            spans: at.iter().flat_map(spans).collect(),
            ..TimelineRow::default()
        };
        Self { rows: vec![row("Training", training), row("Evaluation", &[judged])], ..Self::default() }
    }
}

/// How one figure is read, and which end of it is good.
pub(super) struct Figure<'a> {
    pub(super) label: &'a str,
    pub(super) note: String,
    pub(super) format: NumberFormat,
    pub(super) higher_is_better: bool,
}

impl Figure<'_> {
    /// One row of a comparison, from each model's role and value; the best of models and baselines is
    /// emphasised. A value that is not finite has no definition.
    pub(super) fn row(&self, values: &[(Role, f64)]) -> TableRow {
        let contenders = || values.iter().filter(|(role, _)| *role != Role::Oracle).map(|(_, value)| *value);
        let best = contenders().fold(f64::NAN, if self.higher_is_better { f64::max } else { f64::min });
        let several = contenders().count() > 1;
        let cell = |&(role, value): &(Role, f64)| Cell {
            text: self.format.show(value),
            note: String::new(),
            value: value.is_finite().then_some(value),
            strong: several && role != Role::Oracle && value == best,
        };
        TableRow {
            label: self.label.into(),
            note: self.note.clone(),
            cells: values.iter().map(cell).collect(),
        }
    }
}

/// What was learned from when, and facts about the training; `None` where neither is known.
pub(super) fn training(timeline: &Timeline, facts: &[KeyFigure]) -> Option<Section> {
    let mut parts = Vec::new();
    let mut lead = String::new();
    if !timeline.rows.is_empty() {
        lead = "The model learns from the past only, and is judged on a later period that it has not seen."
            .into();
        parts.push(Part::Timeline(timeline.clone()));
    }
    if !facts.is_empty() {
        parts.push(Part::Figures { figures: facts.to_vec() });
    }
    let title = if lead.is_empty() { "What was learned from" } else { "What was trained on which period" };
    (!parts.is_empty()).then(|| Section { title: title.into(), lead, parts })
}

pub(super) fn importances(importances: &[Importance], method: &str) -> Option<Section> {
    (!importances.is_empty()).then(|| Section {
        title: "What it goes by".into(),
        lead: "What matters to the model is not necessarily what causes the outcome.".into(),
        parts: vec![Part::Bars(importance_chart(importances, method))],
    })
}

fn importance_chart(importances: &[Importance], method: &str) -> BarChart {
    let sum: f64 = importances.iter().map(|i| i.importance.max(0.0)).sum();
    let mut ranked: Vec<&Importance> = importances.iter().collect();
    ranked.sort_by(|a, b| b.importance.total_cmp(&a.importance));
    let bar = |i: &&Importance| {
        let named = !i.description.is_empty();
        let unit = if i.unit.is_empty() { String::new() } else { format!(" ({})", i.unit) };
        Bar {
            label: format!("{}{unit}", if named { &i.description } else { &i.feature }),
            note: if named { i.feature.clone() } else { String::new() },
            value: if sum > 0.0 { i.importance.max(0.0) / sum } else { 0.0 },
        }
    };
    let rest = match ranked.len().saturating_sub(FEATURES_SHOWN) {
        0 => String::new(),
        1 => " One more feature matters less and is not shown.".into(),
        n => format!(" {n} more features matter less and are not shown."),
    };
    BarChart {
        title: String::new(),
        caption: format!("Share of the model's total importance. {method}{rest}").trim().to_owned(),
        format: NumberFormat::Percent { decimals: 1 },
        bars: ranked.iter().take(FEATURES_SHOWN).map(bar).collect(),
    }
}

/// The terms that every comparison needs.
pub(super) fn role_terms(roles: impl Iterator<Item = Role> + Clone, oracle: &str) -> Vec<Term> {
    let has = |role| roles.clone().any(|r| r == role);
    let term = |term: &str, text: &str| Term { term: term.into(), text: text.into() };
    let baseline = "A simple way to the same list, without a model; what the model has to beat.";
    let mut terms = Vec::new();
    terms.extend(has(Role::Baseline).then(|| term("Baseline", baseline)));
    terms.extend(has(Role::Oracle).then(|| term("Oracle", oracle)));
    terms
}

/// A count for people.
pub(super) fn count(value: f64) -> String {
    NumberFormat::Number { decimals: 0 }.show(value)
}

/// With a capital letter.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The rows that are explained one by one: `items` is what they are, `item` one of them, `what` what is predicted.
pub(super) fn explained(items: &str, item: &str, what: &str, rows: Vec<RowExplanation>) -> Option<Section> {
    (!rows.is_empty()).then(|| Section {
        title: format!("A few {items}, explained"),
        lead: format!("The predicted {what} of single {items}, and what moved it."),
        parts: vec![Part::Explanations(Explanations {
            caption: format!(
                "The longer the bar, the further this fact moved the {what} away from that of an average {item}. Bars of \
                 all cards are to one scale."
            ),
            lowers: format!("lowers the {what}"),
            raises: format!("raises the {what}"),
            rows,
        })],
    })
}
