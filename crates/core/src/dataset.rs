//! Rows to learn from or to judge.

use std::collections::HashMap;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use crate::{Error, Feature, FeatureKind, Result, Schema, seed};

/// What a target's values mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TargetKind {
    /// 0 or 1.
    Binary,
    /// Index of one of the classes: 0, 1, … `classes.len() - 1`.
    Class {
        /// Names of the classes, in the order of their indices.
        classes: Vec<String>,
    },
    /// Any finite number.
    Real,
}

/// A column to be learned. NaN marks a row whose label is not known.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    name: String,
    kind: TargetKind,
    values: Vec<f64>,
    unit: String,
}

impl Target {
    /// Checks the values against the kind.
    ///
    /// # Errors
    /// [`Error::TargetValue`] naming the first row that does not fit.
    pub fn new(name: impl Into<String>, kind: TargetKind, values: Vec<f64>) -> Result<Self> {
        let name = name.into();
        let (fits, expected): (&dyn Fn(f64) -> bool, _) = match &kind {
            TargetKind::Binary => (&|v| v == 0.0 || v == 1.0, "0 or 1 (or NaN where it is not known)"),
            TargetKind::Class { classes } => {
                let n = classes.len() as f64;
                (&move |v: f64| v >= 0.0 && v < n && v.fract() == 0.0, "the index of a class (or NaN)")
            }
            TargetKind::Real => (&f64::is_finite, "a finite number (or NaN where it is not known)"),
        };
        match values.iter().position(|&v| !v.is_nan() && !fits(v)) {
            Some(row) => Err(Error::TargetValue { target: name, row, value: values[row], expected }),
            None => Ok(Self { name, kind, values, unit: String::new() }),
        }
    }

    /// A target of zeros and ones.
    ///
    /// # Errors
    /// [`Error::TargetValue`] for any other value than 0, 1 or NaN.
    pub fn binary(name: impl Into<String>, values: Vec<f64>) -> Result<Self> {
        Self::new(name, TargetKind::Binary, values)
    }

    /// A numeric target.
    ///
    /// # Errors
    /// [`Error::TargetValue`] for an infinite value.
    pub fn real(name: impl Into<String>, values: Vec<f64>) -> Result<Self> {
        Self::new(name, TargetKind::Real, values)
    }

    /// One of several classes; each value is the index of one.
    ///
    /// # Errors
    /// [`Error::TargetValue`] for anything else than the index of a class or NaN.
    pub fn classes(
        name: impl Into<String>,
        classes: impl IntoIterator<Item = impl Into<String>>,
        values: Vec<f64>,
    ) -> Result<Self> {
        let classes = classes.into_iter().map(Into::into).collect();
        Self::new(name, TargetKind::Class { classes }, values)
    }

    /// The same with a unit in words (`days`, `EUR`), which the outputs of models then carry.
    #[must_use]
    pub fn with_unit(self, unit: impl Into<String>) -> Self {
        Self { unit: unit.into(), ..self }
    }

    /// Unit of the values in words, empty where there is none.
    #[must_use]
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// Name of the column.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the values mean.
    #[must_use]
    pub fn kind(&self) -> &TargetKind {
        &self.kind
    }

    /// One value a row; NaN where the label is not known.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    fn taking(&self, rows: &[usize]) -> Self {
        let Self { name, kind, unit, values } = self;
        Self { name: name.clone(), kind: kind.clone(), values: take(values, rows), unit: unit.clone() }
    }

    /// Refuses a target that has fewer than two different known values.
    ///
    /// # Errors
    /// [`Error::OneClass`]; [`Error::NotEnoughRows`] where no label is known at all.
    pub fn require_two_classes(&self) -> Result<()> {
        let mut known = self.values.iter().copied().filter(|v| !v.is_nan());
        let Some(first) = known.next() else {
            return Err(Error::NotEnoughRows { found: 0, needed: 2 });
        };
        if known.any(|v| v != first) {
            return Ok(());
        }
        let class = match &self.kind {
            TargetKind::Class { classes } => classes[first as usize].clone(),
            _ => first.to_string(),
        };
        Err(Error::OneClass { target: self.name.clone(), class, rows: self.values.len() })
    }
}

