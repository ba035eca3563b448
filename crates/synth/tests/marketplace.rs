//! The synthetic marketplace: rows that agree with themselves, and labels that come from their truth.

// Helpers outside #[test] functions may unwrap as tests do.
#![allow(clippy::unwrap_used)]

use ndarray::ArrayView1;
use tenure_core::TypedRow;
use tenure_features::marketplace::{
    CHURN_RISK_14D, CHURN_RISK_30D, FIRST_SESSION_SUCCESS, GuideRow, HEALTH_SCORE, Profile, SESSION_VELOCITY,
    Segment, Subject,
};
use tenure_synth::contacts::BinaryFigures;
use tenure_synth::marketplace::{
    MarketplaceOracle, MarketplaceSummary, OracleTally, Part, TargetFigures, ValueFigures,
};
use tenure_synth::{MarketplaceBatch, MarketplaceParams};

fn params(customers: usize, profile: Profile) -> MarketplaceParams {
    MarketplaceParams { customers, profile, ..MarketplaceParams::default() }
}

fn drawn(params: MarketplaceParams, seed: u64) -> MarketplaceBatch {
    params.check().unwrap().generate(seed, 0).unwrap()
}

fn usual(customers: usize) -> MarketplaceBatch {
    drawn(params(customers, Profile::Guide), 5)
}

/// Features, labels and truths, bit for bit.
fn bits(batch: &MarketplaceBatch) -> Vec<u64> {
    let data = &batch.table.data;
    let labels = data.targets().iter().flat_map(|target| target.values());
    let truths = batch.truth.iter().chain(&batch.medians);
    data.x().iter().chain(labels).chain(truths).map(|value| value.to_bits()).collect()
}

fn label<'a>(batch: &'a MarketplaceBatch, name: &str) -> &'a [f64] {
    batch.table.data.target_named(name).unwrap().values()
}

fn truth<'a>(batch: &'a MarketplaceBatch, name: &str) -> ArrayView1<'a, f64> {
    let place = batch.table.data.targets().iter().position(|target| target.name() == name).unwrap();
    batch.truth.column(place)
}

fn feature(batch: &MarketplaceBatch, name: &str) -> Vec<f64> {
    let data = &batch.table.data;
    data.x().column(data.schema().position(name).unwrap()).to_vec()
}

fn oracle(batch: &MarketplaceBatch) -> MarketplaceOracle {
    let mut tally = OracleTally::default();
    tally.add(batch);
    tally.figures()
}

fn binary<'a>(oracle: &'a MarketplaceOracle, name: &str) -> &'a BinaryFigures {
    match oracle.get(name) {
        Some(TargetFigures::Binary(figures)) => figures,
        other => panic!("{name}: {other:?}"),
    }
}

