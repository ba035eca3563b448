//! What judges: `tenure study-time evaluate`, `compare`, `search` and `outliers`.

use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::json;
use tenure_backends::search::SearchSpace;
use tenure_core::Error;
use tenure_study_time::{
    Candidate, ColumnOutliers, GridSearch, Samples, StudyLearner, StudyModel, StudyParams, TrueDurations,
    compare as compare_learners, evaluate as judge, outliers as find_outliers, report,
    search as search_grids, train,
};

use super::{base, figures, params, rows, save, usual};
use crate::args::{StudyCompare, StudyEvaluate, StudyOutliers, StudySearch};
use crate::commands::truth::{self, Wanted};
use crate::failure::WrongArgument;
use crate::output;
use crate::session::Session;

/// The true durations of sessions, where they are known.
fn true_durations(path: Option<&Path>, samples: &Samples) -> Result<Option<TrueDurations>> {
    let Some(path) = path else { return Ok(None) };
    let column = |value: &str| {
        let (keys, from) = (&["session_id"], "tenure synth study");
        let truth = truth::read(path, &Wanted { keys, value, as_of: None, window_days: None, from })?;
        truth::look_up(&truth, samples.ids().into_iter())
    };
    let (expected, median) = (column("expected_duration")?, column("median_duration")?);
    Ok(Some(TrueDurations { expected, median }))
}

pub fn evaluate(args: &StudyEvaluate, session: &Session) -> Result<()> {
    let (model, source) = rows::load(&args.model)?;
    let files = (args.rows.sessions.as_deref(), args.rows.data.as_deref());
    let samples = rows::for_model(&model, &source, files, session)?;
    let truth = true_durations(args.truth.as_deref(), &samples)?;
    let evaluation = judge(&model, &samples, truth.as_ref())?;
    if let Some(path) = &args.report {
        output::file(path, report(&model, &evaluation)?.to_html().as_bytes())?;
    }
    session.finish();
    if args.json {
        return output::json(&evaluation.figures);
    }
    let written = args.report.as_ref().map(|path| format!("Report written to {}.\n", path.display()));
    let unit = &model.settings().unit;
    output::text(&format!(
        "{}{}",
        figures::evaluation(&evaluation.figures, unit),
        written.unwrap_or_default()
    ))
}

pub fn compare(args: &StudyCompare, session: &Session) -> Result<()> {
    let params = params(&args.learning, StudyParams::default().learner)?;
    let named = |names: &[String]| -> Result<Vec<StudyLearner>> {
        Ok(names.iter().map(|name| StudyLearner::by_name(name)).collect::<tenure_core::Result<_>>()?)
    };
    let asked = named(&args.learners)?;
    let read = rows::learning(&args.learning, session)?;
    let learners = if asked.is_empty() { named(&usual(&read.samples))? } else { asked };
    let truth = true_durations(args.truth.as_deref(), &read.samples)?;
    let context = session.context(args.learning.seed);
    let found = compare_learners(&read.samples, &learners, args.folds, &params, truth.as_ref(), &context)?;
    if let Some(path) = &args.report {
        output::file(path, found.report()?.to_html().as_bytes())?;
    }
    session.finish();
    if args.learning.json {
        return output::json(&found);
    }
    let written = args.report.as_ref().map(|path| format!("Report written to {}.\n", path.display()));
    output::text(&format!("{}{}", figures::comparison(&found), written.unwrap_or_default()))
}

pub fn search(args: &StudySearch, session: &Session) -> Result<()> {
    // What cannot be right is told before anything is read, and long before the search is over.
    if let Some(dir) = &args.model {
        output::keeps_kind(dir, StudyModel::KIND)?;
    }
    let params = params(&args.learning, StudyParams::default().learner)?;
    let plan = match &args.space {
        Some(file) => GridSearch { candidates: vec![space(file)?], outer_folds: 10, inner_folds: 3 },
        None => GridSearch::of(&args.learners)?,
    };
    let plan = GridSearch { outer_folds: args.folds, inner_folds: args.inner_folds, ..plan };
    let read = rows::learning(&args.learning, session)?;
    let context = session.context(args.learning.seed);
    let found = search_grids(&read.samples, &plan, &params, &context)?;
    if let Some(dir) = &args.model {
        let params = StudyParams { learner: found.chosen.learner.clone(), ..params };
        save(&train(&read.samples, &params, &context)?, &read, args.learning.seed, dir)?;
    }
    session.finish();
    let model = args.model.as_ref().map(|dir| dir.display().to_string());
    if args.learning.json {
        return output::json(&json!({ "found": found, "model": model }));
    }
    let written = model.map(|dir| format!("The choice, trained on all rows, is in {dir}.\n"));
    output::text(&format!("{}{}", figures::searched(&found), written.unwrap_or_default()))
}

fn space(file: &Path) -> Result<Candidate> {
    let failed = |source| Error::Io { path: file.to_owned(), action: "reading", source };
    let text = fs::read_to_string(file).map_err(failed)?;
    let parsed = serde_json::from_str(&text);
    let space: SearchSpace = parsed.map_err(|e| WrongArgument(format!("--space {}: {e}", file.display())))?;
    Ok(Candidate { base: base(&space.backend)?, space })
}

pub fn outliers(args: &StudyOutliers, session: &Session) -> Result<()> {
    let read = rows::known(&args.rows, args.target.as_deref(), session)?;
    let found: Vec<ColumnOutliers> = find_outliers(&read.samples.numbers()?);
    let ids = read.samples.ids();
    session.finish();
    if args.json {
        let columns: Vec<_> = found
            .iter()
            .map(|c| {
                let rows: Vec<&String> = c.outliers.iter().map(|&row| &ids[row]).collect();
                json!({
                    "column": c.column, "rows": c.rows, "q1": c.q1, "q3": c.q3, "low": c.low, "high": c.high,
                    "outliers": rows,
                })
            })
            .collect();
        return output::json(&columns);
    }
    output::text(&figures::outliers(&found, &ids))
}
