//! The constant raw scores that a fit begins with: those of the lowest loss, given the offsets.

use tenure_core::{Error, Result, Target};

use super::renew::quantile;
use super::rows::LabelledRows;
use crate::Objective;
use crate::objective::{CustomObjective, Loss};

/// Probability that a class without rows begins with.
const RARE: f64 = 1e-15;

/// One for each raw score.
pub(super) fn base_scores(
    loss: &Loss,
    data: &LabelledRows,
    target: &Target,
    scores: usize,
) -> Result<Vec<f64>> {
    let mean = data.mean(&data.labels);
    let offset = data.offsets.as_ref().map_or(0.0, |o| data.mean(o));
    let objective = match loss {
        Loss::Known(objective) => *objective,
        Loss::Own(own) => return Ok(vec![own_base(own.as_ref(), data)?]),
    };
    Ok(vec![match objective {
        Objective::Softmax => return Ok(class_scores(data, scores)),
        // Weights that differ by more than a number can tell apart leave a share of 0 or 1.
        Objective::BinaryLogLoss => {
            let p = mean.clamp(RARE, 1.0 - RARE);
            let base = (p / (1.0 - p)).ln();
            data.offsets.as_ref().map_or(base, |o| log_odds_beside(data, o, mean, base - offset))
        }
        Objective::SquaredError => mean - offset,
        Objective::AbsoluteError => residual_quantile(data, 0.5),
        Objective::Huber { delta } => huber(data, delta),
        Objective::Quantile { alpha } => residual_quantile(data, alpha),
        Objective::Poisson => log_mean(data, target, 1.0)?,
        Objective::Gamma => log_mean(data, target, 2.0)?,
        Objective::Tweedie { power } => log_mean(data, target, power)?,
    }])
}

/// Logarithms of the classes' shares.
fn class_scores(data: &LabelledRows, classes: usize) -> Vec<f64> {
    let mut shares = vec![0.0; classes];
    for (at, &label) in data.labels.iter().enumerate() {
        shares[label as usize] += data.weights.as_ref().map_or(1.0, |w| w[at]) / data.weight;
    }
    shares.iter().map(|share| share.max(RARE).ln()).collect()
}

/// Newton's method for the b at which the mean of σ(b + offset) is the mean label.
fn log_odds_beside(data: &LabelledRows, offsets: &[f64], mean: f64, start: f64) -> f64 {
    let mut base = start;
    for _ in 0..50 {
        let p: Vec<f64> = offsets.iter().map(|o| 1.0 / (1.0 + (-(base + o)).exp())).collect();
        let slopes: Vec<f64> = p.iter().map(|p| p * (1.0 - p)).collect();
        let slope = data.mean(&slopes);
        // A step of at most 2 keeps far starts from overshooting.
        let step = ((mean - data.mean(&p)) / slope.max(1e-12)).clamp(-2.0, 2.0);
        base += step;
        if step.abs() < 1e-12 {
            break;
        }
    }
    base
}

fn residuals(data: &LabelledRows) -> Vec<f64> {
    match &data.offsets {
        None => data.labels.clone(),
        Some(offsets) => data.labels.iter().zip(offsets).map(|(y, o)| y - o).collect(),
    }
}

fn residual_quantile(data: &LabelledRows, alpha: f64) -> f64 {
    let residuals = residuals(data);
    let rows: Vec<u32> = (0..residuals.len() as u32).collect();
    quantile(&rows, |row| residuals[row], data.weights.as_deref(), alpha)
}

/// From the median by steps to the mean of what is cut at δ: each step lowers the loss.
fn huber(data: &LabelledRows, delta: f64) -> f64 {
    let residuals = residuals(data);
    let mut base = residual_quantile(data, 0.5);
    for _ in 0..100 {
        let cut: Vec<f64> = residuals.iter().map(|r| (r - base).clamp(-delta, delta)).collect();
        let step = data.mean(&cut);
        base += step;
        if step.abs() <= 1e-9 * delta {
            break;
        }
    }
    base
}

/// The b at which `Σ w y e^((1 − ρ)(b + o)) = Σ w e^((2 − ρ)(b + o))`, the stationary point of Poisson (ρ = 1), gamma
/// (ρ = 2) and what lies between.
fn log_mean(data: &LabelledRows, target: &Target, power: f64) -> Result<f64> {
    let base = match &data.offsets {
        None => data.mean(&data.labels).ln(),
        Some(offsets) => {
            // Taken off and added again, so that the powers stay in range.
            let greatest = offsets.iter().fold(f64::NEG_INFINITY, |m, &o| m.max(o));
            let least = offsets.iter().fold(f64::INFINITY, |m, &o| m.min(o));
            let scaled = |factor: f64, from: f64| offsets.iter().map(move |o| (factor * (o - from)).exp());
            let labels: Vec<f64> = scaled(1.0 - power, least).zip(&data.labels).map(|(e, y)| e * y).collect();
            let means: Vec<f64> = scaled(2.0 - power, greatest).collect();
            let shift = (1.0 - power) * least - (2.0 - power) * greatest;
            data.mean(&labels).ln() - data.mean(&means).ln() + shift
        }
    };
    if base.is_finite() {
        return Ok(base);
    }
    let name = target.name();
    Err(Error::Data(format!(
        "the mean of target `{name}` has no finite logarithm: its labels are all 0, or the offsets too far apart"
    )))
}

/// What the objective says, or Newton's method from 0 with halved steps where the loss does not fall.
fn own_base(own: &dyn CustomObjective, data: &LabelledRows) -> Result<f64> {
    let (weights, offsets) = (data.weights.as_deref(), data.offsets.as_deref());
    let given = own.base_score(&data.labels, weights, offsets);
    let mut base = given.unwrap_or(0.0);
    // Mean loss, gradient and Hessian at a constant.
    let at = |base: f64| {
        let (mut loss, mut g, mut h) = (0.0, 0.0, 0.0);
        for (row, &label) in data.labels.iter().enumerate() {
            let found = own.at(base + offsets.map_or(0.0, |o| o[row]), label);
            let share = weights.map_or(1.0, |w| w[row]) / data.weight;
            loss += share * found.loss;
            g += share * found.gradient;
            h += share * found.hessian.max(0.0);
        }
        (loss, g, h)
    };
    if given.is_none() {
        let (mut loss, mut g, mut h) = at(base);
        for _ in 0..100 {
            let mut step = -g / h;
            let mut next = at(base + step);
            for _ in 0..40 {
                if next.0 <= loss {
                    break;
                }
                step /= 2.0;
                next = at(base + step);
            }
            if !(step.is_finite() && next.0 <= loss) {
                break;
            }
            base += step;
            (loss, g, h) = next;
            if step.abs() <= 1e-10 * (1.0 + base.abs()) {
                break;
            }
        }
    }
    if base.is_finite() {
        Ok(base)
    } else {
        Err(Error::Data(format!("objective `{}` begins with a score of {base}", own.name())))
    }
}
