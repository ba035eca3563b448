//! The records of contacts to a folder of files, batch by batch.

use std::path::Path;

use tenure_features::contacts::{Contact, ContactPurchase, ContactRecords, Conversation, Lead, Message};

use crate::records::write::{Columns, Table, Values, each, ids, instants, some_instants};
use crate::{Error, FileFormat, Result};

/// Writes batches of records to the files `contacts`, `conversations`, `messages`, `leads` and `purchases` of a folder,
/// with the columns that [`read_contacts`](crate::read_contacts) reads.
///
/// Each file appears with [`ContactWriter::finish`], whole or not at all; dropped before, none does. The same batches
/// give the same bytes on any number of threads.
///
/// # Example
/// ```
/// use tenure_features::contacts::{Contact, ContactRecords};
/// use tenure_io::{ContactWriter, FileFormat, ReadOptions, read_contacts};
///
/// let ann = Contact {
///     id: "ann".into(),
///     created_at: "2024-01-01".parse()?,
///     utc_offset_minutes: 60,
///     profile_completeness: 0.5,
///     opted_in_at: None,
///     unsubscribed_at: None,
/// };
/// let records = ContactRecords { contacts: vec![ann], ..ContactRecords::default() };
/// let folder = tempfile::tempdir()?;
/// let mut writer = ContactWriter::create(folder.path(), FileFormat::Parquet)?;
/// writer.write(&records)?;
/// writer.finish()?;
/// let (back, report) = read_contacts(folder.path(), &ReadOptions::default())?;
/// assert_eq!(back.contacts[0].id, "ann");
/// assert_eq!(report.files.len(), 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ContactWriter {
    contacts: Table,
    conversations: Table,
    messages: Table,
    leads: Table,
    purchases: Table,
}

impl ContactWriter {
    /// Starts the files, in a folder that is made where it is lacking.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create(dir: &Path, format: FileFormat) -> Result<Self> {
        Self::start(
            dir,
            match format {
                FileFormat::Csv => "csv",
                FileFormat::Jsonl => "jsonl",
                FileFormat::Parquet => "parquet",
            },
        )
    }

    /// As [`ContactWriter::create`], with text gzipped; Parquet is compressed in any case.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create_gzipped(dir: &Path, format: FileFormat) -> Result<Self> {
        match format {
            FileFormat::Csv => Self::start(dir, "csv.gz"),
            FileFormat::Jsonl => Self::start(dir, "jsonl.gz"),
            FileFormat::Parquet => Self::create(dir, format),
        }
    }

    fn start(dir: &Path, ending: &str) -> Result<Self> {
        std::fs::create_dir_all(dir).map_err(Error::io(dir, "creating"))?;
        let table =
            |stem: &str, columns: Columns| Table::start(dir.join(format!("{stem}.{ending}")), columns);
        Ok(Self {
            contacts: table("contacts", contacts(&[]))?,
            conversations: table("conversations", conversations(&[]))?,
            messages: table("messages", messages(&[]))?,
            leads: table("leads", leads(&[]))?,
            purchases: table("purchases", purchases(&[]))?,
        })
    }

    /// Appends a batch.
    ///
    /// # Errors
    /// [`Error::Column`] for what would not be read back: an id or campaign that is blank, has blanks around it or
    /// stands for no value, an instant outside the years 1 to 9999; [`Error::Format`] where Parquet refuses;
    /// [`Error::Io`].
    pub fn write(&mut self, records: &ContactRecords) -> Result<()> {
        self.contacts.write(contacts(&records.contacts))?;
        self.conversations.write(conversations(&records.conversations))?;
        self.messages.write(messages(&records.messages))?;
        self.leads.write(leads(&records.leads))?;
        self.purchases.write(purchases(&records.purchases))
    }

    /// Puts the files in their places.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(self) -> Result<()> {
        let Self { contacts, conversations, messages, leads, purchases } = self;
        [contacts, conversations, messages, leads, purchases].into_iter().try_for_each(Table::finish)
    }
}

fn contacts(records: &[Contact]) -> Columns {
    vec![
        ("contact_id", ids(records, |r| &r.id)),
        ("created_at", instants(records, |r| r.created_at)),
        ("utc_offset_minutes", Values::Integers(each(records, |r| r.utc_offset_minutes.into()))),
        ("profile_completeness", Values::Numbers(each(records, |r| r.profile_completeness))),
        ("opted_in_at", some_instants(records, |r| r.opted_in_at)),
        ("unsubscribed_at", some_instants(records, |r| r.unsubscribed_at)),
    ]
}

fn conversations(records: &[Conversation]) -> Columns {
    vec![
        ("conversation_id", ids(records, |r| &r.id)),
        ("contact_id", ids(records, |r| &r.contact)),
        ("started_at", instants(records, |r| r.started_at)),
        ("kind", Values::Texts(each(records, |r| r.kind.to_string()))),
        ("closed_at", some_instants(records, |r| r.closed_at)),
    ]
}

fn messages(records: &[Message]) -> Columns {
    vec![
        ("message_id", ids(records, |r| &r.id)),
        ("conversation_id", ids(records, |r| &r.conversation)),
        ("sent_at", instants(records, |r| r.sent_at)),
        ("direction", Values::Texts(each(records, |r| r.direction.to_string()))),
        ("content", Values::Texts(each(records, |r| r.content.to_string()))),
        ("length", Values::Integers(each(records, |r| r.length.into()))),
        ("sentiment", Values::Numbers(each(records, |r| r.sentiment))),
        ("urgency", Values::Numbers(each(records, |r| r.urgency))),
        ("has_link", Values::Flags(each(records, |r| r.has_link))),
        ("has_media", Values::Flags(each(records, |r| r.has_media))),
        ("personalised", Values::Flags(each(records, |r| r.personalised))),
        ("campaign", Values::Texts(each(records, |r| r.campaign.clone().unwrap_or_default()))),
        ("opened_at", some_instants(records, |r| r.opened_at)),
        ("clicked_at", some_instants(records, |r| r.clicked_at)),
    ]
}

fn leads(records: &[Lead]) -> Columns {
    vec![
        ("lead_id", ids(records, |r| &r.id)),
        ("contact_id", ids(records, |r| &r.contact)),
        ("created_at", instants(records, |r| r.created_at)),
        ("score", Values::Numbers(each(records, |r| r.score))),
        ("scored_at", some_instants(records, |r| r.scored_at)),
        ("converted_at", some_instants(records, |r| r.converted_at)),
    ]
}

fn purchases(records: &[ContactPurchase]) -> Columns {
    vec![
        ("contact_id", ids(records, |r| &r.contact)),
        ("time", instants(records, |r| r.time)),
        ("amount", Values::Numbers(each(records, |r| r.amount))),
    ]
}