fn value<'a>(oracle: &'a MarketplaceOracle, name: &str) -> &'a ValueFigures {
    match oracle.get(name) {
        Some(TargetFigures::Value(figures)) => figures,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn the_same_seed_gives_the_same_customers_on_any_threads_and_in_any_batches() {
    for profile in [Profile::Guide, Profile::SageMaker] {
        let world = params(530, profile).check().unwrap();
        let whole = world.generate(9, 1).unwrap();
        assert_eq!(bits(&world.generate(9, 2).unwrap()), bits(&whole));
        assert_ne!(bits(&world.generate(10, 1).unwrap()), bits(&whole));
        let mut from = 0;
        for batch in world.batches(9, 77, 2) {
            let batch = batch.unwrap();
            let rows: Vec<usize> = (from..from + batch.parts.len()).collect();
            let same = whole.table.select(&rows);
            assert_eq!((&batch.table.ids, &batch.table.segments), (&same.ids, &same.segments));
            assert_eq!(batch.parts, whole.parts[from..from + batch.parts.len()]);
            assert_eq!(batch.table.data.fingerprint(), same.data.fingerprint());
            from += batch.parts.len();
        }
        assert_eq!(from, 530);
    }
}

#[test]
fn seven_in_ten_are_for_training_and_who_they_are_depends_on_the_seed() {
    let batch = usual(10_000);
    let rows = |part| batch.part(part).data.rows();
    assert_eq!([Part::Train, Part::Validation, Part::Test].map(rows), [7000, 1500, 1500]);
    let other = drawn(params(10_000, Profile::Guide), 6);
    let same = batch.parts.iter().zip(&other.parts).filter(|(a, b)| a == b).count();
    // 0.7² + 2 · 0.15² of them by chance.
    assert!((5200..5500).contains(&same), "{same}");
}

#[test]
fn both_profiles_hold_the_same_customers() {
    let (narrow, wide) = (usual(300), drawn(params(300, Profile::SageMaker), 5));
    for name in narrow.table.data.schema().names() {
        let there = if name == "first_session_success" { "first_session_was_success" } else { name };
        let texts = [feature(&narrow, name), feature(&wide, there)].map(|values| format!("{values:?}"));
        assert_eq!(texts[0], texts[1], "{name}");
    }
    for target in narrow.table.data.targets() {
        assert_eq!(target.values(), label(&wide, target.name()), "{}", target.name());
    }
    for subject in Subject::ALL {
        let ratio = |row: usize| {
            feature(&wide, &format!("supply_{subject}"))[row]
                / feature(&wide, &format!("demand_{subject}"))[row]
        };
        let own =
            feature(&wide, "primary_subject").iter().position(|s| *s == f64::from(*subject as u8)).unwrap();
        assert!((feature(&wide, "primary_subject_supply")[own] - ratio(own)).abs() < 1e-4, "{subject}");
    }
}

#[test]
fn a_row_agrees_with_itself() {
    let batch = usual(4000);
    for (row, segment) in batch.table.data.x().rows().into_iter().zip(&batch.table.segments) {
        // Ranges are checked on the way.
        let of = GuideRow::from_values(&row.to_vec()).unwrap();
        for [short, middle, long] in [
            [of.session_count_7d, of.session_count_14d, of.session_count_30d],
            [of.ib_call_count_7d, of.ib_call_count_14d, of.ib_call_count_30d],
            [of.negative_calls_7d, of.negative_calls_14d, of.negative_calls_30d],
            [of.login_count_7d, of.login_count_14d, of.login_count_30d],
            [of.message_count_7d, of.message_count_14d, of.message_count_30d],
        ] {
            assert!(short <= middle && middle <= long, "{of:?}");
        }
        for (part, whole) in [
            (of.negative_calls_30d, of.ib_call_count_30d),
            (of.session_count_30d, of.total_sessions_lifetime),
            (of.low_ratings_30d, of.session_count_30d),
            (of.late_cancellation_rate_30d, of.cancellation_rate_30d),
            (of.spend_30d, of.total_spend_lifetime),
            (of.days_since_last_session, of.customer_tenure_days),
            (of.days_since_last_payment, of.customer_tenure_days),
        ] {
            assert!(part <= whole, "{of:?}");
        }
        for (days, counts) in [
            (of.days_since_last_session, [of.session_count_7d, of.session_count_14d, of.session_count_30d]),
            (of.days_since_last_login, [of.login_count_7d, of.login_count_14d, of.login_count_30d]),
            (of.days_since_last_message, [of.message_count_7d, of.message_count_14d, of.message_count_30d]),
            (of.days_since_last_ib_call, [of.ib_call_count_7d, of.ib_call_count_14d, of.ib_call_count_30d]),
        ] {
            for (window, count) in [7.0, 14.0, 30.0].into_iter().zip(counts) {
                assert_eq!(days < window, count > 0.0, "{days} days, {count} in {window}: {of:?}");
            }
        }
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 2e-4, "{of:?}");
        near(of.session_frequency_7d, of.session_count_7d);
        near(of.session_frequency_30d, of.session_count_30d * 7.0 / 30.0);
        near(of.session_velocity_change, of.session_frequency_14d - of.session_frequency_30d);
        near(of.engagement_trend, of.login_count_14d / 2.0 - of.login_count_30d * 7.0 / 30.0);
        near(of.rating_trend, of.avg_rating_14d - of.avg_rating_30d);
        near(of.cancellation_trend, of.cancellation_rate_14d - of.cancellation_rate_30d);
        near(of.ib_call_trend, of.ib_call_count_14d / 2.0 - of.ib_call_count_30d * 7.0 / 30.0);
        assert!(*segment != Some(Segment::Churned) || of.session_count_14d == 0.0, "{of:?}");
    }
    let unknown = feature(&batch, "first_session_success").iter().filter(|v| v.is_nan()).count();
    assert!((110..220).contains(&unknown), "{unknown} of 4000 first sessions not judged");
}

