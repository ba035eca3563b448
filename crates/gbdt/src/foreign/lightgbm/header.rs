//! What stands before and after the trees.

use serde_json::Value;
use tenure_core::Result;

use super::lines::{Field, Lines};
use super::{NAME, problem, unsupported};
use crate::foreign::assemble::Outcome;

/// What a file says of a feature's values in training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Info {
    /// It was constant or never read.
    None,
    /// From least to greatest.
    Range(f64, f64),
    /// The greatest of the listed category codes.
    Codes(usize),
}

/// The lines before the first tree.
#[derive(Debug)]
pub(super) struct Header {
    pub objective: String,
    pub outcome: Outcome,
    /// Factor on raw scores.
    pub sigmoid: f64,
    /// Trees per boosting round.
    pub scores: usize,
    pub average_output: bool,
    pub feature_names: Vec<String>,
    /// One for each feature.
    pub infos: Vec<Info>,
    /// Number of trees, where the file says it.
    pub trees: Option<usize>,
    /// Whether a tree follows, its `Tree=` line being read.
    pub tree_follows: bool,
}

impl Header {
    pub(super) fn read(lines: &mut Lines<'_>) -> Result<Self> {
        let mut version = None;
        let mut scores = None;
        let mut max_feature = None;
        let mut objective = None;
        let mut names = None;
        let mut infos = None;
        let mut sizes = None;
        let mut average_output = false;
        let mut tree_follows = None;
        while let Some(line) = lines.next() {
            let field = Field::of(line, lines.number());
            match field.key() {
                b"version" => version = Some(field),
                b"num_tree_per_iteration" => scores = Some(field),
                b"max_feature_idx" => max_feature = Some(field),
                b"objective" => objective = Some(field),
                b"feature_names" => names = Some(field),
                b"feature_infos" => infos = Some(field),
                b"tree_sizes" => sizes = Some(field),
                b"average_output" => average_output = true,
                b"Tree" => tree_follows = Some(true),
                b"end of trees" => tree_follows = Some(false),
                _ => {}
            }
            if tree_follows.is_some() {
                break;
            }
        }
        let missing = |key: &str| {
            problem(NAME, format!("line {}", lines.number()), format!("`{key}` before it"), "none")
        };
        let tree_follows = tree_follows.ok_or_else(|| missing("Tree=0"))?;
        let version = version.ok_or_else(|| missing("version"))?;
        if !matches!(version.value(), b"v3" | b"v4") {
            return Err(version.problem("v3 or v4", version.value()));
        }
        let scores = scores.ok_or_else(|| missing("num_tree_per_iteration"))?;
        let outputs = scores.number::<usize>("a number of trees")?;
        if outputs == 0 || outputs > MOST_SCORES {
            return Err(scores.problem(format!("1 to {MOST_SCORES}"), scores.value()));
        }
        let max_feature = max_feature.ok_or_else(|| missing("max_feature_idx"))?;
        let names = names.ok_or_else(|| missing("feature_names"))?;
        let features = max_feature.number::<usize>("the number of the last feature")?.saturating_add(1);
        let feature_names = feature_names(&names, features)?;
        let infos = match infos {
            Some(field) => infos_of(&field, features)?,
            None => vec![Info::None; features],
        };
        let (objective, outcome, sigmoid) = match objective {
            Some(field) => outcome(&field, outputs)?,
            None => ("custom".to_owned(), Outcome::VALUE, 1.0),
        };
        let trees = sizes.map(|sizes| sizes.words().count());
        Ok(Self {
            objective,
            outcome,
            sigmoid,
            scores: outputs,
            average_output,
            feature_names,
            infos,
            trees,
            tree_follows,
        })
    }
}

/// More outputs than any model has, few enough to be made up from one number.
const MOST_SCORES: usize = 1 << 16;

fn feature_names(field: &Field<'_>, features: usize) -> Result<Vec<String>> {
    let text = field.text()?;
    let names: Vec<String> = text.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if names.len() == features {
        return Ok(names);
    }
    Err(field.problem(format!("{features} names"), names.len().to_string().as_bytes()))
}

fn infos_of(field: &Field<'_>, features: usize) -> Result<Vec<Info>> {
    let infos = field.words().map(|word| info(field, word)).collect::<Result<Vec<_>>>()?;
    if infos.len() == features {
        return Ok(infos);
    }
    Err(field.problem(format!("{features} of them"), infos.len().to_string().as_bytes()))
}

