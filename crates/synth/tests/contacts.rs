//! Contacts: determinism, exact totals, and that every relation holds.

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

use std::collections::{HashMap, HashSet};

use tenure_features::Timestamp;
use tenure_features::contacts::{Contact, ContactLog, Conversation, Direction, Message};
use tenure_synth::contacts::{ContactSummary, State};
use tenure_synth::{ContactBatch, ContactParams, ContactWorld};

const DAY: i64 = 86_400;

fn world(contacts: usize, change: impl FnOnce(&mut ContactParams)) -> ContactWorld {
    let mut params = ContactParams { contacts, ..ContactParams::default() };
    change(&mut params);
    params.check().unwrap()
}

/// Everything of a batch as text; NaN equals NaN there.
fn text(batch: &ContactBatch) -> String {
    format!("{batch:?}")
}

fn counts(batch: &ContactBatch) -> [usize; 4] {
    let r = &batch.records;
    [r.contacts.len(), r.conversations.len(), r.messages.len(), r.leads.len()]
}

#[test]
fn same_seed_same_records_on_any_threads_and_in_any_batches() {
    let world = world(1000, |p| p.leads = Some(777));
    let whole = world.generate(42, 1).unwrap();
    assert_eq!(text(&world.generate(42, 2).unwrap()), text(&whole));
    for size in [1, 63, 64, 100, usize::MAX] {
        let mut rows = [const { Vec::<String>::new() }; 8];
        let mut take = |batch: &ContactBatch| {
            let (r, t) = (&batch.records, &batch.truth);
            rows[0].extend(r.contacts.iter().map(|x| format!("{x:?}")));
            rows[1].extend(r.conversations.iter().map(|x| format!("{x:?}")));
            rows[2].extend(r.messages.iter().map(|x| format!("{x:?}")));
            rows[3].extend(r.leads.iter().map(|x| format!("{x:?}")));
            rows[4].extend(r.purchases.iter().map(|x| format!("{x:?}")));
            rows[5].extend(t.lives.iter().map(|x| format!("{x:?}")));
            rows[6].extend(t.leads.iter().map(|x| format!("{x:?}")));
            rows[7].extend(t.engagement.iter().map(|x| format!("{x:?}")));
            std::mem::take(&mut rows)
        };
        let mut batched = [const { Vec::<String>::new() }; 8];
        for batch in world.batches(42, size, 1) {
            let part = take(&batch.unwrap());
            batched.iter_mut().zip(part).for_each(|(all, part)| all.extend(part));
        }
        assert!(batched == take(&whole), "batches of {size}");
    }
    assert_ne!(text(&world.generate(43, 1).unwrap()), text(&whole));
}

#[test]
fn totals_are_exact() {
    assert_eq!(
        counts(&ContactParams::default().check().unwrap().generate(42, 0).unwrap()),
        [200, 150, 612, 120]
    );
    for [contacts, conversations, messages, leads] in [
        [1, 1, 1, 1],
        [65, 1, 1000, 0],
        [1000, 7, 7, 3],
        [130, 1300, 20_000, 260],
        [500, 0, 0, 0],
        [77, 77, 231, 77],
    ] {
        let params = ContactParams {
            contacts,
            conversations: Some(conversations),
            messages: Some(messages),
            leads: Some(leads),
            months: 3,
            ..ContactParams::default()
        };
        let batch = params.check().unwrap().generate(1, 0).unwrap();
        assert_eq!(counts(&batch), [contacts, conversations, messages, leads]);
        check_relations(
            &batch,
            Timestamp::from_ymd(2024, 1, 1).unwrap(),
            Timestamp::from_ymd(2024, 4, 1).unwrap(),
        );
    }
    let none = world(10, |p| p.leads = Some(0)).generate(1, 0).unwrap();
    assert_eq!(counts(&none), [10, 8, 33, 0]);
}

#[test]
fn leads_and_messages_are_spread_evenly_over_contacts() {
    let batch = world(1000, |_| ()).generate(3, 0).unwrap();
    let contacts: HashSet<&str> = batch.records.leads.iter().map(|l| l.contact.as_str()).collect();
    assert_eq!(contacts.len(), 600, "no contact has two leads where there are enough contacts");
    let mut held: HashMap<&str, usize> = HashMap::new();
    for message in &batch.records.messages {
        *held.entry(&message.conversation).or_default() += 1;
    }
    assert!(held.values().all(|&n| n >= 3));
    assert!(*held.values().max().unwrap() >= 7, "some conversations are long");
}

#[test]
fn every_relation_holds() {
    for (contacts, change) in [
        (2000, (|_| ()) as fn(&mut ContactParams)),
        (300, |p| (p.conversations, p.messages) = (Some(3000), Some(20_000))),
        (300, |p| (p.leads, p.months) = (Some(900), 3)),
        (300, |p| (p.attached_days, p.drifting_days) = (2.0, 1.0)),
    ] {
        let world = world(contacts, change);
        let batch = world.generate(5, 0).unwrap();
        check_relations(&batch, world.start(), world.end());
        // The log of features checks the same with eyes of its own.
        let log = ContactLog::from_records(batch.records.clone()).unwrap();
        let (first, last) = log.span().unwrap();
        assert!(first >= world.start() && last < world.end(), "{first} {last}");
    }
}

fn unique<'a, T>(records: &'a [T], id: impl Fn(&'a T) -> &'a str) -> HashMap<&'a str, &'a T> {
    let map: HashMap<&str, &T> = records.iter().map(|r| (id(r), r)).collect();
    assert_eq!(map.len(), records.len(), "ids are unique");
    map
}

