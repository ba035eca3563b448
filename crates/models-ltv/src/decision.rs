//! What an application gets for one customer.

use std::fmt;

use serde::{Deserialize, Serialize};
use tenure_core::{Explanation, Reason, Result, Schema, params::require};

/// What a customer will spend, how sure that is, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LtvPrediction {
    /// Who.
    pub customer_id: String,
    /// As of when, ISO 8601; nothing at or after it was looked at.
    pub as_of: String,
    /// Expected spend within the prediction window, in the currency of the log.
    pub predicted_ltv: f64,
    /// Range of the customer's actual spend. It may lie below the expected spend, which a few who spend much pull
    /// up: of those who most likely spend nothing the range may be from 0 to 0.
    pub confidence_interval: ValueInterval,
    /// The value in four words.
    pub value_segment: Segment,
    /// Length of the prediction window in months, to a tenth.
    pub prediction_window_months: f64,
    /// Probability of any spend within the window, 0 to 1.
    pub p_any: f64,
    /// What moved the value most, most first.
    pub drivers: Vec<Driver>,
    /// The model's version.
    pub model_version: String,
}

/// A range of spends with its nominal coverage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ValueInterval {
    /// Lower end, at least 0.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Share of customers whose spend lies in their range, e.g. 0.9.
    pub level: f64,
}

/// A predicted value in words; the bounds are quantiles of the training customers' predicted values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Segment {
    /// Below the first bound.
    Low,
    /// From the first bound.
    Medium,
    /// From the second bound.
    High,
    /// From the third bound.
    Vip,
}

impl Segment {
    /// All, the lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Vip];

    /// The segment of a value, given the three rising bounds.
    #[must_use]
    pub fn of(value: f64, bounds: &[f64; 3]) -> Self {
        let at = bounds.iter().filter(|bound| value >= **bound).count();
        Self::ALL[at]
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Vip => "vip",
        })
    }
}

/// One reason for a value, in words and numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Driver {
    /// Name of the feature.
    pub feature: String,
    /// E.g. `days since the last order: 84 (typical: 31), lowers the value by 40 %`.
    pub text: String,
    /// The customer's value; `None` where it is missing.
    pub value: Option<f64>,
    /// Median of the training customers; `None` where it is missing.
    pub typical: Option<f64>,
    /// What it multiplies the predicted value by, above 0: above 1 it raises it.
    pub factor: f64,
}

/// The `most` strongest reasons in words.
pub(crate) fn drivers(
    schema: &Schema,
    row: &[f64],
    typical: &[f64],
    explanation: &Explanation,
    most: usize,
) -> Vec<Driver> {
    let reasons = explanation.reasons(schema, row, typical, most).into_iter();
    reasons
        .map(|Reason { feature, text, value, typical, effect }| {
            let factor = effect.exp();
            let what = match factor {
                f if (f - 1.0).abs() < 0.005 => "hardly moves the value".to_owned(),
                f if f >= 2.0 => format!("multiplies the value by {f:.1}"),
                f if f >= 1.0 => format!("raises the value by {:.0} %", 100.0 * (f - 1.0)),
                f => format!("lowers the value by {:.0} %", 100.0 * (1.0 - f)),
            };
            Driver { feature, text: format!("{text}, {what}"), value, typical, factor }
        })
        .collect()
}

/// What contacting a customer who may leave costs and brings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// Cost of contacting one customer, in the currency of the values, at least 0.
    pub cost: f64,
    /// Share of contacted leavers who stay, above 0 to 1.
    pub success_rate: f64,
}

/// What is at stake with one customer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ValueAtRisk {
    /// Which of the customers given, counted from 0.
    pub row: usize,
    /// Expected loss through leaving: probability of leaving times the value if the customer stays.
    pub value_at_risk: f64,
    /// Expected profit of contacting: `success_rate · value_at_risk − cost`.
    pub contact_profit: f64,
}

