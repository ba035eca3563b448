//! What a health network looks like, and how it is trained.

use serde::{Deserialize, Serialize};
use tenure_core::params::require;
use tenure_core::{Dataset, Error, Result, Target};
use tenure_features::marketplace::{
    CHURN_RISK_14D, CHURN_RISK_30D, FIRST_SESSION_SUCCESS, HEALTH_SCORE, Profile, SESSION_VELOCITY,
    SUPPLY_DEMAND,
};
use tenure_neural::{
    EarlyStopping, HeadSpec, LayerSpec, Loss, Network, NetworkParams, NetworkSpec, TargetScale,
    TrainingParams,
};

/// Targets that every health model answers.
pub(crate) const NEEDED: [&str; 5] =
    [FIRST_SESSION_SUCCESS, SESSION_VELOCITY, CHURN_RISK_14D, CHURN_RISK_30D, HEALTH_SCORE];

/// A layer that all tasks share: dense, ReLU, then batch normalisation and dropout, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedLayer {
    /// Numbers it gives.
    pub width: usize,
    /// Whether they are normalised over the batch.
    pub batch_norm: bool,
    /// Share of them that is dropped in training, at least 0, below 1.
    pub dropout: f64,
}

/// Factors of the tasks' losses in their sum, each at least 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TaskWeights {
    /// Of whether the first session goes well.
    pub first_session_success: f64,
    /// Of sessions a week.
    pub session_velocity: f64,
    /// Of churn within 14 days.
    pub churn_risk_14d: f64,
    /// Of churn within 30 days.
    pub churn_risk_30d: f64,
    /// Of supply and demand, the mean over subjects.
    pub supply_demand: f64,
    /// Of the health score.
    pub health_score: f64,
}

impl Default for TaskWeights {
    /// Those of the specification.
    fn default() -> Self {
        Self {
            first_session_success: 1.0,
            session_velocity: 0.5,
            churn_risk_14d: 2.0,
            churn_risk_30d: 2.0,
            supply_demand: 1.0,
            health_score: 1.5,
        }
    }
}

/// The shape of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Architecture {
    /// Shared layers and a head a task, as published.
    MultiTask {
        /// Layers that all tasks share, the first first.
        shared: Vec<SharedLayer>,
        /// Widths of each head's own hidden layers (dense, ReLU).
        head_hidden: Vec<usize>,
        /// The same of the head of supply and demand.
        supply_demand_hidden: Vec<usize>,
        /// Factors of the tasks' losses.
        task_weights: TaskWeights,
    },
    /// Any trunk and heads. Among the targets must be the five of a [prediction](crate::HealthPrediction); others are
    /// outputs of the model beside them, `supply_demand_…` in the order in which the heads name them.
    Free(NetworkSpec),
}

/// Parameters of a health model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthParams {
    /// The shape of the network.
    pub architecture: Architecture,
    /// How it is trained.
    pub training: TrainingParams,
}

impl Default for HealthParams {
    /// Those of the guide.
    fn default() -> Self {
        Self::of(Profile::Guide)
    }
}

impl HealthParams {
    /// As published: the guide's network of 128, 64 and 32 whose heads are single numbers, or SageMaker's of 256, 128
    /// and 64 whose heads have hidden layers of 32 (supply and demand: 64). Adam at 0.001, batches of 64, at most 50
    /// epochs, stopped after 10 without a lower validation loss; the best weights are kept.
    ///
    /// One thing is not as published: after training the last layer of each head is fitted again without dropout,
    /// where that lowers its validation loss ([`refit_heads`](TrainingParams::refit_heads)); set it to `false` for
    /// the published training.
    #[must_use]
    pub fn of(profile: Profile) -> Self {
        let (widths, head_hidden, supply_demand_hidden) = match profile {
            Profile::Guide => ([128, 64, 32], vec![], vec![]),
            Profile::SageMaker => ([256, 128, 64], vec![32], vec![64]),
        };
        Self {
            architecture: Architecture::MultiTask {
                shared: Self::shared(&widths, &[0.3, 0.2]),
                head_hidden,
                supply_demand_hidden,
                task_weights: TaskWeights::default(),
            },
            training: TrainingParams {
                epochs: 50,
                batch_size: 64,
                learning_rate: 1e-3,
                early_stopping: Some(EarlyStopping { patience: 10, min_delta: 0.0 }),
                refit_heads: true,
                ..TrainingParams::default()
            },
        }
    }

