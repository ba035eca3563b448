//! Damaged and hostile model files end in an error that names the place, soon and without much memory.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use tenure_core::{Error, ErrorKind, Model};
use tenure_gbdt::TreeModel;
use tenure_gbdt::foreign::{self, Format, ReadOptions};

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/foreign").join(name)).unwrap()
}

fn text(name: &str) -> String {
    String::from_utf8(bytes(name)).unwrap()
}

/// A model that was accepted all the same must answer.
fn use_it(model: &TreeModel) {
    let row = vec![0.5; model.schema().len()];
    let mut out = vec![0.0; model.outputs().len()];
    model.predict_row(&row, &mut out).unwrap();
    model.explain_row(&row, 0).unwrap();
}

#[track_caller]
fn refused(bytes: impl AsRef<[u8]>, expected: &str) {
    let error = foreign::read(bytes.as_ref()).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
    assert!(error.to_string().len() < 400, "{error}");
    assert!(matches!(error.kind(), ErrorKind::Artifact | ErrorKind::Caller | ErrorKind::Data));
}

/// A LightGBM file with one line changed.
#[track_caller]
fn changed(line: &str, to: &str, expected: &str) {
    let sound = text("lightgbm_binary.txt");
    let at = sound.find(&format!("\n{line}")).unwrap() + 1;
    let end = at + sound[at..].find('\n').unwrap();
    refused(format!("{}{to}{}", &sound[..at], &sound[end..]), expected);
}

#[test]
fn formats_are_told_by_content() {
    let of = |name: &str| Format::of(&bytes(name));
    assert_eq!(of("lightgbm_binary.txt"), Some(Format::LightgbmText));
    assert_eq!(of("xgboost_binary.json"), Some(Format::XgboostJson));
    assert_eq!(of("xgboost_gamma.ubj"), Some(Format::XgboostUbjson));
    assert_eq!(Format::of(b" {\n \"learner\""), Some(Format::XgboostJson));
    for other in [&b""[..], b"tree", b"[]", b"{", b"\x80\x04", b"PK\x03\x04"] {
        assert_eq!(Format::of(other), None);
        refused(other, "foreign model, beginning: expected `tree`");
    }
    refused(b"binf\x00\x00", "old binary format");
    refused(b"{\"name\":\"tree\",\"version\":\"v4\"}", "missing field `learner`");
}

#[test]
fn what_is_not_supported_is_said_in_words() {
    refused(bytes("lightgbm_linear.txt"), "linear trees");
    refused(bytes("xgboost_linear.json"), "gblinear");
    refused(bytes("xgboost_vector.json"), "vector leaves");
    changed("objective=", "objective=regression sqrt", "objective `regression sqrt`");
    changed("objective=", "objective=cross_entropy_lambda", "objective `cross_entropy_lambda`");
    let hinge = text("xgboost_binary.json").replace("binary:logistic", "binary:hinge");
    refused(hinge, "objective `binary:hinge`");
}

