//! The choice of a learner as plain data, and the suite that every learner passes.
//!
//! [`Backend`] is a serialisable value; [`Backend::check`] turns it into a [`Learner`], whose fit gives a
//! `Box<dyn Model>`. Code above this crate names no learner, so changing it is changing one value:
//!
//! ```
//! use ndarray::Array2;
//! use tenure_backends::Backend;
//! use tenure_core::{Dataset, Feature, FitContext, Schema, Target};
//!
//! let schema = Schema::new(vec![Feature::numeric("x", "", "The only input")])?;
//! let x = Array2::from_shape_fn((200, 1), |(i, _)| i as f64);
//! let y = (0..200).map(|i| f64::from(u8::from(i > 120))).collect();
//! let data = Dataset::new(schema, x)?.with_target(Target::binary("y", y)?)?;
//!
//! for name in ["gbdt", "logistic"] {
//!     let learner = Backend::by_name(name)?.check()?;
//!     let fitted = learner.fit(&data, None, &FitContext::new(42))?;
//!     assert!(fitted.model.predict(data.x())?[[199, 0]] > 0.9);
//! }
//! # Ok::<(), tenure_core::Error>(())
//! ```
//!
//! Learners of other libraries stand behind features, all off by default, under the same names of parameters:
//!
//! | feature | backends | needs to build |
//! |---|---|---|
//! | `lightgbm` | `lightgbm` | a C++ compiler, cmake 3.28 or newer, libclang |
//! | `xgboost` | `xgboost` | a C++ compiler, cmake 3.14 to 3.31, libclang |
//! | `linfa` | `linfa-logistic`, `linfa-forest` | – |
//! | `smartcore` | `smartcore-logistic`, `smartcore-forest` | – |
//!
//! A learner of your own implements [`Learner`] and [`Model`]; [`conformance`] tells whether it keeps the
//! contract.

pub mod average;
mod backend;
mod blend;
pub mod calibrated;
pub mod conformance;
pub mod glm;
#[cfg(feature = "lightgbm")]
pub mod lightgbm;
#[cfg(feature = "linfa")]
pub mod linfa;
pub mod logistic;
#[cfg(any(feature = "lightgbm", feature = "xgboost", feature = "linfa", feature = "smartcore"))]
mod outside;
pub mod search;
#[cfg(feature = "smartcore")]
pub mod smartcore;
pub mod tune;
#[cfg(feature = "xgboost")]
pub mod xgboost;

pub use backend::{Backend, load};
pub use blend::{Blend, BlendMember, BlendParams};
pub use calibrated::CalibratedModel;
pub use tenure_core::{Learner, Model};
pub use tenure_gbdt::{CategoricalParams, ForestParams, GbdtParams, Objective};
pub use tenure_neural::{Activation, MlpParams, TrainingParams};

pub use crate::glm::GlmParams;
pub use crate::logistic::LogisticParams;
