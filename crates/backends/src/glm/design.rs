//! From the features of a data set to the columns of the regression, and back to one term per feature.

use serde::{Deserialize, Serialize};
use tenure_core::{Error, FeatureKind, Result, Schema};

use super::blocks::Blocks;
use super::sample::Sample;
use tenure_gbdt::Threads;

/// Rows that one piece of work takes.
const PIECE: usize = 4096;
/// Spread, relative to the mean, below which a column is constant.
const CONSTANT: f64 = 1e-13;

/// A column that has no coefficient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Name of the column, as a coefficient would have it.
    pub name: String,
    /// Why, in words.
    pub reason: String,
}

/// How every feature is laid out in the regression. Column 0 is the intercept where there is one.
#[derive(Debug)]
pub(super) struct Design {
    pub(super) intercept: bool,
    columns: Vec<Column>,
    /// Of each regression column.
    pub(super) names: Vec<String>,
    /// Weighted mean of each regression column.
    pub(super) means: Vec<f64>,
    /// What is subtracted from each before it is divided by its scale: its mean beside an intercept, else 0.
    pub(super) centres: Vec<f64>,
    /// Standard deviation of each beside an intercept, else the root of its mean square.
    pub(super) scales: Vec<f64>,
    pub(super) dropped: Vec<Dropped>,
}

#[derive(Debug)]
enum Column {
    /// `mean` stands for a missing value; each place is that of a regression column.
    Numeric { mean: f64, place: Option<usize>, indicator: Option<usize> },
    /// One place for each level, and a last one for missing; the level that the others are relative to.
    Levels { places: Vec<Option<usize>>, reference: Option<usize> },
}

/// Sums over the rows: one number a feature.
#[derive(Clone)]
struct Moments {
    /// Share of the weight of rows with a value.
    known: Vec<f64>,
    /// Rows without a value.
    missing: Vec<f64>,
    mean: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
}

impl Design {
    pub(super) fn learn(
        schema: &Schema,
        sample: &Sample<'_>,
        intercept: bool,
        threads: &Threads,
    ) -> Result<Self> {
        let total = sample.total_weight();
        let moments = moments(sample, schema.len(), total, threads);
        let deviations = deviations(sample, &moments, total, threads);
        let shares = level_shares(schema, sample, total);
        let mut design = Self {
            intercept,
            columns: Vec::with_capacity(schema.len()),
            names: Vec::new(),
            means: Vec::new(),
            centres: Vec::new(),
            scales: Vec::new(),
            dropped: Vec::new(),
        };
        if intercept {
            design.push("(intercept)".into(), 1.0, 0.0);
            (design.centres[0], design.scales[0]) = (0.0, 1.0);
        }
        let mut full = !intercept;
        for (at, feature) in schema.features().iter().enumerate() {
            let column = match &feature.kind {
                FeatureKind::Numeric => {
                    let (mean, missing) = (moments.mean[at], 1.0 - moments.known[at]);
                    if !deviations[at].is_finite() {
                        let words = "its values are too far apart for double precision";
                        return Err(Error::Data(format!("feature `{}`: {words}", feature.name)));
                    }
                    design.numeric(&feature.name, mean, deviations[at], missing)
                }
                FeatureKind::Categorical { levels } => {
                    let column = design.levels(&feature.name, levels, &shares[at], full);
                    full = false;
                    column
                }
            };
            design.columns.push(column);
        }
        Ok(design)
    }

    /// A regression column with this mean and standard deviation.
    fn push(&mut self, name: String, mean: f64, deviation: f64) -> usize {
        self.names.push(name);
        self.means.push(mean);
        self.centres.push(if self.intercept { mean } else { 0.0 });
        self.scales.push(if self.intercept { deviation } else { mean.hypot(deviation) });
        self.names.len() - 1
    }

    fn drop(&mut self, name: String, reason: &str) -> Option<usize> {
        self.dropped.push(Dropped { name, reason: reason.into() });
        None
    }

    fn numeric(&mut self, name: &str, mean: f64, deviation: f64, missing: f64) -> Column {
        let place = if deviation > CONSTANT * mean.abs() || (!self.intercept && mean != 0.0) {
            Some(self.push(name.to_owned(), mean, deviation))
        } else if missing >= 1.0 {
            self.drop(name.to_owned(), "it is missing in every row")
        } else {
            self.drop(name.to_owned(), "it has the same value in every row")
        };
        let partly = missing > 1e-15 && missing < 1.0;
        let indicator =
            partly.then(|| self.push(format!("{name}[missing]"), missing, share_deviation(missing)));
        Column::Numeric { mean, place, indicator }
    }

    /// The first level with rows is the reference, unless `full`; `shares` has one number more, for missing.
    fn levels(&mut self, name: &str, levels: &[String], shares: &[f64], full: bool) -> Column {
        let reference = shares.iter().position(|&share| share > 0.0).filter(|_| !full);
        let mut places = Vec::with_capacity(shares.len());
        for (at, &share) in shares.iter().enumerate() {
            let place = if share <= 0.0 || reference == Some(at) {
                None
            } else {
                let level = levels.get(at).map_or("missing", String::as_str);
                Some(self.push(format!("{name}[{level}]"), share, share_deviation(share)))
            };
            places.push(place);
        }
        if shares.iter().filter(|&&s| s > 0.0).count() < 2 && !full {
            self.drop(name.to_owned(), "it has the same level in every row");
        }
        Column::Levels { places, reference }
    }

