//! Writes a synthetic order log and its truth as CSV, and prints the summary.
//!
//! `cargo run --release -p tenure-synth --example orders -- <folder> [<parameters as JSON>] [<seed>]`
#![allow(clippy::print_stdout, reason = "an example's output")]

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use tenure_features::Timestamp;
use tenure_synth::OrderParams;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("name a folder to write to")?);
    let params: OrderParams = serde_json::from_str(arguments.next().as_deref().unwrap_or("{}"))?;
    let seed = arguments.next().map_or(Ok(42), |s| s.parse())?;
    let world = params.check()?;
    let log = world.generate(seed, 0)?;
    let names = &log.orders.customer.names;

    let mut out = BufWriter::new(File::create(folder.join("orders.csv"))?);
    writeln!(out, "customer,time,amount,discount")?;
    let discounts = log.orders.discount.as_deref().unwrap_or_default();
    for (row, &code) in log.orders.customer.codes.iter().enumerate() {
        let (time, amount) = (log.orders.time[row], log.orders.amount[row]);
        writeln!(out, "{},{time},{amount},{}", names[code as usize], discounts[row])?;
    }
    out.flush()?;

    let months = world.params().months as i32;
    let instants: Vec<Timestamp> =
        (1..months).map(|back| world.end().minus_months(back)).filter(|&t| t > world.start()).collect();
    let mut out = BufWriter::new(File::create(folder.join("truth.csv"))?);
    writeln!(out, "customer,time,state,latent,attainable")?;
    for row in world.truth_rows(&log, &instants, 90, 0)? {
        let name = &names[row.customer as usize];
        writeln!(out, "{name},{},{},{},{}", row.instant.seconds(), row.state, row.latent, row.attainable)?;
    }
    out.flush()?;
    println!("{}", world.summary(&log, 0)?);
    Ok(())
}
