//! Low, medium and high: how far a value belongs to each, by where it stands among the training rows.
//!
//! An axis has three breakpoints, the quantiles a ≤ b ≤ c at 0.2, 0.5 and 0.8 of its feature over the training
//! rows (linear between order statistics: Hyndman and Fan 1996, type 7). *Low* is 1 up to a and falls to 0 at
//! b; *high* is 0 up to b and rises to 1 at c; *medium* is the rest: a triangle that peaks at b (a Ruspini
//! partition, Ruspini 1969: the three sum to one everywhere). Where two breakpoints coincide the slope
//! between them is a step. A missing value has missing memberships, and so has every value of an axis that
//! was missing in all training rows.
//!
//! Low and high speak of the feature's value: low recency is a customer who ordered a few days ago.

use ndarray::{Array2, ArrayView2, Axis as Direction, s};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tenure_core::{Dataset, Error, Feature, Result, Schema};

use crate::OrderFeatures;

const LEVELS: [&str; 3] = ["low", "medium", "high"];
const QUANTILES: [f64; 3] = [0.2, 0.5, 0.8];

/// One axis with what was learned of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FuzzyAxis {
    name: String,
    feature: String,
    breakpoints: Option<[f64; 3]>,
}

impl FuzzyAxis {
    /// Name of the axis.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name of the feature that measures it.
    #[must_use]
    pub fn feature(&self) -> &str {
        &self.feature
    }

    /// Quantiles 0.2, 0.5 and 0.8 of the training rows; `None` where all were missing.
    #[must_use]
    pub fn breakpoints(&self) -> Option<[f64; 3]> {
        self.breakpoints
    }

    /// How far a value is low, medium and high: each within 0 to 1, together 1.
    #[must_use]
    pub fn memberships(&self, value: f64) -> [f64; 3] {
        let Some([a, b, c]) = self.breakpoints.filter(|_| !value.is_nan()) else { return [f64::NAN; 3] };
        let low = match value {
            v if v >= b => 0.0,
            v if v <= a => 1.0,
            v => (b - v) / (b - a),
        };
        let high = match value {
            v if v <= b => 0.0,
            v if v >= c => 1.0,
            v => (v - b) / (c - b),
        };
        [low, 1.0 - low - high, high] // one of the two is 0
    }
}

/// The fuzzy axes of a data set, fitted.
///
/// # Example
/// ```
/// use ndarray::array;
/// use tenure_core::{Feature, Schema};
/// use tenure_features::FuzzyAxes;
///
/// let schema = Schema::new(vec![Feature::numeric("recency_days", "days", "Days since the last order")])?;
/// let axes = FuzzyAxes::fit(&schema, array![[0.0], [10.0], [20.0], [30.0], [40.0], [50.0]].view())?;
/// assert_eq!(axes.axes()[0].breakpoints(), Some([10.0, 25.0, 40.0]));
/// assert_eq!(axes.transform(array![[5.0], [31.0]].view())?, array![[1.0, 0.0, 0.0], [0.0, 0.6, 0.4]]);
/// # Ok::<(), tenure_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct FuzzyAxes {
    input: Schema,
    output: Schema,
    axes: Vec<FuzzyAxis>,
    /// Column of each axis in the input.
    columns: Vec<usize>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    input: Schema,
    axes: Vec<FuzzyAxis>,
}

impl From<FuzzyAxes> for Stored {
    fn from(fitted: FuzzyAxes) -> Self {
        Self { input: fitted.input, axes: fitted.axes }
    }
}

impl TryFrom<Stored> for FuzzyAxes {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        let rises = |b: [f64; 3]| b[0] <= b[1] && b[1] <= b[2] && b.iter().all(|v| v.is_finite());
        if let Some(axis) = stored.axes.iter().find(|a| a.breakpoints.is_some_and(|b| !rises(b))) {
            return Err(Error::damaged(format!("the breakpoints of axis `{}` do not rise", axis.name)));
        }
        Self::assemble(stored.input, stored.axes)
    }
}

impl FuzzyAxes {
    /// Learns the breakpoints of the [built-in axes](OrderFeatures::axes) from training rows, and from those
    /// alone: rows to be judged must not be among them.
    ///
    /// # Errors
    /// [`Error::Shape`] where `x` has another width than `schema`, [`Error::NotFinite`] for an infinity,
    /// [`Error::NotEnoughRows`] for no rows. An axis whose feature is not in `schema` is left out.
    pub fn fit(schema: &Schema, x: ArrayView2<'_, f64>) -> Result<Self> {
        tenure_core::check_input(schema, x)?;
        if x.nrows() == 0 {
            return Err(Error::NotEnoughRows { found: 0, needed: 1 });
        }
        let known: Vec<_> = OrderFeatures::axes()
            .filter_map(|axis| schema.position(axis.feature).map(|column| (axis, column)))
            .collect();
        let axes = known
            .into_par_iter()
            .map(|(axis, column)| FuzzyAxis {
                name: axis.name.to_owned(),
                feature: axis.feature.to_owned(),
                breakpoints: quantiles(x.column(column).iter().copied().filter(|v| !v.is_nan()).collect()),
            })
            .collect();
        Self::assemble(schema.clone(), axes)
    }

