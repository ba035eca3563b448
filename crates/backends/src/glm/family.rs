//! Families and links: means, variances, deviances and likelihoods.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use statrs::function::gamma::ln_gamma;
use tenure_core::{Error, Result, Scale, params::require};

/// How the target varies around its mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Family {
    /// Any number; the variance is the same everywhere.
    #[default]
    Gaussian,
    /// A binary target; variance `μ (1 − μ)`.
    Binomial,
    /// Counts, at least 0; variance `μ`.
    Poisson,
    /// Above 0; variance `φ μ²`.
    Gamma,
    /// Variance `φ μ^power`: at least 0 for a power from 1 to below 2, above 0 from 2 on.
    Tweedie {
        /// Exponent of the variance function, at least 1.
        power: f64,
    },
}

/// The scale on which the columns add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Link {
    /// `μ`
    Identity,
    /// `ln μ`
    Log,
    /// `ln(μ / (1 − μ))`
    Logit,
    /// `1 / μ`
    Inverse,
    /// `ln(−ln(1 − μ))`
    ComplementaryLogLog,
}

/// The power of the variance function that stands for each family beside the binomial; Gaussian has 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Variance {
    Binomial,
    Power(f64),
}

impl Family {
    /// The names that [`Family::from_str`] knows.
    pub const NAMES: &[&'static str] = &["gaussian", "binomial", "poisson", "gamma", "tweedie"];

    /// The link taken where none is asked for: identity for gaussian, logit for binomial, log for the others.
    ///
    /// That is the canonical one but for gamma (whose canonical link, the inverse, lets means leave the
    /// positive numbers) and Tweedie.
    #[must_use]
    pub fn default_link(self) -> Link {
        match self {
            Self::Gaussian => Link::Identity,
            Self::Binomial => Link::Logit,
            Self::Poisson | Self::Gamma | Self::Tweedie { .. } => Link::Log,
        }
    }

    /// The links that the family takes: logit, complementary log-log, log and identity for binomial; identity,
    /// log and inverse for the others.
    #[must_use]
    pub fn links(self) -> &'static [Link] {
        match self {
            Self::Binomial => &[Link::Logit, Link::ComplementaryLogLog, Link::Log, Link::Identity],
            _ => &[Link::Identity, Link::Log, Link::Inverse],
        }
    }

    /// Whether the dispersion is estimated (as Pearson's χ² over the residual degrees of freedom) rather than 1.
    #[must_use]
    pub fn estimates_dispersion(self) -> bool {
        !matches!(self, Self::Binomial | Self::Poisson)
    }

    pub(crate) fn check(self) -> Result<()> {
        match self {
            Self::Tweedie { power } => {
                require("power", power, power.is_finite() && power >= 1.0, "a finite number, at least 1")
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn variance(self) -> Variance {
        match self {
            Self::Gaussian => Variance::Power(0.0),
            Self::Binomial => Variance::Binomial,
            Self::Poisson => Variance::Power(1.0),
            Self::Gamma => Variance::Power(2.0),
            Self::Tweedie { power } => Variance::Power(power),
        }
    }

    /// In words what targets the family takes, where `value` is not one of them.
    pub(crate) fn refuses(self, value: f64) -> Option<&'static str> {
        match self.variance() {
            Variance::Power(0.0) | Variance::Binomial => None,
            Variance::Power(p) if p < 2.0 => (value < 0.0).then_some("at least 0 for this family"),
            Variance::Power(_) => (value <= 0.0).then_some("above 0 for this family"),
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gaussian => f.pad("gaussian"),
            Self::Binomial => f.pad("binomial"),
            Self::Poisson => f.pad("poisson"),
            Self::Gamma => f.pad("gamma"),
            Self::Tweedie { power } => f.pad(&format!("tweedie (power {power})")),
        }
    }
}

impl FromStr for Family {
    type Err = Error;

    /// The family of this name; `tweedie` has the power 1.5, `tweedie:1.7` that one.
    fn from_str(name: &str) -> Result<Self> {
        let unknown = || {
            let expected = format!("one of {} (tweedie:1.7 for a power of 1.7)", Self::NAMES.join(", "));
            Error::Parameter { name: "family", value: name.to_owned(), expected: expected.into() }
        };
        let family = match name {
            "gaussian" => Self::Gaussian,
            "binomial" => Self::Binomial,
            "poisson" => Self::Poisson,
            "gamma" => Self::Gamma,
            "tweedie" => Self::Tweedie { power: 1.5 },
            other => {
                let power = other.strip_prefix("tweedie:").and_then(|p| p.parse().ok());
                Self::Tweedie { power: power.ok_or_else(unknown)? }
            }
        };
        family.check()?;
        Ok(family)
    }
}

impl Link {
    /// All links, with the names that [`Link::from_str`] knows.
    pub const ALL: &[(&'static str, Self)] = &[
        ("identity", Self::Identity),
        ("log", Self::Log),
        ("logit", Self::Logit),
        ("inverse", Self::Inverse),
        ("cloglog", Self::ComplementaryLogLog),
    ];

    /// The scale of explanations that is this link.
    #[must_use]
    pub fn scale(self) -> Scale {
        match self {
            Self::Identity => Scale::Identity,
            Self::Log => Scale::Log,
            Self::Logit => Scale::LogOdds,
            Self::Inverse => Scale::Inverse,
            Self::ComplementaryLogLog => Scale::ComplementaryLogLog,
        }
    }

    /// `dμ/dη` at the linear predictor `eta`, whose mean is `mu`.
    fn slope(self, eta: f64, mu: f64) -> f64 {
        match self {
            Self::Identity => 1.0,
            Self::Log => mu,
            Self::Logit => mu * (1.0 - mu),
            Self::Inverse => -mu * mu,
            Self::ComplementaryLogLog => {
                let t = eta.clamp(-700.0, 700.0).exp();
                t * (-t).exp()
            }
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(_, link)| link == self).map_or("", |(name, _)| name);
        f.pad(name)
    }
}

impl FromStr for Link {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, link)| *link);
        found.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|(name, _)| *name).collect();
            let expected = format!("one of {}", names.join(", "));
            Error::Parameter { name: "link", value: name.to_owned(), expected: expected.into() }
        })
    }
}

