//! A million rows are ranked fast: prints the time, and checks the answer against a count of pairs.

#![allow(clippy::unwrap_used, reason = "a test or measurement may stop at once")]

use tenure_core::seed;
use tenure_eval::metrics::{roc_auc, roc_auc_interval};

#[test]
fn a_million_rows() {
    let n = 1_000_000u64;
    // Three-digit scores have ties enough to count the pairs by score.
    let scores: Vec<f64> = (0..n).map(|i| (seed::unit(1, i) * 1000.0).floor() / 1000.0).collect();
    let labels: Vec<f64> =
        (0..n).map(|i| f64::from(u8::from(seed::unit(2, i) < scores[i as usize]))).collect();
    let mut counts = vec![[0.0f64; 2]; 1001];
    for (score, label) in scores.iter().zip(&labels) {
        counts[(score * 1000.0).round() as usize][*label as usize] += 1.0;
    }
    let (mut below, mut wins, mut positives) = (0.0, 0.0, 0.0);
    for [zeros, ones] in counts {
        wins += ones * (below + 0.5 * zeros);
        below += zeros;
        positives += ones;
    }
    let start = std::time::Instant::now();
    let auc = roc_auc(&labels, &scores, None).unwrap();
    println!("roc_auc of a million rows with ties: {:?}", start.elapsed());
    assert!((auc - wins / (below * positives)).abs() < 1e-12);
    let distinct: Vec<f64> = (0..n).map(|i| seed::unit(3, i)).collect();
    let start = std::time::Instant::now();
    let chance = roc_auc(&labels, &distinct, None).unwrap();
    println!("roc_auc of a million distinct scores: {:?}", start.elapsed());
    let interval = roc_auc_interval(&labels, &distinct, None, 0.999).unwrap();
    assert!(interval.low < 0.5 && 0.5 < interval.high && (interval.auc - chance).abs() < 1e-12);
}
