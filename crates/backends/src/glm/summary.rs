//! What a fit says beside its predictions: coefficients, their uncertainty, and figures of the whole.

use std::fmt;

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};
use tenure_core::{Result, params::require};

use super::design::Dropped;
use super::family::{Family, Link};

/// A coefficient as it was fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Estimate {
    pub(crate) name: String,
    pub(crate) estimate: f64,
    pub(crate) standard_error: Option<f64>,
}

/// Figures of a fitted model, as plain data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct GlmSummary {
    pub(crate) family: Family,
    pub(crate) link: Link,
    pub(crate) alpha: f64,
    pub(crate) l1_ratio: f64,
    pub(crate) rows: usize,
    pub(crate) total_weight: f64,
    pub(crate) coefficients: Vec<Estimate>,
    pub(crate) dropped: Vec<Dropped>,
    pub(crate) parameters: usize,
    pub(crate) df_residual: f64,
    pub(crate) deviance: f64,
    pub(crate) null_deviance: Option<f64>,
    pub(crate) pearson_chi2: f64,
    pub(crate) dispersion: Option<f64>,
    pub(crate) iterations: usize,
    pub(crate) converged: bool,
}

/// One row of the coefficient table. What is not known is `None`: all but the estimate with a penalty, after a
/// fit that did not converge, and without residual degrees of freedom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Coefficient {
    /// `(intercept)`, the name of a numeric feature, `feature[level]` or `feature[missing]`.
    pub name: String,
    /// On the scale of the link, per unit of the column.
    pub estimate: f64,
    /// From the expected information, times the dispersion.
    pub standard_error: Option<f64>,
    /// Estimate over standard error.
    pub statistic: Option<f64>,
    /// Probability of a statistic at least so far from 0, were the coefficient 0.
    pub p_value: Option<f64>,
    /// Lower end of the interval.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
}

/// The distribution that statistics are held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// The normal distribution, where the dispersion is known (binomial, Poisson).
    Normal,
    /// Student's t with the residual degrees of freedom, where the dispersion is estimated.
    StudentT,
}

/// The coefficients with standard errors and Wald intervals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CoefficientTable {
    /// Level of the intervals, 0.95 for 95 %.
    pub level: f64,
    /// What statistics, p values and intervals rest on.
    pub reference: Reference,
    /// The intercept first, where there is one, then the columns in the order of the schema.
    pub coefficients: Vec<Coefficient>,
    /// Columns without a coefficient, and why.
    pub dropped: Vec<Dropped>,
}

impl GlmSummary {
    pub(crate) fn table(&self, level: f64) -> Result<CoefficientTable> {
        require("level", level, level > 0.0 && level < 1.0, "above 0, below 1")?;
        let estimated = self.family.estimates_dispersion();
        let reference = if estimated { Reference::StudentT } else { Reference::Normal };
        let student = estimated.then(|| StudentsT::new(0.0, 1.0, self.df_residual).ok()).flatten();
        let normal = Normal::standard();
        let above = |t: f64| student.as_ref().map_or_else(|| normal.sf(t), |d| d.sf(t));
        let upper = 0.5 + 0.5 * level;
        let reach = student.as_ref().map_or_else(|| normal.inverse_cdf(upper), |d| d.inverse_cdf(upper));
        let coefficients = self.coefficients.iter().map(|Estimate { name, estimate, standard_error }| {
            let error = standard_error.filter(|_| !estimated || student.is_some());
            let statistic = error.filter(|e| *e > 0.0).map(|e| estimate / e);
            Coefficient {
                name: name.clone(),
                estimate: *estimate,
                standard_error: error,
                statistic,
                p_value: statistic.map(|t| 2.0 * above(t.abs())),
                low: error.map(|e| estimate - reach * e),
                high: error.map(|e| estimate + reach * e),
            }
        });
        Ok(CoefficientTable {
            level,
            reference,
            coefficients: coefficients.collect(),
            dropped: self.dropped.clone(),
        })
    }
}

/// Six digits, in scientific form where that is shorter.
fn number(value: Option<f64>) -> String {
    match value {
        None => "-".into(),
        Some(0.0) => "0".into(),
        Some(v) if (1e-3..1e6).contains(&v.abs()) => {
            let digits = 5 - v.abs().log10().floor() as i32;
            format!("{v:.*}", digits.max(0) as usize)
        }
        Some(v) => format!("{v:.4e}"),
    }
}

fn p_value(p: Option<f64>) -> String {
    match p {
        None => "-".into(),
        Some(p) if p < 0.0001 => "<0.0001".into(),
        Some(p) => format!("{p:.4}"),
    }
}

impl fmt::Display for CoefficientTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statistic = if self.reference == Reference::Normal { "z" } else { "t" };
        let p = format!("P>|{statistic}|");
        let percent = 100.0 * self.level;
        let (low, high) = (format!("{percent} % from"), "to".to_owned());
        let header = ["".to_owned(), "estimate".into(), "std. error".into(), statistic.into(), p, low, high];
        let mut lines = vec![header];
        for c in &self.coefficients {
            lines.push([
                c.name.clone(),
                number(Some(c.estimate)),
                number(c.standard_error),
                c.statistic.map_or_else(|| "-".into(), |t| format!("{t:.3}")),
                p_value(c.p_value),
                number(c.low),
                number(c.high),
            ]);
        }
        let width = |column: usize| lines.iter().map(|l| l[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 7] = std::array::from_fn(width);
        for line in &lines {
            write!(f, "{:<1$}", line[0], widths[0])?;
            for (cell, width) in line.iter().zip(widths).skip(1) {
                write!(f, "  {cell:>width$}")?;
            }
            writeln!(f)?;
        }
        for Dropped { name, reason } in &self.dropped {
            writeln!(f, "{name}: no coefficient, {reason}")?;
        }
        Ok(())
    }
}

impl fmt::Display for GlmSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Generalised linear model: family {}, link {}", self.family, self.link)?;
        writeln!(
            f,
            "rows {}, weight {}, parameters {}, residual degrees of freedom {}",
            self.rows, self.total_weight, self.parameters, self.df_residual
        )?;
        if self.alpha > 0.0 {
            writeln!(f, "penalty alpha {}, l1_ratio {}: no standard errors", self.alpha, self.l1_ratio)?;
        }
        if !self.converged {
            writeln!(f, "NOT CONVERGED after {} iterations", self.iterations)?;
        }
        let known = if self.family.estimates_dispersion() { "estimated" } else { "fixed" };
        writeln!(
            f,
            "dispersion {} ({known}), Pearson chi2 {}",
            number(self.dispersion),
            number(Some(self.pearson_chi2))
        )?;
        writeln!(f, "deviance {}, null deviance {}", number(Some(self.deviance)), number(self.null_deviance))
    }
}
