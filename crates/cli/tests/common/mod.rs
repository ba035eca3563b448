//! Running the program as a user does: in a folder, with words on standard output, words on standard error and
//! an exit code.
// Each test file uses a part of it; helpers outside #[test] functions may unwrap and print as tests do.
#![allow(dead_code, clippy::unwrap_used, clippy::print_stdout)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// What the program answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Answer {
    /// Standard output of a command that must succeed without a word on standard error.
    #[track_caller]
    pub(crate) fn text(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
        self.out
    }

    /// Standard output of a command that must succeed and print JSON.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// A refusal: this exit code, one line of words on standard error, nothing on standard output.
    #[track_caller]
    pub(crate) fn refused(self, code: i32, words: &str) {
        assert_eq!((self.code, self.out.as_str()), (Some(code), ""), "{}", self.err);
        assert!(self.err.starts_with("error: ") && self.err.contains(words), "{words}\n{}", self.err);
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
    }
}

/// A folder of one test file, emptied when it starts and held against a second run at the same time.
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    _lock: File,
}

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        let name = format!("{}-{name}", env!("CARGO_CRATE_NAME"));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name);
        let lock = File::create(path.with_extension("lock")).unwrap();
        lock.lock().unwrap();
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        fs::create_dir_all(&path).unwrap();
        Self { path, _lock: lock }
    }

    /// Runs `tenure` in the folder with arguments that hold no blanks.
    pub(crate) fn run(&self, line: &str) -> Answer {
        self.run_with(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// Runs `tenure` in the folder.
    pub(crate) fn run_with(&self, arguments: &[&str]) -> Answer {
        let output = self.command(arguments).stdin(Stdio::null()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Answer { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenure"));
        command.current_dir(&self.path).args(arguments);
        command
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path.join(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path.join(name)).unwrap()
    }

    pub(crate) fn read_text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// Files below a folder, by their path within it, sorted.
    pub(crate) fn files(&self, folder: &str) -> Vec<String> {
        fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(root, &path, found);
                } else {
                    found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        let root = self.path.join(folder);
        let mut found = Vec::new();
        walk(&root, &root, &mut found);
        found.sort();
        found
    }

    /// What a model folder holds, by file, without the time at which it was written.
    pub(crate) fn model_parts(&self, folder: &str) -> Vec<(String, Vec<u8>)> {
        let part = |name: String| {
            let mut bytes = self.read(&format!("{folder}/{name}"));
            if name.ends_with("manifest.json") {
                let mut manifest: Value = serde_json::from_slice(&bytes).unwrap();
                assert!(manifest["metadata"]["created"].take().is_string());
                bytes = serde_json::to_vec(&manifest).unwrap();
            }
            (name, bytes)
        };
        // CURRENT holds the checksum of the manifest, which holds the time.
        self.files(folder).into_iter().filter(|name| name != "CURRENT").map(part).collect()
    }

    /// `orders.csv`: a year and a half of 400 synthetic customers, and `model` learned from what is before
    /// [`AS_OF`].
    pub(crate) fn with_shop(name: &str) -> Self {
        let place = Self::new(name);
        place.run("synth orders --customers 400 --months 18 --out orders.csv --truth truth.csv").text();
        place.run(&format!("churn train --orders orders.csv --model model --until {AS_OF}")).text();
        place
    }
}

/// One prediction window before the end of the shop's log.
pub(crate) const AS_OF: &str = "2024-04-02";

/// A real data set, where there is one.
pub(crate) fn data(name: &str) -> Option<String> {
    let root = std::env::var_os("TENURE_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = std::path::absolute(root.join(name)).unwrap();
    if path.exists() {
        return Some(path.to_str().unwrap().to_owned());
    }
    println!("skipped: {} is not there", path.display());
    None
}

/// A number within JSON, by the keys that lead to it.
#[track_caller]
pub(crate) fn number(value: &Value, path: &str) -> f64 {
    let found = value.pointer(path).unwrap_or_else(|| panic!("no {path} in {value:#}"));
    found.as_f64().unwrap_or_else(|| panic!("{path} is {found}"))
}
