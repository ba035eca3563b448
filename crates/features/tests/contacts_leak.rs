//! No feature of a contact sees what happens at or after its instant, whatever that is.

#![allow(clippy::unwrap_used, reason = "a test may stop at once")]

mod contacts_support;

use contacts_support::{at, contact, conversation, lead, log, message, purchase};
use proptest::prelude::*;
use tenure_core::{FitContext, TypedRow, seed};
use tenure_features::Timestamp;
use tenure_features::contacts::{
    ContactLog, ContactPlan, ContactRecords, ContactRow, ContactTable, Content, ConversationKind, Direction,
    LeadRow, LeadTarget, MessageRow, PlannedMessage, WINDOW_HOURS, contact_rows, contact_set, lead_rows,
    lead_set, message_set,
};

/// Hours of a test's history, and the instant in its middle: few enough for events to coincide.
const HOURS: i64 = 600;
const INSTANT: i64 = 400;

fn hour(hour: i64) -> Timestamp {
    at(0, hour as f64)
}

/// Numbers drawn one after the other.
struct Draw(u64, u64);

impl Draw {
    fn below(&mut self, n: i64) -> i64 {
        self.1 += 1;
        (seed::mix(self.0, self.1) % n as u64) as i64
    }

    fn flag(&mut self) -> bool {
        self.below(2) == 0
    }

    /// An hour from one on; half the time none.
    fn later(&mut self, from: i64) -> Option<Timestamp> {
        let after = [1, 20, 100, 400][self.below(4) as usize];
        (self.flag()).then(|| hour(from + self.below(after)))
    }

    /// 0 to 1, or not known.
    fn share(&mut self) -> f64 {
        if self.below(4) == 0 { f64::NAN } else { self.below(11) as f64 / 10.0 }
    }
}

/// Adds what three contacts do from one hour to another. Ids begin with `name`.
fn add(records: &mut ContactRecords, name: &str, events: i64, from: i64, to: i64, draw: &mut Draw) {
    let when = |draw: &mut Draw| from + draw.below(to - from);
    for i in 0..events {
        let who = format!("c{}", draw.below(3));
        let id = format!("{name}{i}");
        match draw.below(10) {
            0 => {
                let begin = when(draw);
                let kind = if draw.flag() { ConversationKind::Support } else { ConversationKind::Sales };
                let mut new = conversation(&id, &who, kind, 0);
                (new.started_at, new.closed_at) = (hour(begin), draw.later(begin));
                records.conversations.push(new);
            }
            1 => records.purchases.push(purchase(&who, hour(when(draw)), (1 + draw.below(9)) as f64)),
            2 => {
                let created = when(draw);
                let mut new = lead(&id, &who, hour(created));
                (new.converted_at, new.scored_at) = (draw.later(created), draw.later(created));
                new.score = new.scored_at.map_or(f64::NAN, |_| draw.below(101) as f64);
                records.leads.push(new);
            }
            _ if records.conversations.is_empty() => {}
            _ => {
                let n = records.conversations.len() as i64;
                let thread = &records.conversations[draw.below(n) as usize];
                let begin = (thread.started_at.seconds() - hour(0).seconds()) / 3600;
                let sent = begin.max(from) + draw.below(to - begin.max(from));
                let direction = if draw.flag() { Direction::Inbound } else { Direction::Outbound };
                let mut new = message(&id, &thread.id, direction, hour(sent));
                new.content = Content::ALL[draw.below(3) as usize];
                (new.sentiment, new.urgency) = (1.0 - 2.0 * draw.share(), draw.share());
                new.campaign = draw.flag().then(|| "c".into());
                if direction == Direction::Outbound {
                    (new.opened_at, new.clicked_at) = (draw.later(sent), draw.later(sent));
                }
                records.messages.push(new);
            }
        }
    }
}

/// Contacts and their past, without what begins at the instant or later.
fn past(draw: &mut Draw) -> ContactRecords {
    let mut records = ContactRecords::default();
    for i in 0..3 {
        let mut new = contact(&format!("c{i}"));
        (new.opted_in_at, new.unsubscribed_at) = (draw.later(300), draw.later(300));
        new.created_at = hour(draw.below(HOURS));
        new.utc_offset_minutes = draw.below(1681) as i32 - 840;
        records.contacts.push(new);
    }
    add(&mut records, "past", 120, 0, INSTANT, draw);
    records
}

/// The same past, and whatever happens to it from the instant on happens otherwise.
fn other_future(past: &ContactRecords, draw: &mut Draw) -> ContactRecords {
    let instant = hour(INSTANT);
    let mut other = past.clone();
    let mut redraw = |place: &mut Option<Timestamp>| {
        if place.is_none_or(|at| at >= instant) {
            *place = draw.later(INSTANT);
        }
    };
    for contact in &mut other.contacts {
        [&mut contact.opted_in_at, &mut contact.unsubscribed_at].into_iter().for_each(&mut redraw);
        if contact.created_at >= instant {
            contact.created_at = hour(HOURS);
        }
    }
    other.conversations.iter_mut().for_each(|c| redraw(&mut c.closed_at));
    for message in other.messages.iter_mut().filter(|m| m.direction == Direction::Outbound) {
        [&mut message.opened_at, &mut message.clicked_at].into_iter().for_each(&mut redraw);
    }
    for lead in &mut other.leads {
        [&mut lead.converted_at, &mut lead.scored_at].into_iter().for_each(&mut redraw);
        if lead.scored_at.is_none_or(|at| at >= instant) {
            lead.score = lead.scored_at.map_or(f64::NAN, |_| 50.0);
        }
    }
    other
}

fn bits(values: impl IntoIterator<Item = f64>) -> Vec<u64> {
    values.into_iter().map(f64::to_bits).collect()
}

