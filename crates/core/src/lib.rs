//! The contract every part of tenure is built on.
//!
//! * [`Schema`] and [`Dataset`]: named, typed, described columns; one row-major `f64` matrix; missing is NaN.
//! * [`TypedRow`]: a row as a Rust struct; schema, JSON names and checks follow from it.
//! * [`Learner`] (checked parameters, ready to fit) and [`Model`] (what fitting returns): two traits, both
//!   object-safe, so that an application, an evaluation or a server holds a `Box<dyn Model>` and knows no
//!   backend.
//! * [`FitContext`]: seed, threads, progress and cancellation of one fit.
//! * [`Explanation`]: an additive account of one output of one row.
//! * [`Artifact`]: a fitted model as plain data, and the crash-safe, checksummed directory it is stored in.
//! * [`Error`]: what can go wrong, sorted by whose fault it is.
//!
//! This crate reads no clock and no environment, prints nothing and draws no random numbers: seed, time and
//! thread count are always arguments. Only [`Artifact::save`] and [`Artifact::load`] touch the file system.
//!
//! # Example
//!
//! A data set of two rows with one numeric and one categorical feature:
//!
//! ```
//! use tenure_core::{Dataset, Feature, Schema, Target};
//!
//! let schema = Schema::new(vec![
//!     Feature::numeric("recency_days", "days", "Days since the last purchase"),
//!     Feature::categorical("channel", ["web", "shop"], "Channel of the last purchase"),
//! ])?;
//! let x = ndarray::array![[3.0, 0.0], [f64::NAN, 1.0]]; // a category is the index of its level
//! let data = Dataset::new(schema, x)?.with_target(Target::binary("churned", vec![0.0, 1.0])?)?;
//! assert_eq!((data.rows(), data.schema().len()), (2, 2));
//! # Ok::<(), tenure_core::Error>(())
//! ```

mod artifact;
mod dataset;
mod error;
mod explain;
mod fit;
mod model;
pub mod params;
pub mod row;
mod schema;
pub mod seed;

pub use artifact::{Artifact, Metadata, Parts};
pub use dataset::{Dataset, Target, TargetKind};
pub use error::{Error, ErrorKind, Result};
pub use explain::{Explanation, Reason, Scale};
pub use fit::{
    CancelToken, FitContext, FitReport, Fitted, Iteration, Learner, Progress, ProgressSink, StopReason,
};
pub use model::{
    Capabilities, MissingPolicy, Model, Output, OutputKind, check_batch, check_explained, check_input,
    check_row,
};
pub use row::{RowProblem, TypedRow};
pub use schema::{Feature, FeatureKind, Schema};
