//! Customers of a marketplace of tutors, whose every label has a known truth that can be learned.
//!
//! # The model
//!
//! σ is the logistic function, N a standard normal draw, fresh wherever it stands.
//!
//! **Hidden state.** A customer has a [segment](tenure_features::marketplace::Segment) and a mood m ~ N. Traits are
//! normal around the segment's means, 0.6 m + 0.8 N deviations away:
//!
//! | | thriving | healthy | at risk | churned |
//! |---|---|---|---|---|
//! | sessions a week | 2.5 ± 0.5 | 1.5 ± 0.5 | 0.5 ± 0.3 | 0 for 25 to 60 days |
//! | rating | 4.5 ± 0.3 | 4.0 ± 0.4 | 3.5 ± 0.5 | 3.0 ± 0.6 |
//! | logins a week | 8 ± 2 | 5 ± 2 | 2 ± 1 | 0 for 15 to 60 days |
//! | inbound calls in 14 days, times e^(−0.5 m − 0.125) | 0.2 | 0.5 | 1.5 | 2.5 |
//! | share of payments that go through | 0.95 – 1 | 0.9 – 0.98 | 0.7 – 0.9 | 0.4 – 0.7 |
//! | share of sessions cancelled, about | 0.10 | 0.17 | 0.28 | 0.35 |
//!
//! **History.** From these the last 120 days are drawn event by event: sessions that were due (more regular than a
//! Poisson process) and what became of each, stars, payments, logins, messages, calls and their tone. The features
//! are counted out of it. So they agree with each other: a longer window holds the shorter one, the days since the
//! last session fit the counts, trends are differences of what stands beside them. One in 25 first sessions was not
//! judged and is missing, as are the days since a call where there was none.
//!
//! **Market.** For each of 20 subjects: hours offered and asked for, the share of requests met, the trend of the
//! demand. A season is common to all subjects, fashions to those of a kind.
//!
//! **Labels.** Each is drawn from a probability or an expected value that is a smooth function of the *features* of
//! [`GuideRow`](tenure_features::marketplace::GuideRow), with products of them in it; the formulas are in `truth.rs`.
//! With s the `noise`:
//! * leaving within 30 days has the probability p = σ(risk / s); within 14 days p · σ(urgency / s), with the same
//!   draw, so that who leaves within 14 days leaves within 30;
//! * the next first session goes well with σ(fit / s);
//! * the health score is 100 × a beta draw of mean μ and variance μ (1 − μ) / (105 / s² + 1);
//! * the velocity is a gamma draw of mean v and variance 0.0115 s² v;
//! * supply and demand of a subject (wide profile) is its expected value + 0.25 s N.
//!
//! No label is a function of a single feature, and none is among the features: the feature
//! `first_session_success` is about a past first session, the target about the next one.
//!
//! # The truth
//! A number has two: its expected value, with the least squared error, and its median, with the least absolute error.
//! Because labels depend on the features alone, those probabilities and expected values are what nobody can beat and
//! everybody can come near: the [oracle](MarketplaceOracle) of this world is *attainable*. With default parameters its
//! expected figures are: AUC 0.963 (14 days) and 0.975 (30 days), first sessions 93.5 % right, MAE of health 3.15
//! points, of velocity 0.09 sessions a week. From 7,000 rows boosted trees reach 99 % of its lift over chance.
//!
//! # When not to use it
//! To learn something about people: the formulas are made up.
//!
//! # Example
//! ```
//! use tenure_features::marketplace::CHURN_RISK_30D;
//! use tenure_synth::marketplace::{OracleTally, Part, TargetFigures};
//! use tenure_synth::MarketplaceParams;
//!
//! let world = MarketplaceParams { customers: 2000, ..MarketplaceParams::default() }.check()?;
//! let batch = world.generate(42, 1)?;
//! assert_eq!(batch.part(Part::Train).data.rows(), 1400);
//! let mut tally = OracleTally::default();
//! tally.add(&batch);
//! let oracle = tally.figures();
//! assert!(matches!(oracle.get(CHURN_RISK_30D), Some(TargetFigures::Binary(of)) if of.auc > Some(0.9)));
//! # Ok::<(), tenure_core::Error>(())
//! ```

mod history;
mod market;
mod oracle;
mod params;
mod person;
mod row;
mod summary;
mod truth;
mod world;

pub use oracle::{MarketplaceOracle, OracleTally, TargetFigures, ValueFigures};
pub use params::MarketplaceParams;
pub use summary::{MarketplaceSummary, ValueRange};
pub use world::{MarketplaceBatch, MarketplaceWorld, Part};

use crate::contacts::{exponential, logistic, normal};

/// To four places, as such figures are kept.
fn tidy(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
