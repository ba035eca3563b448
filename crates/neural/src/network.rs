//! Networks of any shape as learners.

use serde::{Deserialize, Serialize};
use tenure_core::{
    Artifact, Capabilities, Dataset, FitContext, Fitted, Learner, MissingPolicy, Result, params::require,
};

use crate::graph::Graph;
use crate::run::{NetworkFit, TrainingRun};
use crate::{HeadSpec, LayerSpec, Loss, NetworkSpec, Optimizer, Schedule, TargetScale, TrainingParams};

/// What a network looks like and how it is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkParams {
    /// Trunk and heads.
    pub network: NetworkSpec,
    /// How it is trained.
    #[serde(default)]
    pub training: TrainingParams,
    /// Whether a feature that is missing in some training rows has a further input that says so. A network of a
    /// fixed number of inputs leaves it off: a missing value is then the mean and nothing else.
    #[serde(default)]
    pub missing_indicators: bool,
}

/// A network to be trained, its parameters checked.
///
/// As a [`Learner`] it learns every target that its heads name, where others learn the first one.
#[derive(Debug, Clone)]
pub struct Network {
    params: NetworkParams,
}

/// What a learner of networks can do.
pub(crate) const CAPABILITIES: Capabilities =
    Capabilities::new(MissingPolicy::Imputed).with_weights().with_categories().with_explanations();

impl NetworkParams {
    /// Checks ranges and that the layers fit together. What depends on the data (targets, inputs) is checked in
    /// training.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`] naming the first value that is out of range.
    pub fn check(self) -> Result<Network> {
        let spec = &self.network;
        require("steps", spec.steps, (1..=100_000).contains(&spec.steps), "from 1 to 100000")?;
        require("heads", spec.heads.len(), !spec.heads.is_empty(), "at least one head")?;
        for (at, head) in spec.heads.iter().enumerate() {
            check_head(head, &spec.heads[..at])?;
        }
        check_training(&self.training)?;
        let layers = spec.trunk.iter().chain(spec.heads.iter().flat_map(|head| &head.layers));
        let normalised = layers.into_iter().any(|layer| matches!(layer, LayerSpec::BatchNorm { .. }));
        let rows = self.training.batch_size;
        require("batch_size", rows, !normalised || rows > 1, "at least 2, for batch normalisation")?;
        Graph::<f32>::build(spec, 1)?;
        Ok(Network { params: self })
    }
}

fn check_head(head: &HeadSpec, before: &[HeadSpec]) -> Result<()> {
    let name = &head.name;
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    require("head name", format!("`{name}`"), plain, "letters, digits, `_` and `-`")?;
    let unique = before.iter().all(|other| other.name != *name);
    require("head name", format!("`{name}`"), unique, "a name that no other head has")?;
    require(
        "targets",
        format!("none (in the head `{name}`)"),
        !head.targets.is_empty(),
        "at least one target",
    )?;
    for (at, target) in head.targets.iter().enumerate() {
        let taken =
            before.iter().flat_map(|other| &other.targets).chain(&head.targets[..at]).any(|t| t == target);
        require("targets", format!("`{target}`"), !taken, "a target that no other output answers")?;
    }
    require("weight", head.weight, head.weight.is_finite() && head.weight >= 0.0, "at least 0")?;
    if let Loss::SquaredError(TargetScale::Bounded { low, high }) = head.loss {
        let fits = low.is_finite() && high.is_finite() && low < high;
        require("bounds", format!("{low} to {high}"), fits, "finite ones, the lower first")?;
    }
    Ok(())
}

