//! Generalised linear models on matrices written by `peers/linear.py`.

use std::any::Any;
use std::path::Path;

use ndarray::Array2;
use serde_json::json;
use tenure_backends::glm::{Family, GlmModel, GlmParams};
use tenure_core::{Dataset, Feature, FitContext, Learner, Schema, Target};

use crate::matrix::Matrix;
use crate::timing::seconds;
use crate::{Outcome, process};

/// Weight of the penalty, as in the script.
const ALPHA: f64 = 1e-4;

/// Fits `logistic` or `gamma` (logarithmic link) and gives the coefficients, the intercept last.
pub(crate) fn fit(family: &str, folder: &Path, threads: usize) -> Outcome {
    let Matrix { x, y } = Matrix::read(folder, "train")?;
    let columns = x.len() / y.len();
    let features = (0..columns).map(|i| Feature::numeric(format!("f{i}"), "", "")).collect();
    let x = Array2::from_shape_vec((y.len(), columns), x)?;
    let (family, target) = match family {
        "logistic" => (Family::Binomial, Target::binary("y", y)?),
        _ => (Family::Gamma, Target::real("y", y)?),
    };
    let data = Dataset::new(Schema::new(features)?, x)?.with_target(target)?;
    let params = GlmParams { alpha: ALPHA, standardise: false, ..GlmParams::of(family) };
    let (learner, context) = (params.check()?, FitContext::new(42).with_threads(threads));
    let start = process::cpu_seconds();
    let (fitted, time) = seconds(|| learner.fit(&data, None, &context))?;
    let cpu = process::cpu_seconds().zip(start).map(|(end, start)| end - start);
    let model = (fitted.model.as_ref() as &dyn Any).downcast_ref::<GlmModel>().ok_or("not a GLM")?;
    let table = model.coefficients(0.95)?;
    let mut coefficients: Vec<f64> = table.coefficients.iter().map(|c| c.estimate).collect();
    // Ours begin with the intercept.
    coefficients.rotate_left(1);
    Ok(json!({
        "seconds": time,
        "cpu_s": cpu,
        "iterations": fitted.report.iterations,
        "coefficients": coefficients,
    }))
}
