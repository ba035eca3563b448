//! The fitted customer-value model, which knows its own words.

use std::path::Path;

use ndarray::{ArrayView2, ArrayViewMut2};
use serde::{Deserialize, Serialize};
use tenure_core::{Artifact, Capabilities, Error, Explanation, FitContext, Metadata, Model, Output, Schema};
use tenure_eval::calibration::Calibrator;
use tenure_features::{FeatureSet, OrderFeatures, OrderLog, Timestamp};

use crate::decision::{LtvPrediction, Segment, ValueInterval, drivers};
use crate::error::Result;
use crate::intervals::Intervals;
use crate::params::LtvParams;
use crate::rhythm::Rhythm;
use crate::table;
use crate::value_model::{TwoParts, ValueModel};

/// Reasons given with a prediction.
const MOST_DRIVERS: usize = 5;
/// Least probability of any spend that a spend is divided by.
const LEAST_ANY: f64 = 1e-6;

/// What a customer-value model is beside its learners: plain data, kept in the artifact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LtvSettings {
    /// What it was trained with.
    pub params: LtvParams,
    /// [`OrderFeatures::VERSION`] at training.
    pub features_version: u32,
    /// Version that predictions carry, e.g. `ltv-1f0c…`.
    pub version: String,
    /// No order at or after this instant was used.
    pub until: Timestamp,
    /// Instants of the training snapshots, rising.
    pub snapshots: Vec<Timestamp>,
    /// Customers × snapshots learned from.
    pub rows: usize,
    /// Mean spend of them.
    pub mean_spend: f64,
    /// Share of them that spent anything.
    pub spending_rate: f64,
}

/// Probability of any spend where no part models it: a rising function of the predicted value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SpendingCurve {
    pub(crate) calibrator: Calibrator,
    /// Value that is mapped to ½ before the calibrator.
    pub(crate) middle: f64,
}

impl SpendingCurve {
    pub(crate) fn place(value: f64, middle: f64) -> f64 {
        value / (value + middle)
    }

    fn probability(&self, value: f64) -> f64 {
        self.calibrator.apply(Self::place(value, self.middle)).max(LEAST_ANY)
    }
}

/// A fitted customer-value model.
///
/// As a [`Model`] it reads the order features of `tenure-features` with the columns of the rhythm of buying behind
/// them, and gives one output, `predicted_ltv`, explained on the logarithmic scale.
#[derive(Debug)]
pub struct LtvModel {
    pub(crate) value: ValueModel,
    pub(crate) curve: Option<SpendingCurve>,
    pub(crate) intervals: Intervals,
    /// Predicted values from which the segment is medium, high and vip.
    pub(crate) bounds: [f64; 3],
    /// Median of each feature over the training rows; NaN where it is always missing.
    pub(crate) typical: Vec<f64>,
    pub(crate) rhythm: Rhythm,
    pub(crate) settings: LtvSettings,
}

#[derive(Serialize, Deserialize)]
struct Config {
    curve: Option<SpendingCurve>,
    rhythm: Rhythm,
    settings: LtvSettings,
    /// How many numbers the distribution of ratios is kept at.
    ratios: usize,
}

