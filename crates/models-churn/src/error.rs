//! What can go wrong between a log and a decision.

use tenure_features::Timestamp;

/// Shorthand for a result with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What churn training, prediction and evaluation can refuse; each part keeps its own words.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// From the contract: parameters, data, artifacts, cancellation.
    #[error(transparent)]
    Core(#[from] tenure_core::Error),
    /// From the event log: no orders in range, an instant that is not covered, an unknown customer.
    #[error(transparent)]
    Features(#[from] tenure_features::Error),
    /// From the metrics.
    #[error(transparent)]
    Eval(#[from] tenure_eval::Error),
    /// A customer for whom churn is not defined.
    #[error(
        "customer `{customer}` cannot be scored as of {as_of}: {orders} orders before it, {recent} of them in the \
         last {observation_days} days; at least {min_orders} and 1 are needed"
    )]
    OutsidePopulation {
        /// Id of the customer.
        customer: String,
        /// The instant.
        as_of: Timestamp,
        /// Orders before it.
        orders: u64,
        /// Those within the observation window.
        recent: u64,
        /// Orders that are needed.
        min_orders: u32,
        /// Length of the observation window.
        observation_days: u32,
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
            Self::OutsidePopulation { .. } => tenure_core::ErrorKind::Data,
        }
    }
}
