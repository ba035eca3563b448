//! What an application gets for one message.

use serde::Serialize;
use tenure_core::Reason;

use crate::send_time::SendTime;

/// A decision about one message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EngagementPrediction {
    /// Which message.
    pub message_id: String,
    /// Probability that the recipient engages with it, 0 to 1, calibrated.
    pub engagement_probability: f64,
    /// Range of the share engaged with among held-out messages with a similar score.
    pub interval: Interval,
    /// Whether the probability reaches the decision threshold.
    pub likely: bool,
    /// How sure the probability is, 0 to 1: one less the width of its interval.
    pub confidence: f64,
    /// When to send, local to the recipient (`14:00`), or the name of the slot: the planned time, unless another
    /// is shown to be better. `None` where no time is allowed.
    pub optimal_send_time: Option<String>,
    /// The day of it (`Tuesday`); `None` for slots, and where no time is allowed.
    pub best_day: Option<String>,
    /// All that is known of the send time.
    pub send_time: SendTime,
    /// What to do, the send time first.
    pub recommendations: Vec<String>,
    /// What moved the probability most, in words; empty where the learner does not explain itself.
    pub engagement_factors: EngagementFactors,
    /// Version of the model.
    pub model_version: String,
}

/// A range with its nominal coverage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Lower end, 0 to 1.
    pub low: f64,
    /// Upper end, 0 to 1.
    pub high: f64,
    /// Share of such ranges that hold the true rate.
    pub level: f64,
}

/// The strongest reasons for and against, most first.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct EngagementFactors {
    /// What raises the probability.
    pub positive: Vec<Reason>,
    /// What lowers it.
    pub negative: Vec<Reason>,
}

impl EngagementFactors {
    /// At most `most` reasons on either side.
    pub(crate) fn of(reasons: Vec<Reason>, most: usize) -> Self {
        let (mut positive, mut negative): (Vec<_>, Vec<_>) =
            reasons.into_iter().partition(|r| r.effect > 0.0);
        positive.truncate(most);
        negative.truncate(most);
        Self { positive, negative }
    }
}

/// A change to the message that may be tried.
pub(crate) struct Change {
    pub(crate) feature: &'static str,
    /// The value to try; `None` for the typical one.
    pub(crate) value: Option<f64>,
    pub(crate) words: &'static str,
}

/// What a sender can change of a message, beside its time.
pub(crate) const CHANGES: [Change; 6] = [
    Change { feature: "personalised", value: Some(1.0), words: "Address the recipient by name" },
    Change { feature: "length", value: None, words: "Bring it to the usual length" },
    Change { feature: "urgency", value: None, words: "Press as much as usual" },
    Change { feature: "sentiment", value: None, words: "Use the usual tone" },
    Change { feature: "has_media", value: Some(1.0), words: "Add a picture" },
    Change { feature: "has_link", value: Some(1.0), words: "Add a link" },
];

/// The send time as something to do.
pub(crate) fn send_recommendation(answer: &SendTime) -> String {
    match (&answer.send_at, &answer.planned) {
        (None, _) => answer.verdict.clone(),
        (Some(at), Some(planned)) if at == planned => format!("Send as planned, {}.", planned.name),
        (Some(at), _) => match (&at.day, &at.time) {
            (Some(day), Some(time)) => format!("Send on {day} at {time}."),
            _ => format!("Send in slot {}.", at.name),
        },
    }
}