fn check_relations(batch: &ContactBatch, start: Timestamp, end: Timestamp) {
    let r = &batch.records;
    let contacts = unique(&r.contacts, |c| &c.id);
    let conversations = unique(&r.conversations, |c| &c.id);
    unique(&r.messages, |m| &m.id);
    unique(&r.leads, |l| &l.id);
    let span = start..end;
    for contact in &r.contacts {
        assert!(span.contains(&contact.created_at));
        assert!((0.0..=1.0).contains(&contact.profile_completeness));
        assert!(contact.opted_in_at.is_none_or(|at| at >= contact.created_at));
        assert!(contact.unsubscribed_at.is_none_or(|at| Some(at) > contact.opted_in_at && at < end));
    }
    let mut last: HashMap<&str, &Message> = HashMap::new();
    for message in &r.messages {
        let conversation = conversations[message.conversation.as_str()];
        check_message(message, conversation, contacts[conversation.contact.as_str()], end);
        if let Some(before) = last.insert(&message.conversation, message) {
            assert!(before.sent_at < message.sent_at, "{before:?} {message:?}");
            if message.direction == Direction::Inbound {
                let opened = before.opened_at.unwrap();
                assert!(opened < message.sent_at, "an answer follows an opening: {before:?} {message:?}");
            }
        } else {
            assert!(message.sent_at >= conversation.started_at);
        }
    }
    for conversation in &r.conversations {
        let last = last[conversation.id.as_str()];
        assert!(conversation.closed_at.is_none_or(|at| at > last.sent_at && at < end));
        assert!(conversation.started_at >= contacts[conversation.contact.as_str()].created_at);
    }
    let mut talks = r.conversations.iter();
    for lead in &r.leads {
        let created = contacts[lead.contact.as_str()].created_at;
        assert!(talks.any(|c| c.contact == lead.contact), "each lead has a conversation of its own");
        assert!(lead.created_at > created && (0.0..=100.0).contains(&lead.score));
        assert!(lead.scored_at.unwrap() > lead.created_at && lead.scored_at.unwrap() < end);
        if let Some(converted) = lead.converted_at {
            assert!(converted > lead.created_at && converted < end);
            assert!(r.purchases.iter().any(|p| p.contact == lead.contact && p.time == converted));
        }
    }
    for purchase in &r.purchases {
        assert!(purchase.amount > 0.0 && purchase.time < end);
        assert!(purchase.time > contacts[purchase.contact.as_str()].created_at);
    }
}

fn check_message(message: &Message, conversation: &Conversation, contact: &Contact, end: Timestamp) {
    assert!(message.sent_at >= conversation.started_at && message.sent_at < end && message.length > 0);
    assert!((-1.0..=1.0).contains(&message.sentiment) && (0.0..=1.0).contains(&message.urgency));
    let ours = message.direction == Direction::Outbound;
    assert!(ours || message.opened_at.is_none() && message.campaign.is_none());
    if let Some(opened) = message.opened_at {
        let seconds = opened.seconds() - message.sent_at.seconds();
        assert!(0 < seconds && seconds < DAY && opened < end);
    }
    if let Some(clicked) = message.clicked_at {
        assert!(message.has_link && Some(clicked) > message.opened_at && clicked < end);
        assert!(clicked.seconds() - message.sent_at.seconds() < DAY);
    }
    if message.campaign.is_some() {
        assert!(
            contact.opted_in_at.is_some() && contact.unsubscribed_at.is_none_or(|at| at > message.sent_at)
        );
    }
}

#[test]
fn who_is_gone_is_silent() {
    let world = world(2000, |_| ());
    let batch = world.generate(9, 0).unwrap();
    let lives: HashMap<&str, _> =
        batch.records.contacts.iter().map(|c| c.id.as_str()).zip(&batch.truth.lives).collect();
    let conversations: HashMap<&str, &str> =
        batch.records.conversations.iter().map(|c| (c.id.as_str(), c.contact.as_str())).collect();
    let mut unheard = 0;
    for (message, &p) in batch.records.messages.iter().zip(&batch.truth.engagement) {
        let state = lives[conversations[message.conversation.as_str()]].state_at(message.sent_at).unwrap();
        assert_eq!(p.is_nan(), message.direction == Direction::Inbound);
        if state == State::Gone && message.direction == Direction::Outbound {
            unheard += 1;
            assert!(p == 0.0 && message.opened_at.is_none());
        }
    }
    assert!(unheard > 100);
    let before = world.start().plus_days(-1);
    assert!(batch.truth.lives.iter().all(|life| life.state_at(before).is_none()));
    assert!(batch.truth.lives.iter().all(|life| life.churn_probability(before, 30).is_none()));
}

#[test]
fn a_summary_counts_batches_as_it_counts_the_whole() {
    let world = world(500, |_| ());
    let (mut whole, mut parts) = (ContactSummary::default(), ContactSummary::default());
    whole.add(&world.generate(2, 0).unwrap());
    world.batches(2, 130, 0).for_each(|batch| parts.add(&batch.unwrap()));
    assert_eq!(parts.to_string(), whole.to_string());
    let lines = whole.to_string();
    assert!(lines.starts_with("Generated 500 contacts ("), "{lines}");
    assert!(lines.contains("\nCreated 375 conversations (") && lines.contains("\nCreated 1530 messages ("));
    let leads =
        format!("({} converted, {} not converted; mean score", whole.converted, 300 - whole.converted);
    assert!(lines.contains("\nCreated 300 leads ") && lines.contains(&leads), "{lines}");
}
