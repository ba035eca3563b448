//! Customers by row.

use std::collections::HashMap;

use ndarray::Array2;
use tenure_core::{Dataset, Error, Result};

use super::{Profile, Segment};

/// Customers of a marketplace: who is who, and the rows with all targets of their profile.
#[derive(Debug, Clone)]
pub struct MarketplaceTable {
    /// Ids of the customers, by row.
    pub ids: Vec<String>,
    /// Segments, by row; `None` where not known.
    pub segments: Vec<Option<Segment>>,
    /// The features, and the targets of the profile in order, NaN where not known. Rows of the same id are one group,
    /// so that splits keep a customer on one side.
    pub data: Dataset,
}

impl MarketplaceTable {
    /// Puts a table together: `features` has a column a feature of the profile, `labels` one a target, each one row
    /// a customer.
    ///
    /// # Errors
    /// [`Error::Shape`] for lengths or widths that differ, [`Error::NotFinite`] and [`Error::TargetValue`] for values
    /// that cannot be.
    pub fn new(
        profile: Profile,
        ids: Vec<String>,
        segments: Vec<Option<Segment>>,
        features: Array2<f64>,
        labels: &Array2<f64>,
    ) -> Result<Self> {
        let targets = profile.labels();
        let rows = features.nrows();
        for (what, expected, found) in [
            ("ids", rows, ids.len()),
            ("segments", rows, segments.len()),
            ("rows of labels", rows, labels.nrows()),
            ("labels of a customer", targets.len(), labels.ncols()),
        ] {
            if expected != found {
                return Err(Error::Shape { what, expected, found });
            }
        }
        let mut data = Dataset::new(profile.schema(), features)?;
        for (label, values) in targets.iter().zip(labels.columns()) {
            data = data.with_target(label.target(values.to_vec())?)?;
        }
        let mut customers = HashMap::new();
        let group = |id| {
            let next = customers.len() as u64;
            *customers.entry(id).or_insert(next)
        };
        let groups = ids.iter().map(group).collect();
        Ok(Self { data: data.with_groups(groups)?, ids, segments })
    }

    /// The given rows, in the given order; a row may be taken more than once.
    ///
    /// # Panics
    /// If an index is not below the number of rows.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            ids: rows.iter().map(|&row| self.ids[row].clone()).collect(),
            segments: rows.iter().map(|&row| self.segments[row]).collect(),
            data: self.data.select(rows),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_id_are_one_group() {
        let profile = Profile::Guide;
        let ids: Vec<String> = ["b", "a", "b", "c"].map(str::to_owned).to_vec();
        let features = Array2::from_elem((4, profile.schema().len()), f64::NAN);
        let labels = Array2::from_elem((4, profile.labels().len()), f64::NAN);
        let table = MarketplaceTable::new(profile, ids, vec![None; 4], features, &labels).unwrap();
        assert_eq!(table.data.groups(), Some(&[0, 1, 0, 2][..]));
        assert_eq!(table.select(&[3, 2]).data.groups(), Some(&[2, 0][..]));
    }
}
