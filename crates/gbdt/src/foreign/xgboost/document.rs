//! The document, as far as it matters here.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use tenure_core::Result;

use super::{NAME, problem, unsupported};
use crate::foreign::assemble::MADE_UP;

#[derive(Debug, Deserialize)]
pub(super) struct Document {
    pub learner: Learner,
}

#[derive(Debug, Deserialize)]
pub(super) struct Learner {
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    #[serde(default)]
    pub feature_names: Vec<String>,
    #[serde(default)]
    pub feature_types: Vec<String>,
    pub gradient_booster: Booster,
    pub learner_model_param: LearnerParam,
    pub objective: Objective,
}

#[derive(Debug, Deserialize)]
pub(super) struct Objective {
    pub name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct LearnerParam {
    pub base_score: Text,
    num_class: Text,
    num_feature: Text,
    #[serde(default)]
    num_target: Option<Text>,
}

impl LearnerParam {
    /// Number of raw scores: of classes, or of targets.
    pub(super) fn scores(&self, trees: usize) -> Result<usize> {
        let classes = self.num_class.count("num_class")?;
        let targets = self.num_target.as_ref().map_or(Ok(1), |text| text.count("num_target"))?;
        let scores = classes.max(targets).max(1);
        // Each has a tree in every round.
        if scores > trees.max(1 << 10) {
            return Err(problem(
                NAME,
                "`num_class`, `num_target`",
                "as many trees at least",
                scores.to_string(),
            ));
        }
        Ok(scores)
    }

    /// Number of features, which may have no names in the file and are then made up: bounded by its size.
    pub(super) fn features(&self, bytes: usize) -> Result<usize> {
        let features = self.num_feature.count("num_feature")?;
        let most = MADE_UP + bytes;
        if features > most {
            return Err(unsupported(NAME, format!("{features} features in a file of {bytes} bytes")));
        }
        Ok(features)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Booster {
    name: String,
    /// Of `gbtree`, and, without trees, of `gblinear`.
    #[serde(default)]
    model: Option<GbTree>,
    /// Of `dart`.
    #[serde(default)]
    gbtree: Option<Inner>,
    #[serde(default)]
    weight_drop: Vec<f32>,
}

#[derive(Debug, Deserialize)]
struct Inner {
    model: GbTree,
}

/// Trees with their weights.
#[derive(Debug)]
pub(super) struct Stored {
    pub model: GbTree,
    /// One for each tree, or none where all count once.
    pub weights: Vec<f32>,
}

impl Booster {
    /// The trees, whichever kind of booster they are in.
    pub(super) fn trees(self) -> Result<Stored> {
        let (model, weights) = match self.name.as_str() {
            "gbtree" => (self.model, Vec::new()),
            "dart" => (self.gbtree.map(|inner| inner.model), self.weight_drop),
            "gblinear" => return Err(unsupported(NAME, "booster `gblinear`: a linear model has no trees")),
            _ => return Err(problem(NAME, "booster", "gbtree or dart", self.name)),
        };
        let model = model.ok_or_else(|| problem(NAME, "booster", "a `model`", ""))?;
        let trees = model.trees.len();
        let expected = model.gbtree_model_param.num_trees.count("num_trees")?;
        if trees != expected {
            return Err(problem(NAME, "`trees`", format!("{expected} trees"), trees.to_string()));
        }
        if self.name == "dart" && weights.len() != trees {
            return Err(problem(
                NAME,
                "`weight_drop`",
                format!("{trees} weights"),
                weights.len().to_string(),
            ));
        }
        Ok(Stored { model, weights })
    }
}

/// `gbtree`'s model. A linear model has none of the fields.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GbTree {
    pub gbtree_model_param: GbTreeParam,
    pub trees: Vec<StoredTree>,
    /// Which score each tree adds to.
    pub tree_info: Vec<i32>,
    /// Where the trees of each round begin, and where the last end; since 2.0.
    pub iteration_indptr: Vec<i32>,
    /// Since 3.1.
    pub cats: Cats,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct GbTreeParam {
    num_trees: Text,
    #[serde(default)]
    num_parallel_tree: Option<Text>,
}

impl GbTreeParam {
    /// How many trees grow side by side for one output.
    pub(super) fn parallel(&self) -> usize {
        let parallel = self.num_parallel_tree.as_ref().and_then(|text| text.0.parse().ok());
        parallel.unwrap_or(1).max(1)
    }
}

/// The categories of each feature.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cats {
    /// One for each feature, or none at all.
    pub enc: Vec<Encoding>,
}

/// The categories of one feature: numbers, or texts one after another.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Encoding {
    /// Where each text begins in the values, and where the last ends.
    pub offsets: Option<Vec<i64>>,
    /// Numbers, or the bytes of the texts.
    pub values: Vec<Scalar>,
}

/// A tree; most fields have one value for each node, inner or leaf.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StoredTree {
    pub tree_param: TreeParam,
    pub left_children: Vec<i32>,
    pub right_children: Vec<i32>,
    pub split_indices: Vec<u32>,
    /// Of a leaf its value.
    pub split_conditions: Vec<Real>,
    pub default_left: Vec<Flag>,
    pub loss_changes: Vec<Real>,
    pub sum_hessian: Vec<Real>,
    /// 1 for splits on categories.
    pub split_type: Vec<u8>,
    /// The nodes that split on categories, and where their categories lie.
    pub categories_nodes: Vec<i32>,
    pub categories_segments: Vec<i64>,
    pub categories_sizes: Vec<i64>,
    pub categories: Vec<i32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TreeParam {
    pub size_leaf_vector: Option<Text>,
}

/// A number that is written as a text, or, by other versions, as a number.
#[derive(Debug, Default, Clone)]
pub(super) struct Text(pub String);

impl Text {
    pub(super) fn count(&self, field: &str) -> Result<usize> {
        let wrong = |_| problem(NAME, format!("`{field}`"), "a count", &self.0);
        self.0.parse().map_err(wrong)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Ok(match Scalar::deserialize(input)? {
            Scalar::Text(text) => Self(text),
            Scalar::Integer(number) => Self(number.to_string()),
            Scalar::Float(number) => Self(number.to_string()),
        })
    }
}

/// A number in single precision; what is none reads as NaN.
#[derive(Debug, Clone, Copy)]
pub(super) struct Real(pub f32);

impl Real {
    pub(super) fn wide(self) -> f64 {
        f64::from(self.0)
    }
}

impl<'de> Deserialize<'de> for Real {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Ok(Self(Option::deserialize(input)?.unwrap_or(f32::NAN)))
    }
}

/// A boolean that is written as 0 or 1, or, by other versions, as a boolean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flag(pub bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        match Scalar::deserialize(input)? {
            Scalar::Integer(0) => Ok(Self(false)),
            Scalar::Integer(1) => Ok(Self(true)),
            _ => Err(de::Error::custom("expected 0 or 1")),
        }
    }
}

/// A number or a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    Integer(i64),
    Float(f64),
    Text(String),
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct AnyScalar;

        impl Visitor<'_> for AnyScalar {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or a text")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar::Integer(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar::Integer(value))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
                Ok(i64::try_from(value).map_or(Scalar::Float(value as f64), Scalar::Integer))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar::Float(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(value.to_owned()))
            }
        }

        input.deserialize_any(AnyScalar)
    }
}