/// A row's prediction in numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Predicted {
    pub(crate) parts: TwoParts,
    pub(crate) value: f64,
    pub(crate) segment: Segment,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl LtvModel {
    /// Kind of the artifact.
    pub const KIND: &'static str = "ltv";
    const VERSION: u32 = 1;

    /// Restores what [`Model::to_artifact`] wrote.
    ///
    /// # Errors
    /// As [`Artifact::expect`] and the parts' loaders; [`Error::ArtifactDamaged`] where the pieces do not fit each
    /// other.
    pub fn from_artifact(artifact: &Artifact) -> tenure_core::Result<Self> {
        artifact.expect(Self::KIND, Self::VERSION)?;
        let Config { curve, rhythm, settings, ratios: count } = artifact.config()?;
        let value = ValueModel::from_artifact(artifact.child("value")?)?;
        let typical = artifact.numbers("typical.f64")?;
        let three = <[f64; 3]>::try_from(artifact.numbers("bounds.f64")?);
        let four = <[f64; 4]>::try_from(artifact.numbers("sizes.f64")?);
        let (Ok(bounds), Ok(sizes)) = (three, four) else {
            return Err(Error::damaged(
                "the bounds and sizes of the segments are not three and four numbers",
            ));
        };
        if typical.len() != value.schema().len() {
            return Err(Error::damaged("not one typical value for each feature"));
        }
        if curve.as_ref().is_some_and(|c| !(c.middle.is_finite() && c.middle > 0.0)) {
            return Err(Error::damaged("the middle of the spending curve is not above 0"));
        }
        let ratios = artifact.numbers("ratios.f64")?;
        if ratios.len() != count {
            return Err(Error::damaged("the distribution of ratios has another length than is noted"));
        }
        let intervals = Intervals::from_parts(settings.params.interval_level, ratios, sizes)?;
        Ok(Self { value, curve, intervals, bounds, typical, rhythm, settings })
    }

    /// Writes the model to a folder; see [`Artifact::save`]. `created` is the time to note, RFC 3339.
    ///
    /// # Errors
    /// As [`Artifact::save`].
    pub fn save(&self, dir: &Path, created: Option<String>, metadata: Metadata) -> tenure_core::Result<()> {
        let settings = &self.settings;
        let days = i64::from(settings.params.observation_days);
        let first = settings.snapshots.first().map(|s| s.plus_days(-days));
        let metadata = Metadata {
            created,
            data_range: first.map(|first| (first.to_string(), settings.until.to_string())),
            rows: Some(settings.rows),
            features: self.schema().names().map(str::to_owned).collect(),
            ..metadata
        };
        self.to_artifact().save(dir, &metadata)
    }

    /// Reads the model in a folder; see [`Artifact::load`].
    ///
    /// # Errors
    /// As [`Artifact::load`] and [`LtvModel::from_artifact`].
    pub fn load(dir: &Path) -> tenure_core::Result<(Self, Metadata)> {
        let (artifact, metadata) = Artifact::load(dir)?;
        Ok((Self::from_artifact(&artifact)?, metadata))
    }

    /// What it was trained with and on.
    #[must_use]
    pub fn settings(&self) -> &LtvSettings {
        &self.settings
    }

    /// Median of each feature over the training rows; NaN where it is always missing.
    #[must_use]
    pub fn typical(&self) -> &[f64] {
        &self.typical
    }

    /// Predicted values from which the segment is medium, high and vip.
    #[must_use]
    pub fn segment_bounds(&self) -> [f64; 3] {
        self.bounds
    }

    /// Parameters of the purchase models whose forecasts are among the features.
    #[must_use]
    pub fn rhythm(&self) -> Rhythm {
        self.rhythm
    }

    /// Refuses features that are not those the model was trained on.
    pub(crate) fn require_features(&self, features: &FeatureSet) -> Result<()> {
        let (trained, now) = (self.settings.features_version, OrderFeatures::VERSION);
        if trained != now {
            return Err(Error::Data(format!(
                "the model was trained on version {trained} of the order features, this program computes {now}: \
                 train it again"
            ))
            .into());
        }
        let schema = table::schema(features, &self.settings.params)?;
        let places = self.schema().match_columns(&schema.names().collect::<Vec<_>>())?;
        if places.iter().enumerate().any(|(i, &place)| i != place) {
            return Err(
                Error::Data("the features are those of the model, but in another order".into()).into()
            );
        }
        Ok(())
    }

    pub(crate) fn predicted(&self, parts: TwoParts) -> Predicted {
        let value = parts.value();
        let parts = match &self.curve {
            Some(curve) => {
                let any = curve.probability(value);
                TwoParts { any, size: value / any }
            }
            None => parts,
        };
        let segment = Segment::of(value, &self.bounds);
        let (low, high) = self.intervals.range(parts, segment);
        Predicted { parts, value, segment, low, high }
    }

    pub(crate) fn predict_table(&self, x: ArrayView2<'_, f64>) -> Result<Vec<Predicted>> {
        Ok(self.value.parts(x)?.into_iter().map(|parts| self.predicted(parts)).collect())
    }

    /// The whole prediction for one customer from a row of the model's features.
    ///
    /// # Errors
    /// As [`Model::predict_row`].
    pub fn decide(
        &self,
        customer_id: &str,
        as_of: Timestamp,
        row: &[f64],
    ) -> tenure_core::Result<LtvPrediction> {
        tenure_core::check_row(self.schema(), row, 0, &[])?;
        let predicted = self.predicted(self.value.parts_row(row)?);
        let explanation = self.value.explain_row(row, 0)?;
        let (low, high, level) = (predicted.low, predicted.high, self.intervals.level);
        Ok(LtvPrediction {
            customer_id: customer_id.to_owned(),
            as_of: as_of.to_string(),
            predicted_ltv: predicted.value,
            confidence_interval: ValueInterval { low, high, level },
            value_segment: predicted.segment,
            prediction_window_months: self.settings.params.prediction_window_months(),
            p_any: predicted.parts.any,
            drivers: drivers(self.schema(), row, &self.typical, &explanation, MOST_DRIVERS),
            model_version: self.settings.version.clone(),
        })
    }

    /// Predictions for every customer with an order in the observation window and enough orders, by id.
    ///
    /// # Errors
    /// Where no customer qualifies, the model was trained on other features, or the work is cancelled.
    pub fn predict_all(
        &self,
        log: &OrderLog,
        as_of: Timestamp,
        context: &FitContext<'_>,
    ) -> Result<Vec<LtvPrediction>> {
        self.predict_all_with(log, &self.settings.params.features()?, as_of, context)
    }

    /// As [`LtvModel::predict_all`], for a model trained with features of one's own.
    ///
    /// # Errors
    /// As [`LtvModel::predict_all`]; [`Error::Columns`] where the features are not the model's.
    pub fn predict_all_with(
        &self,
        log: &OrderLog,
        features: &FeatureSet,
        as_of: Timestamp,
        context: &FitContext<'_>,
    ) -> Result<Vec<LtvPrediction>> {
        self.require_features(features)?;
        let rows = table::scoring(log, features, &self.settings.params, as_of, self.rhythm, context)?;
        let x = rows.data.x();
        let decided =
            x.rows().into_iter().zip(&rows.ids).map(|(row, id)| self.decide(id, as_of, &row.to_vec()));
        Ok(decided.collect::<tenure_core::Result<_>>()?)
    }

    /// The prediction for one customer of the log.
    ///
    /// # Errors
    /// Where the log does not know the customer, or the customer does not belong to those whose value is modelled:
    /// with enough orders before the instant, one of them in the observation window.
    pub fn predict_customer(
        &self,
        log: &OrderLog,
        as_of: Timestamp,
        customer: &str,
        context: &FitContext<'_>,
    ) -> Result<LtvPrediction> {
        self.predict_customer_with(log, &self.settings.params.features()?, as_of, customer, context)
    }

    /// As [`LtvModel::predict_customer`], for a model trained with features of one's own.
    ///
    /// # Errors
    /// As [`LtvModel::predict_customer`]; [`Error::Columns`] where the features are not the model's.
    pub fn predict_customer_with(
        &self,
        log: &OrderLog,
        features: &FeatureSet,
        as_of: Timestamp,
        customer: &str,
        context: &FitContext<'_>,
    ) -> Result<LtvPrediction> {
        self.require_features(features)?;
        let params = &self.settings.params;
        let row = table::row(log, features, params, as_of, customer, self.rhythm, context)?;
        let value = |name| self.schema().position(name).map_or(0.0, |at| row[at]);
        let (orders, recent) = (value("orders_lifetime"), value("orders_window"));
        let LtvParams { min_orders, observation_days, .. } = *params;
        if orders < f64::from(min_orders) || recent < 1.0 {
            return Err(crate::Error::OutsidePopulation {
                customer: customer.to_owned(),
                as_of,
                orders: orders as u64,
                recent: recent as u64,
                min_orders,
                observation_days,
            });
        }
        Ok(self.decide(customer, as_of, &row)?)
    }
}

