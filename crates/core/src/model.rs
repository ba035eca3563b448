//! What every fitted thing can do.

use std::any::Any;
use std::fmt::Debug;

use ndarray::{Array2, ArrayView2, ArrayViewMut2};
use serde::{Deserialize, Serialize};

use crate::{Artifact, Error, Explanation, Result, Scale, Schema};

/// What an output's numbers mean. More kinds will come (quantiles, classes of several targets).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OutputKind {
    /// Probability of a binary event, 0 to 1.
    Probability,
    /// Probability of one of several classes; the outputs of one target sum to 1.
    ClassProbability {
        /// Name of the class.
        class: String,
    },
    /// A number in the unit of the target.
    Value,
}

/// One named number that a model gives for a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Output {
    /// Unique within a model, e.g. `churn_probability`.
    pub name: String,
    /// The target it answers; several outputs may answer one (a probability for each class).
    pub target: String,
    /// What the number means.
    pub kind: OutputKind,
    /// Unit in words, empty where there is none.
    pub unit: String,
    /// The scale on which explanations of this output add up.
    pub scale: Scale,
}

impl Output {
    /// The probability of a binary event, explained in log-odds.
    pub fn probability(target: impl Into<String>) -> Self {
        Self::new(target.into(), OutputKind::Probability, String::new(), Scale::LogOdds)
    }

    /// The probability of one of several classes, named `<target>_<class>` and explained beside the others.
    pub fn class_probability(target: impl Into<String>, class: impl Into<String>) -> Self {
        let (target, class) = (target.into(), class.into());
        let name = format!("{target}_{class}");
        let kind = OutputKind::ClassProbability { class };
        Self { name, ..Self::new(target, kind, String::new(), Scale::CentredLog) }
    }

    /// A number explained in its own unit.
    pub fn value(target: impl Into<String>, unit: impl Into<String>) -> Self {
        Self::new(target.into(), OutputKind::Value, unit.into(), Scale::Identity)
    }

    fn new(target: String, kind: OutputKind, unit: String, scale: Scale) -> Self {
        Self { name: target.clone(), target, kind, unit, scale }
    }

    /// The same, explained on another scale.
    #[must_use]
    pub fn on_scale(self, scale: Scale) -> Self {
        Self { scale, ..self }
    }

    /// The same under another name than its target's.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }
}

/// What a learner or model does with a missing (NaN) feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MissingPolicy {
    /// It answers for a missing value as it answers for others: it learned from them, or reads no feature.
    Learned,
    /// It replaces it by a value learned in training.
    Imputed,
    /// It answers with an error.
    Refused,
}

/// What a learner or model can do, as data; the conformance suite tests each claim.
///
/// Begins with nothing and is built up:
/// ```
/// use tenure_core::{Capabilities, MissingPolicy};
/// let capabilities = Capabilities::new(MissingPolicy::Imputed).with_weights().with_explanations();
/// assert!(capabilities.weights && capabilities.explains && !capabilities.offsets);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Capabilities {
    /// What happens to missing values.
    pub missing: MissingPolicy,
    /// Whether training honours sample weights; a learner that cannot refuses them.
    pub weights: bool,
    /// Whether a weight of two equals the row twice up to rounding. A learner that counts rows for its limits
    /// cannot promise that.
    pub weights_exact: bool,
    /// Whether training honours offsets; a learner that cannot refuses them.
    pub offsets: bool,
    /// Whether categorical columns are understood as such.
    pub categorical: bool,
    /// Whether [`Model::explain_row`] answers.
    pub explains: bool,
}

impl Capabilities {
    /// Nothing but a policy for missing values.
    #[must_use]
    pub const fn new(missing: MissingPolicy) -> Self {
        Self {
            missing,
            weights: false,
            weights_exact: false,
            offsets: false,
            categorical: false,
            explains: false,
        }
    }

    /// Honours sample weights.
    #[must_use]
    pub const fn with_weights(self) -> Self {
        Self { weights: true, ..self }
    }

    /// Honours sample weights, and two is the row twice.
    #[must_use]
    pub const fn with_exact_weights(self) -> Self {
        Self { weights: true, weights_exact: true, ..self }
    }

    /// Honours offsets.
    #[must_use]
    pub const fn with_offsets(self) -> Self {
        Self { offsets: true, ..self }
    }

    /// Understands categorical columns as such.
    #[must_use]
    pub const fn with_categories(self) -> Self {
        Self { categorical: true, ..self }
    }

    /// Explains its answers.
    #[must_use]
    pub const fn with_explanations(self) -> Self {
        Self { explains: true, ..self }
    }

