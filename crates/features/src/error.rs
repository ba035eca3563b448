//! What an event log or a snapshot can refuse.

use crate::Timestamp;
use crate::contacts::RecordKind;

/// Shorthand for a result with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything this crate can refuse. Rows are counted from 0, in the order they were handed over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // ---- the data's
    /// A column is longer or shorter than the column `time`.
    #[error("column `{column}` has {found} values; expected {expected}, one a line")]
    ColumnLength {
        /// Name of the column.
        column: &'static str,
        /// Number of lines.
        expected: usize,
        /// Number of values found.
        found: usize,
    },
    /// A line without a customer.
    #[error("column `customer`, row {row}: no customer; every line needs one")]
    NoCustomer {
        /// Row of the line.
        row: usize,
    },
    /// A code that stands for no name.
    #[error("column `{column}`, row {row}: code {code} has no name; there are {names} names")]
    UnknownCode {
        /// Name of the column.
        column: &'static str,
        /// Row of the line.
        row: usize,
        /// The code found.
        code: u32,
        /// Number of names.
        names: usize,
    },
    /// A number that the column cannot hold.
    #[error("column `{column}`, row {row}: {value}; expected {expected}")]
    Value {
        /// Name of the column.
        column: &'static str,
        /// Row of the line.
        row: usize,
        /// The value found.
        value: f64,
        /// What is accepted, in words.
        expected: &'static str,
    },
    /// An instant outside the years −9999 to 9999.
    #[error("column `time`, row {row}: {seconds} s since 1970 is outside the years -9999 to 9999")]
    TimeRange {
        /// Row of the line.
        row: usize,
        /// The seconds found.
        seconds: i64,
    },
    /// More lines than a log can number.
    #[error("{lines} lines; one log holds at most 4294967294")]
    TooManyLines {
        /// Number of lines.
        lines: usize,
    },
    /// No purchase where one is needed.
    #[error("no orders in the date range {from} to {to}")]
    NoOrders {
        /// Begin of the range.
        from: Timestamp,
        /// End of the range, exclusive.
        to: Timestamp,
    },
    /// The log is too short for a single snapshot.
    #[error(
        "not enough history: {found_days} days of orders up to {until}, at least {needed_days} needed \
         ({history_days} before the snapshot and {prediction_days} after it)"
    )]
    NotEnoughHistory {
        /// Days from the first event to `until`.
        found_days: i64,
        /// Days that one snapshot needs.
        needed_days: i64,
        /// Of these, days before the snapshot.
        history_days: i64,
        /// Of these, days after the snapshot.
        prediction_days: i64,
        /// Where the coverage ends.
        until: Timestamp,
    },
    /// Nobody belongs to the population.
    #[error(
        "no customer at {instants} has {min_orders} orders or more in all and one within the {observation_days} \
         days before"
    )]
    NoCustomers {
        /// The instants looked at, in words.
        instants: String,
        /// Orders a customer needs.
        min_orders: u32,
        /// Length of the observation window.
        observation_days: u32,
    },

    /// Two records of a kind have the same id.
    #[error("{kind} `{id}` occurs twice; every {kind} needs an id of its own")]
    RepeatedRecord {
        /// What it is.
        kind: RecordKind,
        /// The id found twice.
        id: String,
    },
    /// A record names another that is not there.
    #[error("{kind} `{id}`, field `{field}`: there is no {field} `{reference}`")]
    UnknownRecord {
        /// What it is.
        kind: RecordKind,
        /// Its id; of a purchase, that of its contact.
        id: String,
        /// The field that names the other.
        field: &'static str,
        /// The id that is not there.
        reference: String,
    },
    /// A value of a record that cannot be.
    #[error("{kind} `{id}`, field `{field}`: {found}; expected {expected}")]
    RecordValue {
        /// What it is.
        kind: RecordKind,
        /// Its id; of a purchase, that of its contact.
        id: String,
        /// The field.
        field: &'static str,
        /// The value found.
        found: String,
        /// What is accepted, in words.
        expected: String,
    },
    /// No lead is as wanted.
    #[error("no leads {wanted}")]
    NoLeads {
        /// Which were looked for, in words.
        wanted: String,
    },
    /// No message of ours can be judged yet.
    #[error("no messages to contacts that were sent {window_hours} hours or more before {until}")]
    NoMessages {
        /// Length of the window for an engagement.
        window_hours: u32,
        /// Where the coverage ends.
        until: Timestamp,
    },
    /// Nobody belongs to the population.
    #[error("no contact wrote, opened, clicked or bought within the {active_days} days before {instants}")]
    NoActiveContacts {
        /// The instants looked at, in words.
        instants: String,
        /// Length of the window.
        active_days: u32,
    },

    // ---- the caller's
    /// A label was asked for whose window is not over.
    #[error("the {days} days from {instant} are not over: the log covers events up to {end}")]
    WindowNotOver {
        /// Begin of the label window.
        instant: Timestamp,
        /// Its length.
        days: u32,
        /// Where the log's coverage ends.
        end: Timestamp,
    },
    /// Nobody of this name is in the log.
    #[error("customer `{id}` is not in the log")]
    UnknownCustomer {
        /// The id asked for.
        id: String,
    },
    /// No contact of this id is in the log.
    #[error("contact `{id}` is not in the log")]
    UnknownContact {
        /// The id asked for.
        id: String,
    },
    /// A parameter, a schema or a feature value that the contract refuses; or the work was cancelled.
    #[error(transparent)]
    Core(#[from] tenure_core::Error),
}

/// What the domain models and the command line hand on; the message stays the same.
impl From<Error> for tenure_core::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Core(inner) => inner,
            other => Self::Data(other.to_string()),
        }
    }
}

impl Error {
    /// Whose fault this is.
    #[must_use]
    pub fn kind(&self) -> tenure_core::ErrorKind {
        match self {
            Self::WindowNotOver { .. } | Self::UnknownCustomer { .. } | Self::UnknownContact { .. } => {
                tenure_core::ErrorKind::Caller
            }
            Self::Core(error) => error.kind(),
            _ => tenure_core::ErrorKind::Data,
        }
    }
}