/// A matrix of features with its schema and, where known, targets, weights, groups and times.
///
/// Features are a row-major `rows × features` matrix of `f64`. Every value is finite or NaN (missing), and
/// every value of a categorical column is the index of a level: [`Dataset::new`] checks it once, so that no
/// backend has to.
#[derive(Debug, Clone)]
pub struct Dataset {
    schema: Schema,
    x: Array2<f64>,
    targets: Vec<Target>,
    weights: Option<Vec<f64>>,
    offsets: Option<Vec<f64>>,
    groups: Option<Vec<u64>>,
    times: Option<Vec<i64>>,
}

impl Dataset {
    /// Joins a matrix to its schema.
    ///
    /// # Errors
    /// [`Error::Shape`] where the widths differ, [`Error::NotFinite`] for an infinity, [`Error::NotALevel`]
    /// for a categorical value that is no level's index. One row is allowed, and so is none.
    pub fn new(schema: Schema, x: Array2<f64>) -> Result<Self> {
        let x = if x.is_standard_layout() { x } else { x.as_standard_layout().into_owned() };
        crate::check_input(&schema, x.view())?;
        for (column, feature) in schema.features().iter().enumerate() {
            if let FeatureKind::Categorical { levels } = &feature.kind {
                for (row, &value) in x.column(column).iter().enumerate() {
                    let fits = value.is_nan()
                        || (value >= 0.0 && value < levels.len() as f64 && value.fract() == 0.0);
                    if !fits {
                        let feature = feature.name.clone();
                        return Err(Error::NotALevel { feature, row, value, levels: levels.len() });
                    }
                }
            }
        }
        Ok(Self { schema, x, targets: Vec::new(), weights: None, offsets: None, groups: None, times: None })
    }

    /// Adds a target; a data set may carry several.
    ///
    /// # Errors
    /// [`Error::Shape`] where its length is not the number of rows.
    pub fn with_target(mut self, target: Target) -> Result<Self> {
        same_length("values of the target", self.rows(), target.values.len())?;
        self.targets.push(target);
        Ok(self)
    }

    /// Sets one weight a row: how many times the row counts.
    ///
    /// # Errors
    /// [`Error::Shape`] for another length, [`Error::Weight`] for a negative or non-finite weight or only
    /// zeros.
    pub fn with_weights(mut self, weights: Vec<f64>) -> Result<Self> {
        same_length("weights", self.rows(), weights.len())?;
        if let Some(row) = weights.iter().position(|w| !w.is_finite() || *w < 0.0) {
            return Err(Error::Weight { row, value: weights[row] });
        }
        if !weights.is_empty() && weights.iter().all(|&w| w == 0.0) {
            return Err(Error::Weight { row: 0, value: 0.0 });
        }
        self.weights = Some(weights);
        Ok(self)
    }

    /// Sets one offset a row: a term known beforehand, on the scale of the output (log-odds for a binary
    /// target), that is part of the answer in training. Predictions are for an offset of 0.
    ///
    /// # Errors
    /// [`Error::Shape`] for another length, [`Error::Data`] for an offset that is not finite.
    pub fn with_offsets(mut self, offsets: Vec<f64>) -> Result<Self> {
        same_length("offsets", self.rows(), offsets.len())?;
        if let Some(row) = offsets.iter().position(|o| !o.is_finite()) {
            return Err(Error::Data(format!("offset of row {row} is {}; offsets are finite", offsets[row])));
        }
        self.offsets = Some(offsets);
        Ok(self)
    }

    /// Sets one group a row (for instance the customer): splits can keep a group together.
    ///
    /// # Errors
    /// [`Error::Shape`] for another length.
    pub fn with_groups(mut self, groups: Vec<u64>) -> Result<Self> {
        same_length("groups", self.rows(), groups.len())?;
        self.groups = Some(groups);
        Ok(self)
    }

    /// Sets one instant a row, in seconds since 1970-01-01 UTC: what is in the row was known then.
    ///
    /// # Errors
    /// [`Error::Shape`] for another length.
    pub fn with_times(mut self, times: Vec<i64>) -> Result<Self> {
        same_length("times", self.rows(), times.len())?;
        self.times = Some(times);
        Ok(self)
    }

