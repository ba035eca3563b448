//! The records of contacts from a folder of files.

pub(crate) mod report;
pub(crate) mod write;

use std::path::{Path, PathBuf};

use tenure_core::Progress;
use tenure_features::contacts::{
    Contact, ContactPurchase, ContactRecords, Content, Conversation, ConversationKind, Direction, Lead,
    Message,
};

use self::report::ContactReadReport;

use crate::records::sheet::Sheet;
use crate::{Error, ReadOptions, Result};

/// What a file name may end in.
const ENDINGS: [&str; 5] = ["csv", "csv.gz", "jsonl", "jsonl.gz", "parquet"];

/// What is under way, for those who watch.
const STAGE: &str = "reading contacts";

/// Reads the files of a folder: `contacts`, `conversations` and `messages`, and where they are there `leads` and
/// `purchases`, each as `.csv`, `.csv.gz`, `.jsonl`, `.jsonl.gz` or `.parquet`, which may be mixed.
///
/// | file | columns | may be lacking or blank |
/// |---|---|---|
/// | `contacts` | `contact_id`, `created_at` | `utc_offset_minutes` (0), `profile_completeness`, `opted_in_at`, `unsubscribed_at` |
/// | `conversations` | `conversation_id`, `contact_id`, `started_at`, `kind` (sales, support) | `closed_at` |
/// | `messages` | `message_id`, `conversation_id`, `sent_at`, `direction` (inbound, outbound), `content` (promotional, support, informational), `length` | `sentiment`, `urgency`, `has_link` (no), `has_media` (no), `personalised` (no), `campaign`, `opened_at`, `clicked_at` |
/// | `leads` | `lead_id`, `contact_id`, `created_at` | `score`, `scored_at`, `converted_at` |
/// | `purchases` | `contact_id`, `time`, `amount` | |
///
/// Columns come in any order; upper and lower case, blanks and underscores in their names do not matter; others are
/// passed over and reported. Dates have the year first (`2024-03-01`, `2024-03-01T12:30:00+02:00`), in UTC where they
/// say nothing else. Blank, and NA, N/A, NaN, null and None in any case, is no value; in ids only blank is. Texts
/// lose the blanks around them. A file may hold no record.
///
/// Whether the records fit each other is checked by
/// [`ContactLog::from_records`](tenure_features::contacts::ContactLog::from_records).
///
/// Of the options, `header`, `count_duplicates` and `returned_after_days` speak of orders and say nothing here.
/// With `skip_bad_lines`, lines with a value that cannot be read are counted and left out.
///
/// # Errors
/// [`Error::Format`] where a file is lacking or there twice; [`Error::Columns`] for a column that is lacking;
/// [`Error::Field`] for a value that cannot be read, with file, line, column, the text and what was expected;
/// [`Error::Io`]; [`Error::Core`] for a cancellation.
pub fn read_contacts(dir: &Path, options: &ReadOptions<'_>) -> Result<(ContactRecords, ContactReadReport)> {
    options.in_pool(|| Reading { dir, options, report: ContactReadReport::default(), done: 0 }.run())
}

struct Reading<'a> {
    dir: &'a Path,
    options: &'a ReadOptions<'a>,
    report: ContactReadReport,
    /// Bytes of the files read.
    done: u64,
}

impl Reading<'_> {
    fn run(mut self) -> Result<(ContactRecords, ContactReadReport)> {
        let records = ContactRecords {
            contacts: self.required("contacts", contacts)?,
            conversations: self.required("conversations", conversations)?,
            messages: self.required("messages", messages)?,
            leads: self.optional("leads", leads)?,
            purchases: self.optional("purchases", purchases)?,
        };
        Ok((records, self.report))
    }

    fn required<T>(&mut self, stem: &str, read: impl FnOnce(&mut Sheet) -> Result<Vec<T>>) -> Result<Vec<T>> {
        match self.find(stem)? {
            Some(path) => self.read(path, read),
            None => {
                let names: Vec<String> = ENDINGS.iter().map(|ending| format!("{stem}.{ending}")).collect();
                Err(Error::format(self.dir, format!("none of the files {} is there", names.join(", "))))
            }
        }
    }

    fn optional<T>(&mut self, stem: &str, read: impl FnOnce(&mut Sheet) -> Result<Vec<T>>) -> Result<Vec<T>> {
        match self.find(stem)? {
            Some(path) => self.read(path, read),
            None => {
                self.report.absent_files.push(stem.to_owned());
                Ok(Vec::new())
            }
        }
    }

    /// The file of this name, whatever its ending.
    fn find(&self, stem: &str) -> Result<Option<PathBuf>> {
        let paths = ENDINGS.iter().map(|ending| self.dir.join(format!("{stem}.{ending}")));
        let mut found = paths.filter(|path| path.exists());
        match (found.next(), found.next()) {
            (Some(one), Some(other)) => {
                let problem = format!("and {} are both there; expected one of them", other.display());
                Err(Error::format(&one, problem))
            }
            (found, _) => Ok(found),
        }
    }

    fn read<T>(&mut self, path: PathBuf, read: impl FnOnce(&mut Sheet) -> Result<Vec<T>>) -> Result<Vec<T>> {
        self.options.check_cancelled(STAGE)?;
        let bytes = std::fs::metadata(&path).map_err(Error::io(&path, "opening"))?.len();
        let mut sheet = Sheet::open(path, self.options.skip_bad_lines)?;
        let records = read(&mut sheet)?;
        self.report.files.push(sheet.into_report(records.len()));
        self.done += bytes;
        let progress = Progress { stage: STAGE, done: self.done, total: None, figure: None };
        self.options.progress.report(progress);
        Ok(records)
    }
}

