//! `tenure train all` and `tenure test-models`: everything at once, also where a part of it fails.
// Helpers outside #[test] functions may unwrap as tests do.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Answer, Place};

#[test]
fn all_models_are_trained_reach_their_targets_and_pass_their_test() {
    let place = Place::new("suite");
    place.run("synth contacts --contacts 1500 --out records").text();
    let text = place.run("train all --records records --models models").text();
    assert!(
        text.contains("3 of 3 models trained.") && text.contains("tenure test-models --models models"),
        "{text}"
    );
    for (figure, target) in [("MAE", "below 10"), ("R²", "above 0.80"), ("F1", "above 0.72")] {
        assert!(text.contains(figure) && text.contains(target), "{figure}: {text}");
    }
    let trained = place.run("train all --records records --models again --json").json();
    for outcome in trained.as_array().unwrap() {
        for figure in outcome["trained"]["figures"].as_array().unwrap() {
            let value = figure["value"].as_f64().unwrap();
            let Some(words) = figure["target"].as_str() else { continue };
            let (direction, bound) = words.split_once(' ').unwrap();
            let bound: f64 = bound.parse().unwrap();
            let reached = if direction == "below" { value < bound } else { value > bound };
            assert!(reached, "{}: {} is {value}, to be {words}", outcome["name"], figure["name"]);
        }
    }

    let text = place.run("test-models --models models --records records --samples 3").text();
    assert!(text.ends_with("PASS  contact\nPASS  engagement\nPASS  lead\n3 of 3 models passed.\n"), "{text}");
    assert_eq!(text.matches("/100, ").count(), 3, "three leads are scored: {text}");
    let alone = place.run("test-models --models models/lead --json").json();
    assert_eq!((alone[0]["name"].as_str(), alone[0]["passed"].as_bool()), (Some("lead"), Some(true)));
    // What is trained together can be used alone.
    place.run("lead evaluate --records records --model models/lead").text();
    place.run("contact evaluate --records records --model models/contact").text();
    place.run("engagement evaluate --records records --model models/engagement").text();
}

#[test]
fn what_cannot_be_trained_is_said_and_the_rest_is_trained() {
    let place = Place::new("few");
    place.run("synth contacts --contacts 400 --leads 20 --out records").text();
    let Answer { code, out, err } = place.run("train all --records records");
    assert_eq!(code, Some(3), "{err}");
    assert!(err.contains("not enough training data: 20 rows found, at least 100 needed"), "{err}");
    assert!(out.contains("lead scoring: not trained") && out.contains("2 of 3 models trained."), "{out}");
    let files = place.files("models");
    assert!(
        files.contains(&"contact/CURRENT".to_owned()) && files.contains(&"engagement/CURRENT".to_owned())
    );
    assert!(!files.contains(&"lead/CURRENT".to_owned()));
}

#[test]
fn a_damaged_model_fails_and_no_model_is_an_error() {
    let place = Place::new("damaged");
    place.run("synth contacts --out records").text();
    place.run("train all --records records").text();
    let manifest = place.files("models/lead").into_iter().find(|name| name.ends_with("/model.json")).unwrap();
    let manifest = format!("models/lead/{manifest}");
    place.write(&manifest, place.read_text(&manifest).replacen("score", "socre", 1));
    let Answer { code, out, err } = place.run("test-models");
    assert_eq!(code, Some(5), "{err}");
    assert!(out.contains("FAIL  lead") && out.contains("PASS  contact"), "{out}");
    assert!(err.contains("1 of 3 failed the test: lead"), "{err}");
    place.run("test-models --models records").refused(5, "model not found in records: train it first");
    place.run("test-models --models nowhere").refused(4, "nowhere");
}