    fn assemble(input: Schema, axes: Vec<FuzzyAxis>) -> Result<Self> {
        let mut features = Vec::with_capacity(axes.len() * LEVELS.len());
        let mut columns = Vec::with_capacity(axes.len());
        for axis in &axes {
            let Some(column) = input.position(&axis.feature) else {
                let missing = vec![axis.feature.clone()];
                return Err(Error::Columns { missing, unexpected: Vec::new() });
            };
            columns.push(column);
            let meaning = &input.features()[column].description;
            features.extend(LEVELS.iter().enumerate().map(|(level, word)| {
                let description =
                    format!("How far this is {word} among the customers learned from: {meaning}");
                Feature::numeric(format!("fuzzy_{}_{level}", axis.name), "membership", description)
            }));
        }
        Ok(Self { input, output: Schema::new(features)?, axes, columns })
    }

    /// The axes, each with its breakpoints.
    #[must_use]
    pub fn axes(&self) -> &[FuzzyAxis] {
        &self.axes
    }

    /// The columns read.
    #[must_use]
    pub fn input(&self) -> &Schema {
        &self.input
    }

    /// The columns made: three an axis, `fuzzy_<axis>_<0|1|2>` for low, medium and high.
    #[must_use]
    pub fn output(&self) -> &Schema {
        &self.output
    }

    /// The memberships of a batch: rows × three an axis.
    ///
    /// # Errors
    /// [`Error::Shape`] where `x` is not as wide as the input, [`Error::NotFinite`] for an infinity.
    pub fn transform(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        tenure_core::check_input(&self.input, x)?;
        let mut out = Array2::zeros((x.nrows(), self.output.len()));
        for (row, mut into) in x.outer_iter().zip(out.outer_iter_mut()) {
            for (axis, (&column, mut place)) in
                self.axes.iter().zip(self.columns.iter().zip(into.axis_chunks_iter_mut(Direction(0), 3)))
            {
                place.iter_mut().zip(axis.memberships(row[column])).for_each(|(p, m)| *p = m);
            }
        }
        Ok(out)
    }

    /// Appends the memberships of one row to it.
    ///
    /// # Errors
    /// [`Error::Shape`] where `row` is not as wide as the input.
    pub fn append_row(&self, row: &mut Vec<f64>) -> Result<()> {
        if row.len() != self.input.len() {
            let (expected, found) = (self.input.len(), row.len());
            return Err(Error::Shape { what: "values in the row", expected, found });
        }
        for (axis, &column) in self.axes.iter().zip(&self.columns) {
            row.extend(axis.memberships(row[column]));
        }
        Ok(())
    }

    /// The input's columns followed by the memberships.
    ///
    /// # Errors
    /// [`Error::Schema`] where the input has a column of a membership's name.
    pub fn appended_schema(&self) -> Result<Schema> {
        Schema::new([self.input.features(), self.output.features()].concat())
    }

    /// The data set with the memberships as further columns; targets, weights, groups and times stay.
    ///
    /// # Errors
    /// [`Error::Columns`] where its columns are not those of the input in the same order.
    pub fn append(&self, data: &Dataset) -> Result<Dataset> {
        let offered: Vec<&str> = data.schema().names().collect();
        let order = self.input.match_columns(&offered)?;
        if order.iter().enumerate().any(|(i, &at)| i != at) {
            return Err(Error::Data("the columns are those of the fuzzy axes, but in another order".into()));
        }
        let (rows, width) = (data.rows(), self.input.len());
        let mut x = Array2::zeros((rows, width + self.output.len()));
        let source = data.x();
        x.outer_iter_mut().into_par_iter().enumerate().for_each(|(row, mut into)| {
            into.slice_mut(s![..width]).assign(&source.row(row));
            for (i, (axis, &column)) in self.axes.iter().zip(&self.columns).enumerate() {
                let start = width + 3 * i;
                let place = into.slice_mut(s![start..start + 3]);
                place.into_iter().zip(axis.memberships(source[(row, column)])).for_each(|(p, m)| *p = m);
            }
        });
        let mut appended = Dataset::new(self.appended_schema()?, x)?;
        for target in data.targets() {
            appended = appended.with_target(target.clone())?;
        }
        if let Some(weights) = data.weights() {
            appended = appended.with_weights(weights.to_vec())?;
        }
        if let Some(groups) = data.groups() {
            appended = appended.with_groups(groups.to_vec())?;
        }
        if let Some(times) = data.times() {
            appended = appended.with_times(times.to_vec())?;
        }
        Ok(appended)
    }
}

/// The three quantiles of finite values; `None` for none.
fn quantiles(mut values: Vec<f64>) -> Option<[f64; 3]> {
    let last = values.len().checked_sub(1)?;
    let mut at = |q: f64| {
        let place = q * last as f64;
        let below = place.floor() as usize;
        let (_, &mut low, rest) = values.select_nth_unstable_by(below, f64::total_cmp);
        let next = rest.iter().copied().fold(f64::INFINITY, f64::min);
        let share = place - below as f64;
        if share == 0.0 { low } else { low * (1.0 - share) + next * share }
    };
    let [a, b, c] = QUANTILES.map(&mut at);
    // Rounding of the interpolation must not turn their order round.
    Some([a, b.max(a), c.max(b).max(a)])
}
