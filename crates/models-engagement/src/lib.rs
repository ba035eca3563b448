//! Message engagement: how likely a recipient engages with a message, why, and when to send it.
//!
//! ```no_run
//! use tenure_core::FitContext;
//! use tenure_engagement::{EngagementParams, SendTimeRequest, train};
//! use tenure_features::contacts::{WINDOW_HOURS, message_set};
//! # use tenure_features::contacts::{ContactLog, MessageRow};
//! # fn read() -> (ContactLog, MessageRow) { unimplemented!() }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (log, message) = read();
//! let context = FitContext::new(42);
//! let messages = message_set(&log, WINDOW_HOURS, None, &context)?;
//! let trained = train(messages.data(), &EngagementParams::default(), &context)?;
//! println!("AUC on recipients held out: {:.3}", trained.report.held_out.roc_auc);
//!
//! let decision = trained.model.decide_message("M1", &message, &SendTimeRequest::default())?;
//! println!("{:.0} %: {}", 100.0 * decision.engagement_probability, decision.send_time.verdict);
//! # Ok(())
//! # }
//! ```
//!
//! * **The probability** is a calibrated learner's (by default a logistic regression) on columns made of the 27
//!   features of a message: the time as cycles, logarithms of counts and lengths, and the recipient's past as rates
//!   that are pooled with everyone's by a hierarchical beta-binomial model ([`Strengths`]), so that two of two does
//!   not shout. Explanations are of the 27 features.
//! * **The send time** is judged by a logistic regression beside it, which can say how sure it is: all 168 hours of the
//!   week are compared with the planned one, and the gain of the best has an interval that holds although it was
//!   picked for looking best. Where the data do not show a difference, the answer is to send as planned
//!   ([`SendTime`]). The interval is made for any contrast of the time terms and errs on the safe side: single
//!   messages are rarely shown to gain, campaigns sooner ([`best_times_for_campaign`]).
//! * **Tables of one's own** need a binary target and columns that say when a message was sent ([`TimeColumns`]).
//! * **Opens alone**, without what was sent, say when recipients open and no more: [`open_times`].
//!
//! What is compared was not drawn at random: who is written to in the evening may differ from who is written to in the
//! morning in ways that no column tells. A gain is what such messages have more, all else equal, and no promise.

mod campaign;
mod columns;
mod decision;
mod error;
mod evaluate;
mod expand;
mod judge;
mod model;
pub mod open_times;
mod params;
mod past;
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
