//! The fitted health model: a network that knows its tasks and its words.

use std::path::Path;

use ndarray::{Array2, ArrayView2, ArrayViewMut2};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenure_core::{
    Artifact, Capabilities, Error, Explanation, FeatureKind, Metadata, Model, Output, Reason, Result, Schema,
    TypedRow,
};
use tenure_features::marketplace::{
    CHURN_RISK_14D, CHURN_RISK_30D, FIRST_SESSION_SUCCESS, HEALTH_SCORE, Profile, SESSION_VELOCITY,
};
use tenure_neural::{InputRole, NetworkModel};

use crate::decision::{Attribution, FeatureImportance, HealthPrediction, MOST_IMPORTANT, strongest};
use crate::figures::Task;
use crate::params::{HealthParams, is_subject};

/// What a health model is beside its network: plain data, kept in the artifact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthSettings {
    /// What it was trained with.
    pub params: HealthParams,
    /// The profile whose rows it reads; `None` for features of one's own.
    pub profile: Option<Profile>,
    /// Version, e.g. `health-1f0c…`.
    pub version: String,
    /// Customers learned from.
    pub rows: usize,
    /// Mean of the known labels of each output in training.
    pub means: Vec<f64>,
}

/// Means and deviations by which features are standardised, as the training guide has them in a file of its own:
/// `(x − mean) / std`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalization {
    /// Mean of each input over the training rows that know it.
    pub mean: Vec<f64>,
    /// Standard deviation over the same rows (dividing by their number); 1 for an input that never varies.
    pub std: Vec<f64>,
    /// What each input is: a feature, or one level of a categorical one as `feature=level`.
    pub features: Vec<String>,
}

/// A fitted health model.
///
/// As a [`Model`] it gives the outputs of its network, head by head. [`HealthModel::decide`] gives them as the
/// prediction that an application gets, with what drives the risk of leaving.
#[derive(Debug)]
pub struct HealthModel {
    network: NetworkModel,
    /// The linear models that evaluations print beside it, by output; `None` where one could not be fitted.
    linear: Vec<Option<Box<dyn Model>>>,
    /// Median of each feature over the training rows; NaN where it is always missing.
    typical: Vec<f64>,
    settings: HealthSettings,
    answers: Answers,
}

/// Places of the answers among the outputs.
#[derive(Debug)]
struct Answers {
    first_session: usize,
    velocity: usize,
    churn_14d: usize,
    churn_30d: usize,
    health: usize,
    supply_demand: Vec<usize>,
}

