//! Checks, sorts and joins records.
//!
//! Records are sorted by time over all contacts first: handed out one after the other, each contact's then are
//! in order, and every conversation is met in the order of its messages.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use jiff::Timestamp as JiffTimestamp;
use rayon::prelude::*;
use tenure_core::row::SHARE;

use super::log::{ContactLog, History, LoggedConversation, LoggedLead, LoggedMessage};
use super::rows::SIGNED;
use super::view::PastPurchase;
use super::{
    Contact, ContactPurchase, ContactRecords, Conversation, Direction, Lead, Message, PlannedMessage,
    RecordKind,
};
use crate::time::DAY;
use crate::{Error, Result, Timestamp};

/// Longest time until a message of the contact that counts as an answer.
const ANSWER: i64 = 7 * DAY;

pub(super) fn build(mut records: ContactRecords) -> Result<ContactLog> {
    records.contacts.par_sort_by(|a, b| a.id.cmp(&b.id));
    records.conversations.par_sort_by(|a, b| (a.started_at, &a.id).cmp(&(b.started_at, &b.id)));
    let place = |m: &Message| (m.sent_at, m.direction);
    records.messages.par_sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.id.cmp(&b.id)));
    records.leads.par_sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    records.purchases.par_sort_by(|a, b| a.time.cmp(&b.time).then(a.amount.total_cmp(&b.amount)));
    check_each(&records.contacts, check_contact)?;
    check_each(&records.conversations, check_conversation)?;
    check_each(&records.messages, check_message)?;
    check_each(&records.leads, check_lead)?;
    check_each(&records.purchases, check_purchase)?;
    index(RecordKind::Message, records.messages.iter().map(|m| m.id.as_str()))?;
    index(RecordKind::Lead, records.leads.iter().map(|l| l.id.as_str()))?;
    join(records)
}

fn join(records: ContactRecords) -> Result<ContactLog> {
    let ContactRecords { contacts, conversations, messages, leads, purchases } = records;
    let span = span(&contacts, &conversations, &messages, &leads, &purchases);
    let count = messages.len();
    let contact_of = index(RecordKind::Contact, contacts.iter().map(|c| c.id.as_str()))?;
    let contact = |record: Named<'_>, id: &str| record.look_up("contact", id, &contact_of);
    let conversation_of = index(RecordKind::Conversation, conversations.iter().map(|c| c.id.as_str()))?;

    let mut histories: Vec<History> = contacts.iter().map(History::new).collect();
    let mut threads = Vec::with_capacity(conversations.len());
    for conversation in &conversations {
        let contact = contact(Named(RecordKind::Conversation, &conversation.id), &conversation.contact)?;
        let Conversation { started_at, kind, closed_at, .. } = *conversation;
        histories[contact].conversations.push(LoggedConversation { started_at, kind, closed_at });
        threads.push(Thread { contact, started_at, ours: None });
    }
    for message in messages {
        let record = Named(RecordKind::Message, &message.id);
        let thread = record.look_up("conversation", &message.conversation, &conversation_of)?;
        threads[thread].take(message, &mut histories)?;
    }
    for lead in leads {
        let contact = contact(Named(RecordKind::Lead, &lead.id), &lead.contact)?;
        let Lead { id, created_at, score, scored_at, converted_at, .. } = lead;
        histories[contact].leads.push(LoggedLead { id, created_at, score, scored_at, converted_at });
    }
    for purchase in &purchases {
        let contact = contact(Named(RecordKind::Purchase, &purchase.contact), &purchase.contact)?;
        histories[contact].purchases.push(PastPurchase::new(purchase.time, purchase.amount));
    }
    drop((contact_of, conversation_of));
    let ids = Arc::new(contacts.into_iter().map(|c| c.id).collect());
    Ok(ContactLog { histories, ids, messages: count, span })
}

/// A conversation under way.
struct Thread {
    contact: usize,
    started_at: Timestamp,
    /// Place of our last message, where the contact has not written since.
    ours: Option<usize>,
}

