//! Generalised linear models.
//!
//! The mean `μ` of a row's target follows its columns through a link: `g(μ) = offset + b + Σ xⱼ βⱼ`, and the
//! target varies around it as its [`Family`] says. What is minimised is
//!
//! ```text
//! Σ wᵢ · ½ deviance(yᵢ, μᵢ) / Σ wᵢ  +  alpha · ( ½ (1 − l1_ratio) ‖β‖² + l1_ratio ‖β‖₁ )
//! ```
//!
//! by Newton's method (Fisher scoring where the observed information may be negative) with step halving; see
//! McCullagh & Nelder, *Generalized linear models*, 1989. From 32,768 rows on, fits without absolute penalty begin
//! with an eighth of the rows and go on by quasi-Newton steps over all of them, to the same minimum; where these
//! do not do well, and with `max_iterations` up to 24, it is Newton's method alone. The intercept is not penalised. This is the objective
//! of glmnet and of scikit-learn: `alpha` and `l1_ratio` are those of `ElasticNet`, `alpha` that of
//! `GammaRegressor` and its like, and `1 / (C Σ wᵢ)` of `LogisticRegression`. Coefficients are of the columns as
//! they come. The penalty is on those of columns divided by their standard deviation
//! ([`GlmParams::standardise`], as glmnet does), or of the columns as they come (as scikit-learn does).
//!
//! * **Weights** count rows: a weight of two is the row twice, in coefficients and in everything else
//!   (*frequency weights*). **Offsets** are on the scale of the link.
//! * **Categorical columns** become one 0/1 column for each level with rows but the first (without intercept
//!   the first such column has one for each level), named `column[level]`, a missing value being a level.
//!   **Missing numbers** count as the weighted mean, and set a column `column[missing]` beside it.
//! * **Columns that others determine** are left out, the later ones first, and named in the report's notes.
//!   A column that separates the classes is an error that names it, unless there is a penalty.
//!
//! ```
//! use std::any::Any;
//! use tenure_backends::glm::{Family, GlmModel, GlmParams};
//! use tenure_core::{Dataset, Feature, FitContext, Learner, Schema, Target};
//!
//! // Clotting times of blood by concentration of plasma: McCullagh & Nelder, 1989, table 8.4.
//! let u = [5.0_f64, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0, 80.0, 100.0];
//! let time = vec![118.0, 58.0, 42.0, 35.0, 27.0, 25.0, 21.0, 19.0, 18.0];
//! let schema = Schema::new(vec![Feature::numeric("log_u", "", "Logarithm of the concentration")])?;
//! let x = ndarray::Array2::from_shape_fn((9, 1), |(row, _)| u[row].ln());
//! let data = Dataset::new(schema, x)?.with_target(Target::real("time", time)?)?;
//!
//! let params = GlmParams { link: Some("inverse".parse()?), ..GlmParams::of(Family::Gamma) };
//! let fitted = params.check()?.fit(&data, None, &FitContext::new(0))?;
//! let model = (fitted.model.as_ref() as &dyn Any).downcast_ref::<GlmModel>().ok_or("another model")?;
//! let table = model.coefficients(0.95)?;
//! assert_eq!(format!("{:.6}", table.coefficients[1].estimate), "0.015343");
//! assert_eq!(format!("{:.9}", model.dispersion().unwrap_or(f64::NAN)), "0.002446036");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! When to use it: effects are smooth and additive on the link's scale, their size and uncertainty are asked
//! for, or targets are amounts and counts for which squared errors make no sense.

pub(crate) mod blocks;
mod design;
mod direct;
pub(crate) mod family;
mod fit;
mod linalg;
mod model;
pub(crate) mod passes;
mod path;
mod quasi;
pub(crate) mod sample;
pub(crate) mod solver;
mod summary;

use serde::{Deserialize, Serialize};
use tenure_core::params::require;
use tenure_core::{Capabilities, Dataset, FitContext, Fitted, Learner, MissingPolicy, Result};

pub use design::Dropped;
pub use family::{Family, Link};
pub use linalg::Factor;
pub use model::{GlmModel, GlmReport};
pub use path::{Path, PathParams, PathPoint, PenaltyChoice, choose_penalty, path};
pub use summary::{Coefficient, CoefficientTable, Reference};

/// Parameters of a generalised linear model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GlmParams {
    /// How the target varies around its mean.
    pub family: Family,
    /// The scale on which columns add up; `None` for [`Family::default_link`].
    pub link: Option<Link>,
    /// Strength of the penalty, at least 0; 0 for none.
    pub alpha: f64,
    /// Share of the absolute penalty (lasso), 0 to 1; the rest is quadratic (ridge).
    pub l1_ratio: f64,
    /// Whether the penalty is on coefficients of columns divided by their standard deviation (without intercept:
    /// by the root of their mean square). The coefficients that are reported are of the columns as they come.
    pub standardise: bool,
    /// Whether there is an intercept, which is never penalised.
    pub intercept: bool,
    /// Most steps over all rows, at least 1.
    pub max_iterations: usize,
    /// Done when no coefficient of a column of spread 1 moves further than this, relative to the size of linear
    /// predictors; above 0.
    pub tolerance: f64,
}

impl Default for GlmParams {
    fn default() -> Self {
        Self {
            family: Family::Gaussian,
            link: None,
            alpha: 0.0,
            l1_ratio: 0.0,
            standardise: true,
            intercept: true,
            max_iterations: 100,
            tolerance: 1e-8,
        }
    }
}

impl GlmParams {
    /// The defaults with this family.
    #[must_use]
    pub fn of(family: Family) -> Self {
        Self { family, ..Self::default() }
    }

    /// The link that is taken.
    #[must_use]
    pub fn link(&self) -> Link {
        self.link.unwrap_or(self.family.default_link())
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`].
    pub fn check(self) -> Result<Glm> {
        self.family.check()?;
        let links = self.family.links();
        let names: Vec<String> = links.iter().map(ToString::to_string).collect();
        let expected = format!("one of {} for family {}", names.join(", "), self.family);
        require("link", self.link(), links.contains(&self.link()), expected)?;
        require(
            "alpha",
            self.alpha,
            self.alpha.is_finite() && self.alpha >= 0.0,
            "a finite number, at least 0",
        )?;
        require("l1_ratio", self.l1_ratio, (0.0..=1.0).contains(&self.l1_ratio), "0 to 1")?;
        require("max_iterations", self.max_iterations, self.max_iterations >= 1, "at least 1")?;
        let positive = self.tolerance.is_finite() && self.tolerance > 0.0;
        require("tolerance", self.tolerance, positive, "a finite number above 0")?;
        Ok(Glm { params: self })
    }
}

/// Checked parameters of a generalised linear model.
#[derive(Debug, Clone)]
pub struct Glm {
    params: GlmParams,
}

pub(crate) const CAPABILITIES: Capabilities = Capabilities::new(MissingPolicy::Learned)
    .with_exact_weights()
    .with_offsets()
    .with_categories()
    .with_explanations();

impl Learner for Glm {
    fn name(&self) -> &str {
        "glm"
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn fit(&self, train: &Dataset, valid: Option<&Dataset>, context: &FitContext<'_>) -> Result<Fitted> {
        train.target()?;
        if let Some(valid) = valid {
            valid.require_columns_of(train)?;
        }
        fit::fit(self, train, context)
    }
}
