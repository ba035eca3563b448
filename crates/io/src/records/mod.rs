//! Files of records: one a line, each of known fields.

pub(crate) mod report;
pub(crate) mod sheet;
pub(crate) mod write;
