//! Parameters of study time.

use serde::{Deserialize, Serialize};
use tenure_backends::glm::Family;
use tenure_backends::{Backend, GbdtParams, GlmParams, MlpParams, TrainingParams};
use tenure_core::params::require;
use tenure_core::{Error, Learner, Result};
use tenure_features::augment::Augmentation;
use tenure_neural::{
    EarlyStopping, HeadSpec, LayerSpec, Loss, NetworkParams, NetworkSpec, Schedule, TargetScale,
};

/// Sessions that a network over sessions sees, the present one among them.
const STEPS: usize = 8;

/// Most iterations of a learner that iterates, and after how many without a gain it stops.
const ITERATIONS: (usize, usize) = (2_000, 50);

/// What learns.
///
/// In JSON: `{"kind": "rows", "backend": "mlp", …}` or `{"kind": "sequence", "steps": 8, …}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StudyLearner {
    /// A learner of single rows.
    Rows(Backend),
    /// A network over a student's sessions.
    Sequence(SequenceParams),
}

/// A network over a student's sessions, the last of which is the one to foretell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SequenceParams {
    /// Name in reports, e.g. `lstm`.
    pub name: String,
    /// Sessions it sees, 2 to 100.
    pub steps: usize,
    /// Its layers; one number for the last step must be what remains.
    pub layers: Vec<LayerSpec>,
    /// How it is trained.
    pub training: TrainingParams,
}

impl StudyLearner {
    /// The names that [`StudyLearner::by_name`] knows beside those of [`Backend::NAMES`].
    pub const SEQUENCES: [&'static str; 2] = ["lstm", "attention"];

    /// The learner of this name with settings that suit study time.
    ///
    /// # Errors
    /// [`Error::Parameter`] listing the names there are; as [`Backend::by_name`].
    pub fn by_name(name: &str) -> Result<Self> {
        Ok(match name {
            "mlp" => Self::Rows(Backend::Mlp(mlp())),
            "gbdt" => Self::Rows(Backend::Gbdt(boosting())),
            "glm" => Self::Rows(Backend::Glm(GlmParams { alpha: 1e-3, ..GlmParams::of(Family::Gaussian) })),
            "lstm" => Self::Sequence(lstm()),
            "attention" => Self::Sequence(attention()),
            other => {
                Self::Rows(Backend::by_name(other).map_err(|error| {
                    match error {
                        Error::Parameter { .. } => Error::Parameter {
                            name: "learner",
                            value: other.to_owned(),
                            expected: format!(
                                "one of {}, {}",
                                Backend::NAMES.join(", "),
                                Self::SEQUENCES.join(", ")
                            )
                            .into(),
                        },
                        error => error,
                    }
                })?)
            }
        })
    }

    /// The same with another value of one parameter, by its serialised name; a dot leads into a parameter that holds others
    /// (`training.learning_rate`).
    ///
    /// # Errors
    /// As [`Backend::with`]; [`Error::Unsupported`] for a parameter that a network over sessions does not have.
    pub fn with(&self, name: &str, value: serde_json::Value) -> Result<Self> {
        let params = match self {
            Self::Rows(backend) => return Ok(Self::Rows(backend.with(name, value)?)),
            Self::Sequence(params) => params,
        };
        let refused =
            |problem: String| Error::unsupported(params.name.as_str(), format!("`{name}`: {problem}"));
        let mut json = serde_json::to_value(params).map_err(|e| Error::Internal(e.to_string()))?;
        let place = json.pointer_mut(&format!("/{}", name.replace('.', "/")));
        *place.ok_or_else(|| refused("it has no such parameter".into()))? = value;
        serde_json::from_value(json).map(Self::Sequence).map_err(|e| refused(e.to_string()))
    }

    /// Short name, e.g. `mlp`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Rows(backend) => {
                backend.clone().check().map_or_else(|e| e.to_string(), |learner| learner.name().to_owned())
            }
            Self::Sequence(params) => params.name.clone(),
        }
    }

    /// Sessions in a row of numbers: 1 of a learner of single rows.
    #[must_use]
    pub fn steps(&self) -> usize {
        match self {
            Self::Rows(_) => 1,
            Self::Sequence(params) => params.steps,
        }
    }

    /// The learner of a target, stopping early where it iterates.
    pub(crate) fn check(&self, target: &str) -> Result<Box<dyn Learner>> {
        match self {
            Self::Rows(backend) => backend.iterating(ITERATIONS.0, Some(ITERATIONS.1)).check(),
            Self::Sequence(params) => {
                let SequenceParams { steps, layers, training, .. } = params;
                require("steps", steps, (2..=100).contains(steps), "2 to 100")?;
                let loss = Loss::SquaredError(TargetScale::Standardised);
                let head = HeadSpec::new("target", loss).with_targets([target]);
                let network = NetworkSpec { steps: *steps, trunk: layers.clone(), heads: vec![head] };
                // A duration that is missing tells the present session from those before.
                let params = NetworkParams { network, training: training.clone(), missing_indicators: true };
                Ok(Box::new(params.check()?))
            }
        }
    }
}

