//! Times writing and reading an order log of a given number of lines:
//! `cargo run --release -p tenure-io --example read_speed -- 1000000`.

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use tenure_features::{CodedColumn, OrderColumns};
use tenure_io::{Error, OrderMapping, ReadOptions, read_orders, write_orders};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lines: usize = std::env::args().nth(1).map_or(Ok(1_000_000), |n| n.parse())?;
    let customers = lines / 20 + 1;
    let names: Vec<String> = (0..customers).map(|c| format!("C{c:07}")).collect();
    let orders = OrderColumns {
        customer: CodedColumn {
            codes: (0..lines).map(|i| (i * 7919 % customers) as u32).collect(),
            names: Arc::new(names),
        },
        time: (0..lines).map(|i| 1_700_000_000 + (i * 37) as i64).collect(),
        amount: (0..lines).map(|i| (i % 10_000) as f64 / 100.0).collect(),
        quantity: Some((0..lines).map(|i| (i % 5 + 1) as f64).collect()),
        order: Some((0..lines).map(|i| i as u32).collect()),
        ..OrderColumns::default()
    };
    let folder = tempfile::tempdir()?;
    let mut out = std::io::stdout();
    for name in ["o.csv", "o.csv.gz", "o.jsonl", "o.parquet"] {
        let path = folder.path().join(name);
        let start = Instant::now();
        write_orders(&path, [Ok::<_, Error>(orders.clone())])?;
        let written = start.elapsed().as_secs_f64();
        let megabytes = std::fs::metadata(&path)?.len() as f64 / 1e6;
        let mut read = f64::INFINITY;
        for _ in 0..3 {
            let start = Instant::now();
            let (back, _) = read_orders(&path, &OrderMapping::default(), &ReadOptions::default())?;
            read = read.min(start.elapsed().as_secs_f64());
            assert_eq!(back.len(), lines);
        }
        let rate = |seconds: f64| {
            format!("{:.2} M lines/s, {:.0} MB/s", lines as f64 / seconds / 1e6, megabytes / seconds)
        };
        writeln!(out, "{name}: {megabytes:.1} MB; written at {}; read at {}", rate(written), rate(read))?;
    }
    Ok(())
}
