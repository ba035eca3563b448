//! Calibrators and intervals: edge cases and coverage.

#![allow(clippy::unwrap_used, reason = "a test or measurement may stop at once")]

use tenure_core::seed;
use tenure_eval::calibration::{CalibratedInterval, Calibrator, Method};

const METHODS: [Method; 4] = [Method::Identity, Method::Platt, Method::Isotonic, Method::Beta];

fn assert_rising(calibrator: &Calibrator) {
    let mut last = 0.0;
    for i in 0..=1000 {
        let p = calibrator.apply(f64::from(i) / 1000.0);
        assert!((0.0..=1.0).contains(&p) && p >= last, "{:?} at {i}: {p} after {last}", calibrator.method());
        last = p;
    }
}

#[test]
fn degenerate_inputs_get_a_finite_rising_answer() {
    let cases: [(&[f64], &[f64]); 5] = [
        (&[0.3, 0.3, 0.3, 0.3], &[0.0, 1.0, 0.0, 1.0]),
        (&[0.1, 0.2, 0.8, 0.9], &[0.0, 0.0, 1.0, 1.0]),
        (&[0.0, 0.0, 1.0, 1.0], &[0.0, 0.0, 1.0, 1.0]),
        (&[0.0, 1.0, 0.0, 1.0], &[1.0, 0.0, 1.0, 0.0]),
        (&[0.9, 0.1], &[0.0, 1.0]),
    ];
    for method in METHODS {
        for (p, y) in cases {
            let calibrator = Calibrator::fit(method, p, y, None).unwrap();
            assert_rising(&calibrator);
            assert!(calibrator.apply(f64::NAN).is_nan());
            let text = serde_json::to_string(&calibrator).unwrap();
            assert_eq!(serde_json::from_str::<Calibrator>(&text).unwrap(), calibrator, "{text}");
        }
    }
}

#[test]
fn a_score_in_reverse_gives_the_base_rate() {
    let (p, y) = ([0.9, 0.8, 0.2, 0.1], [0.0, 0.0, 1.0, 1.0]);
    for method in [Method::Platt, Method::Isotonic, Method::Beta] {
        let calibrator = Calibrator::fit(method, &p, &y, None).unwrap();
        assert!((calibrator.apply(0.3) - 0.5).abs() < 1e-9, "{method:?}");
        assert!((calibrator.apply(0.0) - calibrator.apply(1.0)).abs() < 1e-9, "{method:?}");
    }
}

#[test]
fn refusals_say_why() {
    let error = Calibrator::fit(Method::Platt, &[0.1, 0.2], &[1.0, 1.0], None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "one class only: all 2 rows are labelled 1; a calibrator needs both classes"
    );
    let error = Calibrator::fit(Method::Beta, &[0.1, f64::NAN], &[0.0, 1.0], None).unwrap_err();
    assert_eq!(error.to_string(), "the probability of row 1 is NaN; expected a number from 0 to 1");
    let falling = r#"{"method":"isotonic","points":[[0.1,0.9],[0.2,0.3]]}"#;
    let error = serde_json::from_str::<Calibrator>(falling).unwrap_err().to_string();
    assert!(error.contains("not a rising function"), "{error}");
    assert!(
        serde_json::from_str::<Calibrator>(r#"{"method":"platt","slope":-1.0,"intercept":0.0}"#).is_err()
    );
    let crossed = r#"{"level":0.9,"probabilities":[0.5],"low":[0.6],"high":[0.4]}"#;
    assert!(serde_json::from_str::<CalibratedInterval>(crossed).is_err());
    let error = CalibratedInterval::fit(&[0.5], &[1.0], 1.5).unwrap_err();
    assert_eq!(error.to_string(), "parameter `level` is 1.5; expected between 0 and 1, both excluded");
    assert_eq!(CalibratedInterval::fit(&[], &[], 0.9).unwrap_err().to_string(), "there are no rows to judge");
}

#[test]
fn intervals_hold_the_probability_and_rise() {
    let n = 3000;
    let p: Vec<f64> = (0..n).map(|i| (seed::unit(1, i) * 50.0).floor() / 49.0).collect();
    let y: Vec<f64> = (0..n).map(|i| f64::from(u8::from(seed::unit(2, i) < p[i as usize]))).collect();
    for (p, y) in [(&p[..], &y[..]), (&p[..1], &y[..1]), (&[0.2, 0.2, 0.2][..], &[0.0, 0.0, 0.0][..])] {
        let fitted = CalibratedInterval::fit(p, y, 0.9).unwrap();
        let mut last = fitted.interval(0.0);
        for i in 0..=500 {
            let at = f64::from(i) / 500.0;
            let now = fitted.interval(at);
            assert!(0.0 <= now.low && now.low <= at && at <= now.high && now.high <= 1.0, "{at}: {now:?}");
            assert!(now.low >= last.low && now.high >= last.high, "{at}: {now:?} after {last:?}");
            last = now;
        }
        let text = serde_json::to_string(&fitted).unwrap();
        assert_eq!(serde_json::from_str::<CalibratedInterval>(&text).unwrap(), fitted);
    }
    assert_eq!(CalibratedInterval::fit(&[0.2; 3], &[0.0; 3], 0.9).unwrap().band(0.2).low, 0.0);
}

/// Share of (held-out sample, customer) pairs whose band holds the true rate, and of those whose interval does.
fn coverage(rows: u64, runs: u64, level: f64, true_rate: impl Fn(f64) -> f64) -> (f64, f64) {
    let (mut in_band, mut in_interval, mut asked) = (0u64, 0u64, 0u64);
    for run in 0..runs {
        // Squared uniforms: many low probabilities, as churn has.
        let draw = |stream: u64, i: u64| seed::unit(seed::mix(run, stream), i);
        let p: Vec<f64> = (0..rows).map(|i| 0.01 + 0.98 * draw(0, i).powi(2)).collect();
        let y: Vec<f64> =
            (0..rows).map(|i| f64::from(u8::from(draw(1, i) < true_rate(p[i as usize])))).collect();
        let fitted = CalibratedInterval::fit(&p, &y, level).expect("valid rows");
        for i in 0..200 {
            let p = 0.01 + 0.98 * draw(2, i).powi(2);
            let (band, interval, truth) = (fitted.band(p), fitted.interval(p), true_rate(p));
            in_band += u64::from(band.low <= truth && truth <= band.high);
            in_interval += u64::from(interval.low <= truth && truth <= interval.high);
            asked += 1;
        }
    }
    (in_band as f64 / asked as f64, in_interval as f64 / asked as f64)
}

#[test]
fn bands_cover_the_true_rate_of_a_calibrated_model() {
    for (rows, level) in [(2000, 0.9), (10_000, 0.9), (2000, 0.8)] {
        let (band, interval) = coverage(rows, 150, level, |p| p);
        println!("calibrated, {rows} rows, level {level}: band {band:.4}, interval {interval:.4}");
        assert!((band - level).abs() < 0.015, "{rows} rows: {band}");
        assert_eq!(interval, 1.0, "the rate is the probability itself");
    }
}

#[test]
fn bands_cover_the_true_rate_of_a_miscalibrated_model() {
    let true_rate = |p: f64| 1.0 / (1.0 + (-(0.8 * (p / (1.0 - p)).ln() - 0.4)).exp());
    let (band, interval) = coverage(4000, 150, 0.9, true_rate);
    println!("miscalibrated: band {band:.4}, interval {interval:.4}");
    assert!((band - 0.9).abs() < 0.02, "{band}");
    assert!(interval >= 0.9, "{interval}");
}
