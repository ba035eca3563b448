use ndarray::Array2;
use proptest::prelude::*;
use tenure_core::{Error, Feature};

use super::testing::{Draws, LEVELS, classes, model, row, schema, spec, tree};
use super::*;
use crate::tree::{Leaf, Node, Rule};

/// Which way a row goes at a node, straight from the definition.
fn goes_left(tree: &Tree, node: &Node, row: &[f64]) -> bool {
    let value = row[node.feature as usize];
    match node.rule {
        _ if node.is_missing(value) => node.missing_left,
        Rule::Threshold(t) => value <= t,
        Rule::Categories { .. } if value as usize >= LEVELS => node.missing_left,
        Rule::Categories { start, words } => match tree.words(start, words).get(value as usize / 64) {
            Some(word) => word >> (value as usize % 64) & 1 == 1,
            None => node.missing_left,
        },
    }
}

/// The tree's answer when only the features in `known` are known.
fn value(tree: &Tree, child: i32, row: &[f64], known: u32) -> f64 {
    if child < 0 {
        return tree.leaves[!child as usize].value;
    }
    let node = &tree.nodes[child as usize];
    let below = |child| value(tree, child, row, known);
    if known >> node.feature & 1 == 1 {
        return below(if goes_left(tree, node, row) { node.left } else { node.right });
    }
    let (left, right) = (tree.cover(node.left), tree.cover(node.right));
    let share = if left + right > 0.0 { left / (left + right) } else { 0.5 };
    share * below(node.left) + (1.0 - share) * below(node.right)
}

fn raw_by_definition(model: &TreeModel, row: &[f64]) -> Vec<f64> {
    let scores = model.base.len();
    let of_score = |score: usize| {
        let trees = model.trees.iter().skip(score).step_by(scores);
        trees.fold(model.base[score], |sum, tree| sum + value(tree, tree.root(), row, u32::MAX))
    };
    (0..scores).map(of_score).collect()
}

fn raw(model: &TreeModel, row: &[f64]) -> Vec<f64> {
    let mut raw = vec![0.0; model.base.len()];
    model.forest.raw_row(row, &mut raw);
    raw
}

/// Shapley values from their definition: a weighted sum over all sets of the other features.
fn shapley_by_definition(model: &TreeModel, row: &[f64]) -> Vec<f64> {
    let n = row.len() as u32;
    let worth: Vec<f64> = (0..1 << n)
        .map(|known| model.trees.iter().map(|tree| value(tree, tree.root(), row, known)).sum())
        .collect();
    let factorial = |k: u32| (1..=k).map(f64::from).product::<f64>();
    let weight = |size: u32| factorial(size) * factorial(n - size - 1) / factorial(n);
    let others = |i: u32| (0..1u32 << n).filter(move |known| known >> i & 1 == 0);
    let phi = |i: u32| {
        others(i)
            .map(|known| {
                weight(known.count_ones()) * (worth[(known | 1 << i) as usize] - worth[known as usize])
            })
            .sum()
    };
    (0..n).map(phi).collect()
}

/// Shapley interaction values from their definition, features × features: off the diagonal half a weighted sum
/// over all sets of the other features, on it what is left of the contribution.
fn interactions_by_definition(model: &TreeModel, row: &[f64]) -> Vec<f64> {
    let n = row.len();
    let worth: Vec<f64> = (0..1 << n)
        .map(|known| model.trees.iter().map(|tree| value(tree, tree.root(), row, known)).sum())
        .collect();
    let factorial = |k: u32| (1..=k).map(f64::from).product::<f64>();
    let weight =
        |size: u32| factorial(size) * factorial(n as u32 - size - 2) / (2.0 * factorial(n as u32 - 1));
    let mut interactions = vec![0.0; n * n];
    for i in 0..n {
        for j in (0..n).filter(|&j| j != i) {
            let (i_bit, j_bit) = (1 << i, 1 << j);
            interactions[i * n + j] = (0..1usize << n)
                .filter(|known| known & (i_bit | j_bit) == 0)
                .map(|known| {
                    let with = |bits: usize| worth[known | bits];
                    let both = with(i_bit | j_bit) - with(i_bit) - with(j_bit) + with(0);
                    weight(known.count_ones()) * both
                })
                .sum();
        }
    }
    for (i, contribution) in shapley_by_definition(model, row).into_iter().enumerate() {
        let others: f64 = (0..n).filter(|&j| j != i).map(|j| interactions[i * n + j]).sum();
        interactions[i * n + i] = contribution - others;
    }
    interactions
}

fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len());
    for (at, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() <= tolerance, "{what}, number {at}: {f}, expected {e}");
    }
}

fn rows(seed: u64, rows: usize, features: usize) -> Array2<f64> {
    let mut draws = Draws::new(seed);
    let values = (0..rows).flat_map(|_| row(&mut draws, features)).collect();
    Array2::from_shape_vec((rows, features), values).unwrap()
}

fn bits(values: impl IntoIterator<Item = f64>) -> Vec<u64> {
    values.into_iter().map(f64::to_bits).collect()
}

#[test]
fn predictions_follow_the_definition() {
    for (seed, depth) in [(1, 6), (2, 40)] {
        for model in [model(seed, 10, 37, 60, depth), classes(seed, 10, 37, 60, depth)] {
            for row in rows(3, 200, 10).rows() {
                let row = row.to_vec();
                assert_eq!(bits(raw(&model, &row)), bits(raw_by_definition(&model, &row)));
            }
        }
    }
}

#[test]
fn contributions_are_the_shapley_values() {
    // Six features and up to 20 splits: most paths test a feature again.
    for seed in 0..20 {
        let model = model(seed, 6, 2, 20, 12);
        for row in rows(seed, 5, 6).rows() {
            let row = row.to_vec();
            let found = model.explain_row(&row, 0).unwrap().contributions;
            assert_close(&found, &shapley_by_definition(&model, &row), 1e-12, &format!("seed {seed}"));
        }
    }
}

#[test]
fn contributions_of_long_paths_are_the_shapley_values() {
    // Twelve distinct features on a path need a second group of quadrature points.
    let model = model(5, 12, 2, 60, 25);
    for row in rows(9, 3, 12).rows() {
        let row = row.to_vec();
        let found = model.explain_row(&row, 0).unwrap().contributions;
        assert_close(&found, &shapley_by_definition(&model, &row), 1e-11, "long paths");
    }
}

#[test]
fn interactions_are_the_shapley_interaction_values() {
    for seed in 0..20 {
        let model = model(seed, 6, 2, 20, 12);
        for row in rows(seed, 5, 6).rows() {
            let row = row.to_vec();
            let found = model.interaction_row(&row, 0).unwrap();
            let expected = interactions_by_definition(&model, &row);
            assert_close(found.as_slice().unwrap(), &expected, 1e-12, &format!("seed {seed}"));
        }
    }
    // Twelve distinct features on a path.
    let model = model(5, 12, 2, 60, 25);
    for row in rows(9, 2, 12).rows() {
        let row = row.to_vec();
        let found = model.interaction_row(&row, 0).unwrap();
        assert_close(
            found.as_slice().unwrap(),
            &interactions_by_definition(&model, &row),
            1e-11,
            "long paths",
        );
    }
}

#[test]
fn rows_of_interactions_add_up_to_the_contributions() {
    for model in [model(3, 20, 50, 30, 10), classes(3, 20, 50, 30, 10)] {
        let output = model.outputs().len() - 1;
        let x = rows(4, 5, 20);
        let mut batch = ndarray::Array3::zeros((5, 20, 20));
        model.interactions_into(x.view(), output, batch.view_mut()).unwrap();
        for (row, of_row) in x.rows().into_iter().zip(batch.outer_iter()) {
            let row = row.to_vec();
            let alone = model.interaction_row(&row, output).unwrap();
            assert_eq!(alone, of_row);
            assert_eq!(alone, alone.t());
            let sums = alone.sum_axis(ndarray::Axis(1)).to_vec();
            assert_close(&sums, &model.explain_row(&row, output).unwrap().contributions, 1e-12, "rows");
        }
    }
    let (mut few, x) = (ndarray::Array3::zeros((5, 20, 19)), rows(4, 5, 20));
    let model = model(3, 20, 5, 30, 10);
    assert!(matches!(model.interactions_into(x.view(), 0, few.view_mut()), Err(Error::Shape { .. })));
    assert!(matches!(model.interaction_row(&[0.0; 20], 1), Err(Error::NoOutput { .. })));
}

