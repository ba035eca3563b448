//! Contact logs: what is refused, every feature of a small history worked out by hand, and the data sets.

#![allow(clippy::unwrap_used, reason = "a test may stop at once")]

mod contacts_support;

use contacts_support::{ann, at, contact, conversation, lead, log, message, purchase};
use tenure_core::{CancelToken, FitContext, TypedRow};
use tenure_features::contacts::{
    ContactLog, ContactPlan, ContactRecords, ContactRow, ContactTable, Content, Conversation,
    ConversationKind, Direction, Lead, LeadRow, LeadTarget, Message, MessageRow, PlannedMessage,
    WINDOW_HOURS, contact_rows, contact_set, lead_rows, lead_set, message_set,
};
use tenure_features::{Every, Timestamp};

/// Every feature by name, and nothing left out.
fn check<R: TypedRow>(row: &R, expected: &[(&str, f64)]) {
    let found = row.to_values();
    let names: Vec<&str> = R::fields().iter().map(|f| f.name).collect();
    assert_eq!(names, expected.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for ((name, expected), found) in expected.iter().zip(found) {
        let same = (found.is_nan() && expected.is_nan()) || (found - expected).abs() < 1e-12;
        assert!(same, "{name}: {found}, expected {expected}");
    }
    row.check().unwrap();
}

fn planned(content: Content) -> PlannedMessage {
    PlannedMessage::from(&Message {
        content,
        length: 120,
        sentiment: 0.3,
        urgency: 0.1,
        has_link: true,
        personalised: true,
        ..message("", "", Direction::Outbound, at(0, 0.0))
    })
}

#[test]
fn a_lead_by_hand() {
    let log = log(&ann());
    check(
        &LeadRow::as_of(&log.as_of("ann", at(100, 0.0)).unwrap()),
        &[
            ("reply_rate", 2.0 / 6.0),
            ("reply_hours_median", 15.0),
            ("first_reply_hours", 6.0),
            ("replies", 2.0),
            ("unanswered_streak", 1.0),
            ("messages_received", 6.0),
            ("messages_sent", 6.0),
            ("conversations", 3.0),
            ("conversation_length", 4.0),
            ("message_length", 70.0),
            ("active_days", 5.0),
            ("days_since_received", 14.0 / 3.0),
            ("sentiment_mean", 0.15),
            ("sentiment_last", 1.0),
            ("sentiment_trend", 0.5),
            ("negative_share", 0.25),
            ("campaign_messages", 3.0),
            ("campaign_open_rate", 2.0 / 3.0),
            ("campaign_click_rate", 1.0 / 3.0),
            ("conversions", 3.0),
            ("profile_completeness", 0.5),
            ("opted_in", 1.0),
            ("urgency_mean", 0.5),
            ("contact_age_days", 100.0),
        ],
    );
}

#[test]
fn a_contact_by_hand() {
    let log = log(&ann());
    check(
        &ContactRow::as_of(&log.as_of("ann", at(100, 0.0)).unwrap()),
        &[
            ("recency_days", 14.0 / 3.0),
            ("days_since_received", 14.0 / 3.0),
            ("days_since_purchase", 20.0),
            ("received_90d", 5.0),
            ("purchases", 3.0),
            ("spend_365d", 180.0),
            ("sentiment_mean_90d", 0.2 / 3.0),
            ("sentiment_last", 1.0),
            ("sentiment_trend", 1.4),
            ("sentiment_low_90d", -0.6),
            ("negative_share_90d", 1.0 / 3.0),
            ("received_30d", 1.0),
            ("received_trend", -1.0 / 3.0),
            ("sent_30d", 2.0),
            ("open_rate_90d", 0.2),
            ("open_rate_trend", -1.0 / 3.0),
            ("click_rate_90d", 0.2),
            ("reply_rate_90d", 0.2),
            ("reply_hours_median_90d", 24.0),
            ("unanswered_streak", 1.0),
            ("conversations_90d", 2.0),
            ("tickets", 2.0),
            ("tickets_90d", 2.0),
            ("tickets_open", 1.0),
            ("ticket_hours_mean", 48.0),
            ("urgency_mean_90d", 0.65),
            ("average_purchase", 60.0),
            ("purchases_90d", 3.0),
            ("purchase_gap_days", 30.0),
            ("spend_trend", -3.0 / 7.0),
            ("contact_age_days", 100.0),
            ("unsubscribed", 0.0),
        ],
    );
}

#[test]
fn a_message_by_hand() {
    let log = log(&ann());
    let view = log.as_of("ann", at(100, 0.0)).unwrap();
    check(
        &MessageRow::as_of(&view, &planned(Content::Promotional), WINDOW_HOURS),
        &[
            ("hour", 1.0),
            ("weekday", 2.0), // Wednesday
            ("hours_since_sent", 88.0),
            ("content", 0.0),
            ("campaign", 0.0),
            ("personalised", 1.0),
            ("length", 120.0),
            ("sentiment", 0.3),
            ("urgency", 0.1),
            ("has_link", 1.0),
            ("has_media", 0.0),
            ("sent_night", 1.0),
            ("engaged_night", 0.0),
            ("sent_morning", 4.0),
            ("engaged_morning", 2.0),
            ("sent_afternoon", 1.0),
            ("engaged_afternoon", 0.0),
            ("sent_evening", 0.0),
            ("engaged_evening", 0.0),
            ("sent_weekend", 4.0),
            ("engaged_weekend", 1.0),
            ("sent_same_content", 3.0),
            ("engaged_same_content", 2.0),
            ("contact_age_days", 100.0),
            ("received_30d", 1.0),
            ("sent_7d", 1.0),
            ("days_since_received", 14.0 / 3.0),
        ],
    );
}

#[test]
fn what_comes_at_the_instant_or_later_is_not_seen() {
    let log = log(&ann());
    let lead = |days, hours| LeadRow::as_of(&log.as_of("ann", at(days, hours)).unwrap());
    let contact = |days, hours| ContactRow::as_of(&log.as_of("ann", at(days, hours)).unwrap());
    // Sent at 9, opened at 10, answered at 15 of day 1.
    let seen = |row: LeadRow| (row.messages_sent, row.campaign_open_rate, row.replies);
    assert_eq!(lead(1, 9.0).messages_sent, 0.0);
    assert_eq!(seen(lead(1, 10.0)), (1.0, 0.0, 0.0));
    assert_eq!(seen(lead(1, 15.0)), (1.0, 1.0, 0.0));
    assert_eq!(seen(lead(1, 15.001)), (1.0, 1.0, 1.0));
    // A click without a recorded opening.
    assert_eq!((lead(12, 12.0).campaign_open_rate, lead(12, 12.0).campaign_click_rate), (0.5, 0.0));
    assert_eq!((lead(12, 12.001).campaign_open_rate, lead(12, 12.001).campaign_click_rate), (1.0, 0.5));
    assert_eq!((contact(42, 0.0).tickets_open, contact(42, 0.001).tickets_open), (1.0, 0.0));
    assert_eq!(
        (lead(1, 0.0).opted_in, lead(1, 0.001).opted_in, lead(100, 0.001).opted_in),
        (false, true, false)
    );
    assert!(contact(100, 0.001).unsubscribed);
    assert_eq!((contact(101, 0.0).recency_days, contact(102, 0.0).recency_days), (1.0, 1.0));
    assert_eq!(lead(0, 0.0).contact_age_days, 0.0);
    assert!(lead(0, 0.0).reply_rate.is_nan() && contact(0, 0.0).recency_days.is_nan());
}

#[test]
fn a_past_message_counts_once_its_window_is_over() {
    let log = log(&ann());
    // The message of day 90, noon; with a window of twelve days its opening counts.
    let afternoon = |days, hours, window| {
        let view = log.as_of("ann", at(days, hours)).unwrap();
        let row = MessageRow::as_of(&view, &planned(Content::Support), window);
        (row.sent_afternoon, row.engaged_afternoon)
    };
    assert_eq!(afternoon(92, 11.99, 48), (0.0, 0.0));
    assert_eq!(afternoon(92, 12.0, 48), (1.0, 0.0));
    assert_eq!(afternoon(102, 11.99, 12 * 24), (0.0, 0.0));
    assert_eq!(afternoon(102, 12.0, 12 * 24), (1.0, 1.0));
}

#[test]
fn an_answer_is_the_next_message_of_the_conversation() {
    use Direction::{Inbound, Outbound};
    let mut records = ContactRecords {
        contacts: vec![contact("a")],
        conversations: vec![
            conversation("x", "a", ConversationKind::Sales, 0),
            conversation("y", "a", ConversationKind::Sales, 0),
        ],
        messages: vec![
            message("1", "x", Outbound, at(0, 0.0)),
            message("2", "y", Inbound, at(0, 1.0)),
            message("3", "x", Outbound, at(0, 2.0)),
            message("4", "x", Inbound, at(7, 2.0)),
            message("5", "x", Inbound, at(7, 3.0)),
        ],
        ..ContactRecords::default()
    };
    let row = |records: &ContactRecords| LeadRow::as_of(&log(records).as_of("a", at(30, 0.0)).unwrap());
    assert_eq!((row(&records).replies, row(&records).reply_hours_median), (1.0, 168.0));
    // A second more than seven days.
    records.messages[3].sent_at = at(7, 2.0 + 1.0 / 3600.0);
    assert_eq!(row(&records).replies, 0.0);
    // Of one instant, the contact's message comes first: what is written by return answers nothing of ours.
    records.messages[3].sent_at = at(0, 2.0);
    assert_eq!((row(&records).replies, row(&records).reply_hours_median), (1.0, 2.0));
}

#[test]
fn contacts_may_leave_and_come_back() {
    let mut records = ann();
    records.contacts[0].unsubscribed_at = Some(at(5, 0.0));
    records.contacts[0].opted_in_at = Some(at(9, 0.0));
    let log = log(&records);
    let opted_in = |days| LeadRow::as_of(&log.as_of("ann", at(days, 0.0)).unwrap()).opted_in;
    let left = |days| ContactRow::as_of(&log.as_of("ann", at(days, 0.0)).unwrap()).unsubscribed;
    assert_eq!([4, 6, 10].map(|d| (opted_in(d), left(d))), [(false, false), (false, true), (true, false)]);
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    fn refusal(change: impl FnOnce(&mut ContactRecords)) -> String {
        let mut records = ann();
        change(&mut records);
        ContactLog::from_records(records).unwrap_err().to_string()
    }
    let far = Timestamp::from_seconds(i64::MAX);
    let early = Some(at(0, 0.0));
    let check = |found: String, expected: &str| assert_eq!(found, expected);
    check(
        refusal(|r| r.contacts.push(contact("ann"))),
        "contact `ann` occurs twice; every contact needs an id of its own",
    );
    check(
        refusal(|r| r.conversations[1].id = "s1".into()),
        "conversation `s1` occurs twice; every conversation needs an id of its own",
    );
    check(
        refusal(|r| r.messages[1].id = "m01".into()),
        "message `m01` occurs twice; every message needs an id of its own",
    );
    check(
        refusal(|r| r.leads.push(lead("l1", "ann", at(3, 0.0)))),
        "lead `l1` occurs twice; every lead needs an id of its own",
    );
    check(refusal(|r| r.leads[0].id.clear()), "lead ``, field `id`: empty; expected an id");
    check(
        refusal(|r| r.conversations[0].contact = "bob".into()),
        "conversation `s1`, field `contact`: there is no contact `bob`",
    );
    check(
        refusal(|r| r.messages[0].conversation = "z".into()),
        "message `m01`, field `conversation`: there is no conversation `z`",
    );
    check(
        refusal(|r| r.leads[0].contact = "bob".into()),
        "lead `l1`, field `contact`: there is no contact `bob`",
    );
    check(
        refusal(|r| r.purchases[0].contact = "bob".into()),
        "purchase of contact `bob`, field `contact`: there is no contact `bob`",
    );
    check(
        refusal(|r| r.messages[0].sent_at = at(0, 23.0)),
        "message `m01`, field `sent_at`: 2024-01-01T23:00:00Z; expected not before 2024-01-02, `started_at` of its \
         conversation",
    );
    check(
        refusal(|r| r.messages[0].opened_at = early),
        "message `m01`, field `opened_at`: 2024-01-01; expected not before 2024-01-02T09:00:00Z, `sent_at`",
    );
    check(
        refusal(|r| r.messages[0].clicked_at = early),
        "message `m01`, field `clicked_at`: 2024-01-01; expected not before 2024-01-02T09:00:00Z, `sent_at`",
    );
    check(
        refusal(|r| r.conversations[1].closed_at = early),
        "conversation `t1`, field `closed_at`: 2024-01-01; expected not before 2024-02-10, `started_at`",
    );
    check(
        refusal(|r| r.leads[0].converted_at = early),
        "lead `l1`, field `converted_at`: 2024-01-01; expected not before 2024-01-03, `created_at`",
    );
    check(
        refusal(|r| r.leads[0].scored_at = early),
        "lead `l1`, field `scored_at`: 2024-01-01; expected not before 2024-01-03, `created_at`",
    );
    check(
        refusal(|r| r.leads[0].scored_at = None),
        "lead `l1`, field `scored_at`: missing; expected the instant at which the score was given",
    );
    check(
        refusal(|r| r.leads[0].score = 101.0),
        "lead `l1`, field `score`: 101; expected a number from 0 to 100, or NaN",
    );
    check(
        refusal(|r| r.messages[1].sentiment = -1.5),
        "message `m02`, field `sentiment`: -1.5; expected a number from -1 to 1, or NaN",
    );
    check(
        refusal(|r| r.messages[1].urgency = f64::INFINITY),
        "message `m02`, field `urgency`: inf; expected a number from 0 to 1, or NaN",
    );
    check(
        refusal(|r| r.contacts[0].profile_completeness = 50.0),
        "contact `ann`, field `profile_completeness`: 50; expected a number from 0 to 1, or NaN",
    );
    check(
        refusal(|r| r.contacts[0].utc_offset_minutes = 841),
        "contact `ann`, field `utc_offset_minutes`: 841; expected -840 to 840",
    );
    check(
        refusal(|r| r.purchases[0].amount = 0.0),
        "purchase of contact `ann`, field `amount`: 0; expected a finite number above 0",
    );
    check(
        refusal(|r| r.purchases[0].amount = f64::NAN),
        "purchase of contact `ann`, field `amount`: NaN; expected a finite number above 0",
    );
    let beyond = "9223372036854775807 s since 1970; expected the years -9999 to 9999";
    check(
        refusal(|r| r.contacts[0].created_at = far),
        &format!("contact `ann`, field `created_at`: {beyond}"),
    );
    check(
        refusal(|r| r.contacts[0].unsubscribed_at = Some(far)),
        &format!("contact `ann`, field `unsubscribed_at`: {beyond}"),
    );
    check(
        refusal(|r| r.messages[0].opened_at = Some(far)),
        &format!("message `m01`, field `opened_at`: {beyond}"),
    );
    check(
        refusal(|r| r.purchases[0].time = far),
        &format!("purchase of contact `ann`, field `time`: {beyond}"),
    );
}

#[test]
fn what_real_records_hold_is_taken() {
    let mut records = ann();
    records.contacts[0].created_at = at(50, 0.0);
    // Read receipts of the contact's own messages say nothing.
    records.messages[1].opened_at = Some(at(0, 0.0));
    records.conversations[1].closed_at = Some(at(40, 0.0));
    records.leads[0].score = f64::NAN;
    let log = log(&records);
    let row = ContactRow::as_of(&log.as_of("ann", at(20, 0.0)).unwrap());
    assert_eq!((row.contact_age_days, row.received_90d), (19.0, 2.0)); // since the first conversation
    assert!(
        log.as_of("bob", at(0, 0.0)).unwrap_err().to_string().contains("contact `bob` is not in the log")
    );
    let empty = ContactLog::from_records(ContactRecords::default()).unwrap();
    assert_eq!((empty.contacts(), empty.span()), (0, None));
}

// ---- data sets

fn context() -> FitContext<'static> {
    FitContext::new(0)
}

