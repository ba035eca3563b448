//! What cannot be evaluated, and why.

/// Shorthand for a result with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that this crate can refuse. Rows are counted from 0.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // ---- the caller's
    /// Two slices that must be of one length are not.
    #[error("{found} {what} for {expected} rows; one a row is needed")]
    Lengths {
        /// What has the wrong length, in the plural.
        what: &'static str,
        /// The number of rows.
        expected: usize,
        /// The length found.
        found: usize,
    },
    /// A parameter is outside its range.
    #[error("parameter `{name}` is {value}; expected {expected}")]
    Parameter {
        /// Name of the parameter.
        name: &'static str,
        /// The value given.
        value: String,
        /// What is accepted, in words.
        expected: &'static str,
    },

    // ---- the data's
    /// There are no rows.
    #[error("there are no rows to judge")]
    Empty,
    /// A value outside what the metric allows (NaN included).
    #[error("the {what} of row {row} is {value}; expected {expected}")]
    Value {
        /// What the value is: a label, a score, a probability…
        what: &'static str,
        /// Where it stands.
        row: usize,
        /// The value found.
        value: f64,
        /// What is accepted, in words.
        expected: &'static str,
    },
    /// All weights are 0.
    #[error("all weights are 0; at least one row must count")]
    ZeroWeights,
    /// Both classes are needed, and only one has any weight.
    #[error("one class only: all {rows} rows are labelled {class}; {needed_for} needs both classes")]
    OneClass {
        /// The metric or method that needs both.
        needed_for: &'static str,
        /// The label that all rows have.
        class: u8,
        /// Number of rows that count.
        rows: usize,
    },
    /// The figure is not defined for these rows.
    #[error("{figure} is not defined: {reason}")]
    Undefined {
        /// Name of the figure.
        figure: &'static str,
        /// Why, in words.
        reason: String,
    },
    /// There are fewer rows, groups or instants than the folds need.
    #[error("{folds} folds need at least {needed} {what}; found {found}")]
    TooManyFolds {
        /// Folds asked for.
        folds: usize,
        /// Rows, groups or instants.
        what: &'static str,
        /// How many are needed.
        needed: usize,
        /// How many there are.
        found: usize,
    },
    /// A class is too rare to be in every fold.
    #[error("class {class} has {found} {what}, fewer than the {folds} folds; every fold needs one")]
    RareClass {
        /// The class as it is written in the labels.
        class: f64,
        /// Rows or groups.
        what: &'static str,
        /// How many have the class.
        found: usize,
        /// Folds asked for.
        folds: usize,
    },

    // ---- outside
    /// The model or the data set refused.
    #[error(transparent)]
    Core(#[from] tenure_core::Error),
}

impl Error {
    pub(crate) fn parameter(name: &'static str, value: impl ToString, expected: &'static str) -> Self {
        Self::Parameter { name, value: value.to_string(), expected }
    }

    pub(crate) fn undefined(figure: &'static str, reason: impl Into<String>) -> Self {
        Self::Undefined { figure, reason: reason.into() }
    }

    /// Whose fault this is.
    #[must_use]
    pub fn kind(&self) -> tenure_core::ErrorKind {
        match self {
            Self::Core(error) => error.kind(),
            Self::Lengths { .. } | Self::Parameter { .. } | Self::TooManyFolds { .. } => {
                tenure_core::ErrorKind::Caller
            }
            _ => tenure_core::ErrorKind::Data,
        }
    }
}

/// Lets domain crates pass an evaluation error on through the contract's error type.
impl From<Error> for tenure_core::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Core(error) => error,
            Error::Lengths { what, expected, found } => Self::Shape { what, expected, found },
            Error::Parameter { name, value, expected } => {
                Self::Parameter { name, value, expected: expected.into() }
            }
            other => Self::Data(other.to_string()),
        }
    }
}
