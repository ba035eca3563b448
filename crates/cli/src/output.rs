//! Standard output: text for people, JSON for programs.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use tenure_core::Artifact;

use crate::failure::WrongArgument;

/// Prints text, ending it with a line break.
pub fn text(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).context("writing to standard output")?;
    if !text.ends_with('\n') {
        out.write_all(b"\n").context("writing to standard output")?;
    }
    out.flush().context("writing to standard output")
}

/// Prints a value as JSON, indented.
pub fn json(value: &impl Serialize) -> Result<()> {
    text(&serde_json::to_string_pretty(value).context("writing JSON")?)
}

/// Writes a small file beside its place and moves it there, so that it appears whole or not at all.
pub fn file(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |source| tenure_core::Error::Io { path: path.to_owned(), action: "writing", source };
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path)).map_err(failed)?;
    Ok(())
}

/// Refuses to write over a file that is being read.
pub fn keeps(option: &str, out: &Path, read: &[&Path]) -> Result<()> {
    let Ok(place) = out.canonicalize() else { return Ok(()) };
    match read.iter().find(|path| path.canonicalize().is_ok_and(|path| path == place)) {
        Some(_) => Err(WrongArgument(format!("{option}: {} is read by this command", out.display())).into()),
        None => Ok(()),
    }
}

/// Refuses to write a model over one of another kind.
pub fn keeps_kind(dir: &Path, kind: &str) -> Result<()> {
    match Artifact::stored_kind(dir) {
        Some(found) if found != kind => {
            let dir = dir.display();
            Err(WrongArgument(format!("--model: {dir} holds a model of kind `{found}`, not `{kind}`")).into())
        }
        _ => Ok(()),
    }
}

/// Columns of text, the first to the left and the others to the right.
pub fn columns(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().filter_map(|r| r.get(column)).map(|c| c.chars().count()).max();
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(|column| width(column).unwrap_or(0)).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::from(" ");
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let gap = " ".repeat(width - cell.chars().count());
            line += &if column == 0 { format!(" {cell}{gap}") } else { format!("  {gap}{cell}") };
        }
        out += line.trim_end();
        out.push('\n');
    }
    out
}

/// 12345 as `12,345`.
pub fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// 0.615 as `61.5 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!([count(0), count(999), count(1000), count(1234567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(percent(0.615), "61.5 %");
        let cells = |row: &[&str]| row.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>();
        let table = columns(&[cells(&["", "auc"]), cells(&["model", "0.8"])]);
        assert_eq!(table, "         auc\n  model  0.8\n");
    }
}
