//! What feature and label code may see of one contact.
//!
//! A feature is a function of a [`ContactAsOf`]: what happened strictly before an instant. A label is a function
//! of a [`ContactFuture`]: what happens from an instant on, within a window that the log covers. There is no way
//! from one to the other. What happens to a record later (an opening, a click, an answer, a closing, an opt-in)
//! is seen from its own time on. Each pair below differs in the one line that is forbidden.
//!
//! A view cannot be made outside the crate:
//! ```
//! use tenure_features::contacts::ContactAsOf;
//! fn same(view: ContactAsOf<'_>) -> ContactAsOf<'_> {
//!     view
//! }
//! ```
//! ```compile_fail
//! use tenure_features::contacts::ContactAsOf;
//! fn same(view: ContactAsOf<'_>) -> ContactAsOf<'_> {
//!     ContactAsOf { ..view }
//! }
//! ```
//!
//! It cannot be moved to a later instant:
//! ```
//! use tenure_features::{Timestamp, contacts::ContactAsOf};
//! fn later(mut view: ContactAsOf<'_>, instant: Timestamp) -> ContactAsOf<'_> {
//!     view = view.clone();
//!     view
//! }
//! ```
//! ```compile_fail
//! use tenure_features::{Timestamp, contacts::ContactAsOf};
//! fn later(mut view: ContactAsOf<'_>, instant: Timestamp) -> ContactAsOf<'_> {
//!     view.instant = instant;
//!     view
//! }
//! ```
//!
//! Its events cannot be had but through methods that stop at the instant:
//! ```
//! use tenure_features::contacts::ContactAsOf;
//! fn events(view: &ContactAsOf<'_>) -> usize {
//!     view.messages().len()
//! }
//! ```
//! ```compile_fail
//! use tenure_features::contacts::ContactAsOf;
//! fn events(view: &ContactAsOf<'_>) -> usize {
//!     view.history.messages.len()
//! }
//! ```
//!
//! An opening that comes later cannot be had either:
//! ```
//! use tenure_features::contacts::view::PastMessage;
//! fn opened(message: &PastMessage<'_>) -> bool {
//!     message.opened_at().is_some()
//! }
//! ```
//! ```compile_fail
//! use tenure_features::contacts::view::PastMessage;
//! fn opened(message: &PastMessage<'_>) -> bool {
//!     message.message.opened_at.is_some()
//! }
//! ```
//!
//! A row gets no future:
//! ```
//! use tenure_features::contacts::{ContactAsOf, LeadRow};
//! fn row(view: &ContactAsOf<'_>) -> LeadRow {
//!     LeadRow::as_of(view)
//! }
//! ```
//! ```compile_fail
//! use tenure_features::contacts::{ContactFuture, LeadRow};
//! fn row(view: &ContactFuture<'_>) -> LeadRow {
//!     LeadRow::as_of(view)
//! }
//! ```
//!
//! A log hands out no events:
//! ```
//! use tenure_features::contacts::ContactLog;
//! fn count(log: &ContactLog) -> usize {
//!     log.messages()
//! }
//! ```
//! ```compile_fail
//! use tenure_features::contacts::ContactLog;
//! fn count(log: &ContactLog) -> usize {
//!     log.histories.len()
//! }
//! ```

use super::log::{History, LoggedConversation, LoggedMessage};
use super::{ConversationKind, Direction, PlannedMessage};
use crate::Timestamp;

/// What happened to one contact strictly before an instant; see the [module](self) for what it keeps from
/// happening.
///
/// The profile (UTC offset, completeness) is no event: it is there at any instant.
#[derive(Debug, Clone, Copy)]
pub struct ContactAsOf<'a> {
    history: &'a History,
    instant: Timestamp,
}

/// The instant, where it is before another.
fn before(at: Option<Timestamp>, instant: Timestamp) -> Option<Timestamp> {
    at.filter(|at| *at < instant)
}

impl<'a> ContactAsOf<'a> {
    pub(super) fn new(history: &'a History, instant: Timestamp) -> Self {
        Self { history, instant }
    }

    pub(super) fn history(&self) -> &'a History {
        self.history
    }

    /// The instant that every event precedes.
    #[must_use]
    pub fn instant(&self) -> Timestamp {
        self.instant
    }

    /// Local time of the contact less UTC, in seconds.
    #[must_use]
    pub fn utc_offset_seconds(&self) -> i64 {
        self.history.utc_offset_seconds
    }

    /// Share of the fields of the profile that were filled when the contact was created; NaN where not known.
    #[must_use]
    pub fn profile_completeness(&self) -> f64 {
        self.history.profile_completeness
    }

    /// When the contact was created, or the first conversation or purchase where that was earlier.
    #[must_use]
    pub fn known_since(&self) -> Option<Timestamp> {
        let History { conversations, purchases, created_at, .. } = self.history;
        let first = [conversations.first().map(|c| c.started_at), purchases.first().map(PastPurchase::time)];
        before(first.into_iter().flatten().chain([*created_at]).min(), self.instant)
    }

    /// Whether the contact agreed to campaigns, and has not left them since.
    #[must_use]
    pub fn opted_in(&self) -> bool {
        let (opted_in, left) = self.campaign_choices();
        opted_in.is_some() && opted_in > left
    }

    /// Whether the contact has left the campaigns, and has not come back.
    #[must_use]
    pub fn unsubscribed(&self) -> bool {
        let (opted_in, left) = self.campaign_choices();
        left.is_some() && left >= opted_in
    }

    /// When the contact agreed to campaigns, and when it left them.
    fn campaign_choices(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let seen = |at| before(at, self.instant);
        (seen(self.history.opted_in_at), seen(self.history.unsubscribed_at))
    }

    /// The conversations begun, oldest first.
    pub fn conversations(&self) -> impl ExactSizeIterator<Item = PastConversation<'a>> + use<'a> {
        let Self { history, instant } = *self;
        let begun = history.conversations.partition_point(|c| c.started_at < instant);
        let see = move |conversation| PastConversation { conversation, instant };
        history.conversations[..begun].iter().map(see)
    }

    /// The messages sent, both ways, oldest first.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = PastMessage<'a>> + ExactSizeIterator + use<'a> {
        let Self { history, instant } = *self;
        let sent = history.messages.partition_point(|m| m.sent_at < instant);
        history.messages[..sent].iter().map(move |message| PastMessage { message, instant })
    }

    /// The purchases, oldest first.
    #[must_use]
    pub fn purchases(&self) -> &'a [PastPurchase] {
        let purchases = &self.history.purchases;
        &purchases[..purchases.partition_point(|p| p.time < self.instant)]
    }
}

