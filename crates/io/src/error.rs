//! What can go wrong when files are read and written.

use std::path::{Path, PathBuf};

use tenure_core::ErrorKind;

/// Shorthand for a result with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that reading and writing can refuse; every message names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file operation failed.
    #[error("{}: {action} failed: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was attempted.
        action: &'static str,
        /// What the operating system or the decompressor said.
        source: std::io::Error,
    },
    /// A file with nothing in it.
    #[error("{}: the file is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A file with column names and no line of data.
    #[error("{}: the file has a header ({}) but no line of data", path.display(), columns.join(", "))]
    HeaderOnly {
        /// The file.
        path: PathBuf,
        /// The column names found.
        columns: Vec<String>,
    },
    /// A format that is not read or written, or a file that is not what its name says.
    #[error("{}: {problem}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// The columns a reader needs cannot be told.
    #[error("{}: {problem}; the columns are: {}", path.display(), columns.join(", "))]
    Columns {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        problem: String,
        /// The columns there are.
        columns: Vec<String>,
    },
    /// A field that cannot be read.
    #[error("{}, line {line}, column `{column}`: `{text}` is not {expected}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// Line in the file, from 1 (in Parquet: the row, from 1).
        line: u64,
        /// Name of the column.
        column: String,
        /// The text found (shortened).
        text: String,
        /// What was expected, in words.
        expected: String,
    },
    /// A line with more or fewer fields than the others.
    #[error("{}, line {line}: {found} fields, expected {expected}", path.display())]
    Ragged {
        /// The file.
        path: PathBuf,
        /// Line in the file, from 1.
        line: u64,
        /// Fields the header (or the first line) has.
        expected: usize,
        /// Fields this line has.
        found: usize,
    },
    /// A line that cannot be split into fields.
    #[error("{}, line {line}: {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Line in the file, from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// Something about a whole column.
    #[error("{}, column `{column}`: {problem}", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// Name of the column.
        column: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No line of the file can enter the log.
    #[error("{}: no orders: {reason}", path.display())]
    NoOrders {
        /// The file.
        path: PathBuf,
        /// Why every line was skipped.
        reason: String,
    },
    /// A refusal of the contract, e.g. columns that do not match a model.
    #[error(transparent)]
    Core(#[from] tenure_core::Error),
}

impl Error {
    /// Whose fault this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } => ErrorKind::Io,
            Self::Columns { .. } => ErrorKind::Caller,
            Self::Core(error) => error.kind(),
            _ => ErrorKind::Data,
        }
    }

    pub(crate) fn io(path: &Path, action: &'static str) -> impl Fn(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path: path.clone(), action, source }
    }

    pub(crate) fn format(path: &Path, problem: impl Into<String>) -> Self {
        Self::Format { path: path.to_owned(), problem: problem.into() }
    }

    pub(crate) fn line(path: &Path, line: u64, problem: impl Into<String>) -> Self {
        Self::Line { path: path.to_owned(), line, problem: problem.into() }
    }

    pub(crate) fn column(path: &Path, column: &str, problem: impl Into<String>) -> Self {
        Self::Column { path: path.to_owned(), column: column.to_owned(), problem: problem.into() }
    }

    pub(crate) fn field(
        path: &Path,
        line: u64,
        column: &str,
        text: &str,
        expected: impl Into<String>,
    ) -> Self {
        let mut shown: String = text.chars().take(60).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Self::Field {
            path: path.to_owned(),
            line,
            column: column.to_owned(),
            text: shown,
            expected: expected.into(),
        }
    }
}

impl From<Error> for tenure_core::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Io { path, action, source } => Self::Io { path, action, source },
            Error::Core(error) => error,
            other => Self::Data(other.to_string()),
        }
    }
}
