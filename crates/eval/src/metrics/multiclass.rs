//! Metrics of one of several classes.
//!
//! The truth is the index of a class, 0 to `classes − 1`, as a target of classes holds it; the prediction is
//! a matrix, rows × classes, of probabilities that sum to 1 in every row. The predicted class is the one with
//! the highest probability, the first of equals.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::check::{self, Pairs};
use crate::rank::Ranking;
use crate::stats::Sum;
use crate::{Error, Result};

use super::{Bins, Confusion, ece};

/// How far the probabilities of a row may be from summing to 1: what single precision and a hundred classes
/// leave of it.
const SUM_TOLERANCE: f64 = 1e-5;

/// The main figures of a classifier of several classes.
///
/// Averages over classes leave out classes for which the figure is not defined because no row (of weight
/// above 0) has the class, or no row at all is taken for it; the classes themselves say `None` there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MulticlassReport {
    /// Rows judged.
    pub rows: usize,
    /// Their total weight; the number of rows where there are no weights.
    pub weight: f64,
    /// Share of rows whose most probable class is the true one.
    pub accuracy: f64,
    /// Share of the most frequent class: the accuracy of always answering it.
    pub accuracy_base: f64,
    /// Area under the ROC curve of each class against the rest, averaged over the classes that occur.
    pub roc_auc_macro: f64,
    /// Log loss, in nats.
    pub log_loss: f64,
    /// Log loss of always answering the class shares.
    pub log_loss_base: f64,
    /// Brier score, 0 to 2.
    pub brier: f64,
    /// F1 averaged over the classes.
    pub f1_macro: f64,
    /// F1 averaged over the classes, each weighing as many rows as it has.
    pub f1_weighted: f64,
    /// F1 of all decisions together, which for one class a row is the accuracy.
    pub f1_micro: f64,
    /// Expected calibration error of each class's probability, averaged over the classes; ten bins of equal
    /// mass.
    pub ece_classwise: f64,
    /// Expected calibration error of the highest probability as the probability to be right; ten bins of equal
    /// mass.
    pub ece_top: f64,
    /// The classes one by one, in the order of their indices.
    pub classes: Vec<ClassReport>,
    /// Weight of the rows by true class (outer) and predicted class (inner).
    pub confusion: Vec<Vec<f64>>,
}

/// The figures of one class against the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassReport {
    /// Name of the class.
    pub class: String,
    /// Weight of the rows that have it.
    pub weight: f64,
    /// Their share.
    pub share: f64,
    /// Mean of the probabilities given to it.
    pub mean_probability: f64,
    /// Share of right answers among the rows taken for it; `None` where none is.
    pub precision: Option<f64>,
    /// Share of its rows that are taken for it; `None` where it has none.
    pub recall: Option<f64>,
    /// Harmonic mean of both; `None` where no row has the class nor is taken for it.
    pub f1: Option<f64>,
    /// Area under the ROC curve; `None` where no row has the class.
    pub roc_auc: Option<f64>,
    /// Average precision; `None` where no row has the class.
    pub average_precision: Option<f64>,
    /// Expected calibration error over ten bins of equal mass.
    pub ece: f64,
}

impl MulticlassReport {
    /// Computes all figures for `classes` (their names, at least two), one label a row (the index of a class)
    /// and a matrix of probabilities, rows × classes.
    ///
    /// # Errors
    /// As [the module](super) says; [`Error::Parameter`] where there is not one name for each column,
    /// [`Error::Value`] for a label that is no index of a class or for probabilities that do not sum to 1 (to
    /// within 1e-5), [`Error::Undefined`] where all rows have one class.
    pub fn new(
        classes: &[String],
        labels: &[f64],
        probabilities: ArrayView2<'_, f64>,
        weights: Option<&[f64]>,
    ) -> Result<Self> {
        let rows = ClassRows::new(labels, probabilities, weights)?;
        if classes.len() != rows.classes() {
            let expected = "one name for each column of the probabilities";
            return Err(Error::parameter("classes", format!("{} names", classes.len()), expected));
        }
        let confusion = rows.confusion();
        let classes = classes
            .iter()
            .enumerate()
            .map(|(class, name)| rows.class_report(class, name, &confusion))
            .collect::<Result<Vec<_>>>()?;
        rows.require_two_classes(&classes, "the report")?;
        let accuracy = rows.accuracy(&confusion);
        Ok(Self {
            rows: labels.len(),
            weight: rows.total_weight,
            accuracy,
            accuracy_base: classes.iter().map(|c| c.share).fold(0.0, f64::max),
            roc_auc_macro: mean(classes.iter().filter_map(|c| c.roc_auc)),
            log_loss: rows.mean(log_loss_of_row),
            log_loss_base: classes.iter().filter(|c| c.share > 0.0).map(|c| -c.share * c.share.ln()).sum(),
            brier: rows.mean(brier_of_row),
            f1_macro: mean(classes.iter().filter_map(|c| c.f1)),
            f1_weighted: classes.iter().filter_map(|c| Some(c.share * c.f1?)).sum(),
            f1_micro: accuracy,
            ece_classwise: mean(classes.iter().map(|c| c.ece)),
            ece_top: rows.ece_top()?,
            classes,
            confusion,
        })
    }
}

