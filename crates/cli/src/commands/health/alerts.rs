//! `tenure health alerts`

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tenure_core::{Error, Model};
use tenure_features::Timestamp;
use tenure_health::HealthModel;
use tenure_health::alerts::{
    Admitted, Alert, AlertFigures, AlertKind, AlertLog, AlertParams, AlertRules, Outcome, Rate, outcomes_of,
};
use tenure_io::MarketplaceReadReport;

use super::predict::predict_all;
use crate::args::HealthAlerts;
use crate::failure::WrongArgument;
use crate::output::{self, columns, count, percent};
use crate::session::{Session, date};

/// An alert and when it was raised.
#[derive(Serialize)]
struct Line<'a> {
    at: Timestamp,
    #[serde(flatten)]
    alert: &'a Alert,
}

/// What was read, and what was made of it.
struct Raised {
    read: MarketplaceReadReport,
    admitted: Admitted,
}

pub fn alerts(args: &HealthAlerts, session: &Session) -> Result<()> {
    let read: Vec<&Path> =
        [&args.data, &args.config, &args.outcomes].into_iter().filter_map(|path| path.as_deref()).collect();
    args.out.as_ref().map_or(Ok(()), |out| output::keeps("--out", out, &read))?;
    if args.data.is_none() && args.state.is_none() {
        let words = "--outcomes: alerts are judged that were sent before; name the --state that knows them";
        return Err(WrongArgument(words.into()).into());
    }
    let params: Option<AlertParams> =
        args.config.as_deref().map(|path| of_json("--config", path)).transpose()?;
    let rules = params.unwrap_or_default().check()?;
    let state = args.state.as_deref().filter(|path| path.exists());
    let mut log: AlertLog = state.map(|path| of_json("--state", path)).transpose()?.unwrap_or_default();
    let model = super::load(&args.model)?;

    let at = match &args.at {
        Some(text) => date("--at", text)?,
        None => date("--at", &Session::now().unwrap_or_default())?,
    };
    let raised = match &args.data {
        Some(path) => Some(raise(path, &model, &rules, &mut log, at, session)?),
        None => None,
    };
    let judged = match &args.outcomes {
        Some(path) => {
            let outcomes = outcomes(path, &model, &rules, session)?;
            let noted: usize = outcomes.into_iter().map(|outcome| log.record(outcome)).sum();
            Some((noted, log.figures(&rules)))
        }
        None => None,
    };
    // The alerts first: what is said twice after a crash is better than what is never said.
    if let (Some(raised), Some(out)) = (&raised, &args.out) {
        output::file(out, &lines(&raised.admitted.alerts, at)?)?;
    }
    if let Some(path) = &args.state {
        output::file(path, &serde_json::to_vec(&log)?)?;
    }
    session.finish();
    tell(args, raised.as_ref(), judged.as_ref(), at)
}

fn of_json<T: DeserializeOwned>(option: &str, path: &Path) -> Result<T> {
    let failed = |source| Error::Io { path: path.to_owned(), action: "reading", source };
    let text = fs::read(path).map_err(failed)?;
    Ok(serde_json::from_slice(&text)
        .map_err(|e| WrongArgument(format!("{option}: {}: {e}", path.display())))?)
}

fn raise(
    path: &Path,
    model: &HealthModel,
    rules: &AlertRules,
    log: &mut AlertLog,
    at: Timestamp,
    session: &Session,
) -> Result<Raised> {
    let (table, read) = super::read_for(path, model, session)?;
    let predictions = predict_all(&table, |row| model.decide(row))?;
    let mut all = Vec::new();
    for (row, (id, prediction)) in table.ids.iter().zip(&predictions).enumerate() {
        all.extend(rules.route(id, prediction, model.schema(), &table.data.row(row).to_vec())?);
    }
    Ok(Raised { read, admitted: log.admit(rules, all, at) })
}