    /// Shared layers of these widths in the published manner: all but the last are normalised and drop out, by the
    /// rates in turn, the last rate repeated.
    #[must_use]
    pub fn shared(widths: &[usize], dropout: &[f64]) -> Vec<SharedLayer> {
        let last = widths.len().saturating_sub(1);
        let layer = |(at, &width): (usize, &usize)| {
            let rate = dropout.get(at).or(dropout.last()).copied().unwrap_or(0.0);
            SharedLayer { width, batch_norm: at < last, dropout: if at < last { rate } else { 0.0 } }
        };
        widths.iter().enumerate().map(layer).collect()
    }

    /// Checks every parameter; what depends on the data is checked in training.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the first that is out of its range, [`Error::Data`] for a free network that lacks
    /// a task.
    pub fn check(&self) -> Result<()> {
        self.network_of(&self.spec(&[])).map(|_| ())
    }

    /// The network that learns from `data`, checked: subjects of supply and demand of which no label is known have no
    /// output.
    pub(crate) fn network(&self, data: &Dataset) -> Result<Network> {
        let weighs = |row: usize| data.weights().is_none_or(|weights| weights[row] > 0.0);
        let is_known =
            |target: &&Target| target.values().iter().enumerate().any(|(row, v)| weighs(row) && !v.is_nan());
        let known = data.targets().iter().filter(is_known);
        let subjects = known.map(|target| target.name()).filter(|name| is_subject(name));
        self.network_of(&self.spec(&subjects.collect::<Vec<_>>()))
    }

    fn network_of(&self, spec: &NetworkSpec) -> Result<Network> {
        let answered =
            |name: &str| spec.heads.iter().any(|head| head.targets.iter().any(|target| target == name));
        if let Some(lacking) = NEEDED.iter().find(|name| !answered(name)) {
            return Err(Error::Data(format!("the network has no head that answers `{lacking}`")));
        }
        require("steps", spec.steps, spec.steps == 1, "1: a customer is one row")?;
        NetworkParams { network: spec.clone(), training: self.training.clone(), missing_indicators: false }
            .check()
    }

    /// The network as layers, with these targets of supply and demand.
    fn spec(&self, subjects: &[&str]) -> NetworkSpec {
        let (shared, head_hidden, supply_demand_hidden, weights) = match &self.architecture {
            Architecture::Free(spec) => return spec.clone(),
            Architecture::MultiTask { shared, head_hidden, supply_demand_hidden, task_weights } => {
                (shared, head_hidden, supply_demand_hidden, task_weights)
            }
        };
        let trunk = shared.iter().flat_map(|layer| {
            let norm = layer.batch_norm.then(LayerSpec::batch_norm);
            let dropout = (layer.dropout != 0.0).then(|| LayerSpec::dropout(layer.dropout));
            [LayerSpec::dense(layer.width), LayerSpec::relu()].into_iter().chain(norm).chain(dropout)
        });
        let hidden = |widths: &[usize]| {
            widths.iter().flat_map(|&width| [LayerSpec::dense(width), LayerSpec::relu()]).collect::<Vec<_>>()
        };
        let head = |name: &str, loss, weight| {
            HeadSpec::new(name, loss).with_layers(hidden(head_hidden)).with_weight(weight)
        };
        let raw = Loss::SquaredError(TargetScale::Raw);
        let mut heads = vec![
            head(FIRST_SESSION_SUCCESS, Loss::BinaryCrossEntropy, weights.first_session_success),
            head(SESSION_VELOCITY, raw, weights.session_velocity),
            head(CHURN_RISK_14D, Loss::BinaryCrossEntropy, weights.churn_risk_14d),
            head(CHURN_RISK_30D, Loss::BinaryCrossEntropy, weights.churn_risk_30d),
        ];
        if !subjects.is_empty() {
            let head = HeadSpec::new(SUPPLY_DEMAND, raw).with_targets(subjects.iter().copied());
            heads.push(head.with_layers(hidden(supply_demand_hidden)).with_weight(weights.supply_demand));
        }
        // The published code multiplies a sigmoid by 100 and compares it with scores of 0 to 100, which makes this one
        // loss thousands of times as large as the others; it is learned as a share of 100 instead.
        let share = Loss::SquaredError(TargetScale::Bounded { low: 0.0, high: 100.0 });
        heads.push(head(HEALTH_SCORE, share, weights.health_score));
        NetworkSpec { steps: 1, trunk: trunk.collect(), heads }
    }
}

