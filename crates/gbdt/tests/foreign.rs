//! Models of LightGBM and XGBoost predict and explain here as there: files of `golden/foreign`, by `foreign.py`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it measured"
)]

use std::any::Any;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ndarray::{Array2, ArrayView1, ArrayView2};
use serde::Deserialize;
use tenure_core::{Dataset, Feature, FitContext, Learner, Model, OutputKind, Scale, Schema, Target, seed};
use tenure_gbdt::foreign::{self, ReadOptions, Rounds};
use tenure_gbdt::{ForestParams, GbdtParams, Link, TreeModel};

/// What `foreign.py` writes beside a model.
#[derive(Deserialize)]
struct Expected {
    rows: Vec<Vec<Option<f64>>>,
    outputs: Vec<Vec<f64>>,
    raw: Option<Vec<Vec<f64>>>,
    contributions: Option<Vec<Vec<Vec<f64>>>>,
    #[serde(default)]
    levels: BTreeMap<String, Vec<String>>,
    all_rounds: Option<Vec<Vec<f64>>>,
}

/// The greatest differences from what was expected, relative where the expected number is above 1.
#[derive(Debug, Default, Clone, Copy)]
struct Differences {
    outputs: f64,
    raw: f64,
    contributions: f64,
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/foreign")
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(golden().join(name)).unwrap()
}

/// Files of models with their expectations, in the order of their names.
fn models(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let model = |file: &PathBuf| !file.to_string_lossy().ends_with(".expected.json");
    let mut files: Vec<_> = files.filter(model).filter(|file| expectations(file).exists()).collect();
    files.sort();
    files
}

fn expectations(file: &Path) -> PathBuf {
    file.with_extension("expected.json")
}

fn expected(file: &Path) -> Expected {
    serde_json::from_slice(&std::fs::read(expectations(file)).unwrap()).unwrap()
}

fn matrix(rows: &[Vec<Option<f64>>]) -> Array2<f64> {
    let width = rows[0].len();
    let values = rows.iter().flatten().map(|value| value.unwrap_or(f64::NAN)).collect();
    Array2::from_shape_vec((rows.len(), width), values).unwrap()
}

fn greatest(found: impl IntoIterator<Item = f64>, expected: impl IntoIterator<Item = f64>) -> f64 {
    let differences = found.into_iter().zip(expected).map(|(f, e)| (f - e).abs() / e.abs().max(1.0));
    differences.fold(0.0, |most, d| if d > most || d.is_nan() { d } else { most })
}

fn outputs(model: &TreeModel, x: ArrayView2<'_, f64>) -> Array2<f64> {
    model.predict(x).unwrap()
}

fn raw(model: &TreeModel, x: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut raw = Array2::zeros((x.nrows(), model.outputs().len()));
    model.raw_into(x, raw.view_mut()).unwrap();
    raw
}

/// What the other library says of each feature for each output of a row, the bias last, as ours says it: classes are
/// centred beside each other.
fn centred(contributions: &[Vec<f64>], link: Link) -> Vec<Vec<f64>> {
    let mut of_outputs = contributions.to_vec();
    if link == Link::Softmax {
        for at in 0..contributions[0].len() {
            let mean = contributions.iter().map(|c| c[at]).sum::<f64>() / contributions.len() as f64;
            of_outputs.iter_mut().for_each(|c| c[at] -= mean);
        }
    }
    of_outputs
}

fn contribution_difference(model: &TreeModel, row: ArrayView1<'_, f64>, contributions: &[Vec<f64>]) -> f64 {
    let expected = centred(contributions, model.link());
    let of_output = |(output, expected): (usize, &Vec<f64>)| {
        let explanation = model.explain_row(&row.to_vec(), output).unwrap();
        assert_eq!(explanation.contributions.len() + 1, expected.len());
        let bias = [explanation.baseline];
        greatest(explanation.contributions.into_iter().chain(bias), expected.iter().copied())
    };
    expected.iter().enumerate().map(of_output).fold(0.0, f64::max)
}

