//! The choice of a learner.

use serde::{Deserialize, Serialize};
use tenure_core::{Artifact, Error, Learner, Model, Result};
use tenure_gbdt::{ForestParams, GbdtParams, TreeModel};
use tenure_neural::{MlpParams, NetworkModel};

use crate::average::AverageModel;
use crate::blend::BlendParams;
use crate::calibrated::CalibratedModel;
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
    /// Multi-layer perceptron: binary and numeric targets.
    Mlp(MlpParams),
    /// The weighted mean of several learners.
    Blend(BlendParams),
    /// LightGBM's gradient boosting: binary targets, several classes and numbers.
    #[cfg(feature = "lightgbm")]
    #[serde(rename = "lightgbm")]
    LightGbm(crate::lightgbm::LightGbmParams),
    /// XGBoost's gradient boosting: binary targets, several classes and numbers.
    #[cfg(feature = "xgboost")]
    #[serde(rename = "xgboost")]
    XgBoost(crate::xgboost::XgBoostParams),
    /// linfa's logistic regression: binary targets and several classes.
    #[cfg(feature = "linfa")]
    #[serde(rename = "linfa-logistic")]
    LinfaLogistic(crate::linfa::LinfaLogisticParams),
    /// A random forest on linfa's trees: binary targets and several classes.
    #[cfg(feature = "linfa")]
    #[serde(rename = "linfa-forest")]
    LinfaForest(crate::linfa::LinfaForestParams),
    /// smartcore's logistic regression: binary targets and several classes.
    #[cfg(feature = "smartcore")]
    #[serde(rename = "smartcore-logistic")]
    SmartcoreLogistic(crate::smartcore::SmartcoreLogisticParams),
    /// smartcore's random forest: binary targets, several classes and numbers.
    #[cfg(feature = "smartcore")]
    #[serde(rename = "smartcore-forest")]
    SmartcoreForest(crate::smartcore::SmartcoreForestParams),
}

/// The names of backends that not every build has, with their features.
const BEHIND_FEATURES: [(&str, &str); 6] = [
    ("lightgbm", "lightgbm"),
    ("xgboost", "xgboost"),
    ("linfa-logistic", "linfa"),
    ("linfa-forest", "linfa"),
    ("smartcore-logistic", "smartcore"),
    ("smartcore-forest", "smartcore"),
];

impl Default for Backend {
    fn default() -> Self {
        Self::Gbdt(GbdtParams::default())
    }
}

impl Backend {
    /// The names that [`Backend::by_name`] knows.
    pub const NAMES: &[&'static str] = &[
        "gbdt",
        "forest",
        "logistic",
        "glm",
        "mlp",
        "blend",
        #[cfg(feature = "lightgbm")]
        "lightgbm",
        #[cfg(feature = "xgboost")]
        "xgboost",
        #[cfg(feature = "linfa")]
        "linfa-logistic",
        #[cfg(feature = "linfa")]
        "linfa-forest",
        #[cfg(feature = "smartcore")]
        "smartcore-logistic",
        #[cfg(feature = "smartcore")]
        "smartcore-forest",
    ];

