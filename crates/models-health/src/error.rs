//! What can go wrong between rows and a prediction.

/// Shorthand for a result with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What training, prediction and evaluation can refuse; each part keeps its own words.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// From the contract: parameters, data, rows, artifacts, cancellation.
    #[error(transparent)]
    Core(#[from] tenure_core::Error),
    /// From the metrics.
    #[error(transparent)]
    Eval(#[from] tenure_eval::Error),
}

impl Error {
    /// Whose fault it is.
    #[must_use]
    pub fn kind(&self) -> tenure_core::ErrorKind {
        match self {
            Self::Core(e) => e.kind(),
            Self::Eval(e) => e.kind(),
        }
    }
}
