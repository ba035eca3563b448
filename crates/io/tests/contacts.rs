//! The files of contacts: what is written is read back the same, and what is refused is named.

#![allow(clippy::unwrap_used, reason = "a test may stop at once")]

mod common;

use std::num::NonZeroUsize;

use common::{file, folder};
use proptest::prelude::*;
use tenure_core::CancelToken;
use tenure_features::Timestamp;
use tenure_features::contacts::{
    Contact, ContactPurchase, ContactRecords, Content, Conversation, ConversationKind, Direction, Lead,
    Message,
};
use tenure_io::{ContactReadReport, ContactWriter, FileFormat, ReadOptions, read_contacts};

const FORMATS: [(FileFormat, bool); 5] = [
    (FileFormat::Csv, false),
    (FileFormat::Csv, true),
    (FileFormat::Jsonl, false),
    (FileFormat::Jsonl, true),
    (FileFormat::Parquet, false),
];

fn written(batches: &[ContactRecords], format: FileFormat, gzip: bool) -> tempfile::TempDir {
    let folder = folder();
    let create = if gzip { ContactWriter::create_gzipped } else { ContactWriter::create };
    let mut writer = create(folder.path(), format).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    assert!(!folder.path().join("contacts.csv").exists(), "a file is there before it is whole");
    writer.finish().unwrap();
    folder
}

fn read(folder: &tempfile::TempDir) -> tenure_io::Result<(ContactRecords, ContactReadReport)> {
    read_contacts(folder.path(), &ReadOptions::default())
}

/// NaN is not equal to itself; its debug form is.
fn text(records: &ContactRecords) -> String {
    format!("{records:?}")
}

fn name() -> impl Strategy<Value = String> {
    let odd = "[a-zA-Z0-9äß€漢🎉,;|\"'\\\\\t\n{}\\[\\]: =#-]{1,12}";
    let plain = prop_oneof![Just("x".to_owned()), Just("1.5".to_owned()), Just("2024-01-01".to_owned())];
    // Blanks around a text are lost, and a few texts stand for no value.
    let kept = |text: &String| {
        let missing = ["na", "n/a", "nan", "null", "none"];
        text.trim() == text && !text.is_empty() && !missing.contains(&text.to_lowercase().as_str())
    };
    prop_oneof![4 => odd.prop_filter("kept", kept), 1 => plain]
}

fn instant() -> impl Strategy<Value = Timestamp> {
    (-2_000_000_000i64..4_000_000_000).prop_map(Timestamp::from_seconds)
}

fn some_instant() -> impl Strategy<Value = Option<Timestamp>> {
    proptest::option::of(instant())
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![Just(f64::NAN), -1.0..1.0f64, Just(0.001), Just(1e-12), Just(0.0)]
}

prop_compose! {
    fn a_contact()(
        id in name(), created_at in instant(), utc_offset_minutes in -840..=840,
        profile_completeness in number(), opted_in_at in some_instant(), unsubscribed_at in some_instant(),
    ) -> Contact {
        Contact { id, created_at, utc_offset_minutes, profile_completeness, opted_in_at, unsubscribed_at }
    }
}

prop_compose! {
    fn a_conversation()(
        id in name(), contact in name(), started_at in instant(), support in any::<bool>(),
        closed_at in some_instant(),
    ) -> Conversation {
        let kind = if support { ConversationKind::Support } else { ConversationKind::Sales };
        Conversation { id, contact, started_at, kind, closed_at }
    }
}

prop_compose! {
    fn a_message()(
        (id, conversation, campaign) in (name(), name(), proptest::option::of(name())),
        (sent_at, opened_at, clicked_at) in (instant(), some_instant(), some_instant()),
        (inbound, content) in (any::<bool>(), 0usize..3),
        (length, sentiment, urgency) in (any::<u32>(), number(), number()),
        (has_link, has_media, personalised) in any::<(bool, bool, bool)>(),
    ) -> Message {
        Message {
            id, conversation, sent_at, length, sentiment, urgency, has_link, has_media, personalised, campaign,
            opened_at, clicked_at,
            direction: if inbound { Direction::Inbound } else { Direction::Outbound },
            content: Content::ALL[content],
        }
    }
}