#[test]
fn damaged_lines_are_named() {
    changed("version=", "version=v9", "line 2 (`version`): expected v3 or v4, found v9");
    changed(
        "max_feature_idx=",
        "max_feature_idx=18446744073709551615",
        "18446744073709551615 names, found 5",
    );
    changed("max_feature_idx=", "max_feature_idx=-1", "(`max_feature_idx`)");
    changed("num_tree_per_iteration=", "num_tree_per_iteration=999999999", "1 to 65536, found 999999999");
    changed("num_tree_per_iteration=", "num_tree_per_iteration=2", "an objective of 2 trees");
    changed("objective=", "objective=binary sigmoid:-1", "a sigmoid above 0, found -1");
    changed("feature_names=", "feature_names=a a b c d", "feature `a` occurs twice");
    changed("feature_infos=", "feature_infos=none none none none [1;2]", "found [1;2]");
    changed("tree_sizes=", "tree_sizes=1 2 3 4", "expected 4 trees, as in `tree_sizes`, found 3");
    changed("num_leaves=", "num_leaves=4000000000", "(`leaf_value`): expected 4000000000 values, found 5");
    changed("num_leaves=", "num_leaves=0", "(`leaf_value`): expected 0 values");
    changed("num_cat=", "num_cat=18446744073709551615", "(`cat_boundaries`)");
    changed("leaf_value=", "leaf_value=1 2 nan 4 5", "finite numbers, found NaN");
    changed("leaf_value=", "leaf_value=1 2 3 4", "5 values, found 4");
    changed("leaf_value=", "", "`leaf_value`, found nothing");
    changed("leaf_count=", "leaf_count=1 2 3 4 -5", "cover is not a finite number");
    changed("split_feature=", "split_feature=4 0 5 0", "features below 5, found 5");
    changed("threshold=", "threshold=0 nan 1 1", "a threshold, found NaN");
    changed("threshold=", "threshold=7 1 1 1", "the number of one of 1 sets, found 7");
    changed("threshold=", "threshold=-1 1 1 1", "the number of one of 1 sets, found -1");
    changed("left_child=", "left_child=0 -2 -1 -3", "reached twice");
    changed("left_child=", "left_child=2 -2 -9 -3", "child -9 does not exist");
    changed("right_child=", "right_child=1 3 -4 99", "child 99 does not exist");
    changed("cat_boundaries=", "cat_boundaries=1 0", "(`cat_threshold`)");
    changed("cat_boundaries=", "cat_boundaries=0 4000000000", "(`cat_threshold`)");
    changed(
        "pandas_categorical:",
        "pandas_categorical:[[[1]]]",
        "levels that are texts, numbers or booleans",
    );
    changed("pandas_categorical:", "pandas_categorical:[[\"a\",", "lists of levels in JSON");
    changed("pandas_categorical:", "pandas_categorical:[[],[],[],[],[],[],[]]", "lists that fit the columns");
}

/// A category code beyond reason is not the number of levels that are made up.
#[test]
fn great_codes_do_not_make_great_schemas() {
    let sound = text("lightgbm_binary.txt");
    let at = sound.find("feature_infos=").unwrap();
    let end = at + sound[at..].find('\n').unwrap();
    let infos = "feature_infos=none none none none 0:2147483647";
    refused(format!("{}{infos}{}", &sound[..at], &sound[end..]), "category codes of");

    let document = text("xgboost_binary.json");
    let at = document.find("\"categories\":[").unwrap() + "\"categories\":[".len();
    refused(format!("{}2147483647,{}", &document[..at], &document[at..]), "");
    let features = document.replace("\"num_feature\":\"5\"", "\"num_feature\":\"4000000000\"");
    assert_ne!(document, features);
    refused(features, "4000000000 features in a file of");
    let classes = document.replace("\"num_class\":\"0\"", "\"num_class\":\"4000000000\"");
    refused(classes, "found 4000000000");
}

/// Replaces the first value of a field's list in the first tree.
fn with_first(document: &str, field: &str, value: &str) -> String {
    let key = format!("\"{field}\":[");
    let at = document.find(&key).unwrap() + key.len();
    let end = at + document[at..].find([',', ']']).unwrap();
    format!("{}{value}{}", &document[..at], &document[end..])
}

#[test]
fn damaged_documents_are_named() {
    // A root on a number: 1.5 is its condition.
    let sound = text("xgboost_poisson.json");
    let first =
        |field: &str, value: &str, expected: &str| refused(with_first(&sound, field, value), expected);
    first("left_children", "0", "one parent, found two, or a ring");
    first("left_children", "99", "tree 0, node 99: expected a node below their number");
    first("left_children", "-7", "a child, found -7");
    first("right_children", "-1", "a child, found -1");
    first("split_indices", "5", "a feature of the model, found 5");
    first("sum_hessian", "-1", "cover is not a finite number");
    first("default_left", "2", "expected 0 or 1");
    first("split_indices", "1,2", "`split_indices`: expected");
    first("tree_info", "3", "an output below 1 for tree 0, found 3");
    first("categories_sizes", "99", "a segment for each node");
    refused(sound.replace("\"base_score\":\"[", "\"base_score\":\"[x"), "`base_score`");
    refused(sound.replace("\"num_trees\":\"3\"", "\"num_trees\":\"4\""), "expected 4 trees, found 3");
    refused(sound.replace("gbtree\"", "other\""), "expected gbtree or dart, found other");
}

