//! Learners of other libraries keep the contract.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(any(feature = "lightgbm", feature = "xgboost", feature = "linfa", feature = "smartcore"))]

use tenure_backends::Backend;
use tenure_backends::conformance::{self, Subject, Task};

const CLASSES: &[Task] = &[Task::Binary, Task::Multiclass];
const ALL: &[Task] = &[Task::Binary, Task::Multiclass, Task::Regression];

/// From the JSON of a configuration file.
fn backend(json: &str) -> Backend {
    serde_json::from_str(json).unwrap()
}

fn assert_conforms(json: &str, tasks: &[Task]) {
    assert_conforms_but_for(json, tasks, &[]);
}

fn assert_conforms_but_for(json: &str, tasks: &[Task], excused: &[&str]) {
    let learner = backend(json).check().unwrap();
    let subject = Subject { learner: learner.as_ref(), load: &tenure_backends::load, tasks };
    let mut failures = conformance::check(&subject);
    failures.retain(|f| !excused.contains(&f.check));
    assert!(failures.is_empty(), "{}", conformance::summary(&failures));
}

/// What changing a parameter is answered with.
fn refusal(json: &str) -> String {
    match serde_json::from_str::<Backend>(json) {
        Ok(backend) => backend.check().unwrap_err().to_string(),
        Err(unknown) => unknown.to_string(),
    }
}

#[cfg(feature = "lightgbm")]
mod lightgbm {
    use super::*;

    #[test]
    fn conforms() {
        assert_conforms(r#"{"backend": "lightgbm", "trees": 30}"#, ALL);
    }

    #[test]
    fn conforms_on_drawn_rows_and_columns() {
        // Row draws go by the row's number, so that the laws about repeated rows hold in distribution only.
        let excused = ["double_weight", "unequal_weights"];
        let json = r#"{"backend": "lightgbm", "trees": 30, "row_fraction": 0.7, "column_fraction": 0.5}"#;
        assert_conforms_but_for(json, ALL, &excused);
    }

    #[test]
    fn refuses_in_words() {
        let words = refusal(r#"{"backend": "lightgbm", "bins": 256}"#);
        assert_eq!(words, "parameter `bins` is 256; expected 2 to 255");
        let words = refusal(r#"{"backend": "lightgbm", "colour": 1}"#);
        assert!(words.starts_with("unknown field `colour`"), "{words}");
    }
}

#[cfg(feature = "xgboost")]
mod xgboost {
    use super::*;

    #[test]
    fn conforms() {
        assert_conforms(r#"{"backend": "xgboost", "trees": 30}"#, ALL);
    }

    #[test]
    fn conforms_on_drawn_rows_and_columns() {
        // So too here, and a tree without a split answers the mean of the rows that it drew.
        let excused = ["double_weight", "unequal_weights", "constant_column"];
        let json = r#"{"backend": "xgboost", "trees": 30, "row_fraction": 0.7, "column_fraction": 0.5}"#;
        assert_conforms_but_for(json, ALL, &excused);
    }

    #[test]
    fn refuses_in_words() {
        let words = refusal(r#"{"backend": "xgboost", "min_rows": 20}"#);
        assert!(words.starts_with("xgboost does not support `min_rows` of 20"), "{words}");
        let words = refusal(r#"{"backend": "xgboost", "learning_rate": 0}"#);
        assert_eq!(words, "parameter `learning_rate` is 0; expected above 0, at most 1");
        let words = refusal(r#"{"backend": "xgboost", "categorical": {}}"#);
        assert!(words.starts_with("unknown field `categorical`"), "{words}");
    }
}

#[cfg(feature = "linfa")]
mod linfa {
    use super::*;

    #[test]
    fn logistic_conforms() {
        assert_conforms(r#"{"backend": "linfa-logistic"}"#, CLASSES);
    }

    #[test]
    fn forest_conforms() {
        assert_conforms(r#"{"backend": "linfa-forest", "trees": 50, "depth": 5}"#, CLASSES);
    }

    #[test]
    fn refuses_in_words() {
        let words = refusal(r#"{"backend": "linfa-logistic", "tolerance": 0}"#);
        assert_eq!(words, "parameter `tolerance` is 0; expected a finite number above 0");
        let words = refusal(r#"{"backend": "linfa-forest", "node_column_fraction": 0.5}"#);
        assert!(words.starts_with("unknown field `node_column_fraction`"), "{words}");
    }
}

#[cfg(feature = "smartcore")]
mod smartcore {
    use super::*;

    #[test]
    fn logistic_conforms() {
        assert_conforms(r#"{"backend": "smartcore-logistic"}"#, CLASSES);
    }

    #[test]
    fn forest_conforms() {
        assert_conforms(r#"{"backend": "smartcore-forest", "trees": 100, "depth": 5}"#, ALL);
    }

    #[test]
    fn refuses_in_words() {
        let words = refusal(r#"{"backend": "smartcore-logistic", "max_iterations": 10}"#);
        assert!(words.starts_with("smartcore-logistic does not support `max_iterations`"), "{words}");
    }
}
