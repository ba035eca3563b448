//! The fitted model: a linear predictor, its inverse link, and what the fit says of itself.

use std::fmt;

use ndarray::{ArrayView2, ArrayViewMut2};
use serde::{Deserialize, Serialize};
use tenure_core::{
    Artifact, Capabilities, Error, Explanation, Feature, Model, Output, Result, Schema, check_batch,
    check_explained, check_row,
};

use super::design::{Dropped, Terms};
use super::family::{Family, LikelihoodSums, Link};
use super::summary::{CoefficientTable, GlmSummary};

/// A fitted generalised linear model.
///
/// A prediction is the inverse link of the linear predictor. Where the link alone does not keep means within
/// the family (identity, inverse, the log link of a probability), an answer outside is moved to the nearest one
/// inside, a probability to 0 or 1 and a positive mean to 0; under the inverse link, where means run to infinity
/// there, it is an error that names the row.
#[derive(Debug)]
pub struct GlmModel {
    schema: Schema,
    outputs: [Output; 1],
    terms: Terms,
    summary: GlmSummary,
    likelihood: LikelihoodSums,
}

#[derive(Serialize, Deserialize)]
struct Config {
    features: Vec<Feature>,
    output: Output,
    terms: Terms,
    summary: GlmSummary,
    likelihood: LikelihoodSums,
}

impl GlmModel {
    /// Kind of the artifact.
    pub const KIND: &'static str = "glm";
    const VERSION: u32 = 1;

    pub(super) fn new(
        schema: Schema,
        output: Output,
        terms: Terms,
        summary: GlmSummary,
        likelihood: LikelihoodSums,
    ) -> Self {
        Self { schema, outputs: [output], terms, summary, likelihood }
    }

    /// Restores what [`Model::to_artifact`] wrote.
    ///
    /// # Errors
    /// As [`Artifact::expect`]; [`Error::ArtifactDamaged`] where the terms do not fit the features.
    pub fn from_artifact(artifact: &Artifact) -> Result<Self> {
        artifact.expect(Self::KIND, Self::VERSION)?;
        let Config { features, output, terms, summary, likelihood } = artifact.config()?;
        if features.len() != terms.terms.len() {
            return Err(Error::damaged("glm: the number of terms is not the number of features"));
        }
        Ok(Self::new(Schema::new(features)?, output, terms, summary, likelihood))
    }

    pub(super) fn summary(&self) -> &GlmSummary {
        &self.summary
    }

    /// The family.
    #[must_use]
    pub fn family(&self) -> Family {
        self.summary.family
    }

    /// The link.
    #[must_use]
    pub fn link(&self) -> Link {
        self.summary.link
    }

    /// The coefficients of the columns as they came, with standard errors and Wald intervals of the given level
    /// (0.95 for 95 %).
    ///
    /// Standard errors come from the expected (Fisher) information at the estimates, times the dispersion;
    /// weights count as numbers of rows. Statistics are held against Student's t where the dispersion is
    /// estimated, as R's `summary.glm` does, else against the normal distribution.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a level outside 0 to 1.
    pub fn coefficients(&self, level: f64) -> Result<CoefficientTable> {
        self.summary.table(level)
    }

    /// Columns without a coefficient, and why.
    #[must_use]
    pub fn dropped(&self) -> &[Dropped] {
        &self.summary.dropped
    }

    /// 1 for binomial and Poisson; for the others Pearson's χ² over the residual degrees of freedom, `None`
    /// where none are left.
    #[must_use]
    pub fn dispersion(&self) -> Option<f64> {
        self.summary.dispersion
    }

    /// Twice the log-likelihood that a model of every row by itself has more, at a dispersion of 1.
    #[must_use]
    pub fn deviance(&self) -> f64 {
        self.summary.deviance
    }

    /// The deviance of the model of the intercept (and offsets) alone; `None` where that has no mean.
    #[must_use]
    pub fn null_deviance(&self) -> Option<f64> {
        self.summary.null_deviance
    }

    /// `Σ w (y − μ)² / V(μ)`
    #[must_use]
    pub fn pearson_chi2(&self) -> f64 {
        self.summary.pearson_chi2
    }

