//! How well one who knows the hidden states would do: no model of the records can be expected to do better.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;
use tenure_core::{Error, FitContext, Result};
use tenure_features::Timestamp;
use tenure_features::contacts::{ContactLog, ContactPlan, contact_set};

use super::world::{ContactBatch, ContactWorld};
use crate::orders::auc;

/// Probabilities against what happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BinaryFigures {
    /// Rows judged.
    pub rows: usize,
    /// Share of rows in which it happened.
    pub base_rate: f64,
    /// Area under the ROC curve; `None` where all rows share one fate.
    pub auc: Option<f64>,
    /// Share of rows decided rightly, where a probability of at least 0.5 says yes.
    pub accuracy: f64,
    /// Share of the yes said that was right; `None` where none was said.
    pub precision: Option<f64>,
    /// Share of what happened that was said; `None` where nothing happened.
    pub recall: Option<f64>,
    /// Harmonic mean of precision and recall; `None` where nothing happened and none was said.
    pub f1: Option<f64>,
}

impl BinaryFigures {
    /// Of pairs of probability and outcome; `None` where there are none.
    #[must_use]
    pub fn new(rows: &[(f64, bool)]) -> Option<Self> {
        let count = |wanted: fn(bool, bool) -> bool| {
            rows.iter().filter(|&&(p, happened)| wanted(p >= 0.5, happened)).count() as f64
        };
        let (said, happened) = (count(|said, _| said), count(|_, happened| happened));
        let hits = count(|said, happened| said && happened);
        let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        Some(Self {
            rows: rows.len(),
            base_rate: share(happened, rows.len() as f64)?,
            auc: auc(rows.iter().copied()),
            accuracy: count(|said, happened| said == happened) / rows.len() as f64,
            precision: share(hits, said),
            recall: share(hits, happened),
            f1: share(2.0 * hits, said + happened),
        })
    }
}

/// Expected scores of leads against the scores given.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreFigures {
    /// Leads judged.
    pub leads: usize,
    /// Mean absolute error.
    pub mae: f64,
    /// Share of the scores' variance that the expected scores explain; `None` where they do not vary.
    pub r2: Option<f64>,
}

impl ScoreFigures {
    /// Of pairs of expected and given score; `None` where there are none.
    #[must_use]
    pub fn new(rows: &[(f64, f64)]) -> Option<Self> {
        let n = rows.len() as f64;
        let mean = rows.iter().map(|(_, score)| score).sum::<f64>() / n;
        let sum = |of: &dyn Fn(f64, f64) -> f64| rows.iter().map(|&(e, score)| of(e, score)).sum::<f64>();
        let (left, variance) = (sum(&|e, s| (s - e).powi(2)), sum(&|_, s| (s - mean).powi(2)));
        (!rows.is_empty()).then(|| Self {
            leads: rows.len(),
            mae: sum(&|e, s| (s - e).abs()) / n,
            r2: (variance > 0.0).then(|| 1.0 - left / variance),
        })
    }
}

/// The oracle's figures; `None` where there is nothing to judge.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ContactOracle {
    /// Scores of leads.
    pub score: Option<ScoreFigures>,
    /// Conversion of leads.
    pub conversion: Option<BinaryFigures>,
    /// Engagement with our messages.
    pub engagement: Option<BinaryFigures>,
    /// Churn of the contacts that a plan admits, at each of its instants.
    pub churn: Option<BinaryFigures>,
}

impl ContactWorld {
    /// What the truth of a batch is worth on its own records; churn by `plan`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a plan out of range, [`Error::Internal`] where the records do not fit each other.
    pub fn oracle(&self, batch: &ContactBatch, plan: &ContactPlan, threads: usize) -> Result<ContactOracle> {
        let (records, truth) = (&batch.records, &batch.truth);
        let leads = || records.leads.iter().zip(&truth.leads);
        let scores: Vec<_> = leads().map(|(lead, truth)| (truth.expected_score, lead.score)).collect();
        let conversions: Vec<_> = leads()
            .map(|(lead, truth)| (truth.conversion_probability, lead.converted_at.is_some()))
            .collect();
        let messages = records.messages.iter().zip(&truth.engagement);
        let engagements: Vec<_> = messages
            .filter(|(_, p)| !p.is_nan())
            .map(|(message, &p)| (p, message.opened_at.is_some()))
            .collect();
        Ok(ContactOracle {
            score: ScoreFigures::new(&scores),
            conversion: BinaryFigures::new(&conversions),
            engagement: BinaryFigures::new(&engagements),
            churn: BinaryFigures::new(&self.churn(batch, plan, threads)?),
        })
    }

    /// Probability and outcome of each contact that the plan admits, at each instant.
    fn churn(&self, batch: &ContactBatch, plan: &ContactPlan, threads: usize) -> Result<Vec<(f64, bool)>> {
        let internal = |e: tenure_features::Error| match e {
            tenure_features::Error::Core(e) => e,
            e => Error::Internal(e.to_string()),
        };
        let log = ContactLog::from_records(batch.records.clone()).map_err(internal)?;
        let context = FitContext::new(0).with_threads(threads);
        let table = match contact_set(&log, plan, Some(self.end()), &context) {
            Err(tenure_features::Error::NoActiveContacts { .. }) => return Ok(Vec::new()),
            table => table.map_err(internal)?,
        };
        let contacts = batch.records.contacts.iter().map(|contact| contact.id.as_str());
        let lives: HashMap<&str, _> = contacts.zip(&batch.truth.lives).collect();
        let labels = table.data().target()?.values();
        let times = table.data().times().unwrap_or_default();
        let rows = table.ids().iter().zip(times).zip(labels);
        let judged = rows.filter_map(|((id, &time), &label)| {
            let life = lives.get(id.as_str())?;
            let instant = Timestamp::from_seconds(time);
            Some((life.churn_probability(instant, plan.prediction_days)?, label > 0.5))
        });
        Ok(judged.collect())
    }
}

impl fmt::Display for BinaryFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_dash = |figure: Option<f64>| figure.map_or("-".into(), |v| format!("{v:.3}"));
        write!(
            f,
            "base rate {:.1} %, AUC {}, accuracy {:.3}, precision {}, recall {}, F1 {} ({} rows)",
            100.0 * self.base_rate,
            or_dash(self.auc),
            self.accuracy,
            or_dash(self.precision),
            or_dash(self.recall),
            or_dash(self.f1),
            self.rows
        )
    }
}

impl fmt::Display for ContactOracle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "The oracle, who knows what is hidden:")?;
        if let Some(ScoreFigures { leads, mae, r2 }) = &self.score {
            let r2 = r2.map_or("-".into(), |v| format!("{v:.3}"));
            write!(f, "\n  Lead score: MAE {mae:.2}, R2 {r2} ({leads} leads)")?;
        }
        for (name, figures) in
            [("Conversion", &self.conversion), ("Engagement", &self.engagement), ("Churn", &self.churn)]
        {
            if let Some(figures) = figures {
                write!(f, "\n  {name}: {figures}")?;
            }
        }
        Ok(())
    }
}
