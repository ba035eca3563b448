//! What a network looks like, as plain data.

use serde::{Deserialize, Serialize};

/// A function applied to each number of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Activation {
    /// max(0, x).
    Relu,
    /// x where it is positive, 0.01 x elsewhere (PyTorch's default slope).
    LeakyRelu,
    /// x where it is positive, eˣ − 1 elsewhere (Clevert et al. 2016).
    Elu,
    /// x Φ(x), with the exact normal distribution function (Hendrycks & Gimpel 2016).
    Gelu,
    /// x σ(x), also known as swish.
    Silu,
    /// Hyperbolic tangent.
    Tanh,
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
    /// ln(1 + eˣ).
    Softplus,
}

/// One layer. Inputs of a network are `steps` × width; layers of a table see one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "layer", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum LayerSpec {
    /// x W + b at every step, W drawn as He et al. (2015) for the activation that follows.
    Dense {
        /// Numbers it gives.
        width: usize,
    },
    /// A function of each number.
    Activation {
        /// Which.
        function: Activation,
    },
    /// Batch normalisation (Ioffe & Szegedy 2015), over rows and steps.
    ///
    /// Conventions of PyTorch: the running mean and variance move by `momentum` towards those of the batch
    /// (Keras counts the other way: its 0.99 is 0.01 here); the batch is normalised by its biased variance, the
    /// running one collects the unbiased.
    BatchNorm {
        /// Above 0, at most 1.
        #[serde(default = "default_momentum")]
        momentum: f64,
        /// Added to the variance; above 0.
        #[serde(default = "default_epsilon")]
        epsilon: f64,
    },
    /// Each number becomes 0 with probability `rate` and is divided by 1 − `rate` otherwise, in training only.
    Dropout {
        /// At least 0, below 1.
        rate: f64,
    },
    /// Long short-term memory (Hochreiter & Schmidhuber 1997; gates in the order of PyTorch: input, forget, cell,
    /// output; two bias vectors).
    Lstm {
        /// Numbers in its state.
        width: usize,
        /// Whether it gives its state after every step (`true`) or after the last.
        sequence: bool,
    },
    /// Multi-head self-attention over the steps (Vaswani et al. 2017); steps that are not there are not attended
    /// to. Gives as many numbers a step as it takes.
    Attention {
        /// Number of heads.
        heads: usize,
        /// Numbers in a head's query, key and value.
        key_width: usize,
    },
    /// The last step alone.
    LastStep,
    /// The mean over the steps that are there.
    MeanSteps,
}

fn default_momentum() -> f64 {
    0.1
}

fn default_epsilon() -> f64 {
    1e-5
}

impl LayerSpec {
    /// A dense layer.
    #[must_use]
    pub const fn dense(width: usize) -> Self {
        Self::Dense { width }
    }

    /// max(0, x).
    #[must_use]
    pub const fn relu() -> Self {
        Self::Activation { function: Activation::Relu }
    }

    /// Batch normalisation with the usual momentum (0.1) and epsilon (1e-5).
    #[must_use]
    pub fn batch_norm() -> Self {
        Self::BatchNorm { momentum: default_momentum(), epsilon: default_epsilon() }
    }

    /// Dropout.
    #[must_use]
    pub const fn dropout(rate: f64) -> Self {
        Self::Dropout { rate }
    }
}

/// How a number is brought to the scale on which it is learned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetScale {
    /// As it is.
    Raw,
    /// Less the mean of the training rows, divided by their standard deviation.
    Standardised,
    /// Within two bounds: learned as a share of the way between them, through a sigmoid.
    Bounded {
        /// The lower bound.
        low: f64,
        /// The upper bound.
        high: f64,
    },
}

/// What a head is trained against.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Loss {
    /// Binary cross-entropy of a sigmoid, for targets of zeros and ones.
    BinaryCrossEntropy,
    /// Mean squared error, on the scale given.
    SquaredError(TargetScale),
}

/// The part of a network that answers one task: layers of its own, then a dense layer of one number a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadSpec {
    /// Its name, unique within the network.
    pub name: String,
    /// The targets it answers, in the order of its outputs.
    pub targets: Vec<String>,
    /// Layers between the trunk and the last dense layer, which is implied.
    pub layers: Vec<LayerSpec>,
    /// What it is trained against.
    pub loss: Loss,
    /// Factor of its loss in the sum over heads; at least 0.
    pub weight: f64,
}

impl HeadSpec {
    /// A head of one target of the same name, without layers of its own, of weight 1.
    pub fn new(name: impl Into<String>, loss: Loss) -> Self {
        let name = name.into();
        Self { targets: vec![name.clone()], name, layers: Vec::new(), loss, weight: 1.0 }
    }

    /// The same with layers of its own.
    #[must_use]
    pub fn with_layers(self, layers: Vec<LayerSpec>) -> Self {
        Self { layers, ..self }
    }

    /// The same with other targets than its name.
    #[must_use]
    pub fn with_targets(self, targets: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { targets: targets.into_iter().map(Into::into).collect(), ..self }
    }

    /// The same with another weight.
    #[must_use]
    pub fn with_weight(self, weight: f64) -> Self {
        Self { weight, ..self }
    }
}

/// A network: layers that all tasks share, and a head a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// Steps in a row of inputs: 1 for tables. The features of a sequence are `steps` blocks of equal width, oldest
    /// first; a step whose features are all missing is not there, and those that are not there come first.
    pub steps: usize,
    /// Layers that all heads share.
    pub trunk: Vec<LayerSpec>,
    /// At least one.
    pub heads: Vec<HeadSpec>,
}