    /// Number of coefficients that were fitted (with an absolute penalty: that are not 0), intercept included.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.summary.parameters
    }

    /// Sum of the weights less [`GlmModel::parameters`], at least 0.
    #[must_use]
    pub fn df_residual(&self) -> f64 {
        self.summary.df_residual
    }

    /// Rows learned from.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.summary.rows
    }

    /// Whether the solver reached its tolerance.
    #[must_use]
    pub fn converged(&self) -> bool {
        self.summary.converged
    }

    /// The log-likelihood; for gaussian and gamma at the dispersion `deviance / Σ w`, as R's `logLik` has it.
    /// `None` for Tweedie, whose density has no closed form.
    #[must_use]
    pub fn log_likelihood(&self) -> Option<f64> {
        self.log_likelihood_at(self.summary.deviance / self.summary.total_weight)
    }

    /// The log-likelihood at a dispersion; binomial and Poisson have none and ignore it. At
    /// [`GlmModel::dispersion`] it is what statsmodels reports for gamma.
    #[must_use]
    pub fn log_likelihood_at(&self, dispersion: f64) -> Option<f64> {
        self.likelihood.at(self.summary.family, dispersion).filter(|v| v.is_finite())
    }

    /// Parameters of the likelihood: the coefficients, and the dispersion where it is estimated.
    fn likelihood_parameters(&self) -> f64 {
        (self.summary.parameters + usize::from(self.summary.family.estimates_dispersion())) as f64
    }

    /// `2 k − 2 ln L`, counting an estimated dispersion as R does; `None` with a penalty or without likelihood.
    #[must_use]
    pub fn aic(&self) -> Option<f64> {
        let likelihood = self.log_likelihood().filter(|_| self.summary.alpha == 0.0)?;
        Some(2.0 * self.likelihood_parameters() - 2.0 * likelihood)
    }

    /// `k ln Σ w − 2 ln L`; `None` as [`GlmModel::aic`].
    #[must_use]
    pub fn bic(&self) -> Option<f64> {
        let likelihood = self.log_likelihood().filter(|_| self.summary.alpha == 0.0)?;
        Some(self.likelihood_parameters() * self.summary.total_weight.ln() - 2.0 * likelihood)
    }

    /// Everything above as plain data, with intervals of the given level.
    ///
    /// # Errors
    /// As [`GlmModel::coefficients`].
    pub fn report(&self, level: f64) -> Result<GlmReport> {
        Ok(GlmReport {
            family: self.family(),
            link: self.link(),
            alpha: self.summary.alpha,
            l1_ratio: self.summary.l1_ratio,
            rows: self.summary.rows,
            total_weight: self.summary.total_weight,
            parameters: self.parameters(),
            df_residual: self.df_residual(),
            dispersion: self.dispersion(),
            deviance: self.deviance(),
            null_deviance: self.null_deviance(),
            pearson_chi2: self.pearson_chi2(),
            log_likelihood: self.log_likelihood(),
            aic: self.aic(),
            bic: self.bic(),
            iterations: self.summary.iterations,
            converged: self.converged(),
            table: self.coefficients(level)?,
        })
    }

    /// The prediction at a linear predictor.
    fn answer(&self, predictor: f64, row: usize) -> Result<f64> {
        let (family, link) = (self.summary.family, self.summary.link);
        let value = link.scale().to_output(predictor);
        match (family, link) {
            (Family::Binomial, _) => Ok(value.clamp(0.0, 1.0)),
            (_, Link::Inverse) if !(value.is_finite() && (value > 0.0 || family == Family::Gaussian)) => {
                Err(Error::Data(format!(
                    "row {row}: the linear predictor is {predictor}, where the inverse link of family {family} has no \
                     mean; the log link has one everywhere"
                )))
            }
            (Family::Gaussian, _) => Ok(value.clamp(f64::MIN, f64::MAX)),
            _ => Ok(value.clamp(0.0, f64::MAX)),
        }
    }
}

/// A fitted model's figures as plain data, for JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GlmReport {
    /// The family.
    pub family: Family,
    /// The link.
    pub link: Link,
    /// Strength of the penalty.
    pub alpha: f64,
    /// Share of the absolute penalty.
    pub l1_ratio: f64,
    /// Rows learned from.
    pub rows: usize,
    /// Sum of their weights.
    pub total_weight: f64,
    /// See [`GlmModel::parameters`].
    pub parameters: usize,
    /// See [`GlmModel::df_residual`].
    pub df_residual: f64,
    /// See [`GlmModel::dispersion`].
    pub dispersion: Option<f64>,
    /// See [`GlmModel::deviance`].
    pub deviance: f64,
    /// See [`GlmModel::null_deviance`].
    pub null_deviance: Option<f64>,
    /// See [`GlmModel::pearson_chi2`].
    pub pearson_chi2: f64,
    /// See [`GlmModel::log_likelihood`].
    pub log_likelihood: Option<f64>,
    /// See [`GlmModel::aic`].
    pub aic: Option<f64>,
    /// See [`GlmModel::bic`].
    pub bic: Option<f64>,
    /// Newton steps that were taken.
    pub iterations: usize,
    /// Whether the solver reached its tolerance.
    pub converged: bool,
    /// The coefficients.
    pub table: CoefficientTable,
}

/// The table that R and statsmodels print as a summary, with intervals of 95 %.
impl fmt::Display for GlmModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.summary)?;
        if let (Some(likelihood), Some(aic), Some(bic)) = (self.log_likelihood(), self.aic(), self.bic()) {
            writeln!(f, "log-likelihood {likelihood:.4}, AIC {aic:.4}, BIC {bic:.4}")?;
        }
        let table = self.summary.table(0.95).map_err(|_| fmt::Error)?;
        write!(f, "\n{table}")
    }
}

impl Model for GlmModel {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    fn capabilities(&self) -> Capabilities {
        super::CAPABILITIES
    }

    fn predict_into(&self, x: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_batch(&self.schema, 1, x, out.dim())?;
        for ((row, values), place) in x.rows().into_iter().enumerate().zip(&mut out) {
            *place = self.answer(self.terms.predictor(values.iter().copied()), row)?;
        }
        Ok(())
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        check_row(&self.schema, row, 1, out)?;
        out[0] = self.answer(self.terms.predictor(row.iter().copied()), 0)?;
        Ok(())
    }

    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation> {
        check_explained(&self.schema, 1, row, output)?;
        let contributions =
            self.terms.terms.iter().zip(row).map(|(term, &value)| term.value(value)).collect();
        let scale = self.outputs[0].scale;
        Ok(Explanation { output, scale, baseline: self.terms.baseline, contributions })
    }

    fn to_artifact(&self) -> Artifact {
        let config = serde_json::json!({
            "features": self.schema.features(),
            "output": self.outputs[0],
            "terms": self.terms,
            "summary": self.summary,
            "likelihood": self.likelihood,
        });
        Artifact::from_json(Self::KIND, Self::VERSION, config)
    }
}
