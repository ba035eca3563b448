//! Noisy copies of sessions.

use tenure_core::Result;

use super::StudySession;
use super::session::{HOURS, NUMBERS};
use crate::augment::{Augmentation, Copied};

/// Noisy copies of `sessions` alone, each with the id of its session and a number, e.g. `S7+12`. What follows from the
/// numbers that are moved (the derived features) is then that of the copy. Durations stay within what a session may have.
///
/// # Errors
/// [`tenure_core::Error::Parameter`] for parameters out of range or a column that is no number of a session.
pub fn augmented_sessions(
    sessions: &[StudySession],
    augmentation: &Augmentation,
    seed: u64,
) -> Result<Vec<StudySession>> {
    augmentation.check()?;
    let columns: Vec<_> =
        NUMBERS.iter().map(|number| (number.name, Some(sessions.iter().map(number.get).collect()))).collect();
    let moves = augmentation.moves(&columns)?;
    let copy = |(at, copy): (usize, Copied)| {
        let mut session = sessions[copy.row].clone();
        session.session_id = format!("{}+{}", session.session_id, at + 1);
        for by in &moves {
            let value = (NUMBERS[by.column].get_mut)(&mut session);
            *value = copy.moved(*value, by);
        }
        let moved = |hours| copy.target(hours, augmentation.target_noise).clamp(*HOURS.start(), *HOURS.end());
        session.actual_duration = session.actual_duration.map(moved);
        session
    };
    Ok(augmentation.copies(sessions.len(), seed).enumerate().map(copy).collect())
}
