//! Messages of synthetic contacts, whose truth is known: how near the model comes to it.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking")]

use std::collections::HashMap;

use tenure_core::{Dataset, FitContext};
use tenure_engagement::{EngagementParams, Trained, evaluate, train};
use tenure_features::contacts::{ContactLog, message_set};
use tenure_synth::ContactParams;
use tenure_synth::contacts::ENGAGEMENT_HOURS;

/// Messages with their true probabilities.
fn world(contacts: usize, seed: u64) -> (Dataset, Vec<f64>) {
    let messages = Some(contacts * 12);
    let params = ContactParams { contacts, messages, ..ContactParams::default() };
    let batch = params.check().unwrap().generate(seed, 0).unwrap();
    let truth: HashMap<String, f64> =
        batch.records.messages.iter().map(|m| m.id.clone()).zip(batch.truth.engagement).collect();
    let log = ContactLog::from_records(batch.records).unwrap();
    let table = message_set(&log, ENGAGEMENT_HOURS, None, &FitContext::new(0)).unwrap();
    let truth = table.ids().iter().map(|id| truth[id]).collect();
    (table.into_data(), truth)
}

#[test]
fn the_model_comes_near_the_best_attainable() {
    let (data, _) = world(1_500, 1);
    let (fresh, truth) = world(700, 2);
    for name in ["logistic", "gbdt"] {
        let params = EngagementParams {
            backend: EngagementParams::backend_named(name).unwrap(),
            ..EngagementParams::default()
        };
        let Trained { model, report } = train(&data, &params, &FitContext::new(42)).unwrap();
        let figures = evaluate(&model, &fresh, Some(&truth)).unwrap().figures;
        let oracle = figures.oracle.unwrap();
        let (own, own_rate) = (&figures.model, figures.baselines.own_rate.as_ref().unwrap());
        println!(
            "{name}: {} messages learned from; AUC {:.3}, own rate {:.3}, oracle {:.3} (share {:.3}); log loss {:.4}, \
             oracle {:.4}; ECE {:.3}; accuracy {:.3}, precision {:.3}, recall {:.3}, F1 {:.3}; oracle's accuracy {:.3}, \
             F1 {:.3}",
            report.rows,
            own.roc_auc,
            own_rate.roc_auc,
            oracle.figures.roc_auc,
            oracle.share_of_auc_lift,
            own.log_loss,
            oracle.figures.log_loss,
            own.ece,
            own.accuracy,
            own.precision.unwrap_or(f64::NAN),
            own.recall,
            own.f1,
            oracle.figures.accuracy,
            oracle.figures.f1
        );
        println!("{:?} {:?}", report.pooling, report.time_test);
        assert!(own.roc_auc > own_rate.roc_auc && own.log_loss < own_rate.log_loss);
        assert!(oracle.share_of_auc_lift > 0.8, "{}", oracle.share_of_auc_lift);
        assert!(own.ece < 0.04, "{}", own.ece);
    }
}
