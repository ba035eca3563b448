//! `tenure health evaluate`

use std::path::{Path, PathBuf};

use anyhow::Result;
use ndarray::{Array1, Array2};
use tenure_core::{Error, Model};
use tenure_features::marketplace::MarketplaceTable;
use tenure_health::{Evaluation, HealthModel, TrueValues, evaluate as judge_table, report};

use super::figures;
use crate::args::HealthEvaluate;
use crate::commands::truth::{self, Wanted};
use crate::output;
use crate::session::Session;

/// Where the truth of a test file is, and whether it was asked for.
pub struct TruthFile {
    path: PathBuf,
    asked_for: bool,
}

/// The file that is named, else `truth.csv` beside the test file, where it is there.
pub fn truth_file(named: Option<&Path>, test: &Path) -> Option<TruthFile> {
    let beside = test.with_file_name("truth.csv");
    match named {
        Some(path) => Some(TruthFile { path: path.to_owned(), asked_for: true }),
        None => beside.is_file().then_some(TruthFile { path: beside, asked_for: false }),
    }
}

/// Judges a model, beside the truth where there is one. A truth that merely lies beside the test file and does not
/// fit it is noted and left out.
pub fn judge(model: &HealthModel, table: &MarketplaceTable, file: Option<&TruthFile>) -> Result<Evaluation> {
    let mut left_out = None;
    let truth = match file.map(|file| (file, look_up(&file.path, model, &table.ids))) {
        None => None,
        Some((_, Ok(truth))) => Some(truth),
        Some((file, Err(error))) if file.asked_for => return Err(error),
        Some((file, Err(error))) => {
            left_out = Some(format!("{} was left out: {error}", file.path.display()));
            None
        }
    };
    let mut evaluation = judge_table(model, table, truth.as_ref())?;
    evaluation.figures.notes.extend(left_out);
    Ok(evaluation)
}

/// What is true of every output for every customer; the expected value stands in for a median that the file lacks.
fn look_up(path: &Path, model: &HealthModel, ids: &[String]) -> Result<TrueValues> {
    let wrong = |e: csv::Error| Error::Data(format!("{}: {e}", path.display()));
    let header = csv::Reader::from_path(path).map_err(wrong)?.headers().map_err(wrong)?.clone();
    let of_column = |value: &str| -> Result<Array1<f64>> {
        let from = "tenure synth marketplace";
        let wanted = Wanted { keys: &["customer_id"], value, as_of: None, window_days: None, from };
        Ok(truth::look_up(&truth::read(path, &wanted)?, ids.iter().cloned())?.into())
    };
    let mut expected = Array2::zeros((ids.len(), model.outputs().len()));
    let mut medians = expected.clone();
    for (at, output) in model.outputs().iter().enumerate() {
        let mean = of_column(&format!("truth_{}", output.target))?;
        let name = format!("truth_median_{}", output.target);
        let median =
            if header.iter().any(|column| column == name) { of_column(&name)? } else { mean.clone() };
        expected.column_mut(at).assign(&mean);
        medians.column_mut(at).assign(&median);
    }
    Ok(TrueValues { expected, medians })
}

pub fn evaluate(args: &HealthEvaluate, session: &Session) -> Result<()> {
    let model = super::load(&args.model)?;
    let read: Vec<&Path> =
        [Some(args.test_data.as_path()), args.truth.as_deref()].into_iter().flatten().collect();
    args.report.as_ref().map_or(Ok(()), |path| output::keeps("--report", path, &read))?;
    let (table, read) = super::read_for(&args.test_data, &model, session)?;
    let truth = truth_file(args.truth.as_deref(), &args.test_data);
    let evaluation = judge(&model, &table, truth.as_ref())?;
    if let Some(path) = &args.report {
        output::file(path, report(&model, &evaluation)?.to_html().as_bytes())?;
    }
    session.finish();
    if args.json {
        return output::json(&evaluation.figures);
    }
    let written = args.report.as_ref().map(|path| format!("\nReport written to {}.\n", path.display()));
    output::text(&format!(
        "{read}\n{}{}",
        figures::evaluation(&evaluation.figures),
        written.unwrap_or_default()
    ))
}
