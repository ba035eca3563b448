//! Parquet under way.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::Target;
use crate::{Error, Result};

/// Most rows of a batch: the texts of a column of one batch share 2 GiB of offsets.
pub(crate) const ROWS: usize = 1 << 20;

/// A Parquet file that appears whole or not at all.
pub(crate) struct ParquetTarget {
    target: Target,
    schema: Arc<Schema>,
    writer: Box<ArrowWriter<std::fs::File>>,
}

impl ParquetTarget {
    pub(crate) fn create(path: &Path, schema: Schema) -> Result<Self> {
        let target = Target::create(path)?;
        let file = target.file.as_file().try_clone().map_err(Error::io(path, "writing"))?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let schema = Arc::new(schema);
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))
            .map_err(|e| refusal(path, &e))?;
        Ok(Self { target, schema, writer: Box::new(writer) })
    }

    /// Appends the rows that the arrays, one a column, hold.
    pub(crate) fn write(&mut self, arrays: Vec<ArrayRef>) -> Result<()> {
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays);
        let batch = batch.map_err(|e| refusal(self.target.path(), &e))?;
        self.writer.write(&batch).map_err(|e| refusal(self.target.path(), &e))
    }

    pub(crate) fn finish(self) -> Result<()> {
        self.writer.close().map_err(|e| refusal(self.target.path(), &e))?;
        self.target.finish()
    }
}

/// The type of instants.
pub(crate) fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

fn refusal(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::format(path, format!("writing Parquet failed: {error}"))
}