fn flat(rows: &[Vec<f64>]) -> impl Iterator<Item = f64> {
    rows.iter().flatten().copied()
}

/// Raw scores of XGBoost are known but for the base score: less those of the first row.
fn less_the_first(values: Vec<f64>, outputs: usize, is: bool) -> Vec<f64> {
    let first = values[..outputs].to_vec();
    let less = |(at, value): (usize, f64)| value - if is { first[at % outputs] } else { 0.0 };
    values.into_iter().enumerate().map(less).collect()
}

fn differences(model: &TreeModel, expected: &Expected, xgboost: bool) -> Differences {
    let x = matrix(&expected.rows);
    let k = model.outputs().len();
    let outputs = greatest(outputs(model, x.view()), flat(&expected.outputs));
    let raw = expected.raw.as_ref().map_or(0.0, |scores| {
        let found = less_the_first(raw(model, x.view()).into_iter().collect(), k, xgboost);
        greatest(found, less_the_first(flat(scores).collect(), k, xgboost))
    });
    let contributions = expected.contributions.iter().flatten();
    let contributions = contributions.zip(x.rows()).map(|(c, row)| contribution_difference(model, row, c));
    Differences { outputs, raw, contributions: contributions.fold(0.0, f64::max) }
}

fn read_as_told(file: &Path, expected: &Expected) -> TreeModel {
    let options = ReadOptions { levels: expected.levels.clone(), ..ReadOptions::default() };
    let model = foreign::read_with(&std::fs::read(file).unwrap(), &options);
    model.unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn name(file: &Path) -> String {
    file.file_name().unwrap().to_string_lossy().into_owned()
}

fn check(file: &Path) {
    let expected = expected(file);
    if name(file).contains("linear") {
        return;
    }
    let xgboost = name(file).starts_with("xgboost");
    let model = read_as_told(file, &expected);
    let found = differences(&model, &expected, xgboost);
    // XGBoost sums in single precision, one rounding a tree; ours and those of LightGBM are in double.
    let rounding = 5e-8 * (10 + model.n_trees()) as f64;
    let (outputs, contributions) = if xgboost { (rounding, 1e-5) } else { (1e-9, 1e-9) };
    let fits = found.outputs <= outputs && found.raw <= 1e-9 && found.contributions <= contributions;
    assert!(fits, "{}: {found:?}", name(file));
}

#[test]
fn models_predict_and_explain_as_where_they_came_from() {
    let models = models(&golden());
    assert!(models.len() > 30, "{} models", models.len());
    models.iter().for_each(|file| check(file));
}

/// The same on full-size models and 100,000 rows, where `foreign.py --full` has written them.
#[test]
fn full_size_models_predict_and_explain_as_where_they_came_from() {
    match std::env::var_os("TENURE_FOREIGN") {
        Some(folder) => models(Path::new(&folder)).iter().for_each(|file| check(file)),
        None => println!("skipped: TENURE_FOREIGN names no folder of models"),
    }
}

#[test]
fn outputs_say_what_they_are() {
    let read = |name: &str| foreign::read(&bytes(name)).unwrap();
    let binary = read("lightgbm_binary.txt");
    assert_eq!(binary.objective(), "binary sigmoid:1");
    assert_eq!(binary.outputs()[0].kind, OutputKind::Probability);
    assert_eq!(binary.outputs()[0].scale, Scale::LogOdds);
    let capabilities = binary.capabilities();
    assert!(capabilities.explains && capabilities.categorical && !capabilities.weights);
    let names = |model: &TreeModel| model.outputs().iter().map(|o| o.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&read("xgboost_multiclass.json")), ["prediction_0", "prediction_1", "prediction_2"]);
    assert_eq!(read("lightgbm_multiclassova.txt").outputs()[2].kind, OutputKind::Probability);
    assert_eq!(read("lightgbm_gamma.txt").outputs()[0].scale, Scale::Log);
    assert_eq!(names(&read("xgboost_two_targets.json")), ["prediction_0", "prediction_1"]);

    let classes = Some(["low", "middle", "high"].map(str::to_owned).to_vec());
    let options = ReadOptions { target: "value".into(), classes, ..ReadOptions::default() };
    let told = foreign::read_with(&bytes("lightgbm_multiclass.txt"), &options).unwrap();
    assert_eq!(names(&told), ["value_low", "value_middle", "value_high"]);
}

