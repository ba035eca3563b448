//! `tenure contact predict` and `tenure contact explain`

use std::path::Path;

use anyhow::Result;
use serde_json::json;
use tenure_churn::RiskLevel;
use tenure_churn::contact::{ContactChurn, ContactChurnModel};
use tenure_core::Model;
use tenure_features::Timestamp;
use tenure_features::contacts::{ContactLog, ContactPlan, contact_rows};
use tenure_io::ColumnValues;

use crate::args::{Explaining, NewRows, Scoring};
use crate::commands::contacts::{self, Rows, Source};
use crate::output::{self, columns, count, percent};
use crate::session::Session;

fn load(dir: &Path) -> Result<(ContactChurnModel, Source<ContactPlan>)> {
    let (artifact, source) = contacts::load(dir, ContactChurnModel::KIND)?;
    Ok((ContactChurnModel::from_artifact(&artifact)?, source))
}

fn read(
    rows: &NewRows,
    model: &ContactChurnModel,
    source: &Source<ContactPlan>,
    session: &Session,
) -> Result<Rows> {
    let of_log = |log: &ContactLog, plan: &ContactPlan, as_of: Timestamp| contact_rows(log, plan, as_of);
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
    let decide = |(id, row): (&String, ndarray::ArrayView1<'_, f64>)| model.decide(id, &row.to_vec());
    let mut decisions =
        rows.ids.iter().zip(rows.data.x().rows()).map(decide).collect::<tenure_core::Result<Vec<_>>>()?;
    decisions.sort_by(|a, b| b.churn_probability.total_cmp(&a.churn_probability));
    write(out, &decisions)?;
    session.finish();
    let at_risk = decisions.iter().filter(|d| d.is_at_risk).count();
    let expected: f64 = decisions.iter().map(|d| d.churn_probability).sum();
    let levels = [RiskLevel::Critical, RiskLevel::High, RiskLevel::Medium, RiskLevel::Low];
    let of_level = |level| decisions.iter().filter(|d| d.risk_level == level).count();
    if args.json {
        let levels = levels.map(|level| json!({ "risk_level": level, "contacts": of_level(level) }));
        return output::json(&json!({
            "contacts": decisions.len(),
            "at_risk": at_risk,
            "expected_churners": expected,
            "levels": levels,
            "model_version": model.settings().version,
            "out": out.display().to_string(),
        }));
    }
    let table: Vec<_> = levels.into_iter().map(|l| vec![l.to_string(), count(of_level(l))]).collect();
    output::text(&format!(
        "{} contacts; {} at risk, {expected:.1} are expected to fall silent.\n{}Scores written to {}.",
        count(decisions.len()),
        count(at_risk),
        columns(&table),
        out.display()
    ))
}

/// One line a contact, the riskiest first.
fn write(path: &Path, decisions: &[ContactChurn]) -> Result<()> {
    let numbers = |of: fn(&ContactChurn) -> f64| -> Vec<f64> { decisions.iter().map(of).collect() };
    let texts = |of: fn(&ContactChurn) -> String| -> Vec<String> { decisions.iter().map(of).collect() };
    let probabilities = numbers(|d| d.churn_probability);
    let (low, high) = (numbers(|d| d.interval.low), numbers(|d| d.interval.high));
    let ids = texts(|d| d.contact_id.clone());
    let (at_risk, levels) = (texts(|d| d.is_at_risk.to_string()), texts(|d| d.risk_level.to_string()));
    let confidence = numbers(|d| d.confidence);
    let factors = texts(|d| d.risk_factors.iter().map(|f| f.text.as_str()).collect::<Vec<_>>().join("; "));
    let (advice, versions) = (texts(|d| d.recommendations.join(" ")), texts(|d| d.model_version.clone()));
    let columns = [
        ("contact_id", ColumnValues::Texts(&ids)),
        ("churn_probability", ColumnValues::Numbers(&probabilities)),
        ("interval_low", ColumnValues::Numbers(&low)),
        ("interval_high", ColumnValues::Numbers(&high)),
        ("is_at_risk", ColumnValues::Texts(&at_risk)),
        ("risk_level", ColumnValues::Texts(&levels)),
        ("confidence", ColumnValues::Numbers(&confidence)),
        ("risk_factors", ColumnValues::Texts(&factors)),
        ("recommendations", ColumnValues::Texts(&advice)),
        ("model_version", ColumnValues::Texts(&versions)),
    ];
    contacts::write(path, &columns)
}

pub fn explain(args: &Explaining, session: &Session) -> Result<()> {
    let (model, source) = load(&args.model)?;
    if let Some(row) = &args.rows.row {
        return show(&model.score_json("given row", &contacts::json_row(row)?)?, args.json);
    }
    let rows = read(&args.rows, &model, &source, session)?;
    let id = args.id.as_deref().unwrap_or_default();
    let decision = model.decide(id, &rows.data.row(contacts::place(&rows, id)?).to_vec())?;
    session.finish();
    show(&decision, args.json)
}

fn show(decision: &ContactChurn, as_json: bool) -> Result<()> {
    if as_json {
        return output::json(decision);
    }
    let interval = decision.interval;
    let verdict = if decision.is_at_risk { "at risk" } else { "not at risk" };
    let mut out = format!(
        "Contact {} ({})\n  probability of silence  {} (of similar contacts {} to {} fell silent, at {} confidence)\n  \
         risk                    {}, {verdict}, {} sure\n  why\n",
        decision.contact_id,
        decision.model_version,
        percent(decision.churn_probability),
        percent(interval.low),
        percent(interval.high),
        percent(interval.level),
        decision.risk_level,
        percent(decision.confidence)
    );
    let row =
        |f: &tenure_churn::RiskFactor| vec![format!("  {}", f.text), format!("{:+.2} log-odds", f.effect)];
    out += &columns(&decision.risk_factors.iter().map(row).collect::<Vec<_>>());
    out += "  what to do\n";
    decision.recommendations.iter().for_each(|words| out += &format!("    {words}\n"));
    output::text(&out)
}