fn ids(table: &ContactTable) -> Vec<&str> {
    table.ids().iter().map(String::as_str).collect()
}

/// Two leads of ann and one of bob, who has written nothing.
fn leads() -> ContactRecords {
    let mut records = ann();
    records.contacts.push(contact("bob"));
    let scored = |id, who, day, score, scored: i64| Lead {
        score,
        scored_at: Some(at(scored, 0.0)),
        ..lead(id, who, at(day, 0.0))
    };
    records.leads.push(Lead { converted_at: Some(at(35, 0.0)), ..scored("l0", "bob", 5, 20.0, 60) });
    records.leads.push(lead("l3", "ann", at(99, 0.0)));
    records
}

#[test]
fn leads_are_there_once_their_label_is_known() {
    let log = log(&leads());
    let set = |target, day: i64| lead_set(&log, target, Some(at(day, 0.0)), &context());
    let all = set(LeadTarget::Score, 200).unwrap();
    assert_eq!(ids(&all), ["l1", "l0"]); // by creation
    assert_eq!(all.contact_ids().collect::<Vec<_>>(), ["ann", "bob"]);
    assert_eq!(
        (all.data().target().unwrap().name(), all.data().target().unwrap().values()),
        ("score", &[70.0, 20.0][..])
    );
    assert_eq!(all.data().groups().unwrap(), [0, 1]);
    assert_eq!(all.data().times().unwrap(), [at(2, 0.0).seconds(), at(5, 0.0).seconds()]);
    let row = LeadRow::from_values(all.data().row(0).as_slice().unwrap()).unwrap();
    assert_eq!((row.messages_sent, row.messages_received, row.reply_rate), (1.0, 1.0, 1.0));
    assert_eq!(ids(&set(LeadTarget::Score, 60).unwrap()), ["l1"]);
    assert_eq!(set(LeadTarget::Score, 30).unwrap_err().to_string(), "no leads were scored before 2024-01-31");

    // Within 30 days: ann's after 18, bob's on the thirtieth, which is too late.
    let converted = set(LeadTarget::Converted { days: 30 }, 129).unwrap();
    assert_eq!(ids(&converted), ["l1", "l0", "l3"]);
    assert_eq!(converted.data().target().unwrap().values(), [1.0, 0.0, 0.0]);
    // Converted already, but its days are not over.
    assert_eq!(
        set(LeadTarget::Converted { days: 30 }, 31).unwrap_err().to_string(),
        "no leads with a known end: none was created 30 days or more before 2024-02-01"
    );
    assert!(set(LeadTarget::Converted { days: 0 }, 31).unwrap_err().to_string().contains("days"));
}