/// Churn and value together: whom to contact, the most profitable first (equal profits by row).
///
/// `churn` has each customer's probability of leaving, `value_if_staying` the spend to expect of the customer if
/// kept. Where only an expected spend `predicted_ltv` and the probability `p_any` of any spend are known,
/// `predicted_ltv / p_any` is the spend of a customer who goes on buying.
///
/// # Errors
/// [`tenure_core::Error::Shape`] where the lengths differ; [`tenure_core::Error::Parameter`] for a probability,
/// a value or a contact out of range.
///
/// # Example
/// ```
/// use tenure_ltv::{Contact, rank_by_contact_profit};
///
/// let contact = Contact { cost: 2.0, success_rate: 0.1 };
/// // A likely leaver of small value, an unlikely one of great value.
/// let ranked = rank_by_contact_profit(&[0.9, 0.2], &[15.0, 400.0], &contact)?;
/// assert_eq!((ranked[0].row, ranked[0].value_at_risk, ranked[0].contact_profit), (1, 80.0, 6.0));
/// assert!(ranked[1].contact_profit < 0.0); // better left alone
/// # Ok::<(), tenure_core::Error>(())
/// ```
pub fn rank_by_contact_profit(
    churn: &[f64],
    value_if_staying: &[f64],
    contact: &Contact,
) -> Result<Vec<ValueAtRisk>> {
    if churn.len() != value_if_staying.len() {
        let (expected, found) = (churn.len(), value_if_staying.len());
        return Err(tenure_core::Error::Shape { what: "values", expected, found });
    }
    let Contact { cost, success_rate } = *contact;
    require("contact_cost", cost, cost.is_finite() && cost >= 0.0, "at least 0")?;
    require("success_rate", success_rate, success_rate > 0.0 && success_rate <= 1.0, "above 0 to 1")?;
    let mut ranked = Vec::with_capacity(churn.len());
    for (row, (&churn, &value)) in churn.iter().zip(value_if_staying).enumerate() {
        require("churn", churn, (0.0..=1.0).contains(&churn), "probabilities, 0 to 1")?;
        require("value_if_staying", value, value.is_finite() && value >= 0.0, "finite, at least 0")?;
        let value_at_risk = churn * value;
        ranked.push(ValueAtRisk { row, value_at_risk, contact_profit: success_rate * value_at_risk - cost });
    }
    ranked.sort_by(|a, b| b.contact_profit.total_cmp(&a.contact_profit).then(a.row.cmp(&b.row)));
    Ok(ranked)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use tenure_core::{Feature, Scale};

    #[test]
    fn segments_change_at_their_bounds() {
        let segments =
            [0.0, 9.9, 10.0, 20.0, 29.0, 30.0].map(|v| Segment::of(v, &[10.0, 20.0, 30.0]).to_string());
        assert_eq!(segments, ["low", "low", "medium", "high", "high", "vip"]);
    }

    #[test]
    fn drivers_say_how_much_they_move_the_value() {
        let days = |name: &str| Feature::numeric(name, "days", format!("Days, {name}"));
        let schema = Schema::new(vec![days("a"), days("b"), days("c")]).unwrap();
        let contributions = vec![1.2, -0.5, 0.1];
        let explanation = Explanation { output: 0, scale: Scale::Log, baseline: 0.0, contributions };
        let found = drivers(&schema, &[84.0, 3.0, f64::NAN], &[31.0, 3.0, 1.0], &explanation, 3);
        assert_eq!(found[0].text, "days, a: 84 (typical: 31), multiplies the value by 3.3");
        assert_eq!(found[1].text, "days, b: 3 (typical: 3), lowers the value by 39 %");
        assert_eq!(found[2].text, "days, c: not known, raises the value by 11 %");
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let contact = Contact { cost: 1.0, success_rate: 0.1 };
        let words = |churn: &[f64], value: &[f64]| {
            rank_by_contact_profit(churn, value, &contact).unwrap_err().to_string()
        };
        assert!(words(&[1.2], &[1.0]).contains("`churn` is 1.2"));
        assert!(words(&[0.2], &[f64::NAN]).contains("`value_if_staying` is NaN"));
        assert!(words(&[0.2], &[]).contains("values"));
    }
}
