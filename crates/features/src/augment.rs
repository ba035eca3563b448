//! Noisy copies of rows, to learn more from few.
//!
//! Copies belong to the rows that are learned from and to no others: a model that is judged on a copy of what it has
//! learned is flattered. Nothing here can tell: split first.

use std::f64::consts::TAU;
use std::ops::RangeInclusive;

use ndarray::{Array2, Axis, concatenate};
use serde::{Deserialize, Serialize};
use tenure_core::params::require;
use tenure_core::{Dataset, Error, FeatureKind, Result, Target, TargetKind, seed};

/// Targets of copies are at least this share of their row's: a rare draw near 0 would outweigh all others where logarithms
/// or shares are learned.
const LEAST_FACTOR: f64 = 0.1;

/// How copies differ from their rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augmentation {
    /// Copies as a share of the rows, above 0, at most 100: 0.2 adds a fifth.
    pub factor: f64,
    /// The target of a copy is multiplied by a normal draw of mean 1 and this deviation, at least by 0.1; 0 to 0.3.
    pub target_noise: f64,
    /// Which numbers are moved, and how far.
    pub noise: Noise,
}

/// Which numbers of a copy are moved, and how far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Noise {
    /// Some columns, each by a deviation of its own.
    Columns(Vec<NoisyColumn>),
    /// Every number, by this share of its column's standard deviation, above 0, at most 1; it stays within the range of
    /// its column.
    EveryNumber(f64),
}

/// A column that is moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoisyColumn {
    /// Its name.
    pub name: String,
    /// Standard deviation of the normal draw that is added, in the column's unit, at least 0.
    pub deviation: f64,
    /// Sums below stay here.
    pub low: f64,
    /// Sums above stay here.
    pub high: f64,
}

impl Default for Augmentation {
    /// A fifth more rows; the target by 10 %, `energy_level` and `distraction_level` by 0.5 within 1 to 5.
    fn default() -> Self {
        let column = |name: &str| NoisyColumn { name: name.into(), deviation: 0.5, low: 1.0, high: 5.0 };
        Self {
            factor: 0.2,
            target_noise: 0.1,
            noise: Noise::Columns(vec![column("energy_level"), column("distraction_level")]),
        }
    }
}

/// A column to move by its place.
pub(crate) struct Move {
    pub(crate) column: usize,
    deviation: f64,
    range: RangeInclusive<f64>,
}

/// One copy: which row it is of, and the seed of its draws.
#[derive(Clone, Copy)]
pub(crate) struct Copied {
    pub(crate) row: usize,
    seed: u64,
}

impl Copied {
    /// A standard normal draw (Box & Muller 1958).
    fn normal(self, draw: u64) -> f64 {
        let (u, v) = (1.0 - seed::unit(self.seed, 2 * draw), seed::unit(self.seed, 2 * draw + 1));
        (-2.0 * u.ln()).sqrt() * (TAU * v).cos()
    }

    pub(crate) fn moved(self, value: f64, by: &Move) -> f64 {
        let sum = value + by.deviation * self.normal(1 + by.column as u64);
        // NaN stays NaN.
        sum.clamp(*by.range.start(), *by.range.end())
    }

    pub(crate) fn target(self, value: f64, noise: f64) -> f64 {
        value * (1.0 + noise * self.normal(0)).max(LEAST_FACTOR)
    }
}

impl Augmentation {
    /// Refuses what is out of range.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the first.
    pub fn check(&self) -> Result<()> {
        let Self { factor, target_noise, noise } = self;
        require("factor", factor, *factor > 0.0 && *factor <= 100.0, "above 0, at most 100")?;
        require("target_noise", target_noise, (0.0..=0.3).contains(target_noise), "0 to 0.3")?;
        match noise {
            Noise::EveryNumber(share) => {
                require("every_number", share, *share > 0.0 && *share <= 1.0, "above 0, at most 1")
            }
            Noise::Columns(columns) => columns.iter().try_for_each(|column| {
                let NoisyColumn { deviation, low, high, .. } = column;
                let fits = deviation.is_finite() && *deviation >= 0.0;
                require("deviation", deviation, fits, "a number of at least 0")?;
                require("low", low, low <= high, format!("at most {high}, where the column ends"))
            }),
        }
    }

