//! The features of contact churn.

use super::aggregates::{Mean, Received, Sent, Standing, hours, median, ratio, spend, trend};
use super::view::{PastMessage, PastPurchase};
use super::{ContactAsOf, ContactRow, Direction};

impl ContactRow {
    /// What is known of a contact as of an instant.
    #[must_use]
    pub fn as_of(view: &ContactAsOf<'_>) -> Self {
        let talk = Talk::of(view);
        let received = talk.early.received.plus(talk.late.received);
        let tickets = Tickets::of(view);
        let (opens_late, opens_early) = (talk.late.sent.opened, talk.early.sent.opened);
        let sent_30d = talk.late.sent.messages() as f64;
        let mut sent = talk.early.sent.plus(talk.late.sent);
        let purchases = view.purchases();
        let bought = purchases.last().map(PastPurchase::time);
        let (late_spend, spend_90d) = (spend(view.purchases_within(30)), view.purchases_within(90));
        let early_purchases = &spend_90d[..spend_90d.len() - view.purchases_within(30).len()];
        Self {
            recency_days: view.days_since(talk.standing.last_activity.max(bought)),
            days_since_received: view.days_since(talk.standing.last_received),
            days_since_purchase: view.days_since(bought),
            received_90d: received.messages as f64,
            purchases: purchases.len() as f64,
            spend_365d: spend(view.purchases_within(365)),
            sentiment_mean_90d: received.tone.value(),
            sentiment_last: talk.standing.last_tone,
            sentiment_trend: talk.late.received.tone.value() - talk.early.received.tone.value(),
            sentiment_low_90d: received.tone_low,
            negative_share_90d: received.bad.value(),
            received_30d: talk.late.received.messages as f64,
            received_trend: trend(talk.late.received.messages as f64, talk.early.received.messages as f64),
            sent_30d,
            open_rate_90d: sent.opened.value(),
            open_rate_trend: opens_late.value() - opens_early.value(),
            click_rate_90d: sent.clicked.value(),
            reply_rate_90d: sent.answered.value(),
            reply_hours_median_90d: median(&mut sent.answer_hours),
            unanswered_streak: talk.standing.unanswered as f64,
            conversations_90d: view.conversations().filter(|c| view.within(90, c.started_at())).count()
                as f64,
            tickets: tickets.all as f64,
            tickets_90d: tickets.late as f64,
            tickets_open: tickets.open as f64,
            ticket_hours_mean: tickets.hours.value(),
            urgency_mean_90d: received.urgency.value(),
            average_purchase: ratio(spend(purchases), purchases.len() as f64),
            purchases_90d: spend_90d.len() as f64,
            purchase_gap_days: gap_days(purchases),
            spend_trend: trend(late_spend, spend(early_purchases)),
            contact_age_days: view.age_days(),
            unsubscribed: view.unsubscribed(),
        }
    }
}

/// The messages of a time.
#[derive(Default)]
struct Period {
    received: Received,
    sent: Sent,
}

impl Period {
    fn add(&mut self, message: PastMessage<'_>) {
        match message.direction() {
            Direction::Inbound => self.received.add(message),
            Direction::Outbound => self.sent.add(message),
        }
    }
}

/// All messages: where the talk stands, the last 30 days, and the 60 before.
#[derive(Default)]
struct Talk {
    standing: Standing,
    late: Period,
    early: Period,
}

impl Talk {
    fn of(view: &ContactAsOf<'_>) -> Self {
        let mut talk = Self::default();
        for message in view.messages() {
            talk.standing.add(message);
            if view.within(30, message.sent_at()) {
                talk.late.add(message);
            } else if view.within(90, message.sent_at()) {
                talk.early.add(message);
            }
        }
        talk
    }
}

#[derive(Default)]
struct Tickets {
    all: usize,
    late: usize,
    open: usize,
    /// Until they were closed.
    hours: Mean,
}

impl Tickets {
    fn of(view: &ContactAsOf<'_>) -> Self {
        let mut tickets = Self::default();
        for ticket in view.tickets() {
            tickets.all += 1;
            tickets.late += usize::from(view.within(90, ticket.started_at()));
            match ticket.closed_at() {
                None => tickets.open += 1,
                Some(at) => tickets.hours.add(hours(ticket.started_at(), at)),
            }
        }
        tickets
    }
}

/// Mean days between purchases; NaN below two.
fn gap_days(purchases: &[PastPurchase]) -> f64 {
    match purchases {
        [first, .., last] => last.time().days_since(first.time()) / (purchases.len() - 1) as f64,
        _ => f64::NAN,
    }
}
