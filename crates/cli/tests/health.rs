//! `tenure health` on synthetic customers.
// Helpers outside #[test] functions may unwrap and print as tests do.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::process::Stdio;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use common::{Place, number};
use serde_json::{Value, json};

/// What every training here has: a small network, soon done.
const TRAIN: &str = "health train --train-data data/train.jsonl --val-data data/validation.jsonl --hidden 16,8 \
                     --dropout 0.1 --learning-rate 0.005";

/// Customers in `data`, and `models` learned from them.
static PLACE: LazyLock<Place> = LazyLock::new(|| {
    let place = Place::new("health");
    place.run("synth marketplace --customers 1200 --seed 3 --out data").text();
    place.write(
        "trained.txt",
        place.run(&format!("{TRAIN} --test-data data/test.jsonl --epochs 5 --output-dir models")).text(),
    );
    place
});

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn training_can_be_followed_and_leaves_its_files() {
    let told = PLACE.read_text("trained.txt");
    let epochs: Vec<&str> = told.lines().filter(|line| line.starts_with("Epoch ")).collect();
    assert_eq!(epochs.len(), 5, "{told}");
    assert!(
        epochs[0].starts_with("Epoch 1/5  loss ")
            && epochs[0].contains("  val ")
            && epochs[0].contains("  lr 5.0e-3  "),
        "{told}"
    );
    for words in [
        "All 5 epochs done. The weights of epoch ",
        "best attainable",
        "linear models",
        "expected  ",
        "Churn AUC (30d)",
        "< 0.15",
        "by segment",
    ] {
        assert!(told.contains(words), "{words}\n{told}");
    }
    let files = PLACE.files("models");
    for file in [
        "best_model/CURRENT",
        "final_model/CURRENT",
        "checkpoint/CURRENT",
        "best_model.safetensors",
        "final_model.safetensors",
        "training_history.json",
        "normalization_params.json",
    ] {
        assert!(files.iter().any(|found| found == file), "{file}: {files:?}");
    }
    assert!(
        files.iter().any(|file| file.starts_with("logs/health-") && file.contains("tfevents")),
        "{files:?}"
    );
    let normalization: Value =
        serde_json::from_str(&PLACE.read_text("models/normalization_params.json")).unwrap();
    for name in ["mean", "std", "features"] {
        assert_eq!(normalization[name].as_array().unwrap().len(), 59);
    }
    let history: BTreeMap<String, Vec<f64>> =
        serde_json::from_str(&PLACE.read_text("models/training_history.json")).unwrap();
    assert!(history["loss"].len() == 5 && history["loss"][4] < history["loss"][0], "{history:?}");
    assert!(history["val_churn_risk_30d_auc"][4] > 0.8, "{history:?}");
}

#[test]
fn figures_are_there_for_programs() {
    let trained = PLACE
        .run(&format!("{TRAIN} --test-data data/test.jsonl --epochs 5 --output-dir again --json"))
        .json();
    assert!(number(&trained, "/metrics/churn_risk_14d/auc") > 0.8);
    assert!(number(&trained, "/oracle/health_score/mae") < number(&trained, "/metrics/health_score/mae"));
    assert_eq!(number(&trained, "/training/epochs"), 5.0);
    // The same seed, the same model; and the evaluation by itself says the same.
    assert_eq!(PLACE.model_parts("again/best_model"), PLACE.model_parts("models/best_model"));
    let evaluated = PLACE
        .run("health evaluate --model models --test-data data/test.jsonl --report health.html --json")
        .json();
    assert_eq!(evaluated["metrics"], trained["metrics"]);
    assert_eq!(evaluated["oracle"], trained["oracle"]);
    assert!(PLACE.read_text("health.html").starts_with("<!DOCTYPE html>"));

    // A truth of other customers: an error where it was asked for, a note where it merely lies there.
    fs::create_dir_all(PLACE.path.join("elsewhere")).unwrap();
    PLACE.write("elsewhere/truth.csv", "customer_id,truth_churn_risk_30d\nX,0.5\n");
    fs::copy(PLACE.path.join("data/test.jsonl"), PLACE.path.join("elsewhere/test.jsonl")).unwrap();
    let told = PLACE.run("health evaluate --model models --test-data elsewhere/test.jsonl").text();
    assert!(told.contains("note: elsewhere/truth.csv was left out: "), "{told}");
    PLACE
        .run("health evaluate --model models --test-data data/test.jsonl --truth elsewhere/truth.csv")
        .refused(3, "no column `truth_first_session_success`; `tenure synth marketplace` writes one");
}

