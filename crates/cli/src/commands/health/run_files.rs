//! The files of a training.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use tenure_core::{Error, Metadata};
use tenure_health::{HealthEpoch, HealthModel, HealthRun, Trained, history_by_name};
use tenure_neural::tensorboard::{self, EventWriter};
use tenure_neural::weights::safetensors;

use super::BEST;
use crate::output;
use crate::session::Session;

const FINAL: &str = "final_model";
const CHECKPOINT: &str = "checkpoint";

/// The output folder.
pub struct RunFolder {
    dir: PathBuf,
}

impl RunFolder {
    /// Refuses a folder that holds models of another kind.
    pub fn new(dir: &Path) -> Result<Self> {
        for (folder, kind) in [
            (dir.to_owned(), HealthModel::KIND),
            (dir.join(BEST), HealthModel::KIND),
            (dir.join(FINAL), HealthModel::KIND),
            (dir.join(CHECKPOINT), HealthRun::CHECKPOINT),
        ] {
            output::keeps_kind(&folder, kind)?;
        }
        Ok(Self { dir: dir.to_owned() })
    }

    pub fn checkpoint(&self) -> PathBuf {
        self.dir.join(CHECKPOINT)
    }

    pub fn save_checkpoint(&self, run: &HealthRun) -> Result<()> {
        Ok(run.checkpoint().save(&self.checkpoint(), &Metadata::default())?)
    }

    pub fn save_history(&self, run: &HealthRun) -> Result<()> {
        let history = history_by_name(run.history(), run.tasks());
        output::file(&self.dir.join("training_history.json"), &serde_json::to_vec_pretty(&history)?)
    }

    pub fn save_models(&self, trained: &Trained, metadata: &Metadata) -> Result<()> {
        for (name, model) in [(BEST, &trained.model), (FINAL, &trained.last)] {
            model.save(&self.dir.join(name), Session::now(), metadata.clone())?;
            let weights = safetensors::write(&model.network().weights(), &[("format", "pt")])?;
            output::file(&self.dir.join(format!("{name}.safetensors")), &weights)?;
        }
        let normalization = serde_json::to_vec_pretty(&trained.model.normalization())?;
        output::file(&self.dir.join("normalization_params.json"), &normalization)
    }
}

/// The log for TensorBoard.
pub struct Log {
    path: PathBuf,
    writer: EventWriter<BufWriter<File>>,
}

impl Log {
    /// In a folder of its own for each set of data, parameters and seed, so that TensorBoard shows runs beside each
    /// other.
    pub fn create(folder: &RunFolder, run: &HealthRun) -> Result<Self> {
        let dir = folder.dir.join("logs").join(run.version());
        let path = dir.join(tensorboard::file_name(now()));
        let failed = |source| Error::Io { path: path.clone(), action: "writing", source };
        fs::create_dir_all(&dir).map_err(failed)?;
        let file = File::create(&path).map_err(failed)?;
        let mut writer = EventWriter::new(BufWriter::new(file), now()).map_err(failed)?;
        let network = format!("```json\n{}\n```", serde_json::to_string_pretty(run.params())?);
        writer.text("network/parameters", 0, &network, now()).map_err(failed)?;
        writer.layers(&run.network(), now()).map_err(failed)?;
        Ok(Self { writer, path })
    }

    /// The figures of an epoch and the distributions of the weights after it.
    pub fn epoch(&mut self, epoch: &HealthEpoch, run: &HealthRun) -> Result<()> {
        let (step, now) = (epoch.losses.epoch as u64, now());
        let mut write = || {
            for (name, value) in epoch.scalars(run.tasks()) {
                self.writer.scalar(&name, step, value, now)?;
            }
            self.writer.weights(&run.network(), step, now)?;
            self.writer.flush()
        };
        write().map_err(|source| Error::Io { path: self.path.clone(), action: "writing", source })?;
        Ok(())
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