/// `none`, `[least:greatest]` or `code:code:…`, where -1 stands for missing.
fn info(field: &Field<'_>, word: &[u8]) -> Result<Info> {
    let wrong = || field.problem("`none`, `[least:greatest]` or `code:code:…`", word);
    let text = std::str::from_utf8(word).map_err(|_| wrong())?;
    if text == "none" {
        return Ok(Info::None);
    }
    if let Some(range) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        let (least, greatest) = range.split_once(':').ok_or_else(wrong)?;
        return match (least.parse(), greatest.parse()) {
            (Ok(least), Ok(greatest)) => Ok(Info::Range(least, greatest)),
            _ => Err(wrong()),
        };
    }
    let codes = text.split(':').map(|code| code.parse::<i32>());
    let greatest = codes.map(|code| code.map_err(|_| wrong())).try_fold(-1, |most, code| Ok(most.max(code?)));
    greatest.map(|greatest: i32| usize::try_from(greatest).map_or(Info::None, Info::Codes))
}

/// The link that an objective's raw scores go through, and the factor on them.
fn outcome(field: &Field<'_>, scores: usize) -> Result<(String, Outcome, f64)> {
    let text = field.text()?.trim();
    let mut words = text.split(' ').filter(|word| !word.is_empty());
    let name = words.next().unwrap_or("custom");
    let mut sigmoid = 1.0;
    let mut sqrt = false;
    for word in words {
        match word.split_once(':') {
            Some(("sigmoid", value)) => {
                let parsed = value.parse().ok().filter(|value: &f64| value.is_finite() && *value > 0.0);
                sigmoid = parsed.ok_or_else(|| field.problem("a sigmoid above 0", value.as_bytes()))?;
            }
            None if word == "sqrt" => sqrt = true,
            _ => {}
        }
    }
    let outcome = match name {
        "binary" | "cross_entropy" | "xentropy" | "multiclassova" => Outcome::PROBABILITY,
        "multiclass" => Outcome::CLASSES,
        "poisson" | "gamma" | "tweedie" => Outcome::POSITIVE,
        "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" | "lambdarank"
        | "rank_xendcg" | "custom" | "none" => Outcome::VALUE,
        _ => return Err(unsupported(NAME, format!("objective `{}`", short(text)))),
    };
    if sqrt {
        return Err(unsupported(
            NAME,
            format!("objective `{}`: the square of what was learned", short(text)),
        ));
    }
    let fits = match name {
        "multiclass" | "multiclassova" => scores > 1,
        "custom" | "none" => true,
        _ => scores == 1,
    };
    if !fits {
        return Err(field.problem(format!("an objective of {scores} trees in each round"), text.as_bytes()));
    }
    let factor = if outcome == Outcome::PROBABILITY { sigmoid } else { 1.0 };
    Ok((text.to_owned(), outcome, factor))
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

/// The lines after the last tree.
#[derive(Debug, Default)]
pub(super) struct Trailer {
    /// Features that training was told to be categorical.
    pub declared: Vec<usize>,
    /// The levels of each pandas column of categories, in the order of the columns.
    pub pandas: Vec<Vec<String>>,
}

impl Trailer {
    pub(super) fn read(lines: &mut Lines<'_>) -> Result<Self> {
        let mut trailer = Self::default();
        while let Some(line) = lines.next() {
            if let Some(list) = line.strip_prefix(b"[categorical_feature:") {
                let list = String::from_utf8_lossy(list.strip_suffix(b"]").unwrap_or(list));
                trailer.declared = list.split(',').filter_map(|at| at.trim().parse().ok()).collect();
            } else if let Some(json) = line.strip_prefix(b"pandas_categorical:") {
                let field = Field::of(line, lines.number());
                trailer.pandas = pandas(json.trim_ascii(), &field)?;
            }
        }
        Ok(trailer)
    }
}

/// The lists of levels that Python LightGBM appends as JSON; `null` where there are none.
fn pandas(json: &[u8], field: &Field<'_>) -> Result<Vec<Vec<String>>> {
    let lists: Option<Vec<Vec<Value>>> = serde_json::from_slice(json)
        .map_err(|error| field.problem("lists of levels in JSON", error.to_string().as_bytes()))?;
    let level = |level: Value| match level {
        Value::String(text) => Ok(text),
        Value::Number(_) | Value::Bool(_) => Ok(level.to_string()),
        _ => Err(field.problem("levels that are texts, numbers or booleans", level.to_string().as_bytes())),
    };
    let list = |list: Vec<Value>| list.into_iter().map(level).collect();
    lists.unwrap_or_default().into_iter().map(list).collect()
}
