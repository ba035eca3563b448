//! What can go wrong between sessions and hours.

/// Shorthand for a result with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What training, prediction and evaluation can refuse; each part keeps its own words.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// From the contract: parameters, data, rows, artifacts, cancellation.
    #[error(transparent)]
    Core(#[from] tenure_core::Error),
    /// From the sessions and their encoding.
    #[error(transparent)]
    Features(#[from] tenure_features::Error),
    /// From the metrics and splits.
    #[error(transparent)]
    Eval(#[from] tenure_eval::Error),
    /// All rows have the same target, so that there is nothing to learn.
    #[error("all {rows} rows of target `{target}` are {value}: there is nothing to learn from equal numbers")]
    EqualTargets {
        /// Name of the target.
        target: String,
        /// The number that all have.
        value: f64,
        /// Number of rows.
        rows: usize,
    },
}

impl Error {
    /// Whose fault it is.
    #[must_use]
    pub fn kind(&self) -> tenure_core::ErrorKind {
        match self {
            Self::Core(e) => e.kind(),
            Self::Features(e) => e.kind(),
            Self::Eval(e) => e.kind(),
            Self::EqualTargets { .. } => tenure_core::ErrorKind::Data,
        }
    }
}
