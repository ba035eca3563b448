//! Models that other libraries trained: they run here unchanged, and ours run there.
//!
//! | format | read | written |
//! | --- | --- | --- |
//! | LightGBM text, versions 3 and 4 of the file (`Booster.save_model`) | [`read`] | [`lightgbm::write`] |
//! | XGBoost JSON and UBJSON, 1.7 to 3.x (`Booster.save_model`, `save_raw`) | [`read`] | no |
//!
//! A model that was read is a [`TreeModel`] like any other: it predicts, explains itself and is kept as an
//! artifact. LightGBM computes in double precision, and its predictions are met to rounding. XGBoost narrows a
//! row to single precision and sums in it: every row goes the same way here, because each split keeps the
//! double that separates the same rows, and the sums differ by XGBoost's rounding.
//!
//! # What a row holds
//!
//! The features in the order of training, as `f64`, missing as NaN. A categorical value is the code that the
//! model was trained on: for a column of pandas categories the index of the level, whose names the schema has
//! where the file has them, and the integer itself where the model was trained on integers (the levels are then
//! named `0`, `1`, …). A code that the model does not know is missing, as everywhere in tenure. LightGBM does
//! the same; XGBoost 3 refuses such a row where it knows the names and otherwise sends it the way of the codes
//! that a split does not name.
//!
//! # What is refused
//!
//! In words, by [`tenure_core::Error::Unsupported`]: linear trees, `gblinear`, vector leaves, and objectives
//! whose outputs are no function that [`crate::Link`] has (`regression` with `sqrt`, `cross_entropy_lambda`,
//! `binary:hinge`). A damaged file ends in [`tenure_core::Error::ForeignModel`].
//!
//! # Example
//!
//! ```no_run
//! use tenure_core::Model;
//!
//! let model = tenure_gbdt::foreign::read(&std::fs::read("model.txt")?)?;
//! let row = vec![f64::NAN; model.schema().len()];
//! let mut outputs = vec![0.0; model.outputs().len()];
//! model.predict_row(&row, &mut outputs)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;

use tenure_core::Result;

use crate::TreeModel;

mod assemble;
pub mod lightgbm;
mod problem;
mod ubjson;
mod xgboost;

use problem::{problem, unsupported};

/// A file format of another library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// LightGBM's text.
    LightgbmText,
    /// XGBoost's JSON.
    XgboostJson,
    /// XGBoost's UBJSON: the same document in bytes.
    XgboostUbjson,
}

impl Format {
    /// Tells the format by the first bytes; `None` where it is none of them.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"tree\n") || bytes.starts_with(b"tree\r\n") {
            return Some(Self::LightgbmText);
        }
        match bytes.trim_ascii_start() {
            // In JSON a key or the end follows, in UBJSON the length of a key, or of the object.
            [b'{', rest @ ..] => match rest.trim_ascii_start().first() {
                Some(b'"' | b'}') => Some(Self::XgboostJson),
                Some(b'L' | b'l' | b'I' | b'i' | b'U' | b'$' | b'#') => Some(Self::XgboostUbjson),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Which of an XGBoost model's boosting rounds predict. LightGBM's files hold what predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Rounds {
    /// As in the Python class that saved the file: a model of the scikit-learn classes predicts with the rounds
    /// up to its best iteration if it stopped early; a `Booster` predicts with all of them.
    #[default]
    AsSaved,
    /// All.
    All,
    /// Up to the best iteration, where the file names one; otherwise all.
    Best,
}

/// What a file does not say. The default fills the gaps with plain names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOptions {
    /// Name of what is predicted, from which the outputs have theirs.
    pub target: String,
    /// Names of the classes of a model of several; `None` for `0`, `1`, … Their number must fit.
    pub classes: Option<Vec<String>>,
    /// Names of the levels of categorical features, by feature, in the order of their codes; they replace those
    /// of the file. XGBoost writes none before 3.1: without them, such levels are named by their codes, `0`, `1`, …,
    /// and data with names of their own do not fit the model's schema.
    pub levels: BTreeMap<String, Vec<String>>,
    /// Which rounds of an XGBoost model predict.
    pub rounds: Rounds,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { target: "prediction".into(), classes: None, levels: BTreeMap::new(), rounds: Rounds::AsSaved }
    }
}

/// Reads a model of another library, whose format shows in its bytes.
///
/// # Errors
/// [`tenure_core::Error::ForeignModel`] for a file in none of the formats or damaged;
/// [`tenure_core::Error::Unsupported`] for what no [`TreeModel`] can do; [`tenure_core::Error::Schema`] where
/// features or levels share a name.
pub fn read(bytes: &[u8]) -> Result<TreeModel> {
    read_with(bytes, &ReadOptions::default())
}

/// [`read`], told what the file does not say.
///
/// # Errors
/// As [`read`]; [`tenure_core::Error::Parameter`] for classes or levels that do not fit the file.
pub fn read_with(bytes: &[u8], options: &ReadOptions) -> Result<TreeModel> {
    match Format::of(bytes) {
        Some(Format::LightgbmText) => lightgbm::read(bytes, options),
        Some(Format::XgboostJson) => xgboost::read_json(bytes, options),
        Some(Format::XgboostUbjson) => xgboost::read_ubjson(bytes, options),
        None if bytes.starts_with(b"binf") || bytes.starts_with(b"bs64") => {
            Err(unsupported(xgboost::NAME, "their old binary format; save them as .json or .ubj"))
        }
        None => Err(problem(
            "foreign",
            "beginning",
            "`tree` (LightGBM text) or `{` (XGBoost JSON or UBJSON)",
            &bytes[..bytes.len().min(60)],
        )),
    }
}
