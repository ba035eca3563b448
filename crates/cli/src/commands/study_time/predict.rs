//! `tenure study-time predict` and `tenure study-time explain`

use std::path::Path;

use anyhow::Result;
use serde_json::json;
use tenure_core::{Error, Model};
use tenure_features::study::StudySession;
use tenure_io::ColumnValues;
use tenure_study_time::{Samples, StudyModel, StudyTimePrediction, importances};

use super::{figures, rows};
use crate::args::{StudyExplain, StudyPredict};
use crate::commands::contacts;
use crate::failure::WrongArgument;
use crate::output::{self, count};
use crate::session::Session;

/// How often a feature is shuffled.
const REPEATS: usize = 10;

pub fn predict(args: &StudyPredict, session: &Session) -> Result<()> {
    let (model, source) = rows::load(&args.model)?;
    if let Some(row) = &args.row {
        return show(&one(&model, row)?, &model, args.json);
    }
    let out = args.out.as_deref().unwrap_or_else(|| Path::new(""));
    let files = (args.sessions.as_deref(), args.data.as_deref());
    let read: Vec<&Path> = [files.0, files.1].into_iter().flatten().collect();
    output::keeps("--out", out, &read)?;
    let samples = rows::for_model(&model, &source, files, session)?;
    let (data, ids) = (model.read(&samples)?, samples.ids());
    let decide = |(id, at): (&String, usize)| model.decide(id, &data.row(at).to_vec());
    let answers = ids.iter().zip(0..).map(decide).collect::<tenure_core::Result<Vec<_>>>()?;
    write(out, &model, &answers)?;
    session.finish();
    let mean = answers.iter().map(|a| a.hours).sum::<f64>() / answers.len().max(1) as f64;
    if args.json {
        return output::json(&json!({
            "rows": answers.len(),
            "mean": mean,
            "model_version": model.settings().version,
            "out": out.display().to_string(),
        }));
    }
    let unit = &model.settings().unit;
    let words = format!("{} predictions, {mean:.2} {unit} on average", count(answers.len()));
    output::text(&format!("{}, written to {}.", words.trim_end(), out.display()))
}

fn one(model: &StudyModel, row: &str) -> Result<StudyTimePrediction> {
    let row = contacts::json_row(row)?;
    if model.encoder().is_none() {
        return Ok(model.decide("given row", &model.schema().values_of_json(&row)?)?);
    }
    let parsed = serde_json::from_value(row);
    let session: StudySession = parsed.map_err(|e| Error::Data(format!("--row is no study session: {e}")))?;
    let answers = model.predict_sessions(std::slice::from_ref(&session), &[])?;
    answers.into_iter().next().ok_or_else(|| Error::Internal("no answer for a session".into()).into())
}

/// One line a row, in the order given.
fn write(path: &Path, model: &StudyModel, answers: &[StudyTimePrediction]) -> Result<()> {
    let numbers = |of: fn(&StudyTimePrediction) -> f64| -> Vec<f64> { answers.iter().map(of).collect() };
    let texts = |of: fn(&StudyTimePrediction) -> String| -> Vec<String> { answers.iter().map(of).collect() };
    let (ids, versions) = (texts(|a| a.id.clone()), texts(|a| a.model_version.clone()));
    let (hours, spread) = (numbers(|a| a.hours), numbers(|a| a.spread));
    let (low, high) = (numbers(|a| a.interval.low), numbers(|a| a.interval.high));
    let reasons = texts(|a| a.reasons.iter().map(|r| r.text.as_str()).collect::<Vec<_>>().join("; "));
    let (id, value) = match model.encoder() {
        Some(_) => ("session_id", "hours"),
        None => ("row", model.settings().target.as_str()),
    };
    contacts::write(
        path,
        &[
            (id, ColumnValues::Texts(&ids)),
            (value, ColumnValues::Numbers(&hours)),
            ("interval_low", ColumnValues::Numbers(&low)),
            ("interval_high", ColumnValues::Numbers(&high)),
            ("spread", ColumnValues::Numbers(&spread)),
            ("reasons", ColumnValues::Texts(&reasons)),
            ("model_version", ColumnValues::Texts(&versions)),
        ],
    )
}

pub fn explain(args: &StudyExplain, session: &Session) -> Result<()> {
    let (model, source) = rows::load(&args.model)?;
    let files = (args.sessions.as_deref(), args.data.as_deref());
    let samples: Samples = rows::for_model(&model, &source, files, session)?;
    let data = model.read(&samples)?;
    let Some(id) = &args.id else {
        let found = importances(&model, &data, REPEATS, 0)?;
        session.finish();
        return if args.json { output::json(&found) } else { output::text(&figures::importances(&found)) };
    };
    let ids = samples.ids();
    let Some(at) = ids.iter().position(|known| known == id) else {
        return Err(WrongArgument(format!("--id: `{id}` is not among the {} rows", ids.len())).into());
    };
    let answer = model.decide(id, &data.row(at).to_vec())?;
    session.finish();
    show(&answer, &model, args.json)
}

fn show(answer: &StudyTimePrediction, model: &StudyModel, as_json: bool) -> Result<()> {
    if as_json {
        return output::json(answer);
    }
    output::text(&figures::prediction(answer, &model.settings().unit))
}