fn planned() -> PlannedMessage {
    PlannedMessage::from(&message("", "", Direction::Outbound, hour(0)))
}

/// All three rows of a contact.
fn rows(log: &ContactLog, id: &str, instant: Timestamp) -> Vec<u64> {
    let view = log.as_of(id, instant).unwrap();
    let message = MessageRow::as_of(&view, &planned(), WINDOW_HOURS).to_values();
    bits([LeadRow::as_of(&view).to_values(), ContactRow::as_of(&view).to_values(), message].concat())
}

/// Everything in a table but the contacts' indices; or what is said where there is none.
type Contents = Result<(Vec<String>, Vec<String>, Vec<i64>, Vec<u64>, Vec<u64>), String>;

fn contents(table: tenure_features::Result<ContactTable>) -> Contents {
    let table = table.map_err(|e| e.to_string())?;
    let labels = table.data().targets().iter().flat_map(|t| t.values().to_vec());
    Ok((
        table.ids().to_vec(),
        table.contact_ids().map(str::to_owned).collect(),
        table.data().times().unwrap().to_vec(),
        bits(table.data().x().iter().copied()),
        bits(labels),
    ))
}

/// All tables that an instant allows.
fn tables(log: &ContactLog, instant: Timestamp, threads: usize) -> Vec<Contents> {
    let context = FitContext::new(0).with_threads(threads);
    let plan = ContactPlan { active_days: 5, prediction_days: 3, ..ContactPlan::default() };
    let until = Some(instant);
    let tables = [
        lead_rows(log, instant),
        contact_rows(log, &plan, instant),
        lead_set(log, LeadTarget::Score, until, &context),
        lead_set(log, LeadTarget::Converted { days: 4 }, until, &context),
        contact_set(log, &plan, until, &context),
        message_set(log, WINDOW_HOURS, until, &context),
    ];
    tables.into_iter().map(contents).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_future_changes_no_feature(seed in any::<u64>(), more in 0i64..60) {
        let mut draw = Draw(seed, 0);
        let past = past(&mut draw);
        let mut other = other_future(&past, &mut draw);
        let mut one = past;
        add(&mut one, "one", 60, INSTANT, HOURS, &mut draw);
        add(&mut other, "other", more, INSTANT, HOURS, &mut draw);
        // Somebody new sorts before all others.
        other.contacts.push(tenure_features::contacts::Contact { created_at: hour(INSTANT), ..contact("a") });
        let (one, other) = (log(&one), log(&other));
        for who in ["c0", "c1", "c2"] {
            prop_assert_eq!(rows(&one, who, hour(INSTANT)), rows(&other, who, hour(INSTANT)));
        }
        prop_assert_eq!(tables(&one, hour(INSTANT), 1), tables(&other, hour(INSTANT), 1));
    }

    /// Neither the order of records nor the number of threads matters, and a table's row is the row alone.
    #[test]
    fn tables_hold_the_rows(seed in any::<u64>()) {
        let mut draw = Draw(seed, 0);
        let mut records = past(&mut draw);
        add(&mut records, "late", 60, INSTANT, HOURS, &mut draw);
        let one = log(&records);
        fn shuffle<T: Clone>(items: &mut Vec<T>, seed: u64) {
            *items = seed::permutation(items.len(), seed).into_iter().map(|i| items[i].clone()).collect();
        }
        shuffle(&mut records.contacts, seed);
        shuffle(&mut records.conversations, seed);
        shuffle(&mut records.messages, seed);
        shuffle(&mut records.leads, seed);
        shuffle(&mut records.purchases, seed);
        let other = log(&records);
        prop_assert_eq!(tables(&one, hour(500), 1), tables(&other, hour(500), 3));

        if let Ok(table) = message_set(&one, 24, None, &FitContext::new(0)) {
            let times = table.data().times().unwrap();
            for (row, (id, who)) in table.ids().iter().zip(table.contact_ids()).enumerate() {
                let message = records.messages.iter().find(|m| m.id == *id).unwrap();
                let view = one.as_of(who, Timestamp::from_seconds(times[row])).unwrap();
                let alone = MessageRow::as_of(&view, &PlannedMessage::from(message), 24).to_values();
                prop_assert_eq!(bits(alone), bits(table.data().row(row).iter().copied()));
            }
        }
    }
}

/// The test above would see a leak: what happens just before the instant does change features.
#[test]
fn the_past_changes_features() {
    let mut draw = Draw(7, 0);
    let records = past(&mut draw);
    let before = log(&records);
    let just = hour(INSTANT - 1);
    let changed = |change: &dyn Fn(&mut ContactRecords)| {
        let mut other = records.clone();
        change(&mut other);
        let other = log(&other);
        ["c0", "c1", "c2"].iter().any(|c| rows(&before, c, hour(INSTANT)) != rows(&other, c, hour(INSTANT)))
    };
    assert!(!changed(&|_| {}));
    assert!(changed(&|r| r.purchases.push(purchase("c1", just, 1.0))));
    assert!(changed(&|r| r.messages.iter_mut().for_each(|m| m.opened_at = m.opened_at.or(Some(just)))));
    assert!(changed(&|r| r.messages.iter_mut().for_each(|m| m.clicked_at = m.clicked_at.or(Some(just)))));
    assert!(changed(&|r| r
        .conversations
        .iter_mut()
        .for_each(|c| c.closed_at = Some(just.max(c.started_at)))));
    assert!(changed(&|r| r.contacts.iter_mut().for_each(|c| c.unsubscribed_at = Some(just))));
    assert!(changed(&|r| {
        let thread = r.conversations[0].id.clone();
        r.messages.push(message("new", &thread, Direction::Inbound, just));
    }));
}
