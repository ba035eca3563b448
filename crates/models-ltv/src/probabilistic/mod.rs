//! Probabilistic models of buying.

mod ahead;
mod beta;
mod bg_bb;
mod bg_bb_ahead;
mod bg_nbd;
mod bg_nbd_ahead;
mod covariates;
mod effects;
mod estimates;
mod fit;
mod forecast;
mod gamma_gamma;
mod newton;
mod pareto_nbd;
mod pareto_nbd_ahead;
mod quadrature;
mod rising;
mod served;
mod spend_table;
mod strata;
mod summary;
mod threads;

pub use ahead::{ForecastParams, PurchaseModel};
pub use bg_bb::{BgBb, BgBbParams, Opportunities};
pub use bg_nbd::{BgNbd, BgNbdParams};
pub use covariates::Covariates;
pub use estimates::{Estimate, Estimates, FitParams};
pub use forecast::{PurchaseForecast, ValueForecast, purchases, purchases_by, value, value_by};
pub use gamma_gamma::{GammaGamma, GammaGammaParams};
pub use pareto_nbd::{ParetoNbd, ParetoNbdParams};
pub use served::{CustomerValueModel, Purchases};
pub use summary::{Summaries, Summary, TimeUnit};
