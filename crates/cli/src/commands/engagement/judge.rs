//! `tenure engagement evaluate`

use anyhow::Result;
use tenure_core::Model;
use tenure_engagement::{Baselines, EngagementFigures};
use tenure_eval::metrics::BinaryReport;

use super::messages;
use crate::args::EngagementEvaluate;
use crate::commands::{contacts, evaluation, truth};
use crate::output::{self, columns, count, percent};
use crate::session::Session;

pub fn evaluate(args: &EngagementEvaluate, session: &Session) -> Result<()> {
    let (model, source) = messages::load(&args.model)?;
    let messages = messages::read(&args.source, (model.schema(), &source), true, session)?;
    let truth = args.truth.as_deref().map(|path| {
        let truth = truth::of_contacts(path, &["message_id"], "engagement_probability")?;
        truth::look_up(&truth, messages.ids.iter().cloned())
    });
    let mut evaluation = tenure_engagement::evaluate(&model, &messages.data, truth.transpose()?.as_deref())?;
    evaluation.figures.notes.extend(contacts::overlap(&source, &messages.data));
    if let Some(path) = &args.report {
        let html = tenure_engagement::report(&model, &evaluation)?.report()?.to_html();
        output::file(path, html.as_bytes())?;
    }
    session.finish();
    if args.json { output::json(&evaluation.figures) } else { output::text(&text(&evaluation.figures)) }
}

/// The model beside what it must beat, a line each.
pub fn table(model: &BinaryReport, baselines: &Baselines, oracle: Option<&BinaryReport>) -> String {
    let header = ["", "AUC", "log loss", "ECE"].map(str::to_owned).to_vec();
    let line = |name: &str, of: &BinaryReport| {
        vec![
            name.to_owned(),
            format!("{:.3}", of.roc_auc),
            format!("{:.4}", of.log_loss),
            format!("{:.3}", of.ece),
        ]
    };
    let mut rows = vec![header, line("model", model), line("overall rate", &baselines.overall_rate)];
    rows.extend(baselines.own_rate.as_ref().map(|own| line("recipient's own rate", own)));
    rows.extend(oracle.map(|oracle| line("best attainable", oracle)));
    columns(&rows)
}

fn text(figures: &EngagementFigures) -> String {
    let EngagementFigures { messages, engaged, model, .. } = figures;
    let oracle = figures.oracle.as_ref();
    let mut out = format!(
        "{} messages; {} of them engaged with.\n\n{}\n{}",
        count(*messages),
        percent(*engaged as f64 / (*messages).max(1) as f64),
        table(model, &figures.baselines, oracle.map(|o| &o.figures)),
        evaluation::at_threshold(model)
    );
    if let Some(oracle) = oracle {
        let share = percent(oracle.share_of_auc_lift);
        out += &format!("The model reaches {share} of the AUC above chance that is attainable.\n");
    }
    for note in &figures.notes {
        out += &format!("note: {note}\n");
    }
    out
}