/// Log loss (cross-entropy): the weighted mean of `−ln p` of the class that occurred, in nats.
///
/// Probabilities are clipped to `[ε, 1 − ε]` with `ε = f64::EPSILON`, as [`super::log_loss`] does; the others
/// of the row are not scaled to make up for it. One class is enough.
///
/// # Errors
/// As [`MulticlassReport::new`].
pub fn multiclass_log_loss(
    labels: &[f64],
    probabilities: ArrayView2<'_, f64>,
    weights: Option<&[f64]>,
) -> Result<f64> {
    Ok(ClassRows::new(labels, probabilities, weights)?.mean(log_loss_of_row))
}

/// Brier score: the weighted mean of `Σ_k (p_k − y_k)²` over the classes k, 0 to 2 (Brier 1950). For two
/// classes it is twice [`super::brier`]. One class is enough.
///
/// # Errors
/// As [`MulticlassReport::new`].
pub fn multiclass_brier(
    labels: &[f64],
    probabilities: ArrayView2<'_, f64>,
    weights: Option<&[f64]>,
) -> Result<f64> {
    Ok(ClassRows::new(labels, probabilities, weights)?.mean(brier_of_row))
}

/// Share of rows whose most probable class is the true one. One class is enough.
///
/// # Errors
/// As [`MulticlassReport::new`].
pub fn multiclass_accuracy(
    labels: &[f64],
    probabilities: ArrayView2<'_, f64>,
    weights: Option<&[f64]>,
) -> Result<f64> {
    let rows = ClassRows::new(labels, probabilities, weights)?;
    Ok(rows.accuracy(&rows.confusion()))
}

/// Weight of the rows by true class (outer) and predicted class (inner).
///
/// # Errors
/// As [`MulticlassReport::new`].
pub fn confusion_matrix(
    labels: &[f64],
    probabilities: ArrayView2<'_, f64>,
    weights: Option<&[f64]>,
) -> Result<Vec<Vec<f64>>> {
    Ok(ClassRows::new(labels, probabilities, weights)?.confusion())
}

/// The area under the ROC curve of each class against the rest ([`super::roc_auc`]), averaged over the
/// classes that occur.
///
/// # Errors
/// As [`MulticlassReport::new`].
pub fn roc_auc_macro(
    labels: &[f64],
    probabilities: ArrayView2<'_, f64>,
    weights: Option<&[f64]>,
) -> Result<f64> {
    let rows = ClassRows::new(labels, probabilities, weights)?;
    let mut areas = Vec::with_capacity(rows.classes());
    for class in 0..rows.classes() {
        let (is_class, scores) = rows.one_against_rest(class);
        areas.extend(rows.ranking(&is_class, &scores)?.map(|ranking| ranking.auc()));
    }
    if areas.is_empty() { Err(one_class("roc_auc_macro")) } else { Ok(mean(areas.into_iter())) }
}

/// F1 averaged over the classes that some row has or is taken for.
///
/// # Errors
/// As [`MulticlassReport::new`]. One class is enough.
pub fn f1_macro(labels: &[f64], probabilities: ArrayView2<'_, f64>, weights: Option<&[f64]>) -> Result<f64> {
    let confusion = confusion_matrix(labels, probabilities, weights)?;
    Ok(mean((0..confusion.len()).filter_map(|class| one_against_rest(&confusion, class).f1())))
}

/// Checked rows: labels that are indices of classes, probabilities that sum to 1, weights.
struct ClassRows<'a> {
    labels: &'a [f64],
    probabilities: ArrayView2<'a, f64>,
    weights: Option<&'a [f64]>,
    total_weight: f64,
}

impl<'a> ClassRows<'a> {
    fn new(
        labels: &'a [f64],
        probabilities: ArrayView2<'a, f64>,
        weights: Option<&'a [f64]>,
    ) -> Result<Self> {
        check::same_length("rows of probabilities", labels.len(), probabilities.nrows())?;
        let total_weight = check::total_weight(labels.len(), weights)?;
        let classes = probabilities.ncols();
        if classes < 2 {
            return Err(Error::parameter("classes", classes, "at least 2 columns of probabilities"));
        }
        let is_index = |y: f64| y >= 0.0 && y < classes as f64 && y.fract() == 0.0;
        check::all("label", labels, "the index of a class, below the number of columns", is_index)?;
        for (row, given) in probabilities.rows().into_iter().enumerate() {
            if let Some(&value) = given.iter().find(|p| !(0.0..=1.0).contains(*p)) {
                return Err(Error::Value {
                    what: "probability",
                    row,
                    value,
                    expected: "a number from 0 to 1",
                });
            }
            let sum: f64 = given.iter().sum();
            if (sum - 1.0).abs() > SUM_TOLERANCE {
                let what = "sum of the probabilities";
                return Err(Error::Value { what, row, value: sum, expected: "1, to within 1e-5" });
            }
        }
        Ok(Self { labels, probabilities, weights, total_weight })
    }

