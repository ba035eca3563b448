//! What can go wrong, sorted by whose fault it is.

use std::borrow::Cow;
use std::path::PathBuf;

use crate::RowProblem;

/// Shorthand for a result with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whose fault an error is; a server maps it to a status and the command line to an exit code, in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The caller asked for something that does not exist or is out of range.
    Caller,
    /// The data cannot be used as they are.
    Data,
    /// A file could not be read or written.
    Io,
    /// A stored model is damaged, of another kind, or from a newer version.
    Artifact,
    /// The work was cancelled on request.
    Cancelled,
    /// A defect of tenure.
    Bug,
}

/// Everything that the contract, the backends and the domain models can refuse.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // ---- the caller's
    /// A parameter is outside its range.
    #[error("parameter `{name}` is {value}; expected {expected}")]
    Parameter {
        /// Name of the parameter as written in code and on the command line.
        name: &'static str,
        /// The value that was given.
        value: String,
        /// The accepted range, in words.
        expected: Cow<'static, str>,
    },
    /// The backend cannot do what was asked.
    #[error("{backend} does not support {what}")]
    Unsupported {
        /// Name of the backend or model.
        backend: String,
        /// What was asked for.
        what: String,
    },
    /// The columns offered are not the ones the model was trained on.
    #[error(
        "the columns do not match the model: missing features [{}], unexpected features [{}]",
        missing.join(", "), unexpected.join(", ")
    )]
    Columns {
        /// Features of the model that the input lacks.
        missing: Vec<String>,
        /// Columns of the input that the model does not know.
        unexpected: Vec<String>,
    },
    /// Two lengths that must agree do not.
    #[error("{what}: expected {expected}, found {found}")]
    Shape {
        /// What has the wrong size.
        what: &'static str,
        /// The size it should have.
        expected: usize,
        /// The size it has.
        found: usize,
    },

    /// An output that the model does not have.
    #[error("there is no output {output}: the model has {outputs}, counted from 0")]
    NoOutput {
        /// The number asked for.
        output: usize,
        /// How many there are.
        outputs: usize,
    },

    // ---- the data's
    /// Too few rows to learn from or to judge.
    #[error("not enough training data: {found} rows found, at least {needed} needed")]
    NotEnoughRows {
        /// Rows that were found.
        found: usize,
        /// Rows that are needed.
        needed: usize,
    },
    /// A classifier needs at least two classes.
    #[error("one class only: all {rows} rows of target `{target}` are `{class}`; two classes are needed")]
    OneClass {
        /// Name of the target.
        target: String,
        /// The only class present.
        class: String,
        /// Number of rows.
        rows: usize,
    },
    /// A value that is neither a finite number nor missing.
    #[error("feature `{feature}`, row {row}: {value} is not a finite number (missing is written as NaN)")]
    NotFinite {
        /// Name of the column.
        feature: String,
        /// Row, counted from 0.
        row: usize,
        /// The value found.
        value: f64,
    },
    /// A categorical column holds something that is not the index of one of its levels.
    #[error("feature `{feature}`, row {row}: {value} is not the index of one of its {levels} levels")]
    NotALevel {
        /// Name of the column.
        feature: String,
        /// Row, counted from 0.
        row: usize,
        /// The value found.
        value: f64,
        /// Number of levels.
        levels: usize,
    },
    /// A target value outside what the task allows.
    #[error("target `{target}`, row {row}: {value}; expected {expected}")]
    TargetValue {
        /// Name of the target.
        target: String,
        /// Row, counted from 0.
        row: usize,
        /// The value found.
        value: f64,
        /// What is accepted, in words.
        expected: &'static str,
    },
    /// A sample weight is negative, infinite or NaN, or all are zero.
    #[error("weight of row {row} is {value}; weights are finite, at least 0, and not all 0")]
    Weight {
        /// Row, counted from 0.
        row: usize,
        /// The value found.
        value: f64,
    },
    /// The data set carries no target, or not the one asked for.
    #[error("the data set has no target{}", name.as_ref().map(|n| format!(" `{n}`")).unwrap_or_default())]
    NoTarget {
        /// The name asked for, if one was.
        name: Option<String>,
    },
    /// A schema names a feature twice, or a feature has no name or no levels.
    #[error("schema: feature `{feature}` {problem}")]
    Schema {
        /// Name of the feature.
        feature: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A row does not fit its description.
    #[error(
        "{} does not fit: {}",
        row.map_or("the row".into(), |row| format!("row {row}")),
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    )]
    Row {
        /// Row, counted from 0, where it is one of many.
        row: Option<usize>,
        /// What is wrong, field by field.
        problems: Vec<RowProblem>,
    },
    /// Something about the data that none of the other variants says.
    #[error("{0}")]
    Data(String),

    // ---- outside
    /// A file operation failed.
    #[error("{}: {action} failed: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was attempted.
        action: &'static str,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// There is no model at this place.
    #[error("model not found in {}: train it first", path.display())]
    ModelNotFound {
        /// The folder looked into.
        path: PathBuf,
    },
    /// A stored model is incomplete or was changed.
    #[error("damaged model{}: {detail}", path.as_ref().map(|p| format!(" in {}", p.display())).unwrap_or_default())]
    ArtifactDamaged {
        /// The file, where there is one.
        path: Option<PathBuf>,
        /// What does not fit.
        detail: String,
    },
    /// A stored model of another kind than the one asked for.
    #[error("the stored model is of kind `{found}`; expected `{expected}`")]
    ArtifactKind {
        /// What the artifact says it is.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// A stored model written by a newer tenure.
    #[error("the stored `{kind}` has format version {found}; this program reads up to {supported}")]
    ArtifactVersion {
        /// Kind of the artifact.
        kind: String,
        /// Version found.
        found: u32,
        /// Newest version understood.
        supported: u32,
    },

    /// A model file of another library that is incomplete or holds what its format does not allow.
    #[error("{format} model, {place}: expected {expected}, found {found}")]
    ForeignModel {
        /// The format, in words.
        format: &'static str,
        /// The line, field or tree.
        place: String,
        /// What stands there in a sound file, in words.
        expected: Cow<'static, str>,
        /// What was found, cut short where it is long.
        found: String,
    },

    // ---- neither
    /// The work was cancelled on request.
    #[error("cancelled while {stage}")]
    Cancelled {
        /// What was under way.
        stage: String,
    },
    /// A defect of tenure: please report it.
    #[error("internal error (please report it): {0}")]
    Internal(String),
}

