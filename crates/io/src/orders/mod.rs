//! Order logs from files.

mod assemble;
mod build;
mod codes;
pub(crate) mod mapping;
pub(crate) mod report;

use std::path::Path;
use std::sync::atomic::Ordering;

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use tenure_core::Progress;
use tenure_features::OrderColumns;

use self::assemble::{Assembly, Layout};
use self::build::{Chunk, Plan};
use self::mapping::{Choice, OrderMapping, resolve};
use self::report::OrderReadReport;
use crate::cell::Cell;
use crate::columnar::{Columnar, cell};
use crate::json;
use crate::source::{FileFormat, open};
use crate::text::date::DateFormat;
use crate::text::number::{self, DecimalMark};
use crate::text::record::{Block, Blocks, Records, check_line_ends};
use crate::text::separator::{Separator, sniff};
use crate::text::{encoding, is_missing, trim};
use crate::{Error, ReadOptions, Result};

/// What is under way, for those who watch.
const STAGE: &str = "reading orders";
/// Lines from which formats are told.
const SAMPLE: usize = 5000;

/// Reads an order log.
///
/// Columns are those that `mapping` names, else those with common names; formats of dates and numbers are told
/// from the first 5,000 lines and then required of every line. Whether day or month comes first in
/// `03/04/2024` is decided by the whole column.
///
/// Files without a header (as the CDNOW sample) are read by column numbers, from 1: `customer: Some("1")`.
///
/// # Errors
/// [`Error`], naming file, line, column, the text found and what was expected.
pub fn read_orders(
    path: &Path,
    mapping: &OrderMapping,
    options: &ReadOptions<'_>,
) -> Result<(OrderColumns, OrderReadReport)> {
    let work = || match FileFormat::of(path)?.0 {
        FileFormat::Csv => read_csv(path, mapping, options),
        FileFormat::Jsonl => read_jsonl(path, mapping, options),
        FileFormat::Parquet => read_parquet(path, mapping, options),
    };
    options.in_pool(work)
}

/// The columns of a sample, and what can be asked of it.
struct Sample(Vec<Vec<Vec<u8>>>);

impl Sample {
    fn column(&self, column: usize) -> Vec<Vec<u8>> {
        self.0.iter().filter_map(|row| row.get(column).cloned()).collect()
    }

    /// Columns whose values are all dates; plain numbers are not taken for dates here.
    fn date_columns(&self, columns: usize) -> Vec<usize> {
        let holds_dates = |column: &usize| {
            let cells = self.column(*column);
            let known: Vec<&[u8]> = cells.iter().map(|t| trim(t)).filter(|t| !is_missing(t)).collect();
            match DateFormat::sniff(known.iter().copied()) {
                Some((DateFormat::UnixSeconds | DateFormat::UnixMillis, _)) | None => false,
                Some((_, n)) => n == known.len(),
            }
        };
        (0..columns).filter(holds_dates).collect()
    }
}

/// Whether a first line is data: one of its fields is a number or a date.
fn looks_like_data<'a>(mut fields: impl Iterator<Item = &'a [u8]>) -> bool {
    fields.any(|field| {
        let field = trim(field);
        !is_missing(field)
            && (number::parse(field, DecimalMark::Point).is_some()
                || number::parse(field, DecimalMark::Comma).is_some()
                || DateFormat::sniff(std::iter::once(field)).is_some())
    })
}

fn read_csv(
    path: &Path,
    mapping: &OrderMapping,
    options: &ReadOptions<'_>,
) -> Result<(OrderColumns, OrderReadReport)> {
    let mut blocks = Blocks::new(open(path)?);
    let head = blocks.head()?;
    check_line_ends(path, head)?;
    let separator = match &mapping.separator {
        Some(given) => Separator::parse(given, path)?,
        None => sniff(head),
    };
    let mut records = Records::of(head, 1, separator);
    let Some(first) = records.next_record() else { return Err(Error::Empty { path: path.to_owned() }) };
    let header = options.header.unwrap_or_else(|| !looks_like_data(first.fields()));
    let texts: Vec<Vec<u8>> = first.fields().map(|f| trim(f).to_vec()).collect();
    let names: Vec<String> = if header {
        texts.iter().map(|t| encoding::decode(t).0.into_owned()).collect()
    } else {
        (1..=texts.len()).map(|n| n.to_string()).collect()
    };
    let mut sample = Sample(if header { Vec::new() } else { vec![texts] });
    while sample.0.len() < SAMPLE
        && let Some(record) = records.next_record()
    {
        sample.0.push(record.fields().map(<[u8]>::to_vec).collect());
    }
    // The end of the head may have cut the last record in two.
    if sample.0.len() > 1 && sample.0.len() < SAMPLE && head.len() >= 1 << 20 {
        sample.0.pop();
    }
    if header && sample.0.is_empty() {
        return Err(Error::HeaderOnly { path: path.to_owned(), columns: names });
    }
    let shown: Vec<String> = if header {
        names.clone()
    } else {
        let example =
            |(i, text): (usize, &Vec<u8>)| format!("{} (e.g. {})", i + 1, String::from_utf8_lossy(text));
        sample.0[0].iter().enumerate().map(example).collect()
    };
    let choice = choose(path, mapping, &names, shown, header, &sample)?;
    let semicolons = separator == Separator::Byte(b';');
    let plan = Plan::new(path, names, choice, mapping.time_format.as_deref(), options, semicolons, &|c| {
        sample.column(c)
    })?;
    blocks.set_quoting(separator);
    let layout = Layout {
        format: FileFormat::Csv,
        gzip: blocks.source.gzip,
        encoding: Some(blocks.source.mark.unwrap_or("UTF-8")),
        separator: separator.name(),
        header,
    };
    let parse = |plan: &Plan, block: &Block, first: bool| csv_chunk(plan, block, separator, first && header);
    drive(blocks, Assembly::new(plan), options, parse)?.finish(&layout)
}