/// What one row adds to the objective: half its deviance, but for a term of the target alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowTerms {
    /// Infinite where the linear predictor gives no mean of the family.
    pub(crate) loss: f64,
    /// Derivative by the linear predictor.
    pub(crate) slope: f64,
    /// Second derivative: its expectation, or the observed one where that is never negative.
    pub(crate) curvature: f64,
}

const IMPOSSIBLE: RowTerms = RowTerms { loss: f64::INFINITY, slope: 0.0, curvature: 0.0 };

/// A family beside one of its links.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shape {
    pub(crate) variance: Variance,
    pub(crate) link: Link,
}

impl Shape {
    /// Whether the observed second derivative is never negative and not the expected one.
    pub(crate) fn has_observed(self) -> bool {
        match self.variance {
            Variance::Power(p) => self.link == Link::Log && p > 1.0 && p <= 2.0,
            Variance::Binomial => false,
        }
    }

    /// Whether the second derivative is the same at every linear predictor.
    pub(crate) fn is_quadratic(self) -> bool {
        self == Self { variance: Variance::Power(0.0), link: Link::Identity }
    }

    /// The mean at a linear predictor, infinite or NaN where there is none in the family.
    pub(crate) fn mean(self, eta: f64) -> f64 {
        let mu = self.link.scale().to_output(eta);
        let fits = match self.variance {
            Variance::Power(0.0) => true,
            Variance::Power(_) => mu > 0.0,
            Variance::Binomial => (0.0..=1.0).contains(&mu),
        };
        if fits { mu } else { f64::NAN }
    }

    pub(crate) fn variance_at(self, mu: f64) -> f64 {
        match self.variance {
            Variance::Binomial => mu * (1.0 - mu),
            Variance::Power(0.0) => 1.0,
            Variance::Power(1.0) => mu,
            Variance::Power(2.0) => mu * mu,
            Variance::Power(p) => mu.powf(p),
        }
    }

    /// The terms of a row whose target is `y`; `observed` asks for the observed second derivative where
    /// [`Shape::has_observed`].
    #[inline(always)]
    pub(crate) fn row(self, eta: f64, y: f64, observed: bool) -> RowTerms {
        match (self.variance, self.link) {
            (Variance::Binomial, Link::Logit) => {
                let e = (-eta.abs()).exp();
                let inverse = 1.0 / (1.0 + e);
                let p = if eta >= 0.0 { inverse } else { e * inverse };
                let loss = eta.max(0.0) + e.ln_1p() - y * eta;
                RowTerms { loss, slope: p - y, curvature: e * inverse * inverse }
            }
            (Variance::Binomial, Link::ComplementaryLogLog) => {
                let t = eta.clamp(-700.0, 700.0).exp();
                let ratio = if t > 700.0 { 0.0 } else { t / t.exp_m1() };
                let loss = if y == 1.0 { -(-(-t).exp_m1()).ln() } else { t };
                let slope = if y == 1.0 { -ratio } else { t };
                RowTerms { loss, slope, curvature: t * ratio }
            }
            (Variance::Power(0.0), Link::Identity) => {
                let r = eta - y;
                RowTerms { loss: 0.5 * r * r, slope: r, curvature: 1.0 }
            }
            (Variance::Power(1.0), Link::Log) => {
                let mu = eta.exp();
                RowTerms { loss: mu - y * eta, slope: mu - y, curvature: mu }
            }
            (Variance::Power(2.0), Link::Log) => {
                let r = y * (-eta).exp();
                RowTerms { loss: r + eta, slope: 1.0 - r, curvature: if observed { r } else { 1.0 } }
            }
            (Variance::Power(p), Link::Log) if p != 0.0 => {
                let a = ((2.0 - p) * eta).exp();
                let b = y * ((1.0 - p) * eta).exp();
                if !(a.is_finite() && b.is_finite()) {
                    return IMPOSSIBLE;
                }
                let curvature = if observed && p <= 2.0 { (2.0 - p) * a + (p - 1.0) * b } else { a };
                RowTerms { loss: a / (2.0 - p) - b / (1.0 - p), slope: a - b, curvature }
            }
            _ => self.general_row(eta, y),
        }
    }