    /// What both can do.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        use MissingPolicy::{Imputed, Learned, Refused};
        let missing = match (self.missing, other.missing) {
            (Learned, Learned) => Learned,
            (Refused, _) | (_, Refused) => Refused,
            _ => Imputed,
        };
        Self {
            missing,
            weights: self.weights && other.weights,
            weights_exact: self.weights_exact && other.weights_exact,
            offsets: self.offsets && other.offsets,
            categorical: self.categorical && other.categorical,
            explains: self.explains && other.explains,
        }
    }
}

/// A fitted model, whatever made it.
///
/// Every method is a pure function of the model and its arguments: two calls agree bit for bit, on any number
/// of threads, and one row gives the same bits alone as in a batch.
///
/// Rows hold one `f64` per feature of [`Model::schema`], in its order. NaN is missing; an infinity is refused
/// with [`Error::NotFinite`], another width with [`Error::Shape`]. A categorical value beyond the levels
/// known from training is treated as missing.
///
/// What only one kind of model has (the coefficients of a regression, say) is reached through its own type:
/// `(model as &dyn Any).downcast_ref::<ItsType>()`.
pub trait Model: Any + Debug + Send + Sync {
    /// The columns the model reads.
    fn schema(&self) -> &Schema;

    /// The numbers it gives for each row, at least one.
    fn outputs(&self) -> &[Output];

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Predicts a batch: `x` is rows × features, `out` is rows × outputs.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::NotFinite`], naming the feature and the row.
    fn predict_into(&self, x: ArrayView2<'_, f64>, out: ArrayViewMut2<'_, f64>) -> Result<()>;

    /// Predicts one row into `out` (one number per output), without allocating after the first call on a
    /// thread.
    ///
    /// # Errors
    /// As [`Model::predict_into`].
    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()>;

    /// Says how each feature moved one output of one row; see [`Explanation`].
    ///
    /// # Errors
    /// As [`Model::predict_into`]; [`Error::Unsupported`] where [`Capabilities::explains`] is false.
    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation>;

    /// The model as plain data, from which the matching loader restores it bit for bit.
    fn to_artifact(&self) -> Artifact;

    /// Predicts a batch into a new rows × outputs matrix.
    ///
    /// # Errors
    /// As [`Model::predict_into`].
    fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        let mut out = Array2::zeros((x.nrows(), self.outputs().len()));
        self.predict_into(x, out.view_mut())?;
        Ok(out)
    }
}

/// Checks a batch against a schema: width, and no infinity. For implementors of [`Model`].
///
/// # Errors
/// [`Error::Shape`] or [`Error::NotFinite`].
pub fn check_input(schema: &Schema, x: ArrayView2<'_, f64>) -> Result<()> {
    if x.ncols() != schema.len() {
        return Err(Error::Shape { what: "columns", expected: schema.len(), found: x.ncols() });
    }
    for (row, values) in x.rows().into_iter().enumerate() {
        if let Some(column) = values.iter().position(|v| v.is_infinite()) {
            let feature = schema.features()[column].name.clone();
            return Err(Error::NotFinite { feature, row, value: values[column] });
        }
    }
    Ok(())
}

/// Checks one row and its output slice, as [`check_input`] does for a batch.
///
/// # Errors
/// [`Error::Shape`] or [`Error::NotFinite`].
pub fn check_row(schema: &Schema, row: &[f64], outputs: usize, out: &[f64]) -> Result<()> {
    if row.len() != schema.len() {
        return Err(Error::Shape { what: "values in the row", expected: schema.len(), found: row.len() });
    }
    if out.len() != outputs {
        return Err(Error::Shape { what: "places for outputs", expected: outputs, found: out.len() });
    }
    match row.iter().position(|v| v.is_infinite()) {
        Some(column) => {
            let feature = schema.features()[column].name.clone();
            Err(Error::NotFinite { feature, row: 0, value: row[column] })
        }
        None => Ok(()),
    }
}

/// Checks a batch and the matrix its predictions go into. For implementors of [`Model::predict_into`].
///
/// # Errors
/// As [`check_input`]; [`Error::Shape`] where `out` is not rows × outputs.
pub fn check_batch(
    schema: &Schema,
    outputs: usize,
    x: ArrayView2<'_, f64>,
    out: (usize, usize),
) -> Result<()> {
    check_input(schema, x)?;
    if out.0 != x.nrows() {
        return Err(Error::Shape { what: "rows of the output", expected: x.nrows(), found: out.0 });
    }
    if out.1 != outputs {
        return Err(Error::Shape { what: "columns of the output", expected: outputs, found: out.1 });
    }
    Ok(())
}

/// Checks one row and the number of the output to explain. For implementors of [`Model::explain_row`].
///
/// # Errors
/// As [`check_input`]; [`Error::NoOutput`] for an output that the model does not have.
pub fn check_explained(schema: &Schema, outputs: usize, row: &[f64], output: usize) -> Result<()> {
    check_row(schema, row, 0, &[])?;
    if output < outputs { Ok(()) } else { Err(Error::NoOutput { output, outputs }) }
}
