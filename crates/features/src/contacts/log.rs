//! The contact log: every contact's records, sorted, and closed.

use std::sync::Arc;

use super::view::{ContactAsOf, ContactFuture, PastPurchase};
use super::{ContactRecords, ConversationKind, Direction, PlannedMessage, build};
use crate::{Error, Result, Timestamp};

/// A sorted, closed log of contacts.
///
/// Records are checked, sorted and joined once, when the log is made. A log says how much it holds and from when
/// to when, but hands out no event: those are seen through [`ContactAsOf`] views alone.
///
/// * Of one contact, conversations are sorted by (begin, id), messages by (time, from the contact first, id),
///   leads by (creation, id), purchases by (time, amount).
/// * A click is an opening: where none is recorded, or a later one, the message counts as opened at the click.
/// * A message of ours is *answered* by the contact's next message in the same conversation, if that comes
///   within 7 days and before our next message there.
/// * What a message from the contact says of openings and clicks is not looked at.
/// * Contacts may be entered later than their first message, conversations may go on after they were closed, and
///   contacts may come back to the campaigns after they left them: real records do.
///
/// # Example
/// ```
/// use tenure_features::contacts::{Contact, ContactLog, ContactRecords, LeadRow};
///
/// let ann = Contact {
///     id: "ann".into(),
///     created_at: "2024-01-01".parse()?,
///     utc_offset_minutes: 60,
///     profile_completeness: 0.5,
///     opted_in_at: Some("2024-01-02".parse()?),
///     unsubscribed_at: None,
/// };
/// let log = ContactLog::from_records(ContactRecords { contacts: vec![ann], ..Default::default() })?;
/// let row = LeadRow::as_of(&log.as_of("ann", "2024-01-31".parse()?)?);
/// assert_eq!((row.contact_age_days, row.opted_in), (30.0, true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ContactLog {
    /// By id.
    pub(super) histories: Vec<History>,
    pub(super) ids: Arc<Vec<String>>,
    pub(super) messages: usize,
    pub(super) span: Option<(Timestamp, Timestamp)>,
}

/// Everything that is recorded of one contact, whenever it happened.
#[derive(Debug)]
pub(super) struct History {
    pub(super) created_at: Timestamp,
    pub(super) utc_offset_seconds: i64,
    pub(super) profile_completeness: f64,
    pub(super) opted_in_at: Option<Timestamp>,
    pub(super) unsubscribed_at: Option<Timestamp>,
    pub(super) conversations: Vec<LoggedConversation>,
    pub(super) messages: Vec<LoggedMessage>,
    pub(super) leads: Vec<LoggedLead>,
    pub(super) purchases: Vec<PastPurchase>,
}

#[derive(Debug)]
pub(super) struct LoggedConversation {
    pub(super) started_at: Timestamp,
    pub(super) kind: ConversationKind,
    pub(super) closed_at: Option<Timestamp>,
}

#[derive(Debug)]
pub(super) struct LoggedMessage {
    pub(super) id: String,
    pub(super) sent_at: Timestamp,
    pub(super) direction: Direction,
    pub(super) facts: PlannedMessage,
    /// Not after `clicked_at`.
    pub(super) opened_at: Option<Timestamp>,
    pub(super) clicked_at: Option<Timestamp>,
    pub(super) answered_at: Option<Timestamp>,
}

#[derive(Debug)]
pub(super) struct LoggedLead {
    pub(super) id: String,
    pub(super) created_at: Timestamp,
    pub(super) score: f64,
    pub(super) scored_at: Option<Timestamp>,
    pub(super) converted_at: Option<Timestamp>,
}

impl LoggedMessage {
    /// Whether it is ours and was opened, clicked or answered before `seconds` were over.
    pub(super) fn engaged_within(&self, seconds: i64) -> bool {
        // A click is an opening.
        let over = self.sent_at.plus_seconds(seconds);
        [self.opened_at, self.answered_at].into_iter().flatten().any(|at| at < over)
    }
}

impl ContactLog {
    /// Checks, sorts and joins records.
    ///
    /// # Errors
    /// Each names the record's kind, its id and the field. [`Error::RepeatedRecord`] for an id that occurs twice;
    /// [`Error::UnknownRecord`] for a contact or conversation that is not there; [`Error::RecordValue`] for an
    /// empty id, an instant outside the years ±9999, a UTC offset beyond ±840 minutes, a share, tone, urgency or
    /// score outside its range, an amount that is not finite or not above 0, a message before its conversation,
    /// an opening or click before the message, a closing before the begin, a score or conversion before the lead,
    /// a score without the instant at which it was given.
    pub fn from_records(records: ContactRecords) -> Result<Self> {
        build::build(records)
    }

    /// Number of contacts.
    #[must_use]
    pub fn contacts(&self) -> usize {
        self.ids.len()
    }

    /// Number of messages, both ways.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.messages
    }

    /// Number of leads.
    #[must_use]
    pub fn leads(&self) -> usize {
        self.histories.iter().map(|h| h.leads.len()).sum()
    }

    /// Ids of the contacts, sorted; the position is the contact's index.
    #[must_use]
    pub fn contact_ids(&self) -> &[String] {
        &self.ids
    }

    /// Index of the contact with this id.
    #[must_use]
    pub fn contact_index(&self, id: &str) -> Option<usize> {
        self.ids.binary_search_by(|c| c.as_str().cmp(id)).ok()
    }

    /// Instants of the first conversation, lead or purchase and of the last event of any kind; `None` where
    /// there is none.
    #[must_use]
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.span
    }

    /// Where the log ceases to be complete: `until` where it is given, else the end of the last event's day.
    #[must_use]
    pub fn coverage_end(&self, until: Option<Timestamp>) -> Option<Timestamp> {
        until.or_else(|| self.span.map(|(_, last)| last.day_start().plus_days(1)))
    }

    /// What is known of a contact as of an instant.
    ///
    /// # Errors
    /// [`Error::UnknownContact`].
    pub fn as_of(&self, contact_id: &str, instant: Timestamp) -> Result<ContactAsOf<'_>> {
        let index =
            self.contact_index(contact_id).ok_or_else(|| Error::UnknownContact { id: contact_id.into() })?;
        Ok(ContactAsOf::new(&self.histories[index], instant))
    }

    /// What `look` makes of every contact's view at an instant, in the order of [`ContactLog::contact_ids`].
    pub fn map_as_of<T>(&self, instant: Timestamp, mut look: impl FnMut(&ContactAsOf<'_>) -> T) -> Vec<T> {
        self.histories.iter().map(|history| look(&ContactAsOf::new(history, instant))).collect()
    }

    /// What `look` makes of every contact's `days` from an instant on, in the order of
    /// [`ContactLog::contact_ids`].
    ///
    /// # Errors
    /// [`Error::WindowNotOver`] where they end after the log's coverage.
    pub fn map_future<T>(
        &self,
        instant: Timestamp,
        days: u32,
        until: Option<Timestamp>,
        mut look: impl FnMut(&ContactFuture<'_>) -> T,
    ) -> Result<Vec<T>> {
        let end = self.coverage_end(until).unwrap_or(instant);
        if instant.plus_days(i64::from(days)) > end {
            return Err(Error::WindowNotOver { instant, days, end });
        }
        Ok(self.histories.iter().map(|history| look(&ContactFuture::new(history, instant, days))).collect())
    }
}
