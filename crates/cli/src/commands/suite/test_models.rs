//! `tenure test-models`

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ndarray::Array2;
use serde::Serialize;
use tenure_churn::ChurnModel;
use tenure_churn::contact::ContactChurnModel;
use tenure_core::{Artifact, Error, Model, OutputKind, TypedRow};
use tenure_engagement::{EngagementModel, SendTimeRequest};
use tenure_features::contacts::{
    ContactLog, ContactPlan, ContactRow, ContactTable, LeadRow, MessageRow, contact_rows, lead_rows,
    message_set,
};
use tenure_features::{Error as Missing, Timestamp};
use tenure_lead::LeadModel;
use tenure_ltv::LtvModel;

use crate::args::TestModels;
use crate::commands::contacts;
use crate::commands::engagement::messages::MessagePlan;
use crate::output;
use crate::session::{Session, date};

/// How far an explanation may be from what it explains, relative to its size.
const ADDS_UP: f64 = 1e-6;

/// A loaded model, by what its answers are.
enum Loaded {
    Lead(Box<LeadModel>),
    Contact(Box<ContactChurnModel>),
    Engagement(Box<EngagementModel>),
    Churn(Box<ChurnModel>),
    Value(Box<LtvModel>),
}

/// What became of a model.
#[derive(Serialize)]
struct Tested {
    name: String,
    passed: bool,
    /// What it said of each sample.
    answers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub fn test_models(args: &TestModels, session: &Session) -> Result<()> {
    let folders = folders(&args.models)?;
    let log = match &args.records {
        Some(dir) => Some(contacts::read(dir, false, session)?.0),
        None => None,
    };
    let as_of = args.as_of.as_deref().map(|text| date("--as-of", text)).transpose()?;
    let samples = Samples { log, as_of, count: args.samples as usize };
    let tested: Vec<Tested> = folders.iter().map(|folder| test(folder, &samples, session)).collect();
    session.finish();
    if args.json {
        output::json(&tested)?;
    } else {
        output::text(&text(&tested))?;
    }
    let failed: Vec<&str> = tested.iter().filter(|t| !t.passed).map(|t| t.name.as_str()).collect();
    if failed.is_empty() {
        return Ok(());
    }
    let (names, all) = (failed.join(", "), tested.len());
    bail!(Error::damaged(format!("{} of {all} failed the test: {names}", failed.len())))
}

/// The models in the subfolders, or the folder itself where it is one.
fn folders(dir: &Path) -> Result<Vec<PathBuf>> {
    let is_model = |folder: &Path| folder.join("CURRENT").is_file();
    if is_model(dir) {
        return Ok(vec![dir.to_owned()]);
    }
    let failed = |source| Error::Io { path: dir.to_owned(), action: "reading", source };
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if is_model(&path) {
            folders.push(path);
        }
    }
    folders.sort();
    if folders.is_empty() {
        bail!(Error::ModelNotFound { path: dir.to_owned() });
    }
    Ok(folders)
}

fn test(folder: &Path, samples: &Samples, session: &Session) -> Tested {
    let name =
        folder.file_name().map_or_else(|| folder.display().to_string(), |n| n.to_string_lossy().into_owned());
    match judge(folder, samples, session) {
        Ok(answers) => Tested { name, passed: true, answers, error: None },
        Err(error) => Tested { name, passed: false, answers: Vec::new(), error: Some(format!("{error:#}")) },
    }
}

fn judge(folder: &Path, samples: &Samples, session: &Session) -> Result<Vec<String>> {
    let (artifact, _) = Artifact::load(folder)?;
    let loaded = Loaded::new(&artifact)?;
    let (ids, x) = samples.of(&loaded, &artifact, session)?;
    let model = loaded.model();
    keeps_its_promises(model, &x)?;
    ids.iter().zip(x.rows()).map(|(id, row)| loaded.answer(id, &row.to_vec())).collect()
}

/// Finite answers within range, alone as in a batch and again as before, and explanations that add up.
fn keeps_its_promises(model: &dyn Model, x: &Array2<f64>) -> Result<()> {
    let (batch, again) = (model.predict(x.view())?, model.predict(x.view())?);
    if batch != again {
        bail!("the same rows were answered differently the second time");
    }
    let mut alone = vec![0.0; model.outputs().len()];
    for (at, row) in x.rows().into_iter().enumerate() {
        let row = row.to_vec();
        model.predict_row(&row, &mut alone)?;
        if alone.iter().zip(batch.row(at)).any(|(a, b)| a.to_bits() != b.to_bits()) {
            bail!("sample {}: alone it is answered otherwise than in a batch", at + 1);
        }
        for (place, (output, &value)) in model.outputs().iter().zip(&alone).enumerate() {
            let probability = matches!(output.kind, OutputKind::Probability);
            if !value.is_finite() || (probability && !(0.0..=1.0).contains(&value)) {
                bail!("sample {}: `{}` is {value}", at + 1, output.name);
            }
            if !model.capabilities().explains {
                continue;
            }
            if let Some(told) = model.explain_row(&row, place)?.prediction()
                && (told - value).abs() > ADDS_UP * value.abs().max(1.0)
            {
                bail!(
                    "sample {}: the explanation of `{}` adds up to {told}, not {value}",
                    at + 1,
                    output.name
                );
            }
        }
    }
    Ok(())
}

/// Where samples come from.
struct Samples {
    log: Option<ContactLog>,
    as_of: Option<Timestamp>,
    count: usize,
}

