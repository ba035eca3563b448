//! A million customers from recency, frequency and age to their value, on files of `peers/lifetime_value.py`.

use std::path::Path;

use serde_json::json;
use tenure_core::FitContext;
use tenure_ltv::probabilistic::{BgNbd, FitParams, ForecastParams, GammaGamma, Summaries, TimeUnit, value};

use crate::matrix::numbers;
use crate::timing::seconds;
use crate::{Outcome, process};

/// Fits BG/NBD and Gamma-Gamma and gives every customer a 12-month value with an interval of 90 %.
pub(crate) fn value_all(folder: &Path, threads: usize) -> Outcome {
    let column = |name: &str| numbers(&folder.join(format!("{name}.f64")));
    let customers = Summaries::new(&column("frequency")?, &column("recency")?, &column("age")?)?
        .with_mean_spend(column("mean_spend")?)?;
    let context = FitContext::new(0).with_threads(threads);
    let params = FitParams::default();
    let year = ForecastParams { discount: 0.01, ..ForecastParams::months(12, TimeUnit::Day) };
    let ((purchases, spend), fit) = seconds(|| -> Result<_, Box<dyn std::error::Error>> {
        Ok((BgNbd::fit(&customers, &params, &context)?, GammaGamma::fit(&customers, &params, &context)?))
    })?;
    let (values, foretell) =
        seconds(|| value(&purchases.params(), &spend.params(), &customers, &year, context.threads))?;
    let of = purchases.params();
    Ok(json!({
        "customers": customers.len(), "fit_s": fit, "value_s": foretell, "total_s": fit + foretell,
        "r": of.r, "alpha": of.alpha, "a": of.a, "b": of.b,
        "total_value": values.iter().map(|v| v.value).sum::<f64>(),
        "peak_mb": process::peak_megabytes(),
    }))
}
