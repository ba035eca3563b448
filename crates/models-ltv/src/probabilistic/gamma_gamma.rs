//! The Gamma-Gamma model of spend.

use serde::{Deserialize, Serialize};
use tenure_core::params::require;
use tenure_core::{FitContext, Progress};

use super::estimates::{Estimates, FitParams, Optimum};
use super::fit::ranks;
use super::newton::{Derivatives, End, Found, minimise};
use super::rising::{Rising, ln_gamma};
use super::summary::{Summaries, check_spend};
use super::threads::{PIECE, Threads};
use crate::{Error, Result};

/// Parameters of the model.
const N: usize = 3;
/// Customers from which on a sample is fitted first.
const THIN: usize = 40_000;
/// Customers in the sample, about.
const SAMPLE: usize = 8_000;
const NAME: &str = "Gamma-Gamma";

/// Parameters of the Gamma-Gamma model (Fader, Hardie & Lee 2005; Fader & Hardie 2013).
///
/// What a customer spends at a purchase is a Gamma draw with shape `p` and rate ν; ν differs between customers
/// as a Gamma distribution does (shape `q`, rate `v`). Spend must not depend on how often customers buy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GammaGammaParams {
    /// Shape of the spends of one customer.
    pub p: f64,
    /// Shape of the rates; above 1 if the population has a mean.
    pub q: f64,
    /// Rate of the rates, in the unit of money: the mean spend is `p v / (q − 1)`.
    pub v: f64,
}

impl GammaGammaParams {
    /// Checks that all are finite and above 0.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`].
    pub fn check(self) -> Result<Self> {
        for (name, value) in [("p", self.p), ("q", self.q), ("v", self.v)] {
            require(name, value, value.is_finite() && value > 0.0, "finite, above 0")?;
        }
        Ok(self)
    }

    /// Mean spend at a purchase of a customer nothing is known of; `None` where it is not finite (`q ≤ 1`).
    #[must_use]
    pub fn population_mean(&self) -> Option<f64> {
        (self.q > 1.0).then(|| self.p * self.v / (self.q - 1.0))
    }

    /// Mean spend at a purchase, given `frequency` repeat purchases of `mean_spend` on average (not read where
    /// the frequency is 0): `p (v + x z) / (p x + q − 1)`. `None` where it is not finite (`p x + q ≤ 1`).
    #[must_use]
    pub fn expected_spend(&self, frequency: u32, mean_spend: f64) -> Option<f64> {
        let shape = self.shape(frequency);
        (shape > 1.0).then(|| self.p * self.scale(frequency, mean_spend) / (shape - 1.0))
    }

    /// As [`GammaGammaParams::expected_spend`], by row.
    ///
    /// # Errors
    /// [`Error::InfiniteMean`]; without mean spends, [`Error::Summary`] for the first repeat buyer.
    pub fn expected_spends(&self, customers: &Summaries) -> Result<Vec<f64>> {
        let of = |row| self.spend_of(row, customers.frequency()[row], customers.spend_at(row));
        (0..customers.len()).map(of).collect()
    }

    pub(crate) fn spend_of(&self, row: usize, frequency: u32, mean_spend: f64) -> Result<f64> {
        check_spend(row, frequency, mean_spend)?;
        let infinite = || Error::InfiniteMean { row, shape: self.shape(frequency) };
        self.expected_spend(frequency, mean_spend).ok_or_else(infinite)
    }

    /// Shape of the posterior of a customer's ν.
    pub(crate) fn shape(&self, frequency: u32) -> f64 {
        self.p * f64::from(frequency) + self.q
    }

    /// Rate of the posterior of a customer's ν.
    pub(crate) fn scale(&self, frequency: u32, mean_spend: f64) -> f64 {
        if frequency == 0 { self.v } else { self.v + f64::from(frequency) * mean_spend }
    }
}

/// Repeat buyers as the search sees them: spends divided by their mean.
struct Buyers {
    rank: Vec<u32>,
    spend: Vec<f64>,
    weight: Vec<f64>,
    xs: Vec<u32>,
    total: f64,
    scale: f64,
}

impl Buyers {
    fn new(customers: &Summaries) -> Result<Self> {
        let spends = customers.mean_spend().ok_or_else(|| {
            tenure_core::Error::Data(
                "the customers have no mean spends to fit the Gamma-Gamma model on".into(),
            )
        })?;
        let rows: Vec<usize> = (0..customers.len())
            .filter(|&row| customers.frequency()[row] > 0 && customers.weight(row) > 0.0)
            .collect();
        if rows.is_empty() {
            return Err(tenure_core::Error::NotEnoughRows { found: 0, needed: 1 }.into());
        }
        let weight: Vec<f64> = rows.iter().map(|&row| customers.weight(row)).collect();
        let total: f64 = weight.iter().sum();
        let scale = rows.iter().zip(&weight).map(|(&row, w)| w * spends[row]).sum::<f64>() / total;
        let (xs, rank) = ranks(rows.iter().map(|&row| customers.frequency()[row]));
        let spend = rows.iter().map(|&row| spends[row] / scale).collect();
        Ok(Self { rank, spend, weight, xs, total, scale })
    }

