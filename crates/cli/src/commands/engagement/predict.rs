//! `tenure engagement predict`, `explain`, and `send-times` of a model.

use std::path::Path;

use anyhow::{Result, bail};
use rayon::prelude::*;
use serde_json::json;
use tenure_core::{Model, Reason};
use tenure_engagement::{EngagementPrediction, PlanChoice, SendTime, best_times_for_campaign};
use tenure_io::ColumnValues;

use super::messages::{self, Messages};
use super::{points, request};
use crate::args::{EngagementExplain, EngagementPredict, EngagementSendTimes};
use crate::commands::contacts;
use crate::failure::WrongArgument;
use crate::output::{self, columns, count, percent};
use crate::session::Session;

/// Times of a plan that are printed.
const MOST_TIMES: usize = 10;

pub fn predict(args: &EngagementPredict, session: &Session) -> Result<()> {
    let request = request(&args.times)?;
    let (model, source) = messages::load(&args.model)?;
    let Messages { data, ids, .. } = messages::read(&args.source, (model.schema(), &source), false, session)?;
    let decide = |(row, id): (usize, &String)| model.decide(id, &data.row(row).to_vec(), &request);
    let decisions: Vec<EngagementPrediction> =
        ids.par_iter().enumerate().map(decide).collect::<Result<_, _>>()?;
    write_predictions(&args.out, &decisions)?;
    session.finish();
    let mean =
        decisions.iter().map(|d| d.engagement_probability).sum::<f64>() / decisions.len().max(1) as f64;
    let moved = decisions.iter().filter(|d| !d.send_time.no_difference).count();
    if args.json {
        return output::json(&json!({
            "messages": decisions.len(), "mean_probability": mean, "better_time_shown": moved,
            "model_version": model.settings().version, "out": args.out.display().to_string(),
        }));
    }
    output::text(&format!(
        "{} messages, {} of which are expected to be engaged with; for {} another time is shown to be better.\n\
         Predictions written to {}.",
        count(decisions.len()),
        percent(mean),
        count(moved),
        args.out.display()
    ))
}

fn write_predictions(path: &Path, decisions: &[EngagementPrediction]) -> Result<()> {
    let numbers = |of: fn(&EngagementPrediction) -> f64| decisions.iter().map(of).collect::<Vec<_>>();
    let texts = |of: &dyn Fn(&EngagementPrediction) -> String| decisions.iter().map(of).collect::<Vec<_>>();
    let reasons = |reasons: &[Reason]| reasons.iter().map(|r| r.text.as_str()).collect::<Vec<_>>().join("; ");
    let ids = texts(&|d| d.message_id.clone());
    let probability = numbers(|d| d.engagement_probability);
    let (low, high) = (numbers(|d| d.interval.low), numbers(|d| d.interval.high));
    let confidence = numbers(|d| d.confidence);
    let time = texts(&|d| d.optimal_send_time.clone().unwrap_or_default());
    let day = texts(&|d| d.best_day.clone().unwrap_or_default());
    let gain = numbers(|d| d.send_time.gain.map_or(f64::NAN, |g| g.expected));
    let gain_low = numbers(|d| d.send_time.gain.map_or(f64::NAN, |g| g.low));
    let gain_high = numbers(|d| d.send_time.gain.map_or(f64::NAN, |g| g.high));
    let same = numbers(|d| f64::from(u8::from(d.send_time.no_difference)));
    let positive = texts(&|d| reasons(&d.engagement_factors.positive));
    let negative = texts(&|d| reasons(&d.engagement_factors.negative));
    let versions = texts(&|d| d.model_version.clone());
    contacts::write(
        path,
        &[
            ("message_id", ColumnValues::Texts(&ids)),
            ("engagement_probability", ColumnValues::Numbers(&probability)),
            ("interval_low", ColumnValues::Numbers(&low)),
            ("interval_high", ColumnValues::Numbers(&high)),
            ("confidence", ColumnValues::Numbers(&confidence)),
            ("optimal_send_time", ColumnValues::Texts(&time)),
            ("best_day", ColumnValues::Texts(&day)),
            ("gain", ColumnValues::Numbers(&gain)),
            ("gain_low", ColumnValues::Numbers(&gain_low)),
            ("gain_high", ColumnValues::Numbers(&gain_high)),
            ("no_difference", ColumnValues::Numbers(&same)),
            ("positive", ColumnValues::Texts(&positive)),
            ("negative", ColumnValues::Texts(&negative)),
            ("model_version", ColumnValues::Texts(&versions)),
        ],
    )
}

pub fn explain(args: &EngagementExplain, session: &Session) -> Result<()> {
    let request = request(&args.times)?;
    let (model, source) = messages::load(&args.model)?;
    let decision = match (&args.row, &args.message) {
        (Some(row), _) => model.decide_json("given row", &contacts::json_row(row)?, &request)?,
        (None, Some(id)) => {
            let messages = messages::read(&args.source, (model.schema(), &source), false, session)?;
            let Some(row) = messages.ids.iter().position(|known| known == id) else {
                bail!(WrongArgument(format!(
                    "--message: `{id}` is not among {} messages",
                    messages.ids.len()
                )));
            };
            model.decide(id, &messages.data.row(row).to_vec(), &request)?
        }
        (None, None) => bail!(WrongArgument("--row or --message: one of them says which message".into())),
    };
    session.finish();
    if args.json { output::json(&decision) } else { output::text(&text(&decision)) }
}

