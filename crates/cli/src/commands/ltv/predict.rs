//! `tenure ltv predict` and `tenure ltv explain`

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use tenure_io::{ColumnValues, TableWriter};
use tenure_ltv::{LtvModel, LtvPrediction, Segment};

use super::money;
use crate::args::{LtvExplain, LtvPredict};
use crate::commands::orders;
use crate::failure::WrongArgument;
use crate::output::{self, columns, count, percent};
use crate::session::{Session, date};

pub fn predict(args: &LtvPredict, session: &Session) -> Result<()> {
    let as_of = date("--as-of", &args.as_of)?;
    let (model, _) = LtvModel::load(&args.model)?;
    let (log, read) = orders::read(&args.file, session)?;
    let predicted = model.predict_all(&log, as_of, &session.context(0)).map_err(anyhow::Error::from);
    let predictions = match log.coverage_end(None) {
        Some(end) if end < as_of => predicted.with_context(|| format!("the log reaches up to {end}"))?,
        _ => predicted?,
    };
    write(&args.out, &predictions)?;
    session.finish();
    let summary = Summary::of(&predictions, &model, as_of.to_string());
    if args.json {
        return output::json(&summary);
    }
    output::text(&format!("{read}\n{}Values written to {}.", summary.text(), args.out.display()))
}

/// What a run of predictions found.
#[derive(Debug, Serialize)]
struct Summary {
    as_of: String,
    prediction_window_months: f64,
    customers: usize,
    predicted_total: f64,
    segments: Vec<SegmentSummary>,
    model_version: String,
}

#[derive(Debug, Serialize)]
struct SegmentSummary {
    segment: Segment,
    customers: usize,
    predicted_total: f64,
}

impl Summary {
    fn of(predictions: &[LtvPrediction], model: &LtvModel, as_of: String) -> Self {
        let of = |segment| {
            let own = predictions.iter().filter(move |p| p.value_segment == segment);
            let predicted_total = own.clone().map(|p| p.predicted_ltv).sum();
            SegmentSummary { segment, customers: own.count(), predicted_total }
        };
        Self {
            as_of,
            prediction_window_months: model.settings().params.prediction_window_months(),
            customers: predictions.len(),
            predicted_total: predictions.iter().map(|p| p.predicted_ltv).sum(),
            segments: Segment::ALL.into_iter().map(of).collect(),
            model_version: model.settings().version.clone(),
        }
    }

    fn text(&self) -> String {
        let mut out = format!(
            "{} customers as of {} are expected to spend {} within {} months.\n",
            count(self.customers),
            self.as_of,
            money(self.predicted_total),
            self.prediction_window_months,
        );
        let mut rows = vec![["segment", "customers", "expected spend"].map(str::to_owned).to_vec()];
        rows.extend(
            self.segments
                .iter()
                .map(|s| vec![s.segment.to_string(), count(s.customers), money(s.predicted_total)]),
        );
        out += &columns(&rows);
        out
    }
}

/// One line a customer, the most valuable first.
fn write(path: &Path, predictions: &[LtvPrediction]) -> Result<()> {
    let mut sorted: Vec<&LtvPrediction> = predictions.iter().collect();
    sorted.sort_by(|a, b| {
        b.predicted_ltv.total_cmp(&a.predicted_ltv).then_with(|| a.customer_id.cmp(&b.customer_id))
    });
    let numbers = |of: fn(&LtvPrediction) -> f64| -> Vec<f64> { sorted.iter().map(|d| of(d)).collect() };
    let texts = |of: fn(&LtvPrediction) -> String| -> Vec<String> { sorted.iter().map(|d| of(d)).collect() };
    let (ids, as_of) = (texts(|p| p.customer_id.clone()), texts(|p| p.as_of.clone()));
    let (value, p_any) = (numbers(|p| p.predicted_ltv), numbers(|p| p.p_any));
    let low = numbers(|p| p.confidence_interval.low);
    let high = numbers(|p| p.confidence_interval.high);
    let segments = texts(|p| p.value_segment.to_string());
    let months = numbers(|p| p.prediction_window_months);
    let drivers = texts(|p| p.drivers.iter().map(|d| d.text.as_str()).collect::<Vec<_>>().join("; "));
    let versions = texts(|p| p.model_version.clone());
    let columns = [
        ("customer_id", ColumnValues::Texts(&ids)),
        ("as_of", ColumnValues::Texts(&as_of)),
        ("predicted_ltv", ColumnValues::Numbers(&value)),
        ("interval_low", ColumnValues::Numbers(&low)),
        ("interval_high", ColumnValues::Numbers(&high)),
        ("value_segment", ColumnValues::Texts(&segments)),
        ("p_any", ColumnValues::Numbers(&p_any)),
        ("prediction_window_months", ColumnValues::Numbers(&months)),
        ("drivers", ColumnValues::Texts(&drivers)),
        ("model_version", ColumnValues::Texts(&versions)),
    ];
    let (names, values): (Vec<&str>, Vec<ColumnValues<'_>>) = columns.into_iter().unzip();
    let mut writer = TableWriter::create(path, &names)?;
    writer.write(&values)?;
    Ok(writer.finish()?)
}

pub fn explain(args: &LtvExplain, session: &Session) -> Result<()> {
    let as_of = date("--as-of", &args.as_of)?;
    let (model, _) = LtvModel::load(&args.model)?;
    let (log, _) = orders::read(&args.file, session)?;
    if log.customer_index(&args.customer).is_none() {
        let words = format!("--customer: `{}` is not in {}", args.customer, args.file.orders.display());
        bail!(WrongArgument(words));
    }
    let found = model.predict_customer(&log, as_of, &args.customer, &session.context(0))?;
    session.finish();
    if args.json { output::json(&found) } else { output::text(&text(&found)) }
}

/// A prediction in words.
fn text(found: &LtvPrediction) -> String {
    let range = found.confidence_interval;
    let mut out = format!("Customer {} as of {} ({})\n", found.customer_id, found.as_of, found.model_version);
    out += &format!(
        "  expected spend          {} within {} months\n  actual spend            {} to {}, at {}\n",
        money(found.predicted_ltv),
        found.prediction_window_months,
        money(range.low),
        money(range.high),
        percent(range.level),
    );
    out += &format!("  probability of any      {}\n", percent(found.p_any));
    out += &format!("  segment                 {}\n  why\n", found.value_segment);
    let rows: Vec<Vec<String>> =
        found.drivers.iter().map(|d| vec![format!("  {}", d.text), format!("× {:.2}", d.factor)]).collect();
    out + &columns(&rows)
}
