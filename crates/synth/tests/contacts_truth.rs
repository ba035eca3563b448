//! Contacts: the stated probabilities are the frequencies, and the oracle is good but not all-knowing.

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

use std::collections::HashMap;

use tenure_core::FitContext;
use tenure_features::Timestamp;
use tenure_features::contacts::{ContactLog, ContactPlan, WINDOW_HOURS, contact_set, message_set};
use tenure_synth::contacts::{BinaryFigures, ScoreFigures};
use tenure_synth::{ContactBatch, ContactParams, ContactWorld};

fn world(contacts: usize, change: impl FnOnce(&mut ContactParams)) -> ContactWorld {
    let mut params = ContactParams { contacts, ..ContactParams::default() };
    change(&mut params);
    params.check().unwrap()
}

/// In each tenth of the range, the frequency is the mean probability up to 4 standard errors and `approximation`.
#[track_caller]
fn calibrated(rows: &[(f64, bool)], approximation: f64) {
    for tenth in 0..10 {
        let here: Vec<_> =
            rows.iter().filter(|(p, _)| ((p * 10.0) as usize).min(9) == tenth).copied().collect();
        let n = here.len() as f64;
        let stated = here.iter().map(|(p, _)| p).sum::<f64>() / n;
        let found = here.iter().filter(|(_, happened)| *happened).count() as f64 / n;
        let error = (here.iter().map(|(p, _)| p * (1.0 - p)).sum::<f64>()).sqrt() / n;
        assert!(
            n < 50.0 || (found - stated).abs() <= 4.0 * error + approximation,
            "{tenth}: {stated} {found} of {n}"
        );
    }
}

#[test]
fn messages_are_engaged_with_as_often_as_stated() {
    let batch = world(27_000, |_| ()).generate(1, 0).unwrap();
    let truth: HashMap<&str, f64> = batch
        .records
        .messages
        .iter()
        .map(|m| m.id.as_str())
        .zip(batch.truth.engagement.iter().copied())
        .collect();
    // The labels are those that models learn from: opened, clicked or answered within the window.
    let log = ContactLog::from_records(batch.records.clone()).unwrap();
    let table = message_set(&log, WINDOW_HOURS, None, &FitContext::new(0)).unwrap();
    let labels = table.data().target().unwrap().values();
    let rows: Vec<_> =
        table.ids().iter().zip(labels).map(|(id, &label)| (truth[id.as_str()], label > 0.5)).collect();
    assert!(rows.len() > 50_000, "{}", rows.len());
    calibrated(&rows, 0.0);
    let figures = BinaryFigures::new(&rows).unwrap();
    assert!((0.42..0.58).contains(&figures.base_rate), "{figures}");
    assert!((0.90..0.97).contains(&figures.auc.unwrap()), "{figures}");
}

#[test]
fn leads_are_judged_and_convert_as_stated() {
    for noise in [0.0, 5.0, 15.0] {
        let batch = world(20_000, |p| p.score_noise = noise).generate(2, 0).unwrap();
        let leads = || batch.records.leads.iter().zip(&batch.truth.leads);
        let residuals: Vec<f64> = leads().map(|(lead, truth)| lead.score - truth.expected_score).collect();
        let n = residuals.len() as f64;
        let mean = residuals.iter().sum::<f64>() / n;
        let deviation = (residuals.iter().map(|r| r * r).sum::<f64>() / n).sqrt();
        assert!(
            mean.abs() <= 0.04 * noise && (deviation - noise).abs() <= 0.02 * noise,
            "{mean} {deviation}"
        );
        let rows: Vec<_> = leads()
            .map(|(lead, truth)| (truth.conversion_probability, lead.converted_at.is_some()))
            .collect();
        calibrated(&rows, 0.0);
        let figures = BinaryFigures::new(&rows).unwrap();
        assert!((figures.base_rate - 0.3).abs() < 0.03, "{figures}");
    }
}

