//! `tenure synth …`

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use tenure_core::Progress;
use tenure_io::OrderWriter;
use tenure_synth::orders::{OrderSummary, TruthRow};
use tenure_synth::{OrderLog, OrderParams};

use crate::args::{SynthCommand, SynthOrders};
use crate::output::{self, count};
use crate::session::{Session, date};

/// Customers generated and written at a time: memory does not grow with their number.
const BATCH: usize = 20_000;

pub fn run(command: &SynthCommand, session: &Session) -> Result<()> {
    match command {
        SynthCommand::Orders(args) => orders(args, session),
    }
}

/// What was written.
#[derive(Serialize)]
struct Written {
    file: String,
    customers: usize,
    lines: usize,
    spend: f64,
    refunds: f64,
    /// Of the first [`BATCH`] customers.
    sample: Option<OrderSummary>,
}

fn orders(args: &SynthOrders, session: &Session) -> Result<()> {
    let params =
        OrderParams { customers: args.customers as usize, months: args.months, ..OrderParams::default() };
    let world = params.check()?;
    let instants = match args.truth_as_of.as_slice() {
        [] => vec![world.end().plus_days(-i64::from(args.truth_days))],
        dates => dates.iter().map(|text| date("--truth-as-of", text)).collect::<Result<_>>()?,
    };
    let context = session.context(args.seed);
    let threads = context.threads.map_or(0, |n| n.get());
    let mut truth = args.truth.as_deref().map(|path| TruthFile::create(path, args.truth_days)).transpose()?;
    let mut writer = OrderWriter::create(&args.out)?;
    let file = args.out.display().to_string();
    let mut written = Written { file, customers: 0, lines: 0, spend: 0.0, refunds: 0.0, sample: None };
    for batch in world.batches(args.seed, BATCH) {
        writer.write(&batch.orders)?;
        if let Some(truth) = &mut truth {
            truth.write(&batch, &world.truth_rows(&batch, &instants, args.truth_days, threads)?)?;
        }
        if written.sample.is_none() {
            written.sample = Some(world.summary(&batch, threads)?);
        }
        written.add(&batch);
        let (done, total) = (written.customers as u64, Some(u64::from(args.customers)));
        context.progress.report(Progress { stage: "generating orders", done, total, figure: None });
    }
    writer.finish()?;
    truth.map(TruthFile::finish).transpose()?;
    session.finish();
    if args.json {
        return output::json(&written);
    }
    output::text(&written.text())?;
    if let Some(path) = &args.truth {
        output::text(&format!("True churn probabilities and spends written to {}.", path.display()))?;
    }
    output::text(&format!(
        "\nNext:\n  tenure churn train --orders {} --model churn-model --until {}",
        args.out.display(),
        world.end().plus_days(-i64::from(args.truth_days)),
    ))
}

impl Written {
    fn add(&mut self, batch: &OrderLog) {
        self.customers += batch.truth.len();
        self.lines += batch.orders.len();
        for &amount in &batch.orders.amount {
            *(if amount < 0.0 { &mut self.refunds } else { &mut self.spend }) += amount.abs();
        }
    }

    fn text(&self) -> String {
        let mut out = format!(
            "{} lines of {} customers written to {}: spend {:.2}, refunds {:.2}.\n",
            count(self.lines),
            count(self.customers),
            self.file,
            self.spend,
            self.refunds
        );
        if let Some(sample) = &self.sample {
            if self.customers > sample.customers {
                out += &format!("The first {} customers:\n", count(sample.customers));
            }
            out += &sample.to_string();
        }
        out
    }
}

/// The truth as CSV, written beside its place and moved there when it is whole.
struct TruthFile {
    path: std::path::PathBuf,
    days: u32,
    text: Vec<u8>,
}

impl TruthFile {
    fn create(path: &Path, days: u32) -> Result<Self> {
        let header = b"customer_id,as_of,window_days,state,latent,attainable,latent_spend,attainable_spend\n";
        Ok(Self { path: path.to_owned(), days, text: header.to_vec() })
    }

    fn write(&mut self, batch: &OrderLog, rows: &[TruthRow]) -> Result<()> {
        for row in rows {
            let id = &batch.orders.customer.names[row.customer as usize];
            let state = format!("{:?}", row.state).to_lowercase();
            let TruthRow { instant, latent, attainable, latent_spend, attainable_spend, .. } = row;
            let days = self.days;
            writeln!(
                self.text,
                "{id},{instant},{days},{state},{latent},{attainable},{latent_spend},{attainable_spend}"
            )?;
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        output::file(&self.path, &self.text)
    }
}
