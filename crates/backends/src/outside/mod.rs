//! What the learners of others have in common: rows as they take them, losses and links, boosting rounds, and
//! the plain models that trees and coefficients become.
//!
//! Each of those libraries has its own way with labels, weights and missing values. An adapter asks [`Rows`] for
//! the rows that are to be learned from, hands them over, and answers through the functions here, so that every
//! backend treats an unknown label, a refused weight or an unknown category in the same way.

#[cfg(any(feature = "lightgbm", feature = "xgboost"))]
mod constraints;
#[cfg(any(feature = "linfa", feature = "smartcore"))]
mod encode;
#[cfg(any(feature = "linfa", feature = "smartcore"))]
pub(crate) mod linear;
#[cfg(any(feature = "lightgbm", feature = "xgboost"))]
pub(crate) mod rounds;
mod rows;
mod task;
#[cfg(any(feature = "linfa", feature = "smartcore"))]
pub(crate) mod trees;

#[cfg(any(feature = "lightgbm", feature = "xgboost"))]
pub(crate) mod stored;

#[cfg(any(feature = "lightgbm", feature = "xgboost"))]
pub(crate) use constraints::directions;
pub(crate) use rows::Rows;
#[cfg(any(feature = "lightgbm", feature = "xgboost"))]
pub(crate) use rows::{in_blocks, known_values};
pub(crate) use task::Task;
