//! The leads of X Education, without what is filled in after the contact.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod support;

use tenure_core::{FitContext, Model};
use tenure_eval::metrics::BinaryReport;
use tenure_eval::splits::k_fold_of;
use tenure_lead::{LeadParams, train};

/// Every lead is predicted by a training that knows nothing of it: trees, calibration and all are learned from the
/// other four fifths. On one fifth alone, chance moves the AUC by 0.01, and makes an ECE of 0.02 by itself.
#[test]
fn held_out_leads_are_ranked_and_their_chances_can_be_taken_at_their_word() {
    let Some(data) = support::x_education() else { return };
    assert_eq!(data.rows(), 9_240);
    let (mut predicted, mut linear) = (vec![0.0; data.rows()], 0.0);
    for split in k_fold_of(&data, 5, 42).unwrap() {
        let test = data.select(&split.test);
        let trained =
            train(&data.select(&split.train), &LeadParams::default(), &FitContext::new(42)).unwrap();
        let outputs = trained.model.predict(test.x()).unwrap();
        split.test.iter().zip(&outputs).for_each(|(&row, &p)| predicted[row] = p);
        let ids = vec![String::new(); test.rows()];
        let figures = tenure_lead::evaluate(&trained.model, &test, &ids, None).unwrap().figures;
        let Some(tenure_lead::Figures::Conversion(report)) = figures.baselines.linear else { panic!() };
        linear += report.log_loss / 5.0;
    }
    let own = BinaryReport::new(data.target().unwrap().values(), &predicted, None, 0.5).unwrap();
    println!("{own:#?}, log loss of the linear model {linear}");
    assert!(own.roc_auc >= 0.875, "AUC {}", own.roc_auc);
    assert!(own.roc_auc < 0.93, "an AUC of {} tells of a leak", own.roc_auc);
    assert!(own.ece <= 0.02, "ECE {}", own.ece);
    assert!(own.log_loss < linear);
}
