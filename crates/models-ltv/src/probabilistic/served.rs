//! The models behind the contract: columns in, named outputs out.

use ndarray::{ArrayView2, ArrayViewMut2};
use serde::{Deserialize, Serialize};
use tenure_core::{
    Artifact, Capabilities, Error, Explanation, Feature, MissingPolicy, Model, Output, Result, Schema,
    check_batch, check_explained, check_row,
};

use super::ahead::{ForecastParams, PurchaseModel};
use super::bg_bb::BgBb;
use super::bg_nbd::BgNbd;
use super::forecast::{self, OneValue, PurchaseForecast, Row, ValueForecast};
use super::gamma_gamma::{GammaGamma, GammaGammaParams};
use super::pareto_nbd::ParetoNbd;
use super::summary::{Summaries, TimeUnit};

/// A fitted model of purchases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Purchases {
    /// BG/NBD.
    BgNbd(BgNbd),
    /// Pareto/NBD.
    ParetoNbd(ParetoNbd),
    /// BG/BB: recency and age are opportunities.
    BgBb(BgBb),
}

impl Purchases {
    /// A fitted model without covariates, as what all purchase models can do.
    fn checked(&self) -> crate::Result<Box<dyn PurchaseModel>> {
        let refused = |name: &str| Error::unsupported(name, "covariates behind the columns of a model");
        Ok(match self {
            Self::BgNbd(m) if m.has_covariates() => return Err(refused("BG/NBD").into()),
            Self::ParetoNbd(m) if m.has_covariates() => return Err(refused("Pareto/NBD").into()),
            Self::BgNbd(m) => Box::new(m.params().check()?),
            Self::ParetoNbd(m) => Box::new(m.params().check()?),
            Self::BgBb(m) => Box::new(m.params().check()?),
        })
    }
}

/// What a customer will buy and is worth, as a [`Model`] over the columns `frequency`, `recency`, `age` and
/// (with a Gamma-Gamma model) `mean_spend`, which may be missing where the frequency is 0. Nothing else may.
///
/// Outputs: `probability_alive`, `purchases`, `purchases_low`, `purchases_high`, and with a Gamma-Gamma model
/// `mean_spend`, `value`, `value_low`, `value_high`; see [`ValueForecast`]. It gives no explanations.
#[derive(Debug)]
pub struct CustomerValueModel {
    config: Config,
    model: Box<dyn PurchaseModel>,
    schema: Schema,
    outputs: Vec<Output>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Config {
    purchases: Purchases,
    spend: Option<GammaGamma>,
    plan: ForecastParams,
    unit: TimeUnit,
}

impl CustomerValueModel {
    /// Kind of the artifact.
    pub const KIND: &'static str = "customer_value";
    const VERSION: u32 = 1;

    /// From fitted models, with what is to be forecast. `unit` is that of the summaries; for BG/BB it is not
    /// read.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a plan outside its ranges; [`Error::Unsupported`] for a model with covariates.
    pub fn new(
        purchases: Purchases,
        spend: Option<GammaGamma>,
        plan: ForecastParams,
        unit: TimeUnit,
    ) -> crate::Result<Self> {
        plan.check()?;
        let model = purchases.checked()?;
        if let Some(spend) = &spend {
            spend.params().check()?;
        }
        let time = if matches!(purchases, Purchases::BgBb(_)) { "opportunities" } else { unit.name() };
        let mut features = vec![
            Feature::numeric("frequency", "purchases", "Repeat purchases so far"),
            Feature::numeric(
                "recency",
                time,
                "From the first purchase to the last; 0 without repeat purchases",
            ),
            Feature::numeric("age", time, "From the first purchase to now"),
        ];
        let mut outputs = vec![
            Output::probability("alive").named("probability_alive"),
            Output::value("purchases", "purchases"),
            Output::value("purchases_low", "purchases"),
            Output::value("purchases_high", "purchases"),
        ];
        if spend.is_some() {
            features.push(Feature::numeric("mean_spend", "money", "Mean spend at a repeat purchase"));
            let money = |name| Output::value(name, "money");
            outputs.extend(["mean_spend", "value", "value_low", "value_high"].map(money));
        }
        let schema = Schema::new(features)?;
        Ok(Self { config: Config { purchases, spend, plan, unit }, model, schema, outputs })
    }

