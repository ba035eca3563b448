//! `tenure synth orders`

use anyhow::Result;
use serde::Serialize;
use tenure_core::Progress;
use tenure_io::OrderWriter;
use tenure_synth::orders::{OrderSummary, TruthRow};
use tenure_synth::{OrderLog, OrderParams};

use super::TruthFile;
use crate::args::SynthOrders;
use crate::output::{self, count};
use crate::session::{Session, date};

/// Customers generated and written at a time: memory does not grow with their number.
const BATCH: usize = 20_000;
/// Columns of the truth.
const TRUTH: &str = "customer_id,as_of,window_days,state,latent,attainable,latent_spend,attainable_spend";

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

pub(super) fn run(args: &SynthOrders, session: &Session) -> Result<()> {
    let params =
        OrderParams { customers: args.customers as usize, months: args.months, ..OrderParams::default() };
    let world = params.check()?;
    let instants = match args.truth_as_of.as_slice() {
        [] => vec![world.end().plus_days(-i64::from(args.truth_days))],
        dates => dates.iter().map(|text| date("--truth-as-of", text)).collect::<Result<_>>()?,
    };
    let context = session.context(args.seed);
    let threads = context.threads.map_or(0, |n| n.get());
    let mut truth = args.truth.as_deref().map(|path| TruthFile::create(path, TRUTH)).transpose()?;
    let mut writer = OrderWriter::create(&args.out)?;
    let file = args.out.display().to_string();
    let mut written = Written { file, customers: 0, lines: 0, spend: 0.0, refunds: 0.0, sample: None };
    for batch in world.batches(args.seed, BATCH) {
        writer.write(&batch.orders)?;
        if let Some(truth) = &mut truth {
            write_truth(
                truth,
                &batch,
                &world.truth_rows(&batch, &instants, args.truth_days, threads)?,
                args.truth_days,
            )?;
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

fn write_truth(truth: &mut TruthFile, batch: &OrderLog, rows: &[TruthRow], days: u32) -> Result<()> {
    rows.iter().try_for_each(|row| {
        let id = &batch.orders.customer.names[row.customer as usize];
        let TruthRow { instant, state, latent, attainable, latent_spend, attainable_spend, .. } = row;
        truth.line(format_args!(
            "{id},{instant},{days},{state},{latent},{attainable},{latent_spend},{attainable_spend}"
        ))
    })
}