#[test]
fn open_leads_are_scored_as_of_today() {
    let log = log(&leads());
    let open = lead_rows(&log, at(20, 0.0)).unwrap();
    // ann's converts that day, which is not known before.
    assert_eq!(ids(&open), ["l0", "l1"]);
    assert!(open.data().targets().is_empty());
    assert_eq!(ids(&lead_rows(&log, at(100, 0.0)).unwrap()), ["l3"]);
    assert_eq!(
        lead_rows(&log, at(2, 0.0)).unwrap_err().to_string(),
        "no leads created before 2024-01-03 and not yet converted"
    );
}

#[test]
fn the_active_are_looked_at_every_month() {
    let log = log(&leads());
    let plan = ContactPlan { active_days: 20, prediction_days: 15, ..ContactPlan::default() };
    // Until day 116 (2024-04-26): 2024-04-11, -03-11, -02-11 and no more, as 20 days of log lie before.
    let table = contact_set(&log, &plan, Some(at(116, 0.0)), &context()).unwrap();
    let days = |table: &ContactTable| -> Vec<i64> {
        table.data().times().unwrap().iter().map(|t| (t - at(0, 0.0).seconds()) / 86_400).collect()
    };
    // March 11 is day 70, the purchase of day 50 is 20 days old; bob never did anything.
    assert_eq!((ids(&table), days(&table)), (vec!["ann"; 3], vec![41, 70, 101]));
    // 41: writes; 70: buys on day 80; 101: opens at that very instant.
    assert_eq!(table.data().target().unwrap().values(), [0.0, 0.0, 0.0]);
    let last = ContactPlan { max_instants: 1, every: Every::Days(7), ..plan };
    let table = contact_set(&log, &last, Some(at(117, 0.0)), &context()).unwrap();
    assert_eq!((days(&table), table.data().target().unwrap().values()), (vec![102], &[1.0][..]));

    let now = contact_rows(&log, &plan, at(70, 0.0)).unwrap();
    assert_eq!((ids(&now), now.data().targets().len()), (vec!["ann"], 0));
    assert_eq!(
        contact_rows(&log, &plan, at(71, 0.0)).unwrap_err().to_string(),
        "no contact wrote, opened, clicked or bought within the 20 days before 2024-03-12"
    );
    let early = contact_set(&log, &plan, Some(at(16, 0.0)), &context()).unwrap_err().to_string();
    assert_eq!(early, "no contact wrote, opened, clicked or bought within the 20 days before 2024-01-02");
    let none = ContactPlan { max_instants: 0, ..plan };
    assert!(contact_rows(&log, &none, at(70, 0.0)).unwrap_err().to_string().contains("max_instants"));
}

