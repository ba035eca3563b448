//! Named, typed, described columns.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What values a feature takes. All of them are stored as `f64`; missing is NaN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureKind {
    /// Any finite number.
    Numeric,
    /// One of a fixed list of levels, stored as the level's index (0.0, 1.0, …).
    ///
    /// A text that is not among the levels is missing (NaN): see [`Feature::encode`].
    Categorical {
        /// The levels, in the order of their indices.
        levels: Vec<String>,
    },
}

/// One input column of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    /// Unique within its schema; the name of the column in files and JSON.
    pub name: String,
    /// What values it takes.
    pub kind: FeatureKind,
    /// Unit of the values in words (`days`, `orders`, `share`), empty where there is none.
    pub unit: String,
    /// What it means, in a phrase that a report can print.
    pub description: String,
}

impl Feature {
    /// A numeric feature.
    pub fn numeric(name: impl Into<String>, unit: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: FeatureKind::Numeric,
            unit: unit.into(),
            description: description.into(),
        }
    }

    /// A categorical feature with the given levels.
    pub fn categorical(
        name: impl Into<String>,
        levels: impl IntoIterator<Item = impl Into<String>>,
        description: impl Into<String>,
    ) -> Self {
        let levels = levels.into_iter().map(Into::into).collect();
        Self {
            name: name.into(),
            kind: FeatureKind::Categorical { levels },
            unit: String::new(),
            description: description.into(),
        }
    }

    /// The levels of a categorical feature, `None` for a numeric one.
    #[must_use]
    pub fn levels(&self) -> Option<&[String]> {
        match &self.kind {
            FeatureKind::Numeric => None,
            FeatureKind::Categorical { levels } => Some(levels),
        }
    }

    /// The number that stands for a text: the level's index, or the parsed number.
    ///
    /// An unknown level is missing (NaN). Returns `None` where a numeric feature is offered something that is
    /// not a number; the caller knows the file and line to name.
    #[must_use]
    pub fn encode(&self, text: &str) -> Option<f64> {
        match &self.kind {
            FeatureKind::Numeric => text.trim().parse().ok(),
            FeatureKind::Categorical { levels } => {
                Some(levels.iter().position(|level| level == text).map_or(f64::NAN, |i| i as f64))
            }
        }
    }

    /// The value as a person would write it: the level's name, the number, or a percentage where the unit is
    /// `share`; `missing` for NaN.
    #[must_use]
    pub fn display(&self, value: f64) -> String {
        if value.is_nan() {
            return "missing".into();
        }
        match self.levels() {
            Some(levels) => levels.get(value as usize).cloned().unwrap_or_else(|| value.to_string()),
            None if self.unit == "share" => format!("{:.1} %", 100.0 * value),
            None if value == value.trunc() && value.abs() < 1e15 => format!("{value:.0}"),
            None if value.abs() >= 10.0 => format!("{value:.1}"),
            None if value.abs() >= 1.0 => format!("{value:.2}"),
            None => format!("{value:.3}"),
        }
    }
}

/// The input columns of a model, in order. Cheap to clone.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Vec<Feature>", into = "Vec<Feature>")]
pub struct Schema {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    features: Vec<Feature>,
    index: HashMap<String, usize>,
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner) || self.inner.features == other.inner.features
    }
}

impl TryFrom<Vec<Feature>> for Schema {
    type Error = Error;

    fn try_from(features: Vec<Feature>) -> Result<Self> {
        Self::new(features)
    }
}

impl From<Schema> for Vec<Feature> {
    fn from(schema: Schema) -> Self {
        schema.inner.features.clone()
    }
}

impl Schema {
    /// Checks and indexes the features.
    ///
    /// # Errors
    /// [`Error::Schema`] for an empty or repeated name, or a level that occurs twice.
    pub fn new(features: Vec<Feature>) -> Result<Self> {
        let mut index = HashMap::with_capacity(features.len());
        for (i, feature) in features.iter().enumerate() {
            let problem = |problem| Err(Error::Schema { feature: feature.name.clone(), problem });
            if feature.name.is_empty() {
                return problem("has no name");
            }
            if index.insert(feature.name.clone(), i).is_some() {
                return problem("occurs twice");
            }
            if let Some(levels) = feature.levels()
                && levels.iter().collect::<HashSet<_>>().len() != levels.len()
            {
                return problem("has a level that occurs twice");
            }
        }
        Ok(Self { inner: Arc::new(Inner { features, index }) })
    }

    /// The features, in column order.
    #[must_use]
    pub fn features(&self) -> &[Feature] {
        &self.inner.features
    }

    /// Number of features.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.features.len()
    }

    /// Whether there is no feature at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.features.is_empty()
    }

    /// Column of the feature with this name.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.inner.index.get(name).copied()
    }

    /// The names, in column order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.inner.features.iter().map(|f| f.name.as_str())
    }

    /// For each feature, where it stands among the `offered` columns.
    ///
    /// # Errors
    /// [`Error::Columns`] naming every missing and every unexpected column, unless the sets are equal.
    pub fn match_columns<S: AsRef<str>>(&self, offered: &[S]) -> Result<Vec<usize>> {
        let mut found = vec![None; self.len()];
        let mut unexpected = Vec::new();
        for (at, name) in offered.iter().enumerate() {
            match self.position(name.as_ref()) {
                Some(feature) if found[feature].is_none() => found[feature] = Some(at),
                _ => unexpected.push(name.as_ref().to_owned()),
            }
        }
        let missing: Vec<String> = self
            .names()
            .zip(&found)
            .filter(|(_, at)| at.is_none())
            .map(|(name, _)| name.to_owned())
            .collect();
        if missing.is_empty() && unexpected.is_empty() {
            Ok(found.into_iter().flatten().collect())
        } else {
            Err(Error::Columns { missing, unexpected })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        Schema::new(vec![
            Feature::numeric("age", "years", "Age"),
            Feature::categorical("plan", ["basic", "pro"], "Plan"),
        ])
        .unwrap()
    }

    #[test]
    fn columns_match_in_any_order_and_mismatches_are_named() {
        assert_eq!(schema().match_columns(&["plan", "age"]).unwrap(), [1, 0]);
        let error = schema().match_columns(&["plan", "colour", "plan"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the columns do not match the model: missing features [age], unexpected features [colour, plan]"
        );
    }

    #[test]
    fn repeated_names_and_levels_are_refused() {
        let twice = vec![Feature::numeric("a", "", ""), Feature::numeric("a", "", "")];
        assert_eq!(Schema::new(twice).unwrap_err().to_string(), "schema: feature `a` occurs twice");
        let levels = vec![Feature::categorical("c", ["x", "x"], "")];
        assert!(Schema::new(levels).unwrap_err().to_string().contains("level that occurs twice"));
    }

    #[test]
    fn texts_are_encoded_by_kind() {
        let s = schema();
        assert_eq!(s.features()[0].encode(" 4.5 "), Some(4.5));
        assert_eq!(s.features()[0].encode("old"), None);
        assert_eq!(s.features()[1].encode("pro"), Some(1.0));
        assert!(s.features()[1].encode("enterprise").unwrap().is_nan());
    }

    #[test]
    fn json_round_trip_keeps_the_index() {
        let text = serde_json::to_string(&schema()).unwrap();
        let back: Schema = serde_json::from_str(&text).unwrap();
        assert_eq!(back, schema());
        assert_eq!(back.position("plan"), Some(1));
    }
}