fn lines(alerts: &[Alert], at: Timestamp) -> Result<Vec<u8>> {
    let mut lines = Vec::new();
    for alert in alerts {
        serde_json::to_writer(&mut lines, &Line { at, alert })?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// What came true, from a list of outcomes or from customers with labels.
fn outcomes(path: &Path, model: &HealthModel, rules: &AlertRules, session: &Session) -> Result<Vec<Outcome>> {
    match list_of_outcomes(path)? {
        Some(outcomes) => Ok(outcomes),
        None => {
            let (table, _) = super::read_for(path, model, session)?;
            Ok(outcomes_of(rules, &table.ids, &table.data)?)
        }
    }
}

/// Lines of `customer_id`, `type`, `happened` and, where it is known, `at`; `None` for a file that has no `type`.
fn list_of_outcomes(path: &Path) -> Result<Option<Vec<Outcome>>> {
    let failed = |source| Error::Io { path: path.to_owned(), action: "reading", source };
    let reader = BufReader::new(fs::File::open(path).map_err(failed)?);
    let Some(Ok(first)) = reader.lines().next() else { return Ok(None) };
    let wrong =
        |line: u64, e: &dyn std::fmt::Display| Error::Data(format!("{}: line {line}: {e}", path.display()));
    let text = || fs::read_to_string(path).map_err(failed);
    if serde_json::from_str::<Value>(&first).is_ok_and(|object| object.get("type").is_some()) {
        let text = text()?;
        let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        let read =
            lines.map(|(number, line)| serde_json::from_str(line).map_err(|e| wrong(number, &e).into()));
        return read.collect::<Result<_>>().map(Some);
    }
    if !first.split(',').any(|name| name.trim() == "type") {
        return Ok(None);
    }
    let text = text()?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|e| wrong(1, &e))?.clone();
    let mut outcomes = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| wrong(e.position().map_or(1, csv::Position::line), &e))?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |name: &str| {
            let at = headers.iter().position(|header| header == name);
            at.and_then(|at| record.get(at)).ok_or_else(|| wrong(1, &format!("no column `{name}`")))
        };
        let kind: AlertKind =
            field("type")?.parse().map_err(|e| wrong(line, &format!("column `type`: {e}")))?;
        let happened = match field("happened")? {
            "1" | "true" => true,
            "0" | "false" => false,
            other => {
                let expected = "expected 1 or true, 0 or false";
                return Err(wrong(line, &format!("column `happened`: `{other}`; {expected}")).into());
            }
        };
        let at = headers.iter().position(|header| header == "at").and_then(|at| record.get(at));
        let at = at.filter(|at| !at.is_empty()).map(str::parse).transpose();
        let at = at.map_err(|e| wrong(line, &format!("column `at`: {e}")))?;
        outcomes.push(Outcome { customer_id: field("customer_id")?.to_owned(), kind, happened, at });
    }
    Ok(Some(outcomes))
}

fn tell(
    args: &HealthAlerts,
    raised: Option<&Raised>,
    judged: Option<&(usize, Vec<AlertFigures>)>,
    at: Timestamp,
) -> Result<()> {
    let by_kind = |raised: &Admitted| -> Vec<(AlertKind, usize)> {
        let of = |kind: AlertKind| raised.alerts.iter().filter(|alert| alert.kind == kind).count();
        AlertKind::ALL.iter().map(|&kind| (kind, of(kind))).filter(|(_, alerts)| *alerts > 0).collect()
    };
    if args.json {
        let raised = raised.map(|Raised { admitted: raised, .. }| {
            let types: serde_json::Map<String, Value> =
                by_kind(raised).into_iter().map(|(kind, alerts)| (kind.to_string(), alerts.into())).collect();
            json!({
                "at": at, "alerts": raised.alerts.len(), "suppressed": raised.suppressed, "types": types,
                "out": args.out,
            })
        });
        let judged = judged.map(|(noted, figures)| json!({ "noted": noted, "types": figures }));
        return output::json(&json!({ "raised": raised, "judged": judged }));
    }
    let mut out = String::new();
    if let Some(Raised { read, admitted: raised }) = raised {
        out += &read.to_string();
        if args.out.is_none() {
            for alert in &raised.alerts {
                out += &format!(
                    "{:<8} {:<21} {}: {}. {}.\n",
                    alert.severity.name(),
                    alert.kind.name(),
                    alert.customer_id,
                    alert.message,
                    alert.recommendation
                );
            }
        }
        let kinds: Vec<String> =
            by_kind(raised).iter().map(|(kind, n)| format!("{kind} {}", count(*n))).collect();
        out += &format!(
            "{} alerts ({}); {} held back because the same was said lately.\n",
            count(raised.alerts.len()),
            if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") },
            count(raised.suppressed)
        );
        if let Some(path) = &args.out {
            out += &format!("Alerts written to {}.\n", path.display());
        }
    }
    if let Some((noted, figures)) = judged {
        out += &format!("\nOutcomes of {} alerts noted.\n\n{}", count(*noted), table(figures));
    }
    output::text(&out)
}

/// How each type fared.
fn table(figures: &[AlertFigures]) -> String {
    let rate = |rate: Option<Rate>| {
        rate.map_or("–".into(), |rate| {
            format!("{} ({:.1}–{:.1} %)", percent(rate.share), 100.0 * rate.low, 100.0 * rate.high)
        })
    };
    let header =
        ["type", "severity", "alerts", "precision", "false-positive rate", "recall", "asked for", "met"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for of in figures {
        let precise = of.precision_target.map(|least| format!("precision > {:.0} %", 100.0 * least));
        let quiet = of.false_positive_target.map(|most| format!("false positives < {:.0} %", 100.0 * most));
        let asked: Vec<String> = precise.into_iter().chain(quiet).collect();
        let met = of.meets_targets().map_or("–", |met| if met { "yes" } else { "no" });
        rows.push(vec![
            of.kind.to_string(),
            of.severity.to_string(),
            count(of.alerts),
            rate(of.precision),
            rate(of.false_positive_rate),
            rate(of.recall),
            if asked.is_empty() { "–".into() } else { asked.join(", ") },
            met.to_owned(),
        ]);
    }
    columns(&rows)
}