    /// Restores what [`Model::to_artifact`] wrote.
    ///
    /// # Errors
    /// As [`Artifact::expect`]; [`Error::ArtifactDamaged`] where the pieces do not fit.
    pub fn from_artifact(artifact: &Artifact) -> Result<Self> {
        artifact.expect(Self::KIND, Self::VERSION)?;
        let Config { purchases, spend, plan, unit } = artifact.config()?;
        Self::new(purchases, spend, plan, unit).map_err(|e| Error::damaged(e.to_string()))
    }

    /// The purchase model.
    #[must_use]
    pub fn purchases(&self) -> &Purchases {
        &self.config.purchases
    }

    /// The spend model.
    #[must_use]
    pub fn spend(&self) -> Option<&GammaGamma> {
        self.config.spend.as_ref()
    }

    /// What is forecast.
    #[must_use]
    pub fn plan(&self) -> &ForecastParams {
        &self.config.plan
    }

    fn summaries(&self, x: ArrayView2<'_, f64>) -> Result<Summaries> {
        let column = |i: usize| x.column(i).to_vec();
        let made = Summaries::new(&column(0), &column(1), &column(2))?;
        Ok(if self.config.spend.is_some() { made.with_mean_spend(column(3))? } else { made })
    }

    fn spend_params(&self) -> Option<GammaGammaParams> {
        self.config.spend.as_ref().map(GammaGamma::params)
    }
}

fn write_purchases(of: &PurchaseForecast, out: &mut [f64]) {
    let numbers =
        [of.probability_alive, of.purchases, f64::from(of.purchases_low), f64::from(of.purchases_high)];
    out.iter_mut().zip(numbers).for_each(|(place, value)| *place = value);
}

fn write_value(of: &ValueForecast, out: &mut [f64]) {
    write_purchases(&of.purchases, out);
    let numbers = [of.mean_spend, of.value, of.value_low, of.value_high];
    out.iter_mut().skip(4).zip(numbers).for_each(|(place, value)| *place = value);
}

impl Model for CustomerValueModel {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::new(MissingPolicy::Refused).with_exact_weights()
    }

    fn predict_into(&self, x: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_batch(&self.schema, self.outputs.len(), x, out.dim())?;
        let customers = self.summaries(x)?;
        let mut row = vec![0.0; self.outputs.len()];
        let write = |mut place: ndarray::ArrayViewMut1<'_, f64>, row: &[f64]| {
            place.iter_mut().zip(row).for_each(|(place, value)| *place = *value);
        };
        match self.spend_params() {
            Some(spend) => {
                let made = forecast::value(&*self.model, &spend, &customers, &self.config.plan, None)?;
                for (place, of) in out.rows_mut().into_iter().zip(&made) {
                    write_value(of, &mut row);
                    write(place, &row);
                }
            }
            None => {
                let made = forecast::purchases(&*self.model, &customers, &self.config.plan, None)?;
                for (place, of) in out.rows_mut().into_iter().zip(&made) {
                    write_purchases(of, &mut row);
                    write(place, &row);
                }
            }
        }
        Ok(())
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        check_row(&self.schema, row, self.outputs.len(), out)?;
        let view = ArrayView2::from_shape((1, row.len()), row).map_err(|e| Error::Internal(e.to_string()))?;
        let customers = self.summaries(view)?;
        match self.spend_params() {
            Some(spend) => {
                write_value(
                    &OneValue::new(&*self.model, &spend, &self.config.plan).of(&Row::new(&customers, 0))?,
                    out,
                );
            }
            None => {
                let made = forecast::purchases(&*self.model, &customers, &self.config.plan, None)?;
                made.iter().for_each(|of| write_purchases(of, out));
            }
        }
        Ok(())
    }

    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation> {
        check_explained(&self.schema, self.outputs.len(), row, output)?;
        Err(Error::unsupported(self.model.name(), "explanations"))
    }

    fn to_artifact(&self) -> Artifact {
        let Config { purchases, spend, plan, unit } = &self.config;
        let config =
            serde_json::json!({ "purchases": purchases, "spend": spend, "plan": plan, "unit": unit });
        Artifact::from_json(Self::KIND, Self::VERSION, config)
    }
}