prop_compose! {
    fn a_lead()(
        id in name(), contact in name(), created_at in instant(), score in number(),
        scored_at in some_instant(), converted_at in some_instant(),
    ) -> Lead {
        Lead { id, contact, created_at, score, scored_at, converted_at }
    }
}

prop_compose! {
    fn a_purchase()(contact in name(), time in instant(), amount in 0.01..1e9f64) -> ContactPurchase {
        ContactPurchase { contact, time, amount }
    }
}

prop_compose! {
    fn records()(
        contacts in prop::collection::vec(a_contact(), 0..6),
        conversations in prop::collection::vec(a_conversation(), 0..6),
        messages in prop::collection::vec(a_message(), 0..10),
        leads in prop::collection::vec(a_lead(), 0..6),
        purchases in prop::collection::vec(a_purchase(), 0..6),
    ) -> ContactRecords {
        ContactRecords { contacts, conversations, messages, leads, purchases }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(first in records(), second in records()) {
        let mut both = first.clone();
        both.contacts.extend(second.contacts.clone());
        both.conversations.extend(second.conversations.clone());
        both.messages.extend(second.messages.clone());
        both.leads.extend(second.leads.clone());
        both.purchases.extend(second.purchases.clone());
        let batches = [first, second];
        for (format, gzip) in FORMATS {
            let (back, report) = read(&written(&batches, format, gzip)).unwrap();
            prop_assert_eq!(text(&back), text(&both), "{:?}", format);
            prop_assert!(report.files.iter().all(|f| f.ignored_columns.is_empty() && f.rows == f.records));
        }
    }
}

const CONTACTS: &str = "contact_id,created_at\nann,2024-01-01\n";
const CONVERSATIONS: &str = "conversation_id,contact_id,started_at,kind\nx,ann,2024-01-02,sales\n";
const MESSAGES: &str = "message_id,conversation_id,sent_at,direction,content,length\n\
                        m,x,2024-01-02T10:00:00Z,outbound,support,12\n";

/// The three files that must be there, one of them another.
fn files(name: &str, content: impl AsRef<[u8]>) -> tempfile::TempDir {
    let folder = folder();
    for (usual, text) in [("contacts", CONTACTS), ("conversations", CONVERSATIONS), ("messages", MESSAGES)] {
        if !name.starts_with(&format!("{usual}.")) {
            file(&folder, &format!("{usual}.csv"), text);
        }
    }
    file(&folder, name, content);
    folder
}

fn refusal(name: &str, content: impl AsRef<[u8]>) -> String {
    let folder = files(name, content);
    let shown = format!("{}{}", folder.path().display(), std::path::MAIN_SEPARATOR);
    read(&folder).unwrap_err().to_string().replace(&shown, "")
}

#[test]
fn optional_files_and_columns_may_be_lacking() {
    let (records, report) = read(&files("contacts.csv", CONTACTS)).unwrap();
    let contact = &records.contacts[0];
    assert_eq!((contact.utc_offset_minutes, contact.opted_in_at), (0, None));
    assert!(contact.profile_completeness.is_nan());
    let message = &records.messages[0];
    assert_eq!((message.length, message.has_link, &message.campaign), (12, false, &None));
    assert!(message.sentiment.is_nan() && message.opened_at.is_none());
    assert_eq!((records.leads.len(), records.purchases.len(), report.files.len()), (0, 0, 3));
    assert_eq!(
        report.files[0].absent_columns,
        ["utc_offset_minutes", "profile_completeness", "opted_in_at", "unsubscribed_at"]
    );
    assert!(report.to_string().contains("columns that are not there: utc_offset_minutes"), "{report}");
}

#[test]
fn files_as_others_write_them_are_read() {
    // A byte-order mark, CRLF, other order, other case, a column of one's own, values that say nothing.
    let text = "\u{feff}Note;Created At;Contact ID;UTC offset minutes;profile_completeness;opted_in_at\r\n\
                hello;2024-03-01 12:30:00+02:00;a;60.0;0,25;NA\r\n\
                ;2024/3/2;b;;;2024-03-03\r\n";
    let (records, report) = read(&files("contacts.csv", text)).unwrap();
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let [a, b] = &records.contacts[..] else { panic!("{records:?}") };
    assert_eq!((a.id.as_str(), a.created_at, a.utc_offset_minutes), ("a", at("2024-03-01T10:30:00Z"), 60));
    assert_eq!((a.profile_completeness, a.opted_in_at), (0.25, None));
    assert_eq!(
        (b.created_at, b.utc_offset_minutes, b.opted_in_at),
        (at("2024-03-02"), 0, Some(at("2024-03-03")))
    );
    assert!(b.profile_completeness.is_nan());
    assert_eq!(report.files[0].ignored_columns, ["Note"]);

    let text = "{\"conversation_id\": 7, \"contact_id\": \"ann\", \"started_at\": \"2024-01-02\", \"kind\": \"SUPPORT\"}\n\
                \n{\"kind\": \"sales\", \"contact_id\": \"ann\", \"started_at\": \"2024-01-02\", \"conversation_id\": \"x\", \
                \"closed_at\": null}\n";
    let (records, _) = read(&files("conversations.jsonl", text)).unwrap();
    assert_eq!(
        (records.conversations[0].id.as_str(), records.conversations[0].kind),
        ("7", ConversationKind::Support)
    );
    assert_eq!(records.conversations[1].closed_at, None);
}

#[test]
fn what_cannot_be_read_is_named() {
    let check = |name: &str, content: &str, expected: &str| assert_eq!(refusal(name, content), expected);
    check(
        "messages.csv",
        "message_id,sent_at,direction,content,length\nm,2024-01-02,outbound,support,12\n",
        "messages.csv: there is no column `conversation_id`; the columns are: message_id, sent_at, direction, content, \
         length",
    );
    check(
        "contacts.csv",
        "contact_id,Created at\na,2024-01-01\nb,yesterday\n",
        "contacts.csv, line 3, column `Created at`: `yesterday` is not a date such as 2024-03-01 or \
         2024-03-01T12:30:00Z",
    );
    check(
        "contacts.csv",
        "contact_id,created_at\n,2024-01-01\n",
        "contacts.csv, line 2, column `contact_id`: `` is not an id",
    );
    check(
        "contacts.csv",
        "contact_id,created_at\na,\n",
        "contacts.csv, line 2, column `created_at`: `` is not a date such as 2024-03-01 or 2024-03-01T12:30:00Z",
    );
    check(
        "contacts.csv",
        "contact_id,created_at,utc_offset_minutes\na,2024-01-01,1.5\n",
        "contacts.csv, line 2, column `utc_offset_minutes`: `1.5` is not a whole number",
    );
    check(
        "messages.jsonl",
        "{\"message_id\":\"m\",\"conversation_id\":\"x\",\"sent_at\":\"2024-01-02\",\"direction\":\"sideways\",\
         \"content\":\"support\",\"length\":1}",
        "messages.jsonl, line 1, column `direction`: `sideways` is not one of inbound, outbound",
    );
    check(
        "messages.csv",
        &MESSAGES.replace(",12\n", ",-1\n"),
        "messages.csv, line 2, column `length`: `-1` is not a whole number of at least 0",
    );
    check(
        "messages.csv",
        &MESSAGES.replace("length\n", "length,has_link\n").replace(",12\n", ",12,perhaps\n"),
        "messages.csv, line 2, column `has_link`: `perhaps` is not yes or no (true/false, 1/0, y/n)",
    );
    check(
        "purchases.csv",
        "contact_id,time,amount\nann,2024-01-02,5\nann,2024-01-02,inf\n",
        "purchases.csv, line 3, column `amount`: `inf` is not a number such as 1234.50 or 1,234.50",
    );
    check("leads.csv", "lead_id,contact_id,created_at\nl,ann\n", "leads.csv, line 2: 2 fields, expected 3");
    check("leads.csv", "", "leads.csv: the file is empty");
    check("leads.parquet", "", "leads.parquet: the file is empty");
    check(
        "contacts.jsonl",
        CONTACTS,
        "contacts.jsonl, line 1: is not one JSON object: expected value at line 1 column 1",
    );
}

#[test]
fn each_file_is_there_once() {
    let empty = folder();
    let error = read(&empty).unwrap_err().to_string();
    assert!(
        error.ends_with(
            ": none of the files contacts.csv, contacts.csv.gz, contacts.jsonl, contacts.jsonl.gz, contacts.parquet \
             is there"
        ),
        "{error}"
    );
    let twice = files("leads.csv", "lead_id,contact_id,created_at\n");
    file(&twice, "leads.jsonl", "");
    let error = read(&twice).unwrap_err().to_string();
    assert!(
        error.contains("leads.csv: and ") && error.ends_with("are both there; expected one of them"),
        "{error}"
    );
}

#[test]
fn files_without_a_record_are_fine() {
    let (records, report) = read(&files("leads.jsonl", "")).unwrap();
    assert_eq!((records.leads.len(), report.files[3].rows), (0, 0));
    let (records, _) = read(&files("purchases.csv", "contact_id,time,amount\n")).unwrap();
    assert_eq!(records.purchases.len(), 0);
    assert!(refusal("purchases.csv", "contact_id,time\n").contains("there is no column `amount`"));
}

#[test]
fn bad_lines_are_skipped_only_when_asked_for() {
    let purchases =
        "contact_id,time,amount\nann,2024-01-02,5\nann,soon,6\nann,2024-01-03,much\nann,2024-01-04,7\n";
    let folder = files("purchases.csv", purchases);
    let options =
        ReadOptions { skip_bad_lines: true, threads: NonZeroUsize::new(2), ..ReadOptions::default() };
    let (records, report) = read_contacts(folder.path(), &options).unwrap();
    assert_eq!(records.purchases.iter().map(|p| p.amount).collect::<Vec<_>>(), [5.0, 7.0]);
    let file = &report.files[3];
    assert_eq!(
        (file.rows, file.records, file.bad_lines.count, &file.bad_lines.examples),
        (4, 2, 2, &vec![3, 4])
    );
    assert!(report.to_string().contains("`soon` is not a date"), "{report}");

    let token = CancelToken::default();
    token.cancel();
    let options = ReadOptions { cancel: token, ..ReadOptions::default() };
    assert!(read_contacts(folder.path(), &options).unwrap_err().to_string().contains("reading contacts"));
}

#[test]
fn what_would_be_lost_is_not_written() {
    let contact = |id: &str, seconds| Contact {
        id: id.into(),
        created_at: Timestamp::from_seconds(seconds),
        utc_offset_minutes: 0,
        profile_completeness: 1.0,
        opted_in_at: None,
        unsubscribed_at: None,
    };
    for (id, seconds, told) in [
        (" a", 0, "contacts.csv, column `contact_id`: ` a` would not be read back as it is"),
        ("", 0, "contacts.csv, column `contact_id`: `` would not be read back as it is"),
        (
            "a",
            253_402_300_800,
            "column `created_at`: `253402300800 s since 1970` would not be read back as it is",
        ),
    ] {
        let folder = folder();
        let mut writer = ContactWriter::create(folder.path(), FileFormat::Csv).unwrap();
        let records = ContactRecords { contacts: vec![contact(id, seconds)], ..ContactRecords::default() };
        let error = writer.write(&records).unwrap_err().to_string();
        assert!(error.ends_with(told), "{error}");
        drop(writer);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
    // `NA` is an id like any other.
    let records = ContactRecords { contacts: vec![contact("NA", 0)], ..ContactRecords::default() };
    let folder = written(&[records], FileFormat::Jsonl, false);
    assert_eq!(read(&folder).unwrap().0.contacts[0].id, "NA");
}