#[test]
fn segments_behave_as_described() {
    let batch = usual(20_000);
    let mean = |name: &str, segment: Segment| {
        let values = feature(&batch, name).into_iter().zip(&batch.table.segments);
        let of: Vec<f64> = values.filter(|(_, of)| **of == Some(segment)).map(|(value, _)| value).collect();
        of.iter().sum::<f64>() / of.len() as f64
    };
    for (segment, sessions, stars, calls, paid) in [
        (Segment::Thriving, 2.45, 4.45, 0.2, 0.975),
        (Segment::Healthy, 1.5, 4.0, 0.5, 0.94),
        (Segment::AtRisk, 0.55, 3.5, 1.5, 0.8),
        (Segment::Churned, 0.0, 3.0, 2.5, 0.55),
    ] {
        for (name, expected, within) in [
            ("session_frequency_14d", sessions, 0.1),
            ("avg_rating_30d", stars, 0.06),
            ("ib_call_count_14d", calls, 0.12),
            ("payment_success_rate_30d", paid, 0.012),
        ] {
            let found = mean(name, segment);
            assert!((found - expected).abs() < within, "{segment} {name}: {found}");
        }
    }
}

#[test]
fn labels_come_from_their_truth() {
    let batch = drawn(params(20_000, Profile::SageMaker), 3);
    let standard = |sum: f64, variance: f64| sum / variance.sqrt();
    for name in [FIRST_SESSION_SUCCESS, CHURN_RISK_14D, CHURN_RISK_30D] {
        let rows: Vec<(f64, f64)> =
            truth(&batch, name).into_iter().copied().zip(label(&batch, name).iter().copied()).collect();
        for fifth in 0..5 {
            let low = f64::from(fifth) / 5.0;
            let within = rows.iter().filter(|(p, _)| (low..low + 0.2).contains(p));
            let (sum, variance) = within.fold((0.0, 0.0), |(s, v), (p, y)| (s + y - p, v + p * (1.0 - p)));
            assert!(standard(sum, variance).abs() < 4.0, "{name} from {low}: {}", standard(sum, variance));
        }
    }
    let moments = |name: &str, variance: &dyn Fn(f64) -> f64| {
        let rows = truth(&batch, name).into_iter().zip(label(&batch, name));
        let scaled: Vec<f64> = rows.map(|(mean, y)| (y - mean) / variance(*mean).sqrt()).collect();
        let n = scaled.len() as f64;
        let mean = scaled.iter().sum::<f64>() / n;
        let square = scaled.iter().map(|z| z * z).sum::<f64>() / n;
        assert!((mean * n.sqrt()).abs() < 4.0 && (square - 1.0).abs() < 0.1, "{name}: {mean} {square}");
    };
    moments(HEALTH_SCORE, &|mean| mean * (100.0 - mean) / 106.0);
    moments(SESSION_VELOCITY, &|mean| 0.0115 * mean);
    moments("supply_demand_physics", &|_| 0.25 * 0.25);
    // Half of the numbers are below their median, which errs less than the expected value.
    for name in [HEALTH_SCORE, SESSION_VELOCITY, "supply_demand_physics"] {
        let place = batch.table.data.targets().iter().position(|target| target.name() == name).unwrap();
        let (medians, labels) = (batch.medians.column(place), label(&batch, name));
        let below = labels.iter().zip(medians).filter(|(y, median)| y < median).count() as f64;
        assert!(standard(below - 10_000.0, 5_000.0).abs() < 4.0, "{name}: {below}");
        let error = |guess: ArrayView1<'_, f64>| -> f64 {
            labels.iter().zip(guess).map(|(y, guess)| (y - guess).abs()).sum()
        };
        assert!(error(medians) <= error(truth(&batch, name)), "{name}");
    }
    let both = label(&batch, CHURN_RISK_14D).iter().zip(label(&batch, CHURN_RISK_30D));
    assert!(both.clone().all(|(early, late)| early <= late), "who leaves within 14 days leaves within 30");
}

