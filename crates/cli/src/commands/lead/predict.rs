//! `tenure lead predict` and `tenure lead explain`

use std::path::Path;

use anyhow::Result;
use serde_json::json;
use tenure_core::Model;
use tenure_features::Timestamp;
use tenure_features::contacts::{ContactLog, lead_rows};
use tenure_io::ColumnValues;
use tenure_lead::{LeadFactor, LeadModel, LeadRanking, LeadScore, RankedLead, rank};

use super::LeadPlan;
use crate::args::{Explaining, NewRows, Scoring};
use crate::commands::contacts::{self, Rows, Source};
use crate::output::{self, columns, count, percent};
use crate::session::Session;

fn load(dir: &Path) -> Result<(LeadModel, Source<LeadPlan>)> {
    let (artifact, source) = contacts::load(dir, LeadModel::KIND)?;
    Ok((LeadModel::from_artifact(&artifact)?, source))
}

fn read(rows: &NewRows, model: &LeadModel, source: &Source<LeadPlan>, session: &Session) -> Result<Rows> {
    let of_log = |log: &ContactLog, _: &LeadPlan, as_of: Timestamp| lead_rows(log, as_of);
    contacts::new_rows(rows, (model.schema(), source), session, of_log)
}

pub fn predict(args: &Scoring, session: &Session) -> Result<()> {
    let (model, source) = load(&args.model)?;
    if let Some(row) = &args.rows.row {
        return show(&model.score_json("given row", &contacts::json_row(row)?)?, args.json);
    }
    let out = args.out.as_deref().unwrap_or_else(|| Path::new(""));
    contacts::keeps(out, &args.rows)?;
    let rows = read(&args.rows, &model, &source, session)?;
    let ranking = rank(&model, &rows.ids, rows.data.x())?;
    write(out, &ranking)?;
    session.finish();
    if args.json {
        return output::json(&json!({
            "leads": ranking.leads.len(),
            "expected_conversions": ranking.expected_conversions,
            "tiers": ranking.tiers,
            "model_version": model.settings().version,
            "out": out.display().to_string(),
        }));
    }
    output::text(&format!("{}Scores written to {}.", text(&ranking), out.display()))
}

/// What the tiers hold.
fn text(ranking: &LeadRanking) -> String {
    let expected = ranking.expected_conversions.map_or_else(
        || "how many will convert this model does not know: it learned scores".to_owned(),
        |expected| format!("{expected:.1} conversions are to be expected"),
    );
    let header = ["tier", "leads", "mean score", "conversions", "of all, so far"].map(str::to_owned).to_vec();
    let dash = || "–".to_owned();
    let row = |tier: &tenure_lead::TierSummary| {
        vec![
            tier.tier.to_string(),
            count(tier.leads),
            tier.mean_score.map_or_else(dash, |score| format!("{score:.1}")),
            tier.expected_conversions.map_or_else(dash, |expected| format!("{expected:.1}")),
            tier.cumulative_capture.map_or_else(dash, percent),
        ]
    };
    let rows: Vec<_> = std::iter::once(header).chain(ranking.tiers.iter().map(row)).collect();
    format!("{} leads; {expected}.\n{}", count(ranking.leads.len()), columns(&rows))
}

/// One line a lead, the best first.
fn write(path: &Path, ranking: &LeadRanking) -> Result<()> {
    let leads = &ranking.leads;
    let numbers = |of: fn(&RankedLead) -> f64| -> Vec<f64> { leads.iter().map(of).collect() };
    let texts = |of: fn(&RankedLead) -> String| -> Vec<String> { leads.iter().map(of).collect() };
    let (ids, tiers) = (texts(|l| l.lead.lead_id.clone()), texts(|l| l.lead.quality_tier.to_string()));
    let (ranks, scores) = (numbers(|l| l.rank as f64), numbers(|l| l.lead.score));
    let (low, high) = (numbers(|l| l.lead.interval.low), numbers(|l| l.lead.interval.high));
    let confidence = numbers(|l| l.lead.confidence);
    let conversion = numbers(|l| l.lead.conversion_probability.unwrap_or(f64::NAN));
    let (positive, negative) =
        (texts(|l| words(&l.lead.factors.positive)), texts(|l| words(&l.lead.factors.negative)));
    let (advice, versions) =
        (texts(|l| l.lead.recommendation.clone()), texts(|l| l.lead.model_version.clone()));
    let mut named = vec![
        ("rank", ColumnValues::Numbers(&ranks)),
        ("lead_id", ColumnValues::Texts(&ids)),
        ("score", ColumnValues::Numbers(&scores)),
        ("quality_tier", ColumnValues::Texts(&tiers)),
        ("confidence", ColumnValues::Numbers(&confidence)),
        ("interval_low", ColumnValues::Numbers(&low)),
        ("interval_high", ColumnValues::Numbers(&high)),
        ("recommendation", ColumnValues::Texts(&advice)),
        ("positive_factors", ColumnValues::Texts(&positive)),
        ("negative_factors", ColumnValues::Texts(&negative)),
        ("model_version", ColumnValues::Texts(&versions)),
    ];
    if ranking.expected_conversions.is_some() {
        named.insert(3, ("conversion_probability", ColumnValues::Numbers(&conversion)));
    }
    contacts::write(path, &named)
}

fn words(factors: &[LeadFactor]) -> String {
    factors.iter().map(|factor| factor.text.as_str()).collect::<Vec<_>>().join("; ")
}

pub fn explain(args: &Explaining, session: &Session) -> Result<()> {
    let (model, source) = load(&args.model)?;
    if let Some(row) = &args.rows.row {
        return show(&model.score_json("given row", &contacts::json_row(row)?)?, args.json);
    }
    let rows = read(&args.rows, &model, &source, session)?;
    let id = args.id.as_deref().unwrap_or_default();
    let lead = model.decide(id, &rows.data.row(contacts::place(&rows, id)?).to_vec())?;
    session.finish();
    show(&lead, args.json)
}

fn show(lead: &LeadScore, as_json: bool) -> Result<()> {
    if as_json {
        return output::json(lead);
    }
    let range = lead.interval;
    let mut out = format!(
        "Lead {} ({})\n  score           {:.1} of 100 ({:.1} to {:.1}, at {})\n  tier            {}, {} sure\n",
        lead.lead_id,
        lead.model_version,
        lead.score,
        range.low,
        range.high,
        percent(range.level),
        lead.quality_tier,
        percent(lead.confidence)
    );
    for (title, factors) in [("for it", &lead.factors.positive), ("against it", &lead.factors.negative)] {
        if !factors.is_empty() {
            out += &format!("  speaks {title}\n");
        }
        factors.iter().for_each(|factor| out += &format!("    {}\n", factor.text));
    }
    output::text(&format!("{out}  recommendation  {}", lead.recommendation))
}