impl Answers {
    fn of(outputs: &[Output]) -> Result<Self> {
        let place = |target: &str| {
            let found = outputs.iter().position(|output| output.target == target);
            found.ok_or_else(|| Error::Data(format!("the network has no output `{target}`")))
        };
        let subjects = outputs.iter().enumerate().filter(|(_, output)| is_subject(&output.target));
        Ok(Self {
            first_session: place(FIRST_SESSION_SUCCESS)?,
            velocity: place(SESSION_VELOCITY)?,
            churn_14d: place(CHURN_RISK_14D)?,
            churn_30d: place(CHURN_RISK_30D)?,
            health: place(HEALTH_SCORE)?,
            supply_demand: subjects.map(|(at, _)| at).collect(),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    settings: HealthSettings,
    /// Outputs that have a linear model.
    linear: Vec<usize>,
}

impl HealthModel {
    /// Kind of the artifact.
    pub const KIND: &'static str = "health";
    const VERSION: u32 = 1;

    pub(crate) fn new(
        network: NetworkModel,
        linear: Vec<Option<Box<dyn Model>>>,
        typical: Vec<f64>,
        settings: HealthSettings,
    ) -> Result<Self> {
        let (width, outputs) = (network.schema().len(), network.outputs().len());
        for (what, expected, found) in [
            ("typical values", width, typical.len()),
            ("means of labels", outputs, settings.means.len()),
            ("linear models", outputs, linear.len()),
        ] {
            if expected != found {
                return Err(Error::Shape { what, expected, found });
            }
        }
        for model in linear.iter().flatten() {
            if model.schema().len() != width || model.outputs().len() != 1 {
                return Err(Error::Data(
                    "a linear model reads or gives something else than the network".into(),
                ));
            }
        }
        let answers = Answers::of(network.outputs())?;
        Ok(Self { network, linear, typical, settings, answers })
    }

    /// Restores what [`Model::to_artifact`] wrote.
    ///
    /// # Errors
    /// As [`Artifact::expect`] and the network's loader; [`Error::ArtifactDamaged`] where the pieces do not fit each
    /// other.
    pub fn from_artifact(artifact: &Artifact) -> Result<Self> {
        artifact.expect(Self::KIND, Self::VERSION)?;
        let Config { settings, linear: kept } = artifact.config()?;
        let network = NetworkModel::from_artifact(artifact.child("network")?)?;
        let mut linear: Vec<Option<Box<dyn Model>>> = network.outputs().iter().map(|_| None).collect();
        for at in kept {
            let place =
                linear.get_mut(at).ok_or_else(|| Error::damaged(format!("a linear model of output {at}")))?;
            *place = Some(tenure_backends::load(artifact.child(&linear_name(at))?)?);
        }
        let typical = artifact.numbers("typical.f64")?;
        Self::new(network, linear, typical, settings).map_err(|e| Error::damaged(e.to_string()))
    }

    /// Writes the model to a folder; see [`Artifact::save`]. `created` is the time to note, RFC 3339.
    ///
    /// # Errors
    /// As [`Artifact::save`].
    pub fn save(&self, dir: &Path, created: Option<String>, metadata: Metadata) -> Result<()> {
        let metadata = Metadata {
            created,
            rows: Some(self.settings.rows),
            features: self.schema().names().map(str::to_owned).collect(),
            ..metadata
        };
        self.to_artifact().save(dir, &metadata)
    }

    /// Reads the model in a folder; see [`Artifact::load`].
    ///
    /// # Errors
    /// As [`Artifact::load`] and [`HealthModel::from_artifact`].
    pub fn load(dir: &Path) -> Result<(Self, Metadata)> {
        let (artifact, metadata) = Artifact::load(dir)?;
        Ok((Self::from_artifact(&artifact)?, metadata))
    }

    /// What it was trained with and on.
    #[must_use]
    pub fn settings(&self) -> &HealthSettings {
        &self.settings
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &NetworkModel {
        &self.network
    }

    /// Median of each feature over the training rows.
    #[must_use]
    pub fn typical(&self) -> &[f64] {
        &self.typical
    }

    /// The tasks in the order of heads, with the places of their outputs.
    #[must_use]
    pub fn tasks(&self) -> Vec<Task> {
        Task::of(self.network.spec())
    }

    /// By what features are standardised.
    #[must_use]
    pub fn normalization(&self) -> Normalization {
        let inputs = self.network.scaler().inputs();
        let name = |feature: &str, role: &InputRole| match role {
            InputRole::Value => feature.to_owned(),
            InputRole::Level(level) => {
                let at = self.schema().position(feature).map(|at| &self.schema().features()[at].kind);
                let text = match at {
                    Some(FeatureKind::Categorical { levels }) => levels.get(*level).cloned(),
                    _ => None,
                };
                format!("{feature}={}", text.unwrap_or_else(|| level.to_string()))
            }
            InputRole::Missing => format!("{feature}=missing"),
        };
        Normalization {
            mean: inputs.iter().map(|input| input.mean).collect(),
            std: inputs.iter().map(|input| input.deviation).collect(),
            features: inputs.iter().map(|input| name(&input.feature, &input.role)).collect(),
        }
    }

    /// Everything about one customer, from one value a feature (NaN where not known).
    ///
    /// # Errors
    /// As [`Model::predict_row`].
    pub fn decide(&self, row: &[f64]) -> Result<HealthPrediction> {
        self.decide_by(row, CHURN_RISK_30D, Attribution::default())
    }

    /// As [`HealthModel::decide`], but naming the features that drive another target, measured in another way.
    ///
    /// # Errors
    /// As [`HealthModel::feature_importance`].
    pub fn decide_by(&self, row: &[f64], target: &str, attribution: Attribution) -> Result<HealthPrediction> {
        let mut out = vec![0.0; self.outputs().len()];
        self.predict_row(row, &mut out)?;
        let answers = &self.answers;
        let subjects: Vec<f64> = answers.supply_demand.iter().map(|&at| out[at]).collect();
        Ok(HealthPrediction {
            first_session_success_prob: out[answers.first_session],
            // A squared error does not know that there are no fewer than none.
            predicted_session_velocity: out[answers.velocity].max(0.0),
            churn_risk_14d: out[answers.churn_14d],
            churn_risk_30d: out[answers.churn_30d],
            customer_health_score: out[answers.health],
            supply_demand_scores: (!subjects.is_empty()).then_some(subjects),
            feature_importance: self.feature_importance(row, target, attribution, MOST_IMPORTANT)?,
        })
    }

    /// Everything about one customer from a row of the model's own features.
    ///
    /// # Errors
    /// [`Error::Columns`] naming the features that differ where the row is of another profile, [`Error::Row`] for
    /// values out of range.
    pub fn decide_row<R: TypedRow>(&self, row: &R) -> Result<HealthPrediction> {
        let names: Vec<&str> = R::fields().iter().map(|field| field.name).collect();
        self.schema().match_columns(&names)?;
        if R::schema() != *self.schema() {
            return Err(Error::Data("the model has the features of this row with another meaning".into()));
        }
        row.check()?;
        self.decide(&row.to_values())
    }

    /// Everything about one customer from JSON: an object by name, or a list in the order of features; either of them
    /// bare or as the member `features` of an object.
    ///
    /// # Errors
    /// As [`HealthModel::values_of_json`].
    pub fn decide_json(&self, value: &Value) -> Result<HealthPrediction> {
        self.decide(&self.values_of_json(value)?)
    }

    /// The values of one customer in the order of features, from JSON as [`HealthModel::decide_json`] takes it.
    ///
    /// # Errors
    /// [`Error::Row`] naming everything that is missing, unknown, of another type or, in a row of a profile, out of
    /// range; [`Error::Shape`] for a list of another length.
    pub fn values_of_json(&self, value: &Value) -> Result<Vec<f64>> {
        if let Some(profile) = self.settings.profile {
            return profile.values_of_json(value);
        }
        let features = value.get("features").unwrap_or(value);
        let Value::Array(list) = features else { return self.schema().values_of_json(features) };
        if list.len() != self.schema().len() {
            return Err(Error::Shape { what: "features", expected: self.schema().len(), found: list.len() });
        }
        let named = self.schema().names().map(str::to_owned).zip(list.iter().cloned());
        self.schema().values_of_json(&Value::Object(named.collect()))
    }

    /// The features that drive a target for one customer, most first, at most `most`.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the targets there are, else as [`Model::explain_row`].
    pub fn feature_importance(
        &self,
        row: &[f64],
        target: &str,
        attribution: Attribution,
        most: usize,
    ) -> Result<Vec<FeatureImportance>> {
        let output = self.place(target)?;
        let effects = match attribution {
            Attribution::IntegratedGradients => self.explain_row(row, output)?.contributions,
            Attribution::Gradient => self.network.gradient(row, output)?,
        };
        Ok(strongest(self.schema().names(), &effects, most))
    }

    /// What moved a target for one customer, in words, most first, at most `most`.
    ///
    /// # Errors
    /// As [`HealthModel::feature_importance`].
    pub fn reasons(&self, row: &[f64], target: &str, most: usize) -> Result<Vec<Reason>> {
        let explanation = self.explain_row(row, self.place(target)?)?;
        Ok(explanation.reasons(self.schema(), row, &self.typical, most))
    }

    /// Place of the output that answers a target.
    fn place(&self, target: &str) -> Result<usize> {
        let found = self.outputs().iter().position(|output| output.target == target);
        found.ok_or_else(|| {
            let targets: Vec<&str> = self.outputs().iter().map(|output| output.target.as_str()).collect();
            let expected = format!("one of {}", targets.join(", "));
            Error::Parameter { name: "target", value: target.to_owned(), expected: expected.into() }
        })
    }

    /// The predictions of the linear models, rows × outputs; NaN in the columns of outputs that have none.
    pub(crate) fn predict_linear(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        let mut out = Array2::from_elem((x.nrows(), self.linear.len()), f64::NAN);
        for (model, mut column) in self.linear.iter().zip(out.columns_mut()) {
            if let Some(model) = model {
                column.assign(&model.predict(x)?.column(0));
            }
        }
        Ok(out)
    }
}

fn linear_name(output: usize) -> String {
    format!("linear_{output}")
}

impl Model for HealthModel {
    fn schema(&self) -> &Schema {
        self.network.schema()
    }

    fn outputs(&self) -> &[Output] {
        self.network.outputs()
    }

    fn capabilities(&self) -> Capabilities {
        self.network.capabilities()
    }

    fn predict_into(&self, x: ArrayView2<'_, f64>, out: ArrayViewMut2<'_, f64>) -> Result<()> {
        self.network.predict_into(x, out)
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        self.network.predict_row(row, out)
    }

    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation> {
        self.network.explain_row(row, output)
    }

    fn to_artifact(&self) -> Artifact {
        let with_linear: Vec<usize> =
            (0..self.linear.len()).filter(|&at| self.linear[at].is_some()).collect();
        let config = serde_json::json!({ "settings": self.settings, "linear": with_linear });
        let artifact = Artifact::from_json(Self::KIND, Self::VERSION, config)
            .with_numbers("typical.f64", &self.typical)
            .with_child("network", self.network.to_artifact());
        let linear = self.linear.iter().enumerate();
        linear
            .filter_map(|(at, model)| Some((at, model.as_ref()?)))
            .fold(artifact, |artifact, (at, model)| {
                artifact.with_child(&linear_name(at), model.to_artifact())
            })
    }
}
