//! XGBoost's JSON and UBJSON files, which hold one and the same document.
//!
//! A numeric split sends a row left where `value < condition` in single precision, and a missing value where it
//! says; a split on categories sends the codes that it lists to the right. Base scores are on the scale of the
//! outputs.

mod document;
mod json;
mod levels;
mod narrow;
mod objective;
mod trees;

use tenure_core::Result;

use super::assemble::{self, Parts};
use super::{ReadOptions, Rounds, problem, ubjson, unsupported};
use crate::TreeModel;
use crate::tree::Tree;
use document::{Document, GbTree, Learner};

/// The format in errors.
pub(super) const NAME: &str = "XGBoost";

/// Reads JSON, see [`super::read_with`].
pub(super) fn read_json(bytes: &[u8], options: &ReadOptions) -> Result<TreeModel> {
    let document = serde_json::from_slice(&json::standard(bytes));
    read(document.map_err(|error| damaged(error.to_string()))?, options, bytes.len())
}

/// Reads UBJSON, see [`super::read_with`].
pub(super) fn read_ubjson(bytes: &[u8], options: &ReadOptions) -> Result<TreeModel> {
    let document = ubjson::from_slice(bytes);
    read(document.map_err(|error| damaged(error.to_string()))?, options, bytes.len())
}

fn damaged(found: String) -> tenure_core::Error {
    problem(NAME, "document", "a model as `Booster.save_model` writes it", Cut(found))
}

/// Messages of parsers are long and say what matters at their end.
struct Cut(String);

impl AsRef<[u8]> for Cut {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

fn read(document: Document, options: &ReadOptions, bytes: usize) -> Result<TreeModel> {
    let Learner {
        attributes,
        feature_names,
        feature_types,
        gradient_booster,
        learner_model_param,
        objective,
    } = document.learner;
    let stored = gradient_booster.trees()?;
    let scores = learner_model_param.scores(stored.model.trees.len())?;
    let outcome = objective::outcome(&objective.name)?;
    let base = objective::base_scores(&objective.name, &learner_model_param.base_score, scores)?;
    let kept = rounds(&attributes, options.rounds, &stored.model, scores);

    let features = learner_model_param.features(bytes)?;
    let names = levels::names(feature_names, features)?;
    let levels = levels::levels(&names, &feature_types, &stored.model, options)?;
    let trees = trees::trees(&stored, kept, &levels, bytes)?;
    let trees = interleave(trees, &stored.model.tree_info, scores)?;
    let features = assemble::features(NAME, names, levels, options, bytes)?;
    Parts { format: NAME, features, objective: objective.name, outcome, base, trees }.into_model(options)
}

/// How many of the trees predict.
fn rounds(
    attributes: &std::collections::BTreeMap<String, String>,
    rounds: Rounds,
    model: &GbTree,
    scores: usize,
) -> usize {
    let stops = match rounds {
        Rounds::All => false,
        Rounds::Best => true,
        // The scikit-learn classes leave their mark, and they alone use the best iteration unasked.
        Rounds::AsSaved => attributes.contains_key("scikit_learn"),
    };
    let best = attributes.get("best_iteration").and_then(|best| best.parse::<usize>().ok());
    let all = model.trees.len();
    match best {
        Some(best) if stops => {
            let each = scores.saturating_mul(model.gbtree_model_param.parallel());
            let kept = match model.iteration_indptr.get(best.saturating_add(1)) {
                Some(&end) => usize::try_from(end).unwrap_or(all),
                None => each.saturating_mul(best.saturating_add(1)),
            };
            kept.min(all)
        }
        _ => all,
    }
}

/// Orders trees as a model keeps them: one for each score in turn. A score's own trees stay in their order.
fn interleave(trees: Vec<Tree>, tree_info: &[i32], scores: usize) -> Result<Vec<Tree>> {
    let mut of_score: Vec<Vec<Tree>> = (0..scores).map(|_| Vec::new()).collect();
    let each = trees.len() / scores;
    for (at, tree) in trees.into_iter().enumerate() {
        let score = tree_info.get(at).and_then(|&score| usize::try_from(score).ok());
        match score.and_then(|score| of_score.get_mut(score)) {
            Some(trees) => trees.push(tree),
            None => {
                let expected = format!("an output below {scores} for tree {at}");
                let found = tree_info.get(at).map(i32::to_string).unwrap_or_default();
                return Err(problem(NAME, "`tree_info`", expected, found));
            }
        }
    }
    if let Some(trees) = of_score.iter().find(|trees| trees.len() != each) {
        let expected = format!("{each} trees for each output");
        return Err(problem(NAME, "`tree_info`", expected, trees.len().to_string()));
    }
    let mut of_score: Vec<_> = of_score.into_iter().map(Vec::into_iter).collect();
    Ok((0..each).flat_map(|_| of_score.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>()).collect())
}