/// A decision in words.
fn text(decision: &EngagementPrediction) -> String {
    let EngagementPrediction { interval, send_time, engagement_factors, .. } = decision;
    let mut out = format!("Message {} ({})\n", decision.message_id, decision.model_version);
    out += &format!(
        "  engagement              {}\n  rate of such messages   {} to {}, at {}\n",
        percent(decision.engagement_probability),
        percent(interval.low),
        percent(interval.high),
        percent(interval.level)
    );
    out += &format!("  send time               {}\n", send_time.verdict);
    if let Some(utc) = send_time.send_at.as_ref().and_then(|slot| slot.utc.as_ref()) {
        out += &format!("  in UTC                  {utc}\n");
    }
    let line = |r: &Reason| vec![format!("  {}", r.text), format!("{:+.2}", r.effect)];
    for (name, reasons) in [("for", &engagement_factors.positive), ("against", &engagement_factors.negative)]
    {
        if !reasons.is_empty() {
            out += &format!("  {name}\n{}", columns(&reasons.iter().map(line).collect::<Vec<_>>()));
        }
    }
    out += "  recommended\n";
    decision.recommendations.iter().for_each(|words| out += &format!("    {words}\n"));
    out
}

/// `tenure engagement send-times` of a model
pub fn campaign(args: &EngagementSendTimes, session: &Session) -> Result<()> {
    let request = request(&args.times)?;
    let Some(dir) = &args.model else { bail!(WrongArgument("--model: a folder is needed".into())) };
    let (model, source) = messages::load(dir)?;
    let Messages { data, ids, .. } = messages::read(&args.source, (model.schema(), &source), false, session)?;
    let plan = best_times_for_campaign(&model, data.x(), &request)?;
    if let Some(path) = &args.out {
        write_times(path, &ids, &plan.send_times)?;
    }
    session.finish();
    if args.json {
        return output::json(&json!({
            "messages": plan.messages, "planned_rate": plan.planned_rate, "common": plan.common,
            "personal": plan.personal, "verdict": plan.verdict, "time_test": model.time_test(),
        }));
    }
    let planned = plan.planned_rate.map_or("–".into(), percent);
    let mut out = format!("{} messages, {planned} expected as planned.\n", count(plan.messages));
    out += &choice("all at one time", plan.common.as_ref());
    out += &choice("each at their own", plan.personal.as_ref());
    out += &plan.verdict;
    output::text(&out)
}

fn choice(name: &str, choice: Option<&PlanChoice>) -> String {
    let Some(choice) = choice else { return format!("{name}: no such time\n") };
    let shown = if choice.no_difference { "not shown to be better" } else { "shown to be better" };
    let mut times: Vec<_> = choice.times.iter().collect();
    times.sort_by_key(|time| std::cmp::Reverse(time.messages));
    let more = times.len().saturating_sub(MOST_TIMES);
    let rows = times.iter().take(MOST_TIMES).map(|t| vec![t.time.clone(), count(t.messages)]);
    let mut out = format!("{name}: {}, {shown}\n{}", points(choice.gain), columns(&rows.collect::<Vec<_>>()));
    if more > 0 {
        out += &format!("  … and {more} more times\n");
    }
    out
}

fn write_times(path: &Path, ids: &[String], times: &[SendTime]) -> Result<()> {
    let texts = |of: fn(&SendTime) -> Option<String>| {
        times.iter().map(|t| of(t).unwrap_or_default()).collect::<Vec<String>>()
    };
    let numbers = |of: fn(&SendTime) -> Option<f64>| {
        times.iter().map(|t| of(t).unwrap_or(f64::NAN)).collect::<Vec<f64>>()
    };
    let name = |slot: &Option<tenure_engagement::SendSlot>| slot.as_ref().map(|s| s.name.clone());
    let planned = times.iter().map(|t| name(&t.planned).unwrap_or_default()).collect::<Vec<_>>();
    let best = times.iter().map(|t| name(&t.best).unwrap_or_default()).collect::<Vec<_>>();
    let send_at = times.iter().map(|t| name(&t.send_at).unwrap_or_default()).collect::<Vec<_>>();
    let utc = texts(|t| t.send_at.as_ref().and_then(|slot| slot.utc.clone()));
    let at_planned = numbers(|t| t.probability_planned);
    let at_best = numbers(|t| t.probability_best);
    let gain = numbers(|t| t.gain.map(|g| g.expected));
    let low = numbers(|t| t.gain.map(|g| g.low));
    let high = numbers(|t| t.gain.map(|g| g.high));
    let same = numbers(|t| Some(f64::from(u8::from(t.no_difference))));
    contacts::write(
        path,
        &[
            ("message_id", ColumnValues::Texts(ids)),
            ("planned", ColumnValues::Texts(&planned)),
            ("best", ColumnValues::Texts(&best)),
            ("send_at", ColumnValues::Texts(&send_at)),
            ("send_at_utc", ColumnValues::Texts(&utc)),
            ("probability_planned", ColumnValues::Numbers(&at_planned)),
            ("probability_best", ColumnValues::Numbers(&at_best)),
            ("gain", ColumnValues::Numbers(&gain)),
            ("gain_low", ColumnValues::Numbers(&low)),
            ("gain_high", ColumnValues::Numbers(&high)),
            ("no_difference", ColumnValues::Numbers(&same)),
        ],
    )
}