    fn thinned(&self, step: usize) -> Self {
        let every = || (0..self.spend.len()).step_by(step);
        let weight: Vec<f64> = every().map(|i| self.weight[i]).collect();
        Self {
            rank: every().map(|i| self.rank[i]).collect(),
            spend: every().map(|i| self.spend[i]).collect(),
            total: weight.iter().sum(),
            weight,
            xs: self.xs.clone(),
            scale: self.scale,
        }
    }

    /// Mean negative log-likelihood by `ln p, ln q, ln v`, without the part of the spends' density that no
    /// parameter moves: with `m = x z`,
    /// `ln Γ(px+q) − ln Γ(px) − ln Γ(q) + p x ln (m/(v+m)) + q ln (v/(v+m))`.
    fn derivatives(&self, theta: &[f64], threads: &Threads) -> Derivatives {
        let [p, q, v] = std::array::from_fn(|i| theta[i].exp());
        let at_q = ln_gamma(q);
        let tables: Vec<(Rising, Rising)> =
            self.xs.iter().map(|&x| (ln_gamma(p * f64::from(x) + q), ln_gamma(p * f64::from(x)))).collect();
        let pieces = threads.pieces(self.spend.len(), PIECE, |range| {
            let (mut value, mut first, mut second) = (0.0, [0.0; N], [0.0; 6]);
            for i in range {
                let rank = self.rank[i] as usize;
                let (both, alone) = &tables[rank];
                let x = f64::from(self.xs[rank]);
                let (w, m) = (self.weight[i], x * self.spend[i]);
                let per = 1.0 / (v + m);
                let (ln_m, ln_v) = (-(v / m).ln_1p(), -(m / v).ln_1p());
                value += w * (both.ln - alone.ln - at_q.ln + p * x * ln_m + q * ln_v);
                let share = v * per;
                let slope = [
                    p * x * (both.first - alone.first + ln_m),
                    q * (both.first - at_q.first + ln_v),
                    q * (1.0 - share) - p * x * share,
                ];
                let bend = [
                    slope[0] + p * p * x * x * (both.second - alone.second),
                    p * q * x * both.second,
                    -p * x * share,
                    slope[1] + q * q * (both.second - at_q.second),
                    q * (1.0 - share),
                    -(p * x + q) * share * (1.0 - share),
                ];
                first.iter_mut().zip(slope).for_each(|(a, b)| *a += w * b);
                second.iter_mut().zip(bend).for_each(|(a, b)| *a += w * b);
            }
            (value, first, second)
        });
        let mut sum = Derivatives::zero(N);
        for (value, first, second) in pieces {
            sum.value += value;
            sum.gradient.iter_mut().zip(first).for_each(|(a, b)| *a += b);
            let [pp, pq, pv, qq, qv, vv] = second;
            let full = [pp, pq, pv, pq, qq, qv, pv, qv, vv];
            sum.hessian.iter_mut().zip(full).for_each(|(a, b)| *a += b);
        }
        sum.scale(-1.0 / self.total);
        sum
    }

    /// What the density has beside the parameters: `−Σ ln z`, in the data's unit of money.
    fn constant(&self) -> f64 {
        self.spend.iter().zip(&self.weight).map(|(z, w)| -w * (z * self.scale).ln()).sum()
    }
}

/// A fitted Gamma-Gamma model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GammaGamma {
    params: GammaGammaParams,
    estimates: Option<Estimates>,
}

/// Starts, on the log scale, spends in their mean.
const STARTS: [[f64; N]; 3] = [[1.0, 1.2, 0.0], [0.0, 0.5, 0.0], [2.5, 2.5, 0.0]];

impl GammaGamma {
    /// A model whose parameters are known.
    ///
    /// # Errors
    /// As [`GammaGammaParams::check`].
    pub fn from_params(params: GammaGammaParams) -> Result<Self> {
        Ok(Self { params: params.check()?, estimates: None })
    }

