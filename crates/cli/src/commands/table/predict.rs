//! `tenure table predict` and `tenure table explain`

use anyhow::Result;
use serde_json::json;
use tenure_core::{Output, OutputKind, Scale};
use tenure_io::{ColumnValues, TableWriter, read_table};

use super::stored;
use crate::args::{TableExplain, TablePredict};
use crate::failure::WrongArgument;
use crate::output::{self, columns, count};
use crate::session::Session;

pub fn run(args: &TablePredict, session: &Session) -> Result<()> {
    output::keeps("--out", &args.out, &[&args.data, &args.model])?;
    let (reading, model) = stored::load(&args.model)?;
    let (data, table) = read_table(&args.data, &reading.options(model.schema()))?;
    let predictions = model.predict(data.x())?;
    let outputs = model.outputs();
    let mut names = stored::columns(outputs);
    let numbers: Vec<Vec<f64>> = predictions.columns().into_iter().map(|c| c.to_vec()).collect();
    let mut values: Vec<ColumnValues<'_>> = numbers.iter().map(|n| ColumnValues::Numbers(n)).collect();
    let likeliest: Vec<String> =
        predictions.rows().into_iter().map(|row| likeliest(outputs, &row.to_vec()).to_owned()).collect();
    if outputs.iter().all(|o| class(o).is_some()) {
        names.insert(0, "class".into());
        values.insert(0, ColumnValues::Texts(&likeliest));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut writer = TableWriter::create(&args.out, &names)?;
    writer.write(&values)?;
    writer.finish()?;
    session.finish();
    let rows = predictions.nrows();
    if args.json {
        let out = args.out.display().to_string();
        return output::json(&json!({ "rows": rows, "out": out, "columns": names, "table": table }));
    }
    output::text(&format!("{table}\n{} predictions written to {}.", count(rows), args.out.display()))
}

fn class(output: &Output) -> Option<&str> {
    match &output.kind {
        OutputKind::ClassProbability { class } => Some(class),
        _ => None,
    }
}

/// The class with the greatest probability, the first of equals.
fn likeliest<'a>(outputs: &'a [Output], row: &[f64]) -> &'a str {
    let greatest = row.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b));
    let at = row.iter().position(|&p| p == greatest);
    at.and_then(|at| class(&outputs[at])).unwrap_or_default()
}

pub fn explain(args: &TableExplain, session: &Session) -> Result<()> {
    let (reading, model) = stored::load(&args.model)?;
    let at = explained(args, model.outputs())?;
    let (data, _) = read_table(&args.data, &reading.options(model.schema()))?;
    let row = usize::try_from(args.row - 1).unwrap_or(usize::MAX);
    if row >= data.rows() {
        let words =
            format!("--row: {} is beyond the {} rows of {}", args.row, data.rows(), args.data.display());
        return Err(WrongArgument(words).into());
    }
    let values = data.row(row).to_vec();
    let explanation = model.explain_row(&values, at)?;
    let mut outputs = vec![0.0; model.outputs().len()];
    model.predict_row(&values, &mut outputs)?;
    session.finish();
    let column = stored::columns(model.outputs()).swap_remove(at);
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
            (column): outputs[at],
            "scale": explanation.scale,
            "baseline": explanation.baseline,
            "contributions": contributions,
        }));
    }
    let unit = in_words(explanation.scale);
    let parts = explanation.ranked().into_iter().map(|(at, effect)| {
        vec![
            format!("{} = {}", features[at].name, features[at].display(values[at])),
            format!("{effect:+.4} {unit}"),
        ]
    });
    let base = vec!["baseline".to_owned(), format!("{:+.4} {unit}", explanation.baseline)];
    output::text(&format!(
        "Row {} of {}: {column} {:.4}\n{}",
        args.row,
        args.data.display(),
        outputs[at],
        columns(&std::iter::once(base).chain(parts).collect::<Vec<_>>())
    ))
}

/// The output that was asked for.
fn explained(args: &TableExplain, outputs: &[Output]) -> Result<usize> {
    let Some(wanted) = &args.class else { return Ok(0) };
    // Outputs that are no classes go by their names.
    let name = |output: &'_ Output| class(output).map_or_else(|| output.name.clone(), str::to_owned);
    let names: Vec<String> = outputs.iter().map(name).collect();
    let found = names.iter().position(|name| name == wanted);
    let known = || match outputs.len() {
        1 => "the model has no classes".to_owned(),
        _ => format!("the model's classes are {}", names.join(", ")),
    };
    found.ok_or_else(|| WrongArgument(format!("--class {wanted}: {}", known())).into())
}

fn in_words(scale: Scale) -> &'static str {
    match scale {
        Scale::LogOdds => "log-odds",
        Scale::Log => "log",
        Scale::CentredLog => "log, beside the other classes",
        Scale::Inverse => "inverse",
        Scale::ComplementaryLogLog => "complementary log-log",
        _ => "",
    }
}
