//! Every backend keeps the contract.

#![allow(clippy::unwrap_used)]

use tenure_backends::conformance::{self, Subject, Task};
use tenure_backends::glm::Family;
use tenure_backends::{Activation, Backend, ForestParams, GbdtParams, GlmParams, LogisticParams, MlpParams};

const ALL: [Task; 3] = [Task::Binary, Task::Regression, Task::Multiclass];

fn assert_conforms(backend: Backend, tasks: &[Task]) {
    let learner = backend.check().unwrap();
    let subject = Subject { learner: learner.as_ref(), load: &tenure_backends::load, tasks };
    let failures = conformance::check(&subject);
    assert!(failures.is_empty(), "{}", conformance::summary(&failures));
}

#[test]
fn gradient_boosting() {
    let params = GbdtParams { trees: 30, ..GbdtParams::default() };
    assert_conforms(Backend::Gbdt(params), &ALL);
}

#[test]
fn gradient_boosting_on_drawn_rows_and_columns() {
    let params = GbdtParams { trees: 30, row_fraction: 0.7, column_fraction: 0.5, ..GbdtParams::default() };
    let learner = params.check().unwrap();
    // Row draws go by the row's number, so rows that are not there shift them: the laws about absent rows
    // hold in distribution only, all others to the bit.
    let subject = Subject { learner: &learner, load: &tenure_backends::load, tasks: &ALL };
    let failures = conformance::check(&subject);
    let failures: Vec<_> = failures
        .into_iter()
        .filter(|f| !["zero_weight", "unknown_label", "double_weight", "unequal_weights"].contains(&f.check))
        .collect();
    assert!(failures.is_empty(), "{}", conformance::summary(&failures));
}

#[test]
fn random_forest() {
    let params = ForestParams { trees: 100, ..ForestParams::default() };
    assert_conforms(Backend::Forest(params), &[Task::Binary, Task::Regression, Task::Multiclass]);
}

#[test]
fn extremely_randomised_forest_on_all_rows() {
    let params = ForestParams { trees: 100, extra: true, bootstrap: false, ..ForestParams::default() };
    assert_conforms(Backend::Forest(params), &[Task::Binary, Task::Regression, Task::Multiclass]);
}

#[test]
fn logistic_regression() {
    assert_conforms(Backend::Logistic(LogisticParams::default()), &[Task::Binary]);
}

#[test]
fn multi_layer_perceptron() {
    assert_conforms(Backend::by_name("mlp").unwrap(), &[Task::Binary, Task::Regression]);
}

#[test]
fn multi_layer_perceptron_with_batch_norm() {
    let params = MlpParams { batch_norm: true, activation: Activation::Silu, ..MlpParams::default() };
    assert_conforms(Backend::Mlp(params), &[Task::Binary, Task::Regression]);
}

#[test]
fn blend() {
    assert_conforms(Backend::by_name("blend").unwrap(), &[Task::Binary]);
}

#[test]
fn generalised_linear_models() {
    assert_conforms(Backend::Glm(GlmParams::of(Family::Binomial)), &[Task::Binary]);
    assert_conforms(Backend::Glm(GlmParams::default()), &[Task::Regression]);
    let penalised = GlmParams { alpha: 0.01, l1_ratio: 0.5, ..GlmParams::of(Family::Binomial) };
    assert_conforms(Backend::Glm(penalised), &[Task::Binary]);
}

/// A learner whose fits are calibrated, so that the suite can judge them.
#[derive(Debug)]
struct Calibrated(Backend);

impl tenure_core::Learner for Calibrated {
    fn name(&self) -> &'static str {
        "calibrated"
    }

    fn capabilities(&self) -> tenure_core::Capabilities {
        self.0.clone().check().unwrap().capabilities()
    }

    fn fit(
        &self,
        train: &tenure_core::Dataset,
        _valid: Option<&tenure_core::Dataset>,
        context: &tenure_core::FitContext<'_>,
    ) -> tenure_core::Result<tenure_core::Fitted> {
        let report = self.0.clone().check()?.fit(train, None, context)?.report;
        let target = train.target()?;
        target.require_two_classes()?;
        let splits = tenure_eval::splits::stratified_k_fold(target.values(), 3, context.seed)
            .map_err(|e| tenure_core::Error::Data(e.to_string()))?;
        let options = tenure_backends::calibrated::CalibrationOptions::default();
        let fitted = tenure_backends::calibrated::fit(&self.0, &options, train, &splits, context)?;
        Ok(tenure_core::Fitted { model: Box::new(fitted.model), report })
    }
}

#[test]
fn calibrated_forest_and_logistic_regression() {
    let forest = Backend::Forest(ForestParams { trees: 30, ..ForestParams::default() });
    for backend in [forest, Backend::Logistic(LogisticParams::default())] {
        let learner = Calibrated(backend);
        let subject = Subject { learner: &learner, load: &tenure_backends::load, tasks: &[Task::Binary] };
        // Calibration is a step after training, on folds drawn by row number: laws about what training does with
        // single rows are the wrapped learner's. Everything about the model itself must hold.
        let training = [
            "unknown_label",
            "report_rows",
            "validation",
            "constant_column",
            "zero_weight",
            "double_weight",
            "unequal_weights",
            "unit_weights",
            "offsets",
            "offset",
        ];
        let mut failures = conformance::check(&subject);
        failures.retain(|f| !training.contains(&f.check));
        assert!(failures.is_empty(), "{}", conformance::summary(&failures));
    }
}
