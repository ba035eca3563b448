//! A session as it is recorded.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use serde::{Deserialize, Deserializer, Serialize};

use crate::contacts::RecordKind;
use crate::{Error, Result, Timestamp};

/// Somebody sits down to study a topic.
///
/// A number that is not known is NaN (`null` in JSON), a text that is not known is blank. Texts are any: which there are
/// is learned from the training sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudySession {
    /// Unique.
    pub session_id: String,
    /// Who studies.
    pub student_id: String,
    /// When it begins.
    pub started_at: Timestamp,
    /// Age of the student in years, 3 to 120.
    #[serde(deserialize_with = "number_or_null")]
    pub age: f64,
    /// What the student has finished, e.g. `bachelor`.
    pub education_level: String,
    /// How the student likes to learn, e.g. `visual`.
    pub learning_style: String,
    /// Minutes for which the student usually keeps to one thing, 1 to 1,440.
    #[serde(deserialize_with = "number_or_null")]
    pub avg_focus_duration: f64,
    /// What the topic belongs to, e.g. `mathematics`.
    pub subject: String,
    /// How hard the topic is, 1 to 10.
    #[serde(deserialize_with = "number_or_null")]
    pub difficulty_level: f64,
    /// Hours that the topic is said to take, above 0, at most 1,000.
    #[serde(deserialize_with = "number_or_null")]
    pub estimated_base_time: f64,
    /// Topics to be known before, 0 to 1,000.
    #[serde(deserialize_with = "number_or_null")]
    pub prerequisites_count: f64,
    /// What there is to study, e.g. `video`.
    pub content_type: String,
    /// `morning`, `afternoon`, `evening` or `night`; another text is a category without an hour.
    pub time_of_day: String,
    /// How it is studied, e.g. `practice`.
    pub study_method: String,
    /// Where, e.g. `library`.
    pub environment: String,
    /// 1 (tired) to 5.
    #[serde(deserialize_with = "number_or_null")]
    pub energy_level: f64,
    /// 1 (quiet) to 5.
    #[serde(deserialize_with = "number_or_null")]
    pub distraction_level: f64,
    /// Breaks, 0 to 1,000: those that are planned. Counted afterwards, they tell of the duration that is to be foretold.
    #[serde(deserialize_with = "number_or_null")]
    pub breaks_taken: f64,
    /// Hours that it took, above 0, at most 1,000; `None` where that is not known yet.
    #[serde(default)]
    pub actual_duration: Option<f64>,
}

fn number_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// A number of a session.
pub(crate) struct NumberField {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) description: &'static str,
    pub(crate) range: RangeInclusive<f64>,
    pub(crate) get: fn(&StudySession) -> f64,
    pub(crate) get_mut: fn(&mut StudySession) -> &mut f64,
}

/// A text of a session.
pub(crate) struct CategoryField {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) get: fn(&StudySession) -> &str,
}

/// Hours of anything: above 0, and not beyond what a slip of the pen makes of them.
pub(super) const HOURS: RangeInclusive<f64> = f64::MIN_POSITIVE..=1000.0;

macro_rules! numbers {
    ($($field:ident: $unit:literal, $range:expr, $description:literal;)+) => {
        /// The numbers of a session, in the order of features.
        pub(crate) const NUMBERS: &[NumberField] = &[$(NumberField {
            name: stringify!($field),
            unit: $unit,
            description: $description,
            range: $range,
            get: |session| session.$field,
            get_mut: |session| &mut session.$field,
        }),+];
    };
}

numbers! {
    age: "years", 3.0..=120.0, "Age of the student";
    avg_focus_duration: "minutes", 1.0..=1440.0, "Usual minutes of focus";
    difficulty_level: "1 to 10", 1.0..=10.0, "Difficulty of the topic";
    estimated_base_time: "hours", HOURS, "Estimated base time of the topic";
    prerequisites_count: "topics", 0.0..=1000.0, "Prerequisites of the topic";
    energy_level: "1 to 5", 1.0..=5.0, "Energy level";
    distraction_level: "1 to 5", 1.0..=5.0, "Distraction level";
    breaks_taken: "breaks", 0.0..=1000.0, "Breaks";
}

macro_rules! categories {
    ($($field:ident: $description:literal;)+) => {
        /// The texts of a session, in the order of features.
        pub(crate) const CATEGORIES: &[CategoryField] = &[$(CategoryField {
            name: stringify!($field),
            description: $description,
            get: |session| &session.$field,
        }),+];
    };
}

categories! {
    education_level: "Education of the student";
    learning_style: "Learning style of the student";
    subject: "Subject";
    content_type: "Type of the content";
    time_of_day: "Time of day";
    study_method: "Study method";
    environment: "Environment";
}

impl Default for StudySession {
    /// Nothing is known.
    fn default() -> Self {
        let (number, text) = (f64::NAN, String::new);
        Self {
            session_id: text(),
            student_id: text(),
            started_at: Timestamp::default(),
            age: number,
            education_level: text(),
            learning_style: text(),
            avg_focus_duration: number,
            subject: text(),
            difficulty_level: number,
            estimated_base_time: number,
            prerequisites_count: number,
            content_type: text(),
            time_of_day: text(),
            study_method: text(),
            environment: text(),
            energy_level: number,
            distraction_level: number,
            breaks_taken: number,
            actual_duration: None,
        }
    }
}

impl StudySession {
    /// Refuses numbers out of their ranges.
    ///
    /// # Errors
    /// [`Error::RecordValue`] naming the session, the field, what was found and what is accepted.
    pub fn check(&self) -> Result<()> {
        let refuse = |field, found: String, expected: String| {
            let (kind, id) = (RecordKind::StudySession, self.session_id.clone());
            Err(Error::RecordValue { kind, id, field, found, expected })
        };
        for (field, id) in [("session_id", &self.session_id), ("student_id", &self.student_id)] {
            if id.is_empty() {
                return refuse(field, "blank".into(), "an id".into());
            }
        }
        for NumberField { name, range, get, .. } in NUMBERS {
            let value = get(self);
            if !value.is_nan() && !range.contains(&value) {
                return refuse(name, value.to_string(), in_words(range));
            }
        }
        match self.actual_duration {
            Some(hours) if !HOURS.contains(&hours) => {
                refuse("actual_duration", hours.to_string(), in_words(&HOURS))
            }
            _ => Ok(()),
        }
    }

    /// Hours since midnight that stand for the time of day: 9, 14, 19 or 23; `None` for any other text.
    pub(crate) fn hour(&self) -> Option<f64> {
        match self.time_of_day.as_str() {
            "morning" => Some(9.0),
            "afternoon" => Some(14.0),
            "evening" => Some(19.0),
            "night" => Some(23.0),
            _ => None,
        }
    }
}

fn in_words(range: &RangeInclusive<f64>) -> String {
    let (low, high) = (range.start(), range.end());
    if *range == HOURS { format!("hours above 0, at most {high}") } else { format!("{low} to {high}") }
}

/// Checks every session, and that no id occurs twice.
///
/// # Errors
/// As [`StudySession::check`]; [`Error::RepeatedRecord`].
pub fn check_sessions(sessions: &[StudySession]) -> Result<()> {
    let mut ids = HashSet::with_capacity(sessions.len());
    for session in sessions {
        session.check()?;
        if !ids.insert(session.session_id.as_str()) {
            let (kind, id) = (RecordKind::StudySession, session.session_id.clone());
            return Err(Error::RepeatedRecord { kind, id });
        }
    }
    Ok(())
}