fn contacts(sheet: &mut Sheet) -> Result<Vec<Contact>> {
    let id = sheet.required("contact_id")?;
    let created_at = sheet.required("created_at")?;
    let utc_offset = sheet.optional("utc_offset_minutes");
    let completeness = sheet.optional("profile_completeness");
    let opted_in = sheet.optional("opted_in_at");
    let unsubscribed = sheet.optional("unsubscribed_at");
    sheet.rows(|row| {
        Ok(Contact {
            id: row.id(id)?,
            created_at: row.instant(created_at)?,
            utc_offset_minutes: row.some_whole(utc_offset)?.unwrap_or(0),
            profile_completeness: row.some_number(completeness)?,
            opted_in_at: row.some_instant(opted_in)?,
            unsubscribed_at: row.some_instant(unsubscribed)?,
        })
    })
}

fn conversations(sheet: &mut Sheet) -> Result<Vec<Conversation>> {
    let id = sheet.required("conversation_id")?;
    let contact = sheet.required("contact_id")?;
    let started_at = sheet.required("started_at")?;
    let kind = sheet.required("kind")?;
    let closed_at = sheet.optional("closed_at");
    sheet.rows(|row| {
        Ok(Conversation {
            id: row.id(id)?,
            contact: row.id(contact)?,
            started_at: row.instant(started_at)?,
            kind: row.level(kind, ConversationKind::ALL)?,
            closed_at: row.some_instant(closed_at)?,
        })
    })
}

fn messages(sheet: &mut Sheet) -> Result<Vec<Message>> {
    let id = sheet.required("message_id")?;
    let conversation = sheet.required("conversation_id")?;
    let sent_at = sheet.required("sent_at")?;
    let direction = sheet.required("direction")?;
    let content = sheet.required("content")?;
    let length = sheet.required("length")?;
    let sentiment = sheet.optional("sentiment");
    let urgency = sheet.optional("urgency");
    let has_link = sheet.optional("has_link");
    let has_media = sheet.optional("has_media");
    let personalised = sheet.optional("personalised");
    let campaign = sheet.optional("campaign");
    let opened_at = sheet.optional("opened_at");
    let clicked_at = sheet.optional("clicked_at");
    sheet.rows(|row| {
        Ok(Message {
            id: row.id(id)?,
            conversation: row.id(conversation)?,
            sent_at: row.instant(sent_at)?,
            direction: row.level(direction, Direction::ALL)?,
            content: row.level(content, Content::ALL)?,
            length: row.whole(length)?,
            sentiment: row.some_number(sentiment)?,
            urgency: row.some_number(urgency)?,
            has_link: row.flag(has_link)?,
            has_media: row.flag(has_media)?,
            personalised: row.flag(personalised)?,
            campaign: row.some_text(campaign),
            opened_at: row.some_instant(opened_at)?,
            clicked_at: row.some_instant(clicked_at)?,
        })
    })
}

fn leads(sheet: &mut Sheet) -> Result<Vec<Lead>> {
    let id = sheet.required("lead_id")?;
    let contact = sheet.required("contact_id")?;
    let created_at = sheet.required("created_at")?;
    let score = sheet.optional("score");
    let scored_at = sheet.optional("scored_at");
    let converted_at = sheet.optional("converted_at");
    sheet.rows(|row| {
        Ok(Lead {
            id: row.id(id)?,
            contact: row.id(contact)?,
            created_at: row.instant(created_at)?,
            score: row.some_number(score)?,
            scored_at: row.some_instant(scored_at)?,
            converted_at: row.some_instant(converted_at)?,
        })
    })
}

fn purchases(sheet: &mut Sheet) -> Result<Vec<ContactPurchase>> {
    let contact = sheet.required("contact_id")?;
    let time = sheet.required("time")?;
    let amount = sheet.required("amount")?;
    sheet.rows(|row| {
        Ok(ContactPurchase {
            contact: row.id(contact)?,
            time: row.instant(time)?,
            amount: row.number(amount)?,
        })
    })
}
