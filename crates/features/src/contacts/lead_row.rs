//! The features of a lead.

use super::aggregates::{Mean, Received, Sent, Standing, hours, median};
use super::view::PastMessage;
use super::{ContactAsOf, Direction, LeadRow};
use crate::Timestamp;
use crate::time::DAY;

impl LeadRow {
    /// What is known of the contact of a lead as of an instant.
    #[must_use]
    pub fn as_of(view: &ContactAsOf<'_>) -> Self {
        let mut all = Talk::default();
        view.messages().for_each(|message| all.add(message, view.utc_offset_seconds()));
        let Talk { mut sent, campaigns, received, standing, first_answer, active_days, tones, .. } = all;
        let conversations = view.conversations().len() as f64;
        let messages = (sent.messages() + received.messages) as f64;
        Self {
            reply_rate: sent.answered.value(),
            reply_hours_median: median(&mut sent.answer_hours),
            first_reply_hours: first_answer.map_or(f64::NAN, |(at, sent_at)| hours(sent_at, at)),
            replies: sent.answered.sum,
            unanswered_streak: standing.unanswered as f64,
            messages_received: received.messages as f64,
            messages_sent: sent.messages() as f64,
            conversations,
            conversation_length: if conversations > 0.0 { messages / conversations } else { f64::NAN },
            message_length: received.length.value(),
            active_days: active_days as f64,
            days_since_received: view.days_since(standing.last_received),
            sentiment_mean: received.tone.value(),
            sentiment_last: standing.last_tone,
            sentiment_trend: late_less_early(&tones),
            negative_share: received.bad.value(),
            campaign_messages: campaigns.messages() as f64,
            campaign_open_rate: campaigns.opened.value(),
            campaign_click_rate: campaigns.clicked.value(),
            conversions: view.purchases().len() as f64,
            profile_completeness: view.profile_completeness(),
            opted_in: view.opted_in(),
            urgency_mean: received.urgency.value(),
            contact_age_days: view.age_days(),
        }
    }
}

/// All messages so far.
#[derive(Default)]
struct Talk {
    sent: Sent,
    campaigns: Sent,
    received: Received,
    standing: Standing,
    /// The answer that came first, and when we had written.
    first_answer: Option<(Timestamp, Timestamp)>,
    /// Local days with a message from the contact, and the last of them.
    active_days: usize,
    last_day: Option<i64>,
    /// Those known, of the contact's messages.
    tones: Vec<f64>,
}

impl Talk {
    fn add(&mut self, message: PastMessage<'_>, utc_offset_seconds: i64) {
        self.standing.add(message);
        match message.direction() {
            Direction::Outbound => {
                self.sent.add(message);
                if message.facts().campaign {
                    self.campaigns.add(message);
                }
                let answer = message.answered_at().map(|at| (at, message.sent_at()));
                self.first_answer = self.first_answer.into_iter().chain(answer).min();
            }
            Direction::Inbound => {
                self.received.add(message);
                self.tones.extend(Some(message.facts().sentiment).filter(|tone| !tone.is_nan()));
                let day = (message.sent_at().seconds() + utc_offset_seconds).div_euclid(DAY);
                self.active_days += usize::from(self.last_day.replace(day) != Some(day));
            }
        }
    }
}

/// Mean of the later half less that of the earlier; of an odd number the middle one counts for neither.
fn late_less_early(values: &[f64]) -> f64 {
    let half = values.len() / 2;
    let mean = |values: &[f64]| {
        let mut mean = Mean::default();
        values.iter().for_each(|&value| mean.add(value));
        mean.value()
    };
    mean(&values[values.len() - half..]) - mean(&values[..half])
}