    /// The backend of this name with its default parameters.
    ///
    /// # Errors
    /// [`Error::Parameter`] listing the names there are; [`Error::Unsupported`] naming the feature that this build
    /// lacks, for a backend that needs one.
    pub fn by_name(name: &str) -> Result<Self> {
        match name {
            "gbdt" => Ok(Self::Gbdt(GbdtParams::default())),
            "forest" => Ok(Self::Forest(ForestParams::default())),
            "logistic" => Ok(Self::Logistic(LogisticParams::default())),
            "glm" => Ok(Self::Glm(GlmParams::default())),
            "mlp" => Ok(Self::Mlp(MlpParams::default())),
            "blend" => Ok(Self::Blend(BlendParams::default())),
            #[cfg(feature = "lightgbm")]
            "lightgbm" => Ok(Self::LightGbm(Default::default())),
            #[cfg(feature = "xgboost")]
            "xgboost" => Ok(Self::XgBoost(Default::default())),
            #[cfg(feature = "linfa")]
            "linfa-logistic" => Ok(Self::LinfaLogistic(Default::default())),
            #[cfg(feature = "linfa")]
            "linfa-forest" => Ok(Self::LinfaForest(Default::default())),
            #[cfg(feature = "smartcore")]
            "smartcore-logistic" => Ok(Self::SmartcoreLogistic(Default::default())),
            #[cfg(feature = "smartcore")]
            "smartcore-forest" => Ok(Self::SmartcoreForest(Default::default())),
            _ => {
                if let Some((_, feature)) = BEHIND_FEATURES.iter().find(|(behind, _)| *behind == name) {
                    let what = format!("the backend `{name}`: it lacks the feature `{feature}`");
                    return Err(Error::unsupported("this build", what));
                }
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
        let (Err(_), Self::Blend(blend)) = (&own, self) else { return own };
        let mut blend = blend.clone();
        let mut known = false;
        for member in &mut blend.members {
            if let Ok(learner) = member.learner.with(name, value.clone()) {
                (member.learner, known) = (learner, true);
            }
        }
        if known { Ok(Self::Blend(blend)) } else { own }
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
            #[cfg(feature = "lightgbm")]
            Self::LightGbm(params) => Self::LightGbm(crate::lightgbm::LightGbmParams {
                trees: iterations,
                early_stopping_rounds: patience,
                ..params.clone()
            }),
            #[cfg(feature = "xgboost")]
            Self::XgBoost(params) => Self::XgBoost(crate::xgboost::XgBoostParams {
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
            #[cfg(feature = "lightgbm")]
            Self::LightGbm(_) => true,
            #[cfg(feature = "xgboost")]
            Self::XgBoost(_) => true,
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
            Self::Mlp(params) => Box::new(params.check()?),
            Self::Blend(params) => Box::new(params.check()?),
            #[cfg(feature = "lightgbm")]
            Self::LightGbm(params) => Box::new(params.check()?),
            #[cfg(feature = "xgboost")]
            Self::XgBoost(params) => Box::new(params.check()?),
            #[cfg(feature = "linfa")]
            Self::LinfaLogistic(params) => Box::new(params.check()?),
            #[cfg(feature = "linfa")]
            Self::LinfaForest(params) => Box::new(params.check()?),
            #[cfg(feature = "smartcore")]
            Self::SmartcoreLogistic(params) => Box::new(params.check()?),
            #[cfg(feature = "smartcore")]
            Self::SmartcoreForest(params) => Box::new(params.check()?),
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
        NetworkModel::KIND => Box::new(NetworkModel::from_artifact(artifact)?),
        AverageModel::KIND => Box::new(AverageModel::from_artifact(artifact)?),
        CalibratedModel::KIND => Box::new(CalibratedModel::from_artifact(artifact)?),
        #[cfg(feature = "lightgbm")]
        crate::lightgbm::LightGbmModel::KIND => {
            Box::new(crate::lightgbm::LightGbmModel::from_artifact(artifact)?)
        }
        #[cfg(feature = "xgboost")]
        crate::xgboost::XgBoostModel::KIND => {
            Box::new(crate::xgboost::XgBoostModel::from_artifact(artifact)?)
        }
        #[cfg(feature = "linfa")]
        kind if crate::linfa::reads(kind) => crate::linfa::load(artifact)?,
        #[cfg(feature = "smartcore")]
        kind if crate::smartcore::reads(kind) => crate::smartcore::load(artifact)?,
        found => {
            let expected = "trees, logistic, glm, network, average or calibrated".to_owned();
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
    fn a_backend_that_this_build_lacks_names_its_feature() {
        for (name, feature) in BEHIND_FEATURES {
            if !Backend::NAMES.contains(&name) {
                let words = Backend::by_name(name).unwrap_err().to_string();
                let expected = format!("the backend `{name}`: it lacks the feature `{feature}`");
                assert_eq!(words, format!("this build does not support {expected}"));
            }
        }
    }

    #[test]
    fn unknown_names_list_the_known_ones() {
        let words = Backend::by_name("svm").unwrap_err().to_string();
        let expected = Backend::NAMES.join(", ");
        assert_eq!(words, format!("parameter `backend` is svm; expected one of {expected}"));
        for name in Backend::NAMES {
            assert_eq!(Backend::by_name(name).unwrap().check().unwrap().name(), *name);
        }
    }
}
