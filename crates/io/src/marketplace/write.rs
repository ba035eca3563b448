//! Customers of a marketplace to files.

use std::path::{Path, PathBuf};

use tenure_features::marketplace::{MarketplaceTable, Profile};

use super::{ID, SEGMENT};
use crate::text::trim;
use crate::{ColumnValues, Error, Result, TableWriter};

/// Writes customers as [`read_marketplace`](crate::read_marketplace) reads them, batch by batch: `customer_id`,
/// `segment`, the features, `label_<target>`; what is not known is blank or `null`. The file appears with
/// [`MarketplaceWriter::finish`]; dropped before, it leaves nothing.
///
/// # Example
/// ```
/// use ndarray::Array2;
/// use tenure_features::marketplace::{MarketplaceTable, Profile, Segment};
/// use tenure_io::{MarketplaceWriter, ReadOptions, read_marketplace};
///
/// let profile = Profile::Guide;
/// let (features, labels) = (Array2::ones((1, 59)), Array2::zeros((1, 5)));
/// let table =
///     MarketplaceTable::new(profile, vec!["ann".into()], vec![Some(Segment::Healthy)], features, &labels)?;
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("train.jsonl");
/// let mut writer = MarketplaceWriter::create(&path, profile)?;
/// writer.write(&table)?;
/// writer.finish()?;
/// let (back, report) = read_marketplace(&path, profile, &ReadOptions::default())?;
/// assert_eq!((back.ids, back.data.x()), (table.ids, table.data.x()));
/// assert!(report.absent_labels.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MarketplaceWriter {
    path: PathBuf,
    profile: Profile,
    writer: TableWriter,
}

impl MarketplaceWriter {
    /// Starts a file: `.csv`, `.jsonl` (each also with `.gz`) or `.parquet`.
    ///
    /// # Errors
    /// [`Error::Format`] for another kind of file, [`Error::Io`].
    pub fn create(path: &Path, profile: Profile) -> Result<Self> {
        let fields = profile.fields().iter().map(|field| field.name.to_owned());
        let labels = profile.labels().into_iter().map(|label| label.column());
        let names: Vec<String> =
            [ID, SEGMENT].map(str::to_owned).into_iter().chain(fields).chain(labels).collect();
        Ok(Self { path: path.to_owned(), profile, writer: TableWriter::create(path, &names)? })
    }

    /// Appends a batch.
    ///
    /// # Errors
    /// [`tenure_core::Error::Columns`] for a table of another profile; [`Error::Column`] for an id that would not be
    /// read back: blank, or with blanks around it; [`Error::Format`] where Parquet refuses; [`Error::Io`].
    pub fn write(&mut self, table: &MarketplaceTable) -> Result<()> {
        let names: Vec<&str> = table.data.schema().names().collect();
        self.profile.schema().match_columns(&names)?;
        let lost = |id: &&String| id.is_empty() || trim(id.as_bytes()).len() != id.len();
        if let Some(id) = table.ids.iter().find(lost) {
            let problem = format!("`{id}` would not be read back as it is");
            return Err(Error::column(&self.path, ID, problem));
        }
        let segments: Vec<String> =
            table.segments.iter().map(|s| s.map_or_else(String::new, |s| s.to_string())).collect();
        let features: Vec<Vec<f64>> = table.data.x().columns().into_iter().map(|c| c.to_vec()).collect();
        let labels = table.data.targets().iter().map(|target| ColumnValues::Numbers(target.values()));
        let columns: Vec<ColumnValues<'_>> =
            [ColumnValues::Texts(&table.ids), ColumnValues::Texts(&segments)]
                .into_iter()
                .chain(features.iter().map(|values| ColumnValues::Numbers(values)))
                .chain(labels)
                .collect();
        self.writer.write(&columns)
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] for Parquet without a batch.
    pub fn finish(self) -> Result<()> {
        self.writer.finish()
    }
}