/// A conversation as of an instant.
#[derive(Debug, Clone, Copy)]
pub struct PastConversation<'a> {
    conversation: &'a LoggedConversation,
    instant: Timestamp,
}

impl PastConversation<'_> {
    /// When it was begun.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.conversation.started_at
    }

    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> ConversationKind {
        self.conversation.kind
    }

    /// When it was closed, if it was by then.
    #[must_use]
    pub fn closed_at(&self) -> Option<Timestamp> {
        before(self.conversation.closed_at, self.instant)
    }
}

/// A message as of an instant.
#[derive(Debug, Clone, Copy)]
pub struct PastMessage<'a> {
    message: &'a LoggedMessage,
    instant: Timestamp,
}

impl<'a> PastMessage<'a> {
    /// When it was sent.
    #[must_use]
    pub fn sent_at(&self) -> Timestamp {
        self.message.sent_at
    }

    /// Who wrote.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.message.direction
    }

    /// What it says.
    #[must_use]
    pub fn facts(&self) -> &'a PlannedMessage {
        &self.message.facts
    }

    /// When the contact opened it, if that was by then; at the latest at the click.
    #[must_use]
    pub fn opened_at(&self) -> Option<Timestamp> {
        before(self.message.opened_at, self.instant)
    }

    /// When the contact first clicked a link of it, if that was by then.
    #[must_use]
    pub fn clicked_at(&self) -> Option<Timestamp> {
        before(self.message.clicked_at, self.instant)
    }

    /// When the contact answered it, if that was by then; see [`ContactLog`](super::ContactLog).
    #[must_use]
    pub fn answered_at(&self) -> Option<Timestamp> {
        before(self.message.answered_at, self.instant)
    }

    /// When the contact last did something with it: wrote, opened or clicked it.
    #[must_use]
    pub fn last_activity(&self) -> Option<Timestamp> {
        match self.direction() {
            Direction::Inbound => Some(self.sent_at()),
            Direction::Outbound => self.opened_at().max(self.clicked_at()),
        }
    }
}

/// A purchase of a contact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PastPurchase {
    time: Timestamp,
    amount: f64,
}

impl PastPurchase {
    pub(super) fn new(time: Timestamp, amount: f64) -> Self {
        Self { time, amount }
    }

    /// When.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// Money, above 0.
    #[must_use]
    pub fn amount(&self) -> f64 {
        self.amount
    }
}

/// What one contact does in `[instant, instant + days)`: what labels are made of. Exists only where the log covers
/// the whole window.
#[derive(Debug, Clone, Copy)]
pub struct ContactFuture<'a> {
    history: &'a History,
    instant: Timestamp,
    days: u32,
}

impl<'a> ContactFuture<'a> {
    pub(super) fn new(history: &'a History, instant: Timestamp, days: u32) -> Self {
        Self { history, instant, days }
    }

    /// Begin of the window.
    #[must_use]
    pub fn instant(&self) -> Timestamp {
        self.instant
    }

    /// Length of the window.
    #[must_use]
    pub fn days(&self) -> u32 {
        self.days
    }

    /// Messages from the contact.
    #[must_use]
    pub fn received(&self) -> usize {
        let inbound = self.history.messages.iter().filter(|m| m.direction == Direction::Inbound);
        inbound.filter(|m| self.holds(m.sent_at)).count()
    }

    /// Messages of ours that the contact opened, whenever they were sent.
    #[must_use]
    pub fn opened(&self) -> usize {
        self.history.messages.iter().filter(|m| m.opened_at.is_some_and(|at| self.holds(at))).count()
    }

    /// Messages of ours that the contact clicked, whenever they were sent.
    #[must_use]
    pub fn clicked(&self) -> usize {
        self.history.messages.iter().filter(|m| m.clicked_at.is_some_and(|at| self.holds(at))).count()
    }

    /// The purchases, oldest first.
    pub fn purchases(&self) -> impl Iterator<Item = &'a PastPurchase> {
        self.history.purchases.iter().filter(|p| self.holds(p.time))
    }

    /// Whether the contact neither writes, opens, clicks nor buys.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.received() + self.opened() + self.clicked() == 0 && self.purchases().next().is_none()
    }

    fn holds(&self, at: Timestamp) -> bool {
        (self.instant..self.instant.plus_days(i64::from(self.days))).contains(&at)
    }
}
