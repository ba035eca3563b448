//! Customer analytics as one crate: from events to decisions, and the parts they are made of.
//!
//! Orders pushed from memory, a model, a decision about one customer:
//!
#![cfg_attr(feature = "churn", doc = "```")]
#![cfg_attr(not(feature = "churn"), doc = "```ignore")]
//! use tenure::FitContext;
//! use tenure::churn::{ChurnParams, ChurnScorer, train};
//! use tenure::features::{OrderLine, OrderLogBuilder, Timestamp};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let start: Timestamp = "2023-01-01".parse()?;
//!     let mut orders = OrderLogBuilder::new();
//!     for customer in 0..300 { // your orders here; these customers have a rhythm and a last day
//!         let (every, last) = (10 + customer % 40, 250 + customer * 37 % 480);
//!         for day in (customer % 30..last).step_by(every as usize) {
//!             orders.push(OrderLine::new(&format!("C{customer:03}"), start.plus_days(day), 25.0));
//!         }
//!     }
//!     let log = orders.build()?;
//!     let trained = train(&log, &ChurnParams::default(), None, &FitContext::new(42))?;
//!     let decision = ChurnScorer::new(trained.model)?.score(&log, "2024-12-01".parse()?, "C009")?;
//!     println!("{:.0} %: {}", 100.0 * decision.churn_probability, decision.recommendation);
//!     Ok(())
//! }
//! ```
//!
//! The contract ([`Model`], [`Learner`], [`Dataset`], [`FitContext`], …) is at the root. Everything else is a
//! module behind the cargo feature of the same name; each is a crate of its own (`tenure-churn`, …) that can be
//! taken alone.
//!
//! | feature | default | module |
//! |---|---|---|
//! | `churn` | yes | [`churn`](https://docs.rs/tenure-churn): order log to churn decision |
//! | `features` | with `churn` | [`features`](https://docs.rs/tenure-features): event logs, as-of features, snapshots |
//! | `backends` | with `churn` | [`backends`](https://docs.rs/tenure-backends): learners as plain data, tuning, conformance suite |
//! | `gbdt` | with `churn` | [`gbdt`](https://docs.rs/tenure-gbdt): gradient boosting with explanations |
//! | `eval` | with `churn` | [`eval`](https://docs.rs/tenure-eval): metrics, splits, calibration, thresholds, reports |
//! | `ltv` | no | [`ltv`](https://docs.rs/tenure-ltv): order log to customer lifetime value |
//! | `lead` | no | [`lead`](https://docs.rs/tenure-lead): what is known of a lead to a score |
//! | `engagement` | no | [`engagement`](https://docs.rs/tenure-engagement): message and recipient to a probability and the best time |
//! | `health` | no | [`health`](https://docs.rs/tenure-health): marketplace customers to health, risks and alerts |
//! | `study-time` | no | [`study_time`](https://docs.rs/tenure-study-time): student, topic and session to hours |
//! | `neural` | no | [`neural`](https://docs.rs/tenure-neural): networks of several tasks |
//! | `io` | no | [`io`](https://docs.rs/tenure-io): CSV, JSONL and Parquet |
//! | `synth` | no | [`synth`](https://docs.rs/tenure-synth): synthetic orders, contacts, marketplace customers and study sessions with a known truth |

#[cfg(feature = "backends")]
pub use tenure_backends as backends;
#[cfg(feature = "churn")]
pub use tenure_churn as churn;
pub use tenure_core::*;
#[cfg(feature = "engagement")]
pub use tenure_engagement as engagement;
#[cfg(feature = "eval")]
pub use tenure_eval as eval;
#[cfg(feature = "features")]
pub use tenure_features as features;
#[cfg(feature = "gbdt")]
pub use tenure_gbdt as gbdt;
#[cfg(feature = "health")]
pub use tenure_health as health;
#[cfg(feature = "io")]
pub use tenure_io as io;
#[cfg(feature = "lead")]
pub use tenure_lead as lead;
#[cfg(feature = "ltv")]
pub use tenure_ltv as ltv;
#[cfg(feature = "neural")]
pub use tenure_neural as neural;
#[cfg(feature = "study-time")]
pub use tenure_study_time as study_time;
#[cfg(feature = "synth")]
pub use tenure_synth as synth;

/// The matrix library whose types the contract speaks, in the version it speaks.
pub use ndarray;

/// Compiles and runs the program in the README.
#[cfg(all(doctest, feature = "churn"))]
#[doc = include_str!("../../../README.md")]
struct Readme;