impl Samples {
    /// Ids and rows: real ones where there are records that fit the model, else its typical row.
    fn of(
        &self,
        loaded: &Loaded,
        artifact: &Artifact,
        session: &Session,
    ) -> Result<(Vec<String>, Array2<f64>)> {
        let Some(table) = self.table(loaded, artifact, session)? else {
            let typical = loaded.typical();
            let x = Array2::from_shape_vec((1, typical.len()), typical.to_vec());
            return Ok((vec!["typical".to_owned()], x.context("a row of typical values")?));
        };
        let rows: Vec<usize> = (0..table.ids().len().min(self.count)).collect();
        let ids = rows.iter().map(|&row| table.ids()[row].clone()).collect();
        Ok((ids, table.data().select(&rows).x().to_owned()))
    }

    fn table(&self, loaded: &Loaded, artifact: &Artifact, session: &Session) -> Result<Option<ContactTable>> {
        let Some(log) = &self.log else { return Ok(None) };
        let as_of = self.as_of.or_else(|| log.coverage_end(None)).unwrap_or_default();
        let reads = |schema: tenure_core::Schema| *loaded.model().schema() == schema;
        let found = match loaded {
            Loaded::Lead(_) if reads(LeadRow::schema()) => lead_rows(log, as_of),
            Loaded::Contact(_) if reads(ContactRow::schema()) => {
                let plan: ContactPlan = contacts::source(artifact)?.into_plan();
                contact_rows(log, &plan, as_of)
            }
            Loaded::Engagement(_) if reads(MessageRow::schema()) => {
                let plan: MessagePlan = contacts::source(artifact)?.into_plan();
                message_set(log, plan.window_hours, Some(as_of), &session.context(0))
            }
            _ => return Ok(None),
        };
        match found {
            // Records without such rows say nothing against a model.
            Err(Missing::NoLeads { .. } | Missing::NoActiveContacts { .. } | Missing::NoMessages { .. }) => {
                Ok(None)
            }
            found => Ok(Some(found?)),
        }
    }
}

impl Loaded {
    fn new(artifact: &Artifact) -> Result<Self> {
        Ok(match artifact.kind.as_str() {
            LeadModel::KIND => Self::Lead(Box::new(LeadModel::from_artifact(artifact)?)),
            ContactChurnModel::KIND => Self::Contact(Box::new(ContactChurnModel::from_artifact(artifact)?)),
            EngagementModel::KIND => Self::Engagement(Box::new(EngagementModel::from_artifact(artifact)?)),
            ChurnModel::KIND => Self::Churn(Box::new(ChurnModel::from_artifact(artifact)?)),
            LtvModel::KIND => Self::Value(Box::new(LtvModel::from_artifact(artifact)?)),
            found => {
                let expected = "lead, contact-churn, engagement, churn or ltv".to_owned();
                bail!(Error::ArtifactKind { found: found.to_owned(), expected })
            }
        })
    }

    fn model(&self) -> &dyn Model {
        match self {
            Self::Lead(model) => model.as_ref(),
            Self::Contact(model) => model.as_ref(),
            Self::Engagement(model) => model.as_ref(),
            Self::Churn(model) => model.as_ref(),
            Self::Value(model) => model.as_ref(),
        }
    }

    fn typical(&self) -> &[f64] {
        match self {
            Self::Lead(model) => model.typical(),
            Self::Contact(model) => model.typical(),
            Self::Engagement(model) => model.typical(),
            Self::Churn(model) => model.typical(),
            Self::Value(model) => model.typical(),
        }
    }

    /// What the model says of a row, in a line.
    fn answer(&self, id: &str, row: &[f64]) -> Result<String> {
        let as_of = Timestamp::default();
        Ok(match self {
            Self::Lead(model) => {
                let of = model.decide(id, row)?;
                format!("{id}: {:.1}/100, {}. {}", of.score, of.quality_tier, of.recommendation)
            }
            Self::Contact(model) => {
                let of = model.decide(id, row)?;
                let words = of.recommendations.first().map_or("", String::as_str);
                format!(
                    "{id}: {:.1} % to fall silent, {} risk. {words}",
                    100.0 * of.churn_probability,
                    of.risk_level
                )
            }
            Self::Engagement(model) => {
                let of = model.decide(id, row, &SendTimeRequest::default())?;
                format!(
                    "{id}: {:.1} % to engage. {}",
                    100.0 * of.engagement_probability,
                    of.send_time.verdict
                )
            }
            Self::Churn(model) => {
                let of = model.decide(id, as_of, row)?;
                format!(
                    "{id}: {:.1} % to leave, {} risk. {}",
                    100.0 * of.churn_probability,
                    of.risk_level,
                    of.recommendation
                )
            }
            Self::Value(model) => {
                let of = model.decide(id, as_of, row)?;
                format!("{id}: {:.2} to be spent, segment {}", of.predicted_ltv, of.value_segment)
            }
        })
    }
}

fn text(tested: &[Tested]) -> String {
    let mut out = String::new();
    for Tested { name, answers, error, .. } in tested {
        out += &format!("{name}\n");
        answers.iter().for_each(|answer| out += &format!("  {answer}\n"));
        out += &error.as_ref().map_or(String::new(), |words| format!("  {words}\n"));
        out.push('\n');
    }
    for Tested { name, passed, .. } in tested {
        out += &format!("{}  {name}\n", if *passed { "PASS" } else { "FAIL" });
    }
    let passed = tested.iter().filter(|t| t.passed).count();
    out + &format!("{passed} of {} models passed.\n", tested.len())
}