#[test]
fn predictions_have_the_names_of_the_specification() {
    PLACE.run("health predict --model models --data data/test.jsonl --out predictions.jsonl").text();
    let predictions = lines(&PLACE.read_text("predictions.jsonl"));
    let customers = lines(&PLACE.read_text("data/test.jsonl"));
    assert_eq!((predictions.len(), customers.len()), (180, 180));
    let names = [
        "churn_risk_14d",
        "churn_risk_30d",
        "customer_health_score",
        "customer_id",
        "feature_importance",
        "first_session_success_prob",
        "predicted_session_velocity",
    ];
    assert_eq!(predictions[0].as_object().unwrap().keys().collect::<Vec<_>>(), names);
    assert_eq!(predictions[7]["customer_id"], customers[7]["customer_id"]);

    // One customer alone, by name, has the same answer; so has the list of values.
    let features: serde_json::Map<String, Value> = customers[7]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| !name.starts_with("label_") && *name != "customer_id" && *name != "segment")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let normalization: Value =
        serde_json::from_str(&PLACE.read_text("models/normalization_params.json")).unwrap();
    let list: Vec<Value> = normalization["features"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| features[name.as_str().unwrap()].clone())
        .collect();
    for row in [json!({"features": features}), json!(features), json!({"features": list})] {
        let alone = PLACE
            .run_with(&["health", "predict", "--model", "models", "--row", &row.to_string(), "--json"])
            .json();
        let mut expected = predictions[7].clone();
        expected.as_object_mut().unwrap().remove("customer_id");
        assert_eq!(alone, expected);
    }
    let by_slope = PLACE
        .run_with(&[
            "health",
            "predict",
            "--model",
            "models",
            "--row",
            &json!(list).to_string(),
            "--json",
            "--target",
            "health_score",
            "--attribution",
            "gradient",
        ])
        .json();
    assert_ne!(by_slope["feature_importance"], predictions[7]["feature_importance"]);

    let id = customers[7]["customer_id"].as_str().unwrap();
    let told = PLACE.run(&format!("health explain --model models --data data/test.jsonl --id {id}")).text();
    assert!(told.contains("What moves churn_risk_30d") && told.contains("(typical: "), "{told}");
    PLACE
        .run("health explain --model models --data data/test.jsonl --id nobody")
        .refused(2, "`nobody` is not among the 180 customers");
    PLACE
        .run_with(&["health", "predict", "--model", "models", "--row", "[1]"])
        .refused(2, "features: expected 59, found 1");
    PLACE
        .run("health predict --model models --data data/test.jsonl --out data/test.jsonl")
        .refused(2, "is read by this command");
    PLACE
        .run_with(&[
            "health",
            "predict",
            "--model",
            "models",
            "--row",
            &json!(list).to_string(),
            "--target",
            "mood",
        ])
        .refused(2, "`target` is mood");
}

#[test]
fn alerts_are_raised_once_and_judged() {
    let raise = |at: &str| {
        let line = format!(
            "health alerts --model models --data data/test.jsonl --state state.json --at {at} --out alerts.jsonl --json"
        );
        PLACE.run(&line).json()
    };
    let first = raise("2026-03-02");
    let alerts = lines(&PLACE.read_text("alerts.jsonl"));
    assert_eq!(number(&first, "/raised/alerts"), alerts.len() as f64);
    assert!(
        alerts.len() > 20
            && alerts.iter().all(|alert| alert["at"] == "2026-03-02" && alert["message"].is_string())
    );
    let second = raise("2026-03-05");
    assert_eq!(
        (number(&second, "/raised/alerts"), number(&second, "/raised/suppressed")),
        (0.0, alerts.len() as f64)
    );

    let judged =
        PLACE.run("health alerts --model models --outcomes data/test.jsonl --state state.json --json").json();
    assert_eq!(number(&judged, "/judged/noted"), alerts.len() as f64);
    let churn = &judged["judged"]["types"][1];
    assert_eq!(churn["type"], "HIGH_CHURN_RISK");
    assert!(number(churn, "/precision/share") > 0.7, "{churn}");
    // The labels say it too.
    let left: BTreeMap<String, bool> = lines(&PLACE.read_text("data/test.jsonl"))
        .iter()
        .map(|row| {
            (
                row["customer_id"].as_str().unwrap().to_owned(),
                row["label_churn_risk_30d"].as_f64() == Some(1.0),
            )
        })
        .collect();
    let of_kind: Vec<bool> = alerts
        .iter()
        .filter(|alert| alert["type"] == "HIGH_CHURN_RISK")
        .map(|alert| left[alert["customer_id"].as_str().unwrap()])
        .collect();
    let right = of_kind.iter().filter(|&&left| left).count();
    assert_eq!(number(churn, "/precision/share"), right as f64 / of_kind.len() as f64);
}

