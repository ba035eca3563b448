//! What a model leans on, whatever it is made of.
//!
//! * [`permutation_importance`]: how much worse a metric gets when one feature is shuffled (Breiman 2001;
//!   Fisher, Rudin & Dominici 2019). Features that say the same share their importance: shuffling one leaves
//!   the other.
//! * [`partial_dependence`]: the mean prediction when one feature is set to a value in every row (Friedman
//!   2001). It averages over rows that may not exist where features are strongly dependent.

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use tenure_core::{Dataset, Model, seed};

use crate::check;
use crate::{Error, Result};

/// A metric of truth, prediction and weights, such as [`crate::metrics::roc_auc`].
pub type Metric<'a> = dyn Fn(&[f64], &[f64], Option<&[f64]>) -> Result<f64> + 'a;

/// Which way a metric is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// As for AUC.
    HigherIsBetter,
    /// As for a loss.
    LowerIsBetter,
}

/// How much a metric loses when a feature is shuffled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// Name of the feature.
    pub feature: String,
    /// Mean loss over the repeats, in the unit of the metric; around 0 for a feature that is not used.
    pub mean: f64,
    /// Standard deviation over the repeats; 0 for a single one.
    pub standard_deviation: f64,
}

/// What [`permutation_importance`] needs beside model, data and metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PermutationOptions {
    /// Which output of the model is judged.
    pub output: usize,
    /// How often each feature is shuffled, at least 1.
    pub repeats: usize,
    /// Every shuffle follows from it.
    pub seed: u64,
}

impl Default for PermutationOptions {
    fn default() -> Self {
        Self { output: 0, repeats: 5, seed: 0 }
    }
}

/// Permutation importance of every feature, in the order of the schema, on the rows with a known first target.
///
/// Use rows that the model was not fitted on. Weights of the data set go into the metric. Costs
/// `features × repeats + 1` predictions of the data set.
///
/// # Errors
/// What model and metric refuse; [`tenure_core::Error::Columns`] where the data are not the model's;
/// [`Error::Parameter`] for no repeats or an output that the model does not have.
pub fn permutation_importance(
    model: &dyn Model,
    data: &Dataset,
    metric: &Metric<'_>,
    direction: Direction,
    options: PermutationOptions,
) -> Result<Vec<Importance>> {
    let PermutationOptions { output, repeats, seed } = options;
    check_output(model, output)?;
    if repeats == 0 {
        return Err(Error::parameter("repeats", repeats, "at least 1"));
    }
    let target = data.target()?.values();
    let known: Vec<usize> = (0..data.rows()).filter(|&row| !target[row].is_nan()).collect();
    let data = data.select(&known);
    let labels = data.target()?.values();
    let mut x = matrix_for(model, &data)?;
    let judge = |x: &Array2<f64>| metric(labels, &column_of(model, x, output)?, data.weights());
    let baseline = judge(&x)?;
    let mut importances = Vec::with_capacity(model.schema().len());
    for (column, feature) in model.schema().features().iter().enumerate() {
        let original = x.column(column).to_vec();
        let mut losses = Vec::with_capacity(repeats);
        for repeat in 0..repeats {
            let order =
                seed::permutation(original.len(), seed::mix(seed::mix(seed, column as u64), repeat as u64));
            x.column_mut(column).iter_mut().zip(&order).for_each(|(value, &from)| *value = original[from]);
            let judged = judge(&x)?;
            losses.push(match direction {
                Direction::HigherIsBetter => baseline - judged,
                Direction::LowerIsBetter => judged - baseline,
            });
        }
        x.column_mut(column).iter_mut().zip(&original).for_each(|(value, &back)| *value = back);
        importances.push(importance(feature.name.clone(), &losses));
    }
    Ok(importances)
}

fn importance(feature: String, losses: &[f64]) -> Importance {
    let n = losses.len() as f64;
    let mean = losses.iter().sum::<f64>() / n;
    let squares: f64 = losses.iter().map(|l| (l - mean).powi(2)).sum();
    Importance { feature, mean, standard_deviation: if n > 1.0 { (squares / (n - 1.0)).sqrt() } else { 0.0 } }
}

