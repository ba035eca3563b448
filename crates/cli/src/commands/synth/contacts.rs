//! `tenure synth contacts`

use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use tenure_core::Progress;
use tenure_features::Timestamp;
use tenure_features::contacts::ContactPlan;
use tenure_io::ContactWriter;
use tenure_synth::contacts::{ContactOracle, ContactSummary};
use tenure_synth::{ContactBatch, ContactParams, ContactWorld};

use super::TruthFile;
use crate::args::SynthContacts;
use crate::output::{self, count};
use crate::session::Session;

/// Contacts generated and written at a time: memory does not grow with their number.
const BATCH: usize = 10_000;

/// What was written.
#[derive(Serialize)]
struct Written {
    folder: String,
    #[serde(flatten)]
    summary: ContactSummary,
    /// Of the first [`BATCH`] contacts.
    oracle: Option<ContactOracle>,
}

pub(super) fn run(args: &SynthContacts, session: &Session) -> Result<()> {
    let world = ContactParams {
        contacts: args.contacts,
        leads: args.leads,
        conversations: args.conversations,
        messages: args.messages,
        months: args.months,
        ..ContactParams::default()
    }
    .check()?;
    let context = session.context(args.seed);
    let threads = context.threads.map_or(0, |n| n.get());
    let plan = ContactPlan::default();
    let mut writer = ContactWriter::create(&args.out, args.format.into())?;
    let mut truth = args.truth.then(|| Truth::create(&args.out, &world, plan)).transpose()?;
    let (folder, summary) = (args.out.display().to_string(), ContactSummary::default());
    let mut written = Written { folder, summary, oracle: None };
    for batch in world.batches(args.seed, BATCH, threads) {
        let batch = batch?;
        writer.write(&batch.records)?;
        if let Some(truth) = &mut truth {
            truth.write(&batch)?;
        }
        if written.oracle.is_none() {
            written.oracle = Some(world.oracle(&batch, &plan, threads)?);
        }
        written.summary.add(&batch);
        let (done, total) = (written.summary.contacts as u64, Some(args.contacts as u64));
        context.progress.report(Progress { stage: "generating contacts", done, total, figure: None });
    }
    writer.finish()?;
    truth.map(Truth::finish).transpose()?;
    session.finish();
    if args.json {
        return output::json(&written);
    }
    output::text(&written.text())
}

impl Written {
    fn text(&self) -> String {
        let mut out = format!("{}\n\n", self.summary);
        if let Some(oracle) = &self.oracle {
            if self.summary.contacts > BATCH {
                out += &format!("Of the first {} contacts. ", count(BATCH));
            }
            out += &format!("{oracle}\n\n");
        }
        out + &format!(
            "Written to {}.\n\nNext:\n  tenure train all --records {0} --models models",
            self.folder
        )
    }
}

/// The files of the truth.
struct Truth {
    leads: TruthFile,
    messages: TruthFile,
    contacts: TruthFile,
    /// Monthly, back from the last whose prediction window lies within the log, as training takes them.
    instants: Vec<Timestamp>,
    plan: ContactPlan,
}

impl Truth {
    fn create(folder: &Path, world: &ContactWorld, plan: ContactPlan) -> Result<Self> {
        let file = |name: &str, header| TruthFile::create(&folder.join(name), header);
        let last = world.end().plus_days(-i64::from(plan.prediction_days));
        let back = (0..world.params().months as i32).rev().map(|months| last.minus_months(months));
        Ok(Self {
            leads: file("truth_leads.csv", "lead_id,expected_score,conversion_probability")?,
            messages: file("truth_messages.csv", "message_id,engagement_probability")?,
            contacts: file("truth_contacts.csv", "contact_id,as_of,churn_probability")?,
            instants: back.filter(|&at| at > world.start()).collect(),
            plan,
        })
    }

    fn write(&mut self, batch: &ContactBatch) -> Result<()> {
        let (records, truth) = (&batch.records, &batch.truth);
        for (lead, truth) in records.leads.iter().zip(&truth.leads) {
            let (score, conversion) = (truth.expected_score, truth.conversion_probability);
            self.leads.line(format_args!("{},{score},{conversion}", lead.id))?;
        }
        for (message, probability) in records.messages.iter().zip(&truth.engagement) {
            if !probability.is_nan() {
                self.messages.line(format_args!("{},{probability}", message.id))?;
            }
        }
        for (contact, life) in records.contacts.iter().zip(&truth.lives) {
            for &instant in &self.instants {
                if let Some(churn) = life.churn_probability(instant, self.plan.prediction_days) {
                    self.contacts.line(format_args!("{},{instant},{churn}", contact.id))?;
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        self.leads.finish()?;
        self.messages.finish()?;
        self.contacts.finish()
    }
}
