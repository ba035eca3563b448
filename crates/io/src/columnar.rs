//! Parquet files, as cells.
//!
//! Types are taken from the Parquet schema, not from an embedded Arrow schema: dictionaries and large or viewed
//! strings then arrive as plain strings.

use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};

use crate::cell::Cell;
use crate::{Error, Result};

/// An opened Parquet file.
pub(crate) struct Columnar<'p> {
    path: &'p Path,
    metadata: ArrowReaderMetadata,
    pub(crate) names: Vec<String>,
}

impl<'p> Columnar<'p> {
    pub(crate) fn open(path: &'p Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io(path, "opening"))?;
        if file.metadata().map_err(Error::io(path, "opening"))?.len() == 0 {
            return Err(Error::Empty { path: path.to_owned() });
        }
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = ArrowReaderMetadata::load(&file, options)
            .map_err(|e| Error::format(path, format!("is not a readable Parquet file: {e}")))?;
        let names = metadata.schema().fields().iter().map(|f| f.name().clone()).collect();
        Ok(Self { path, metadata, names })
    }

    /// Number of rows of each row group.
    pub(crate) fn groups(&self) -> Vec<u64> {
        self.metadata
            .metadata()
            .row_groups()
            .iter()
            .map(|g| u64::try_from(g.num_rows()).unwrap_or(0))
            .collect()
    }

    /// Reads some columns of one row group; the batches hold them in the order of the file.
    pub(crate) fn read(
        &self,
        group: usize,
        columns: &[usize],
        limit: Option<usize>,
    ) -> Result<ParquetRecordBatchReader> {
        for &column in columns {
            let field = self.metadata.schema().field(column);
            if !supported(field.data_type()) {
                let problem = format!("the type {} is not read", field.data_type());
                return Err(Error::column(self.path, field.name(), problem));
            }
        }
        let file = File::open(self.path).map_err(Error::io(self.path, "opening"))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied());
        let builder = builder.with_projection(mask).with_row_groups(vec![group]).with_batch_size(1 << 14);
        let builder = if let Some(limit) = limit { builder.with_limit(limit) } else { builder };
        builder.build().map_err(|e| Error::format(self.path, format!("row group {group}: {e}")))
    }
}

fn supported(kind: &DataType) -> bool {
    use DataType as T;
    matches!(
        kind,
        T::Int8
            | T::Int16
            | T::Int32
            | T::Int64
            | T::UInt8
            | T::UInt16
            | T::UInt32
            | T::UInt64
            | T::Float32
            | T::Float64
            | T::Utf8
            | T::Binary
            | T::Boolean
            | T::Date32
            | T::Timestamp(..)
            | T::Decimal128(..)
    )
}

/// The value in a row of a column of a supported type.
pub(crate) fn cell(array: &ArrayRef, row: usize) -> Cell<'_> {
    if array.is_null(row) {
        return Cell::Missing;
    }
    macro_rules! value {
        ($kind:ty) => {
            array.as_primitive::<$kind>().value(row)
        };
    }
    match array.data_type() {
        DataType::Int8 => Cell::Integer(value!(Int8Type).into()),
        DataType::Int16 => Cell::Integer(value!(Int16Type).into()),
        DataType::Int32 => Cell::Integer(value!(Int32Type).into()),
        DataType::Int64 => Cell::Integer(value!(Int64Type)),
        DataType::UInt8 => Cell::Integer(value!(UInt8Type).into()),
        DataType::UInt16 => Cell::Integer(value!(UInt16Type).into()),
        DataType::UInt32 => Cell::Integer(value!(UInt32Type).into()),
        DataType::UInt64 => {
            let value = value!(UInt64Type);
            i64::try_from(value).map_or(Cell::Number(value as f64), Cell::Integer)
        }
        DataType::Float32 => Cell::Number(value!(Float32Type).into()),
        DataType::Float64 => Cell::Number(value!(Float64Type)),
        DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(row).as_bytes()),
        DataType::Binary => Cell::Text(array.as_binary::<i32>().value(row)),
        DataType::Boolean => Cell::Bool(array.as_boolean().value(row)),
        DataType::Date32 => Cell::Seconds(i64::from(value!(Date32Type)) * 86_400),
        DataType::Timestamp(TimeUnit::Second, _) => Cell::Seconds(value!(TimestampSecondType)),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            Cell::Seconds(value!(TimestampMillisecondType).div_euclid(1000))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Cell::Seconds(value!(TimestampMicrosecondType).div_euclid(1_000_000))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            Cell::Seconds(value!(TimestampNanosecondType).div_euclid(1_000_000_000))
        }
        DataType::Decimal128(_, scale) => {
            Cell::Number(value!(Decimal128Type) as f64 / 10f64.powi(i32::from(*scale)))
        }
        _ => Cell::Missing,
    }
}
