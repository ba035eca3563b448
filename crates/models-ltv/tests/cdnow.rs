//! CDNOW: the customers of the first quarter of 1997, valued as of July 1997 for the twelve months to come.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking")]

use std::io::Read;
use std::path::PathBuf;

use tenure_core::FitContext;
use tenure_features::{OrderLine, OrderLog, OrderLogBuilder, Timestamp};
use tenure_ltv::{
    LtvParams, PurchaseFamily, cross_validate, fit_purchases,
    probabilistic::{FitParams, TimeUnit},
};

/// The published 1/10 sample: 2,357 customers, columns master id, id, date, pieces, dollars.
fn cdnow() -> Option<OrderLog> {
    let root = std::env::var_os("TENURE_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = root.join("cdnow/CDNOW_sample.txt");
    let Ok(mut file) = std::fs::File::open(&path) else {
        println!("skipped: {} is not there", path.display());
        return None;
    };
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    let mut orders = OrderLogBuilder::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let day = words[2];
        let time: Timestamp = format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..]).parse().unwrap();
        orders.push(OrderLine::new(words[0], time, words[4].parse().unwrap()));
    }
    Some(orders.build().unwrap())
}

#[test]
fn the_model_ranks_better_than_past_spend_and_the_probabilistic_model() {
    let Some(log) = cdnow() else { return };
    let params = LtvParams { folds: 3, ..LtvParams::default() };
    let as_of: Timestamp = "1997-07-01".parse().unwrap();
    let figures = cross_validate(&log, &params, as_of, 3, &FitContext::new(42)).unwrap().figures;
    let (own, past) = (&figures.model, &figures.baselines.past_spend);
    let rhythm = figures.baselines.bg_nbd_gamma_gamma.as_ref().unwrap();
    println!("{own:?}\n{past:?}\n{rhythm:?}\n{:?}", figures.coverage);
    assert!(own.spearman > past.spearman && own.spearman > rhythm.spearman);
    assert!((0.88..0.92).contains(&figures.coverage.overall), "{:?}", figures.coverage);
    let error = tenure_ltv::train(&log, &params, Some(as_of), &FitContext::new(42)).unwrap_err().to_string();
    assert!(error.contains("365") && error.contains("181"), "what the log covers: {error}");
}

/// Fader, Hardie & Lee, *Counting your customers the easy way* (2005), table 2, in weeks: BG/NBD r 0.243, alpha
/// 4.414, a 0.793, b 2.426, log-likelihood −9582.4 on this sample up to 1997-09-30.
#[test]
fn the_published_parameters_are_found_from_the_log() {
    let Some(log) = cdnow() else { return };
    let as_of: Timestamp = "1997-10-01".parse().unwrap();
    let fit = |family| {
        fit_purchases(&log, family, as_of, TimeUnit::Week, &FitParams::default(), &FitContext::new(0))
            .unwrap()
    };
    let found = fit(PurchaseFamily::BgNbd);
    // Eight customers of 2,357 only have orders of 0 dollars, which are none here.
    assert_eq!((found.customers, found.spend.is_some()), (2_349, true));
    for (name, published) in [("r", 0.243), ("alpha", 4.414), ("a", 0.793), ("b", 2.426)] {
        let value = found.purchases.get(name).unwrap().value;
        // The log's last day counts as a day here: ages differ from the published ones by a day.
        assert!((value / published - 1.0).abs() < 0.03, "{name}: {value}");
    }
    assert!((found.purchases.log_likelihood + 9582.4).abs() < 10.0, "{}", found.purchases.log_likelihood);
    assert!(fit(PurchaseFamily::BgBb).purchases.log_likelihood.is_finite());
}
