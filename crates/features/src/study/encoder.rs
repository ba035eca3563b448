//! From sessions to rows of numbers, with what the training sessions taught.

use std::collections::{BTreeMap, HashMap};
use std::f64::consts::TAU;

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use tenure_core::params::require;
use tenure_core::{Dataset, Feature, Schema, Target};

use super::StudySession;
use super::history::StudyHistory;
use super::session::{CATEGORIES, CategoryField, NUMBERS};
use crate::{Result, Timestamp};

/// Name of the target.
pub const TARGET: &str = "actual_duration";

/// The level of all texts that were rare in training, and of those that training never saw.
pub const OTHER: &str = "(other)";

/// What an encoder is learned with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EncoderParams {
    /// A text found in fewer training sessions has no level of its own, at least 1. What is rare teaches what to make of
    /// the unheard-of.
    pub least_sessions: usize,
    /// Sessions in a row of numbers: 1 for the session alone, more for as many of its student's, itself the last; 1 to
    /// 100.
    pub steps: usize,
}

impl Default for EncoderParams {
    fn default() -> Self {
        Self { least_sessions: 5, steps: 1 }
    }
}

/// Turns sessions into rows of numbers.
///
/// A session is its 15 facts, the two that follow from them (`difficulty_focus_ratio`, difficulty for each hour of focus;
/// `energy_distraction_diff`), and its time of day as a point on a circle (`hour_sin`, `hour_cos`). The levels of the
/// texts are those of the training sessions, sorted, and [`OTHER`] where some of them were rare. A text without a level
/// is [`OTHER`]; where training knew nothing rare, and so nothing of what such a text may mean, and where it is blank, it
/// is missing.
///
/// With `steps` above 1 a row holds as many blocks of the same columns, the session itself last, and its student's
/// sessions before it, the earliest first. Each block has the `actual_duration` too: missing in the last, and of an
/// earlier session that was not over when this one began. Blocks for which there was no session are missing altogether.
///
/// # Example
/// ```
/// use tenure_features::study::{EncoderParams, OTHER, StudyEncoder, StudySession};
///
/// let session = |at: usize, subject: &str| StudySession {
///     session_id: at.to_string(),
///     student_id: "ann".into(),
///     subject: subject.into(),
///     difficulty_level: 6.0,
///     avg_focus_duration: 45.0,
///     time_of_day: "morning".into(),
///     ..StudySession::default()
/// };
/// let mut sessions: Vec<_> = (0..9).map(|at| session(at, "history")).collect();
/// sessions.push(session(9, "heraldry"));
/// let encoder = StudyEncoder::learn(&sessions, EncoderParams::default())?;
/// let subject = encoder.schema().position("subject").unwrap();
/// assert_eq!(encoder.schema().features()[subject].levels().unwrap(), ["history", OTHER]);
///
/// let data = encoder.encode(&[session(0, "alchemy")], &[])?;
/// assert_eq!(data.row(0)[subject], 1.0);
/// let ratio = encoder.schema().position("difficulty_focus_ratio").unwrap();
/// assert_eq!(data.row(0)[ratio], 8.0);
/// # Ok::<(), tenure_features::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct StudyEncoder {
    steps: usize,
    levels: Vec<Vec<String>>,
    schema: Schema,
}

/// What of an encoder is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    steps: usize,
    levels: BTreeMap<String, Vec<String>>,
}

impl From<StudyEncoder> for Stored {
    fn from(encoder: StudyEncoder) -> Self {
        let names = CATEGORIES.iter().map(|category| category.name.to_owned());
        Self { steps: encoder.steps, levels: names.zip(encoder.levels).collect() }
    }
}

impl TryFrom<Stored> for StudyEncoder {
    type Error = tenure_core::Error;

    fn try_from(Stored { steps, mut levels }: Stored) -> tenure_core::Result<Self> {
        let take = |name: &str| {
            let missing = || tenure_core::Error::damaged(format!("the encoder has no levels of `{name}`"));
            levels.remove(name).ok_or_else(missing)
        };
        let levels = CATEGORIES.iter().map(|category| category.name).map(take).collect::<Result<_, _>>()?;
        Self::new(steps, levels)
    }
}

impl StudyEncoder {
    /// Learns the levels of the texts.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`] for parameters out of range.
    pub fn learn(sessions: &[StudySession], params: EncoderParams) -> Result<Self> {
        let EncoderParams { least_sessions, steps } = params;
        require("least_sessions", least_sessions, least_sessions >= 1, "at least 1")?;
        let levels = CATEGORIES.iter().map(|category| {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for text in sessions.iter().map(category.get).filter(|text| !text.is_empty()) {
                *counts.entry(text).or_insert(0) += 1;
            }
            let known = |(text, count): &(&str, usize)| *count >= least_sessions && *text != OTHER;
            let (known, rare): (Vec<_>, Vec<_>) = counts.into_iter().partition(known);
            let other = (!rare.is_empty()).then_some(OTHER);
            known.into_iter().map(|(text, _)| text).chain(other).map(str::to_owned).collect()
        });
        Ok(Self::new(steps, levels.collect())?)
    }