#[test]
fn messages_are_there_once_their_window_is_over() {
    let log = log(&ann());
    let table = message_set(&log, 48, Some(at(98, 8.0)), &context()).unwrap();
    assert_eq!(ids(&table), ["m01", "m03", "m04", "m08", "m10", "m12"]);
    assert_eq!(table.data().target().unwrap().values(), [1.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(message_set(&log, 48, Some(at(98, 7.9)), &context()).unwrap().ids().len(), 5);
    assert_eq!(
        message_set(&log, 48, Some(at(2, 0.0)), &context()).unwrap_err().to_string(),
        "no messages to contacts that were sent 48 hours or more before 2024-01-03"
    );
    assert!(message_set(&log, 0, None, &context()).is_err());
}

#[test]
fn futures_exist_only_where_the_log_covers_them() {
    let log = log(&leads());
    let silent = log.map_future(at(102, 0.0), 10, None, |future| future.is_silent()).unwrap();
    assert_eq!(silent, [true, true]);
    let spend = log.map_future(at(80, 0.0), 30, None, |f| f.purchases().map(|p| p.amount()).sum::<f64>());
    assert_eq!(spend.unwrap(), [1029.0, 0.0]);
    // The last event is a ticket closed on day 120.
    assert_eq!(
        log.map_future(at(100, 0.0), 22, None, |_| ()).unwrap_err().to_string(),
        "the 22 days from 2024-04-10 are not over: the log covers events up to 2024-05-01"
    );
}

#[test]
fn work_can_be_cancelled() {
    let token = CancelToken::default();
    token.cancel();
    let error = message_set(&log(&ann()), 48, None, &context().with_cancel(token)).unwrap_err();
    assert!(error.to_string().contains("building features"), "{error}");
}

#[test]
fn purchases_at_one_instant_and_conversations_alone_are_fine() {
    let records = ContactRecords {
        contacts: vec![contact("a")],
        conversations: vec![Conversation {
            closed_at: Some(at(3, 0.0)),
            ..conversation("x", "a", ConversationKind::Support, 3)
        }],
        purchases: vec![purchase("a", at(1, 0.0), 2.0), purchase("a", at(1, 0.0), 1.0)],
        ..ContactRecords::default()
    };
    let log = log(&records);
    let view = log.as_of("a", at(4, 0.0)).unwrap();
    let row = ContactRow::as_of(&view);
    assert_eq!((row.purchase_gap_days, row.ticket_hours_mean, row.average_purchase), (0.0, 0.0, 1.5));
    assert_eq!(LeadRow::as_of(&view).conversation_length, 0.0);
}
