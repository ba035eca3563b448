//! Order columns to CSV, JSON lines or Parquet, batch by batch in constant memory.

use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, Float64Array, Int64Array, TimestampMillisecondArray};
use arrow_schema::{DataType, Field, Schema};
use tenure_features::columns::NO_CODE;
use tenure_features::{CodedColumn, OrderColumns};

use super::parquet::{ParquetTarget, ROWS, instant};
use super::{TextTarget, push_csv, push_json};
use crate::cell::push_number;
use crate::text::calendar::push_iso;
use crate::{Error, FileFormat, Result};

/// A column of the file; those that the first batch lacks are not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Customer,
    Time,
    Amount,
    Quantity,
    Discount,
    Order,
    Category,
    Channel,
    Returned,
}

impl Part {
    const ALL: [Self; 9] = [
        Self::Customer,
        Self::Order,
        Self::Time,
        Self::Amount,
        Self::Quantity,
        Self::Discount,
        Self::Category,
        Self::Channel,
        Self::Returned,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer_id",
            Self::Time => "time",
            Self::Amount => "amount",
            Self::Quantity => "quantity",
            Self::Discount => "discount",
            Self::Order => "order_id",
            Self::Category => "category",
            Self::Channel => "channel",
            Self::Returned => "returned_at",
        }
    }

    fn is_in(self, orders: &OrderColumns) -> bool {
        match self {
            Self::Customer | Self::Time | Self::Amount => true,
            Self::Quantity => orders.quantity.is_some(),
            Self::Discount => orders.discount.is_some(),
            Self::Order => orders.order.is_some(),
            Self::Category => orders.category.is_some(),
            Self::Channel => orders.channel.is_some(),
            Self::Returned => orders.returned_at.is_some(),
        }
    }

    fn value(self, orders: &OrderColumns, row: usize) -> Value<'_> {
        fn number(column: Option<&Vec<f64>>, row: usize) -> Value<'_> {
            column.map_or(f64::NAN, |c| c[row]).into()
        }
        fn text(column: Option<&CodedColumn>, row: usize) -> Value<'_> {
            match column.map(|c| (c.codes[row], &c.names)) {
                None | Some((NO_CODE, _)) => Value::Missing,
                Some((code, names)) => Value::Text(&names[code as usize]),
            }
        }
        match self {
            Self::Customer => text(Some(&orders.customer), row),
            Self::Time => Value::Instant(orders.time[row]),
            Self::Amount => Value::Number(orders.amount[row]),
            Self::Quantity => number(orders.quantity.as_ref(), row),
            Self::Discount => number(orders.discount.as_ref(), row),
            Self::Order => orders.order.as_ref().map_or(Value::Missing, |c| Value::Integer(c[row].into())),
            Self::Category => text(orders.category.as_ref(), row),
            Self::Channel => text(orders.channel.as_ref(), row),
            Self::Returned => match orders.returned_at.as_ref().map(|c| c[row]) {
                None | Some(i64::MAX) => Value::Missing,
                Some(seconds) => Value::Instant(seconds),
            },
        }
    }
}

enum Value<'a> {
    Missing,
    Number(f64),
    Integer(i64),
    Instant(i64),
    Text(&'a str),
}

impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        if value.is_nan() { Self::Missing } else { Self::Number(value) }
    }
}

enum Sink {
    Text { target: TextTarget, json: bool },
    Parquet(ParquetTarget),
}

/// Writes batches of orders to one file. Columns: `customer_id`, `order_id`, `time`, `amount`, `quantity`,
/// `discount`, `category`, `channel`, `returned_at`, as far as the first batch has them.
///
/// The file appears with [`OrderWriter::finish`]; dropped before, it leaves nothing. The same batches give the
/// same bytes on any number of threads.
pub struct OrderWriter {
    path: std::path::PathBuf,
    parts: Option<Vec<Part>>,
    sink: Option<Sink>,
}

impl OrderWriter {
    /// Prepares a file of the format that its name tells (see [`FileFormat`]).
    ///
    /// # Errors
    /// [`Error::Format`] for an unknown file type.
    pub fn create(path: &Path) -> Result<Self> {
        FileFormat::of(path)?;
        Ok(Self { path: path.to_owned(), parts: None, sink: None })
    }

