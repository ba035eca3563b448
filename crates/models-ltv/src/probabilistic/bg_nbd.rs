//! The BG/NBD model.

use serde::{Deserialize, Serialize};
use tenure_core::FitContext;
use tenure_core::params::require;

use super::covariates::Covariates;
use super::effects::Effects;
use super::estimates::{Estimates, FitParams};
use super::fit::{Likelihood, Local, N, Shift, fit, tables};
use super::rising::Rising;
use super::summary::{Summaries, Summary};
use crate::Result;

/// Parameters of the BG/NBD model (Fader, Hardie & Lee 2005).
///
/// While active, a customer buys at random times, at a rate λ that differs between customers as a Gamma
/// distribution does (shape `r`, rate `alpha`); after each purchase the customer leaves for good with a
/// probability p that differs as a Beta distribution does (`a`, `b`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BgNbdParams {
    /// Shape of the purchase rates.
    pub r: f64,
    /// Rate of the purchase rates, a time: the mean rate is `r / alpha`.
    pub alpha: f64,
    /// First parameter of the dropout probabilities: their mean is `a / (a + b)`.
    pub a: f64,
    /// Second parameter of the dropout probabilities.
    pub b: f64,
}

impl BgNbdParams {
    /// Checks that all are finite and above 0.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`].
    pub fn check(self) -> Result<Self> {
        for (name, value) in [("r", self.r), ("alpha", self.alpha), ("a", self.a), ("b", self.b)] {
            require(name, value, value.is_finite() && value > 0.0, "finite, above 0")?;
        }
        Ok(self)
    }
}

pub(crate) struct BgNbdLikelihood;

impl Likelihood for BgNbdLikelihood {
    const NAME: &'static str = "BG/NBD";
    const PARAMETERS: [&'static str; N] = ["r", "alpha", "a", "b"];
    const TIME: [i32; N] = [0, 1, 0, 0];
    const SHIFTED: [Option<(Shift, f64)>; N] =
        [None, Some((Shift::Transaction, -1.0)), Some((Shift::Dropout, 1.0)), Some((Shift::Dropout, 1.0))];
    /// At `r`, `b` and `a + b`, by frequency.
    type Tables = Vec<[Rising; 3]>;

    fn tables([r, _, a, b]: &[f64; N], xs: &[u32], _: f64) -> Self::Tables {
        tables([*r, *b, a + b], xs)
    }

    /// Equation (6) of the paper, with the larger of its two terms taken out:
    /// `ln L = ln Γ(r+x)/Γ(r) − r ln(1 + T/α) − x ln(α+T) + ln B(a,b+x)/B(a,b) + ln(1 + e^q)`,
    /// `q = ln a/(b+x−1) + (r+x) ln (α+T)/(α+t_x)`.
    fn local(&[r, alpha, a, b]: &[f64; N], of: &Summary, rank: usize, tables: &Self::Tables) -> Local {
        let [at_r, at_b, at_ab] = &tables[rank];
        let x = f64::from(of.frequency);
        let whole = alpha + of.age;
        let share = alpha / whole;
        let ln_age = (of.age / alpha).ln_1p();
        let mut value = at_r.ln - r * ln_age + at_b.ln - at_ab.ln;
        let (first, second) = (at_b.first - at_ab.first, at_b.second - at_ab.second);
        let mut gradient = [r * (at_r.first - ln_age), r - (r + x) * share, -a * at_ab.first, b * first];
        let mut hessian = [
            gradient[0] + r * r * at_r.second,
            r * (1.0 - share),
            0.0,
            0.0,
            -(r + x) * share * (1.0 - share),
            0.0,
            0.0,
            gradient[2] - a * a * at_ab.second,
            -a * b * at_ab.second,
            gradient[3] + b * b * second,
        ];
        if of.frequency > 0 {
            value -= x * whole.ln();
            let bought = alpha + of.recency;
            let log_ratio = (whole / bought).ln();
            let rest = b + x - 1.0;
            let q = (a / rest).ln() + (r + x) * log_ratio;
            let dead = 1.0 / (1.0 + (-q).exp());
            value += if q > 0.0 { q + (-q).exp().ln_1p() } else { q.exp().ln_1p() };
            let other = alpha / bought;
            let slope = [r * log_ratio, (r + x) * (share - other), 1.0, -b / rest];
            let bend = dead * (1.0 - dead);
            let mut at = 0;
            for i in 0..N {
                gradient[i] += dead * slope[i];
                for j in i..N {
                    hessian[at] += bend * slope[i] * slope[j];
                    at += 1;
                }
            }
            hessian[0] += dead * slope[0];
            hessian[1] += dead * r * (share - other);
            hessian[4] += dead * (r + x) * (share * (1.0 - share) - other * (1.0 - other));
            hessian[9] -= dead * b * (x - 1.0) / (rest * rest);
        }
        Local { value, gradient, hessian }
    }

    fn meaning([r, alpha, a, b]: &[f64; N]) -> String {
        let leave = a / (a + b);
        if leave < 1e-5 {
            "nobody seems to leave: a Poisson process with Gamma rates (NBD) would do".to_owned()
        } else if *a > 1e5 || *b > 1e5 {
            format!("the dropout probability does not differ between customers: it is {leave:.3} for all")
        } else if *r > 1e5 || *alpha > 1e5 {
            "the purchase rate does not differ between customers".to_owned()
        } else if *a < 1e-4 && *b < 1e-4 {
            "customers either leave after their first repeat purchase or never".to_owned()
        } else {
            "the data do not tell the parameters apart".to_owned()
        }
    }
}

/// A fitted BG/NBD model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BgNbd {
    params: BgNbdParams,
    estimates: Option<Estimates>,
    effects: Option<Effects>,
}

