//! Decisions from a model, and from the rules where there is none.

use std::path::Path;

use tenure_core::{FitContext, Metadata};
use tenure_features::{FeatureSet, OrderLog, Timestamp, scoring_set};

use crate::decision::{ChurnPrediction, Confidence, Interval, RULES_VERSION, factors, recommend};
use crate::error::{Error, Result};
use crate::model::ChurnModel;
use crate::params::ChurnParams;
use crate::rules;

/// Score from which the rules say "at risk".
const RULES_THRESHOLD: f64 = 0.5;
/// Reasons given with a decision of the rules.
const MOST_FACTORS: usize = 5;

/// Scores customers with a model if it can and with the rules if it must; either way the answer has the same
/// shape and says who gave it.
#[derive(Debug)]
pub struct ChurnScorer {
    model: Option<Box<ChurnModel>>,
    /// Why there is no model.
    reason: Option<String>,
    params: ChurnParams,
    features: FeatureSet,
}

impl ChurnScorer {
    /// With a model.
    ///
    /// # Errors
    /// Where the model was trained on other features than this program computes.
    pub fn new(model: ChurnModel) -> Result<Self> {
        let features = model.settings().params.features()?;
        Self::with_features(model, features)
    }

    /// With a model that was trained with features of one's own.
    ///
    /// # Errors
    /// [`tenure_core::Error::Columns`] where the features are not those the model was trained on.
    pub fn with_features(model: ChurnModel, features: FeatureSet) -> Result<Self> {
        model.require_features(&features)?;
        let params = model.settings().params.clone();
        Ok(Self { model: Some(Box::new(model)), reason: None, params, features })
    }

    /// With the rules alone; `reason` is told with every decision.
    #[must_use]
    pub fn rules(reason: impl Into<String>) -> Self {
        let features = FeatureSet::default();
        Self { model: None, reason: Some(reason.into()), params: ChurnParams::default(), features }
    }

    /// With the model in a folder, or with the rules where it cannot be loaded.
    #[must_use]
    pub fn load(dir: &Path) -> (Self, Option<Metadata>) {
        let loaded = ChurnModel::load(dir).map_err(crate::Error::from);
        match loaded.and_then(|(model, metadata)| Ok((Self::new(model)?, metadata))) {
            Ok((scorer, metadata)) => (scorer, Some(metadata)),
            Err(error) => (Self::rules(error.to_string()), None),
        }
    }

    /// The model, where there is one.
    #[must_use]
    pub fn model(&self) -> Option<&ChurnModel> {
        self.model.as_deref()
    }

    /// Why the rules answer, where they do.
    #[must_use]
    pub fn fallback_reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Decisions about every customer with a purchase in the observation window and enough orders, by id.
    ///
    /// # Errors
    /// Where no customer qualifies, or the work is cancelled.
    pub fn score_all(
        &self,
        log: &OrderLog,
        as_of: Timestamp,
        context: &FitContext<'_>,
    ) -> Result<Vec<ChurnPrediction>> {
        let table = scoring_set(log, &self.params.plan(), as_of, &self.features, context)?;
        let x = table.data().x();
        let rows = x.rows().into_iter().zip(table.customer_ids());
        rows.map(|(row, id)| self.decide(id, as_of, &row.to_vec())).collect()
    }

    /// The decision about one customer of the log.
    ///
    /// # Errors
    /// Where the log does not know the customer, or the customer does not belong to those that churn is
    /// defined for: with enough orders before the instant, one of them in the observation window.
    pub fn score(&self, log: &OrderLog, as_of: Timestamp, customer: &str) -> Result<ChurnPrediction> {
        let row = self.features.row(log, customer, as_of)?;
        let value = |name| self.features.schema().position(name).map_or(0.0, |at| row[at]);
        let ChurnParams { min_orders, observation_days, .. } = self.params;
        let (orders, recent) = (value("orders_lifetime"), value("orders_window"));
        if orders < f64::from(min_orders) || recent < 1.0 {
            return Err(Error::OutsidePopulation {
                customer: customer.to_owned(),
                as_of,
                orders: orders as u64,
                recent: recent as u64,
                min_orders,
                observation_days,
            });
        }
        self.decide(customer, as_of, &row)
    }

    /// The decision from a row of order features. Where the model fails on the row, the rules answer.
    ///
    /// # Errors
    /// [`tenure_core::Error::Shape`] or [`tenure_core::Error::NotFinite`] where neither can read the row.
    pub fn decide(&self, customer: &str, as_of: Timestamp, row: &[f64]) -> Result<ChurnPrediction> {
        tenure_core::check_row(self.features.schema(), row, 0, &[])?;
        let reason = match &self.model {
            None => self.reason.clone(),
            Some(model) => match model.decide(customer, as_of, row) {
                Ok(decision) => return Ok(decision),
                Err(error) => Some(error.to_string()),
            },
        };
        Ok(self.by_rules(customer, as_of, row, reason))
    }

    fn by_rules(
        &self,
        customer: &str,
        as_of: Timestamp,
        row: &[f64],
        reason: Option<String>,
    ) -> ChurnPrediction {
        let schema = self.features.schema();
        let probability = rules::score(schema, row);
        // The rules have no idea of a typical customer; the model's, where it failed, still does.
        let unknown = vec![f64::NAN; row.len()];
        let typical = self.model.as_ref().map_or(unknown.as_slice(), |m| m.typical());
        let risk_factors = factors(schema, row, typical, &rules::explain(schema, row), MOST_FACTORS);
        let risk_level = self.params.risk_bounds.level(probability);
        let is_at_risk = probability >= RULES_THRESHOLD;
        ChurnPrediction {
            customer_id: customer.to_owned(),
            as_of: as_of.to_string(),
            churn_probability: probability,
            interval: Interval { low: 0.0, high: 1.0, level: 0.0 },
            is_at_risk,
            risk_level,
            confidence: Confidence::Low,
            recommendation: recommend(risk_level, is_at_risk, &risk_factors),
            risk_factors,
            model_version: RULES_VERSION.to_owned(),
            fallback_reason: reason,
        }
    }
}
