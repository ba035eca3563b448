//! From features to the numbers that a network reads.

use serde::{Deserialize, Serialize};
use tenure_core::{Dataset, Error, FeatureKind, Result, Schema};

use crate::real::Real;

/// Beyond so many standard deviations an input says no more; single precision stays finite.
const MOST: f64 = 1e6;

/// What one input of a network says of a feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputRole {
    /// Its value; a missing one is the mean.
    Value,
    /// Whether it is this level (0, 1, …); a missing one counts as the mean over rows.
    Level(usize),
    /// Whether it is missing.
    Missing,
}

/// One input of a network: a number made of a feature, less its mean in training, divided by `deviation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Name of the feature; of a sequence that of its last step.
    pub feature: String,
    /// What is said of it.
    pub role: InputRole,
    /// Mean over the training rows that know it.
    pub mean: f64,
    /// Standard deviation over the same rows (dividing by their number); 1 where there is none, and for levels and
    /// missing values, which are centred only.
    pub deviation: f64,
    /// Whether it was the same in all training rows: nothing was learned of it, and it stays 0 whatever comes.
    #[serde(default)]
    pub constant: bool,
    /// Place of the feature within a step.
    column: usize,
    /// Number of the feature's levels, where it has some.
    #[serde(default)]
    levels: Option<usize>,
}

/// How features become inputs: learned from the training rows, kept with the model.
///
/// Inputs are standardised in double precision and then narrowed to single; beyond ±1,000,000 standard deviations
/// they are cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputScaler {
    steps: usize,
    /// Features a step.
    features: usize,
    inputs: Vec<Input>,
}

/// Sums over known values of one input.
#[derive(Default)]
struct Moments {
    weight: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// West (1979).
    fn add(&mut self, value: f64, weight: f64) {
        self.weight += weight;
        let gap = value - self.mean;
        self.mean += gap * weight / self.weight;
        self.squares += weight * gap * (value - self.mean);
    }

    /// `None` where there is none: a constant column leaves rounding errors only.
    fn deviation(&self) -> Option<f64> {
        let deviation = (self.squares / self.weight).sqrt();
        (deviation.is_infinite() || (deviation > 1e-12 * self.mean.abs() && deviation > 0.0))
            .then_some(deviation)
    }
}

impl InputScaler {
    /// Learns from rows of `steps` blocks of equal width. With `indicators`, a feature that is missing in some rows
    /// has a further input that says so.
    ///
    /// # Errors
    /// [`Error::Data`] without a feature, and naming one whose values are too large to be standardised.
    pub(crate) fn fit(data: &Dataset, steps: usize, indicators: bool) -> Result<Self> {
        let features = data.schema().len() / steps;
        let of_last_step = &data.schema().features()[features * (steps - 1)..];
        let mut inputs = Vec::new();
        for (column, feature) in of_last_step.iter().enumerate() {
            let levels = feature.levels().map(<[String]>::len);
            let input = |role, mean, deviation: Option<f64>| {
                let (constant, feature) = (deviation.is_none(), feature.name.clone());
                Input { feature, role, mean, deviation: deviation.unwrap_or(1.0), constant, column, levels }
            };
            let (moments, missing) = moments(data, steps, column);
            match &feature.kind {
                FeatureKind::Numeric => {
                    let deviation = moments[0].deviation();
                    if deviation.is_some_and(f64::is_infinite) || !moments[0].mean.is_finite() {
                        let words = "its values are too large for a mean and a standard deviation";
                        return Err(Error::Data(format!("feature `{}`: {words}", feature.name)));
                    }
                    inputs.push(input(InputRole::Value, moments[0].mean, deviation));
                }
                FeatureKind::Categorical { .. } => {
                    // Levels are centred only; one that all rows have, or none, is constant.
                    let level = |(level, m): (usize, &Moments)| {
                        input(InputRole::Level(level), m.mean, m.deviation().map(|_| 1.0))
                    };
                    inputs.extend(moments.iter().enumerate().map(level));
                }
            }
            if indicators && missing > 0.0 && missing < 1.0 {
                inputs.push(input(InputRole::Missing, missing, Some(1.0)));
            }
        }
        if inputs.is_empty() {
            return Err(Error::Data("there is no feature to learn from".into()));
        }
        Ok(Self { steps, features, inputs })
    }

