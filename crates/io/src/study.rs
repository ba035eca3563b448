//! Study sessions from files, and back.

use std::path::Path;

use tenure_core::Progress;
use tenure_features::study::{StudySession, check_sessions};

use crate::records::sheet::Sheet;
use crate::records::write::{Columns, Table, Values, each, ids, instants};
use crate::{Error, ReadOptions, RecordFileReport, Result};

/// What is under way, for those who watch.
const STAGE: &str = "reading study sessions";

/// Reads study sessions from one file: CSV (any separator), JSON lines (both also with `.gz`) or Parquet.
///
/// | columns | may be lacking or blank |
/// |---|---|
/// | `student_id`, `started_at` | `session_id` (then the line of the file), the 15 facts of a [`StudySession`], `actual_duration` in hours |
///
/// Columns come in any order; upper and lower case, blanks and underscores in their names do not matter; others are
/// passed over and reported. Dates have the year first, in UTC where they say nothing else. Blank, and NA, N/A, NaN, null
/// and None in any case, is no value. With `skip_bad_lines`, lines with a value that cannot be read are counted and left
/// out; of the options, `header`, `count_duplicates` and `returned_after_days` speak of orders and say nothing here.
///
/// # Errors
/// [`Error::Columns`] for a column that is lacking; [`Error::Field`] for a value that cannot be read, with file, line,
/// column, the text and what was expected; [`Error::Line`] for one out of its range, and for an id that occurs twice;
/// [`Error::HeaderOnly`] without a session; [`Error::Io`]; [`Error::Core`] for a cancellation.
pub fn read_study_sessions(
    path: &Path,
    options: &ReadOptions<'_>,
) -> Result<(Vec<StudySession>, RecordFileReport)> {
    options.in_pool(|| {
        options.check_cancelled(STAGE)?;
        let mut sheet = Sheet::open(path.to_owned(), options.skip_bad_lines)?;
        let sessions = sessions(&mut sheet)?;
        let report = sheet.into_report(sessions.len());
        if sessions.is_empty() {
            return Err(Error::format(path, "holds no study session that can be read"));
        }
        check_sessions(&sessions).map_err(|e| Error::format(path, e.to_string()))?;
        let done = sessions.len() as u64;
        options.progress.report(Progress { stage: STAGE, done, total: Some(done), figure: None });
        Ok((sessions, report))
    })
}

fn sessions(sheet: &mut Sheet) -> Result<Vec<StudySession>> {
    let student_id = sheet.required("student_id")?;
    let started_at = sheet.required("started_at")?;
    let session_id = sheet.optional("session_id");
    let age = sheet.optional("age");
    let education_level = sheet.optional("education_level");
    let learning_style = sheet.optional("learning_style");
    let avg_focus_duration = sheet.optional("avg_focus_duration");
    let subject = sheet.optional("subject");
    let difficulty_level = sheet.optional("difficulty_level");
    let estimated_base_time = sheet.optional("estimated_base_time");
    let prerequisites_count = sheet.optional("prerequisites_count");
    let content_type = sheet.optional("content_type");
    let time_of_day = sheet.optional("time_of_day");
    let study_method = sheet.optional("study_method");
    let environment = sheet.optional("environment");
    let energy_level = sheet.optional("energy_level");
    let distraction_level = sheet.optional("distraction_level");
    let breaks_taken = sheet.optional("breaks_taken");
    let actual_duration = sheet.optional("actual_duration");
    sheet.rows(|row| {
        let session = StudySession {
            session_id: row.some_text(session_id).unwrap_or_else(|| row.line().to_string()),
            student_id: row.id(student_id)?,
            started_at: row.instant(started_at)?,
            age: row.some_number(age)?,
            education_level: row.some_text(education_level).unwrap_or_default(),
            learning_style: row.some_text(learning_style).unwrap_or_default(),
            avg_focus_duration: row.some_number(avg_focus_duration)?,
            subject: row.some_text(subject).unwrap_or_default(),
            difficulty_level: row.some_number(difficulty_level)?,
            estimated_base_time: row.some_number(estimated_base_time)?,
            prerequisites_count: row.some_number(prerequisites_count)?,
            content_type: row.some_text(content_type).unwrap_or_default(),
            time_of_day: row.some_text(time_of_day).unwrap_or_default(),
            study_method: row.some_text(study_method).unwrap_or_default(),
            environment: row.some_text(environment).unwrap_or_default(),
            energy_level: row.some_number(energy_level)?,
            distraction_level: row.some_number(distraction_level)?,
            breaks_taken: row.some_number(breaks_taken)?,
            actual_duration: Some(row.some_number(actual_duration)?).filter(|hours| !hours.is_nan()),
        };
        // What is out of its range is as wrong as what is no number.
        session.check().map_err(|e| row.error(e.to_string()))?;
        Ok(session)
    })
}

