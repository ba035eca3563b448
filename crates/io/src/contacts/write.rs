//! The records of contacts to a folder of files, batch by batch.

use std::path::{Path, PathBuf};

use tenure_features::Timestamp;
use tenure_features::contacts::{Contact, ContactPurchase, ContactRecords, Conversation, Lead, Message};

use crate::text::{calendar, is_missing, trim};
use crate::{ColumnValues, Error, FileFormat, Result, TableWriter};

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
        [contacts, conversations, messages, leads, purchases].into_iter().try_for_each(|t| t.writer.finish())
    }
}

struct Table {
    path: PathBuf,
    writer: TableWriter,
}

type Columns = Vec<(&'static str, Values)>;

/// The values of a column.
enum Values {
    /// None of them blank.
    Ids(Vec<String>),
    /// Blank for none.
    Texts(Vec<String>),
    Numbers(Vec<f64>),
    Integers(Vec<i64>),
    Flags(Vec<bool>),
    Instants(Vec<i64>),
}

impl Values {
    fn as_values(&self) -> ColumnValues<'_> {
        match self {
            Self::Ids(v) | Self::Texts(v) => ColumnValues::Texts(v),
            Self::Numbers(v) => ColumnValues::Numbers(v),
            Self::Integers(v) => ColumnValues::Integers(v),
            Self::Flags(v) => ColumnValues::Flags(v),
            Self::Instants(v) => ColumnValues::Instants(v),
        }
    }

    /// The first value that would be read back as another.
    fn lost(&self) -> Option<String> {
        let trimmed = |text: &str| trim(text.as_bytes()).len() == text.len();
        let text = match self {
            Self::Ids(v) => v.iter().find(|text| text.is_empty() || !trimmed(text)),
            Self::Texts(v) => {
                v.iter().find(|text| !text.is_empty() && (is_missing(text.as_bytes()) || !trimmed(text)))
            }
            Self::Instants(v) => {
                let year = |seconds: i64| calendar::civil(seconds.div_euclid(86_400)).0;
                let fits = |&&seconds: &&i64| seconds == i64::MAX || (1..=9999).contains(&year(seconds));
                return v.iter().find(|seconds| !fits(seconds)).map(|s| format!("{s} s since 1970"));
            }
            _ => None,
        };
        text.cloned()
    }
}

impl Table {
    /// Starts a file with the columns of an empty batch.
    fn start(path: PathBuf, columns: Columns) -> Result<Self> {
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let writer = TableWriter::create(&path, &names)?;
        let mut table = Self { path, writer };
        table.write(columns)?;
        Ok(table)
    }

    fn write(&mut self, columns: Columns) -> Result<()> {
        for (name, values) in &columns {
            if let Some(text) = values.lost() {
                let problem = format!("`{text}` would not be read back as it is");
                return Err(Error::column(&self.path, name, problem));
            }
        }
        let values: Vec<ColumnValues<'_>> = columns.iter().map(|(_, values)| values.as_values()).collect();
        self.writer.write(&values)
    }
}

/// One value a record.
fn each<T, V>(records: &[T], value: impl Fn(&T) -> V) -> Vec<V> {
    records.iter().map(value).collect()
}

fn ids<T>(records: &[T], id: impl Fn(&T) -> &String) -> Values {
    Values::Ids(each(records, |r| id(r).clone()))
}

fn instants<T>(records: &[T], at: impl Fn(&T) -> Timestamp) -> Values {
    Values::Instants(each(records, |r| at(r).seconds()))
}

fn some_instants<T>(records: &[T], at: impl Fn(&T) -> Option<Timestamp>) -> Values {
    Values::Instants(each(records, |r| at(r).map_or(i64::MAX, Timestamp::seconds)))
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
