//! Customer lifetime value: how much a customer will buy, what that is worth, and how sure it is.
//!
//! * [`probabilistic`]: models of when customers buy and leave (BG/NBD, Pareto/NBD, BG/BB) and of what they
//!   spend (Gamma-Gamma). They need nothing but who ordered when and for how much.
//!
//! # Example
//!
//! ```
//! use tenure_core::FitContext;
//! use tenure_ltv::probabilistic::{
//!     BgNbd, FitParams, ForecastParams, GammaGamma, Summaries, TimeUnit, value,
//! };
//!
//! // Repeat purchases, weeks from the first to the last, weeks since the first, mean spend; `Summaries::from_log`
//! // makes them from an order log.
//! let customers = Summaries::new(
//!     &[0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 1.0, 7.0, 3.0, 1.0],
//!     &[0.0, 0.0, 0.0, 0.0, 2.0, 30.4, 33.1, 29.4, 9.0, 20.0],
//!     &[39.0, 38.0, 39.0, 30.0, 38.9, 38.9, 35.0, 38.9, 36.0, 39.0],
//! )?
//! .with_mean_spend(vec![0.0, 0.0, 0.0, 0.0, 11.8, 22.4, 20.0, 73.7, 30.0, 45.0])?;
//!
//! // Ten customers tell little: a slight penalty keeps the parameters finite.
//! let params = FitParams { l2: 0.01, ..FitParams::default() };
//! let context = FitContext::new(42);
//! let purchases = BgNbd::fit(&customers, &params, &context)?;
//! let spend = GammaGamma::fit(&customers, &params, &context)?;
//!
//! let year = ForecastParams { discount: 0.01, ..ForecastParams::months(12, TimeUnit::Week) };
//! let forecasts = value(&purchases.params(), &spend.params(), &customers, &year, None)?;
//! let best = &forecasts[7];
//! assert!(best.value_low <= best.value && best.value <= best.value_high);
//! # Ok::<(), tenure_ltv::Error>(())
//! ```

mod error;
pub mod probabilistic;

pub use error::{Error, Result};
