//! `tenure synth study`

use anyhow::Result;
use serde::Serialize;
use tenure_core::Progress;
use tenure_io::{FileFormat, StudyWriter};
use tenure_synth::study::{StudyOracle, StudySummary};
use tenure_synth::{StudyBatch, StudyParams};

use super::TruthFile;
use crate::args::SynthStudy;
use crate::output::{self, count};
use crate::session::Session;

/// Students generated and written at a time: memory does not grow with their number.
const BATCH: usize = 5_000;
/// Columns of the truth.
const TRUTH: &str =
    "session_id,student_id,expected_duration,median_duration,expected_given_student,median_given_student";

/// What was written.
#[derive(Serialize)]
struct Written {
    sessions_file: String,
    truth_file: String,
    #[serde(flatten)]
    summary: StudySummary,
    /// Of the first [`BATCH`] students.
    oracle: Option<StudyOracle>,
}

pub(super) fn run(args: &SynthStudy, session: &Session) -> Result<()> {
    let defaults = StudyParams::default();
    let world = StudyParams {
        sessions: args.sessions,
        students: args.students,
        topics: args.topics,
        student_noise: args.student_noise.unwrap_or(defaults.student_noise),
        session_noise: args.session_noise.unwrap_or(defaults.session_noise),
        ..defaults
    }
    .check()?;
    let ending = match args.format.into() {
        FileFormat::Csv => "csv",
        FileFormat::Jsonl => "jsonl",
        FileFormat::Parquet => "parquet",
    };
    let (path, truth_path) = (args.out.join(format!("sessions.{ending}")), args.out.join("truth.csv"));
    // The truth makes the folder.
    let mut truth = TruthFile::create(&truth_path, TRUTH)?;
    let mut writer = StudyWriter::create(&path)?;
    let mut written = Written {
        sessions_file: path.display().to_string(),
        truth_file: truth_path.display().to_string(),
        summary: StudySummary::default(),
        oracle: None,
    };
    let context = session.context(args.seed);
    for batch in world.batches(args.seed, BATCH) {
        writer.write(&batch.sessions)?;
        write_truth(&mut truth, &batch)?;
        written.summary.add(&batch);
        written.oracle = written.oracle.or_else(|| batch.oracle());
        let (done, total) = (written.summary.sessions as u64, Some(args.sessions as u64));
        context.progress.report(Progress { stage: "generating sessions", done, total, figure: None });
    }
    writer.finish()?;
    truth.finish()?;
    session.finish();
    if args.json {
        return output::json(&written);
    }
    output::text(&written.text())
}

impl Written {
    fn text(&self) -> String {
        let Self { sessions_file, truth_file, summary, oracle } = self;
        let mut out = format!("{summary}\n");
        if let Some(oracle) = oracle {
            if summary.students > BATCH {
                out += &format!("Of the first {} students. ", count(BATCH));
            }
            out += &format!("{oracle}\n");
        }
        out + &format!(
            "Written to {sessions_file}, the truth to {truth_file}.\n\nNext:\n  \
             tenure study-time train --sessions {sessions_file} --model study-model"
        )
    }
}

fn write_truth(file: &mut TruthFile, batch: &StudyBatch) -> Result<()> {
    batch.sessions.iter().zip(&batch.truth).try_for_each(|(session, truth)| {
        file.line(format_args!(
            "{},{},{},{},{},{}",
            session.session_id,
            session.student_id,
            truth.expected,
            truth.median,
            truth.expected_given_student,
            truth.median_given_student
        ))
    })
}
