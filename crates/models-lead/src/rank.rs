//! Many leads, the best first, and what each tier holds.

use ndarray::ArrayView2;
use serde::Serialize;
use tenure_core::{Error, Model, Result};

use crate::decision::{LeadScore, Tier};
use crate::model::LeadModel;
use crate::params::Goal;

/// Leads by falling score, and what each tier holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeadRanking {
    /// The best first; equal scores keep the order in which the leads were given.
    pub leads: Vec<RankedLead>,
    /// The tiers, the best first; those without a lead too.
    pub tiers: Vec<TierSummary>,
    /// Conversions to expect of all leads: the sum of the calibrated probabilities. `None` for a model of
    /// scores, which does not know them.
    pub expected_conversions: Option<f64>,
}

/// A lead and its place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RankedLead {
    /// Counted from 1.
    pub rank: usize,
    /// What is known of it.
    #[serde(flatten)]
    pub lead: LeadScore,
}

/// What a tier holds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TierSummary {
    /// Which.
    pub tier: Tier,
    /// Leads in it.
    pub leads: usize,
    /// Mean of their scores; `None` without leads.
    pub mean_score: Option<f64>,
    /// Conversions to expect of them; `None` for a model of scores.
    pub expected_conversions: Option<f64>,
    /// Share of all conversions to expect that this tier and the better ones have together; `None` for a model
    /// of scores, and where none is to be expected.
    pub cumulative_capture: Option<f64>,
}

/// Scores the rows of `x` and puts them in order; `ids` has one a row.
///
/// # Errors
/// [`Error::Shape`] for another number of ids, else as [`LeadModel::decide`].
pub fn rank(model: &LeadModel, ids: &[String], x: ArrayView2<'_, f64>) -> Result<LeadRanking> {
    if ids.len() != x.nrows() {
        return Err(Error::Shape { what: "ids", expected: x.nrows(), found: ids.len() });
    }
    tenure_core::check_input(model.schema(), x)?;
    let scored = ids.iter().zip(x.rows()).map(|(id, row)| model.decide(id, &row.to_vec()));
    let mut leads = scored.collect::<Result<Vec<LeadScore>>>()?;
    leads.sort_by(|a, b| b.score.total_cmp(&a.score));

    let knows = model.settings().goal == Goal::Conversion;
    let expected = |leads: &[&LeadScore]| -> Option<f64> {
        knows.then(|| leads.iter().filter_map(|lead| lead.conversion_probability).sum())
    };
    let all = expected(&leads.iter().collect::<Vec<_>>());
    let mut captured = 0.0;
    let tiers = Tier::ALL.map(|tier| {
        let of: Vec<&LeadScore> = leads.iter().filter(|lead| lead.quality_tier == tier).collect();
        let expected_conversions = expected(&of);
        captured += expected_conversions.unwrap_or(0.0);
        TierSummary {
            tier,
            leads: of.len(),
            mean_score: (!of.is_empty())
                .then(|| of.iter().map(|lead| lead.score).sum::<f64>() / of.len() as f64),
            expected_conversions,
            cumulative_capture: all.filter(|all| *all > 0.0).map(|all| (captured / all).min(1.0)),
        }
    });
    let place = |(at, lead)| RankedLead { rank: at + 1, lead };
    Ok(LeadRanking {
        leads: leads.into_iter().enumerate().map(place).collect(),
        tiers: tiers.to_vec(),
        expected_conversions: all,
    })
}
