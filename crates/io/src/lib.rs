//! Files to event-log columns and tables, and back.
//!
//! * [`read_orders`]: an order log (CSV, JSONL, Parquet; gzipped or not) to
//!   [`OrderColumns`](tenure_features::OrderColumns), with a report of what was decided and counted.
//! * [`read_table`]: a table of features and, where asked for, a target, to a
//!   [`Dataset`](tenure_core::Dataset).
//! * [`read_contacts`]: the files of contacts, their conversations, messages, leads and purchases to
//!   [`ContactRecords`](tenure_features::contacts::ContactRecords).
//! * [`read_study_sessions`]: a file of study sessions to [`StudySession`](tenure_features::study::StudySession)s.
//! * [`read_marketplace`]: customers of a marketplace to a
//!   [`MarketplaceTable`](tenure_features::marketplace::MarketplaceTable).
//! * [`OrderWriter`], [`TableWriter`], [`ContactWriter`], [`MarketplaceWriter`] and [`StudyWriter`]: the way back; a file
//!   appears whole or not at all.
//!
//! Nothing is dropped silently: what is skipped is counted with example line numbers, and what cannot be read
//! is an [`Error`] that names the file, the line, the column, the text found and what was expected.
//!
//! # Example
//! ```
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("orders.csv");
//! std::fs::write(&path, "Customer ID;Date;Amount\n7;31.01.2024;1.234,50 €\n8;01.02.2024;9,90 €\n")?;
//! let (orders, report) = tenure_io::read_orders(&path, &Default::default(), &Default::default())?;
//! assert_eq!(orders.amount, [1234.5, 9.9]);
//! assert_eq!((report.customers, report.time_format.as_str()), (2, "DD.MM.YYYY"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cell;
mod columnar;
mod contacts;
mod error;
mod json;
mod marketplace;
mod options;
mod orders;
mod records;
mod source;
mod study;
mod table;
mod text;
mod write;

pub use contacts::read_contacts;
pub use contacts::report::ContactReadReport;
pub use contacts::write::ContactWriter;
pub use error::{Error, Result};
pub use marketplace::read_marketplace;
pub use marketplace::report::MarketplaceReadReport;
pub use marketplace::write::MarketplaceWriter;
pub use options::ReadOptions;
pub use orders::mapping::{OrderMapping, Role};
pub use orders::read_orders;
pub use orders::report::{Counted, OrderReadReport, RoleChoice};
pub use records::report::RecordFileReport;
pub use source::FileFormat;
pub use study::{StudyWriter, read_study_sessions};
pub use table::report::{ColumnDecision, ColumnReport, TableReport};
pub use table::{DATE_UNIT, MAX_CLASSES, TableOptions, TableTask, read_table};
pub use write::orders::{OrderWriter, write_orders};
pub use write::table::{ColumnValues, TableWriter};
