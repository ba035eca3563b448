//! Coefficients of covariates, and what they make of the parameters for one customer.

use serde::{Deserialize, Serialize};

use super::covariates::Covariates;
use super::fit::{Fitted, Likelihood, N, Shift};
use crate::Result;

/// How the covariates move the four parameters of a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Effects {
    transaction: Vec<String>,
    dropout: Vec<String>,
    /// By parameter: what a unit of each covariate adds to its logarithm.
    slopes: [Vec<f64>; N],
}

impl Effects {
    /// `None` without covariates.
    pub(crate) fn new<L: Likelihood>(
        fitted: &Fitted,
        transaction: Option<&Covariates>,
        dropout: Option<&Covariates>,
    ) -> Option<Self> {
        if transaction.is_none() && dropout.is_none() {
            return None;
        }
        let names = |c: Option<&Covariates>| c.map_or(Vec::new(), |c| c.names().to_vec());
        let (transaction, dropout) = (names(transaction), names(dropout));
        let mut rest = fitted.estimates.estimates.iter().skip(N).map(|e| e.value);
        let slopes = L::SHIFTED.map(|shifted| match shifted {
            None => Vec::new(),
            Some((shift, sign)) => {
                let count = if shift == Shift::Transaction { transaction.len() } else { dropout.len() };
                rest.by_ref().take(count).map(|value| sign * value).collect()
            }
        });
        Some(Self { transaction, dropout, slopes })
    }

    /// A customer's own parameters.
    ///
    /// # Errors
    /// [`tenure_core::Error::Shape`] where there are not as many values as covariates.
    pub(crate) fn apply<L: Likelihood>(
        &self,
        parameters: [f64; N],
        transaction: &[f64],
        dropout: &[f64],
    ) -> Result<[f64; N]> {
        for (what, expected, found) in [
            ("transaction covariates", self.transaction.len(), transaction.len()),
            ("dropout covariates", self.dropout.len(), dropout.len()),
        ] {
            if expected != found {
                return Err(tenure_core::Error::Shape { what, expected, found }.into());
            }
        }
        let mut own = parameters;
        for ((own, slopes), shifted) in own.iter_mut().zip(&self.slopes).zip(L::SHIFTED) {
            let values =
                if shifted.is_some_and(|(s, _)| s == Shift::Transaction) { transaction } else { dropout };
            *own *= slopes.iter().zip(values).map(|(s, z)| s * z).sum::<f64>().exp();
        }
        Ok(own)
    }
}