    fn general_row(self, eta: f64, y: f64) -> RowTerms {
        let mu = self.mean(eta);
        let inside = match self.variance {
            Variance::Binomial => mu > 0.0 && mu < 1.0,
            _ => mu.is_finite(),
        };
        if !inside {
            return IMPOSSIBLE;
        }
        let slope = self.link.slope(eta, mu);
        let variance = self.variance_at(mu);
        let loss = match self.variance {
            Variance::Binomial => -(if y == 1.0 { mu.ln() } else { (-mu).ln_1p() }),
            Variance::Power(0.0) => 0.5 * (y - mu).powi(2),
            Variance::Power(1.0) => mu - y * mu.ln(),
            Variance::Power(2.0) => y / mu + mu.ln(),
            Variance::Power(p) => mu.powf(2.0 - p) / (2.0 - p) - y * mu.powf(1.0 - p) / (1.0 - p),
        };
        RowTerms { loss, slope: -(y - mu) * slope / variance, curvature: slope * slope / variance }
    }

    /// The loss of [`Shape::row`] where the mean is the target itself.
    pub(crate) fn saturated_loss(self, y: f64) -> f64 {
        match self.variance {
            Variance::Power(0.0) | Variance::Binomial => 0.0,
            Variance::Power(1.0) => {
                if y == 0.0 {
                    0.0
                } else {
                    y - y * y.ln()
                }
            }
            Variance::Power(2.0) => 1.0 + y.ln(),
            Variance::Power(p) => {
                if y == 0.0 {
                    0.0
                } else {
                    y.powf(2.0 - p) / ((2.0 - p) * (p - 1.0))
                }
            }
        }
    }

    /// Deviance of one row of weight 1.
    pub(crate) fn deviance(self, y: f64, mu: f64) -> f64 {
        let x_ln_ratio = |a: f64, b: f64| if a == 0.0 { 0.0 } else { a * (a / b).ln() };
        match self.variance {
            Variance::Power(0.0) => (y - mu).powi(2),
            Variance::Binomial => 2.0 * (x_ln_ratio(y, mu) + x_ln_ratio(1.0 - y, 1.0 - mu)),
            Variance::Power(1.0) => 2.0 * (x_ln_ratio(y, mu) - (y - mu)),
            Variance::Power(2.0) => 2.0 * ((y - mu) / mu - (y / mu).ln()),
            Variance::Power(p) => {
                let own = if y == 0.0 { 0.0 } else { y.powf(2.0 - p) / ((1.0 - p) * (2.0 - p)) };
                2.0 * (own - y * mu.powf(1.0 - p) / (1.0 - p) + mu.powf(2.0 - p) / (2.0 - p))
            }
        }
    }
}

/// Sums over the training rows from which the log-likelihood follows at any dispersion.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LikelihoodSums {
    /// Sum of the weights.
    pub(crate) weight: f64,
    /// The parts that contain the mean.
    pub(crate) fit: f64,
    /// The parts that contain the target alone.
    pub(crate) target: f64,
}

impl LikelihoodSums {
    pub(crate) fn add(&mut self, family: Family, weight: f64, y: f64, mu: f64) {
        let (fit, target) = match family {
            Family::Gaussian => ((y - mu).powi(2), 0.0),
            Family::Binomial => (if y == 1.0 { mu.ln() } else { (-mu).ln_1p() }, 0.0),
            Family::Poisson => (if y == 0.0 { -mu } else { y * mu.ln() - mu }, ln_gamma(y + 1.0)),
            Family::Gamma => ((y / mu).ln() - y / mu, y.ln()),
            Family::Tweedie { .. } => (0.0, 0.0),
        };
        self.weight += weight;
        self.fit += weight * fit;
        self.target += weight * target;
    }

