//! Writing and reading an artifact's directory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind as IoKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Artifact, Metadata, Parts};
use crate::{Error, Result};

/// Version of the directory layout; kinds count their own.
const FORMAT: u32 = 1;
const CURRENT: &str = "CURRENT";
const MANIFEST: &str = "manifest.json";
const MODEL: &str = "model.json";

#[derive(Serialize, Deserialize)]
struct Manifest {
    tenure_format: u32,
    metadata: Metadata,
    files: BTreeMap<String, FileEntry>,
}

#[derive(Serialize, Deserialize)]
struct FileEntry {
    bytes: u64,
    sha256: String,
}

#[derive(Serialize, Deserialize)]
struct ModelFile {
    kind: String,
    version: u32,
    config: Value,
}

impl Artifact {
    /// Writes the artifact as the new current version of the model in `dir`, which is made if need be.
    ///
    /// A crash, a full disk or an error at any moment leaves the version that was there before. One process
    /// at a time may write to a folder; any number may read.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file; [`Error::Parameter`] for a part or child whose name is no file name.
    pub fn save(&self, dir: &Path, metadata: &Metadata) -> Result<()> {
        fs::create_dir_all(dir).map_err(io(dir, "creating the model folder"))?;
        let mut files = BTreeMap::new();
        flatten(self, "", &mut files)?;

        let previous = versions(dir)?.into_iter().max().unwrap_or(0);
        let name = version_name(previous.saturating_add(1));
        let folder = dir.join(&name);
        let mut entries = BTreeMap::new();
        for (path, bytes) in &files {
            write_synced(&folder.join(path), bytes)?;
            entries.insert(path.clone(), FileEntry { bytes: bytes.len() as u64, sha256: sha256(bytes) });
        }
        let metadata = Metadata { tenure_version: env!("CARGO_PKG_VERSION").to_owned(), ..metadata.clone() };
        let manifest = to_json(&Manifest { tenure_format: FORMAT, metadata, files: entries })?;
        write_synced(&folder.join(MANIFEST), &manifest)?;
        sync_folders(&folder)?;

        let pointer = dir.join(format!("{CURRENT}.new"));
        write_synced(&pointer, format!("{name} {}\n", sha256(&manifest)).as_bytes())?;
        let current = dir.join(CURRENT);
        fs::rename(&pointer, &current).map_err(io(&current, "replacing the version pointer"))?;
        sync_folder(dir)?;
        // The version before stays for readers that have just read the old pointer; a failure to remove
        // what is older costs disk space only.
        for old in versions(dir)?.into_iter().filter(|&v| v < previous) {
            let _ = fs::remove_dir_all(dir.join(version_name(old)));
        }
        Ok(())
    }

    /// Kind of the current model in `dir`, where there is one that can be told. A program that is about to save
    /// may refuse to replace a model of another kind.
    #[must_use]
    pub fn stored_kind(dir: &Path) -> Option<String> {
        let pointer = fs::read(dir.join(CURRENT)).ok()?;
        let (name, _) = parse_pointer(&pointer)?;
        let model: ModelFile = serde_json::from_slice(&fs::read(dir.join(name).join(MODEL)).ok()?).ok()?;
        Some(model.kind)
    }

    /// Reads the current version of the model in `dir`, checking every byte against its checksum.
    ///
    /// # Errors
    /// [`Error::ModelNotFound`] where there is no model, [`Error::ArtifactDamaged`] naming the file that is
    /// short, altered or absent, [`Error::ArtifactVersion`] for a newer layout.
    pub fn load(dir: &Path) -> Result<(Self, Metadata)> {
        let pointer_path = dir.join(CURRENT);
        let pointer = match fs::read(&pointer_path) {
            Ok(bytes) => bytes,
            Err(e) if matches!(e.kind(), IoKind::NotFound | IoKind::NotADirectory) => {
                return Err(Error::ModelNotFound { path: dir.to_owned() });
            }
            Err(e) => return Err(io(&pointer_path, "reading")(e)),
        };
        let (name, checksum) =
            parse_pointer(&pointer).ok_or_else(|| damaged(&pointer_path, "it does not name a version"))?;
        let folder = dir.join(name);

        let path = folder.join(MANIFEST);
        let bytes = read(&path)?;
        if sha256(&bytes) != checksum {
            return Err(damaged(&path, "its checksum differs from the one in CURRENT"));
        }
        let manifest: Manifest =
            serde_json::from_slice(&bytes).map_err(|e| damaged(&path, &format!("not a manifest: {e}")))?;
        if manifest.tenure_format > FORMAT {
            let (kind, found) = ("model folder".to_owned(), manifest.tenure_format);
            return Err(Error::ArtifactVersion { kind, found, supported: FORMAT });
        }

        let mut files = BTreeMap::new();
        for (file, entry) in &manifest.files {
            if !file.split('/').all(is_file_name) {
                return Err(damaged(&path, &format!("`{file}` is not a file name")));
            }
            let path = folder.join(file);
            let bytes = read(&path)?;
            if bytes.len() as u64 != entry.bytes {
                let detail = format!("{} bytes long; the manifest says {}", bytes.len(), entry.bytes);
                return Err(damaged(&path, &detail));
            }
            if sha256(&bytes) != entry.sha256 {
                return Err(damaged(&path, "its checksum differs from the manifest's"));
            }
            files.insert(file.clone(), bytes);
        }
        Ok((unflatten(files, &folder)?, manifest.metadata))
    }
}