#[test]
fn levels_have_the_names_of_the_file() {
    for (name, fourth) in [("lightgbm_pandas.txt", "größer"), ("xgboost_pandas.ubj", "grer")] {
        let model = foreign::read(&bytes(name)).unwrap();
        let plan = &model.schema().features()[4];
        assert_eq!((plan.name.as_str(), plan.levels().unwrap().len()), ("plan", 10), "{name}");
        assert_eq!(plan.encode(fourth), Some(3.0));
    }
    // Ordered categories are split as numbers, and have their names all the same.
    let model = foreign::read(&bytes("lightgbm_pandas.txt")).unwrap();
    assert_eq!(model.schema().features()[5].levels().unwrap(), ["a", "b", "c", "d"]);
    // Codes name themselves.
    let model = foreign::read(&bytes("lightgbm_binary.txt")).unwrap();
    assert_eq!(model.schema().features()[4].encode("7"), Some(7.0));
    let nameless = foreign::read(&bytes("xgboost_nameless.json")).unwrap();
    assert_eq!(nameless.schema().names().collect::<Vec<_>>(), ["f0", "f1", "f2", "f3", "f4"]);
}

/// XGBoost 3.2 stores `größ`, `erno`, … for `größer`, `none`, …
#[test]
fn names_that_xgboost_stored_wrongly_must_be_given() {
    let file = bytes("xgboost_umlaut.ubj");
    let error = foreign::read(&file).unwrap_err().to_string();
    assert!(error.contains("levels of `plan` in letters beyond ASCII"), "{error}");
    let names = ["monthly", "yearly", "trial", "größer", "none", "partner", "agent", "web", "shop", "phone"];
    let levels = [("plan".to_owned(), names.map(str::to_owned).to_vec())].into();
    let model = foreign::read_with(&file, &ReadOptions { levels, ..ReadOptions::default() }).unwrap();
    assert_eq!(model.schema().features()[4].encode("none"), Some(4.0));
}

#[test]
fn the_rounds_that_predict_can_be_chosen() {
    let file = golden().join("xgboost_early_stopping.json");
    let expected = expected(&file);
    let read = |rounds| {
        let options = ReadOptions { rounds, ..ReadOptions::default() };
        foreign::read_with(&bytes("xgboost_early_stopping.json"), &options).unwrap()
    };
    let [saved, best, all] = [Rounds::AsSaved, Rounds::Best, Rounds::All].map(read);
    assert_eq!(saved.n_trees(), best.n_trees());
    assert!(best.n_trees() < all.n_trees());
    let x = matrix(&expected.rows);
    assert!(greatest(outputs(&all, x.view()), flat(&expected.all_rounds.unwrap())) < 1e-6);
}

/// What is written predicts the same bits when it is read again; see `foreign_written.py` for what LightGBM says.
#[test]
fn what_is_written_predicts_the_same() {
    let folder = std::env::var_os("TENURE_WRITTEN");
    for file in models(&golden()) {
        let expected = expected(&file);
        if name(&file).contains("linear") {
            continue;
        }
        let model = read_as_told(&file, &expected);
        let text = foreign::lightgbm::write(&model).unwrap();
        let again = foreign::read(text.as_bytes()).unwrap();
        let x = matrix(&expected.rows);
        let bits = |model| outputs(model, x.view()).mapv(f64::to_bits);
        assert_eq!(bits(&model), bits(&again), "{}", name(&file));
        if let Some(folder) = &folder {
            std::fs::write(Path::new(folder).join(name(&file) + ".txt"), text).unwrap();
        }
    }
}

