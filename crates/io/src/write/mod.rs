//! Files from columns: written beside their place and renamed, so that a file is there whole or not at all.

pub(crate) mod orders;
pub(crate) mod parquet;
pub(crate) mod table;

use std::fs::Permissions;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use tempfile::NamedTempFile;

use crate::{Error, Result};

/// Rows formatted, and compressed, in one piece.
const PIECE: usize = 1 << 15;

/// A file under way.
pub(crate) struct Target {
    path: PathBuf,
    pub(crate) file: NamedTempFile,
}

impl Target {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".tenure-");
        let permissions: Option<Permissions> = usual_permissions();
        if let Some(permissions) = permissions {
            builder.permissions(permissions);
        }
        let file = builder.tempfile_in(folder).map_err(Error::io(path, "creating"))?;
        Ok(Self { path: path.to_owned(), file })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(Error::io(&self.path, "writing"))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the file in its place.
    pub(crate) fn finish(self) -> Result<()> {
        self.file.as_file().sync_all().map_err(Error::io(&self.path, "writing"))?;
        self.file.persist(&self.path).map_err(|e| Error::io(&self.path, "renaming")(e.error))?;
        Ok(())
    }
}

/// Temporary files are private by default; a result is readable as any other file (the umask still applies).
#[cfg(unix)]
fn usual_permissions() -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn usual_permissions() -> Option<Permissions> {
    None
}

/// Text under way, gzipped or not. With gzip every piece is a member of its own (RFC 1952, 2.2), so that pieces
/// are compressed in parallel and the bytes do not depend on the number of threads.
pub(crate) struct TextTarget {
    target: Target,
    gzip: bool,
}

impl TextTarget {
    pub(crate) fn create(path: &Path, gzip: bool) -> Result<Self> {
        Ok(Self { target: Target::create(path)?, gzip })
    }

    pub(crate) fn path(&self) -> &Path {
        self.target.path()
    }

    pub(crate) fn write(&mut self, text: &[u8]) -> Result<()> {
        let packed = self.pack(text.to_vec())?;
        self.target.write(&packed)
    }

    /// Formats `rows` rows in pieces, in parallel, and writes them in order.
    pub(crate) fn write_rows(
        &mut self,
        rows: usize,
        format: impl Fn(usize, &mut Vec<u8>) + Sync,
    ) -> Result<()> {
        let pieces: Vec<Result<Vec<u8>>> = (0..rows.div_ceil(PIECE))
            .into_par_iter()
            .map(|piece| {
                let mut text = Vec::with_capacity(PIECE * 64);
                (piece * PIECE..rows.min((piece + 1) * PIECE)).for_each(|row| format(row, &mut text));
                self.pack(text)
            })
            .collect();
        for piece in pieces {
            self.target.write(&piece?)?;
        }
        Ok(())
    }

    fn pack(&self, text: Vec<u8>) -> Result<Vec<u8>> {
        if !self.gzip || text.is_empty() {
            return Ok(text);
        }
        let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 3), Compression::default());
        encoder
            .write_all(&text)
            .and_then(|()| encoder.finish())
            .map_err(Error::io(self.path(), "compressing"))
    }

    pub(crate) fn finish(self) -> Result<()> {
        self.target.finish()
    }
}

/// Appends a field of a CSV line, quoted where it must be (RFC 4180).
pub(crate) fn push_csv(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let blank_end = bytes.first().is_some_and(u8::is_ascii_whitespace)
        || bytes.last().is_some_and(u8::is_ascii_whitespace);
    if !blank_end && !bytes.iter().any(|b| matches!(b, b',' | b'"' | b'\n' | b'\r')) {
        out.extend_from_slice(bytes);
        return;
    }
    out.push(b'"');
    for &byte in bytes {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// Appends a JSON string.
pub(crate) fn push_json(out: &mut Vec<u8>, text: &str) {
    // Writing a string to memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}
