//! The choice of a learner.

use serde::{Deserialize, Serialize};
use tenure_core::{Artifact, Error, Learner, Model, Result};
use tenure_gbdt::{ForestParams, GbdtParams, TreeModel};

use crate::average::AverageModel;
use crate::blend::BlendParams;
use crate::glm::{GlmModel, GlmParams};
use crate::logistic::{LogisticModel, LogisticParams};

/// Which learner, with its parameters: plain data that a configuration file can hold.
///
/// In JSON the name stands beside the parameters: `{"backend": "gbdt", "trees": 500}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "backend", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Backend {
    /// Histogram gradient boosting: binary and numeric targets.
    Gbdt(GbdtParams),
    /// Random forest: binary and numeric targets, and several classes.
    Forest(ForestParams),
    /// Logistic regression with L2 penalty: binary targets.
    Logistic(LogisticParams),
    /// Generalised linear model: binary (family binomial) and numeric targets.
    Glm(GlmParams),
    /// The weighted mean of several learners.
    Blend(BlendParams),
}

impl Default for Backend {
    fn default() -> Self {
        Self::Gbdt(GbdtParams::default())
    }
}

impl Backend {
    /// The names that [`Backend::by_name`] knows.
    pub const NAMES: &[&'static str] = &["gbdt", "forest", "logistic", "glm", "blend"];

    /// The backend of this name with its default parameters.
    ///
    /// # Errors
    /// [`Error::Parameter`] listing the names there are.
    pub fn by_name(name: &str) -> Result<Self> {
        match name {
            "gbdt" => Ok(Self::Gbdt(GbdtParams::default())),
            "forest" => Ok(Self::Forest(ForestParams::default())),
            "logistic" => Ok(Self::Logistic(LogisticParams::default())),
            "glm" => Ok(Self::Glm(GlmParams::default())),
            "blend" => Ok(Self::Blend(BlendParams::default())),
            _ => {
                let expected = format!("one of {}", Self::NAMES.join(", ")).into();
                Err(Error::Parameter { name: "backend", value: name.to_owned(), expected })
            }
        }
    }

    /// The same with another value of one parameter, by its serialised name; a dot leads into a parameter that
    /// holds others (`categorical.smoothing`). Of a blend, a name that it does not know itself is set in every
    /// member that has it.
    ///
    /// # Errors
    /// [`Error::Unsupported`] naming the parameters there are, or saying what the value should be.
    pub fn with(&self, name: &str, value: serde_json::Value) -> Result<Self> {
        let own = crate::search::with_parameter(self, name, &value);
        let (Err(error), Self::Blend(blend)) = (&own, self) else { return own };
        let mut blend = blend.clone();
        let mut known = false;
        for member in &mut blend.members {
            if let Ok(learner) = member.learner.with(name, value.clone()) {
                (member.learner, known) = (learner, true);
            }
        }
        if known { Ok(Self::Blend(blend)) } else { Err(Error::unsupported("blend", error.to_string())) }
    }

    /// The same learner with a fixed number of iterations (trees), or with up to so many and early stopping
    /// after `patience` iterations without a gain. Learners that do not iterate stay as they are.
    #[must_use]
    pub fn iterating(&self, iterations: usize, patience: Option<usize>) -> Self {
        match self {
            Self::Gbdt(params) => Self::Gbdt(GbdtParams {
                trees: iterations,
                early_stopping_rounds: patience,
                ..params.clone()
            }),
            Self::Blend(blend) => {
                let mut blend = blend.clone();
                for member in &mut blend.members {
                    member.learner = member.learner.iterating(iterations, patience);
                }
                Self::Blend(blend)
            }
            other => other.clone(),
        }
    }

    /// Whether [`Backend::iterating`] changes anything, so that a number of iterations is to be found.
    #[must_use]
    pub fn iterates(&self) -> bool {
        match self {
            Self::Gbdt(_) => true,
            Self::Blend(blend) => blend.members.iter().any(|m| m.learner.iterates()),
            _ => false,
        }
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the first that is out of range.
    pub fn check(self) -> Result<Box<dyn Learner>> {
        Ok(match self {
            Self::Gbdt(params) => Box::new(params.check()?),
            Self::Forest(params) => Box::new(params.check()?),
            Self::Logistic(params) => Box::new(params.check()?),
            Self::Glm(params) => Box::new(params.check()?),
            Self::Blend(params) => Box::new(params.check()?),
        })
    }
}

/// Restores a fitted model of any backend of this crate, bit for bit.
///
/// # Errors
/// [`Error::ArtifactKind`] for a kind that no backend here reads; otherwise what the backend's loader says.
pub fn load(artifact: &Artifact) -> Result<Box<dyn Model>> {
    Ok(match artifact.kind.as_str() {
        TreeModel::KIND => Box::new(TreeModel::from_artifact(artifact)?),
        LogisticModel::KIND => Box::new(LogisticModel::from_artifact(artifact)?),
        GlmModel::KIND => Box::new(GlmModel::from_artifact(artifact)?),
        AverageModel::KIND => Box::new(AverageModel::from_artifact(artifact)?),
        found => {
            let expected = "trees, logistic, glm or average".to_owned();
            return Err(Error::ArtifactKind { found: found.to_owned(), expected });
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_is_plain_data() {
        let backend: Backend = serde_json::from_str(r#"{"backend": "logistic", "l2": 3.0}"#).unwrap();
        assert_eq!(backend, Backend::Logistic(LogisticParams { l2: 3.0, ..LogisticParams::default() }));
        let unknown = serde_json::from_str::<Backend>(r#"{"backend": "logistic", "l3": 3.0}"#).unwrap_err();
        assert!(unknown.to_string().contains("unknown field `l3`"), "{unknown}");
    }

    #[test]
    fn unknown_names_list_the_known_ones() {
        let words = Backend::by_name("svm").unwrap_err().to_string();
        assert_eq!(words, "parameter `backend` is svm; expected one of gbdt, forest, logistic, glm, blend");
        for name in Backend::NAMES {
            assert_eq!(Backend::by_name(name).unwrap().check().unwrap().name(), *name);
        }
    }
}
