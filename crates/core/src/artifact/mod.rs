//! A fitted model as plain data, and the directory it is stored in.
//!
//! In memory an [`Artifact`] is a kind, a format version, a JSON configuration, named binary parts and named
//! child artifacts (an ensemble's members, a domain model's backend).
//!
//! # On disk
//! ```text
//! model/
//! ├── CURRENT            "v00000002 <sha-256 of its manifest.json>"
//! ├── v00000001/         the version before, kept for readers that still have it open
//! └── v00000002/
//!     ├── manifest.json  format, metadata, and length and SHA-256 of every other file
//!     ├── model.json     kind, version and configuration of the artifact
//!     ├── trees.bin      a part
//!     └── backend/…      a child, laid out the same way
//! ```
//! A new version is written beside the old one and flushed to disk; then `CURRENT` is replaced by a rename,
//! which is atomic. A crash leaves the old version or the new one. Nothing in the directory executes on load,
//! and every byte is covered by a checksum, so that a truncated or altered file is an error that names it.

mod store;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Result};

/// Named binary parts of an artifact.
pub type Parts = BTreeMap<String, Vec<u8>>;

/// A fitted model as plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct Artifact {
    /// What it is, e.g. `gbdt`; decides which loader reads it.
    pub kind: String,
    /// Version of this kind's format, counted up when it changes.
    pub version: u32,
    /// Everything that reads well as text.
    pub config: Value,
    /// Everything that does not; names are file names (letters, digits, `.`, `-`, `_`).
    pub parts: Parts,
    /// Artifacts within; names as of the parts.
    pub children: BTreeMap<String, Artifact>,
}

/// What is worth knowing about a stored model without loading it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// When it was trained, RFC 3339, as the caller says: libraries read no clock.
    pub created: Option<String>,
    /// First and last instant of the data it was trained on, RFC 3339.
    pub data_range: Option<(String, String)>,
    /// Rows it was trained on.
    pub rows: Option<usize>,
    /// Seed of the training.
    pub seed: Option<u64>,
    /// Figures measured in training, by name.
    pub metrics: BTreeMap<String, f64>,
    /// Names of the features, in order.
    pub features: Vec<String>,
    /// Version of tenure that wrote it; filled in when saving.
    pub tenure_version: String,
}

impl Artifact {
    /// An artifact with a configuration and nothing else yet.
    ///
    /// Numbers in `config` must be finite: JSON has no others, and what is NaN belongs in a part.
    ///
    /// # Errors
    /// [`Error::Internal`] where `config` cannot be written as JSON.
    pub fn new(kind: &str, version: u32, config: &impl Serialize) -> Result<Self> {
        let config = serde_json::to_value(config)
            .map_err(|e| Error::Internal(format!("configuration of `{kind}` is not JSON: {e}")))?;
        Ok(Self::from_json(kind, version, config))
    }

    /// An artifact whose configuration is JSON already.
    #[must_use]
    pub fn from_json(kind: &str, version: u32, config: Value) -> Self {
        Self { kind: kind.to_owned(), version, config, parts: Parts::new(), children: BTreeMap::new() }
    }

    /// Adds a binary part.
    #[must_use]
    pub fn with_part(mut self, name: &str, bytes: Vec<u8>) -> Self {
        self.parts.insert(name.to_owned(), bytes);
        self
    }

    /// Adds numbers as a part, little-endian, 8 bytes each: every bit is kept, NaN included.
    #[must_use]
    pub fn with_numbers(self, name: &str, numbers: &[f64]) -> Self {
        self.with_part(name, numbers.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// Adds a child.
    #[must_use]
    pub fn with_child(mut self, name: &str, child: Artifact) -> Self {
        self.children.insert(name.to_owned(), child);
        self
    }

    /// Refuses another kind, or a version newer than `supported`.
    ///
    /// # Errors
    /// [`Error::ArtifactKind`], [`Error::ArtifactVersion`].
    pub fn expect(&self, kind: &str, supported: u32) -> Result<()> {
        if self.kind != kind {
            return Err(Error::ArtifactKind { found: self.kind.clone(), expected: kind.to_owned() });
        }
        if self.version > supported {
            let (kind, found) = (self.kind.clone(), self.version);
            return Err(Error::ArtifactVersion { kind, found, supported });
        }
        Ok(())
    }

    /// The configuration as its type.
    ///
    /// # Errors
    /// [`Error::ArtifactDamaged`] saying what does not fit.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T> {
        T::deserialize(&self.config)
            .map_err(|e| Error::damaged(format!("configuration of `{}`: {e}", self.kind)))
    }

    /// A part's bytes.
    ///
    /// # Errors
    /// [`Error::ArtifactDamaged`] where it is absent.
    pub fn part(&self, name: &str) -> Result<&[u8]> {
        let part = self.parts.get(name);
        part.map(Vec::as_slice)
            .ok_or_else(|| Error::damaged(format!("`{}` lacks its part `{name}`", self.kind)))
    }

    /// A part's numbers, as [`Artifact::with_numbers`] wrote them.
    ///
    /// # Errors
    /// [`Error::ArtifactDamaged`] where it is absent or of a length that is not a multiple of 8.
    pub fn numbers(&self, name: &str) -> Result<Vec<f64>> {
        let (numbers, rest) = self.part(name)?.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(Error::damaged(format!("part `{name}` of `{}` ends within a number", self.kind)));
        }
        Ok(numbers.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect())
    }

    /// A child.
    ///
    /// # Errors
    /// [`Error::ArtifactDamaged`] where it is absent.
    pub fn child(&self, name: &str) -> Result<&Artifact> {
        let child = self.children.get(name);
        child.ok_or_else(|| Error::damaged(format!("`{}` lacks its child `{name}`", self.kind)))
    }
}