impl Thread {
    /// Takes up the next message, and finds what it answers.
    fn take(&mut self, message: Message, histories: &mut [History]) -> Result<()> {
        let record = Named(RecordKind::Message, &message.id);
        let sent_at = message.sent_at;
        record.not_before("sent_at", Some(sent_at), "`started_at` of its conversation", self.started_at)?;
        let messages = &mut histories[self.contact].messages;
        match message.direction {
            Direction::Outbound => self.ours = Some(messages.len()),
            Direction::Inbound => {
                let ours = self.ours.take().map(|at| &mut messages[at]);
                if let Some(ours) = ours.filter(|ours| sent_at <= ours.sent_at.plus_seconds(ANSWER)) {
                    ours.answered_at = Some(sent_at);
                }
            }
        }
        messages.push(LoggedMessage::new(message));
        Ok(())
    }
}

impl History {
    fn new(contact: &Contact) -> Self {
        Self {
            created_at: contact.created_at,
            utc_offset_seconds: i64::from(contact.utc_offset_minutes) * 60,
            profile_completeness: contact.profile_completeness,
            opted_in_at: contact.opted_in_at,
            unsubscribed_at: contact.unsubscribed_at,
            conversations: Vec::new(),
            messages: Vec::new(),
            leads: Vec::new(),
            purchases: Vec::new(),
        }
    }
}

impl LoggedMessage {
    fn new(message: Message) -> Self {
        let ours = message.direction == Direction::Outbound;
        let clicked_at = message.clicked_at.filter(|_| ours);
        let opened_at = message.opened_at.filter(|_| ours);
        Self {
            facts: PlannedMessage::from(&message),
            id: message.id,
            sent_at: message.sent_at,
            direction: message.direction,
            opened_at: opened_at.into_iter().chain(clicked_at).min(),
            clicked_at,
            answered_at: None,
        }
    }
}

/// From the first conversation, lead or purchase to the last event of any kind.
fn span(
    contacts: &[Contact],
    conversations: &[Conversation],
    messages: &[Message],
    leads: &[Lead],
    purchases: &[ContactPurchase],
) -> Option<(Timestamp, Timestamp)> {
    // All but the contacts are sorted by time.
    let starts = [
        conversations.first().map(|c| c.started_at),
        leads.first().map(|l| l.created_at),
        purchases.first().map(|p| p.time),
    ];
    let first = starts.into_iter().flatten().min()?;
    let ends = [
        contacts.iter().flat_map(|c| [c.opted_in_at, c.unsubscribed_at]).max().flatten(),
        conversations.iter().flat_map(|c| [Some(c.started_at), c.closed_at]).max().flatten(),
        messages.iter().flat_map(|m| [Some(m.sent_at), m.opened_at, m.clicked_at]).max().flatten(),
        leads.iter().flat_map(|l| [Some(l.created_at), l.scored_at, l.converted_at]).max().flatten(),
        purchases.last().map(|p| p.time),
    ];
    ends.into_iter().flatten().max().map(|last| (first, last.max(first)))
}

// ---- checks

/// A record by its name.
#[derive(Clone, Copy)]
struct Named<'a>(RecordKind, &'a str);

impl Named<'_> {
    fn refuse<T>(self, field: &'static str, found: impl ToString, expected: impl Into<String>) -> Result<T> {
        let Self(kind, id) = self;
        Err(Error::RecordValue {
            kind,
            id: id.to_owned(),
            field,
            found: found.to_string(),
            expected: expected.into(),
        })
    }

    fn look_up(self, field: &'static str, id: &str, known: &HashMap<&str, usize>) -> Result<usize> {
        known.get(id).copied().ok_or_else(|| Error::UnknownRecord {
            kind: self.0,
            id: self.1.to_owned(),
            field,
            reference: id.to_owned(),
        })
    }

    /// NaN, not known, passes.
    fn number(self, field: &'static str, value: f64, range: RangeInclusive<f64>) -> Result<()> {
        if value.is_nan() || range.contains(&value) {
            return Ok(());
        }
        self.refuse(field, value, format!("a number from {} to {}, or NaN", range.start(), range.end()))
    }

    fn instant(self, field: &'static str, at: Timestamp) -> Result<()> {
        if (JiffTimestamp::MIN.as_second()..=JiffTimestamp::MAX.as_second()).contains(&at.seconds()) {
            return Ok(());
        }
        self.refuse(field, format!("{} s since 1970", at.seconds()), "the years -9999 to 9999")
    }

    /// An instant that may be lacking, but not before another.
    fn not_before(
        self,
        field: &'static str,
        at: Option<Timestamp>,
        other_field: &str,
        other: Timestamp,
    ) -> Result<()> {
        let Some(at) = at else { return Ok(()) };
        self.instant(field, at)?;
        if at >= other {
            return Ok(());
        }
        self.refuse(field, at, format!("not before {other}, {other_field}"))
    }
}

