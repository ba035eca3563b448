//! Writing the text.

use std::fmt::{Display, Write};

use tenure_core::{Error, Feature, Result};

use super::blocks::{CATEGORICAL, DEFAULT_LEFT, MISSING_NAN, MISSING_ZERO};
use crate::predict::breadth_first;
use crate::tree::{Leaf, Node, Rule, Tree};
use crate::{Link, TreeModel};

/// What counts of covers that are no counts add up to: shares are kept to nine digits.
const WHOLE: f64 = (1_u32 << 30) as f64;

/// Writes a model as a text that LightGBM 3 and 4 load and predict the same from, to the bit but for its `exp`;
/// [`super::super::read`] gives back a model with the same predictions.
///
/// Any [`TreeModel`] can be written: trained here, a forest, or read from a file. A base score becomes a first tree
/// of one leaf; a forest that averages probabilities becomes a model without an objective, whose raw scores are the
/// outputs. Python takes categorical columns as codes, or, where levels have names (other than `0`, `1`, …), as a
/// pandas column of that category type: levels that are all integers are written as such.
///
/// The names of outputs and units, and descriptions of features, have no place in the file; white space in names of
/// features becomes `_`.
///
/// # Errors
/// [`Error::Unsupported`] for a model without features, or with two whose names differ in white space only.
pub fn write(model: &TreeModel) -> Result<String> {
    let (spec, base, trees) = model.parts();
    let features = spec.schema.features();
    let names = names(features)?;
    let scores = base.len();
    let first = if base.iter().all(|&base| base == 0.0) { &[] } else { base };
    let mut blocks: Vec<String> = Vec::with_capacity(first.len() + trees.len());
    blocks.extend(first.iter().enumerate().map(|(at, &value)| {
        let leaves = vec![Leaf { value, cover: 0.0 }];
        block(at, &Tree { nodes: Vec::new(), leaves, category_bits: Vec::new() }, features)
    }));
    blocks.extend(trees.iter().enumerate().map(|(at, tree)| block(first.len() + at, tree, features)));

    let mut text = String::from("tree\nversion=v4\n");
    line(&mut text, "num_class", scores);
    line(&mut text, "num_tree_per_iteration", scores);
    line(&mut text, "label_index", 0);
    line(&mut text, "max_feature_idx", features.len() - 1);
    if let Some(objective) = objective(&spec.objective, spec.link, scores) {
        line(&mut text, "objective", objective);
    }
    line(&mut text, "feature_names", names.join(" "));
    line(&mut text, "feature_infos", Spaced(infos(features, trees)));
    line(&mut text, "tree_sizes", Spaced(blocks.iter().map(String::len)));
    text.push('\n');
    text.extend(blocks);
    text.push_str(
        "end of trees\n\nfeature_importances:\n\nparameters:\n\nend of parameters\n\npandas_categorical:",
    );
    text.push_str(&pandas(features)?);
    text.push('\n');
    Ok(text)
}

/// Appends `key=value`.
fn line(text: &mut String, key: &str, value: impl Display) {
    // Writing into a string does not fail.
    let _ = writeln!(text, "{key}={value}");
}

/// Values with spaces between them.
struct Spaced<I>(I);

impl<I: Iterator<Item: Display> + Clone> Display for Spaced<I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, value) in self.0.clone().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            value.fmt(f)?;
        }
        Ok(())
    }
}

/// The shortest text that reads as the same number, with an exponent where there were many zeros.
#[derive(Clone)]
struct Number(f64);

impl Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.0, f)
    }
}

fn unsupported(what: impl Into<String>) -> Error {
    Error::unsupported("writing of LightGBM models", what)
}

/// Names without the white space that separates them in the file.
fn names(features: &[Feature]) -> Result<Vec<String>> {
    if features.is_empty() {
        return Err(unsupported("a model without features"));
    }
    let name = |feature: &Feature| feature.name.replace(|c: char| c.is_whitespace() || c.is_control(), "_");
    let names: Vec<String> = features.iter().map(name).collect();
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => {
            Err(unsupported(format!("two features of the name `{}` (white space is `_`)", pair[0])))
        }
        None => Ok(names),
    }
}

