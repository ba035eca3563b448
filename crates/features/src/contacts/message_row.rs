//! The features of a message about to be sent.

use super::log::{History, LoggedMessage};
use super::{ContactAsOf, Content, Direction, Message, MessageRow, Weekday};
use crate::Timestamp;
use crate::time::DAY;

/// Hours within which a message counts as engaged with, where nothing else is said.
pub const WINDOW_HOURS: u32 = 48;

const HOUR: i64 = 3600;

/// What of a message is known before it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedMessage {
    /// What it is for.
    pub content: Content,
    /// Whether it belongs to a campaign.
    pub campaign: bool,
    /// Whether it addresses the contact by name.
    pub personalised: bool,
    /// Characters.
    pub length: u32,
    /// Tone, −1 (bad) to 1 (good); NaN where not known.
    pub sentiment: f64,
    /// How much it presses, 0 to 1; NaN where not known.
    pub urgency: f64,
    /// Whether it has a link.
    pub has_link: bool,
    /// Whether it has a picture, a film or a voice.
    pub has_media: bool,
}

impl From<&Message> for PlannedMessage {
    fn from(message: &Message) -> Self {
        Self {
            content: message.content,
            campaign: message.campaign.as_ref().is_some_and(|name| !name.is_empty()),
            personalised: message.personalised,
            length: message.length,
            sentiment: message.sentiment,
            urgency: message.urgency,
            has_link: message.has_link,
            has_media: message.has_media,
        }
    }
}

impl MessageRow {
    /// What is known of a message just before it is sent at the instant of the view. Past messages count as
    /// engaged with where that happened within `window_hours` (see [`WINDOW_HOURS`]), and count only once these
    /// are over.
    #[must_use]
    pub fn as_of(view: &ContactAsOf<'_>, message: &PlannedMessage, window_hours: u32) -> Self {
        Sweep::new(view.history(), window_hours).row(view.instant(), message)
    }
}

/// Day since 1970-01-01 and second of the day, local to the contact.
fn local(at: Timestamp, utc_offset_seconds: i64) -> (i64, i64) {
    let seconds = at.seconds() + utc_offset_seconds;
    (seconds.div_euclid(DAY), seconds.rem_euclid(DAY))
}

fn weekday(day: i64) -> Weekday {
    // 1970-01-01 was a Thursday.
    Weekday::ALL[(day + 3).rem_euclid(7) as usize]
}

/// Messages sent, and those of them engaged with.
#[derive(Debug, Clone, Copy, Default)]
struct Engaged {
    sent: u32,
    engaged: u32,
}

impl Engaged {
    fn add(&mut self, engaged: bool) {
        self.sent += 1;
        self.engaged += u32::from(engaged);
    }
}

/// Places in one contact's messages that only move forwards, so that the rows of all of them take one pass.
pub(super) struct Sweep<'a> {
    history: &'a History,
    window: i64,
    /// Messages whose window is over; those sent; those sent more than 7 and more than 30 days ago.
    over: usize,
    sent: usize,
    week: usize,
    month: usize,
    /// Past messages by part of the day, at weekends, and by content.
    parts: [Engaged; 4],
    weekend: Engaged,
    contents: [Engaged; Content::ALL.len()],
    sent_7d: u32,
    received_30d: u32,
    last_sent: Option<Timestamp>,
    last_received: Option<Timestamp>,
}

impl<'a> Sweep<'a> {
    pub(super) fn new(history: &'a History, window_hours: u32) -> Self {
        Self {
            history,
            window: i64::from(window_hours) * HOUR,
            over: 0,
            sent: 0,
            week: 0,
            month: 0,
            parts: Default::default(),
            weekend: Engaged::default(),
            contents: Default::default(),
            sent_7d: 0,
            received_30d: 0,
            last_sent: None,
            last_received: None,
        }
    }

    /// The row of a message sent at an instant, which is not before that of the last call.
    pub(super) fn row(&mut self, instant: Timestamp, message: &PlannedMessage) -> MessageRow {
        self.advance(instant);
        let view = ContactAsOf::new(self.history, instant);
        let (day, second) = local(instant, self.history.utc_offset_seconds);
        let [night, morning, afternoon, evening] = self.parts;
        let same_content = self.contents[message.content as usize];
        MessageRow {
            hour: second as f64 / HOUR as f64,
            weekday: weekday(day),
            hours_since_sent: view.days_since(self.last_sent) * 24.0,
            content: message.content,
            campaign: message.campaign,
            personalised: message.personalised,
            length: f64::from(message.length),
            sentiment: message.sentiment,
            urgency: message.urgency,
            has_link: message.has_link,
            has_media: message.has_media,
            sent_night: night.sent.into(),
            engaged_night: night.engaged.into(),
            sent_morning: morning.sent.into(),
            engaged_morning: morning.engaged.into(),
            sent_afternoon: afternoon.sent.into(),
            engaged_afternoon: afternoon.engaged.into(),
            sent_evening: evening.sent.into(),
            engaged_evening: evening.engaged.into(),
            sent_weekend: self.weekend.sent.into(),
            engaged_weekend: self.weekend.engaged.into(),
            sent_same_content: same_content.sent.into(),
            engaged_same_content: same_content.engaged.into(),
            contact_age_days: view.age_days(),
            received_30d: self.received_30d.into(),
            sent_7d: self.sent_7d.into(),
            days_since_received: view.days_since(self.last_received),
        }
    }

    fn advance(&mut self, instant: Timestamp) {
        let messages = &self.history.messages;
        while let Some(message) = messages.get(self.sent).filter(|m| m.sent_at < instant) {
            self.sent += 1;
            match message.direction {
                Direction::Outbound => {
                    self.last_sent = Some(message.sent_at);
                    self.sent_7d += 1;
                }
                Direction::Inbound => {
                    self.last_received = Some(message.sent_at);
                    self.received_30d += 1;
                }
            }
        }
        let known = &messages[..self.sent];
        while let Some(message) = known.get(self.week).filter(|m| m.sent_at < instant.plus_days(-7)) {
            self.week += 1;
            self.sent_7d -= u32::from(message.direction == Direction::Outbound);
        }
        while let Some(message) = known.get(self.month).filter(|m| m.sent_at < instant.plus_days(-30)) {
            self.month += 1;
            self.received_30d -= u32::from(message.direction == Direction::Inbound);
        }
        while let Some(message) =
            known.get(self.over).filter(|m| m.sent_at.plus_seconds(self.window) <= instant)
        {
            self.over += 1;
            if message.direction == Direction::Outbound {
                self.judge(message);
            }
        }
    }

    /// Counts a message whose window is over.
    fn judge(&mut self, message: &LoggedMessage) {
        let engaged = message.engaged_within(self.window);
        let (day, second) = local(message.sent_at, self.history.utc_offset_seconds);
        self.parts[(second / (6 * HOUR)) as usize].add(engaged);
        self.contents[message.facts.content as usize].add(engaged);
        if matches!(weekday(day), Weekday::Saturday | Weekday::Sunday) {
            self.weekend.add(engaged);
        }
    }
}
