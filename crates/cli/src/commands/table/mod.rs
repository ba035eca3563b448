//! `tenure table …`

mod cv;
mod figures;
mod learn;
mod predict;
mod search;
mod stored;

use std::any::Any;
use std::time::Instant;

use anyhow::Result;
use serde_json::json;
use tenure_backends::glm::GlmModel;
use tenure_core::{Dataset, Error, Model};
use tenure_io::{TableOptions, TableReport, TableTask, read_table};

pub use self::stored::Reading;
use crate::args::{TableCommand, TableRead, TableTrain, Task};
use crate::failure::WrongArgument;
use crate::output::{self, count};
use crate::session::Session;

/// Fewest rows with a known target to learn from.
const LEAST_ROWS: usize = 100;

/// Level of the confidence intervals of coefficients.
const CONFIDENCE: f64 = 0.95;

pub fn run(command: &TableCommand, session: &Session) -> Result<()> {
    match command {
        TableCommand::Cv(args) => cv::run(args, session),
        TableCommand::Search(args) => search::run(args, session),
        TableCommand::Train(args) => train(args, session),
        TableCommand::Predict(args) => predict::run(args, session),
        TableCommand::Explain(args) => predict::explain(args, session),
    }
}

/// The rows of the table whose target is known.
fn read(args: &TableRead) -> Result<(Dataset, TableReport)> {
    let options = TableOptions {
        target: Some(args.target.clone()),
        positive: args.positive.clone(),
        task: match args.task {
            Task::Binary => TableTask::Classify,
            Task::Multiclass => TableTask::Classes,
            Task::Regression => TableTask::Regress,
        },
        drop: args.drop.clone(),
        missing: args.missing.clone(),
        categorical: args.categorical.clone(),
        weight: args.weight.clone(),
        group: args.group.clone(),
        order_by: args.order_by.clone(),
        distinct: args.distinct,
        ..TableOptions::default()
    };
    let (data, report) = read_table(&args.data, &options)?;
    let labels = data.target()?.values();
    let known: Vec<usize> = (0..data.rows()).filter(|&row| !labels[row].is_nan()).collect();
    if known.len() < LEAST_ROWS {
        return Err(Error::NotEnoughRows { found: known.len(), needed: LEAST_ROWS }.into());
    }
    let data = if known.len() < data.rows() { data.select(&known) } else { data };
    Ok((data, report))
}

fn train(args: &TableTrain, session: &Session) -> Result<()> {
    let [name] = learn::names(&args.learn)?[..] else {
        return Err(
            WrongArgument("--backend all: one learner is trained; compare them with cv".into()).into()
        );
    };
    let (data, table) = read(&args.read)?;
    let backend = learn::backend(&args.learn, name, &data)?;
    let context = session.context(args.learn.seed);
    let started = Instant::now();
    let learned = learn::learn(&backend, args.learn.trees, &data, &context)?;
    let fit_seconds = started.elapsed().as_secs_f64();
    let reading = Reading::of(&args.read, &table, data.schema());
    stored::save(&reading, learned.model.as_ref(), data.rows(), args.learn.seed, &args.model)?;
    session.finish();
    let glm = as_glm(learned.model.as_ref());
    if args.json {
        return output::json(&json!({
            "rows": data.rows(),
            "fit_seconds": fit_seconds,
            "backend": args.learn.backend,
            "trees": learned.trees,
            "features": data.schema().len(),
            "model": args.model.display().to_string(),
            "notes": learned.notes,
            "glm": glm.map(|glm| glm.report(CONFIDENCE)).transpose()?,
            "table": table,
        }));
    }
    let mut out = table.to_string();
    out += &format!(
        "\nLearned from {} rows and {} features in {fit_seconds:.2} s.\n",
        count(data.rows()),
        data.schema().len()
    );
    for note in &learned.notes {
        out += &format!("note: {note}\n");
    }
    if let Some(glm) = glm {
        out += &format!("\n{glm}\n");
    }
    let model = args.model.display();
    output::text(&format!(
        "{out}Model written to {model}.\n\nNext:\n  tenure table predict --data new.csv --model {model} --out predictions.csv"
    ))
}

/// The model as a generalised linear one, which has coefficients to show.
fn as_glm(model: &dyn Model) -> Option<&GlmModel> {
    (model as &dyn Any).downcast_ref()
}