    /// `None` where the family has none in closed form, or the dispersion is not above 0.
    pub(crate) fn at(&self, family: Family, dispersion: f64) -> Option<f64> {
        let usable = dispersion.is_finite() && dispersion > 0.0;
        match family {
            Family::Binomial => Some(self.fit),
            Family::Poisson => Some(self.fit - self.target),
            Family::Gaussian if usable => {
                let constant = (2.0 * std::f64::consts::PI * dispersion).ln();
                Some(-0.5 * (self.weight * constant + self.fit / dispersion))
            }
            Family::Gamma if usable => {
                let shape = 1.0 / dispersion;
                let constant = shape * shape.ln() - ln_gamma(shape);
                Some(self.weight * constant + shape * self.fit - self.target)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes() -> Vec<(Family, Shape)> {
        let families = [
            Family::Gaussian,
            Family::Binomial,
            Family::Poisson,
            Family::Gamma,
            Family::Tweedie { power: 1.0 },
            Family::Tweedie { power: 1.6 },
            Family::Tweedie { power: 2.0 },
            Family::Tweedie { power: 2.7 },
        ];
        let pairs = families.into_iter().flat_map(|f| f.links().iter().map(move |&link| (f, link)));
        pairs.map(|(f, link)| (f, Shape { variance: f.variance(), link })).collect()
    }

    /// Linear predictors that every link of the family takes.
    fn points(shape: Shape) -> &'static [f64] {
        match (shape.variance, shape.link) {
            (Variance::Binomial, Link::Log) => &[-2.0, -0.7],
            (Variance::Binomial, Link::Identity) => &[0.2, 0.9],
            (_, Link::Inverse | Link::Identity) => &[0.3, 1.7],
            _ => &[-1.3, 0.4],
        }
    }

    #[test]
    fn slopes_and_curvatures_are_the_derivatives() {
        for (family, shape) in shapes() {
            for &eta in points(shape) {
                for y in [0.0, 1.0, 2.5] {
                    if family.refuses(y).is_some() || (family == Family::Binomial && y > 1.0) {
                        continue;
                    }
                    let step = 1e-6;
                    let (low, high) = (shape.row(eta - step, y, true), shape.row(eta + step, y, true));
                    let at = shape.row(eta, y, true);
                    let slope = (high.loss - low.loss) / (2.0 * step);
                    assert!(
                        (at.slope - slope).abs() < 1e-7 * (1.0 + slope.abs()),
                        "{family:?} {shape:?} {y}"
                    );
                    if shape.has_observed() {
                        let curvature = (high.slope - low.slope) / (2.0 * step);
                        assert!((at.curvature - curvature).abs() < 1e-7 * (1.0 + curvature), "{shape:?}");
                    }
                    let (mu, expected) = (shape.mean(eta), shape.row(eta, y, false).curvature);
                    let dmu = (shape.mean(eta + step) - shape.mean(eta - step)) / (2.0 * step);
                    let fisher = dmu * dmu / shape.variance_at(mu);
                    assert!((expected - fisher).abs() < 1e-7 * (1.0 + fisher), "{family:?} {shape:?}");
                }
            }
        }
    }

    #[test]
    fn the_loss_is_half_the_deviance_but_for_the_target() {
        for (family, shape) in shapes() {
            let y = if family == Family::Binomial { 1.0 } else { 1.4 };
            let &[a, b] = points(shape) else { panic!("two points") };
            let loss = shape.row(a, y, false).loss - shape.row(b, y, false).loss;
            let deviance = shape.deviance(y, shape.mean(a)) - shape.deviance(y, shape.mean(b));
            assert!((loss - 0.5 * deviance).abs() < 1e-12, "{family:?} {shape:?}");
        }
    }

    #[test]
    fn extreme_predictors_give_numbers() {
        for (family, shape) in shapes() {
            for eta in [-1e4, -800.0, -40.0, 40.0, 800.0, 1e4] {
                let terms = shape.row(eta, 1.0, true);
                assert!(
                    !terms.loss.is_nan() && terms.curvature >= 0.0,
                    "{family:?} {shape:?} {eta}: {terms:?}"
                );
            }
        }
    }

    #[test]
    fn names_are_read_and_written() {
        assert_eq!("tweedie:1.7".parse::<Family>().unwrap(), Family::Tweedie { power: 1.7 });
        assert!("tweedie:0.5".parse::<Family>().unwrap_err().to_string().contains("at least 1"));
        assert!("svm".parse::<Family>().unwrap_err().to_string().contains("one of gaussian"));
        for (name, link) in Link::ALL {
            assert_eq!((name.parse::<Link>().unwrap(), link.to_string()), (*link, (*name).to_owned()));
        }
    }
}
