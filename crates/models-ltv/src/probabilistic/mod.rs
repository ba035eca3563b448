//! Probabilistic models of buying.

mod bg_nbd;
mod covariates;
mod estimates;
mod fit;
mod newton;
mod rising;
mod summary;
mod threads;

pub use bg_nbd::{BgNbd, BgNbdParams};
pub use covariates::Covariates;
pub use estimates::{Estimate, Estimates, FitParams};
pub use summary::{Summaries, Summary, TimeUnit};