#[test]
fn all_outputs_explained_at_once_are_those_explained_alone() {
    for model in [model(3, 12, 20, 30, 10), classes(3, 12, 20, 30, 10)] {
        for row in rows(4, 5, 12).rows() {
            let row = row.to_vec();
            let all = model.explain_outputs(&row).unwrap();
            assert_eq!(all.len(), model.outputs().len());
            for (output, explanation) in all.into_iter().enumerate() {
                let alone = model.explain_row(&row, output).unwrap();
                assert_eq!(explanation.baseline.to_bits(), alone.baseline.to_bits());
                assert_eq!(bits(explanation.contributions), bits(alone.contributions));
            }
        }
    }
}

#[test]
fn baseline_and_contributions_add_up_to_the_raw_score() {
    for (features, splits, depth) in [(30, 30, 6), (60, 200, 30), (4, 100, 60)] {
        let model = model(11, features, 200, splits, depth);
        for row in rows(4, 20, features).rows() {
            let row = row.to_vec();
            let total = model.explain_row(&row, 0).unwrap().total();
            assert!((total - raw(&model, &row)[0]).abs() < 1e-9);
        }
    }
}

#[test]
fn classes_are_explained_beside_each_other() {
    let model = classes(11, 30, 50, 30, 6);
    for row in rows(4, 20, 30).rows() {
        let row = row.to_vec();
        let mut outputs = [0.0; 3];
        model.predict_row(&row, &mut outputs).unwrap();
        assert!((outputs.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for class in 0..3 {
            let explanation = model.explain_row(&row, class).unwrap();
            let centred = explanation.scale.from_outputs(&outputs, class);
            assert!((explanation.total() - centred).abs() < 1e-9);
        }
    }
}

#[test]
fn batch_and_single_row_agree_bit_for_bit() {
    for model in [model(6, 20, 50, 40, 10), classes(6, 20, 50, 40, 10)] {
        let last = model.outputs().len() - 1;
        for count in [0, 1, 7, 8, 9, 600] {
            let x = rows(8, count, 20);
            let batch = model.predict(x.view()).unwrap();
            let mut explained = Array2::zeros(x.raw_dim());
            model.explain_into(x.view(), last, explained.view_mut()).unwrap();
            // The same rows in column-major order take the path of rows that are not contiguous.
            let turned = x.t().as_standard_layout().into_owned();
            assert_eq!(bits(batch.clone()), bits(model.predict(turned.t()).unwrap()));
            for (at, row) in x.rows().into_iter().enumerate() {
                let mut out = vec![0.0; last + 1];
                model.predict_row(row.as_slice().unwrap(), &mut out).unwrap();
                assert_eq!(bits(out), bits(batch.row(at).to_vec()));
                let explanation = model.explain_row(row.as_slice().unwrap(), last).unwrap();
                assert_eq!(bits(explanation.contributions), bits(explained.row(at).to_vec()));
            }
        }
    }
}

#[test]
fn a_small_model_after_a_large_one_does_not_read_its_answers() {
    let (large, small) = (model(1, 12, 80, 60, 20), model(2, 3, 3, 5, 4));
    let (x, y) = (rows(1, 100, 12), rows(2, 3, 3));
    let alone = small.predict(y.view()).unwrap();
    large.predict(x.view()).unwrap();
    assert_eq!(bits(small.predict(y.view()).unwrap()), bits(alone));
}

#[test]
fn a_forest_without_splits_gives_its_base_and_leaves() {
    let leaf = Tree { nodes: vec![], leaves: vec![Leaf { value: 0.5, cover: 3.0 }], category_bits: vec![] };
    let spec = spec(schema(1), vec![Output::value("v", "days")], Link::Identity);
    let model = TreeModel::new("test", spec, vec![1.0], vec![leaf]).unwrap();
    assert_eq!(model.predict(rows(1, 2, 1).view()).unwrap(), ndarray::array![[1.5], [1.5]]);
    let explanation = model.explain_row(&[f64::NAN], 0).unwrap();
    assert_eq!((explanation.baseline, explanation.contributions), (1.5, vec![0.0]));
}

#[test]
fn infinities_widths_and_outputs_are_refused() {
    let model = model(6, 4, 5, 10, 5);
    let mut x = rows(1, 20, 4);
    x[[13, 1]] = f64::NEG_INFINITY;
    let said = "feature `f1`, row 13: -inf is not a finite number (missing is written as NaN)";
    assert_eq!(model.predict(x.view()).unwrap_err().to_string(), said);
    let mut out = x.clone();
    assert_eq!(model.explain_into(x.view(), 0, out.view_mut()).unwrap_err().to_string(), said);
    let row = [0.0, f64::INFINITY, 0.0, 0.0];
    assert!(matches!(model.predict_row(&row, &mut [0.0]), Err(Error::NotFinite { .. })));
    assert!(matches!(model.explain_row(&row, 0), Err(Error::NotFinite { .. })));
    assert!(matches!(model.predict_row(&[0.0; 3], &mut [0.0]), Err(Error::Shape { .. })));
    assert!(matches!(model.predict_row(&[0.0; 4], &mut [0.0; 2]), Err(Error::Shape { .. })));
    assert!(matches!(model.explain_row(&[0.0; 4], 1), Err(Error::NoOutput { output: 1, outputs: 1 })));
}

#[test]
fn importance_sums_gains_and_counts_splits() {
    let model = model(6, 4, 5, 10, 5);
    let nodes = || model.trees.iter().flat_map(|tree| &tree.nodes);
    let gain: f64 = nodes().filter(|n| n.feature == 1).map(|n| n.gain).sum();
    assert!((model.importance(Importance::Gain)[1] - gain).abs() < 1e-12);
    assert_eq!(model.importance(Importance::Split).iter().sum::<f64>(), nodes().count() as f64);
}

#[test]
fn saved_and_loaded_agree_bit_for_bit() {
    let model = model(6, 20, 50, 40, 10);
    let loaded = TreeModel::from_artifact(&model.to_artifact()).unwrap();
    assert_eq!(loaded.spec, model.spec);
    assert_eq!(loaded.trees, model.trees);
    assert_eq!(loaded.to_artifact(), model.to_artifact());
    let x = rows(8, 100, 20);
    assert_eq!(bits(loaded.predict(x.view()).unwrap()), bits(model.predict(x.view()).unwrap()));
    assert_eq!(loaded.schema(), model.schema());
    assert_eq!(loaded.outputs(), model.outputs());
}

fn artifact_of(trees: &[Tree]) -> Artifact {
    claiming(trees.len(), model(6, 4, 0, 0, 0).to_artifact().with_part(TREES, codec::encode(trees)))
}

/// The artifact with another count of trees in its configuration.
fn claiming(trees: usize, mut artifact: Artifact) -> Artifact {
    artifact.config["trees"] = trees.into();
    artifact
}

#[test]
fn trees_that_do_not_fit_are_refused_in_words() {
    let sound = tree(&mut Draws::new(1), &schema(4), 3, 5);
    let check = |change: fn(&mut Tree), expected: &str| {
        let mut tree = sound.clone();
        change(&mut tree);
        let error = TreeModel::from_artifact(&artifact_of(&[tree])).unwrap_err();
        assert!(matches!(error, Error::ArtifactDamaged { .. }));
        assert!(error.to_string().contains(expected), "{error}");
    };
    TreeModel::from_artifact(&artifact_of(std::slice::from_ref(&sound))).unwrap();
    check(|t| t.nodes[1].left = 9, "child 9 does not exist");
    check(|t| t.nodes[1].left = 0, "child 0 is reached twice");
    check(|t| t.nodes[1].left = i32::MIN, "does not exist");
    check(|t| (t.nodes[0].left, t.nodes[0].right) = (!0, !1), "reached");
    check(|t| t.nodes[0].feature = 4, "feature 4 of a schema of 4");
    check(|t| t.nodes[0].rule = Rule::Threshold(f64::NAN), "threshold NaN");
    check(|t| t.nodes[0].cover = -1.0, "node 0: gain or cover");
    check(|t| t.leaves[2].value = f64::INFINITY, "leaf 2");
    check(
        |t| {
            t.nodes[0].feature = 0;
            t.nodes[0].rule = Rule::Categories { start: 0, words: 0 };
        },
        "categories of the numeric feature `f0`",
    );
    check(
        |t| {
            t.nodes[0].feature = 2;
            t.nodes[0].rule = Rule::Categories { start: u32::MAX, words: 2 };
        },
        "category words",
    );
}

#[test]
fn outputs_bases_and_trees_that_do_not_fit_are_refused_in_words() {
    let check = |change: fn(&mut Artifact), expected: &str| {
        let mut artifact = classes(1, 4, 2, 3, 3).to_artifact();
        change(&mut artifact);
        let error = TreeModel::from_artifact(&artifact).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(|a| a.config["trees"] = 5.into(), "3 outputs, 3 base scores, 5 trees");
    check(|a| drop(a.parts.insert(BASE.into(), vec![0; 16])), "3 outputs, 2 base scores, 6 trees");
    check(
        |a| a.config["spec"]["outputs"][1]["scale"] = "log".into(),
        "output `y_b` is explained on another scale",
    );
}

#[test]
fn hostile_counts_are_refused_before_memory_is_taken() {
    let artifact = artifact_of(&[]);
    assert!(TreeModel::from_artifact(&claiming(usize::MAX, artifact.clone())).is_err());
    let bytes = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x00].to_vec();
    let mut huge = claiming(1, artifact.with_part(TREES, [bytes, vec![0; 30]].concat()));
    let error = TreeModel::from_artifact(&huge).unwrap_err().to_string();
    assert!(error.contains("items of at least"), "{error}");
    huge.parts.insert(BASE.into(), f64::NAN.to_le_bytes().to_vec());
    assert!(TreeModel::from_artifact(&huge).unwrap_err().to_string().contains("`base`"));
    assert!(matches!(
        TreeModel::from_artifact(&Artifact { version: VERSION + 1, ..huge.clone() }),
        Err(Error::ArtifactVersion { .. })
    ));
    huge.kind = "mlp".into();
    assert!(matches!(TreeModel::from_artifact(&huge), Err(Error::ArtifactKind { .. })));
}

proptest! {
    #[test]
    fn truncated_trees_are_damaged(seed in 0u64..50, cut in 0.0..1.0) {
        let mut artifact = model(seed, 5, 3, 8, 6).to_artifact();
        let bytes = artifact.parts.get_mut(TREES).unwrap();
        bytes.truncate((bytes.len() as f64 * cut) as usize);
        let damaged = matches!(TreeModel::from_artifact(&artifact), Err(Error::ArtifactDamaged { .. }));
        prop_assert!(damaged);
    }

    #[test]
    fn flipped_bits_never_panic(seed in 0u64..50, flips in prop::collection::vec((0.0..1.0, 0u8..8), 1..4)) {
        let mut artifact = model(seed, 5, 3, 8, 6).to_artifact();
        let bytes = artifact.parts.get_mut(TREES).unwrap();
        for (at, bit) in flips {
            let at = (bytes.len() as f64 * at) as usize;
            bytes[at] ^= 1 << bit;
        }
        // A flip within a number gives another sound model, anything else an error.
        match TreeModel::from_artifact(&artifact) {
            Ok(model) => {
                model.predict(rows(seed, 9, 5).view()).unwrap();
                model.explain_row(&rows(seed, 1, 5).row(0).to_vec(), 0).unwrap();
            }
            Err(error) => prop_assert_eq!(error.kind(), tenure_core::ErrorKind::Artifact),
        }
    }
}

/// What tests/golden/make_lightgbm.py writes.
#[derive(Deserialize)]
struct Golden {
    rows: Vec<Vec<Option<f64>>>,
    raw: Vec<f64>,
    contributions: Vec<Vec<f64>>,
    trees: Vec<serde_json::Value>,
}

fn golden_tree(json: &serde_json::Value) -> Tree {
    let mut tree = Tree { nodes: vec![], leaves: vec![], category_bits: vec![] };
    golden_child(json, &mut tree);
    tree
}

fn golden_child(json: &serde_json::Value, tree: &mut Tree) -> i32 {
    let number = |key: &str| json[key].as_f64().unwrap();
    if json.get("value").is_some() {
        tree.leaves.push(Leaf { value: number("value"), cover: number("cover") });
        return !(tree.leaves.len() as i32 - 1);
    }
    let rule = match json["categories"].as_array() {
        None => Rule::Threshold(number("threshold")),
        Some(categories) => {
            let start = tree.category_bits.len();
            tree.category_bits.extend([0; 2]);
            for category in categories.iter().map(|c| c.as_u64().unwrap() as usize) {
                tree.category_bits[start + category / 64] |= 1 << (category % 64);
            }
            Rule::Categories { start: start as u32, words: 2 }
        }
    };
    let at = tree.nodes.len();
    // LightGBM sends missing categories right, whatever the node's default says.
    let missing_left = matches!(rule, Rule::Threshold(_)) && json["default_left"].as_bool().unwrap();
    let feature = number("feature") as u32;
    let (gain, cover) = (number("gain"), number("cover"));
    tree.nodes.push(Node {
        feature,
        rule,
        missing_left,
        zero_missing: false,
        left: 0,
        right: 0,
        gain,
        cover,
    });
    tree.nodes[at].left = golden_child(&json["left"], tree);
    tree.nodes[at].right = golden_child(&json["right"], tree);
    at as i32
}

#[test]
fn lightgbm_agrees_on_scores_and_contributions() {
    let golden: Golden = serde_json::from_str(include_str!("../../tests/golden/lightgbm.json")).unwrap();
    let mut features: Vec<_> = (0..5).map(|i| Feature::numeric(format!("x{i}"), "", "")).collect();
    features.push(Feature::categorical("c", (0..70).map(|l| l.to_string()), ""));
    let trees = golden.trees.iter().map(golden_tree).collect();
    let spec = spec(Schema::new(features).unwrap(), vec![Output::probability("p")], Link::Logistic);
    let model = TreeModel::new("test", spec, vec![0.0], trees).unwrap();
    for (at, row) in golden.rows.iter().enumerate() {
        let row: Vec<f64> = row.iter().map(|v| v.unwrap_or(f64::NAN)).collect();
        assert_close(&raw(&model, &row), &[golden.raw[at]], 1e-12, "raw score");
        let mut found = model.explain_row(&row, 0).unwrap().contributions;
        found.push(model.baseline(0).unwrap());
        assert_close(&found, &golden.contributions[at], 1e-9, &format!("contributions of row {at}"));
    }
}

/// What tests/golden/interactions.py writes.
#[derive(Deserialize)]
struct GoldenInteractions {
    rows: Vec<Vec<Option<f64>>>,
    interactions: Vec<Vec<f64>>,
    trees: Vec<serde_json::Value>,
}

#[test]
fn the_package_shap_agrees_on_interactions() {
    let golden = include_str!("../../tests/golden/interactions.json");
    let golden: GoldenInteractions = serde_json::from_str(golden).unwrap();
    let features = (0..6).map(|i| Feature::numeric(format!("x{i}"), "", "")).collect();
    let trees = golden.trees.iter().map(golden_tree).collect();
    let spec = spec(Schema::new(features).unwrap(), vec![Output::value("y", "")], Link::Identity);
    let model = TreeModel::new("test", spec, vec![0.0], trees).unwrap();
    for (at, (row, expected)) in golden.rows.iter().zip(&golden.interactions).enumerate() {
        let row: Vec<f64> = row.iter().map(|v| v.unwrap_or(f64::NAN)).collect();
        let found = model.interaction_row(&row, 0).unwrap();
        assert_close(found.as_slice().unwrap(), expected, 1e-9, &format!("interactions of row {at}"));
    }
}
