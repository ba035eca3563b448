//! Records for the tests of contacts.

#![allow(dead_code, clippy::unwrap_used, reason = "each test uses a part of it, and may stop at once")]

use tenure_features::Timestamp;
use tenure_features::contacts::{
    Contact, ContactLog, ContactPurchase, ContactRecords, Content, Conversation, ConversationKind, Direction,
    Lead, Message,
};

/// So many days and hours after Monday, 2024-01-01.
pub(crate) fn at(days: i64, hours: f64) -> Timestamp {
    let start = Timestamp::from_ymd(2024, 1, 1).unwrap();
    Timestamp::from_seconds(start.plus_days(days).seconds() + (hours * 3600.0) as i64)
}

pub(crate) fn contact(id: &str) -> Contact {
    Contact {
        id: id.into(),
        created_at: at(0, 0.0),
        utc_offset_minutes: 0,
        profile_completeness: f64::NAN,
        opted_in_at: None,
        unsubscribed_at: None,
    }
}

pub(crate) fn conversation(id: &str, contact: &str, kind: ConversationKind, days: i64) -> Conversation {
    Conversation { id: id.into(), contact: contact.into(), started_at: at(days, 0.0), kind, closed_at: None }
}

/// Without tone, urgency, link, picture, name or campaign.
pub(crate) fn message(id: &str, conversation: &str, direction: Direction, sent_at: Timestamp) -> Message {
    Message {
        id: id.into(),
        conversation: conversation.into(),
        sent_at,
        direction,
        content: Content::Promotional,
        length: 10,
        sentiment: f64::NAN,
        urgency: f64::NAN,
        has_link: false,
        has_media: false,
        personalised: false,
        campaign: None,
        opened_at: None,
        clicked_at: None,
    }
}

pub(crate) fn lead(id: &str, contact: &str, created_at: Timestamp) -> Lead {
    let (id, contact) = (id.into(), contact.into());
    Lead { id, contact, created_at, score: f64::NAN, scored_at: None, converted_at: None }
}

pub(crate) fn purchase(contact: &str, time: Timestamp, amount: f64) -> ContactPurchase {
    ContactPurchase { contact: contact.into(), time, amount }
}

pub(crate) fn log(records: &ContactRecords) -> ContactLog {
    ContactLog::from_records(records.clone()).unwrap()
}

/// The history of one contact, told in the tests of `contacts.rs`.
pub(crate) fn ann() -> ContactRecords {
    use Content::{Informational, Promotional, Support};
    use Direction::{Inbound, Outbound};
    let ann = Contact {
        utc_offset_minutes: 60,
        profile_completeness: 0.5,
        opted_in_at: Some(at(1, 0.0)),
        unsubscribed_at: Some(at(100, 0.0)),
        ..contact("ann")
    };
    let ours = |id, conversation, sent_at, content, campaign: bool| Message {
        content,
        campaign: campaign.then(|| "spring".to_owned()),
        ..message(id, conversation, Outbound, sent_at)
    };
    let theirs = |id, conversation, sent_at, length, sentiment, urgency| Message {
        length,
        sentiment,
        urgency,
        ..message(id, conversation, Inbound, sent_at)
    };
    let nan = f64::NAN;
    ContactRecords {
        contacts: vec![ann],
        conversations: vec![
            conversation("s1", "ann", ConversationKind::Sales, 1),
            Conversation {
                closed_at: Some(at(42, 0.0)),
                ..conversation("t1", "ann", ConversationKind::Support, 40)
            },
            Conversation {
                closed_at: Some(at(120, 0.0)),
                ..conversation("t2", "ann", ConversationKind::Support, 95)
            },
        ],
        messages: vec![
            Message { opened_at: Some(at(1, 10.0)), ..ours("m01", "s1", at(1, 9.0), Promotional, true) },
            theirs("m02", "s1", at(1, 15.0), 100, 0.4, 0.2),
            ours("m03", "s1", at(10, 9.0), Informational, false),
            Message { clicked_at: Some(at(12, 12.0)), ..ours("m04", "s1", at(12, 9.0), Promotional, true) },
            theirs("m05", "s1", at(13, 9.0), 50, -0.6, 0.8),
            // The next day, local to her.
            theirs("m06", "t1", at(40, 23.5), 30, nan, nan),
            theirs("m07", "t1", at(41, 1.0), 20, nan, nan),
            ours("m08", "t1", at(41, 2.0), Support, false),
            // After eight days: no answer.
            theirs("m09", "t1", at(49, 3.0), 20, -0.2, 0.5),
            Message { opened_at: Some(at(101, 0.0)), ..ours("m10", "s1", at(90, 12.0), Promotional, true) },
            theirs("m11", "t2", at(95, 8.0), 200, 1.0, nan),
            ours("m12", "t2", at(96, 8.0), Support, false),
            theirs("m13", "t2", at(100, 0.0), 1, -1.0, 1.0),
        ],
        leads: vec![Lead {
            score: 70.0,
            scored_at: Some(at(30, 0.0)),
            converted_at: Some(at(20, 0.0)),
            ..lead("l1", "ann", at(2, 0.0))
        }],
        purchases: vec![
            purchase("ann", at(50, 0.0), 50.0),
            purchase("ann", at(20, 0.0), 100.0),
            purchase("ann", at(80, 0.0), 30.0),
            purchase("ann", at(100, 0.0), 999.0),
        ],
    }
}
