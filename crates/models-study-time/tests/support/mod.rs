//! Sessions and tables to learn from.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "each test uses its part"
)]

use std::path::Path;

use tenure_backends::{Backend, MlpParams};
use tenure_core::Dataset;
use tenure_io::{TableOptions, TableTask, read_table};
use tenure_study_time::{Samples, StudyLearner, StudyParams, TrueDurations};
use tenure_synth::StudyBatch;

/// A network that is quick to fit.
pub(crate) fn quick() -> StudyParams {
    let StudyLearner::Rows(Backend::Mlp(usual)) = StudyParams::default().learner else { panic!() };
    let mut mlp = MlpParams { hidden: vec![16], dropout: Vec::new(), ..usual };
    (mlp.training.epochs, mlp.training.learning_rate) = (40, 3e-3);
    let learner = StudyLearner::Rows(Backend::Mlp(mlp));
    StudyParams { learner, ensemble: 3, ..StudyParams::default() }
}

/// Boosted trees, which are quicker still.
pub(crate) fn trees() -> StudyParams {
    StudyParams { learner: StudyLearner::by_name("gbdt").unwrap(), ..quick() }
}

pub(crate) fn world(sessions: usize, seed: u64) -> StudyBatch {
    tenure_synth::StudyParams { sessions, ..tenure_synth::StudyParams::default() }
        .check()
        .unwrap()
        .generate(seed)
}

pub(crate) fn samples(batch: &StudyBatch) -> Samples {
    Samples::Sessions(batch.sessions.clone())
}

pub(crate) fn truth(batch: &StudyBatch) -> TrueDurations {
    let (expected, median) = batch.truth.iter().map(|truth| (truth.expected, truth.median)).unzip();
    TrueDurations { expected, median }
}

/// A public table; `None` where it is not there.
pub(crate) fn table(file: &str, target: &str, drop: &[&str]) -> Option<Dataset> {
    let folder = std::env::var("TENURE_DATA")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").into());
    let path = Path::new(&folder).join(file);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    let options = TableOptions {
        target: Some(target.into()),
        task: TableTask::Regress,
        drop: drop.iter().map(|name| (*name).to_owned()).collect(),
        ..TableOptions::default()
    };
    Some(read_table(&path, &options).unwrap().0)
}