impl Model for LtvModel {
    fn schema(&self) -> &Schema {
        self.value.schema()
    }

    fn outputs(&self) -> &[Output] {
        self.value.outputs()
    }

    fn capabilities(&self) -> Capabilities {
        self.value.capabilities()
    }

    fn predict_into(&self, x: ArrayView2<'_, f64>, out: ArrayViewMut2<'_, f64>) -> tenure_core::Result<()> {
        self.value.predict_into(x, out)
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> tenure_core::Result<()> {
        self.value.predict_row(row, out)
    }

    fn explain_row(&self, row: &[f64], output: usize) -> tenure_core::Result<Explanation> {
        self.value.explain_row(row, output)
    }

    fn to_artifact(&self) -> Artifact {
        let config = serde_json::json!({
            "curve": self.curve,
            "rhythm": self.rhythm,
            "settings": self.settings,
            "ratios": self.intervals.ratios.len(),
        });
        Artifact::from_json(Self::KIND, Self::VERSION, config)
            .with_numbers("typical.f64", &self.typical)
            .with_numbers("bounds.f64", &self.bounds)
            .with_numbers("sizes.f64", &self.intervals.sizes)
            .with_numbers("ratios.f64", &self.intervals.ratios)
            .with_child("value", self.value.to_artifact())
    }
}