    /// Names, kinds, units and descriptions of the columns.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.x.nrows()
    }

    /// The features, `rows × features`, row-major.
    #[must_use]
    pub fn x(&self) -> ArrayView2<'_, f64> {
        self.x.view()
    }

    /// The features of one row.
    ///
    /// # Panics
    /// If `row` is not below [`Dataset::rows`].
    #[must_use]
    pub fn row(&self, row: usize) -> ArrayView1<'_, f64> {
        self.x.row(row)
    }

    /// All targets.
    #[must_use]
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Refuses another data set that does not have the same features, by name and kind, in the same order.
    ///
    /// # Errors
    /// [`Error::Columns`] naming the columns that differ; those in another place count as both missing and
    /// unexpected.
    pub fn require_columns_of(&self, other: &Self) -> Result<()> {
        let (theirs, ours) = (other.schema.features(), self.schema.features());
        let odd = |a: &[Feature], b: &[Feature]| -> Vec<String> {
            let differs =
                |(i, f): &(usize, &Feature)| b.get(*i).is_none_or(|g| f.name != g.name || f.kind != g.kind);
            a.iter().enumerate().filter(differs).map(|(_, f)| f.name.clone()).collect()
        };
        let (missing, unexpected) = (odd(theirs, ours), odd(ours, theirs));
        if missing.is_empty() && unexpected.is_empty() {
            Ok(())
        } else {
            Err(Error::Columns { missing, unexpected })
        }
    }

    /// A number that changes with any value, target, weight, offset or time of the data set, and with which
    /// rows form a group; what the groups are called does not matter.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let floats = |values: &[f64], seed| values.iter().fold(seed, |hash, v| seed::mix(hash, v.to_bits()));
        let mut hash = seed::mix(self.rows() as u64, self.schema.len() as u64);
        hash = self.x.iter().fold(hash, |hash, v| seed::mix(hash, v.to_bits()));
        for target in &self.targets {
            hash = floats(&target.values, hash);
        }
        hash = floats(self.weights().unwrap_or_default(), hash);
        hash = floats(self.offsets().unwrap_or_default(), hash);
        let mut ranks = HashMap::new();
        for group in self.groups().unwrap_or_default() {
            let next = ranks.len() as u64;
            hash = seed::mix(hash, *ranks.entry(group).or_insert(next));
        }
        self.times().unwrap_or_default().iter().fold(hash, |hash, t| seed::mix(hash, *t as u64))
    }

    /// A name for the model that is learned from this data with these parameters and this seed, e.g.
    /// `churn-1f0c…`; it changes with any of them.
    #[must_use]
    pub fn model_version(&self, prefix: &str, params: &impl Serialize, training_seed: u64) -> String {
        let text = serde_json::to_string(params).unwrap_or_default();
        let start = seed::mix(training_seed, self.fingerprint());
        let hash = text.bytes().fold(start, |h, b| seed::mix(h, u64::from(b)));
        format!("{prefix}-{:012x}", hash >> 16)
    }

    /// Median of each column over the rows that know it (the upper one of two); NaN where none does.
    #[must_use]
    pub fn medians(&self) -> Vec<f64> {
        let median = |column: ArrayView1<'_, f64>| {
            let mut known: Vec<f64> = column.iter().copied().filter(|v| !v.is_nan()).collect();
            let middle = known.len() / 2;
            if known.is_empty() { f64::NAN } else { *known.select_nth_unstable_by(middle, f64::total_cmp).1 }
        };
        self.x.columns().into_iter().map(median).collect()
    }

    /// The only target, or the first of several.
    ///
    /// # Errors
    /// [`Error::NoTarget`] where there is none.
    pub fn target(&self) -> Result<&Target> {
        self.targets.first().ok_or(Error::NoTarget { name: None })
    }

    /// The target with this name.
    ///
    /// # Errors
    /// [`Error::NoTarget`] where there is none.
    pub fn target_named(&self, name: &str) -> Result<&Target> {
        let found = self.targets.iter().find(|t| t.name == name);
        found.ok_or_else(|| Error::NoTarget { name: Some(name.to_owned()) })
    }

    /// One weight a row, `None` where all count the same.
    #[must_use]
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    /// One offset a row, `None` where all are 0; see [`Dataset::with_offsets`].
    #[must_use]
    pub fn offsets(&self) -> Option<&[f64]> {
        self.offsets.as_deref()
    }

    /// One group a row.
    #[must_use]
    pub fn groups(&self) -> Option<&[u64]> {
        self.groups.as_deref()
    }

    /// One instant a row, in seconds since 1970-01-01 UTC.
    #[must_use]
    pub fn times(&self) -> Option<&[i64]> {
        self.times.as_deref()
    }

    /// The given rows, in the given order; a row may be taken more than once.
    ///
    /// # Panics
    /// If an index is not below [`Dataset::rows`].
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            schema: self.schema.clone(),
            x: self.x.select(Axis(0), rows),
            targets: self.targets.iter().map(|t| t.taking(rows)).collect(),
            weights: self.weights.as_deref().map(|w| take(w, rows)),
            offsets: self.offsets.as_deref().map(|o| take(o, rows)),
            groups: self.groups.as_deref().map(|g| take(g, rows)),
            times: self.times.as_deref().map(|t| take(t, rows)),
        }
    }
}

