//! Marketplace health: one network that answers several questions about a customer, what drives the answers, and whom
//! to alert.
//!
//! Two published profiles of the network read the rows of
//! [`Profile`](tenure_features::marketplace::Profile): `guide` (59 features, five tasks) and `sagemaker` (150
//! features, the same tasks and the supply and demand of 20 subjects). [`HealthParams`] changes depth, widths, dropout,
//! penalties and task weights, or takes a network of any shape over features of your own.
//!
//! * [`HealthRun`] trains, epoch by epoch; a killed training goes on from its last checkpoint to the same bits.
//! * [`HealthModel::decide`] answers for one customer: [`HealthPrediction`].
//! * [`alerts`] turns predictions into alerts, and outcomes into figures of alerts.
//! * [`evaluate`] judges a model beside baselines, by segment and, on synthetic data, beside the best attainable;
//!   [`report`] makes a page of it.

pub mod alerts;
mod benchmark;
mod decision;
mod error;
mod evaluate;
mod figures;
mod model;
mod params;
mod report;
mod train;

pub use benchmark::{Benchmark, Verdict, benchmarks};
pub use decision::{Attribution, FeatureImportance, HealthPrediction, MOST_IMPORTANT};
pub use error::{Error, Result};
pub use evaluate::{Baselines, Evaluation, HealthFigures, SegmentFigures, TrueValues, evaluate};
pub use figures::{BinaryFigures, NumberFigures, Task, TaskFigures, TaskMap, task_figures};
pub use model::{HealthModel, HealthSettings, Normalization};
pub use params::{Architecture, HealthParams, SharedLayer, TaskWeights};
pub use report::report;
pub use train::{HealthEpoch, HealthRun, LEAST_ROWS, TrainReport, Trained, history_by_name};