/// Churn of those whom a plan admits, stated and found.
fn churn(world: &ContactWorld, batch: &ContactBatch, plan: &ContactPlan) -> Vec<(f64, bool)> {
    let log = ContactLog::from_records(batch.records.clone()).unwrap();
    let table = contact_set(&log, plan, Some(world.end()), &FitContext::new(0)).unwrap();
    let lives: HashMap<&str, _> =
        batch.records.contacts.iter().map(|c| c.id.as_str()).zip(&batch.truth.lives).collect();
    let rows = table.ids().iter().zip(table.data().times().unwrap());
    let stated = rows.map(|(id, &time)| {
        lives[id.as_str()].churn_probability(Timestamp::from_seconds(time), plan.prediction_days).unwrap()
    });
    let labels = table.data().target().unwrap().values();
    stated.zip(labels.iter().map(|&label| label > 0.5)).collect()
}

#[test]
fn contacts_fall_silent_as_often_as_stated() {
    let world = world(10_000, |_| ());
    let batch = world.generate(3, 0).unwrap();
    for prediction_days in [7, 30, 60, 90] {
        let plan = ContactPlan { prediction_days, ..ContactPlan::default() };
        calibrated(&churn(&world, &batch, &plan), 0.012);
    }
    let figures = BinaryFigures::new(&churn(&world, &batch, &ContactPlan::default())).unwrap();
    assert!((0.4..0.6).contains(&figures.base_rate), "{figures}");
    assert!((0.85..0.95).contains(&figures.accuracy), "{figures}");
    let oracle = world.oracle(&batch, &ContactPlan::default(), 0).unwrap();
    assert_eq!(oracle.churn.unwrap(), figures);
    assert!(oracle.score.unwrap().r2.unwrap() < 0.98);
}

#[test]
fn silence_is_stated_rightly_where_messages_are_all_there_is() {
    let world = world(5_000, |p| {
        (p.leads, p.conversations, p.messages) = (Some(0), Some(20_000), Some(80_000));
        p.purchase_gap_days = 3650.0;
        (p.attached_days, p.drifting_days) = (300.0, 300.0);
    });
    let batch = world.generate(4, 0).unwrap();
    let plan = ContactPlan { prediction_days: 14, active_days: 365, ..ContactPlan::default() };
    // Openings and answers under way at the instant are left out, and messages are most of what there is.
    calibrated(&churn(&world, &batch, &plan), 0.03);
}

#[test]
fn figures_are_those_of_a_table_reckoned_by_hand() {
    let rows = [(0.9, true), (0.8, false), (0.5, true), (0.4, true), (0.1, false)];
    let figures = BinaryFigures::new(&rows).unwrap();
    let expected = [0.6, 0.6, 2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0];
    let found = [
        figures.base_rate,
        figures.accuracy,
        figures.precision.unwrap(),
        figures.recall.unwrap(),
        figures.f1.unwrap(),
    ];
    expected.iter().zip(found).for_each(|(e, f)| assert!((e - f).abs() < 1e-12, "{found:?}"));
    assert!((figures.auc.unwrap() - 4.0 / 6.0).abs() < 1e-12);
    let silent = BinaryFigures::new(&[(0.1, false)]).unwrap();
    assert_eq!((silent.auc, silent.precision, silent.recall, silent.f1), (None, None, None, None));
    assert_eq!(BinaryFigures::new(&[]), None);
    let scores = ScoreFigures::new(&[(10.0, 12.0), (20.0, 20.0), (30.0, 28.0)]).unwrap();
    assert!((scores.mae - 4.0 / 3.0).abs() < 1e-12 && (scores.r2.unwrap() - 0.9375).abs() < 1e-12);
    assert_eq!(ScoreFigures::new(&[(1.0, 2.0)]).unwrap().r2, None);
    assert_eq!(ScoreFigures::new(&[]), None);
}