    pub(super) fn width(&self) -> usize {
        self.names.len()
    }

    /// The standardised regression columns.
    pub(super) fn blocks<'a>(&self, sample: &Sample<'a>, threads: &Threads) -> Blocks<'a> {
        let inverse: Vec<f64> = self.scales.iter().map(|s| 1.0 / s).collect();
        if let Some(x) = sample.all_features().filter(|_| self.plain()) {
            return Blocks::scaled(x, sample.len(), self.intercept, &self.centres, &inverse);
        }
        Blocks::build(sample.len(), self.width(), threads, |row, out| {
            self.raw_row(sample.features(row), out);
            for (value, (centre, inverse)) in out.iter_mut().zip(self.centres.iter().zip(&inverse)) {
                *value = (*value - centre) * inverse;
            }
        })
    }

    /// Whether there are features, each a number in every row that has one column.
    fn plain(&self) -> bool {
        let before = usize::from(self.intercept);
        let own = |(at, column): (usize, &Column)| match column {
            Column::Numeric { place, indicator, .. } => *place == Some(at + before) && indicator.is_none(),
            Column::Levels { .. } => false,
        };
        !self.columns.is_empty() && self.columns.iter().enumerate().all(own)
    }

    /// The regression columns of one row into zeroed places.
    fn raw_row(&self, values: &[f64], out: &mut [f64]) {
        if self.intercept {
            out[0] = 1.0;
        }
        for (column, &value) in self.columns.iter().zip(values) {
            match column {
                Column::Numeric { mean, place, indicator } => {
                    let missing = value.is_nan();
                    if let Some(place) = *place {
                        out[place] = if missing { *mean } else { value };
                    }
                    if let (Some(place), true) = (*indicator, missing) {
                        out[place] = 1.0;
                    }
                }
                Column::Levels { places, .. } => {
                    let last = places.len() - 1;
                    let level = if value.is_nan() { last } else { (value as usize).min(last) };
                    if let Some(place) = places[level] {
                        out[place] = 1.0;
                    }
                }
            }
        }
    }

    /// Coefficients of the columns as they are, from those of the standardised ones.
    pub(super) fn unscaled(&self, beta: &[f64]) -> Vec<f64> {
        let mut plain: Vec<f64> = beta.iter().zip(&self.scales).map(|(b, s)| b / s).collect();
        if self.intercept {
            plain[0] -= plain.iter().zip(&self.centres).skip(1).map(|(b, c)| b * c).sum::<f64>();
        }
        plain
    }

    /// The vector `a` for which coefficient `at` is `a · beta`.
    pub(super) fn contrast(&self, at: usize) -> Vec<f64> {
        let mut a = vec![0.0; self.width()];
        a[at] = 1.0 / self.scales[at];
        if self.intercept && at == 0 {
            for (a, (centre, scale)) in a.iter_mut().zip(self.centres.iter().zip(&self.scales)).skip(1) {
                *a = -centre / scale;
            }
        }
        a
    }

    /// The fitted terms, each with mean zero over the training rows, and the linear predictor at the means.
    pub(super) fn terms(&self, beta: &[f64]) -> Terms {
        let plain = self.unscaled(beta);
        let coefficient = |place: &Option<usize>| place.map_or(0.0, |p| plain[p]);
        let term = |column: &Column| match column {
            Column::Numeric { mean, place, indicator } => {
                let (own, share) = (coefficient(indicator), indicator.map_or(0.0, |p| self.means[p]));
                let slope = coefficient(place);
                Term::Numeric { slope, mean: *mean, known: -own * share, missing: own * (1.0 - share) }
            }
            Column::Levels { places, reference } => {
                let mean: f64 = places.iter().flatten().map(|&p| plain[p] * self.means[p]).sum();
                let seen = |at: usize| places[at].is_some() || *reference == Some(at);
                let value = |at: usize| coefficient(&places[at]) - mean;
                let last = places.len() - 1;
                // What training did not see adds what the mean of the rows does.
                let missing = if seen(last) { value(last) } else { 0.0 };
                let levels = (0..last).map(|at| if seen(at) { value(at) } else { missing }).collect();
                Term::Levels { levels, missing }
            }
        };
        // Beside an intercept all other columns are centred: their means add nothing.
        let baseline =
            if self.intercept { beta[0] } else { plain.iter().zip(&self.means).map(|(b, m)| b * m).sum() };
        Terms { baseline, terms: self.columns.iter().map(term).collect() }
    }
}

/// Standard deviation of an indicator.
fn share_deviation(share: f64) -> f64 {
    (share * (1.0 - share)).max(0.0).sqrt()
}

