//! From what a file holds to a checked [`TreeModel`].

use tenure_core::{Capabilities, Error, Feature, MissingPolicy, Output, Result, Schema};

use super::{ReadOptions, problem, unsupported};
use crate::Link;
use crate::model::{Spec, TreeModel};
use crate::tree::Tree;

/// What a foreign model can do. Whether its learner honoured weights is not for us to claim.
const CAPABILITIES: Capabilities =
    Capabilities::new(MissingPolicy::Learned).with_categories().with_explanations();

/// Most tests between root and leaf. Compiling and explaining a path costs more than its length, and a tree that
/// learned from data does not come near.
const MAX_DEPTH: usize = 1024;

/// What the outputs are, beside the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The probability of an event; of several scores, the probabilities of events that do not exclude each other.
    Probability,
    /// The probabilities of classes that exclude each other.
    Classes,
    /// Numbers.
    Value,
}

/// How a model's scores become outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    pub link: Link,
    pub answer: Answer,
}

impl Outcome {
    pub(super) const PROBABILITY: Self = Self { link: Link::Logistic, answer: Answer::Probability };
    pub(super) const CLASSES: Self = Self { link: Link::Softmax, answer: Answer::Classes };
    pub(super) const VALUE: Self = Self { link: Link::Identity, answer: Answer::Value };
    pub(super) const POSITIVE: Self = Self { link: Link::Exp, answer: Answer::Value };

    fn outputs(self, scores: usize, options: &ReadOptions) -> Result<Vec<Output>> {
        let target = || options.target.clone();
        let classes = match &options.classes {
            Some(classes) if classes.len() != scores => {
                return Err(Error::Parameter {
                    name: "classes",
                    value: format!("{} names", classes.len()),
                    expected: format!("one for each of the model's {scores} outputs").into(),
                });
            }
            Some(classes) => classes.clone(),
            None => (0..scores).map(|class| class.to_string()).collect(),
        };
        let named = |output: Output, class: &String| match scores {
            1 => output,
            _ => output.named(format!("{}_{class}", options.target)),
        };
        Ok(classes
            .iter()
            .map(|class| match self.answer {
                Answer::Classes => Output::class_probability(target(), class),
                Answer::Probability => named(Output::probability(target()), class),
                Answer::Value => named(Output::value(target(), ""), class),
            })
            .map(|output| output.on_scale(self.link.scale()))
            .collect())
    }
}

/// Everything a file said.
pub(super) struct Parts {
    pub format: &'static str,
    pub features: Vec<Feature>,
    pub objective: String,
    pub outcome: Outcome,
    /// One for each score.
    pub base: Vec<f64>,
    /// Tree `t` adds to score `t % base.len()`.
    pub trees: Vec<Tree>,
}

impl Parts {
    /// Checks everything and compiles the model.
    pub(super) fn into_model(self, options: &ReadOptions) -> Result<TreeModel> {
        let Self { format, features, objective, outcome, base, trees } = self;
        let schema = Schema::new(features)?;
        if let Some(name) = options.levels.keys().find(|name| schema.position(name).is_none()) {
            return Err(Error::Parameter {
                name: "levels",
                value: format!("of `{name}`"),
                expected: "features of the model".into(),
            });
        }
        for (at, tree) in trees.iter().enumerate() {
            let place = || format!("tree {at}");
            tree.check(&schema).map_err(|found| problem(format, place(), "a sound tree", found))?;
            if depth(tree) > MAX_DEPTH {
                return Err(unsupported(format, format!("tree {at}: more than {MAX_DEPTH} tests on a path")));
            }
        }
        if let Some(base) = base.iter().find(|base| !base.is_finite()) {
            return Err(problem(format, "base score", "a finite number", base.to_string()));
        }
        let outputs = outcome.outputs(base.len(), options)?;
        let spec = Spec {
            schema,
            outputs,
            link: outcome.link,
            objective,
            capabilities: CAPABILITIES,
            weighted: false,
        };
        let fits = spec.check(base.len(), trees.len());
        fits.map_err(|found| problem(format, "trees", "as many trees for each output", found))?;
        TreeModel::new(&format!("reading of {format} models"), spec, base, trees)
    }
}

/// The longest path of a checked tree.
fn depth(tree: &Tree) -> usize {
    let mut depth = 0;
    let mut open = vec![(tree.root(), 0)];
    while let Some((child, at)) = open.pop() {
        depth = depth.max(at);
        if let Ok(node) = usize::try_from(child) {
            open.extend([(tree.nodes[node].left, at + 1), (tree.nodes[node].right, at + 1)]);
        }
    }
    depth
}

/// What a file says of the levels of a feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Levels {
    /// The feature is a number.
    Numeric,
    /// Integer codes below this.
    Codes(usize),
    /// Names in the order of the codes.
    Names(Vec<String>),
}

/// Names features, with the caller's levels where there are any. Levels that a file only counts are made up here,
/// and therefore bounded by the file's size: `bytes`.
pub(super) fn features(
    format: &'static str,
    names: Vec<String>,
    mut levels: Vec<Levels>,
    options: &ReadOptions,
    bytes: usize,
) -> Result<Vec<Feature>> {
    for (name, levels) in names.iter().zip(&mut levels) {
        if let Some(given) = options.levels.get(name) {
            *levels = Levels::Names(given.clone());
        }
    }
    let codes = |levels: &Levels| if let Levels::Codes(codes) = levels { *codes } else { 0 };
    let most = MADE_UP + bytes;
    if levels.iter().fold(0, |sum: usize, levels| sum.saturating_add(codes(levels))) > most {
        return Err(unsupported(format, format!("category codes of {most} and more: count them from 0")));
    }
    let feature = |(name, levels)| match levels {
        Levels::Numeric => Feature::numeric(name, "", ""),
        Levels::Codes(codes) => Feature::categorical(name, (0..codes).map(|code| code.to_string()), ""),
        Levels::Names(names) => Feature::categorical(name, names, ""),
    };
    Ok(names.into_iter().zip(levels).map(feature).collect())
}

/// How many names are made up even for a small file.
pub(super) const MADE_UP: usize = 1 << 16;