    fn new(steps: usize, levels: Vec<Vec<String>>) -> tenure_core::Result<Self> {
        require("steps", steps, (1..=100).contains(&steps), "1 to 100")?;
        let mut block: Vec<Feature> =
            NUMBERS.iter().map(|n| Feature::numeric(n.name, n.unit, n.description)).collect();
        let category =
            |(c, levels): (&CategoryField, &Vec<String>)| Feature::categorical(c.name, levels, c.description);
        block.extend(CATEGORIES.iter().zip(&levels).map(category));
        block.extend([
            Feature::numeric("difficulty_focus_ratio", "per hour", "Difficulty for each hour of focus"),
            Feature::numeric("energy_distraction_diff", "", "Energy less distraction"),
            Feature::numeric("hour_sin", "", "Time of day (sine)"),
            Feature::numeric("hour_cos", "", "Time of day (cosine)"),
        ]);
        if steps > 1 {
            block.push(Feature::numeric(TARGET, "hours", "Hours that it took"));
        }
        let of_step = |back: usize| {
            let block = block.clone().into_iter();
            block.map(move |feature| if back == 0 { feature } else { before(feature, back) })
        };
        let schema = Schema::new((0..steps).rev().flat_map(of_step).collect())?;
        Ok(Self { steps, levels, schema })
    }

    /// The columns of a row.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Sessions in a row.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Columns of one session within a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.schema.len() / self.steps
    }

    /// The rows of `sessions`, in their order, with the sessions before each as `past` has them (which may hold the same
    /// sessions; with one step it is not looked at). The target is [`TARGET`] in hours, NaN where it is not known; the
    /// groups are the students, numbered as they come, the times the beginnings.
    ///
    /// # Errors
    /// As [`StudySession::check`], for `sessions`.
    pub fn encode(&self, sessions: &[StudySession], past: &[StudySession]) -> Result<Dataset> {
        let history = if self.steps > 1 { StudyHistory::new(past) } else { StudyHistory::default() };
        let mut values = Vec::with_capacity(sessions.len() * self.schema.len());
        for session in sessions {
            session.check()?;
            self.push_row(session, &history, &mut values);
        }
        let shape = (sessions.len(), self.schema.len());
        let x = Array2::from_shape_vec(shape, values)
            .map_err(|e| tenure_core::Error::Internal(format!("rows of sessions: {e}")))?;
        let mut students = HashMap::new();
        let groups = sessions.iter().map(|session| {
            let next = students.len() as u64;
            *students.entry(session.student_id.as_str()).or_insert(next)
        });
        let hours = sessions.iter().map(|session| session.actual_duration.unwrap_or(f64::NAN)).collect();
        let data = Dataset::new(self.schema.clone(), x)?
            .with_groups(groups.collect())?
            .with_times(sessions.iter().map(|session| session.started_at.seconds()).collect())?
            .with_target(Target::real(TARGET, hours)?.with_unit("hours"))?;
        Ok(data)
    }

    fn push_row(&self, session: &StudySession, history: &StudyHistory<'_>, values: &mut Vec<f64>) {
        let earlier = history.before(session, self.steps - 1);
        let absent = (self.steps - 1 - earlier.len()) * self.width();
        values.extend(std::iter::repeat_n(f64::NAN, absent));
        for past in earlier {
            self.push_session(past, values);
            values.push(duration_as_of(past, session.started_at));
        }
        self.push_session(session, values);
        if self.steps > 1 {
            values.push(f64::NAN);
        }
    }

    fn push_session(&self, session: &StudySession, values: &mut Vec<f64>) {
        values.extend(NUMBERS.iter().map(|number| (number.get)(session)));
        let level = |(category, levels): (&CategoryField, &Vec<String>)| {
            let text = (category.get)(session);
            let find = |wanted: &str| levels.iter().position(|level| level == wanted);
            let place = if text.is_empty() { None } else { find(text).or_else(|| find(OTHER)) };
            place.map_or(f64::NAN, |place| place as f64)
        };
        values.extend(CATEGORIES.iter().zip(&self.levels).map(level));
        let angle = session.hour().map_or(f64::NAN, |hour| TAU * hour / 24.0);
        values.extend([
            session.difficulty_level / (session.avg_focus_duration / 60.0),
            session.energy_level - session.distraction_level,
            angle.sin(),
            angle.cos(),
        ]);
    }
}

/// The same feature of an earlier session.
fn before(feature: Feature, back: usize) -> Feature {
    let Feature { name, description, .. } = &feature;
    let sessions = if back == 1 { "session" } else { "sessions" };
    Feature {
        name: format!("{name}_{back}_back"),
        description: format!("{description}, {back} {sessions} before"),
        ..feature
    }
}

/// The duration of a session that was over at an instant, else NaN.
fn duration_as_of(session: &StudySession, instant: Timestamp) -> f64 {
    let over = |hours: &f64| session.started_at.seconds() as f64 + hours * 3600.0 <= instant.seconds() as f64;
    session.actual_duration.filter(over).unwrap_or(f64::NAN)
}