/// The objective whose link is the model's; none where raw scores are the outputs of several.
fn objective(own: &str, link: Link, scores: usize) -> Option<String> {
    // Ours have a parameter in brackets.
    let first = own.split([' ', '(']).next().unwrap_or_default();
    Some(match link {
        Link::Logistic if scores == 1 => "binary sigmoid:1".into(),
        Link::Logistic => format!("multiclassova num_class:{scores} sigmoid:1"),
        Link::Softmax => format!("multiclass num_class:{scores}"),
        Link::Exp if matches!(first, "gamma" | "tweedie") => first.into(),
        Link::Exp => "poisson".into(),
        Link::Identity if scores > 1 => return None,
        Link::Identity => match first {
            "absolute_error" => "regression_l1".into(),
            "regression_l1" | "huber" | "fair" | "quantile" | "mape" | "lambdarank" | "rank_xendcg" => {
                first.into()
            }
            _ => "regression".into(),
        },
    })
}

/// What `feature_infos` says: the codes of categories, or the range of the thresholds.
fn infos<'a>(features: &'a [Feature], trees: &[Tree]) -> impl Iterator<Item = String> + Clone + use<'a> {
    let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); features.len()];
    for node in trees.iter().flat_map(|tree| &tree.nodes) {
        if let Rule::Threshold(threshold) = node.rule {
            let (least, greatest) = &mut ranges[node.feature as usize];
            *least = least.min(threshold);
            *greatest = greatest.max(threshold);
        }
    }
    features.iter().zip(ranges).map(|(feature, (least, greatest))| match feature.levels() {
        Some(levels) if !levels.is_empty() => {
            let codes: Vec<String> = (0..levels.len()).map(|code| code.to_string()).collect();
            codes.join(":")
        }
        None if least <= greatest => format!("[{}:{}]", Number(least), Number(greatest)),
        _ => "none".into(),
    })
}

/// The levels of categorical features as JSON, in the order of the features; `null` where they are but codes.
fn pandas(features: &[Feature]) -> Result<String> {
    let lists = || features.iter().filter_map(Feature::levels);
    let is_code = |(code, level): (usize, &String)| level.parse() == Ok(code);
    if lists().all(|levels| levels.iter().enumerate().all(is_code)) {
        return Ok("null".into());
    }
    let is_integer = |level: &String| level.parse::<i64>().is_ok_and(|number| number.to_string() == *level);
    let list = |levels: &[String]| match levels.iter().all(is_integer) {
        true => Ok(format!("[{}]", levels.join(", "))),
        false => serde_json::to_string(levels),
    };
    let lists = lists().map(list).collect::<Result<Vec<_>, _>>();
    let lists = lists.map_err(|error| Error::Internal(format!("levels as JSON: {error}")))?;
    Ok(format!("[{}]", lists.join(", ")))
}

/// The lines of a tree.
fn block(at: usize, tree: &Tree, features: &[Feature]) -> String {
    let mut text = String::new();
    let (nodes, leaves) = (&tree.nodes, &tree.leaves);
    line(&mut text, "Tree", at);
    line(&mut text, "num_leaves", leaves.len());
    let splits: Vec<Split> = nodes.iter().map(|node| Split::of(tree, node, features)).collect();
    let sets = || splits.iter().filter_map(|split| split.set.as_ref());
    line(&mut text, "num_cat", sets().count());
    let mut set = 0;
    let threshold = |(split, node): (&Split, &Node)| match node.rule {
        Rule::Threshold(threshold) => Number(threshold).to_string(),
        Rule::Categories { .. } => {
            let own = set;
            set += usize::from(split.set.is_some());
            own.to_string()
        }
    };
    let thresholds: Vec<String> = splits.iter().zip(nodes).map(threshold).collect();
    let subtrees = Subtrees::of(tree);
    line(&mut text, "split_feature", Spaced(nodes.iter().map(|node| node.feature)));
    line(&mut text, "split_gain", Spaced(nodes.iter().map(|node| Number(node.gain))));
    line(&mut text, "threshold", thresholds.join(" "));
    line(&mut text, "decision_type", Spaced(splits.iter().map(|split| split.decision)));
    line(&mut text, "left_child", Spaced(splits.iter().map(|split| split.left)));
    line(&mut text, "right_child", Spaced(splits.iter().map(|split| split.right)));
    line(&mut text, "leaf_value", Spaced(leaves.iter().map(|leaf| Number(leaf.value))));
    line(&mut text, "leaf_weight", Spaced(leaves.iter().map(|leaf| Number(leaf.cover))));
    line(&mut text, "leaf_count", Spaced(subtrees.leaf_counts.iter()));
    line(&mut text, "internal_value", Spaced(subtrees.means.iter().map(|&mean| Number(mean))));
    line(&mut text, "internal_weight", Spaced(nodes.iter().map(|node| Number(node.cover))));
    line(&mut text, "internal_count", Spaced(subtrees.node_counts.iter()));
    if set > 0 {
        let ends = sets().scan(0, |end, words| {
            *end += words.len();
            Some(*end)
        });
        line(&mut text, "cat_boundaries", Spaced(std::iter::once(0).chain(ends)));
        line(&mut text, "cat_threshold", Spaced(sets().flatten()));
    }
    text.push_str("is_linear=0\nshrinkage=1\n\n\n");
    text
}