impl Error {
    /// Whose fault this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Parameter { .. }
            | Self::Unsupported { .. }
            | Self::Columns { .. }
            | Self::Shape { .. }
            | Self::NoOutput { .. } => ErrorKind::Caller,
            Self::NotEnoughRows { .. }
            | Self::OneClass { .. }
            | Self::NotFinite { .. }
            | Self::NotALevel { .. }
            | Self::TargetValue { .. }
            | Self::Weight { .. }
            | Self::NoTarget { .. }
            | Self::Schema { .. }
            | Self::Row { .. }
            | Self::Data(_) => ErrorKind::Data,
            Self::Io { .. } => ErrorKind::Io,
            Self::ModelNotFound { .. }
            | Self::ArtifactDamaged { .. }
            | Self::ArtifactKind { .. }
            | Self::ArtifactVersion { .. }
            | Self::ForeignModel { .. } => ErrorKind::Artifact,
            Self::Cancelled { .. } => ErrorKind::Cancelled,
            Self::Internal(_) => ErrorKind::Bug,
        }
    }

    /// A damaged artifact, where no file is known.
    #[must_use]
    pub fn damaged(detail: impl Into<String>) -> Self {
        Self::ArtifactDamaged { path: None, detail: detail.into() }
    }

    /// An [`Error::Unsupported`].
    #[must_use]
    pub fn unsupported(backend: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Unsupported { backend: backend.into(), what: what.into() }
    }
}
