//! `tenure engagement train`

use anyhow::Result;
use serde_json::json;
use tenure_core::Metadata;
use tenure_engagement::{EngagementModel, EngagementParams, TimeColumns, TrainReport};

use super::messages;
use crate::args::EngagementTrain;
use crate::commands::{contacts, evaluation};
use crate::output::{self, columns, count, percent};
use crate::session::Session;

pub fn train(args: &EngagementTrain, session: &Session) -> Result<()> {
    output::keeps_kind(&args.model, EngagementModel::KIND)?;
    let time = match (&args.hour, &args.weekday, &args.slot) {
        (Some(hour), Some(weekday), _) => {
            TimeColumns::HourWeekday { hour: hour.clone(), weekday: weekday.clone() }
        }
        (_, _, Some(column)) => TimeColumns::Slot { column: column.clone() },
        _ => TimeColumns::Message,
    };
    let params = EngagementParams {
        time,
        backend: EngagementParams::backend_named(&args.backend)?,
        folds: args.folds,
        quiet_hours: args.quiet_hours,
        ..EngagementParams::default()
    };
    params.check()?;
    let (messages, source) = messages::to_learn(&args.source, session)?;
    let trained = tenure_engagement::train(&messages.data, &params, &session.context(args.seed))?;
    let (model, report) = (&trained.model, &trained.report);
    let held_out = &report.held_out;
    let metrics = [
        ("held_out.roc_auc", held_out.roc_auc),
        ("held_out.log_loss", held_out.log_loss),
        ("held_out.ece", held_out.ece),
    ];
    let metrics = metrics.map(|(name, value)| (name.to_owned(), value)).into();
    let metadata =
        Metadata { rows: Some(report.rows), seed: Some(args.seed), metrics, ..Metadata::default() };
    contacts::save(model, &source, metadata, &args.model)?;
    session.finish();
    let version = &model.settings().version;
    let place = args.model.display();
    if args.json {
        return output::json(&json!({
            "model": place.to_string(), "model_version": version, "messages": messages.read, "training": report,
        }));
    }
    output::text(&format!("{}\n{}\nModel {version} written to {place}.", messages.read.text(), text(report)))
}

/// What training did, in words.
fn text(report: &TrainReport) -> String {
    let recipients = report.recipients.map_or(String::new(), |n| format!(" to {} recipients", count(n)));
    let mut out = format!(
        "Learned from {} messages{recipients}; {} were engaged with.\n\nJudged on recipients held out:\n",
        count(report.rows),
        percent(report.engagement_rate),
    );
    out += &super::judge::table(&report.held_out, &report.baselines, None);
    out += &format!("\n{}", evaluation::at_threshold(&report.held_out));
    let test = &report.time_test;
    let words = match (test.terms, test.p_value) {
        (0, _) => "all messages were sent at one time: nothing can be said of others".to_owned(),
        (_, p) if p < 0.0001 => "it matters (p below 0.0001)".into(),
        (_, p) if p < 0.05 => format!("it matters (p = {p:.4})"),
        (_, p) => format!("no difference is shown (p = {p:.2})"),
    };
    out += &format!("Time of sending: {words}.\n");
    if let Some(pooling) = &report.pooling {
        let rows = ["part of the day", "weekend", "content"]
            .iter()
            .zip(pooling.within)
            .map(|(name, c)| vec![format!("within a recipient, by {name}"), format!("{c:.1}")]);
        let between = vec!["between recipients".to_owned(), format!("{:.1}", pooling.between)];
        out += "How much of a past it takes to be believed as much as everyone's, in messages:\n";
        out += &columns(&std::iter::once(between).chain(rows).collect::<Vec<_>>());
    }
    for note in &report.notes {
        out += &format!("note: {note}\n");
    }
    out
}
