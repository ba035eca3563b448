//! Writing the text.

use std::fmt::{Display, Write};

use tenure_core::{Error, Feature, Result};

use super::blocks::{CATEGORICAL, DEFAULT_LEFT, MISSING_NAN, MISSING_ZERO};
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
/// [`Error::Unsupported`] for a model without features, with two features whose names differ in white space only, or
/// with negative zero for … (see the message).
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
    text.push_str("end of trees\n\nfeature_importances:\n\nparameters:\n\nend of parameters\n\npandas_categorical:");
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
        Some(pair) => Err(unsupported(format!("two features of the name `{}` (white space is `_`)", pair[0]))),
        None => Ok(names),
    }
}

/// The objective whose link is the model's; none where raw scores are the outputs of several.
fn objective(own: &str, link: Link, scores: usize) -> Option<String> {
    let first = own.split(' ').next().unwrap_or_default();
    Some(match link {
        Link::Logistic if scores == 1 => "binary sigmoid:1".into(),
        Link::Logistic => format!("multiclassova num_class:{scores} sigmoid:1"),
        Link::Softmax => format!("multiclass num_class:{scores}"),
        Link::Exp if matches!(first, "gamma" | "tweedie") => first.into(),
        Link::Exp => "poisson".into(),
        Link::Identity if scores > 1 => return None,
        Link::Identity => match first {
            "regression_l1" | "huber" | "fair" | "quantile" | "mape" | "lambdarank" | "rank_xendcg" => first.into(),
            _ => "regression".into(),
        },
    })
}