/// The first complaint in the order of records.
fn check_each<T: Sync>(records: &[T], check: impl Fn(&T) -> Result<()> + Sync) -> Result<()> {
    records.par_iter().find_map_first(|record| check(record).err()).map_or(Ok(()), Err)
}

fn check_contact(contact: &Contact) -> Result<()> {
    let record = Named(RecordKind::Contact, &contact.id);
    record.instant("created_at", contact.created_at)?;
    if !(-840..=840).contains(&contact.utc_offset_minutes) {
        return record.refuse("utc_offset_minutes", contact.utc_offset_minutes, "-840 to 840");
    }
    record.number("profile_completeness", contact.profile_completeness, SHARE)?;
    contact.opted_in_at.map_or(Ok(()), |at| record.instant("opted_in_at", at))?;
    contact.unsubscribed_at.map_or(Ok(()), |at| record.instant("unsubscribed_at", at))
}

fn check_conversation(conversation: &Conversation) -> Result<()> {
    let record = Named(RecordKind::Conversation, &conversation.id);
    record.instant("started_at", conversation.started_at)?;
    record.not_before("closed_at", conversation.closed_at, "`started_at`", conversation.started_at)
}

fn check_message(message: &Message) -> Result<()> {
    let record = Named(RecordKind::Message, &message.id);
    record.instant("sent_at", message.sent_at)?;
    record.number("sentiment", message.sentiment, SIGNED)?;
    record.number("urgency", message.urgency, SHARE)?;
    if message.direction == Direction::Inbound {
        return Ok(());
    }
    record.not_before("opened_at", message.opened_at, "`sent_at`", message.sent_at)?;
    record.not_before("clicked_at", message.clicked_at, "`sent_at`", message.sent_at)
}

fn check_lead(lead: &Lead) -> Result<()> {
    let record = Named(RecordKind::Lead, &lead.id);
    record.instant("created_at", lead.created_at)?;
    record.number("score", lead.score, 0.0..=100.0)?;
    if !lead.score.is_nan() && lead.scored_at.is_none() {
        return record.refuse("scored_at", "missing", "the instant at which the score was given");
    }
    record.not_before("scored_at", lead.scored_at, "`created_at`", lead.created_at)?;
    record.not_before("converted_at", lead.converted_at, "`created_at`", lead.created_at)
}

fn check_purchase(purchase: &ContactPurchase) -> Result<()> {
    let record = Named(RecordKind::Purchase, &purchase.contact);
    record.instant("time", purchase.time)?;
    if purchase.amount > 0.0 && purchase.amount.is_finite() {
        return Ok(());
    }
    record.refuse("amount", purchase.amount, "a finite number above 0")
}

/// The places of ids, each of which must be there once.
fn index<'a>(
    kind: RecordKind,
    ids: impl ExactSizeIterator<Item = &'a str>,
) -> Result<HashMap<&'a str, usize>> {
    let mut places = HashMap::with_capacity(ids.len());
    for (place, id) in ids.enumerate() {
        if id.is_empty() {
            return Named(kind, id).refuse("id", "empty", "an id");
        }
        if places.insert(id, place).is_some() {
            return Err(Error::RepeatedRecord { kind, id: id.to_owned() });
        }
    }
    Ok(places)
}
