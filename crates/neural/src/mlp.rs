//! Multi-layer perceptrons of one target.

use serde::{Deserialize, Serialize};
use tenure_core::{
    Capabilities, Dataset, Error, FitContext, Fitted, Learner, Result, TargetKind, params::require,
};

use crate::network::CAPABILITIES;
use crate::{
    Activation, HeadSpec, LayerSpec, Loss, Network, NetworkParams, NetworkSpec, TargetScale, TrainingParams,
};

/// A multi-layer perceptron for one target: two classes by cross-entropy, a number by squared error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MlpParams {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Behind each hidden layer.
    pub activation: Activation,
    /// Whether each hidden layer but the last is followed by batch normalisation.
    pub batch_norm: bool,
    /// Dropout behind the first hidden layers, in order; those beyond have none.
    pub dropout: Vec<f64>,
    /// How it is trained.
    pub training: TrainingParams,
    /// Where no validation set is given: whether the rows held out to find the number of epochs (see
    /// [`TrainingParams::validation_share`]) are learned from as well, by a second training on all rows that takes so
    /// many epochs at the learning rates of the first.
    pub refit: bool,
    /// Whether predictions are made right on average over the training rows, by
    /// [`NetworkModel::balanced`](crate::NetworkModel::balanced).
    pub balance: bool,
}

impl Default for MlpParams {
    fn default() -> Self {
        Self {
            hidden: vec![64, 32],
            activation: Activation::Relu,
            batch_norm: false,
            dropout: vec![0.1],
            training: TrainingParams::default(),
            refit: true,
            balance: true,
        }
    }
}

impl MlpParams {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the first that is out of range.
    pub fn check(self) -> Result<Mlp> {
        let (given, layers) = (self.dropout.len(), self.hidden.len());
        require(
            "dropout",
            format!("of {given} layers"),
            given <= layers,
            format!("of at most the {layers} hidden layers"),
        )?;
        let mlp = Mlp { params: self };
        mlp.with_head(HeadSpec::new("target", Loss::BinaryCrossEntropy))?;
        Ok(mlp)
    }
}

/// A multi-layer perceptron to be trained, its parameters checked.
#[derive(Debug, Clone)]
pub struct Mlp {
    params: MlpParams,
}

impl Mlp {
    /// The network for the first target of a data set. Its head is named `target`.
    ///
    /// # Errors
    /// [`Error::NoTarget`]; [`Error::Unsupported`] for a target of several classes.
    pub fn network(&self, train: &Dataset) -> Result<Network> {
        let target = train.target()?;
        let loss = match target.kind() {
            TargetKind::Binary => Loss::BinaryCrossEntropy,
            TargetKind::Real => Loss::SquaredError(TargetScale::Standardised),
            _ => return Err(Error::unsupported("mlp", "a target of several classes")),
        };
        self.with_head(HeadSpec::new("target", loss).with_targets([target.name()]))
    }

    fn with_head(&self, head: HeadSpec) -> Result<Network> {
        let MlpParams { hidden, activation, batch_norm, dropout, training, .. } = &self.params;
        let mut trunk = Vec::new();
        for (at, &width) in hidden.iter().enumerate() {
            trunk.push(LayerSpec::dense(width));
            trunk.push(LayerSpec::Activation { function: *activation });
            if *batch_norm && at + 1 < hidden.len() {
                trunk.push(LayerSpec::batch_norm());
            }
            trunk.extend(
                dropout
                    .get(at)
                    .filter(|rate| **rate > 0.0 || rate.is_nan())
                    .map(|&rate| LayerSpec::dropout(rate)),
            );
        }
        let network = NetworkSpec { steps: 1, trunk, heads: vec![head] };
        NetworkParams { network, training: training.clone(), missing_indicators: true }.check()
    }
}

impl Learner for Mlp {
    fn name(&self) -> &str {
        "mlp"
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn fit(&self, train: &Dataset, valid: Option<&Dataset>, context: &FitContext<'_>) -> Result<Fitted> {
        let network = self.network(train)?;
        let fit = match valid {
            None if self.params.refit => network.train_on_all(train, context)?,
            valid => network.train(train, valid, context)?,
        };
        let model = if self.params.balance { fit.model.balanced(train)? } else { fit.model };
        Ok(Fitted { model: Box::new(model), report: fit.report })
    }
}
