//! `tenure synth …`

mod contacts;
mod marketplace;
mod orders;
mod study;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use tenure_core::Error;

use crate::args::SynthCommand;
use crate::session::Session;

pub fn run(command: &SynthCommand, session: &Session) -> Result<()> {
    match command {
        SynthCommand::Orders(args) => orders::run(args, session),
        SynthCommand::Contacts(args) => contacts::run(args, session),
        SynthCommand::Study(args) => study::run(args, session),
        SynthCommand::Marketplace(args) => marketplace::run(args, session),
    }
}

/// A truth as CSV, written line by line beside its place and moved there when it is whole.
struct TruthFile {
    path: PathBuf,
    part: PathBuf,
    file: BufWriter<File>,
}

impl TruthFile {
    fn create(path: &Path, header: &str) -> Result<Self> {
        let failed = |source| Error::Io { path: path.to_owned(), action: "writing", source };
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = BufWriter::new(File::create(&part).map_err(failed)?);
        let mut truth = Self { path: path.to_owned(), part, file };
        truth.line(header)?;
        Ok(truth)
    }

    fn line(&mut self, line: impl std::fmt::Display) -> Result<()> {
        let written = writeln!(self.file, "{line}");
        Ok(written.map_err(|source| self.failed(source))?)
    }

    fn finish(mut self) -> Result<()> {
        let placed = self.file.flush().and_then(|()| std::fs::rename(&self.part, &self.path));
        Ok(placed.map_err(|source| self.failed(source))?)
    }

    fn failed(&self, source: std::io::Error) -> Error {
        Error::Io { path: self.path.clone(), action: "writing", source }
    }
}
