//! A model folder cut short anywhere is an error that names the file, never a panic and never a model.
// Helpers outside #[test] functions may unwrap as tests do.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use tenure_churn::{ChurnModel, ChurnParams, ChurnScorer, RULES_VERSION, train};
use tenure_core::{ErrorKind, FitContext, Metadata};
use tenure_tests::{SEED, log};

/// Files up to this length are cut at every byte.
const SMALL: usize = 4096;
/// A longer file is cut at so many places at each end of it …
const ENDS: usize = 64;
/// … and at so many between.
const BETWEEN: usize = 80;

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// Lengths to cut a file of `length` bytes to.
fn cuts(length: usize) -> Vec<usize> {
    if length <= SMALL {
        return (0..length).collect();
    }
    let between = (1..BETWEEN).map(|i| i * length / BETWEEN);
    (0..ENDS).chain(between).chain(length - ENDS..length).collect()
}

#[test]
fn a_folder_cut_short_at_any_byte_names_the_file() {
    let (log, until) = log(300).unwrap();
    let trained = train(&log, &ChurnParams::default(), Some(until), &FitContext::new(SEED)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    trained.model.save(folder.path(), None, Metadata::default()).unwrap();
    let files = files_below(folder.path());
    let names: Vec<&str> = files.iter().filter_map(|f| f.file_name()?.to_str()).collect();
    for name in ["CURRENT", "manifest.json", "model.json", "typical.f64", "trees"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let mut checked = 0;
    for file in &files {
        let whole = fs::read(file).unwrap();
        let refused = |what: &str| {
            let error = ChurnModel::load(folder.path()).expect_err(what);
            let words = error.to_string();
            assert!(words.starts_with(&format!("damaged model in {}: ", file.display())), "{what}: {words}");
            assert_eq!(error.kind(), ErrorKind::Artifact);
        };
        for length in cuts(whole.len()) {
            fs::write(file, &whole[..length]).unwrap();
            refused(&format!("{} cut to {length} of {} bytes", file.display(), whole.len()));
            checked += 1;
        }
        let (scorer, metadata) = ChurnScorer::load(folder.path());
        assert!(scorer.model().is_none() && metadata.is_none());
        let decision = scorer.score(&log, until, "C0000001").unwrap();
        assert_eq!(decision.model_version, RULES_VERSION);
        assert!(decision.fallback_reason.unwrap().contains(&file.display().to_string()));

        fs::write(file, [whole.as_slice(), b"x"].concat()).unwrap();
        refused("a byte too many");
        fs::remove_file(file).unwrap();
        if !file.ends_with("CURRENT") {
            refused("without the file");
        }
        fs::write(file, whole).unwrap();
    }
    assert!(checked > 2_000, "{checked}");
    let (back, _) = ChurnModel::load(folder.path()).unwrap();
    assert_eq!(back.settings(), trained.model.settings());
}