/// What each feature adds to the linear predictor, and the predictor at the training means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Terms {
    pub(super) baseline: f64,
    pub(super) terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Term {
    Numeric { slope: f64, mean: f64, known: f64, missing: f64 },
    Levels { levels: Vec<f64>, missing: f64 },
}

impl Term {
    pub(super) fn value(&self, input: f64) -> f64 {
        match self {
            Self::Numeric { missing, .. } if input.is_nan() => *missing,
            Self::Numeric { slope, mean, known, .. } => slope * (input - mean) + known,
            // Anything but the index of a level is missing.
            Self::Levels { missing, .. } if !(input >= 0.0 && input.fract() == 0.0) => *missing,
            Self::Levels { levels, missing } => levels.get(input as usize).copied().unwrap_or(*missing),
        }
    }
}

impl Terms {
    pub(super) fn predictor(&self, row: impl Iterator<Item = f64>) -> f64 {
        self.terms.iter().zip(row).fold(self.baseline, |sum, (term, value)| sum + term.value(value))
    }
}

fn moments(sample: &Sample<'_>, features: usize, total: f64, threads: &Threads) -> Moments {
    let new = || Moments {
        known: vec![0.0; features],
        missing: vec![0.0; features],
        mean: vec![0.0; features],
        low: vec![f64::INFINITY; features],
        high: vec![f64::NEG_INFINITY; features],
    };
    let parts = threads.map(sample.len().div_ceil(PIECE), |piece| {
        let mut part = new();
        let Moments { known, missing, mean, low, high } = &mut part;
        let (known, missing, mean) =
            (&mut known[..features], &mut missing[..features], &mut mean[..features]);
        let (low, high) = (&mut low[..features], &mut high[..features]);
        for row in piece * PIECE..((piece + 1) * PIECE).min(sample.len()) {
            // The share comes before the sum: values near the largest double must not overflow.
            let share = sample.w[row] / total;
            let values = &sample.features(row)[..features];
            // Selections instead of branches, so that the loop runs over several features at once.
            for at in 0..features {
                let value = values[at];
                let nan = value.is_nan();
                known[at] += if nan { 0.0 } else { share };
                missing[at] += if nan { 1.0 } else { 0.0 };
                mean[at] += if nan { 0.0 } else { share * value };
                low[at] = if value < low[at] { value } else { low[at] };
                high[at] = if value > high[at] { value } else { high[at] };
            }
        }
        part
    });
    let mut all = parts.into_iter().fold(new(), |mut all, part| {
        for at in 0..features {
            all.known[at] += part.known[at];
            all.missing[at] += part.missing[at];
            all.mean[at] += part.mean[at];
            all.low[at] = all.low[at].min(part.low[at]);
            all.high[at] = all.high[at].max(part.high[at]);
        }
        all
    });
    for at in 0..features {
        if all.known[at] > 0.0 {
            all.mean[at] /= all.known[at];
        }
        // Where all values are the same, so is their mean, whatever rounding says.
        if all.low[at] == all.high[at] {
            all.mean[at] = all.low[at];
        }
        // Shares sum to 1 but for rounding, which must leave nothing missing.
        if all.missing[at] == 0.0 {
            all.known[at] = 1.0;
        }
    }
    all
}

/// Standard deviation of each feature, a missing value counting as the mean.
fn deviations(sample: &Sample<'_>, moments: &Moments, total: f64, threads: &Threads) -> Vec<f64> {
    let features = moments.mean.len();
    let widest: Vec<f64> = (0..features)
        .map(|at| (moments.high[at] - moments.mean[at]).max(moments.mean[at] - moments.low[at]).max(0.0))
        .collect();
    let inverse: Vec<f64> = widest.iter().map(|w| if *w > 0.0 { 1.0 / w } else { 0.0 }).collect();
    let parts = threads.map(sample.len().div_ceil(PIECE), |piece| {
        let mut part = vec![0.0; features];
        for row in piece * PIECE..((piece + 1) * PIECE).min(sample.len()) {
            let share = sample.w[row] / total;
            let values = sample.features(row).iter().zip(&moments.mean).zip(&inverse);
            for (sum, ((value, mean), inverse)) in part.iter_mut().zip(values) {
                let off = (value - mean) * inverse;
                *sum += if off.is_nan() { 0.0 } else { share * off * off };
            }
        }
        part
    });
    let mut squares = vec![0.0; features];
    for part in parts {
        squares.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
    }
    squares.iter().zip(&widest).map(|(square, widest)| widest * f64::sqrt(*square)).collect()
}

/// Share of the weight of each level of each categorical feature, missing last; empty for numeric ones.
fn level_shares(schema: &Schema, sample: &Sample<'_>, total: f64) -> Vec<Vec<f64>> {
    let shares = schema.features().iter().enumerate().map(|(at, feature)| match feature.levels() {
        None => Vec::new(),
        Some(levels) => {
            let mut shares = vec![0.0; levels.len() + 1];
            for row in 0..sample.len() {
                let value = sample.features(row)[at];
                let level = if value.is_nan() { levels.len() } else { (value as usize).min(levels.len()) };
                shares[level] += sample.w[row] / total;
            }
            shares
        }
    });
    shares.collect()
}
