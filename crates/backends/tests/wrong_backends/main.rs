//! Every conformance check can fail: a learner with one defect fails the check that is there for it.

mod tiny;

use tenure_backends::conformance::{self, Failure, Subject, Task};
use tenure_core::Artifact;

use tiny::{Defect, EVERYTHING, LITTLE, Tiny};

/// Each defect, and the check that must find it.
const DEFECTS: [(Defect, &str); 47] = [
    (Defect::PanicsInFit, "capabilities"),
    (Defect::ModelClaimsOtherwise, "capabilities"),
    (Defect::DependsOnThreads, "same_seed"),
    (Defect::UnknownLabelIsZero, "unknown_label"),
    (Defect::ReportsAllRows, "report_rows"),
    (Defect::OwnOutputName, "output_name"),
    (Defect::ClassesBackwards, "output_name"),
    (Defect::LearnsLastTarget, "first_target"),
    (Defect::ValidationRefused, "validation"),
    (Defect::ValidationUnchecked, "validation"),
    (Defect::ValidationCheckedByWidth, "validation"),
    (Defect::MissingGivesNan, "missing"),
    (Defect::MissingTakenThoughRefused, "missing"),
    (Defect::UnknownLevelIsFirst, "unknown_level"),
    (Defect::FewRowsPanic, "few_rows"),
    (Defect::OneClassTaken, "one_class"),
    (Defect::AbsentClassIsLikely, "absent_class"),
    (Defect::BaseIsOff, "constant_column"),
    (Defect::NoTargetIsInternal, "no_target"),
    (Defect::CancellationIgnored, "cancellation"),
    (Defect::ReportsNothing, "cancellation"),
    (Defect::UnitWeightsMove, "unit_weights"),
    (Defect::UnclaimedWeightsIgnored, "unit_weights"),
    (Defect::WeightsRooted, "double_weight"),
    (Defect::WeightsSquared, "unequal_weights"),
    (Defect::ClaimedWeightsIgnored, "unequal_weights"),
    (Defect::ZeroWeightCounts, "zero_weight"),
    (Defect::OffsetsIgnored, "offsets"),
    (Defect::OffsetsNegated, "offsets"),
    (Defect::OffsetsByTheirMean, "offsets"),
    (Defect::UnclaimedOffsetsIgnored, "offsets"),
    (Defect::PanicsInPrediction, "output_range"),
    (Defect::SometimesNotANumber, "output_range"),
    (Defect::ClassesDoNotAddUp, "output_range"),
    (Defect::RoomUnchecked, "output_shape"),
    (Defect::DependsOnPlace, "rows_alone"),
    (Defect::WidthUnchecked, "columns"),
    (Defect::InfinityTaken, "infinite"),
    (Defect::ContributionsDoubled, "explanations"),
    (Defect::ClassesNotCentred, "explanations"),
    (Defect::ExplainsNoSuchOutput, "explain_bounds"),
    (Defect::ExplainingMissingPanics, "explain_bounds"),
    (Defect::StoresRounded, "save_and_load"),
    (Defect::ForeignKindLoads, "foreign_artifact"),
    (Defect::NewerVersionLoads, "foreign_artifact"),
    (Defect::CutPartIsPadded, "damaged_artifact"),
    (Defect::CutPartPanics, "damaged_artifact"),
];

fn failures(tiny: Tiny) -> Vec<Failure> {
    let load = |artifact: &Artifact| tiny::load(tiny, artifact);
    let tasks = &[Task::Binary, Task::Regression, Task::Multiclass];
    conformance::check(&Subject { learner: &tiny, load: &load, tasks })
}

#[test]
fn a_sound_learner_passes_whatever_it_claims() {
    for claims in [EVERYTHING, LITTLE] {
        let failures = failures(Tiny::sound(claims));
        assert!(failures.is_empty(), "{claims:?}\n{}", conformance::summary(&failures));
    }
}

#[test]
fn each_defect_fails_its_check() {
    for (defect, check) in DEFECTS {
        let failures = failures(Tiny::wrong(defect));
        let found = failures.iter().any(|f| f.check == check);
        assert!(found, "{defect:?} passes `{check}`; failures:\n{}", conformance::summary(&failures));
    }
}

#[test]
fn a_panic_is_a_failure_with_its_words() {
    let failures = failures(Tiny::wrong(Defect::PanicsInFit));
    let panicked = |f: &Failure| f.detail == "panicked: out of order";
    assert!(failures.iter().all(panicked), "{}", conformance::summary(&failures));
}

/// The names in the table of the module's documentation.
fn documented() -> Vec<&'static str> {
    let source = include_str!("../../src/conformance/mod.rs");
    let names = source.lines().filter_map(|line| line.strip_prefix("//! | `")?.split_once('`'));
    names.map(|(name, _)| name).collect()
}

#[test]
fn every_documented_check_has_a_defect() {
    let documented = documented();
    assert!(documented.len() > 20, "{documented:?}");
    for check in &documented {
        assert!(DEFECTS.iter().any(|(_, c)| c == check), "nothing fails `{check}`");
    }
    for (defect, check) in DEFECTS {
        assert!(documented.contains(&check), "{defect:?}: `{check}` is not in the table");
    }
}