/// Writes batches of study sessions to a file whose name chooses the format, with the columns that
/// [`read_study_sessions`] reads. The file appears with [`StudyWriter::finish`], whole or not at all.
///
/// # Example
/// ```
/// use tenure_features::study::StudySession;
/// use tenure_io::{ReadOptions, StudyWriter, read_study_sessions};
///
/// let session = StudySession {
///     session_id: "s1".into(),
///     student_id: "ann".into(),
///     started_at: "2024-03-01T18:30:00Z".parse()?,
///     subject: "physics".into(),
///     actual_duration: Some(2.5),
///     ..StudySession::default()
/// };
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("sessions.parquet");
/// let mut writer = StudyWriter::create(&path)?;
/// writer.write(&[session])?;
/// writer.finish()?;
/// let (back, report) = read_study_sessions(&path, &ReadOptions::default())?;
/// assert_eq!((back[0].subject.as_str(), back[0].actual_duration), ("physics", Some(2.5)));
/// assert!(back[0].age.is_nan() && report.records == 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StudyWriter(Table);

impl StudyWriter {
    /// Starts a file.
    ///
    /// # Errors
    /// [`Error::Format`] for another kind of file; [`Error::Io`].
    pub fn create(path: &Path) -> Result<Self> {
        Ok(Self(Table::start(path.to_owned(), columns(&[]))?))
    }

    /// Appends a batch.
    ///
    /// # Errors
    /// [`Error::Column`] for what would not be read back: a text that is blank, has blanks around it or stands for no
    /// value, an instant outside the years 1 to 9999; [`Error::Format`] where Parquet refuses; [`Error::Io`].
    pub fn write(&mut self, sessions: &[StudySession]) -> Result<()> {
        self.0.write(columns(sessions))
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(self) -> Result<()> {
        self.0.finish()
    }
}

fn columns(sessions: &[StudySession]) -> Columns {
    let numbers = |of: fn(&StudySession) -> f64| Values::Numbers(each(sessions, of));
    let texts = |of: fn(&StudySession) -> &String| Values::Texts(each(sessions, |s| of(s).clone()));
    vec![
        ("session_id", ids(sessions, |s| &s.session_id)),
        ("student_id", ids(sessions, |s| &s.student_id)),
        ("started_at", instants(sessions, |s| s.started_at)),
        ("age", numbers(|s| s.age)),
        ("education_level", texts(|s| &s.education_level)),
        ("learning_style", texts(|s| &s.learning_style)),
        ("avg_focus_duration", numbers(|s| s.avg_focus_duration)),
        ("subject", texts(|s| &s.subject)),
        ("difficulty_level", numbers(|s| s.difficulty_level)),
        ("estimated_base_time", numbers(|s| s.estimated_base_time)),
        ("prerequisites_count", numbers(|s| s.prerequisites_count)),
        ("content_type", texts(|s| &s.content_type)),
        ("time_of_day", texts(|s| &s.time_of_day)),
        ("study_method", texts(|s| &s.study_method)),
        ("environment", texts(|s| &s.environment)),
        ("energy_level", numbers(|s| s.energy_level)),
        ("distraction_level", numbers(|s| s.distraction_level)),
        ("breaks_taken", numbers(|s| s.breaks_taken)),
        ("actual_duration", numbers(|s| s.actual_duration.unwrap_or(f64::NAN))),
    ]
}
