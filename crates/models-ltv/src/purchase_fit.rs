//! The probabilistic models fitted to an order log, with how sure the parameters are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tenure_core::FitContext;
use tenure_features::time::DAY;
use tenure_features::{AsOf, OrderLog, Timestamp};

use crate::error::Result;
use crate::probabilistic::{
    BgBb, BgNbd, Estimates, FitParams, GammaGamma, Opportunities, ParetoNbd, TimeUnit,
};
use crate::rhythm;

/// A model of when customers buy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PurchaseFamily {
    /// BG/NBD: a customer may leave after each purchase.
    BgNbd,
    /// Pareto/NBD: a customer may leave at any time.
    ParetoNbd,
    /// BG/BB: a customer buys or does not at each whole unit of time, and may leave after it.
    BgBb,
}

impl PurchaseFamily {
    /// The names.
    pub const NAMES: &[&'static str] = &["bg-nbd", "pareto-nbd", "bg-bb"];
}

impl fmt::Display for PurchaseFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::BgNbd => "bg-nbd",
            Self::ParetoNbd => "pareto-nbd",
            Self::BgBb => "bg-bb",
        })
    }
}

impl FromStr for PurchaseFamily {
    type Err = tenure_core::Error;

    fn from_str(name: &str) -> tenure_core::Result<Self> {
        match name {
            "bg-nbd" => Ok(Self::BgNbd),
            "pareto-nbd" => Ok(Self::ParetoNbd),
            "bg-bb" => Ok(Self::BgBb),
            _ => {
                let expected = format!("one of {}", Self::NAMES.join(", ")).into();
                Err(tenure_core::Error::Parameter { name: "family", value: name.to_owned(), expected })
            }
        }
    }
}

/// What fitting to a log found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PurchaseFit {
    /// The model of purchases.
    pub family: PurchaseFamily,
    /// No order at or after this instant was used.
    pub as_of: Timestamp,
    /// The unit of times.
    pub time_unit: TimeUnit,
    /// Customers with an order before the instant.
    pub customers: usize,
    /// Those who came back.
    pub repeat_customers: usize,
    /// Parameters of the purchases.
    pub purchases: Estimates,
    /// Parameters of Gamma-Gamma, of the spend on a day with orders but the first; `None` where the log does not tell
    /// them.
    pub spend: Option<Estimates>,
    /// What a reader should know, in words.
    pub notes: Vec<String>,
}

/// Fits `family`, and Gamma-Gamma for the spends, to every order before `as_of`. Orders of one day are one purchase.
///
/// # Errors
/// [`tenure_features::Error::NoOrders`] where nobody ordered before the instant;
/// [`crate::Error::NoInnerOptimum`] and [`crate::Error::NotConverged`] of the model of purchases.
pub fn fit_purchases(
    log: &OrderLog,
    family: PurchaseFamily,
    as_of: Timestamp,
    time_unit: TimeUnit,
    params: &FitParams,
    context: &FitContext<'_>,
) -> Result<PurchaseFit> {
    let known = rhythm::known(log, as_of)?;
    let missing = || tenure_core::Error::Internal("a fit without estimates".into());
    let estimates = match family {
        PurchaseFamily::BgNbd => {
            BgNbd::fit(&rhythm::summaries(&known, time_unit)?, params, context)?.estimates().cloned()
        }
        PurchaseFamily::ParetoNbd => {
            ParetoNbd::fit(&rhythm::summaries(&known, time_unit)?, params, context)?.estimates().cloned()
        }
        PurchaseFamily::BgBb => {
            BgBb::fit(&opportunities(log, as_of, time_unit)?, params, context)?.estimates().cloned()
        }
    };
    let mut notes = Vec::new();
    let paying = rhythm::repeat_spends_of(&known)?;
    let repeat_customers = known.iter().filter(|d| d.repeats > 0.0).count();
    if paying.len() < repeat_customers {
        let n = repeat_customers - paying.len();
        notes.push(format!(
            "{n} repeat customers paid nothing on their later days: Gamma-Gamma leaves them out"
        ));
    }
    let spend = match GammaGamma::fit(&paying, &FitParams { start: None, ..params.clone() }, context) {
        Ok(fitted) => fitted.estimates().cloned(),
        Err(crate::Error::Core(cancelled @ tenure_core::Error::Cancelled { .. })) => {
            return Err(cancelled.into());
        }
        Err(error) => {
            notes.push(format!("Gamma-Gamma was not fitted: {error}"));
            None
        }
    };
    let purchases = estimates.ok_or_else(missing)?;
    Ok(PurchaseFit {
        family,
        as_of,
        time_unit,
        customers: known.len(),
        repeat_customers,
        purchases,
        spend,
        notes,
    })
}

/// Whole units since each customer's first day, and in which of them the customer bought.
fn opportunities(log: &OrderLog, as_of: Timestamp, unit: TimeUnit) -> Result<Opportunities> {
    let length = unit.days() as i64;
    let of = |view: &AsOf<'_>| -> Option<[f64; 3]> {
        let mut days = view.purchases().map(|p| p.time().seconds().div_euclid(DAY));
        let birth = days.next()?;
        let whole = (view.instant().day_number() - birth) / length;
        // Days 1 to `length` after the first are the first unit.
        let units = days.filter(|day| *day > birth).map(|day| (day - birth - 1) / length + 1);
        let (mut bought, mut last) = (0.0, 0);
        for unit in units.filter(|unit| *unit <= whole) {
            if unit > last {
                bought += 1.0;
                last = unit;
            }
        }
        Some([bought, last as f64, whole as f64])
    };
    let all: Vec<[f64; 3]> = log.map_as_of(as_of, of).into_iter().flatten().collect();
    let column = |at: usize| all.iter().map(|c| c[at]).collect::<Vec<_>>();
    Opportunities::new(&column(0), &column(1), &column(2))
}
