//! A model trained on other features than this program computes names them, and the rules answer instead.

use tenure_churn::{ChurnModel, ChurnParams, ChurnScorer, RULES_VERSION, evaluate, train};
use tenure_core::{FitContext, Metadata, Model};
use tenure_tests::{SEED, log};

#[test]
fn a_model_trained_on_other_columns_names_them_and_the_rules_answer() {
    let (log, until) = log(300).unwrap();
    let params =
        ChurnParams { backend: ChurnParams::backend_named("logistic").unwrap(), ..ChurnParams::default() };
    let context = FitContext::new(SEED);
    let trained = train(&log, &params, Some(until), &context).unwrap();
    let mut artifact = trained.model.to_artifact();
    // The first feature under another name, wherever the configuration says it.
    let name = trained.model.schema().features()[0].name.clone();
    let config = artifact.config.to_string().replace(&format!("\"{name}\""), "\"another\"");
    artifact.config = serde_json::from_str(&config).unwrap();
    let folder = tempfile::tempdir().unwrap();
    artifact.save(folder.path(), &Metadata::default()).unwrap();

    let words = format!(
        "the columns do not match the model: missing features [another], unexpected features [{name}]"
    );
    let (scorer, _) = ChurnScorer::load(folder.path());
    assert_eq!(scorer.fallback_reason(), Some(words.as_str()));
    let decisions = scorer.score_all(&log, until, &context).unwrap();
    assert!(decisions.iter().all(|d| d.model_version == RULES_VERSION));
    let (model, _) = ChurnModel::load(folder.path()).unwrap();
    assert_eq!(evaluate(&model, &log, until, None, &context).unwrap_err().to_string(), words);
}