fn take<T: Copy>(values: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().map(|&r| values[r]).collect()
}

fn same_length(what: &'static str, expected: usize, found: usize) -> Result<()> {
    if expected == found { Ok(()) } else { Err(Error::Shape { what, expected, found }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Feature;
    use ndarray::array;

    fn schema() -> Schema {
        Schema::new(vec![Feature::numeric("a", "", ""), Feature::categorical("c", ["x", "y"], "")]).unwrap()
    }

    #[test]
    fn infinities_and_foreign_levels_are_named() {
        let error = Dataset::new(schema(), array![[1.0, 0.0], [f64::INFINITY, 1.0]]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "feature `a`, row 1: inf is not a finite number (missing is written as NaN)"
        );
        let error = Dataset::new(schema(), array![[1.0, 2.0]]).unwrap_err();
        assert_eq!(error.to_string(), "feature `c`, row 0: 2 is not the index of one of its 2 levels");
    }

    #[test]
    fn select_keeps_everything_together() {
        let data = Dataset::new(schema(), array![[1.0, 0.0], [2.0, 1.0], [3.0, f64::NAN]])
            .unwrap()
            .with_target(Target::binary("t", vec![0.0, 1.0, 0.0]).unwrap())
            .unwrap()
            .with_weights(vec![1.0, 2.0, 3.0])
            .unwrap()
            .with_groups(vec![7, 8, 9])
            .unwrap();
        let part = data.select(&[2, 1, 1]);
        assert_eq!(part.x().column(0).to_vec(), [3.0, 2.0, 2.0]);
        assert_eq!(part.target().unwrap().values(), [0.0, 1.0, 1.0]);
        assert_eq!(part.weights().unwrap(), [3.0, 2.0, 2.0]);
        assert_eq!(part.groups().unwrap(), [9, 8, 8]);
    }

    #[test]
    fn one_class_is_said_in_words() {
        let target = Target::binary("churned", vec![1.0, 1.0]).unwrap();
        assert_eq!(
            target.require_two_classes().unwrap_err().to_string(),
            "one class only: all 2 rows of target `churned` are `1`; two classes are needed"
        );
    }

    #[test]
    fn bad_weights_and_targets_are_refused() {
        let data = Dataset::new(schema(), array![[1.0, 0.0], [2.0, 1.0]]).unwrap();
        assert!(data.clone().with_weights(vec![1.0, -1.0]).unwrap_err().to_string().contains("row 1 is -1"));
        assert!(data.clone().with_weights(vec![0.0, 0.0]).is_err());
        assert!(data.with_weights(vec![1.0]).unwrap_err().to_string().contains("expected 2, found 1"));
        assert!(
            Target::binary("t", vec![0.0, 2.0])
                .unwrap_err()
                .to_string()
                .contains("row 1: 2; expected 0 or 1")
        );
    }
}