    /// The copies of `rows` rows: every row is copied before one is copied again.
    pub(crate) fn copies(&self, rows: usize, seed: u64) -> impl Iterator<Item = Copied> + use<> {
        let order = seed::permutation(rows, seed);
        let count = (self.factor * rows as f64).round() as usize;
        (0..count).map(move |at| Copied { row: order[at % rows], seed: seed::mix(seed, at as u64) })
    }

    /// What is moved of columns with these names and values; `None` stands for a column that holds no numbers.
    pub(crate) fn moves(&self, columns: &[(&str, Option<Vec<f64>>)]) -> Result<Vec<Move>> {
        let numbers =
            columns.iter().enumerate().filter_map(|(at, (name, values))| Some((at, *name, values.as_ref()?)));
        match &self.noise {
            Noise::Columns(wanted) => wanted
                .iter()
                .map(|NoisyColumn { name, deviation, low, high }| {
                    let found = numbers.clone().find(|(_, known, _)| known == name);
                    let (column, ..) = found.ok_or_else(|| {
                        let known: Vec<&str> = numbers.clone().map(|(_, name, _)| name).collect();
                        let expected = format!("a column of numbers: one of {}", known.join(", "));
                        Error::Parameter { name: "columns", value: name.clone(), expected: expected.into() }
                    })?;
                    Ok(Move { column, deviation: *deviation, range: *low..=*high })
                })
                .collect(),
            Noise::EveryNumber(share) => Ok(numbers
                .filter_map(|(column, _, values)| {
                    let known: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
                    let n = known.len() as f64;
                    let mean = known.iter().sum::<f64>() / n;
                    let variance = known.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
                    let low = known.iter().copied().reduce(f64::min)?;
                    let high = known.iter().copied().reduce(f64::max)?;
                    Some(Move { column, deviation: share * variance.sqrt(), range: low..=high })
                })
                .collect()),
        }
    }
}

/// The rows of `data` and, after them, their noisy copies. Numbers are moved as the augmentation says, categories stay;
/// of the targets those that are numbers are moved. Weights, groups and times are those of the row copied: a copy stays
/// in the group of its row.
///
/// # Errors
/// [`Error::Parameter`] for parameters out of range or a column that is not there or holds no numbers.
pub fn augmented(data: &Dataset, augmentation: &Augmentation, seed: u64) -> Result<Dataset> {
    augmentation.check()?;
    let columns: Vec<(&str, Option<Vec<f64>>)> = data
        .schema()
        .features()
        .iter()
        .zip(data.x().columns())
        .map(|(feature, values)| {
            let numbers = (feature.kind == FeatureKind::Numeric).then(|| values.to_vec());
            (feature.name.as_str(), numbers)
        })
        .collect();
    let moves = augmentation.moves(&columns)?;
    let copies: Vec<Copied> = augmentation.copies(data.rows(), seed).collect();
    let rows: Vec<usize> = (0..data.rows()).chain(copies.iter().map(|copy| copy.row)).collect();
    // Everything but the numbers themselves is that of the rows.
    let whole = data.select(&rows);
    let mut moved: Array2<f64> = data.x().select(Axis(0), &rows[data.rows()..]);
    for (mut row, copy) in moved.rows_mut().into_iter().zip(&copies) {
        moves.iter().for_each(|by| row[by.column] = copy.moved(row[by.column], by));
    }
    let x = concatenate(Axis(0), &[data.x(), moved.view()])
        .map_err(|e| Error::Internal(format!("copies of rows: {e}")))?;
    let mut made = Dataset::new(data.schema().clone(), x)?;
    for target in whole.targets() {
        let mut values = target.values().to_vec();
        if *target.kind() == TargetKind::Real {
            let of_copies = values[data.rows()..].iter_mut().zip(&copies);
            of_copies.for_each(|(value, copy)| *value = copy.target(*value, augmentation.target_noise));
        }
        let target = Target::new(target.name(), target.kind().clone(), values)?.with_unit(target.unit());
        made = made.with_target(target)?;
    }
    if let Some(weights) = whole.weights() {
        made = made.with_weights(weights.to_vec())?;
    }
    if let Some(offsets) = whole.offsets() {
        made = made.with_offsets(offsets.to_vec())?;
    }
    if let Some(groups) = whole.groups() {
        made = made.with_groups(groups.to_vec())?;
    }
    match whole.times() {
        Some(times) => made.with_times(times.to_vec()),
        None => Ok(made),
    }
}