/// A split as LightGBM has it.
struct Split {
    decision: u8,
    left: i32,
    right: i32,
    /// The codes that go left, 32 to a word.
    set: Option<Vec<u32>>,
}

impl Split {
    /// Where missing values go with a set of categories, the set is turned round: there they always go right.
    fn of(tree: &Tree, node: &Node, features: &[Feature]) -> Self {
        let default = if node.missing_left { DEFAULT_LEFT } else { 0 };
        let missing = if node.zero_missing { MISSING_ZERO } else { MISSING_NAN };
        let (left, right) = (node.left, node.right);
        match node.rule {
            Rule::Threshold(_) => Self { decision: default | missing << 2, left, right, set: None },
            Rule::Categories { start, words } => {
                let words = tree.words(start, words);
                let levels = features[node.feature as usize].levels().map_or(0, <[String]>::len);
                let set = Some(codes(words, levels, node.missing_left));
                let (left, right) = if node.missing_left { (right, left) } else { (left, right) };
                Self { decision: CATEGORICAL | missing << 2, left, right, set }
            }
        }
    }
}

/// The set, or what else the words speak of, as far as it is levels.
fn codes(words: &[u64], levels: usize, turned: bool) -> Vec<u32> {
    let mut set = Vec::with_capacity(2 * words.len());
    for (at, &word) in words.iter().enumerate() {
        let within = match levels.saturating_sub(64 * at) {
            0 => 0,
            below @ 1..64 => (1 << below) - 1,
            _ => u64::MAX,
        };
        let word = if turned { !word & within } else { word & within };
        set.extend([word as u32, (word >> 32) as u32]);
    }
    // One word at least: LightGBM has no empty sets.
    let used = set.iter().rposition(|&word| word != 0).map_or(1, |last| last + 1);
    set.resize(used, 0);
    set
}

/// What LightGBM keeps of subtrees.
struct Subtrees {
    leaf_counts: Vec<u64>,
    node_counts: Vec<u64>,
    means: Vec<f64>,
}

impl Subtrees {
    /// Covers as counts: themselves where they are counts, otherwise shares of a large number, none of them 0.
    fn of(tree: &Tree) -> Self {
        let is_count = |cover: f64| cover >= 1.0 && cover.fract() == 0.0;
        let total: f64 = tree.leaves.iter().map(|leaf| leaf.cover).sum();
        let are_counts = total <= f64::from(i32::MAX) && tree.leaves.iter().all(|leaf| is_count(leaf.cover));
        let factor = if are_counts || total <= 0.0 { 1.0 } else { WHOLE / total };
        let count = |leaf: &Leaf| (leaf.cover * factor).round().max(1.0) as u64;
        let mut subtrees = Self {
            leaf_counts: tree.leaves.iter().map(count).collect(),
            node_counts: vec![0; tree.nodes.len()],
            means: vec![0.0; tree.nodes.len()],
        };
        // Children come after their parents.
        for (child, _) in breadth_first(tree).into_iter().rev() {
            if let Ok(at) = usize::try_from(child) {
                let node = &tree.nodes[at];
                let [left, right] = [node.left, node.right].map(|child| subtrees.count_and_mean(tree, child));
                let (count, sum) = (left.0 + right.0, left.0 as f64 * left.1 + right.0 as f64 * right.1);
                subtrees.node_counts[at] = count;
                subtrees.means[at] = sum / count as f64;
            }
        }
        subtrees
    }

