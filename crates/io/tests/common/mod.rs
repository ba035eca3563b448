//! What the tests of reading and writing share.
// Each test file uses a part of it; helpers outside #[test] functions may unwrap and print as tests do.
#![allow(dead_code, clippy::unwrap_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};

use tenure_io::{OrderMapping, OrderReadReport, ReadOptions, TableOptions, read_orders, read_table};

/// A folder for the files of one test.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Writes `content` to `name` in a folder of its own.
pub(crate) fn file(folder: &tempfile::TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

/// The columns and report of an order log given as text.
pub(crate) fn orders(content: impl AsRef<[u8]>) -> (tenure_features::OrderColumns, OrderReadReport) {
    let folder = folder();
    read_orders(&file(&folder, "o.csv", content), &OrderMapping::default(), &ReadOptions::default()).unwrap()
}

/// What is said about an order log that cannot be read, without the folder.
pub(crate) fn refusal(name: &str, content: impl AsRef<[u8]>, mapping: &OrderMapping) -> String {
    let folder = folder();
    let error = read_orders(&file(&folder, name, content), mapping, &ReadOptions::default()).unwrap_err();
    without_folder(&error.to_string(), folder.path())
}

/// What is said about a table that cannot be read, without the folder.
pub(crate) fn table_refusal(content: impl AsRef<[u8]>, options: &TableOptions<'_>) -> String {
    let folder = folder();
    let error = read_table(&file(&folder, "t.csv", content), options).unwrap_err();
    without_folder(&error.to_string(), folder.path())
}

fn without_folder(text: &str, folder: &Path) -> String {
    text.replace(&format!("{}{}", folder.display(), std::path::MAIN_SEPARATOR), "")
}

/// A real data set, where there is one.
pub(crate) fn data(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TENURE_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}
