//! What is learned from: sessions, or the rows of a table.

use tenure_core::{Dataset, Error as CoreError, TargetKind};
use tenure_eval::splits::{self, Split};
use tenure_features::augment::{Augmentation, augmented};
use tenure_features::study::{EncoderParams, StudyEncoder, StudySession, augmented_sessions};

use crate::error::{Error, Result};

/// Fewest rows with a known target to learn from.
pub const LEAST_ROWS: usize = 100;

/// Sessions, or the rows of a table with a numeric target.
#[derive(Debug, Clone)]
pub enum Samples {
    /// Raw sessions: an encoder is learned of them and kept with the model.
    Sessions(Vec<StudySession>),
    /// The rows of a table as they are.
    Table(Dataset),
}

impl Samples {
    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Sessions(sessions) => sessions.len(),
            Self::Table(data) => data.rows(),
        }
    }

    /// The rows at these places, in their order.
    ///
    /// # Panics
    /// If a place is not below [`Samples::rows`].
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Sessions(sessions) => {
                Self::Sessions(rows.iter().map(|&row| sessions[row].clone()).collect())
            }
            Self::Table(data) => Self::Table(data.select(rows)),
        }
    }

    /// The ids of sessions; of a table the numbers of its rows, counted from 1.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        match self {
            Self::Sessions(sessions) => sessions.iter().map(|session| session.session_id.clone()).collect(),
            Self::Table(data) => (1..=data.rows()).map(|row| row.to_string()).collect(),
        }
    }

    /// What came true, one number a row; NaN where it is not known.
    ///
    /// # Errors
    /// [`CoreError::NoTarget`]; [`CoreError::Unsupported`] for a target that is no number.
    pub fn targets(&self) -> Result<Vec<f64>> {
        match self {
            Self::Sessions(sessions) => {
                Ok(sessions.iter().map(|session| session.actual_duration.unwrap_or(f64::NAN)).collect())
            }
            Self::Table(data) => match data.target()?.kind() {
                TargetKind::Real => Ok(data.target()?.values().to_vec()),
                _ => Err(CoreError::unsupported("study time", "a target of classes: it learns a number"))?,
            },
        }
    }

    /// The rows as numbers, with their target; sessions by an encoder learned of all of them, to be looked at.
    ///
    /// # Errors
    /// As [`StudySession::check`].
    pub fn numbers(&self) -> Result<Dataset> {
        self.encoded(None)
    }

    /// The places of the rows whose target is known, and these rows alone.
    pub(crate) fn known(&self) -> Result<(Vec<usize>, Self)> {
        let targets = self.targets()?;
        let places: Vec<usize> = (0..self.rows()).filter(|&row| !targets[row].is_nan()).collect();
        let known = self.select(&places);
        Ok((places, known))
    }

    /// All rows but those at these places.
    pub(crate) fn without(&self, rows: &[usize]) -> Self {
        let mut kept = vec![true; self.rows()];
        rows.iter().for_each(|&row| kept[row] = false);
        let others: Vec<usize> = (0..self.rows()).filter(|&row| kept[row]).collect();
        self.select(&others)
    }

    /// Refuses what there is nothing to learn from.
    pub(crate) fn require_learnable(&self) -> Result<()> {
        let (targets, rows) = (self.targets()?, self.rows());
        if rows < LEAST_ROWS {
            return Err(CoreError::NotEnoughRows { found: rows, needed: LEAST_ROWS }.into());
        }
        if targets.iter().all(|value| *value == targets[0]) {
            let target = self.encoded(None)?.target()?.name().to_owned();
            return Err(Error::EqualTargets { target, value: targets[0], rows });
        }
        Ok(())
    }

    /// Folds that keep a student together; rows one by one where there are fewer than five students for each fold.
    ///
    /// # Errors
    /// As [`splits::k_fold_of`].
    pub fn folds(&self, folds: usize, seed: u64) -> Result<Vec<Split>> {
        let data = self.encoded(None)?;
        match self.grouped(&data, folds) {
            true => Ok(splits::k_fold_of(&data, folds, seed)?),
            false => Ok(splits::k_fold(data.rows(), folds, seed)?),
        }
    }

    /// A hold-out that keeps a student together, in the same way.
    pub(crate) fn hold_out(&self, share: f64, seed: u64) -> Result<Split> {
        let data = self.encoded(None)?;
        match self.grouped(&data, 2) {
            true => Ok(splits::hold_out_of(&data, share, seed)?),
            false => Ok(splits::hold_out(data.rows(), share, seed)?),
        }
    }

    /// Whether there are enough students to keep each on one side: five for each fold. With fewer, and with sessions of
    /// one person, rows are drawn one by one.
    pub(crate) fn grouped(&self, data: &Dataset, folds: usize) -> bool {
        let Some(groups) = data.groups() else { return true };
        let mut different = groups.to_vec();
        different.sort_unstable();
        different.dedup();
        different.len() >= 5 * folds || matches!(self, Self::Table(_))
    }

    /// The encoder of sessions; a table has none.
    pub(crate) fn encoder(&self, params: EncoderParams) -> Result<Option<StudyEncoder>> {
        match self {
            Self::Sessions(sessions) => Ok(Some(StudyEncoder::learn(sessions, params)?)),
            Self::Table(_) if params.steps > 1 => {
                Err(CoreError::unsupported("a table", "a network over sessions: its rows have no order"))?
            }
            Self::Table(_) => Ok(None),
        }
    }

    /// The rows as numbers; sessions by `encoder`, without one by one learned of them.
    pub(crate) fn encoded(&self, encoder: Option<&StudyEncoder>) -> Result<Dataset> {
        match (self, encoder) {
            (Self::Sessions(sessions), Some(encoder)) => Ok(encoder.encode(sessions, sessions)?),
            (Self::Sessions(sessions), None) => {
                Ok(StudyEncoder::learn(sessions, EncoderParams::default())?.encode(sessions, &[])?)
            }
            (Self::Table(data), _) => Ok(data.clone()),
        }
    }

    /// Some rows to learn from, with noisy copies behind them where asked for; `encoded` has all rows as numbers.
    pub(crate) fn training(
        &self,
        rows: &[usize],
        encoded: &Dataset,
        encoder: Option<&StudyEncoder>,
        augmentation: Option<&Augmentation>,
        seed: u64,
    ) -> Result<Dataset> {
        let Some(augmentation) = augmentation else { return Ok(encoded.select(rows)) };
        match (self, encoder) {
            (Self::Sessions(all), Some(encoder)) => {
                let mut sessions: Vec<StudySession> = rows.iter().map(|&row| all[row].clone()).collect();
                sessions.extend(augmented_sessions(&sessions, augmentation, seed)?);
                Ok(encoder.encode(&sessions, all)?)
            }
            _ => Ok(augmented(&encoded.select(rows), augmentation, seed)?),
        }
    }
}

/// The places of some of the known rows, given by their numbers, among all rows.
pub(crate) fn places_of(places: &[usize], rows: &[usize]) -> Vec<usize> {
    rows.iter().map(|&row| places[row]).collect()
}
