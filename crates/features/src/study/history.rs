//! What came before a session.

use std::collections::HashMap;

use super::StudySession;

/// The sessions of each student by time. Of these, [`StudyHistory::before`] hands out those that began earlier, so that
/// no row can see a later one.
#[derive(Debug, Default)]
pub(super) struct StudyHistory<'a> {
    sessions: HashMap<&'a str, Vec<&'a StudySession>>,
}

impl<'a> StudyHistory<'a> {
    /// Sorts sessions by student and time, those of one instant by id.
    pub(super) fn new(sessions: &'a [StudySession]) -> Self {
        let mut all: HashMap<&str, Vec<&StudySession>> = HashMap::new();
        for session in sessions {
            all.entry(&session.student_id).or_default().push(session);
        }
        for of_student in all.values_mut() {
            of_student.sort_by(|a, b| (a.started_at, &a.session_id).cmp(&(b.started_at, &b.session_id)));
        }
        Self { sessions: all }
    }

    /// The student's sessions that began before this one, the earliest first, at most `most` of them (the last).
    pub(super) fn before(&self, session: &StudySession, most: usize) -> &[&'a StudySession] {
        let Some(all) = self.sessions.get(session.student_id.as_str()) else { return &[] };
        let end = all.partition_point(|earlier| earlier.started_at < session.started_at);
        &all[end.saturating_sub(most)..end]
    }
}