    /// Fits by maximum likelihood to the customers with repeat purchases.
    ///
    /// # Errors
    /// [`Error::NoInnerOptimum`] where all customers spend the same, [`Error::NotConverged`],
    /// [`tenure_core::Error::NotEnoughRows`] where nobody bought again, a parameter out of its range, or a
    /// cancellation.
    pub fn fit(customers: &Summaries, params: &FitParams, context: &FitContext<'_>) -> Result<Self> {
        params.check(N)?;
        let buyers = Buyers::new(customers)?;
        let threads = Threads::new(context.threads, buyers.spend.len())?;
        let ln_scale = buyers.scale.ln();
        let shift = [0.0, 0.0, ln_scale];
        let own = params.start.as_ref().map(|s| std::array::from_fn(|i| s[i].ln() - shift[i]));
        let mut first: Option<[f64; N]> = own;
        if buyers.spend.len() > THIN {
            let sample = buyers.thinned(buyers.spend.len() / SAMPLE);
            let found = search(first, &sample, &threads, params, context)?;
            if found.end == End::Minimum {
                first = Some(std::array::from_fn(|i| found.at[i]));
            }
        }
        let found = search(first, &buyers, &threads, params, context)?;
        let [p, q, v] = std::array::from_fn(|i| (found.at[i] + shift[i]).exp());
        let nowhere = || Error::NoInnerOptimum {
            model: NAME,
            meaning: meaning(&found.at).to_owned(),
            parameters: format!("p = {p:.3e}, q = {q:.3e}, v = {v:.3e}"),
        };
        match found.end {
            End::Minimum => {}
            End::Edge => return Err(nowhere()),
            End::Exhausted => {
                let (iterations, slope) = (found.iterations, found.here.slope());
                return Err(Error::NotConverged { model: NAME, iterations, slope });
            }
        }
        let penalty = params.l2 * found.at.iter().map(|t| t * t).sum::<f64>();
        let log_likelihood = -buyers.total * (found.here.value - penalty) + buyers.constant();
        let names = ["p", "q", "v"].map(str::to_owned);
        let optimum = Optimum {
            names: &names,
            at: &found.at,
            here: &found.here,
            logs: N,
            shift: &shift,
            factor: &[1.0; N],
            iterations: found.iterations,
        };
        let estimates = Estimates::new(&optimum, log_likelihood, buyers.total, params.level);
        let estimates = estimates.ok_or_else(nowhere)?;
        Ok(Self { params: GammaGammaParams { p, q, v }, estimates: Some(estimates) })
    }

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> GammaGammaParams {
        self.params
    }

    /// How the fit went; `None` where the parameters were given.
    #[must_use]
    pub fn estimates(&self) -> Option<&Estimates> {
        self.estimates.as_ref()
    }
}

fn search(
    first: Option<[f64; N]>,
    buyers: &Buyers,
    threads: &Threads,
    params: &FitParams,
    context: &FitContext<'_>,
) -> Result<Found> {
    let watch = |done: usize, value: f64| -> Result<()> {
        let total = Some(params.max_iterations as u64);
        let figure = Some(("mean_log_likelihood", -value));
        context.progress.report(Progress { stage: NAME, done: done as u64, total, figure });
        Ok(context.check_cancelled("fitting")?)
    };
    let objective = |theta: &[f64]| {
        let mut here = buyers.derivatives(theta, threads);
        for (i, t) in theta.iter().enumerate() {
            here.value += params.l2 * t * t;
            here.gradient[i] += 2.0 * params.l2 * t;
            here.hessian[i * N + i] += 2.0 * params.l2;
        }
        here
    };
    let mut best: Option<Found> = None;
    for start in first.iter().chain(&STARTS) {
        let found = minimise(start, params.max_iterations, objective, watch)?;
        if found.end == End::Minimum {
            return Ok(found);
        }
        if best.as_ref().is_none_or(|b| found.here.value < b.here.value || !b.here.is_finite()) {
            best = Some(found);
        }
    }
    best.ok_or_else(|| tenure_core::Error::Internal("no start of a search".to_owned()).into())
}

fn meaning(at: &[f64]) -> &'static str {
    if at[1] > 11.0 {
        "the mean spend does not differ between customers"
    } else if at[0] > 11.0 {
        "a customer seems to spend the same at every purchase"
    } else {
        "the data do not tell the parameters apart"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_those_of_differences() {
        let customers = Summaries::new(&[3.0, 1.0, 40.0], &[5.0, 1.0, 9.0], &[9.0; 3]).unwrap();
        let customers = customers.with_mean_spend(vec![12.0, 90.0, 33.0]).unwrap();
        let buyers = Buyers::new(&customers).unwrap();
        for theta in [[0.3, 1.2, -0.4], [-3.0, 4.0, 2.0]] {
            super::super::newton::check_derivatives(&theta, |t| buyers.derivatives(t, &Threads::One));
        }
    }
}
