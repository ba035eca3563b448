//! Training logs that TensorBoard shows.
//!
//! A log is a file whose name contains `tfevents` ([`file_name`] gives one); TensorBoard takes each folder of such
//! files for a run. It holds records (a length, its checksum, the bytes, their checksum; the checksums are masked
//! CRC-32C, as TensorFlow's TFRecord has them), each an `Event` of TensorFlow's protocol buffers.
//!
//! ```
//! use tenure_neural::tensorboard::EventWriter;
//!
//! let now = 1_700_000_000.0; // seconds since 1970: a library reads no clock
//! let mut log = EventWriter::new(Vec::new(), now)?;
//! log.scalar("loss/train", 1, 0.69, now)?;
//! log.histogram("trunk.0.weight", 1, &[-0.1, 0.0, 0.2], now)?;
//! log.text("network", 0, "| layer | width |\n|---|---|\n| dense | 128 |", now)?;
//! log.flush()?;
//! # Ok::<(), std::io::Error>(())
//! ```

mod buckets;
mod protobuf;

use std::io::{self, Write};

use buckets::Buckets;
use protobuf::Message;

use crate::NetworkModel;

/// A name for a log begun at `wall_time` (seconds since 1970), such that TensorBoard finds it and reads logs of one
/// folder in the order of their beginnings.
#[must_use]
pub fn file_name(wall_time: f64) -> String {
    // Ten digits, as TensorFlow pads them: names sort by time.
    format!("events.out.tfevents.{:010}.tenure", wall_time.max(0.0) as u64)
}

/// Writes a log. Each event is a number, a distribution or a text under a tag, at a step (such as an epoch) and a wall
/// time (seconds since 1970). Tags with a `/` are shown in groups by what stands before it.
///
/// Each event is written by one call of [`Write::write_all`]; a file is best wrapped in [`io::BufWriter`].
#[derive(Debug)]
pub struct EventWriter<W: Write> {
    writer: W,
    buckets: Buckets,
}

impl<W: Write> EventWriter<W> {
    /// Begins a log.
    ///
    /// # Errors
    /// Those of `writer`.
    pub fn new(writer: W, wall_time: f64) -> io::Result<Self> {
        let mut log = Self { writer, buckets: Buckets::new() };
        let mut event = Message::default();
        event.double(1, wall_time);
        event.bytes(3, b"brain.Event:2");
        log.record(&event)?;
        Ok(log)
    }

    /// A number.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn scalar(&mut self, tag: &str, step: u64, value: f64, wall_time: f64) -> io::Result<()> {
        self.event(tag, step, wall_time, |entry| entry.float(2, value as f32))
    }

    /// The distribution of `values`, counted in TensorFlow's buckets: around zero, and from ±10⁻¹² to ±10²⁰ each
    /// reaching 1.1 times as far as the one before. Values that are not finite are left out.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn histogram(&mut self, tag: &str, step: u64, values: &[f32], wall_time: f64) -> io::Result<()> {
        let histogram = self.buckets.histogram(values);
        self.event(tag, step, wall_time, |entry| entry.message(5, &histogram))
    }

    /// A text in Markdown.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn text(&mut self, tag: &str, step: u64, text: &str, wall_time: f64) -> io::Result<()> {
        let mut tensor = Message::default();
        tensor.integer(1, STRING_TENSOR);
        // No axes: a single text. TensorBoard draws a table around texts that have some.
        tensor.message(2, &Message::default());
        tensor.bytes(8, text.as_bytes());
        let mut plugin = Message::default();
        plugin.bytes(1, b"text");
        let mut metadata = Message::default();
        metadata.message(1, &plugin);
        metadata.integer(4, DATA_CLASS_TENSOR);
        self.event(tag, step, wall_time, |entry| {
            entry.message(8, &tensor);
            entry.message(9, &metadata);
        })
    }

    /// The layers of a network, as a table under the tag `network/layers`.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn layers(&mut self, model: &NetworkModel, wall_time: f64) -> io::Result<()> {
        self.text("network/layers", 0, &model.layers_table(), wall_time)
    }

    /// The distributions of a network's weights and running statistics, each under its name.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn weights(&mut self, model: &NetworkModel, step: u64, wall_time: f64) -> io::Result<()> {
        let mut weights = model.weights().into_iter();
        weights.try_for_each(|tensor| self.histogram(&tensor.name, step, &tensor.values, wall_time))
    }

    /// Hands what the writer still holds back to where it goes.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    /// An event with one entry, which `fill` gives its value.
    fn event(&mut self, tag: &str, step: u64, wall_time: f64, fill: impl Fn(&mut Message)) -> io::Result<()> {
        let mut entry = Message::default();
        entry.bytes(1, tag.as_bytes());
        fill(&mut entry);
        let mut summary = Message::default();
        summary.message(1, &entry);
        let mut event = Message::default();
        event.double(1, wall_time);
        event.integer(2, step);
        event.message(5, &summary);
        self.record(&event)
    }

    fn record(&mut self, event: &Message) -> io::Result<()> {
        let data = event.encoded();
        let length = (data.len() as u64).to_le_bytes();
        let record = [&length, &checksum(&length)[..], data, &checksum(data)].concat();
        self.writer.write_all(&record)
    }
}

/// `DataType::DT_STRING` of TensorFlow.
const STRING_TENSOR: u64 = 7;
/// `DataClass::DATA_CLASS_TENSOR` of TensorBoard.
const DATA_CLASS_TENSOR: u64 = 2;

/// CRC-32C, rotated and shifted so that a checksum of data that hold checksums stays a good one.
fn checksum(data: &[u8]) -> [u8; 4] {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}