    /// Appends a batch.
    ///
    /// # Errors
    /// [`tenure_core::Error::Shape`] where its columns differ in length; [`Error::Format`] where it has other
    /// columns than the first batch, or a code without a name; [`Error::Io`].
    pub fn write(&mut self, orders: &OrderColumns) -> Result<()> {
        check(&self.path, orders)?;
        let parts: Vec<Part> = Part::ALL.into_iter().filter(|p| p.is_in(orders)).collect();
        if self.parts.get_or_insert_with(|| parts.clone()) != &parts {
            return Err(Error::format(&self.path, "a batch has other columns than the first one"));
        }
        if self.sink.is_none() {
            self.sink = Some(start(&self.path, &parts)?);
        }
        match &mut self.sink {
            Some(Sink::Text { target, json }) => {
                let json = *json;
                target.write_rows(orders.len(), |row, out| {
                    if json { json_row(&parts, orders, row, out) } else { csv_row(&parts, orders, row, out) }
                })
            }
            Some(Sink::Parquet(target)) => {
                for from in (0..orders.len()).step_by(ROWS) {
                    target.write(arrays(&parts, orders, from..orders.len().min(from + ROWS)))?;
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::NoOrders`] where no batch was written.
    pub fn finish(self) -> Result<()> {
        match self.sink {
            Some(Sink::Text { target, .. }) => target.finish(),
            Some(Sink::Parquet(target)) => target.finish(),
            None => Err(Error::NoOrders { path: self.path, reason: "nothing was written".into() }),
        }
    }
}

/// Writes all batches to one file; see [`OrderWriter`].
///
/// # Errors
/// As [`OrderWriter::write`]; or the first error of the batches.
pub fn write_orders<E: Into<Error>>(
    path: &Path,
    batches: impl IntoIterator<Item = Result<OrderColumns, E>>,
) -> Result<()> {
    let mut writer = OrderWriter::create(path)?;
    for batch in batches {
        writer.write(&batch.map_err(Into::into)?)?;
    }
    writer.finish()
}

fn check(path: &Path, orders: &OrderColumns) -> Result<()> {
    let rows = orders.len();
    let lengths = [
        Some(orders.customer.codes.len()),
        Some(orders.amount.len()),
        orders.quantity.as_ref().map(Vec::len),
        orders.discount.as_ref().map(Vec::len),
        orders.order.as_ref().map(Vec::len),
        orders.category.as_ref().map(|c| c.codes.len()),
        orders.channel.as_ref().map(|c| c.codes.len()),
        orders.returned_at.as_ref().map(Vec::len),
    ];
    if let Some(found) = lengths.into_iter().flatten().find(|&n| n != rows) {
        return Err(tenure_core::Error::Shape {
            what: "values in a column of orders",
            expected: rows,
            found,
        }
        .into());
    }
    for column in
        [Some(&orders.customer), orders.category.as_ref(), orders.channel.as_ref()].into_iter().flatten()
    {
        let names = column.names.len() as u32;
        if column.codes.iter().any(|&c| c >= names && c != NO_CODE) {
            return Err(Error::format(path, "a column of orders holds a code without a name"));
        }
    }
    Ok(())
}

fn start(path: &Path, parts: &[Part]) -> Result<Sink> {
    let (format, gzip) = FileFormat::of(path)?;
    if format == FileFormat::Parquet {
        return Ok(Sink::Parquet(ParquetTarget::create(path, schema(parts))?));
    }
    let json = format == FileFormat::Jsonl;
    let mut target = TextTarget::create(path, gzip)?;
    if !json {
        let names: Vec<&str> = parts.iter().map(|p| p.name()).collect();
        target.write(format!("{}\n", names.join(",")).as_bytes())?;
    }
    Ok(Sink::Text { target, json })
}

fn csv_row(parts: &[Part], orders: &OrderColumns, row: usize, out: &mut Vec<u8>) {
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        match part.value(orders, row) {
            Value::Missing => {}
            Value::Number(value) => push_number(out, value),
            Value::Integer(value) => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
            Value::Instant(value) => push_iso(out, value),
            Value::Text(text) => push_csv(out, text),
        }
    }
    out.push(b'\n');
}

fn json_row(parts: &[Part], orders: &OrderColumns, row: usize, out: &mut Vec<u8>) {
    let mut next = b'{';
    for part in parts {
        out.push(next);
        next = b',';
        out.push(b'"');
        out.extend_from_slice(part.name().as_bytes());
        out.extend_from_slice(b"\":");
        match part.value(orders, row) {
            Value::Missing => out.extend_from_slice(b"null"),
            Value::Number(value) => push_number(out, value),
            Value::Integer(value) => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
            Value::Instant(value) => {
                out.push(b'"');
                push_iso(out, value);
                out.push(b'"');
            }
            Value::Text(text) => push_json(out, text),
        }
    }
    out.extend_from_slice(b"}\n");
}

fn schema(parts: &[Part]) -> Schema {
    let field = |part: &Part| {
        let kind = match part {
            Part::Customer | Part::Category | Part::Channel => DataType::Utf8,
            Part::Time | Part::Returned => instant(),
            Part::Amount | Part::Quantity | Part::Discount => DataType::Float64,
            Part::Order => DataType::Int64,
        };
        Field::new(part.name(), kind, true)
    };
    Schema::new(parts.iter().map(field).collect::<Vec<_>>())
}

fn arrays(parts: &[Part], orders: &OrderColumns, rows: std::ops::Range<usize>) -> Vec<ArrayRef> {
    let values = |part: Part| rows.clone().map(move |row| part.value(orders, row));
    let array = |&part: &Part| -> ArrayRef {
        match part {
            Part::Customer | Part::Category | Part::Channel => {
                let mut texts = StringBuilder::new();
                values(part).for_each(|v| {
                    texts.append_option(if let Value::Text(text) = v { Some(text) } else { None })
                });
                Arc::new(texts.finish())
            }
            Part::Time | Part::Returned => {
                let millis =
                    |v| if let Value::Instant(s) = v { Some(i64::saturating_mul(s, 1000)) } else { None };
                Arc::new(TimestampMillisecondArray::from_iter(values(part).map(millis)).with_timezone("UTC"))
            }
            Part::Amount | Part::Quantity | Part::Discount => {
                let number = |v| if let Value::Number(n) = v { Some(n) } else { None };
                Arc::new(Float64Array::from_iter(values(part).map(number)))
            }
            Part::Order => {
                let code = |v| if let Value::Integer(n) = v { Some(n) } else { None };
                Arc::new(Int64Array::from_iter(values(part).map(code)))
            }
        }
    };
    parts.iter().map(array).collect()
}