impl BgNbd {
    /// Fits by maximum likelihood.
    ///
    /// # Errors
    /// [`crate::Error::NoInnerOptimum`] where the data do not tell the parameters,
    /// [`crate::Error::NotConverged`], a parameter out of its range, or a cancellation.
    pub fn fit(customers: &Summaries, params: &FitParams, context: &FitContext<'_>) -> Result<Self> {
        Self::fit_with(customers, None, None, params, context)
    }

    /// Fits with covariates.
    ///
    /// # Errors
    /// As [`BgNbd::fit`].
    pub fn fit_with(
        customers: &Summaries,
        transaction: Option<&Covariates>,
        dropout: Option<&Covariates>,
        params: &FitParams,
        context: &FitContext<'_>,
    ) -> Result<Self> {
        let fitted = fit::<BgNbdLikelihood>(customers, transaction, dropout, params, context)?;
        let [r, alpha, a, b] = fitted.parameters;
        let effects = Effects::new::<BgNbdLikelihood>(&fitted, transaction, dropout);
        Ok(Self { params: BgNbdParams { r, alpha, a, b }, estimates: Some(fitted.estimates), effects })
    }

    /// A model whose parameters are known.
    ///
    /// # Errors
    /// As [`BgNbdParams::check`].
    pub fn from_params(params: BgNbdParams) -> Result<Self> {
        Ok(Self { params: params.check()?, estimates: None, effects: None })
    }

    /// The parameters of a customer with these covariates, in the order of the fit; those of a model that was
    /// fitted without any are the same for all.
    ///
    /// # Errors
    /// [`tenure_core::Error::Shape`] where there are not as many values as covariates;
    /// [`tenure_core::Error::Parameter`] where they lead to a parameter that is no finite number above 0.
    pub fn params_for(&self, transaction: &[f64], dropout: &[f64]) -> Result<BgNbdParams> {
        let BgNbdParams { r, alpha, a, b } = self.params;
        let effects = self.effects.clone().unwrap_or_default();
        let [r, alpha, a, b] = effects.apply::<BgNbdLikelihood>([r, alpha, a, b], transaction, dropout)?;
        BgNbdParams { r, alpha, a, b }.check()
    }

    /// Whether it was fitted with covariates, so that each customer has parameters of its own.
    #[must_use]
    pub fn has_covariates(&self) -> bool {
        self.effects.is_some()
    }

    /// The parameters; with covariates, those of a customer whose covariates are all 0.
    #[must_use]
    pub fn params(&self) -> BgNbdParams {
        self.params
    }

    /// How the fit went; `None` where the parameters were given.
    #[must_use]
    pub fn estimates(&self) -> Option<&Estimates> {
        self.estimates.as_ref()
    }
}
