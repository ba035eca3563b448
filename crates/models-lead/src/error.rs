//! What can go wrong between rows and a score.

/// Shorthand for a result with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What lead training, scoring and evaluation can refuse; each part keeps its own words.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// From the contract: parameters, data, rows, artifacts, cancellation.
    #[error(transparent)]
    Core(#[from] tenure_core::Error),
    /// From the metrics and splits.
    #[error(transparent)]
    Eval(#[from] tenure_eval::Error),
    /// All leads have the same score, so that there is nothing to learn.
    #[error("all {rows} rows of target `{target}` are {score}: there is nothing to learn from equal scores")]
    EqualScores {
        /// Name of the target.
        target: String,
        /// The score that all have.
        score: f64,
        /// Number of rows.
        rows: usize,
    },
    /// The target says neither a score nor whether a lead converted.
    #[error("target `{target}` has several classes; a lead has a score from 0 to 100, or converts or not")]
    NoGoal {
        /// Name of the target.
        target: String,
    },
}

impl Error {
    /// Whose fault it is.
    #[must_use]
    pub fn kind(&self) -> tenure_core::ErrorKind {
        match self {
            Self::Core(e) => e.kind(),
            Self::Eval(e) => e.kind(),
            Self::EqualScores { .. } | Self::NoGoal { .. } => tenure_core::ErrorKind::Data,
        }
    }
}
