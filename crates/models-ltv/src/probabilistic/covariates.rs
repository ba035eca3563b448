//! Facts about customers that shift their rates.

use ndarray::Array2;

use crate::{Error, Result};

/// Time-invariant covariates: one column a fact, one row a customer.
///
/// Fader & Hardie, "Incorporating Time-Invariant Covariates into the Pareto/NBD and BG/NBD Models" (2007): a
/// customer's purchase rate is multiplied by `exp(γ'z)`, so that `α_i = α exp(−γ'z_i)`; so is the dropout rate
/// of the Pareto/NBD (`β_i = β exp(−γ'z_i)`); the dropout probability of the BG/NBD has `a_i = a exp(γ_a'z_i)`
/// and `b_i = b exp(γ_b'z_i)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Covariates {
    names: Vec<String>,
    values: Array2<f64>,
}

impl Covariates {
    /// Names and values.
    ///
    /// # Errors
    /// [`tenure_core::Error::NotFinite`] for NaN or infinity, [`tenure_core::Error::Schema`] for an empty or
    /// repeated name, [`tenure_core::Error::Shape`] where names and columns differ in number.
    pub fn new<S: Into<String>>(names: impl IntoIterator<Item = S>, values: Array2<f64>) -> Result<Self> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        if names.len() != values.ncols() {
            let (expected, found) = (names.len(), values.ncols());
            return Err(tenure_core::Error::Shape { what: "columns of covariates", expected, found }.into());
        }
        for (i, name) in names.iter().enumerate() {
            let problem = match name.as_str() {
                "" => "has no name",
                _ if names[..i].contains(name) => "occurs twice",
                _ => continue,
            };
            return Err(tenure_core::Error::Schema { feature: name.clone(), problem }.into());
        }
        if let Some(((row, column), &value)) = values.indexed_iter().find(|(_, v)| !v.is_finite()) {
            let feature = names[column].clone();
            return Err(tenure_core::Error::NotFinite { feature, row, value }.into());
        }
        Ok(Self { names, values })
    }

    /// Names of the columns.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.values.nrows()
    }

    pub(crate) fn values(&self) -> &Array2<f64> {
        &self.values
    }

    /// Standard deviation of each column.
    ///
    /// # Errors
    /// A constant column says nothing beside the parameter that it shifts.
    pub(crate) fn deviations(&self) -> Result<Vec<f64>> {
        let n = self.rows() as f64;
        let mut made = Vec::new();
        for (name, column) in self.names.iter().zip(self.values.columns()) {
            let mean = column.sum() / n;
            let variance = column.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
            let size = column.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
            if !(variance.is_finite() && variance.sqrt() > 1e-10 * size) {
                let problem = "is constant (or too large): it cannot be told from the parameter it shifts";
                return Err(Error::Core(tenure_core::Error::Schema { feature: name.clone(), problem }));
            }
            made.push(variance.sqrt());
        }
        Ok(made)
    }
}