/// Lays an artifact out as files below `prefix` (empty, or ending in a slash).
fn flatten(artifact: &Artifact, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    let model =
        ModelFile { kind: artifact.kind.clone(), version: artifact.version, config: artifact.config.clone() };
    files.insert(format!("{prefix}{MODEL}"), to_json(&model)?);
    for name in artifact.parts.keys().chain(artifact.children.keys()) {
        let free = is_file_name(name) && name != MODEL && name != MANIFEST;
        crate::params::require("part name", name, free, "letters, digits, `.`, `-`, `_`, and not reserved")?;
    }
    for (name, bytes) in &artifact.parts {
        files.insert(format!("{prefix}{name}"), bytes.clone());
    }
    for (name, child) in &artifact.children {
        flatten(child, &format!("{prefix}{name}/"), files)?;
    }
    Ok(())
}

/// The inverse of [`flatten`]. Depth is bounded by the length of file names, which the system bounds.
fn unflatten(files: BTreeMap<String, Vec<u8>>, folder: &Path) -> Result<Artifact> {
    let mut parts = Parts::new();
    let mut children: BTreeMap<String, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
    for (path, bytes) in files {
        match path.split_once('/') {
            Some((child, rest)) => {
                children.entry(child.to_owned()).or_default().insert(rest.to_owned(), bytes);
            }
            None => {
                parts.insert(path, bytes);
            }
        }
    }
    let path = folder.join(MODEL);
    let model = parts.remove(MODEL).ok_or_else(|| damaged(&path, "the manifest does not list it"))?;
    let ModelFile { kind, version, config } = serde_json::from_slice(&model)
        .map_err(|e| damaged(&path, &format!("not a model description: {e}")))?;
    let children = children
        .into_iter()
        .map(|(name, files)| Ok((name.clone(), unflatten(files, &folder.join(name))?)))
        .collect::<Result<_>>()?;
    Ok(Artifact { kind, version, config, parts, children })
}

fn is_file_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !name.is_empty() && name.chars().all(allowed) && !name.starts_with('.')
}

fn version_name(version: u64) -> String {
    format!("v{version:08}")
}

/// Versions present in `dir`, whole or not.
fn versions(dir: &Path) -> Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(io(dir, "listing"))? {
        let name = entry.map_err(io(dir, "listing"))?.file_name();
        let digits = name.to_str().and_then(|n| n.strip_prefix('v'));
        found.extend(digits.and_then(|d| d.parse::<u64>().ok()));
    }
    Ok(found)
}

/// Version folder and manifest checksum; `None` unless the pointer is whole.
fn parse_pointer(bytes: &[u8]) -> Option<(&str, &str)> {
    let line = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let (name, checksum) = line.split_once(' ')?;
    let whole = is_file_name(name) && checksum.len() == 64;
    whole.then_some((name, checksum))
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn to_json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(value).map_err(|e| Error::Internal(format!("writing JSON: {e}")))
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(io(parent, "creating the folder"))?;
    }
    let mut file = File::create(path).map_err(io(path, "creating"))?;
    file.write_all(bytes).map_err(io(path, "writing"))?;
    file.sync_all().map_err(io(path, "flushing to disk"))
}

/// Flushes the names in `dir` and below, so that no file of a finished version is lost with the power.
fn sync_folders(dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir).map_err(io(dir, "listing"))? {
        let path = entry.map_err(io(dir, "listing"))?.path();
        if path.is_dir() {
            sync_folders(&path)?;
        }
    }
    sync_folder(dir)
}

#[cfg(unix)]
fn sync_folder(dir: &Path) -> Result<()> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(io(dir, "flushing to disk"))
}

/// Other systems order a rename after the writes by themselves and cannot open a folder as a file.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> Result<()> {
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| match e.kind() {
        IoKind::NotFound => damaged(path, "the file is absent"),
        _ => io(path, "reading")(e),
    })
}