    fn count_and_mean(&self, tree: &Tree, child: i32) -> (u64, f64) {
        match usize::try_from(child) {
            Ok(node) => (self.node_counts[node], self.means[node]),
            Err(_) => (self.leaf_counts[!child as usize], tree.leaves[!child as usize].value),
        }
    }
}

#[cfg(test)]
mod tests {
    use tenure_core::{Model, Output, Schema};

    use super::*;
    use crate::foreign;
    use crate::model::testing::{self, Draws};

    fn bits(model: &TreeModel, row: &[f64]) -> Vec<u64> {
        let mut outputs = vec![0.0; model.outputs().len()];
        model.predict_row(row, &mut outputs).unwrap();
        outputs.into_iter().map(f64::to_bits).collect()
    }

    #[track_caller]
    fn check_rows(model: &TreeModel, again: &TreeModel, features: usize) {
        let mut draws = Draws::new(3);
        for _ in 0..200 {
            let row = testing::row(&mut draws, features);
            assert_eq!(bits(model, &row), bits(again, &row), "{row:?}");
        }
    }

    #[test]
    fn what_is_written_reads_with_the_same_predictions() {
        for seed in 0..10 {
            for model in [testing::model(seed, 8, 9, 20, 8), testing::classes(seed, 8, 5, 20, 8)] {
                let again = foreign::read(write(&model).unwrap().as_bytes()).unwrap();
                assert_eq!(again.schema().len(), 8);
                check_rows(&model, &again, 8);
                // What was read is written as it was read, but for the order of words in sets.
                let text = write(&again).unwrap();
                assert!(text == write(&foreign::read(text.as_bytes()).unwrap()).unwrap(), "seed {seed}");
            }
        }
    }

    /// Trees of one leaf and several values without a link, as a forest of classes has.
    #[test]
    fn raw_outputs_of_several_scores_need_no_objective() {
        let schema = testing::schema(3);
        let outputs = vec![Output::value("a", ""), Output::value("b", "")];
        let mut draws = Draws::new(1);
        let trees = (0..4).map(|at| testing::tree(&mut draws, &schema, 5 * (at % 2), 4)).collect();
        let model =
            TreeModel::new("test", testing::spec(schema, outputs, Link::Identity), vec![0.25, 0.0], trees)
                .unwrap();
        let text = write(&model).unwrap();
        assert!(!text.contains("objective"));
        check_rows(&model, &foreign::read(text.as_bytes()).unwrap(), 3);
    }

    #[test]
    fn names_lose_white_space_and_stay_apart() {
        let model = |names: [&str; 2]| {
            let schema = Schema::new(names.map(|name| Feature::numeric(name, "", "")).to_vec()).unwrap();
            let spec = testing::spec(schema, vec![Output::value("y", "")], Link::Identity);
            write(&TreeModel::new("test", spec, vec![1.0], Vec::new()).unwrap())
        };
        let text = model(["days since", "größe=1"]).unwrap();
        let again = foreign::read(text.as_bytes()).unwrap();
        assert_eq!(again.schema().names().collect::<Vec<_>>(), ["days_since", "größe=1"]);
        assert_eq!(again.n_trees(), 1);
        let error = model(["a b", "a_b"]).unwrap_err().to_string();
        assert!(error.contains("two features of the name `a_b`"), "{error}");
    }

    #[test]
    fn levels_are_written_as_python_had_them() {
        let feature = |levels: &[&str]| Feature::categorical("f", levels.iter().copied(), "");
        let codes = feature(&["0", "1", "2"]);
        let [years, names] = [feature(&["2020", "2021"]), feature(&["0", "ä\"", "01"])];
        assert_eq!(pandas(std::slice::from_ref(&codes)).unwrap(), "null");
        assert_eq!(pandas(&[codes, years, names]).unwrap(), r#"[[0, 1, 2], [2020, 2021], ["0","ä\"","01"]]"#);
    }

    #[test]
    fn turned_sets_hold_the_other_levels() {
        assert_eq!(codes(&[0b101], 3, false), [0b101]);
        assert_eq!(codes(&[0b101], 4, true), [0b1010]);
        assert_eq!(codes(&[u64::MAX, u64::MAX], 70, false), [u32::MAX, u32::MAX, 63]);
        assert_eq!(codes(&[u64::MAX, 1], 70, true), [0, 0, 62]);
        assert_eq!(codes(&[], 70, true), [0]);
    }
}