    /// The inputs of one step, in order.
    #[must_use]
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// Whether it fits a schema of so many steps.
    pub(crate) fn fits(&self, schema: &Schema, steps: usize) -> bool {
        let sound = |input: &Input| {
            let finite = input.mean.is_finite() && input.deviation.is_finite() && input.deviation > 0.0;
            input.column < self.features && finite
        };
        let columns = self.features.checked_mul(steps) == Some(schema.len());
        self.steps == steps && columns && !self.inputs.is_empty() && self.inputs.iter().all(sound)
    }

    /// Inputs a row.
    pub(crate) fn len(&self) -> usize {
        self.steps * self.inputs.len()
    }

    /// Of the steps of a row, how many are there: all but those at the beginning that know nothing. The last one
    /// always is.
    pub(crate) fn present(&self, row: &[f64]) -> usize {
        let mut steps = row.chunks_exact(self.features.max(1)).take(self.steps.saturating_sub(1));
        let absent = steps.position(|step| step.iter().any(|v| !v.is_nan()));
        self.steps - absent.unwrap_or(self.steps - 1)
    }

    /// The inputs of one row; steps that are not there are 0.
    pub(crate) fn apply<T: Real>(&self, row: &[f64], out: &mut [T]) {
        let width = self.inputs.len();
        let absent = self.steps - self.present(row);
        for step in 0..self.steps {
            let place = &mut out[step * width..][..width];
            if step < absent {
                place.fill(T::zero());
                continue;
            }
            let values = &row[step * self.features..][..self.features];
            for (place, input) in place.iter_mut().zip(&self.inputs) {
                *place = T::narrow(input.of(values[input.column]));
            }
        }
    }

    /// Sums numbers of inputs to numbers of features.
    pub(crate) fn by_feature(&self, of_inputs: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.steps * self.features];
        for (step, values) in of_inputs.chunks_exact(self.inputs.len().max(1)).enumerate() {
            for (value, input) in values.iter().zip(&self.inputs) {
                sums[step * self.features + input.column] += value;
            }
        }
        sums
    }
}

impl Input {
    /// The input for a value of its feature.
    fn of(&self, value: f64) -> f64 {
        let known = !value.is_nan() && self.levels.is_none_or(|levels| is_level(value, levels));
        match self.role {
            InputRole::Missing => f64::from(u8::from(!known)) - self.mean,
            _ if !known || self.constant => 0.0,
            InputRole::Value => ((value - self.mean) / self.deviation).clamp(-MOST, MOST),
            InputRole::Level(level) => f64::from(u8::from(value == level as f64)) - self.mean,
        }
    }
}

/// Whether it is the index of a level; what is none counts as missing.
fn is_level(value: f64, levels: usize) -> bool {
    value >= 0.0 && value < levels as f64 && value.fract() == 0.0
}

