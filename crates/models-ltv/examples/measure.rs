#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a measurement")]
use std::io::Read;
use tenure_core::FitContext;
use tenure_features::*;
use tenure_ltv::*;

fn data() -> String { std::env::var("TENURE_DATA").unwrap() }
fn cdnow() -> OrderLog {
    let mut text = String::new();
    let f = std::process::Command::new("zcat").arg(format!("{}/cdnow/CDNOW_master.txt.gz", data())).output().unwrap();
    f.stdout.as_slice().read_to_string(&mut text).unwrap();
    let mut b = OrderLogBuilder::new();
    for line in text.lines().skip(1) {
        let w: Vec<&str> = line.split_whitespace().collect();
        let d = w[1];
        let t: Timestamp = format!("{}-{}-{}", &d[..4], &d[4..6], &d[6..]).parse().unwrap();
        b.push(OrderLine::new(w[0], t, w[3].parse().unwrap()));
    }
    b.build().unwrap()
}
fn retail() -> OrderLog {
    let path = format!("{}/online_retail_2009_2010/online_retail_II_2009_2010.csv.gz", data());
    let mut text = String::new();
    let f = std::process::Command::new("zcat").arg(path).output().unwrap();
    f.stdout.as_slice().read_to_string(&mut text).unwrap();
    let mut b = OrderLogBuilder::new();
    for line in text.lines().skip(1) {
        let w: Vec<&str> = line.split(',').collect();
        if w[5].is_empty() { continue; }
        let (q, price): (f64, f64) = (w[2].parse().unwrap(), w[4].parse().unwrap());
        let t: Timestamp = w[3].replace(' ', "T").parse().unwrap();
        b.push(OrderLine { order: Some(w[0]), ..OrderLine::new(w[5], t, q * price) });
    }
    b.build().unwrap()
}
fn show(name: &str, f: &ValueFigures) {
    println!("  {name:<12} spearman {:.4} gini {:.4} top10 {:.4} mae {:.2} rmse {:.1} total {:.3}",
        f.spearman.unwrap_or(f64::NAN), f.normalised_gini.unwrap_or(f64::NAN), f.top_decile_share.unwrap_or(f64::NAN), f.mae, f.rmse, f.predicted_total / f.actual_total);
}
fn report(name: &str, e: &Evaluation, first: bool) {
    let f = &e.figures;
    if first {
        println!("as of {} n {} spenders {}", f.as_of, f.customers, f.spenders);
        show("mean", &f.baselines.mean);
        show("past spend", &f.baselines.past_spend);
        if let Some(b) = &f.baselines.bg_nbd_gamma_gamma { show("bg/nbd+gg", b); }
    }
    show(name, &f.model);
    print!("  coverage {:.4}:", f.coverage.overall);
    for s in &f.coverage.segments { print!(" {} {} {:.3}", s.segment, s.rows, s.coverage); }
    println!();
    let w: f64 = e.intervals.iter().map(|(l, h)| h - l).sum::<f64>() / e.intervals.len() as f64;
    println!("  mean width {w:.1} notes {:?}", f.notes.len());
}
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let c = FitContext::new(42);
    let folds = 5;
    for set in args[1].split(',') {
        let (log, as_of, params) = match set {
            "cdnow" => (cdnow(), "1997-07-01", LtvParams::default()),
            "retail180" => (retail(), "2010-06-01", LtvParams { observation_days: 180, prediction_days: 192, ..LtvParams::default() }),
            "retail90" => (retail(), "2010-09-10", LtvParams { observation_days: 180, prediction_days: 90, ..LtvParams::default() }),
            _ => panic!(),
        };
        println!("== {set}");
        for (i, family) in args[2].split(',').enumerate() {
            let family = match family.split_once('@') {
                None => Family::by_name(family).unwrap(),
                Some((name, json)) => serde_json::from_str(&std::fs::read_to_string(json).unwrap()).map_err(|e| format!("{name} {e}")).unwrap(),
            };
            let params = LtvParams { family: family.clone(), ..params.clone() };
            let t = std::time::Instant::now();
            if args.get(3).is_some() {
                let until: Timestamp = as_of.parse().unwrap();
                let trained = train(&log, &params, Some(until), &c).unwrap();
                for n in &trained.report.notes { println!("  note {n}"); }
                println!("  {} snapshots, {} rows", trained.report.snapshots.len(), trained.report.rows);
                let e = evaluate(&trained.model, &log, until, &c).unwrap();
                report(family.name(), &e, i == 0);
            } else {
                let seeds: u64 = std::env::var("SEEDS").map_or(1, |s| s.parse().unwrap());
                let mut sum = [0.0; 7];
                for seed in 0..seeds {
                    let c = FitContext::new(42 + seed);
                    let e = cross_validate(&log, &params, as_of.parse().unwrap(), folds, &c).unwrap();
                    if i == 0 && seed == 0 { report("first", &e, true); }
                    let f = &e.figures.model;
                    let all = [f.spearman.unwrap(), f.normalised_gini.unwrap(), f.top_decile_share.unwrap(), f.mae, f.rmse, f.predicted_total / f.actual_total, e.figures.coverage.overall];
                    for (s, v) in sum.iter_mut().zip(all) { *s += v / seeds as f64; }
                    if seed == 0 { for s in &e.figures.coverage.segments { print!(" {} {:.3}", s.segment, s.coverage); } println!(); }
                }
                println!("{:<22} sp {:.4} gini {:.4} top10 {:.4} mae {:.2} rmse {:.1} tot {:.3} cov {:.4}",
                    args[2].split(',').nth(i).unwrap().split('@').next().unwrap(), sum[0], sum[1], sum[2], sum[3], sum[4], sum[5], sum[6]);
            }
            println!("  {:.1} s", t.elapsed().as_secs_f64());
        }
    }
}