fn check_training(params: &TrainingParams) -> Result<()> {
    let positive = |name, value: f64| require(name, value, value > 0.0 && value.is_finite(), "above 0");
    require("epochs", params.epochs, params.epochs > 0, "at least 1")?;
    require("batch_size", params.batch_size, params.batch_size > 0, "at least 1")?;
    positive("learning_rate", params.learning_rate)?;
    require("l2", params.l2, params.l2 >= 0.0 && params.l2.is_finite(), "at least 0")?;
    params.clip_norm.map_or(Ok(()), |norm| positive("clip_norm", norm))?;
    let share = params.validation_share;
    require("validation_share", share, (0.0..1.0).contains(&share), "at least 0, below 1")?;
    let fewer = params.warm_up_epochs < params.epochs;
    require("warm_up_epochs", params.warm_up_epochs, fewer, "fewer than there are epochs")?;
    if let Some(stopping) = params.early_stopping {
        let delta = stopping.min_delta;
        require("patience", stopping.patience, stopping.patience > 0, "at least 1")?;
        require("min_delta", delta, delta >= 0.0 && delta.is_finite(), "at least 0")?;
    }
    match params.schedule {
        Schedule::ReduceOnPlateau { factor, patience, min_learning_rate } => {
            require("factor", factor, factor > 0.0 && factor < 1.0, "above 0, below 1")?;
            require("patience", patience, patience > 0, "at least 1")?;
            let fits = min_learning_rate >= 0.0 && min_learning_rate.is_finite();
            require("min_learning_rate", min_learning_rate, fits, "at least 0")?;
        }
        Schedule::Cosine { min_learning_rate } => {
            let fits = (0.0..=params.learning_rate).contains(&min_learning_rate);
            require("min_learning_rate", min_learning_rate, fits, "from 0 to the learning rate")?;
        }
        Schedule::Constant => {}
    }
    let (Optimizer::Adam { beta1, beta2, epsilon } | Optimizer::AdamW { beta1, beta2, epsilon, .. }) =
        params.optimizer;
    for (name, beta) in [("beta1", beta1), ("beta2", beta2)] {
        require(name, beta, (0.0..1.0).contains(&beta), "at least 0, below 1")?;
    }
    positive("epsilon", epsilon)?;
    if let Optimizer::AdamW { weight_decay, .. } = params.optimizer {
        require("weight_decay", weight_decay, weight_decay >= 0.0 && weight_decay.is_finite(), "at least 0")?;
    }
    Ok(())
}

impl Network {
    /// Its parameters.
    #[must_use]
    pub fn params(&self) -> &NetworkParams {
        &self.params
    }

    /// Begins a training that goes on epoch by epoch, as its caller asks.
    ///
    /// # Errors
    /// As [`Learner::fit`]; [`tenure_core::Error::Data`] for a validation set without any known label.
    pub fn start(
        &self,
        train: &Dataset,
        valid: Option<&Dataset>,
        context: &FitContext<'_>,
    ) -> Result<TrainingRun> {
        TrainingRun::start(&self.params, train, valid, context)
    }

    /// Goes on from a [checkpoint](TrainingRun::checkpoint), to the same bits as a training that never stopped.
    ///
    /// # Errors
    /// As [`Network::start`]; [`tenure_core::Error::Data`] where the checkpoint is of other data, another seed or
    /// other parameters. Only the number of epochs may differ, unless the learning rate follows a cosine over them.
    pub fn resume(
        &self,
        checkpoint: &Artifact,
        train: &Dataset,
        valid: Option<&Dataset>,
        context: &FitContext<'_>,
    ) -> Result<TrainingRun> {
        let mut run = self.start(train, valid, context)?;
        run.restore(checkpoint)?;
        Ok(run)
    }

    /// Trains to the end.
    ///
    /// # Errors
    /// As [`Network::start`] and [`TrainingRun::next_epoch`].
    pub fn train(
        &self,
        train: &Dataset,
        valid: Option<&Dataset>,
        context: &FitContext<'_>,
    ) -> Result<NetworkFit> {
        let mut run = self.start(train, valid, context)?;
        while run.next_epoch(context)?.is_some() {}
        run.finish()
    }
}

impl Network {
    /// Finds the number of epochs on rows held out by [`TrainingParams::validation_share`], then trains on all rows for
    /// so many, at the same learning rates. Without held-out rows this is [`Network::train`].
    ///
    /// # Errors
    /// As [`Network::train`].
    pub fn train_on_all(&self, train: &Dataset, context: &FitContext<'_>) -> Result<NetworkFit> {
        let found = self.train(train, None, context)?;
        if found.history.first().is_none_or(|epoch| epoch.valid.is_none()) {
            return Ok(found);
        }
        let rates: Vec<f64> =
            found.history[..found.report.iterations].iter().map(|e| e.learning_rate).collect();
        let mut run = TrainingRun::start_at_rates(&self.params, rates, train, context)?;
        while run.next_epoch(context)?.is_some() {}
        let mut fit = run.finish()?;
        let (epochs, report) = (found.report.iterations, found.report);
        fit.report.notes = report.notes;
        fit.report.notes.push(format!("trained on all rows for {epochs} epochs, found on held-out rows"));
        fit.report.stopped = report.stopped;
        Ok(NetworkFit { history: found.history, ..fit })
    }
}

impl Learner for Network {
    fn name(&self) -> &str {
        "network"
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn fit(&self, train: &Dataset, valid: Option<&Dataset>, context: &FitContext<'_>) -> Result<Fitted> {
        let NetworkFit { model, report, .. } = self.train(train, valid, context)?;
        Ok(Fitted { model: Box::new(model), report })
    }
}
