//! Contacts with conversations, messages, leads and purchases, whose every label has a known probability.
//!
//! # The model
//!
//! σ is the logistic function, N a standard normal draw, fresh wherever it stands.
//!
//! **Traits.** A contact has an intent i ~ N, a warmth w ~ N, a best hour h ~ 18 + 2N, a liking for weekends and for
//! each content ~ N, and a usual amount of purchases. It becomes known uniformly over the log up to 62 days before
//! its end.
//!
//! **States.** attached → drifting → gone, each for an exponential time (`attached_days`, `drifting_days`). An
//! attached contact buys at the rate e^(0.3 i) / `purchase_gap_days`, a drifting one `drifting_slowdown` times more
//! rarely, a gone one never; each purchase falls on the contact's hours of its day.
//!
//! **What shows of the intent.** Not one reading is exact; together they tell it well:
//! * profile: 0.55 + 0.2 i + 0.07 N, in tenths; opted in with σ(0.8 + 1.2 i);
//! * messages of the contact: ln length 4.5 + 0.5 i + 0.2 N, tone 0.1 + 0.35 i + 0.15 N (lower in tickets and while
//!   drifting), urgency 0.45 + 0.18 i + 0.08 N (higher in tickets);
//! * ln hours to an answer 1 − 0.8 i + 0.3 N (longer while drifting), to an opening 0.3 − 0.5 i + 0.6 N (below 24);
//!   an opened message is answered with σ(1.2 + i), clicked, where it has a link, with σ(0.3 + 1.5 i);
//! * purchases, by their rate.
//!
//! **Conversations** have an exact number of messages. That of a lead begins when the contact becomes known; the
//! others (four in ten are tickets) at a time of their own. In the first kind and in tickets the contact writes
//! first, if it is not gone. Then our messages go out at planned times, one to three days apart, until no message
//! is left; each that is opened may be answered before the next.
//!
//! **Engagement.** Our messages are opened within [`ENGAGEMENT_HOURS`] with the probability σ(s·(1.5 + quality +
//! liking − 0.2 j) − 1.5·drifting), 0 once gone, where s is `engagement_strength`, j ≤ 5 counts our earlier messages
//! of the conversation (fatigue), *quality* is −1.3 length + 0.9 tone − 0.9 urgency (in deviations) ± 1.2
//! personalised ± 0.6 link ± 0.7 media, and *liking* is 2.2 cos(2π (hour − h)/24) + (at weekends) −1.1 + 0.4 N +
//! (promotional −1.6, support 1.3, informational 1.1) + 0.2 N + 0.4 w, each N being the contact's own. Clicks and
//! answers follow an opening, so that *engaged with* is *opened*.
//!
//! **Leads.** The expected score is m + (100 − 2m)·σ(2 i) with m = √6·`score_noise`; the score adds triangular noise of
//! deviation `score_noise`, which therefore never leaves 0 to 100. A lead converts with σ(1.6 i − 1.2), uniformly 1
//! to 30 days after its creation, and then buys.
//!
//! **Totals.** Contacts are cut into blocks of 64. A block's part of each total is what is due to all contacts up to
//! its end, rounded down, less what was due to those before it (of further messages: due to their conversations).
//! So the totals are exact, a block needs to know nothing of the others, and memory does not grow. Within a block,
//! leads and conversations go by lot and messages in proportion to e^(0.4 i) times an exponential draw, by largest
//! remainders.
//!
//! # The truth
//! * A lead's expected score and conversion probability, a message's engagement probability: the numbers above.
//! * A contact's [churn probability](ContactLife::churn_probability): with v the probabilities of (state, nothing
//!   heard so far), v moves between our planned messages by exp(D x), D = Q − Λ upper triangular (Q the hazards of the
//!   path, Λ the rates of purchases), in closed form; at a message it loses those who open it, at the planned
//!   beginning of a ticket those who are not gone, and at the end the share of pending leads that convert.
//!
//! The truth knows traits, states and our plans. A model sees none of them: it cannot be expected to reach the
//! [oracle](ContactWorld::oracle), only to come near it.
//!
//! # When not to use it
//! To learn something about people: the formulas are made up. They express each hidden trait strongly and in
//! several ways, so that ordinary learners can find it at the usual counts.
//!
//! # Example
//! ```
//! use tenure_features::contacts::ContactPlan;
//! use tenure_synth::ContactParams;
//!
//! let world = ContactParams::default().check()?;
//! let batch = world.generate(42, 1)?;
//! assert_eq!(batch.records.messages.len(), 612);
//! let oracle = world.oracle(&batch, &ContactPlan::default(), 1)?;
//! assert!(oracle.engagement.is_some_and(|figures| figures.accuracy > 0.75));
//! # Ok::<(), tenure_core::Error>(())
//! ```

mod apportion;
mod oracle;
mod params;
mod person;
mod quiet;
mod summary;
mod talk;
mod truth;
mod world;

pub use oracle::{BinaryFigures, ContactOracle, ScoreFigures};
pub use params::ContactParams;
pub use quiet::{ContactLife, State};
pub use summary::ContactSummary;
pub use talk::ENGAGEMENT_HOURS;
pub use truth::{ContactTruth, LeadTruth};
pub use world::{ContactBatch, ContactWorld};

pub(crate) use person::{exponential, logistic, normal};