#[test]
fn statistics_and_alerts_are_near_those_published() {
    let batch = usual(40_000);
    let mut summary = MarketplaceSummary::default();
    summary.add(&batch).unwrap();
    let near = |found: f64, expected: f64, within: f64| assert!((found - expected).abs() < within, "{found}");
    near(summary.first_session_success_rate, 0.684, 0.01);
    near(summary.churn_14d_rate, 0.243, 0.01);
    near(summary.churn_30d_rate, 0.298, 0.01);
    near(summary.mean_health_score, 64.7, 0.6);
    near(summary.mean_session_velocity, 1.32, 0.03);
    assert!(summary.ib_spike_precision > 0.85 && summary.ib_spike_false_positive_rate < 0.05, "{summary}");

    let oracle = oracle(&batch);
    near(binary(&oracle, CHURN_RISK_14D).auc.unwrap(), 0.963, 0.01);
    near(binary(&oracle, CHURN_RISK_30D).auc.unwrap(), 0.975, 0.008);
    near(binary(&oracle, FIRST_SESSION_SUCCESS).accuracy, 0.935, 0.012);
    near(value(&oracle, HEALTH_SCORE).mae, 3.15, 0.12);
    near(value(&oracle, SESSION_VELOCITY).mae, 0.09, 0.005);
}

#[test]
fn no_single_feature_tells_who_leaves() {
    let batch = usual(10_000);
    let leaves = label(&batch, CHURN_RISK_30D);
    let auc = |values: &mut dyn Iterator<Item = f64>| {
        let rows: Vec<(f64, bool)> = values.zip(leaves).map(|(v, y)| (v, *y == 1.0)).collect();
        BinaryFigures::new(&rows).unwrap().auc.unwrap()
    };
    let attainable = auc(&mut truth(&batch, CHURN_RISK_30D).into_iter().copied());
    for name in batch.table.data.schema().names() {
        let values: Vec<f64> =
            feature(&batch, name).into_iter().map(|v| if v.is_nan() { -1.0 } else { v }).collect();
        let alone = auc(&mut values.into_iter());
        assert!(alone.max(1.0 - alone) < attainable - 0.03, "{name}: {alone}, attainable {attainable}");
    }
}

#[test]
fn noise_blurs_labels_and_leaves_features_alone() {
    let of = |noise: f64| drawn(MarketplaceParams { noise, ..params(5000, Profile::Guide) }, 5);
    let (clear, blurred) = (of(0.3), of(2.0));
    assert_eq!(clear.table.data.x().row(7), blurred.table.data.x().row(7));
    let (clear, blurred) = (oracle(&clear), oracle(&blurred));
    for name in [FIRST_SESSION_SUCCESS, CHURN_RISK_14D, CHURN_RISK_30D] {
        assert!(binary(&clear, name).auc > binary(&blurred, name).auc, "{name}");
    }
    for name in [SESSION_VELOCITY, HEALTH_SCORE] {
        assert!(3.0 * value(&clear, name).mae < value(&blurred, name).mae, "{name}");
    }
}

#[test]
fn segments_are_drawn_by_their_shares() {
    let batch =
        drawn(MarketplaceParams { segments: [0.0, 0.25, 0.75, 0.0], ..params(4000, Profile::Guide) }, 1);
    let count = |segment| batch.table.segments.iter().filter(|s| **s == Some(segment)).count();
    assert_eq!(count(Segment::Thriving) + count(Segment::Churned), 0);
    assert!((900..1100).contains(&count(Segment::Healthy)), "{}", count(Segment::Healthy));
}