/// Where a feature is set in [`partial_dependence`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grid {
    /// This many quantiles of the known values, evenly spread from the 5th to the 95th percentile; equal ones
    /// once. A categorical feature takes all its levels instead.
    Quantiles(usize),
    /// These values (for a categorical feature, indices of levels). NaN is missing.
    Values(Vec<f64>),
}

/// Mean prediction by value of one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartialDependence {
    /// Name of the feature.
    pub feature: String,
    /// Name of the output.
    pub output: String,
    /// Values the feature was set to.
    pub values: Vec<f64>,
    /// Weighted mean of the output over all rows, one a value.
    pub means: Vec<f64>,
}

/// The mean of one output over the rows of `data` when `feature` is set to each value of the grid.
///
/// # Errors
/// What the model refuses; [`tenure_core::Error::Columns`] where the data are not the model's;
/// [`Error::Empty`] for no rows; [`Error::Parameter`] for an unknown feature or output, or an empty grid;
/// [`Error::Undefined`] where quantiles are asked of a feature that is missing in every row.
pub fn partial_dependence(
    model: &dyn Model,
    data: &Dataset,
    feature: &str,
    output: usize,
    grid: &Grid,
) -> Result<PartialDependence> {
    check_output(model, output)?;
    let total = check::total_weight(data.rows(), data.weights())?;
    let Some(column) = model.schema().position(feature) else {
        return Err(Error::parameter("feature", feature, "a feature of the model"));
    };
    let mut x = matrix_for(model, data)?;
    let levels = model.schema().features()[column].levels().map(<[String]>::len);
    let values = grid_values(grid, levels, &x.column(column).to_vec())?;
    let mut means = Vec::with_capacity(values.len());
    for &value in &values {
        x.column_mut(column).fill(value);
        let predicted = column_of(model, &x, output)?;
        let weighted = predicted.iter().enumerate().map(|(i, p)| data.weights().map_or(1.0, |w| w[i]) * p);
        means.push(weighted.collect::<crate::stats::Sum>().value() / total);
    }
    let output = model.outputs()[output].name.clone();
    Ok(PartialDependence { feature: feature.to_owned(), output, values, means })
}

fn grid_values(grid: &Grid, levels: Option<usize>, column: &[f64]) -> Result<Vec<f64>> {
    match (grid, levels) {
        (Grid::Values(values), _) if !values.is_empty() => Ok(values.clone()),
        (Grid::Values(_) | Grid::Quantiles(0), _) => {
            Err(Error::parameter("grid", "empty", "at least one value"))
        }
        (Grid::Quantiles(_), Some(levels)) => Ok((0..levels).map(|level| level as f64).collect()),
        (Grid::Quantiles(count), None) => {
            let mut known: Vec<f64> = column.iter().copied().filter(|v| !v.is_nan()).collect();
            if known.is_empty() {
                return Err(Error::undefined("the grid", "the feature is missing in every row"));
            }
            known.sort_unstable_by(f64::total_cmp);
            let last = (known.len() - 1) as f64;
            let share = |i: usize| if *count == 1 { 0.5 } else { 0.05 + 0.9 * i as f64 / (count - 1) as f64 };
            let mut values: Vec<f64> =
                (0..*count).map(|i| known[(share(i) * last).round() as usize]).collect();
            values.dedup();
            Ok(values)
        }
    }
}

fn check_output(model: &dyn Model, output: usize) -> Result<()> {
    if output < model.outputs().len() {
        Ok(())
    } else {
        Err(Error::parameter("output", output, "the index of an output of the model"))
    }
}

/// The features in the order in which the model reads them.
fn matrix_for(model: &dyn Model, data: &Dataset) -> Result<Array2<f64>> {
    let names: Vec<&str> = data.schema().names().collect();
    let columns = model.schema().match_columns(&names)?;
    Ok(data.x().select(ndarray::Axis(1), &columns))
}

fn column_of(model: &dyn Model, x: &Array2<f64>, output: usize) -> Result<Vec<f64>> {
    Ok(model.predict(x.view())?.column(output).to_vec())
}