/// Whether a target is the supply and demand of a subject.
pub(crate) fn is_subject(target: &str) -> bool {
    target.strip_prefix(SUPPLY_DEMAND).is_some_and(|rest| rest.starts_with('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(spec: &NetworkSpec) -> serde_json::Value {
        serde_json::to_value(spec).unwrap()
    }

    #[test]
    fn the_published_networks_are_as_published() {
        let guide = layers(&HealthParams::of(Profile::Guide).spec(&[]));
        let trunk: Vec<&str> =
            guide["trunk"].as_array().unwrap().iter().map(|layer| layer["layer"].as_str().unwrap()).collect();
        let block = ["dense", "activation", "batch_norm", "dropout"];
        assert_eq!(trunk, [&block[..], &block[..], &["dense", "activation"][..]].concat());
        assert_eq!((&guide["trunk"][0]["width"], &guide["trunk"][4]["width"]), (&128.into(), &64.into()));
        assert_eq!((&guide["trunk"][3]["rate"], &guide["trunk"][7]["rate"]), (&0.3.into(), &0.2.into()));
        let heads = guide["heads"].as_array().unwrap();
        let weights: Vec<f64> = heads.iter().map(|head| head["weight"].as_f64().unwrap()).collect();
        assert_eq!(weights, [1.0, 0.5, 2.0, 2.0, 1.5]);
        assert!(heads.iter().all(|head| head["layers"].as_array().unwrap().is_empty()));

        let subjects: Vec<String> = (0..20).map(|i| format!("supply_demand_{i}")).collect();
        let wide = HealthParams::of(Profile::SageMaker);
        let wide = layers(&wide.spec(&subjects.iter().map(String::as_str).collect::<Vec<_>>()));
        assert_eq!(wide["trunk"][8]["width"], 64);
        let supply = &wide["heads"][4];
        assert_eq!(
            (&supply["name"], supply["targets"].as_array().unwrap().len()),
            (&"supply_demand".into(), 20)
        );
        assert_eq!((&supply["layers"][0]["width"], &supply["weight"]), (&64.into(), &1.0.into()));
        assert_eq!(wide["heads"][5]["layers"][0]["width"], 32);
        assert_eq!(wide["heads"][5]["loss"]["squared_error"]["bounded"]["high"], 100.0);
    }

    #[test]
    fn parameters_are_checked_and_plain_data() {
        let guide = HealthParams::default();
        guide.check().unwrap();
        let text = serde_json::to_string(&guide).unwrap();
        assert_eq!(serde_json::from_str::<HealthParams>(&text).unwrap(), guide);
        let unknown = text.replace("head_hidden", "hidden");
        assert!(
            serde_json::from_str::<HealthParams>(&unknown)
                .unwrap_err()
                .to_string()
                .contains("unknown field `hidden`")
        );

        let mut params = guide.clone();
        params.training.learning_rate = 0.0;
        assert_eq!(
            params.check().unwrap_err().to_string(),
            "parameter `learning_rate` is 0; expected above 0"
        );
        let mut spec = guide.spec(&[]);
        spec.heads.remove(2);
        let params = HealthParams { architecture: Architecture::Free(spec), ..guide };
        let words = params.check().unwrap_err().to_string();
        assert_eq!(words, "the network has no head that answers `churn_risk_14d`");
    }
}