#[test]
fn outcomes_come_as_a_list_too() {
    PLACE.run("health alerts --model models --data data/test.jsonl --state listed.json --at 2026-03-02 --out listed.jsonl").text();
    let alerts = lines(&PLACE.read_text("listed.jsonl"));
    let spikes: Vec<&str> = alerts
        .iter()
        .filter(|a| a["type"] == "IB_CALL_SPIKE")
        .map(|a| a["customer_id"].as_str().unwrap())
        .collect();
    let mut csv = "customer_id,type,happened\n".to_owned();
    spikes
        .iter()
        .enumerate()
        .for_each(|(at, id)| writeln!(csv, "{id},IB_CALL_SPIKE,{}", u8::from(at == 0)).unwrap());
    writeln!(csv, "somebody,IB_CALL_SPIKE,0").unwrap();
    PLACE.write("outcomes.csv", &csv);
    let judged =
        PLACE.run("health alerts --model models --outcomes outcomes.csv --state listed.json --json").json();
    let spike = &judged["judged"]["types"][0];
    assert_eq!(number(spike, "/precision/share"), 1.0 / spikes.len() as f64);
    assert_eq!(number(spike, "/false_positive_rate/of"), spikes.len() as f64);

    PLACE.write("bad.csv", "customer_id,type,happened\nA,IB_CALL_SPIKE,maybe\n");
    PLACE
        .run("health alerts --model models --outcomes bad.csv")
        .refused(3, "bad.csv: line 2: column `happened`: `maybe`");
    PLACE.write("bad.jsonl", "{\"customer_id\":\"A\",\"type\":\"CALLS\",\"happened\":true}\n");
    PLACE
        .run("health alerts --model models --outcomes bad.jsonl")
        .refused(3, "bad.jsonl: line 1: unknown variant `CALLS`");
    PLACE.write("rules.json", r#"{"rules": {"IB_CALL_SPIKE": {"threshold": 0}}}"#);
    PLACE
        .run("health alerts --model models --data data/test.jsonl --config rules.json")
        .refused(2, "`IB_CALL_SPIKE.threshold` is 0");
    PLACE.write("rules.json", r#"{"rules": {"IB_CALL_SPIKE": {"treshold": 3}}}"#);
    PLACE
        .run("health alerts --model models --data data/test.jsonl --config rules.json")
        .refused(2, "unknown field `treshold`");
}

#[test]
fn a_package_is_what_sagemaker_unpacks() {
    let packed = PLACE.run("health package --model models --out packed/model.tar.gz --json").json();
    let bytes = PLACE.read("packed/model.tar.gz");
    assert_eq!(number(&packed, "/bytes"), bytes.len() as f64);
    PLACE.run("health package --model models/best_model --out packed/again.tar.gz").text();
    assert_eq!(PLACE.read("packed/again.tar.gz"), bytes);

    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
    let mut names = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        assert_eq!((entry.header().mtime().unwrap(), entry.header().uid().unwrap()), (0, 0));
        names.push(entry.path().unwrap().to_str().unwrap().to_owned());
        entry.read_to_end(&mut Vec::new()).unwrap();
    }
    assert!(
        names.is_sorted() && names[0] == "CURRENT" && names.contains(&"normalization_params.json".to_owned()),
        "{names:?}"
    );
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
    archive.unpack(PLACE.path.join("unpacked")).unwrap();
    PLACE.run("health predict --model unpacked --data data/test.jsonl --out unpacked.jsonl").text();
    PLACE.run("health predict --model models --data data/test.jsonl --out packed.jsonl").text();
    assert_eq!(PLACE.read("unpacked.jsonl"), PLACE.read("packed.jsonl"));
}

#[test]
fn a_training_that_is_killed_goes_on_to_the_same_bits() {
    let whole = format!("{TRAIN} --epochs 30 --patience 0 --output-dir");
    PLACE.run(&format!("{whole} whole")).text();
    let line = format!("{whole} killed");
    let arguments: Vec<&str> = line.split_whitespace().collect();
    let mut child = PLACE.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while !PLACE.path.join("killed/checkpoint/v00000003").exists()
        && begun.elapsed() < Duration::from_secs(60)
    {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!PLACE.path.join("killed/best_model").exists(), "it was done before it could be killed");
    let told = PLACE.run(&format!("{line} --resume")).text();
    assert!(told.contains("Going on after epoch "), "{told}");
    assert_eq!(PLACE.model_parts("killed/best_model"), PLACE.model_parts("whole/best_model"));
    assert_eq!(PLACE.model_parts("killed/final_model"), PLACE.model_parts("whole/final_model"));
    assert_eq!(PLACE.read("killed/training_history.json"), PLACE.read("whole/training_history.json"));
    PLACE.run(&format!("{whole} never --resume")).refused(5, "--resume: no checkpoint in never");
    PLACE.run(&format!("{line} --resume --seed 43")).refused(3, "checkpoint");
}

#[test]
fn what_cannot_be_used_is_said_in_words() {
    let place = &*PLACE;
    let train = place.read_text("data/train.jsonl");
    let changed = |name: &str, from: &str, to: &str| {
        let mut lines: Vec<String> = train.lines().map(str::to_owned).collect();
        let mut row: Value = serde_json::from_str(&lines[4]).unwrap();
        row[from] = serde_json::from_str(to).unwrap();
        lines[4] = row.to_string();
        place.write(name, lines.join("\n"));
    };
    changed("high.jsonl", "label_health_score", "130");
    place
        .run("health train --train-data high.jsonl --output-dir x")
        .refused(3, "high.jsonl, line 5, column `label_health_score`");
    changed("soft.jsonl", "label_churn_risk_30d", "0.3");
    place
        .run("health train --train-data soft.jsonl --output-dir x")
        .refused(3, "line 5, column `label_churn_risk_30d`");
    changed("masked.jsonl", "label_churn_risk_30d", "null");
    let told =
        place.run("health train --train-data masked.jsonl --epochs 1 --hidden 4 --output-dir masked").text();
    assert!(
        told.contains("1 labels of churn_risk_30d are not known and were left out of its loss"),
        "{told}"
    );
    assert!(told.contains("of the training rows were held out to choose the best epoch by"), "{told}");

    place.write("none.jsonl", "");
    place
        .run("health train --train-data data/train.jsonl --val-data none.jsonl --output-dir x")
        .refused(3, "none.jsonl");
    place
        .run("health train --train-data data/train.jsonl --profile sagemaker --output-dir x")
        .refused(2, "missing features of the profile `sagemaker`");
    place
        .run("health train --train-data data/train.jsonl --learning-rate 0 --output-dir x")
        .refused(2, "`learning_rate` is 0");
    place
        .run("health train --train-data data/train.jsonl --task-weights churn=2 --output-dir x")
        .refused(2, "--task-weights: unknown field `churn`");
    place
        .run("health train --train-data data/train.jsonl --task-weights churn --output-dir x")
        .refused(2, "`churn` is not TASK=FACTOR");
    place
        .run("health predict --model nowhere --data data/test.jsonl --out x.jsonl")
        .refused(5, "model not found in nowhere");
    assert!(!place.path.join("x/best_model").exists());

    let wild = place.run(
        &format!("{TRAIN} --learning-rate 1000 --epochs 3 --output-dir wild")
            .replace("--learning-rate 0.005 ", ""),
    );
    assert!(
        wild.out.contains("learning rate")
            || wild.err.contains("`learning_rate` is 1000; expected a lower one"),
        "{wild:?}"
    );

    place.run("table train --data data/test.csv --target label_churn_risk_30d --task binary --backend logistic --drop customer_id --model other/best_model");
    place.run(&format!("{TRAIN} --output-dir other")).refused(2, "holds a model of kind");
}
