//! What the rows of contacts have in common: sums over messages, each added once.

use super::view::{ContactAsOf, PastConversation, PastMessage, PastPurchase};
use super::{ConversationKind, Direction};
use crate::Timestamp;

/// A tone below this is bad.
const BAD_TONE: f64 = -0.2;

/// NaN where there is nothing to divide by.
pub(super) fn ratio(a: f64, b: f64) -> f64 {
    if b == 0.0 { f64::NAN } else { a / b }
}

/// How the last 30 days compare with the 60 before, day by day: 1 is all late, −1 all early, NaN is neither.
pub(super) fn trend(late: f64, early: f64) -> f64 {
    let (late, early) = (late / 30.0, early / 60.0);
    ratio(late - early, late + early)
}

/// Of two in the middle, their mean; NaN of nothing.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

/// Hours from one instant to a later one.
pub(super) fn hours(from: Timestamp, to: Timestamp) -> f64 {
    (to.seconds() - from.seconds()) as f64 / 3600.0
}

/// The mean of what is known.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mean {
    pub(super) sum: f64,
    pub(super) count: usize,
}

impl Mean {
    /// NaN is not known.
    pub(super) fn add(&mut self, value: f64) {
        if !value.is_nan() {
            self.sum += value;
            self.count += 1;
        }
    }

    fn add_flag(&mut self, flag: bool) {
        self.add(f64::from(u8::from(flag)));
    }

    fn plus(self, other: Self) -> Self {
        Self { sum: self.sum + other.sum, count: self.count + other.count }
    }

    /// NaN of nothing.
    pub(super) fn value(self) -> f64 {
        ratio(self.sum, self.count as f64)
    }
}

/// Messages from the contact.
#[derive(Debug, Clone, Copy)]
pub(super) struct Received {
    pub(super) messages: usize,
    pub(super) length: Mean,
    pub(super) tone: Mean,
    /// The worst; NaN where none is known.
    pub(super) tone_low: f64,
    /// Bad tones, 1, among those known, 0.
    pub(super) bad: Mean,
    pub(super) urgency: Mean,
}

impl Default for Received {
    fn default() -> Self {
        let none = Mean::default();
        Self { messages: 0, length: none, tone: none, tone_low: f64::NAN, bad: none, urgency: none }
    }
}

impl Received {
    pub(super) fn add(&mut self, message: PastMessage<'_>) {
        let facts = message.facts();
        self.messages += 1;
        self.length.add(f64::from(facts.length));
        self.tone.add(facts.sentiment);
        self.tone_low = self.tone_low.min(facts.sentiment);
        if !facts.sentiment.is_nan() {
            self.bad.add_flag(facts.sentiment < BAD_TONE);
        }
        self.urgency.add(facts.urgency);
    }

    pub(super) fn plus(self, later: Self) -> Self {
        Self {
            messages: self.messages + later.messages,
            length: self.length.plus(later.length),
            tone: self.tone.plus(later.tone),
            tone_low: self.tone_low.min(later.tone_low),
            bad: self.bad.plus(later.bad),
            urgency: self.urgency.plus(later.urgency),
        }
    }
}

/// Messages of ours, and what the contact did with them.
#[derive(Debug, Clone, Default)]
pub(super) struct Sent {
    pub(super) opened: Mean,
    pub(super) clicked: Mean,
    pub(super) answered: Mean,
    pub(super) answer_hours: Vec<f64>,
}

impl Sent {
    pub(super) fn add(&mut self, message: PastMessage<'_>) {
        self.opened.add_flag(message.opened_at().is_some());
        self.clicked.add_flag(message.clicked_at().is_some());
        self.answered.add_flag(message.answered_at().is_some());
        self.answer_hours.extend(message.answered_at().map(|at| hours(message.sent_at(), at)));
    }

    pub(super) fn plus(mut self, later: Self) -> Self {
        self.answer_hours.extend(later.answer_hours);
        Self {
            opened: self.opened.plus(later.opened),
            clicked: self.clicked.plus(later.clicked),
            answered: self.answered.plus(later.answered),
            answer_hours: self.answer_hours,
        }
    }

    pub(super) fn messages(&self) -> usize {
        self.opened.count
    }
}

/// Where the talk stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// When the contact last wrote, opened or clicked.
    pub(super) last_activity: Option<Timestamp>,
    pub(super) last_received: Option<Timestamp>,
    /// Of the last message from the contact whose tone is known.
    pub(super) last_tone: f64,
    /// Messages of ours since the contact last wrote.
    pub(super) unanswered: usize,
}

impl Default for Standing {
    fn default() -> Self {
        Self { last_activity: None, last_received: None, last_tone: f64::NAN, unanswered: 0 }
    }
}

impl Standing {
    /// Takes up the next message.
    pub(super) fn add(&mut self, message: PastMessage<'_>) {
        self.last_activity = self.last_activity.max(message.last_activity());
        match message.direction() {
            Direction::Outbound => self.unanswered += 1,
            Direction::Inbound => {
                let tone = message.facts().sentiment;
                self.last_tone = if tone.is_nan() { self.last_tone } else { tone };
                self.last_received = Some(message.sent_at());
                self.unanswered = 0;
            }
        }
    }
}

/// Money of purchases, added up from the first on.
pub(super) fn spend(purchases: &[PastPurchase]) -> f64 {
    purchases.iter().map(PastPurchase::amount).sum()
}

/// What an instant makes of earlier ones.
impl ContactAsOf<'_> {
    /// Days since an instant; NaN where there is none.
    pub(super) fn days_since(&self, at: Option<Timestamp>) -> f64 {
        at.map_or(f64::NAN, |at| self.instant().days_since(at))
    }

    /// Whether an instant is at most so many days ago.
    pub(super) fn within(&self, days: i64, at: Timestamp) -> bool {
        at >= self.instant().plus_days(-days)
    }

    /// The purchases of the last days.
    pub(super) fn purchases_within(&self, days: i64) -> &[PastPurchase] {
        let purchases = self.purchases();
        &purchases[purchases.partition_point(|p| !self.within(days, p.time()))..]
    }

    /// The conversations for support.
    pub(super) fn tickets(&self) -> impl Iterator<Item = PastConversation<'_>> {
        self.conversations().filter(|c| c.kind() == ConversationKind::Support)
    }

    /// Days since the contact was created; 0 where that is not before the instant.
    pub(super) fn age_days(&self) -> f64 {
        self.known_since().map_or(0.0, |at| self.instant().days_since(at))
    }
}
