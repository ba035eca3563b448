//! A training under way as plain data.

use serde::{Deserialize, Serialize};
use tenure_core::{Artifact, Error, Result, seed};

use super::{Best, EpochRecord, Plateau, TrainingRun};
use crate::codec::{read_floats, with_floats};
use crate::graph::Weights;
use crate::{NetworkParams, Schedule};

const KIND: &str = "network_training";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    params: NetworkParams,
    seed: u64,
    fingerprint: u64,
    history: Vec<EpochRecord>,
    best_epoch: usize,
    plateau_waited: usize,
    plateau_reductions: u32,
    steps: u64,
}

impl TrainingRun {
    /// Kind of the artifact that [`TrainingRun::checkpoint`] gives.
    pub const CHECKPOINT: &'static str = KIND;

    /// Everything that [`Network::resume`](crate::Network::resume) needs beside the data. Saved with
    /// [`Artifact::save`], it is whole at any moment.
    #[must_use]
    pub fn checkpoint(&self) -> Artifact {
        let config = serde_json::json!({
            "params": self.params,
            "seed": self.seed,
            "fingerprint": self.fingerprint,
            "history": self.history,
            "best_epoch": self.best.epoch,
            "plateau_waited": self.plateau.waited,
            "plateau_reductions": self.plateau.reductions,
            "steps": self.moments.steps,
        });
        let artifact = Artifact::from_json(KIND, VERSION, config)
            .with_numbers("losses", &[self.best.loss, self.plateau.best]);
        let parts = [
            ("parameters", &self.weights.parameters),
            ("statistics", &self.weights.statistics),
            ("best_parameters", &self.best.weights.parameters),
            ("best_statistics", &self.best.weights.statistics),
            ("first_moments", &self.moments.first),
            ("second_moments", &self.moments.second),
        ];
        parts.into_iter().fold(artifact, |artifact, (name, values)| with_floats(artifact, name, values))
    }

    /// Takes over the state of a checkpoint.
    pub(crate) fn restore(&mut self, artifact: &Artifact) -> Result<()> {
        artifact.expect(KIND, VERSION)?;
        let config: Config = artifact.config()?;
        self.check_same(&config)?;
        let weights = |prefix: &str| -> Result<Weights<f32>> {
            Ok(Weights {
                parameters: read_floats(
                    artifact,
                    &format!("{prefix}parameters"),
                    self.weights.parameters.len(),
                )?,
                statistics: read_floats(
                    artifact,
                    &format!("{prefix}statistics"),
                    self.weights.statistics.len(),
                )?,
            })
        };
        let losses = artifact.numbers("losses")?;
        let &[best_loss, plateau_best] = &losses[..] else {
            return Err(Error::damaged(format!("`{KIND}` holds {} losses; expected 2", losses.len())));
        };
        if config.best_epoch > config.history.len() {
            return Err(Error::damaged(format!("the best epoch of `{KIND}` is beyond its history")));
        }
        let count = self.moments.first.len();
        (self.weights, self.best) =
            (weights("")?, Best { loss: best_loss, epoch: config.best_epoch, weights: weights("best_")? });
        self.moments.first = read_floats(artifact, "first_moments", count)?;
        self.moments.second = read_floats(artifact, "second_moments", count)?;
        self.moments.steps = config.steps;
        let (waited, reductions) = (config.plateau_waited, config.plateau_reductions);
        self.plateau = Plateau { best: plateau_best, waited, reductions };
        self.history = config.history;
        self.stopped = self.ended();
        Ok(())
    }

    fn check_same(&self, config: &Config) -> Result<()> {
        let differs = |what: &str| {
            Err(Error::Data(format!(
                "the checkpoint is of a training with {what}; start anew or give the same"
            )))
        };
        if config.seed != self.seed {
            return differs(&format!("another seed ({})", config.seed));
        }
        let mut theirs = config.params.clone();
        if !matches!(theirs.training.schedule, Schedule::Cosine { .. }) {
            theirs.training.epochs = self.params.training.epochs;
        }
        if theirs != self.params {
            return differs("other parameters");
        }
        if config.fingerprint != self.fingerprint {
            return differs("other data");
        }
        Ok(())
    }
}

/// Differs for other data and another seed.
pub(super) fn fingerprint(train: u64, valid: Option<u64>, seed: u64) -> u64 {
    valid.into_iter().fold(seed::mix(train, seed), seed::mix)
}
