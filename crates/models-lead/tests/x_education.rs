//! The leads of X Education, without what is filled in after the contact.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod support;

use tenure_core::FitContext;
use tenure_lead::{Figures, LeadParams, train};

#[test]
fn held_out_leads_are_ranked_and_their_chances_can_be_taken_at_their_word() {
    let Some(data) = support::x_education() else { return };
    let trained = train(&data, &LeadParams::default(), &FitContext::new(42)).unwrap();
    let report = &trained.report;
    let Figures::Conversion(own) = &report.held_out.model else { panic!() };
    println!(
        "{own:#?}\nfolds {:?}\n{:?}\n{:?}",
        report.cross_validation.folds, report.held_out.tiers, report.notes
    );
    assert_eq!((report.rows, report.held_out.rows), (9_240, 1_848));
    assert!(own.roc_auc >= 0.875, "AUC {}", own.roc_auc);
    assert!(own.roc_auc < 0.93, "an AUC of {} tells of a leak", own.roc_auc);
    assert!(own.ece <= 0.02, "ECE {}", own.ece);
    let Some(Figures::Conversion(linear)) = &report.held_out.baselines.linear else { panic!() };
    assert!(own.log_loss < linear.log_loss && own.roc_auc > linear.roc_auc);
}
