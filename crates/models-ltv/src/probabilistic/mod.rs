//! Probabilistic models of buying.

mod bg_bb;
mod bg_nbd;
mod covariates;
mod estimates;
mod fit;
mod gamma_gamma;
mod newton;
mod pareto_nbd;
mod quadrature;
mod rising;
mod summary;
mod threads;

pub use bg_bb::{BgBb, BgBbParams, Opportunities};
pub use bg_nbd::{BgNbd, BgNbdParams};
pub use covariates::Covariates;
pub use estimates::{Estimate, Estimates, FitParams};
pub use gamma_gamma::{GammaGamma, GammaGammaParams};
pub use pareto_nbd::{ParetoNbd, ParetoNbdParams};
pub use summary::{Summaries, Summary, TimeUnit};