fn choose(
    path: &Path,
    mapping: &OrderMapping,
    names: &[String],
    shown: Vec<String>,
    header: bool,
    sample: &Sample,
) -> Result<Choice> {
    resolve(path, mapping, names, header, &|| sample.date_columns(names.len())).map_err(|error| match error {
        Error::Columns { path, problem, .. } => Error::Columns { path, problem, columns: shown },
        other => other,
    })
}

fn csv_chunk(plan: &Plan, block: &Block, separator: Separator, skip_header: bool) -> Chunk {
    let mut chunk = Chunk::new();
    let mut records = Records::new(block, separator);
    if skip_header {
        records.next_record();
    }
    let expected = plan.names.len();
    while let Some(record) = records.next_record() {
        let line = record.line;
        let go_on = if record.len() == expected {
            let hash = if plan.hash_lines { codes::hash(record.raw) } else { 0 };
            chunk.push(plan, line, hash, |column| Cell::Text(record.field(column)))
        } else {
            chunk.counts.lines += 1;
            let found = record.len();
            chunk.refuse(plan, line, Error::Ragged { path: plan.path.clone(), line, expected, found })
        };
        if !go_on {
            break;
        }
    }
    chunk.counts.blank_lines = records.blank_lines;
    chunk
}

/// Reads blocks, parses a few at a time in parallel while the next are being read, and joins them in order.
fn drive(
    mut blocks: Blocks,
    mut assembly: Assembly,
    options: &ReadOptions<'_>,
    parse: impl Fn(&Plan, &Block, bool) -> Chunk + Sync,
) -> Result<Assembly> {
    let at_once = rayon::current_num_threads().clamp(1, 64);
    let fill = |blocks: &mut Blocks| -> Result<Vec<Block>> {
        let mut batch = Vec::with_capacity(at_once);
        while batch.len() < at_once
            && let Some(block) = blocks.next_block()?
        {
            batch.push(block);
        }
        Ok(batch)
    };
    let mut batch = fill(&mut blocks)?;
    let mut first = true;
    while !batch.is_empty() {
        options.check_cancelled(STAGE)?;
        let plan = assembly.plan();
        let (chunks, next) = rayon::join(
            || -> Vec<Chunk> {
                batch.par_iter().enumerate().map(|(i, block)| parse(plan, block, first && i == 0)).collect()
            },
            || fill(&mut blocks),
        );
        for chunk in chunks {
            assembly.add(chunk)?;
        }
        (batch, first) = (next?, false);
        let done = blocks.source.read_bytes.load(Ordering::Relaxed);
        options.progress.report(Progress {
            stage: STAGE,
            done,
            total: Some(blocks.source.total_bytes),
            figure: None,
        });
    }
    Ok(assembly)
}

fn read_jsonl(
    path: &Path,
    mapping: &OrderMapping,
    options: &ReadOptions<'_>,
) -> Result<(OrderColumns, OrderReadReport)> {
    let mut blocks = Blocks::new(open(path)?);
    let head = blocks.head()?;
    let whole = head.len() < 1 << 20 || head.ends_with(b"\n");
    let complete = if whole { head } else { &head[..memchr::memrchr(b'\n', head).unwrap_or(head.len())] };
    let mut names: Vec<String> = Vec::new();
    let mut sample = Sample(Vec::new());
    for (line, text) in json::lines(complete, 1).take(SAMPLE) {
        let object = match json::parse(text) {
            Ok(object) => object,
            Err(_) if options.skip_bad_lines => continue,
            Err(problem) => return Err(Error::line(path, line, problem)),
        };
        let mut row = vec![Vec::new(); names.len()];
        for (key, value) in &object.0 {
            let column = names.iter().position(|n| n == key).unwrap_or_else(|| {
                names.push(key.clone().into_owned());
                row.push(Vec::new());
                names.len() - 1
            });
            row[column] = value.cell().text(&mut Vec::new()).to_vec();
        }
        sample.0.push(row);
    }
    if sample.0.is_empty() {
        return Err(Error::Empty { path: path.to_owned() });
    }
    let choice = choose(path, mapping, &names, names.clone(), true, &sample)?;
    let plan = Plan::new(path, names, choice, mapping.time_format.as_deref(), options, false, &|c| {
        sample.column(c)
    })?;
    let layout = Layout {
        format: FileFormat::Jsonl,
        gzip: blocks.source.gzip,
        encoding: Some(blocks.source.mark.unwrap_or("UTF-8")),
        separator: "",
        header: false,
    };
    drive(blocks, Assembly::new(plan), options, |plan, block, _| json_chunk(plan, block))?.finish(&layout)
}

