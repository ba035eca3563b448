//! One contact scored in the shape of a web handler: a JSON body in, a status and a JSON body out. It fits any
//! framework: the model is loaded once and shared, a call takes milliseconds with its reasons and writes nothing.
//!
//! `cargo run --release -p tenure-examples --example web_handler`
//!
//! Prints the answer to a good body and to one with a misspelt field:
//!
//! ```text
//! 200 {
//!   "contact_id": "K0000007",
//!   "churn_probability": 0.78…,
//! …
//! 422 {"error":"the row does not fit: `recency_days` is missing; `recency` is not a field (is `recency_days` meant?)"}
//! ```

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use tenure::churn::contact::{ContactChurnModel, ContactChurnParams, train};
use tenure::features::contacts::{ContactLog, ContactPlan, contact_set};
use tenure::synth::ContactParams;
use tenure::{ErrorKind, FitContext, Metadata, Model, TypedRow};

/// What a server holds for all its requests.
#[derive(Clone)]
struct Scoring {
    model: Arc<ContactChurnModel>,
}

impl Scoring {
    fn load(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let (model, _) = ContactChurnModel::load(folder)?;
        Ok(Self { model: Arc::new(model) })
    }

    /// `POST /contacts/{id}/churn` with the 32 features as a JSON object.
    fn post(&self, contact_id: &str, body: &str) -> (u16, String) {
        match self.score(contact_id, body) {
            Ok(answer) => (200, answer),
            // Every missing, unknown, mistyped or impossible field is named in one answer.
            Err(error) if matches!(error.kind(), ErrorKind::Data | ErrorKind::Caller) => {
                (422, serde_json::json!({ "error": error.to_string() }).to_string())
            }
            Err(_) => (500, r#"{"error": "internal"}"#.to_owned()),
        }
    }

    fn score(&self, contact_id: &str, body: &str) -> tenure::Result<String> {
        let row = tenure::features::contacts::ContactRow::parse_json(body)?;
        let decision = self.model.score(contact_id, &row)?;
        serde_json::to_string_pretty(&decision).map_err(|e| tenure::Error::Internal(e.to_string()))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let body = train_once(folder.path())?;

    let server = Scoring::load(folder.path())?;
    let (status, answer) = server.post("K0000007", &body);
    println!("{status} {answer}");

    let wrong = body.replacen("\"recency_days\"", "\"recency\"", 1);
    let (status, answer) = server.post("K0000007", &wrong);
    println!("{status} {answer}");
    Ok(())
}

/// What a training job does; gives the JSON body of one contact.
fn train_once(folder: &Path) -> Result<String, Box<dyn Error>> {
    let world = ContactParams { contacts: 1_000, ..ContactParams::default() }.check()?;
    let log = ContactLog::from_records(world.generate(42, 0)?.records)?;
    let context = FitContext::new(42);
    let table = contact_set(&log, &ContactPlan::default(), None, &context)?;
    let trained = train(table.data(), &ContactChurnParams::default(), &context)?;
    trained.model.save(folder, None, Metadata::default())?;
    let row = table.data().row(7).to_vec();
    println!(
        "{} features: {} …",
        trained.model.schema().len(),
        trained.model.schema().names().take(3).collect::<Vec<_>>().join(", ")
    );
    Ok(tenure::features::contacts::ContactRow::from_values(&row)?.to_json().to_string())
}