    fn classes(&self) -> usize {
        self.probabilities.ncols()
    }

    fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |w| w[row])
    }

    /// `Σ w f(probabilities, true class) / Σ w` over the rows that count.
    fn mean(&self, f: impl Fn(&mut dyn Iterator<Item = f64>, usize) -> f64) -> f64 {
        let rows = self.probabilities.rows().into_iter().enumerate();
        let terms = rows.filter(|&(row, _)| self.weight(row) > 0.0);
        let sum: Sum = terms
            .map(|(row, given)| self.weight(row) * f(&mut given.iter().copied(), self.labels[row] as usize))
            .collect();
        sum.value() / self.total_weight
    }

    /// The most probable class of a row and its probability.
    fn top(&self, row: usize) -> (usize, f64) {
        let mut best = (0, f64::NEG_INFINITY);
        for (class, &p) in self.probabilities.row(row).iter().enumerate() {
            if p > best.1 {
                best = (class, p);
            }
        }
        best
    }

    fn confusion(&self) -> Vec<Vec<f64>> {
        let mut counts = vec![vec![0.0; self.classes()]; self.classes()];
        for (row, &label) in self.labels.iter().enumerate() {
            counts[label as usize][self.top(row).0] += self.weight(row);
        }
        counts
    }

    fn accuracy(&self, confusion: &[Vec<f64>]) -> f64 {
        let right: f64 = confusion.iter().enumerate().map(|(class, row)| row[class]).sum();
        right / self.total_weight
    }

    /// Whether each row has the class, and the probability it was given.
    fn one_against_rest(&self, class: usize) -> (Vec<f64>, Vec<f64>) {
        let is_class = self.labels.iter().map(|&y| f64::from(u8::from(y as usize == class))).collect();
        (is_class, self.probabilities.column(class).to_vec())
    }

    /// The order of the rows by one class's probability; `None` where all of them or none have the class.
    fn ranking(&self, is_class: &[f64], scores: &[f64]) -> Result<Option<Ranking>> {
        let ranking = Ranking::new(Pairs::scores(is_class, scores, self.weights)?);
        Ok((ranking.positives > 0.0 && ranking.negatives > 0.0).then_some(ranking))
    }

    fn class_report(&self, class: usize, name: &str, confusion: &[Vec<f64>]) -> Result<ClassReport> {
        let (is_class, scores) = self.one_against_rest(class);
        let ranking = self.ranking(&is_class, &scores)?;
        let pairs = Pairs::scores(&is_class, &scores, self.weights)?;
        let counts = one_against_rest(confusion, class);
        Ok(ClassReport {
            class: name.to_owned(),
            weight: counts.true_positives + counts.false_negatives,
            share: pairs.mean(|y, _| y),
            mean_probability: pairs.mean(|_, p| p),
            precision: counts.precision(),
            recall: counts.recall(),
            f1: counts.f1(),
            roc_auc: ranking.as_ref().map(Ranking::auc),
            average_precision: ranking.as_ref().map(Ranking::average_precision),
            ece: ece(&is_class, &scores, self.weights, Bins::default())?,
        })
    }

    fn ece_top(&self) -> Result<f64> {
        let tops: Vec<(usize, f64)> = (0..self.labels.len()).map(|row| self.top(row)).collect();
        let right = |(&y, &(class, _)): (&f64, &(usize, f64))| f64::from(u8::from(y as usize == class));
        let hits: Vec<f64> = self.labels.iter().zip(&tops).map(right).collect();
        let highest: Vec<f64> = tops.iter().map(|&(_, p)| p).collect();
        ece(&hits, &highest, self.weights, Bins::default())
    }

    fn require_two_classes(&self, classes: &[ClassReport], needed_for: &'static str) -> Result<()> {
        if classes.iter().filter(|c| c.share > 0.0).count() < 2 { Err(one_class(needed_for)) } else { Ok(()) }
    }
}

fn one_class(figure: &'static str) -> Error {
    Error::undefined(figure, "all rows that count have the same class; two classes are needed")
}

/// One class against the rest, from the counts by true and predicted class.
fn one_against_rest(confusion: &[Vec<f64>], class: usize) -> Confusion {
    let mut counts = Confusion::default();
    for (truth, row) in confusion.iter().enumerate() {
        for (taken, weight) in row.iter().enumerate() {
            *match (truth == class, taken == class) {
                (true, true) => &mut counts.true_positives,
                (true, false) => &mut counts.false_negatives,
                (false, true) => &mut counts.false_positives,
                (false, false) => &mut counts.true_negatives,
            } += weight;
        }
    }
    counts
}

fn log_loss_of_row(given: &mut dyn Iterator<Item = f64>, truth: usize) -> f64 {
    let p = given.nth(truth).unwrap_or(0.0).clamp(f64::EPSILON, 1.0 - f64::EPSILON);
    -p.ln()
}

fn brier_of_row(given: &mut dyn Iterator<Item = f64>, truth: usize) -> f64 {
    given.enumerate().map(|(class, p)| (p - f64::from(u8::from(class == truth))).powi(2)).sum()
}

/// Mean of what is given at least once.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
    sum / n
}
