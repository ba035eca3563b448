//! A table as text: names, and one column of texts each.

use std::path::Path;

use crate::columnar::{Columnar, cell};
use crate::source::{FileFormat, open};
use crate::text::record::{Blocks, Records, check_line_ends};
use crate::text::separator::{Separator, sniff};
use crate::text::{encoding, trim};
use crate::{Error, Result, json};

/// The texts of a column, in one piece of memory, without blanks around them.
#[derive(Debug, Default, Clone)]
pub(crate) struct Texts {
    bytes: String,
    ends: Vec<usize>,
}

impl Texts {
    fn push(&mut self, text: &[u8]) -> bool {
        let (text, legacy) = encoding::decode(trim(text));
        self.bytes.push_str(&text);
        self.ends.push(self.bytes.len());
        legacy
    }

    pub(crate) fn get(&self, row: usize) -> &str {
        &self.bytes[if row == 0 { 0 } else { self.ends[row - 1] }..self.ends[row]]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|row| self.get(row))
    }
}

/// A table as text.
pub(crate) struct RawTable {
    pub(crate) names: Vec<String>,
    pub(crate) columns: Vec<Texts>,
    /// Line (Parquet: row) of each row.
    pub(crate) lines: Vec<u64>,
    pub(crate) layout: String,
    pub(crate) semicolons: bool,
}

impl RawTable {
    /// A table with at least one row.
    pub(crate) fn read(path: &Path, separator: Option<&str>) -> Result<Self> {
        let table = Self::read_any(path, separator)?;
        if table.lines.is_empty() {
            return Err(Error::HeaderOnly { path: path.to_owned(), columns: table.names });
        }
        Ok(table)
    }

    /// A table that may have no rows.
    pub(crate) fn read_any(path: &Path, separator: Option<&str>) -> Result<Self> {
        let table = match FileFormat::of(path)?.0 {
            FileFormat::Csv => Self::csv(path, separator),
            FileFormat::Jsonl => Self::jsonl(path),
            FileFormat::Parquet => Self::parquet(path),
        }?;
        for (i, name) in table.names.iter().enumerate() {
            if let Some(first) = table.names[..i].iter().position(|n| n == name) {
                let problem = format!("occurs twice, as columns {} and {}; rename one", first + 1, i + 1);
                return Err(Error::column(path, name, problem));
            }
            if name.is_empty() {
                return Err(Error::column(path, name, format!("column {} has no name", i + 1)));
            }
        }
        Ok(table)
    }

    pub(crate) fn empty(names: Vec<String>, layout: String) -> Self {
        let columns = vec![Texts::default(); names.len()];
        Self { names, columns, lines: Vec::new(), layout, semicolons: false }
    }

    fn csv(path: &Path, separator: Option<&str>) -> Result<Self> {
        let mut blocks = Blocks::new(open(path)?);
        let head = blocks.head()?;
        check_line_ends(path, head)?;
        let separator = match separator {
            Some(given) => Separator::parse(given, path)?,
            None => sniff(head),
        };
        blocks.set_quoting(separator);
        let mark = blocks.source.mark.unwrap_or("UTF-8");
        let mut table: Option<Self> = None;
        let mut legacy = false;
        while let Some(block) = blocks.next_block()? {
            let mut records = Records::new(&block, separator);
            while let Some(record) = records.next_record() {
                let Some(table) = &mut table else {
                    let mut names: Vec<String> =
                        record.fields().map(|f| encoding::decode(trim(f)).0.into_owned()).collect();
                    // The row numbers that pandas and R write have no name.
                    if names[0].is_empty() && names.len() > 1 {
                        names[0] = "Unnamed: 0".into();
                    }
                    table = Some(Self::empty(names, format!("{mark}, {}", separator.name())));
                    continue;
                };
                let (expected, found) = (table.names.len(), record.len());
                if expected != found {
                    return Err(Error::Ragged { path: path.to_owned(), line: record.line, expected, found });
                }
                for (column, field) in table.columns.iter_mut().zip(record.fields()) {
                    legacy |= column.push(field);
                }
                table.lines.push(record.line);
            }
        }
        let mut table = table.ok_or_else(|| Error::Empty { path: path.to_owned() })?;
        if legacy {
            table.layout = format!("windows-1252 (Latin-1) where it is not UTF-8, {}", separator.name());
        }
        table.semicolons = separator == Separator::Byte(b';');
        Ok(table)
    }

    fn jsonl(path: &Path) -> Result<Self> {
        let mut blocks = Blocks::new(open(path)?);
        let mut table = Self::empty(Vec::new(), "JSON lines".into());
        while let Some(block) = blocks.next_block()? {
            for (line, text) in json::lines(&block.bytes, block.first_line) {
                let object = json::parse(text).map_err(|problem| Error::line(path, line, problem))?;
                for (i, (key, value)) in object.0.iter().enumerate() {
                    // Keys mostly come in the same order in every object.
                    let known = |n: &&String| n.as_str() == key;
                    let at = if table.names.get(i).filter(known).is_some() {
                        Some(i)
                    } else {
                        table.names.iter().position(|n| n == key)
                    };
                    let at = at.unwrap_or_else(|| {
                        table.names.push(key.clone().into_owned());
                        table.columns.push(Texts { bytes: String::new(), ends: vec![0; table.lines.len()] });
                        table.names.len() - 1
                    });
                    if table.columns[at].ends.len() > table.lines.len() {
                        return Err(Error::line(path, line, format!("the key `{key}` occurs twice")));
                    }
                    table.columns[at].push(value.cell().text(&mut Vec::new()));
                }
                table.lines.push(line);
                for column in table.columns.iter_mut().filter(|c| c.ends.len() < table.lines.len()) {
                    column.push(b"");
                }
            }
        }
        if table.lines.is_empty() { Err(Error::Empty { path: path.to_owned() }) } else { Ok(table) }
    }

    fn parquet(path: &Path) -> Result<Self> {
        let file = Columnar::open(path)?;
        let all: Vec<usize> = (0..file.names.len()).collect();
        let mut table = Self::empty(file.names.clone(), "Parquet".into());
        let mut scratch = Vec::new();
        for group in 0..file.groups().len() {
            for batch in file.read(group, &all, None)? {
                let batch = batch.map_err(|e| Error::format(path, format!("row group {group}: {e}")))?;
                for (column, array) in table.columns.iter_mut().zip(batch.columns()) {
                    (0..batch.num_rows()).for_each(|row| {
                        column.push(cell(array, row).text(&mut scratch));
                    });
                }
                let next = table.lines.len() as u64 + 1;
                table.lines.extend(next..next + batch.num_rows() as u64);
            }
        }
        Ok(table)
    }

    /// Rows equal to an earlier one.
    pub(crate) fn duplicates(&self) -> Vec<usize> {
        let mut seen = std::collections::HashSet::new();
        let key = |row: usize| {
            let mut key = Vec::new();
            for column in &self.columns {
                key.extend_from_slice(column.get(row).as_bytes());
                key.push(0);
            }
            key
        };
        (0..self.lines.len()).filter(|&row| !seen.insert(key(row))).collect()
    }

    pub(crate) fn remove(&mut self, rows: &[usize]) {
        let gone: std::collections::HashSet<usize> = rows.iter().copied().collect();
        let kept: Vec<usize> = (0..self.lines.len()).filter(|row| !gone.contains(row)).collect();
        for column in &mut self.columns {
            let mut next = Texts::default();
            kept.iter().for_each(|&row| {
                next.push(column.get(row).as_bytes());
            });
            *column = next;
        }
        self.lines = kept.iter().map(|&row| self.lines[row]).collect();
    }
}
