//! Message engagement: how likely a recipient engages with a message, why, and when to send it.

mod campaign;
mod decision;
mod error;
mod evaluate;
mod expand;
mod judge;
mod model;
pub mod open_times;
mod params;
mod pooling;
mod report;
mod send_time;
mod train;
mod week;

pub use campaign::{CampaignPlan, PlanChoice, TimeCount, best_times_for_campaign};
pub use decision::{EngagementFactors, EngagementPrediction, Interval};
pub use error::{Error, Result};
pub use evaluate::{Baselines, EngagementFigures, Evaluation, OracleFigures, evaluate};
pub use judge::TimeTest;
pub use model::{EngagementModel, EngagementSettings};
pub use params::{EngagementParams, TimeColumns};
pub use pooling::Strengths;
pub use report::report;
pub use send_time::{Gain, SeenTimes, SendSlot, SendTime, SendTimeRequest, TimeScore};
pub use train::{LEAST_ROWS, TrainReport, Trained, train};
pub use week::{QuietHours, WeekTime};
