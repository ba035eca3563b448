//! Objectives: the link of each, and base scores, which stand on the scale of the outputs.

use tenure_core::Result;

use super::document::Text;
use super::{NAME, problem, unsupported};
use crate::foreign::assemble::Outcome;

/// What the raw scores of an objective become.
pub(super) fn outcome(objective: &str) -> Result<Outcome> {
    Ok(match objective {
        "binary:logistic" | "reg:logistic" => Outcome::PROBABILITY,
        "multi:softprob" | "multi:softmax" => Outcome::CLASSES,
        "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => Outcome::POSITIVE,
        "binary:logitraw"
        | "reg:squarederror"
        | "reg:linear"
        | "reg:squaredlogerror"
        | "reg:absoluteerror"
        | "reg:quantileerror"
        | "reg:expectileerror"
        | "reg:pseudohubererror"
        | "rank:pairwise"
        | "rank:ndcg"
        | "rank:map" => Outcome::VALUE,
        _ => return Err(unsupported(NAME, format!("objective `{}`", short(objective)))),
    })
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Base scores as raw scores, one for each. XGBoost computes them in single precision.
pub(super) fn base_scores(objective: &str, text: &Text, scores: usize) -> Result<Vec<f64>> {
    let wrong =
        || problem(NAME, "`base_score`", format!("1 number, or {scores}, on the outputs' scale"), &text.0);
    let inside = text.0.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(&text.0);
    let numbers = inside.split(',').map(|number| number.trim().parse::<f32>().map_err(|_| wrong()));
    let numbers = numbers.collect::<Result<Vec<_>>>()?;
    let raw = |score: f32| match objective {
        "binary:logistic" | "reg:logistic" => -(1.0 / score - 1.0).ln(),
        "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => score.ln(),
        _ => score,
    };
    let raw: Vec<f64> = numbers.into_iter().map(|score| f64::from(raw(score))).collect();
    match raw.len() {
        _ if !raw.iter().all(|raw| raw.is_finite()) => Err(wrong()),
        1 => Ok(vec![raw[0]; scores]),
        found if found == scores => Ok(raw),
        _ => Err(wrong()),
    }
}
