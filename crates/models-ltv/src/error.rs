//! What can go wrong between a log and a value.

/// Shorthand for a result with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What fitting and forecasting can refuse; each part keeps its own words. Rows are counted from 0.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// From the contract: parameters, data, artifacts, cancellation.
    #[error(transparent)]
    Core(#[from] tenure_core::Error),
    /// From the event log.
    #[error(transparent)]
    Features(#[from] tenure_features::Error),
    /// A customer whose value is not modelled.
    #[error(
        "customer `{customer}` cannot be valued as of {as_of}: {orders} orders before it, {recent} of them in the \
         last {observation_days} days; at least {min_orders} and 1 are needed"
    )]
    OutsidePopulation {
        /// Id of the customer.
        customer: String,
        /// The instant.
        as_of: tenure_features::Timestamp,
        /// Orders before it.
        orders: u64,
        /// Those within the observation window.
        recent: u64,
        /// Orders that are needed.
        min_orders: u32,
        /// Length of the observation window.
        observation_days: u32,
    },
    /// A customer's summary that contradicts itself.
    #[error("customer summary, row {row}: {field} is {value}; expected {expected}")]
    Summary {
        /// Row of the customer.
        row: usize,
        /// The number that is wrong.
        field: &'static str,
        /// What it is.
        value: f64,
        /// What is accepted, in words.
        expected: &'static str,
    },
    /// The likelihood grows without end towards an edge of the parameters: the data cannot tell them.
    #[error(
        "{model}: the likelihood has no inner maximum ({meaning}); it grows towards {parameters}. \
         An L2 penalty gives finite parameters"
    )]
    NoInnerOptimum {
        /// Name of the model.
        model: &'static str,
        /// What that says about the customers.
        meaning: String,
        /// The parameters reached, as text.
        parameters: String,
    },
    /// The search ended before the gradient vanished.
    #[error("{model}: not converged after {iterations} iterations; largest slope {slope:e}")]
    NotConverged {
        /// Name of the model.
        model: &'static str,
        /// Iterations done.
        iterations: usize,
        /// Largest derivative of the mean log-likelihood by a log-parameter.
        slope: f64,
    },
    /// The model has no finite mean for a customer.
    #[error(
        "customer summary, row {row}: the mean spend is not finite, since p·x + q = {shape} of the Gamma-Gamma \
         model is not above 1"
    )]
    InfiniteMean {
        /// Row of the customer.
        row: usize,
        /// Shape of the customer's posterior.
        shape: f64,
    },
}

impl From<tenure_eval::Error> for Error {
    fn from(error: tenure_eval::Error) -> Self {
        Self::Core(error.into())
    }
}

/// What the domain models and the command line hand on; the message stays the same.
impl From<Error> for tenure_core::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Core(inner) => inner,
            Error::Features(inner) => inner.into(),
            other => Self::Data(other.to_string()),
        }
    }
}

impl Error {
    /// Whose fault it is.
    #[must_use]
    pub fn kind(&self) -> tenure_core::ErrorKind {
        match self {
            Self::Core(e) => e.kind(),
            Self::Features(e) => e.kind(),
            _ => tenure_core::ErrorKind::Data,
        }
    }
}