fn damaged(path: &Path, detail: &str) -> Error {
    Error::ArtifactDamaged { path: Some(path.to_owned()), detail: detail.to_owned() }
}

fn io(path: &Path, action: &'static str) -> impl Fn(std::io::Error) -> Error {
    let path: PathBuf = path.to_owned();
    move |source| Error::Io { path: path.clone(), action, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn artifact() -> Artifact {
        let child = Artifact::new("leaf", 1, &serde_json::json!({"x": 0.1})).unwrap();
        Artifact::new("tree", 2, &serde_json::json!({"n": 3}))
            .unwrap()
            .with_part("blob.bin", vec![1, 2, 3])
            .with_numbers("numbers", &[0.1, f64::NAN, -0.0])
            .with_child("backend", child.with_part("p", b"q".to_vec()))
    }

    fn files_below(dir: &Path) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
        }
        files
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let metadata = Metadata { rows: Some(7), seed: Some(42), ..Metadata::default() };
        artifact().save(dir.path(), &metadata).unwrap();
        let (back, meta) = Artifact::load(dir.path()).unwrap();
        assert_eq!(back, artifact());
        assert_eq!((meta.rows, meta.tenure_version.as_str()), (Some(7), env!("CARGO_PKG_VERSION")));
        let numbers = back.numbers("numbers").unwrap();
        assert!(numbers[1].is_nan() && numbers[2].is_sign_negative());
    }

    #[test]
    fn a_folder_cut_short_at_any_byte_is_an_error_that_names_the_file() {
        let dir = tempfile::tempdir().unwrap();
        artifact().save(dir.path(), &Metadata::default()).unwrap();
        let files = files_below(dir.path());
        assert_eq!(files.len(), 7);
        for file in files {
            let whole = fs::read(&file).unwrap();
            for length in 0..whole.len() {
                fs::write(&file, &whole[..length]).unwrap();
                let words = Artifact::load(dir.path()).unwrap_err().to_string();
                let name = file.file_name().unwrap().to_str().unwrap();
                assert!(words.starts_with("damaged model in") && words.contains(name), "{words}");
            }
            fs::write(&file, whole).unwrap();
        }
        assert!(Artifact::load(dir.path()).is_ok());
    }

    #[test]
    fn a_crash_while_writing_leaves_the_old_version() {
        let dir = tempfile::tempdir().unwrap();
        artifact().save(dir.path(), &Metadata::default()).unwrap();
        // What a crash can leave behind: part of a newer version, and a pointer not yet renamed.
        fs::create_dir(dir.path().join("v00000002")).unwrap();
        fs::write(dir.path().join("v00000002/model.json"), b"{\"ki").unwrap();
        fs::write(dir.path().join("CURRENT.new"), b"v0000").unwrap();
        assert_eq!(Artifact::load(dir.path()).unwrap().0, artifact());
        // and the next save is not disturbed by it
        let second = Artifact::new("second", 1, &()).unwrap();
        second.save(dir.path(), &Metadata::default()).unwrap();
        assert_eq!(Artifact::load(dir.path()).unwrap().0.kind, "second");
        assert_eq!(Artifact::stored_kind(dir.path()).as_deref(), Some("second"));
        assert_eq!(Artifact::stored_kind(&dir.path().join("no")), None);
    }

    #[test]
    fn an_absent_model_says_to_train_first() {
        let dir = tempfile::tempdir().unwrap();
        let words = Artifact::load(&dir.path().join("no")).unwrap_err().to_string();
        assert!(words.starts_with("model not found in") && words.ends_with("train it first"), "{words}");
    }

    #[test]
    fn newer_kinds_and_other_kinds_are_refused() {
        assert!(artifact().expect("tree", 1).unwrap_err().to_string().contains("format version 2"));
        assert!(artifact().expect("forest", 2).unwrap_err().to_string().contains("kind `tree`"));
        assert!(artifact().expect("tree", 2).is_ok());
    }

    #[test]
    fn names_cannot_leave_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["../x", "a/b", "", ".hidden", "model.json"] {
            let artifact = Artifact::new("k", 1, &()).unwrap().with_part(name, vec![]);
            assert!(artifact.save(dir.path(), &Metadata::default()).is_err(), "{name}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn an_altered_byte_is_noticed(at in 0usize..10_000, flip in 1u8..=255) {
            let dir = tempfile::tempdir().unwrap();
            artifact().save(dir.path(), &Metadata::default()).unwrap();
            let files = files_below(dir.path());
            let file = &files[at % files.len()];
            let mut bytes = fs::read(file).unwrap();
            let position = at % bytes.len();
            bytes[position] ^= flip;
            fs::write(file, bytes).unwrap();
            prop_assert!(Artifact::load(dir.path()).is_err());
        }
    }
}
