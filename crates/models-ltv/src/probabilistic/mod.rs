//! Models of buying with a few parameters each, fitted by maximum likelihood.
//!
//! | model | purchases | leaving | source |
//! |---|---|---|---|
//! | [`BgNbd`] | at random times | after a purchase, with a probability | Fader, Hardie & Lee 2005a |
//! | [`ParetoNbd`] | at random times | at any time, at a rate | Schmittlein, Morrison & Colombo 1987 |
//! | [`BgBb`] | at given opportunities | before an opportunity, with a probability | Fader, Hardie & Shang 2010 |
//! | [`GammaGamma`] | what a purchase is worth | | Fader, Hardie & Lee 2005b |
//!
//! **When to use them.** Customers without a contract, whose leaving nobody sees, and of whom little more than
//! their orders is known. The first purchase of a customer is birth and not counted. The models know no season
//! and no trend: a year that is unlike the last one, or customers observed from an arbitrary day on and not
//! from their first purchase, will be forecast wrongly. Spend must not go with frequency (correlate the two
//! before using [`GammaGamma`]).
//!
//! **Fits.** [`Summaries`] or [`Opportunities`] and [`FitParams`] give a model with [`Estimates`]: standard errors
//! from the observed information, intervals, log-likelihood. Times are scaled to a mean age of 1, equal customers
//! are counted and worked on once, and Newton's method in a trust region takes analytic gradients and Hessians
//! by the logarithms of the parameters; it ends at the same optimum from any start, or with
//! [`Error::NoInnerOptimum`](crate::Error::NoInnerOptimum), which says what the data lack.
//! [`Covariates`] shift the rates of BG/NBD and Pareto/NBD.
//!
//! **Forecasts.** [`PurchaseModel`] answers for one customer; [`purchases`] and [`value`] for many, with
//! predictive intervals, in parallel, and with the same bits at any number of threads and in any company. What
//! depends on frequency and age alone is computed once for all who share them: a million customers whose times
//! are whole days take less than a quarter of the time of a million with a time of their own each.
//! [`CustomerValueModel`] puts it all behind [`tenure_core::Model`].

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
