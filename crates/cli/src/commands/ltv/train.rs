//! `tenure ltv train`

use anyhow::{Result, bail};
use serde_json::json;
use tenure_core::Metadata;
use tenure_ltv::{PurchaseFamily, SegmentCoverage, TrainReport};

use super::{money, purchases};
use crate::args::LtvTrain;
use crate::commands::orders;
use crate::failure::WrongArgument;
use crate::output::{self, columns, count, percent};
use crate::session::{Session, date};

pub fn train(args: &LtvTrain, session: &Session) -> Result<()> {
    let until = args.until.as_deref().map(|text| date("--until", text)).transpose()?;
    if let Ok(family) = args.value.family.parse::<PurchaseFamily>() {
        return purchases::fit(args, family, until, session);
    }
    if !tenure_ltv::Family::NAMES.contains(&args.value.family.as_str()) {
        let known = [tenure_ltv::Family::NAMES, PurchaseFamily::NAMES].concat().join(", ");
        bail!(WrongArgument(format!("--family: `{}` is not one of {known}", args.value.family)));
    }
    let Some(dir) = &args.model else {
        bail!(WrongArgument(format!(
            "--model: the family {} needs a folder for its model",
            args.value.family
        )));
    };
    output::keeps_kind(dir, tenure_ltv::LtvModel::KIND)?;
    let params = super::params(&args.value)?;
    let (log, read) = orders::read(&args.file, session)?;
    // Behind its end the log says nothing: taken as complete up to there, nobody would seem to spend any more.
    let until = until.map(|until| log.coverage_end(None).map_or(until, |end| until.min(end)));
    let trained = tenure_ltv::train(&log, &params, until, &session.context(args.value.seed))?;
    let (model, report) = (&trained.model, &trained.report);
    let figures =
        [("spearman", report.held_out.spearman), ("top_decile_share", report.held_out.top_decile_share)];
    let known = figures.into_iter().filter_map(|(name, value)| Some((format!("out_of_fold.{name}"), value?)));
    let metrics = known.chain([("out_of_fold.mae".to_owned(), report.held_out.mae)]).collect();
    let metadata = Metadata { seed: Some(args.value.seed), metrics, ..Metadata::default() };
    model.save(dir, Session::now(), metadata)?;
    session.finish();
    let version = &model.settings().version;
    if args.json {
        let place = dir.display().to_string();
        return output::json(&json!({
            "model": place, "model_version": version, "orders": read, "training": report,
        }));
    }
    output::text(&format!("{read}\n{}", text(report)))?;
    output::text(&format!(
        "Model {version} written to {}.\n\nNext:\n  tenure ltv predict --orders {} --model {} --as-of {} --out values.csv",
        dir.display(),
        args.file.orders.display(),
        dir.display(),
        model.settings().until,
    ))
}

/// What training did, in words.
fn text(report: &TrainReport) -> String {
    let mut out = format!(
        "Learned from {} rows: {} customers at {} monthly snapshots, {} features; {} spent anything, {} on average.\n",
        count(report.rows),
        count(report.customers),
        report.snapshots.len(),
        report.features,
        percent(report.spending_rate),
        money(report.mean_spend),
    );
    let header = ["snapshot", "customers", "spent anything", "mean spend"].map(str::to_owned).to_vec();
    let rows = report
        .snapshots
        .iter()
        .map(|s| vec![s.as_of.to_string(), count(s.rows), percent(s.spending_rate), money(s.mean_spend)]);
    out += &columns(&std::iter::once(header).chain(rows).collect::<Vec<_>>());
    let share = |value: Option<f64>| value.map_or("–".to_owned(), percent);
    out += &format!(
        "Held-out customers: rank correlation {}, the best-predicted tenth has {} of the money, mean absolute error {}.\n",
        report.held_out.spearman.map_or("–".to_owned(), |v| format!("{v:.3}")),
        share(report.held_out.top_decile_share),
        money(report.held_out.mae),
    );
    if let Some(coverage) = &report.coverage {
        out += &format!(
            "Intervals of {} hold the spend of {} of customers held out; {}.\n",
            percent(coverage.level),
            percent(coverage.overall),
            by_segment(&coverage.segments),
        );
    }
    let [medium, high, vip] = report.segment_bounds.map(money);
    out += &format!("Segments begin at {medium} (medium), {high} (high) and {vip} (vip).\n");
    for note in &report.notes {
        out += &format!("note: {note}\n");
    }
    out
}

pub fn by_segment(segments: &[SegmentCoverage]) -> String {
    let one = |s: &SegmentCoverage| format!("{} {}", s.segment, percent(s.coverage));
    segments.iter().map(one).collect::<Vec<_>>().join(", ")
}