/// LightGBM loaded this very file and predicted what the golden file says.
#[test]
fn the_text_is_the_one_that_lightgbm_accepted() {
    let model = foreign::read(&bytes("lightgbm_pandas.txt")).unwrap();
    let text = foreign::lightgbm::write(&model).unwrap();
    assert!(text.as_bytes() == bytes("../foreign_written.txt"), "run foreign_written.py on the new text");
}

/// Numbers with missing values and two categorical columns, one of them with names.
fn table(target: impl Fn(f64, usize) -> f64, classes: usize) -> Dataset {
    let names = ["north", "south", "east", "west", "far away"];
    let schema = Schema::new(vec![
        Feature::numeric("days since", "days", ""),
        Feature::numeric("spend", "", ""),
        Feature::categorical("region", names, ""),
        Feature::categorical("plan", (0..70).map(|plan| plan.to_string()), ""),
    ]);
    let rows = 600;
    let draw = |row: usize, k: usize| seed::unit(7, (8 * row + k) as u64);
    let x = Array2::from_shape_fn((rows, 4), |(row, column)| match column {
        _ if draw(row, 4 + column) < 0.1 => f64::NAN,
        2 => (5.0 * draw(row, 2)).floor(),
        3 => (70.0 * draw(row, 3)).floor(),
        _ => draw(row, column) - 0.5,
    });
    let y =
        (0..rows).map(|row| target(draw(row, 0) - draw(row, 1), (70.0 * draw(row, 3)) as usize)).collect();
    let target = match classes {
        0 => Target::real("y", y),
        2 => Target::binary("y", y),
        _ => Target::classes("y", (0..classes).map(|class| class.to_string()), y),
    };
    Dataset::new(schema.unwrap(), x).unwrap().with_target(target.unwrap()).unwrap()
}

/// Our own models go there and back, and with `TENURE_WRITTEN` to `foreign_written.py`.
#[test]
fn what_was_trained_here_predicts_the_same_there() {
    let boosting = || GbdtParams { trees: 8, leaves: 8, ..GbdtParams::default() }.check().unwrap();
    let forest = || ForestParams { trees: 6, depth: Some(6), ..ForestParams::default() }.check().unwrap();
    let steep = |signal: f64, plan: usize| signal + if plan.is_multiple_of(3) { 0.3 } else { -0.3 };
    let binary = table(|signal, plan| f64::from(steep(signal, plan) > 0.0), 2);
    let classes = table(|signal, plan| f64::from(steep(signal, plan) > 0.0) + f64::from(signal > 0.3), 3);
    let real = table(steep, 0);
    let context = FitContext::new(1);
    for (name, data) in [("binary", binary), ("classes", classes), ("real", real)] {
        let learners: [(&str, Box<dyn Learner>); 2] =
            [("gbdt", Box::new(boosting())), ("forest", Box::new(forest()))];
        for (learner_name, learner) in learners {
            let fitted = learner.fit(&data, None, &context).unwrap();
            let model = (&*fitted.model as &dyn Any).downcast_ref::<TreeModel>().unwrap();
            let text = foreign::lightgbm::write(model).unwrap();
            let again = foreign::read(text.as_bytes()).unwrap();
            let found = outputs(&again, data.x());
            assert_eq!(
                outputs(model, data.x()).mapv(f64::to_bits),
                found.mapv(f64::to_bits),
                "{learner_name} {name}"
            );
            if let Some(folder) = std::env::var_os("TENURE_WRITTEN") {
                let file = Path::new(&folder).join(format!("lightgbm_own_{learner_name}_{name}.txt"));
                let lists = |x: ArrayView2<'_, f64>| -> Vec<Vec<Option<f64>>> {
                    let value = |value: &f64| (!value.is_nan()).then_some(*value);
                    x.rows().into_iter().map(|row| row.iter().map(value).collect()).collect()
                };
                let expected = serde_json::json!({"rows": lists(data.x()), "outputs": lists(found.view())});
                std::fs::write(expectations(&file), expected.to_string()).unwrap();
                std::fs::write(file.with_extension("txt.txt"), text).unwrap();
            }
        }
    }
}
