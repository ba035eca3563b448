//! `tenure table …`

mod cv;
mod learn;
mod stored;

use std::time::Instant;

use anyhow::Result;
use serde_json::json;
use tenure_core::{Dataset, Error};
use tenure_io::{ColumnValues, TableOptions, TableReport, TableTask, TableWriter, read_table};

use self::stored::Reading;
use crate::args::{TableCommand, TableExplain, TablePredict, TableRead, TableTrain, Task};
use crate::failure::WrongArgument;
use crate::output::{self, columns, count};
use crate::session::Session;

/// Fewest rows with a known target to learn from.
const LEAST_ROWS: usize = 100;

pub fn run(command: &TableCommand, session: &Session) -> Result<()> {
    match command {
        TableCommand::Cv(args) => cv::run(args, session),
        TableCommand::Train(args) => train(args, session),
        TableCommand::Predict(args) => predict(args, session),
        TableCommand::Explain(args) => explain(args, session),
    }
}

/// The rows of the table whose target is known.
fn read(args: &TableRead) -> Result<(Dataset, TableReport)> {
    let options = TableOptions {
        target: Some(args.target.clone()),
        positive: args.positive.clone(),
        task: match args.task {
            Task::Binary => TableTask::Classify,
            Task::Regression => TableTask::Regress,
        },
        drop: args.drop.clone(),
        missing: args.missing.clone(),
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
    learn::backend(&args.learn, 0)?; // wrong arguments before a long read
    let (data, table) = read(&args.read)?;
    let backend = learn::backend(&args.learn, data.rows())?;
    let context = session.context(args.learn.seed);
    let started = Instant::now();
    let learned = learn::learn(&backend, args.learn.trees, &data, &context)?;
    let fit_seconds = started.elapsed().as_secs_f64();
    let reading = Reading::of(&args.read, data.target()?.kind(), &table, data.schema());
    stored::save(&reading, &learned, data.rows(), args.learn.seed, &args.model)?;
    session.finish();
    if args.json {
        return output::json(&json!({
            "rows": data.rows(),
            "fit_seconds": fit_seconds,
            "backend": args.learn.backend,
            "trees": learned.trees,
            "features": data.schema().len(),
            "model": args.model.display().to_string(),
            "notes": learned.notes,
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
    let model = args.model.display();
    output::text(&format!(
        "{out}Model written to {model}.\n\nNext:\n  tenure table predict --data new.csv --model {model} --out predictions.csv"
    ))
}

fn predict(args: &TablePredict, session: &Session) -> Result<()> {
    let (reading, model) = stored::load(&args.model)?;
    let (data, table) = read_table(&args.data, &reading.options(model.schema()))?;
    let values = model.predict(data.x())?.column(0).to_vec();
    let mut writer = TableWriter::create(&args.out, &[reading.output()])?;
    writer.write(&[ColumnValues::Numbers(&values)])?;
    writer.finish()?;
    session.finish();
    if args.json {
        let out = args.out.display().to_string();
        return output::json(&json!({ "rows": values.len(), "out": out, "table": table }));
    }
    output::text(&format!("{table}\n{} predictions written to {}.", count(values.len()), args.out.display()))
}

fn explain(args: &TableExplain, session: &Session) -> Result<()> {
    let (reading, model) = stored::load(&args.model)?;
    let (data, _) = read_table(&args.data, &reading.options(model.schema()))?;
    let row = usize::try_from(args.row - 1).unwrap_or(usize::MAX);
    if row >= data.rows() {
        let words =
            format!("--row: {} is beyond the {} rows of {}", args.row, data.rows(), args.data.display());
        return Err(WrongArgument(words).into());
    }
    let values = data.row(row).to_vec();
    let explanation = model.explain_row(&values, 0)?;
    let mut outputs = vec![0.0; model.outputs().len()];
    model.predict_row(&values, &mut outputs)?;
    session.finish();
    let features = model.schema().features();
    if args.json {
        let contributions: Vec<_> = explanation
            .ranked()
            .into_iter()
            .map(|(at, effect)| {
                json!({
                    "feature": features[at].name,
                    "value": features[at].display(values[at]),
                    "contribution": effect,
                })
            })
            .collect();
        return output::json(&json!({
            "row": args.row,
            (reading.output()): outputs[0],
            "scale": explanation.scale,
            "baseline": explanation.baseline,
            "contributions": contributions,
        }));
    }
    let unit = if reading.binary { "log-odds" } else { "" };
    let parts = explanation.ranked().into_iter().map(|(at, effect)| {
        vec![
            format!("{} = {}", features[at].name, features[at].display(values[at])),
            format!("{effect:+.4} {unit}"),
        ]
    });
    let base = vec!["baseline".to_owned(), format!("{:+.4} {unit}", explanation.baseline)];
    output::text(&format!(
        "Row {} of {}: {} {:.4}\n{}",
        args.row,
        args.data.display(),
        reading.output(),
        outputs[0],
        columns(&std::iter::once(base).chain(parts).collect::<Vec<_>>())
    ))
}