/// Every beginning of a file is refused, or, where only what nobody needs is lost, answers.
#[test]
fn truncated_files_are_refused() {
    for name in ["lightgbm_pandas.txt", "xgboost_binary.json", "xgboost_pandas.ubj"] {
        let sound = bytes(name);
        for end in (0..sound.len()).step_by(7) {
            match foreign::read(&sound[..end]) {
                Ok(model) => {
                    assert!(sound[..end].windows(12).any(|w| w == b"end of trees"), "{name} up to {end}");
                    use_it(&model);
                }
                Err(Error::Internal(detail)) => panic!("{name} up to {end}: {detail}"),
                Err(_) => {}
            }
        }
    }
}

/// A cheap fuzzer for every run of the tests; `fuzz/` has the thorough ones.
#[test]
fn changed_bytes_end_in_an_error_or_a_model_that_answers() {
    for name in
        ["lightgbm_pandas.txt", "lightgbm_multiclass.txt", "xgboost_binary.json", "xgboost_pandas.ubj"]
    {
        let sound = bytes(name);
        for round in 0..300 {
            let mut bytes = sound.clone();
            for change in 0..1 + round % 4 {
                let draw = |k: u64| tenure_core::seed::mix(round, 8 * change + k) as usize;
                let at = draw(0) % bytes.len();
                match draw(1) % 3 {
                    0 => bytes[at] = draw(2) as u8,
                    1 => bytes[at] = b"0123456789-. \n\"[]{}:,e"[draw(2) % 22],
                    _ => drop(bytes.drain(at..(at + draw(2) % 9).min(bytes.len()))),
                }
            }
            if let Ok(model) = foreign::read(&bytes) {
                use_it(&model);
            }
        }
    }
}

/// A chain of nodes as deep as the file is long.
#[test]
fn deep_trees_are_refused() {
    let nodes = 20_000;
    let list = |of: &dyn Fn(usize) -> String, count: usize| (0..count).map(of).collect::<Vec<_>>().join(" ");
    let chain = format!(
        "tree\nversion=v4\nnum_tree_per_iteration=1\nmax_feature_idx=0\nfeature_names=x\n\nTree=0\nnum_leaves={}\n\
         split_feature={}\nthreshold={}\ndecision_type={}\nleft_child={}\nright_child={}\nleaf_value={}\n\
         leaf_count={}\ninternal_count={}\nend of trees\n",
        nodes + 1,
        list(&|_| "0".into(), nodes),
        list(&|at| at.to_string(), nodes),
        list(&|_| "0".into(), nodes),
        list(&|at| format!("-{}", at + 1), nodes),
        list(&|at| if at + 1 < nodes { (at + 1).to_string() } else { format!("-{}", nodes + 1) }, nodes),
        list(&|_| "1".into(), nodes + 1),
        list(&|_| "1".into(), nodes + 1),
        list(&|_| "1".into(), nodes),
    );
    refused(chain, "more than 1024 tests on a path");
}

#[test]
fn options_that_do_not_fit_are_refused() {
    let model = bytes("lightgbm_multiclass.txt");
    let classes = Some(vec!["a".to_owned(), "b".to_owned()]);
    let error = foreign::read_with(&model, &ReadOptions { classes, ..ReadOptions::default() }).unwrap_err();
    assert!(error.to_string().contains("one for each of the model's 3 outputs"), "{error}");
    let levels = [("colour".to_owned(), vec!["red".to_owned()])].into();
    let error = foreign::read_with(&model, &ReadOptions { levels, ..ReadOptions::default() }).unwrap_err();
    assert!(error.to_string().contains("of `colour`"), "{error}");
}