fn json_chunk(plan: &Plan, block: &Block) -> Chunk {
    let mut chunk = Chunk::new();
    for (line, text) in json::lines(&block.bytes, block.first_line) {
        let go_on = match json::parse(text) {
            Ok(object) => {
                let hash = if plan.hash_lines { codes::hash(text) } else { 0 };
                chunk.push(plan, line, hash, |column| {
                    let name = &plan.names[column];
                    // Objects of one file mostly have the same keys in the same order.
                    let at = object.0.get(column).filter(|(key, _)| key == name);
                    at.or_else(|| object.0.iter().find(|(key, _)| key == name))
                        .map_or(Cell::Missing, |(_, v)| v.cell())
                })
            }
            Err(problem) => {
                chunk.counts.lines += 1;
                chunk.refuse(plan, line, Error::line(&plan.path, line, problem))
            }
        };
        if !go_on {
            break;
        }
    }
    chunk
}

fn read_parquet(
    path: &Path,
    mapping: &OrderMapping,
    options: &ReadOptions<'_>,
) -> Result<(OrderColumns, OrderReadReport)> {
    let file = Columnar::open(path)?;
    let names = file.names.clone();
    let choice = choose(path, mapping, &names, names.clone(), true, &Sample(Vec::new()))?;
    let mut columns: Vec<usize> = choice.columns.iter().flatten().copied().collect();
    columns.sort_unstable();
    columns.dedup();
    let groups = file.groups();
    let mut sample = Sample(Vec::new());
    if let Some(group) = groups.iter().position(|&rows| rows > 0) {
        for batch in file.read(group, &columns, Some(SAMPLE))? {
            let batch = batch.map_err(|e| Error::format(path, e.to_string()))?;
            for row in 0..batch.num_rows() {
                let mut cells = vec![Vec::new(); names.len()];
                for (array, &column) in batch.columns().iter().zip(&columns) {
                    cells[column] = cell(array, row).text(&mut Vec::new()).to_vec();
                }
                sample.0.push(cells);
            }
        }
    } else {
        return Err(Error::HeaderOnly { path: path.to_owned(), columns: names });
    }
    let plan = Plan::new(path, names, choice, mapping.time_format.as_deref(), options, false, &|c| {
        sample.column(c)
    })?;
    let mut assembly = Assembly::new(plan);
    let first_rows: Vec<u64> =
        groups.iter().scan(1, |next, rows| Some(std::mem::replace(next, *next + rows))).collect();
    let at_once = rayon::current_num_threads().max(1);
    for part in (0..groups.len()).collect::<Vec<_>>().chunks(at_once) {
        options.check_cancelled(STAGE)?;
        let plan = assembly.plan();
        let chunks: Vec<Result<Chunk>> = part
            .to_vec()
            .into_par_iter()
            .map(|group| parquet_chunk(&file, plan, group, first_rows[group], &columns))
            .collect();
        for chunk in chunks {
            assembly.add(chunk?)?;
        }
        let done = part.last().map_or(0, |g| *g as u64 + 1);
        options.progress.report(Progress {
            stage: STAGE,
            done,
            total: Some(groups.len() as u64),
            figure: None,
        });
    }
    let layout =
        Layout { format: FileFormat::Parquet, gzip: false, encoding: None, separator: "", header: true };
    assembly.finish(&layout)
}

fn parquet_chunk(
    file: &Columnar<'_>,
    plan: &Plan,
    group: usize,
    first_row: u64,
    columns: &[usize],
) -> Result<Chunk> {
    let mut chunk = Chunk::new();
    let mut place = vec![0; plan.names.len()];
    for (at, &column) in columns.iter().enumerate() {
        place[column] = at;
    }
    let (mut row_number, mut key, mut scratch) = (first_row, Vec::new(), Vec::new());
    for batch in file.read(group, columns, None)? {
        let batch = batch.map_err(|e| Error::format(&plan.path, format!("row group {group}: {e}")))?;
        for row in 0..batch.num_rows() {
            key.clear();
            if plan.hash_lines {
                for array in batch.columns() {
                    key.extend_from_slice(cell(array, row).text(&mut scratch));
                    key.push(0);
                }
            }
            if !chunk
                .push(plan, row_number, codes::hash(&key), |column| cell(batch.column(place[column]), row))
            {
                return Ok(chunk);
            }
            row_number += 1;
        }
    }
    Ok(chunk)
}