/// Moments of the value, or of being each level, over the steps that are there; and the share of missing ones.
fn moments(data: &Dataset, steps: usize, column: usize) -> (Vec<Moments>, f64) {
    let features = data.schema().len() / steps;
    let levels = data.schema().features()[column].levels().map(<[String]>::len);
    let mut moments: Vec<Moments> = (0..levels.unwrap_or(1)).map(|_| Moments::default()).collect();
    let mut missing = Moments::default();
    for (row, values) in data.x().rows().into_iter().enumerate() {
        let weight = data.weights().map_or(1.0, |weights| weights[row]);
        let mut begun = false;
        for step in 0..steps {
            begun = begun
                || step + 1 == steps
                || values.iter().skip(step * features).take(features).any(|v| !v.is_nan());
            if !begun {
                continue;
            }
            let value = values[step * features + column];
            missing.add(f64::from(u8::from(value.is_nan())), weight);
            if value.is_nan() {
                continue;
            }
            match levels {
                None => moments[0].add(value, weight),
                Some(_) => {
                    for (level, moments) in moments.iter_mut().enumerate() {
                        moments.add(f64::from(u8::from(value == level as f64)), weight);
                    }
                }
            }
        }
    }
    (moments, missing.mean)
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use tenure_core::{Feature, Schema};

    use super::*;

    #[test]
    fn values_are_standardised_levels_centred_and_missing_ones_are_the_mean() {
        let features = vec![Feature::numeric("a", "", ""), Feature::categorical("b", ["x", "y"], "")];
        let nan = f64::NAN;
        let x = array![[1.0, 0.0], [3.0, 1.0], [nan, 1.0], [5.0, nan]];
        let data = Dataset::new(Schema::new(features).unwrap(), x).unwrap();
        let scaler = InputScaler::fit(&data, 1, true).unwrap();
        let roles: Vec<_> = scaler.inputs().iter().map(|i| i.role.clone()).collect();
        use InputRole::{Level, Missing, Value};
        assert_eq!(roles, [Value, Missing, Level(0), Level(1), Missing]);
        let apply = |row: &[f64]| {
            let mut out = vec![0.0_f64; scaler.len()];
            scaler.apply(row, &mut out);
            out
        };
        let deviation = (8.0_f64 / 3.0).sqrt();
        let expected = [2.0 / deviation, -0.25, -1.0 / 3.0, 1.0 / 3.0, -0.25];
        assert!(apply(&[5.0, 1.0]).iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15));
        // A category beyond the levels is a missing one.
        assert_eq!(apply(&[5.0, 7.0]), apply(&[5.0, nan]));
        assert_eq!(apply(&[nan, nan]), [0.0, 0.75, 0.0, 0.0, 0.75]);
        assert_eq!(scaler.by_feature(&[1.0, 2.0, 3.0, 4.0, 5.0]), [3.0, 12.0]);
    }

    #[test]
    fn steps_that_are_not_there_are_zero_and_teach_nothing() {
        let names = ["a", "b", "a2", "b2"];
        let features = names.map(|n| Feature::numeric(n, "", "")).to_vec();
        let nan = f64::NAN;
        let x = array![[nan, nan, 1.0, 4.0], [3.0, nan, 5.0, 4.0]];
        let data = Dataset::new(Schema::new(features).unwrap(), x).unwrap();
        let scaler = InputScaler::fit(&data, 2, false).unwrap();
        assert_eq!(scaler.inputs().iter().map(|i| i.mean).collect::<Vec<_>>(), [3.0, 4.0]);
        assert_eq!([scaler.present(&[nan, nan, 1.0, 4.0]), scaler.present(&[3.0, nan, nan, nan])], [1, 2]);
        assert_eq!(scaler.present(&[nan; 4]), 1);
        let mut out = [9.0_f32; 4];
        scaler.apply(&[nan, nan, 3.0, nan], &mut out);
        assert_eq!(out, [0.0; 4]);
        // The second feature was 4 wherever it was known: nothing is known of other values.
        assert!(scaler.inputs()[1].constant);
        scaler.apply(&[nan, nan, 3.0, 1e9], &mut out);
        assert_eq!(out, [0.0; 4]);
    }

    #[test]
    fn what_cannot_be_standardised_is_named() {
        let words = |values: Vec<f64>, features: usize| {
            let names = (0..features).map(|i| Feature::numeric(format!("f{i}"), "", "")).collect();
            let x =
                ndarray::Array2::from_shape_vec((values.len() / features.max(1), features), values).unwrap();
            let data = Dataset::new(Schema::new(names).unwrap(), x).unwrap();
            InputScaler::fit(&data, 1, true).unwrap_err().to_string()
        };
        assert_eq!(words(Vec::new(), 0), "there is no feature to learn from");
        let large = words(vec![1.0, -f64::MAX, 2.0, f64::MAX], 2);
        assert_eq!(large, "feature `f1`: its values are too large for a mean and a standard deviation");
    }
}