/// Up to 150 epochs of 32 rows; 15 without a gain end it. Of the published settings the learning rate differs: begun at
/// 0.001 and never lower than that, it could not fall. From 0.003, to a fifth after 5 epochs without a gain, the network
/// came to within 4.4 % of the best attainable MAE on 2,500 synthetic sessions, instead of 6.0 % (4.3 % instead of 4.8 % in
/// RMSE).
fn training() -> TrainingParams {
    TrainingParams {
        epochs: 150,
        batch_size: 32,
        learning_rate: 3e-3,
        schedule: Schedule::ReduceOnPlateau { factor: 0.2, patience: 5, min_learning_rate: 1e-5 },
        early_stopping: Some(EarlyStopping { patience: 15, min_delta: 0.0 }),
        refit_heads: true,
        ..TrainingParams::default()
    }
}

fn mlp() -> MlpParams {
    MlpParams {
        hidden: vec![128, 64, 32, 16],
        dropout: vec![0.3, 0.2, 0.2],
        training: training(),
        ..MlpParams::default()
    }
}

/// Small steps of small trees on drawn rows and columns.
fn boosting() -> GbdtParams {
    GbdtParams {
        learning_rate: 0.05,
        leaves: 7,
        row_fraction: 0.7,
        column_fraction: 0.5,
        ..GbdtParams::default()
    }
}

fn lstm() -> SequenceParams {
    let layers = vec![
        LayerSpec::Lstm { width: 64, sequence: true },
        LayerSpec::dropout(0.2),
        LayerSpec::Lstm { width: 32, sequence: false },
        LayerSpec::dropout(0.2),
        LayerSpec::dense(16),
        LayerSpec::relu(),
    ];
    SequenceParams { name: "lstm".into(), steps: STEPS, layers, training: training() }
}

fn attention() -> SequenceParams {
    let layers = vec![
        LayerSpec::dense(64),
        LayerSpec::relu(),
        LayerSpec::Attention { heads: 4, key_width: 16 },
        LayerSpec::LastStep,
        LayerSpec::dense(64),
        LayerSpec::relu(),
        LayerSpec::dropout(0.2),
        LayerSpec::dense(32),
        LayerSpec::relu(),
    ];
    SequenceParams { name: "attention".into(), steps: STEPS, layers, training: training() }
}

/// Parameters of study time; [`StudyParams::check`] refuses what is out of range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StudyParams {
    /// What learns; L2, gradient clipping and all else of its training are its own.
    pub learner: StudyLearner,
    /// Fits that are averaged, 2 to 50. The students are cut into as many parts; each fit learns from all but one and
    /// stops early on that one, which is also what its errors are measured on.
    pub ensemble: usize,
    /// Noisy copies of the rows that a fit learns from; never of those that it stops early or is judged on.
    pub augmentation: Option<Augmentation>,
    /// A text of fewer training sessions has no level of its own, at least 1.
    pub least_sessions: usize,
    /// Nominal coverage of the intervals, above 0 and below 1.
    pub interval_level: f64,
    /// Share of the rows held out to be judged on, above 0 and below 1.
    pub test_share: f64,
}

impl Default for StudyParams {
    fn default() -> Self {
        Self {
            learner: StudyLearner::Rows(Backend::Mlp(mlp())),
            ensemble: 5,
            augmentation: None,
            least_sessions: 5,
            interval_level: 0.9,
            test_share: 0.2,
        }
    }
}

impl StudyParams {
    /// Checks every parameter.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the first that is out of its range.
    pub fn check(&self) -> Result<()> {
        let inside = |v: f64| v > 0.0 && v < 1.0;
        require("ensemble", self.ensemble, (2..=50).contains(&self.ensemble), "2 to 50")?;
        require("least_sessions", self.least_sessions, self.least_sessions >= 1, "at least 1")?;
        let level = self.interval_level;
        require("interval_level", level, inside(level), "above 0, below 1")?;
        require("test_share", self.test_share, inside(self.test_share), "above 0, below 1")?;
        self.augmentation.as_ref().map_or(Ok(()), Augmentation::check)?;
        self.learner.check("target").map(|_| ())
    }
}
