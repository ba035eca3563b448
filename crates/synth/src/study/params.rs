//! What a user may choose about the world of study, and the checks.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tenure_core::Result;
use tenure_core::params::require;
use tenure_features::Timestamp;

use super::world::StudyWorld;

/// Sessions of a student where nothing else is said.
const USUAL_SESSIONS: usize = 15;

/// Parameters of synthetic study sessions. [`StudyParams::check`] turns them into a [`StudyWorld`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StudyParams {
    /// Sessions in all; 1 to 100,000,000.
    pub sessions: usize,
    /// Students, at most as many as sessions; `None`: one for each 15 sessions.
    pub students: Option<usize>,
    /// Topics in the catalogue; 1 to 100,000.
    pub topics: usize,
    /// First day, e.g. `2024-01-01`.
    pub start: String,
    /// Mean days between the sessions of a student, who has at most one a day; 1 to 365.
    pub gap_days: f64,
    /// Deviation of the logarithm of durations that comes from the students' hidden speed; 0 to 1.
    pub student_noise: f64,
    /// Deviation of the logarithm of durations that is chance; 0 to 1.
    pub session_noise: f64,
}

impl Default for StudyParams {
    fn default() -> Self {
        Self {
            sessions: 600,
            students: None,
            topics: 60,
            start: "2024-01-01".into(),
            gap_days: 3.0,
            student_noise: 0.15,
            session_noise: 0.22,
        }
    }
}

impl StudyParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`] naming the first parameter out of range.
    pub fn check(self) -> Result<StudyWorld> {
        let sessions = self.sessions;
        require("sessions", sessions, (1..=100_000_000).contains(&sessions), "1 to 100000000")?;
        let students = self.students.unwrap_or(sessions.div_ceil(USUAL_SESSIONS));
        let fits = (1..=sessions).contains(&students);
        require("students", students, fits, format!("1 to {sessions}, the number of sessions"))?;
        require("topics", self.topics, (1..=100_000).contains(&self.topics), "1 to 100000")?;
        for (name, value, low, high) in [
            ("gap_days", self.gap_days, 1.0, 365.0),
            ("student_noise", self.student_noise, 0.0, 1.0),
            ("session_noise", self.session_noise, 0.0, 1.0),
        ] {
            require(name, value, (low..=high).contains(&value), format!("{low} to {high}"))?;
        }
        let day = self.start.trim().parse::<Date>().ok().filter(|d| (1900..=2200).contains(&d.year()));
        let start = day.and_then(|d| Timestamp::from_ymd(d.year(), d.month(), d.day()));
        require("start", &self.start, start.is_some(), "a day of the years 1900 to 2200, e.g. 2024-01-01")?;
        Ok(StudyWorld::new(self, students, start.unwrap_or_default()))
    }
}
