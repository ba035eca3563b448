//! `tenure health predict` and `tenure health explain`

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use rayon::prelude::*;
use serde::Serialize;
use serde_json::json;
use tenure_features::marketplace::MarketplaceTable;
use tenure_health::{Attribution, HealthModel, HealthPrediction};

use crate::args::{Attributing, HealthExplain, HealthPredict};
use crate::commands::contacts::json_row;
use crate::failure::WrongArgument;
use crate::output::{self, count, percent};
use crate::session::Session;

/// Reasons given in words.
const MOST_REASONS: usize = 10;

/// A line of predictions.
#[derive(Serialize)]
struct Line<'a> {
    customer_id: &'a str,
    #[serde(flatten)]
    prediction: HealthPrediction,
}

pub fn predict(args: &HealthPredict, session: &Session) -> Result<()> {
    let model = super::load(&args.model)?;
    let attribution = attribution(&args.attributing);
    let decide = |row: &[f64]| model.decide_by(row, &args.attributing.target, attribution);
    if let Some(row) = &args.row {
        let prediction = decide(&model.values_of_json(&json_row(row)?)?)?;
        return if args.json { output::json(&prediction) } else { output::text(&words(&prediction)) };
    }
    let (Some(data), Some(out)) = (&args.data, &args.out) else { return Ok(()) };
    output::keeps("--out", out, &[data])?;
    let (table, read) = super::read_for(data, &model, session)?;
    let predictions = predict_all(&table, decide)?;
    let mut lines = Vec::new();
    for (customer_id, prediction) in table.ids.iter().zip(&predictions) {
        serde_json::to_writer(&mut lines, &Line { customer_id, prediction: prediction.clone() })?;
        lines.push(b'\n');
    }
    output::file(out, &lines)?;
    session.finish();
    let mean =
        |of: fn(&HealthPrediction) -> f64| predictions.iter().map(of).sum::<f64>() / predictions.len() as f64;
    let (leaving, health) = (mean(|p| p.churn_risk_30d), mean(|p| p.customer_health_score));
    if args.json {
        return output::json(&json!({
            "customers": predictions.len(),
            "mean_churn_risk_30d": leaving,
            "mean_customer_health_score": health,
            "model_version": model.settings().version,
            "out": out.display().to_string(),
        }));
    }
    output::text(&format!(
        "{read}{} customers; {} are expected to leave within 30 days, the mean health score is {health:.1}.\n\
         Predictions written to {}.",
        count(predictions.len()),
        count((leaving * predictions.len() as f64).round() as usize),
        out.display()
    ))
}

/// The predictions of all rows, in their order.
pub fn predict_all(
    table: &MarketplaceTable,
    decide: impl Fn(&[f64]) -> tenure_core::Result<HealthPrediction> + Sync,
) -> Result<Vec<HealthPrediction>> {
    let rows = (0..table.ids.len()).into_par_iter();
    Ok(rows.map(|row| decide(&table.data.row(row).to_vec())).collect::<tenure_core::Result<_>>()?)
}

fn attribution(args: &Attributing) -> Attribution {
    if args.attribution == "gradient" { Attribution::Gradient } else { Attribution::IntegratedGradients }
}

fn words(prediction: &HealthPrediction) -> String {
    let mut out = format!(
        "  first session goes well  {}\n  sessions a week          {:.2}\n  leaves within 14 days    {}\n  leaves within 30 days    {}\n  health score             {:.0} of 100\n",
        percent(prediction.first_session_success_prob),
        prediction.predicted_session_velocity,
        percent(prediction.churn_risk_14d),
        percent(prediction.churn_risk_30d),
        prediction.customer_health_score
    );
    if let Some(scores) = &prediction.supply_demand_scores {
        let scores: Vec<String> = scores.iter().map(|score| format!("{score:.2}")).collect();
        let _ = writeln!(out, "  supply and demand        {}", scores.join(" "));
    }
    out += "  driven most by\n";
    for driver in &prediction.feature_importance {
        let _ = writeln!(out, "    {:.3}  {}", driver.importance, driver.feature);
    }
    out
}

pub fn explain(args: &HealthExplain, session: &Session) -> Result<()> {
    let model = super::load(&args.model)?;
    let (id, row) = match (&args.row, &args.data) {
        (Some(row), _) => ("given row".to_owned(), model.values_of_json(&json_row(row)?)?),
        (None, data) => {
            let id = args.id.clone().unwrap_or_default();
            let path = data.as_deref().unwrap_or_else(|| Path::new(""));
            let (table, _) = super::read_for(path, &model, session)?;
            let lacks =
                || WrongArgument(format!("--id: `{id}` is not among the {} customers", table.ids.len()));
            let place = table.ids.iter().position(|known| *known == id).ok_or_else(lacks)?;
            (id, table.data.row(place).to_vec())
        }
    };
    session.finish();
    show(&model, &id, &row, args)
}

fn show(model: &HealthModel, id: &str, row: &[f64], args: &HealthExplain) -> Result<()> {
    let prediction = model.decide_by(row, &args.target, Attribution::default())?;
    let reasons = model.reasons(row, &args.target, MOST_REASONS)?;
    if args.json {
        return output::json(&json!({
            "customer_id": id, "prediction": prediction, "target": args.target, "reasons": reasons,
            "model_version": model.settings().version,
        }));
    }
    let mut out = format!("Customer {id} ({})\n{}", model.settings().version, words(&prediction));
    let _ = writeln!(out, "What moves {}, beside the average customer:", args.target);
    for reason in reasons {
        let _ = writeln!(out, "  {:+.3}  {}", reason.effect, reason.text);
    }
    output::text(&out)
}
