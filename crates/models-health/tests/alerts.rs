//! The rules, the cool-down, and how alerts are judged.
#![allow(clippy::unwrap_used)]

use ndarray::Array2;
use tenure_core::{Dataset, Feature, Schema, Target};
use tenure_features::Timestamp;
use tenure_health::alerts::{Alert, AlertKind, AlertLog, AlertParams, AlertRules, Outcome, outcomes_of};
use tenure_health::{FeatureImportance, HealthPrediction};

/// Nobody is alerted about this customer.
fn content() -> HealthPrediction {
    let named = |feature: &str, importance| FeatureImportance { feature: feature.into(), importance };
    HealthPrediction {
        first_session_success_prob: 0.5,
        predicted_session_velocity: 1.0,
        churn_risk_14d: 0.3,
        churn_risk_30d: 0.6,
        customer_health_score: 40.0,
        supply_demand_scores: None,
        feature_importance: vec![named("a", 0.4), named("b", 0.3), named("c", 0.2), named("d", 0.1)],
    }
}

fn schema() -> Schema {
    let names = ["days_since_last_session", "ib_call_count_14d", "session_frequency_30d"];
    Schema::new(names.map(|name| Feature::numeric(name, "", "")).to_vec()).unwrap()
}

fn rules() -> AlertRules {
    AlertParams::default().check().unwrap()
}

fn route(prediction: &HealthPrediction, calls: f64, frequency: f64) -> Vec<Alert> {
    rules().route("C1", prediction, &schema(), &[3.0, calls, frequency]).unwrap()
}

#[track_caller]
fn check(prediction: &HealthPrediction, calls: f64, frequency: f64, expected: &[AlertKind]) {
    let kinds: Vec<_> = route(prediction, calls, frequency).iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds, expected);
}

#[test]
fn each_rule_fires_beyond_its_threshold_and_not_at_it() {
    use AlertKind::{FirstSessionRisk, HealthScoreCritical, HighChurnRisk, IbCallSpike, SessionVelocityDrop};
    // At every threshold but that of calls, which is reached by two.
    check(&content(), 1.0, 2.0, &[]);
    check(&content(), 2.0, 2.0, &[IbCallSpike]);
    check(&HealthPrediction { churn_risk_30d: 0.601, ..content() }, 1.0, 2.0, &[HighChurnRisk]);
    check(&HealthPrediction { customer_health_score: 39.9, ..content() }, 1.0, 2.0, &[HealthScoreCritical]);
    check(&HealthPrediction { first_session_success_prob: 0.49, ..content() }, 1.0, 2.0, &[FirstSessionRisk]);
    let slow = HealthPrediction { predicted_session_velocity: 0.9, ..content() };
    check(&slow, 1.0, 2.0, &[]);
    check(&slow, 1.0, 2.1, &[SessionVelocityDrop]);
    // What is not known alerts nobody.
    check(&slow, f64::NAN, f64::NAN, &[]);
}

#[test]
fn alerts_are_those_of_the_specification() {
    let prediction = HealthPrediction {
        first_session_success_prob: 0.4,
        predicted_session_velocity: 0.6,
        churn_risk_14d: 0.68,
        churn_risk_30d: 0.82,
        customer_health_score: 38.0,
        ..content()
    };
    let alerts = serde_json::to_value(route(&prediction, 2.0, 2.4)).unwrap();
    let expected = serde_json::json!([
        {
            "type": "IB_CALL_SPIKE", "severity": "CRITICAL", "customer_id": "C1",
            "message": "Customer has made 2 calls in 14 days", "churn_risk": 0.68,
            "recommendation": "Assign retention specialist within 24 hours",
            "expected_impact": "Reduce churn probability by 40%",
        },
        {
            "type": "HIGH_CHURN_RISK", "severity": "HIGH", "customer_id": "C1",
            "message": "Customer leaves within 30 days with probability 82 %", "churn_probability": 0.82,
            "top_risk_factors": [
                {"feature": "a", "importance": 0.4}, {"feature": "b", "importance": 0.3},
                {"feature": "c", "importance": 0.2},
            ],
            "recommendation": "Offer discount or free session credit", "expected_impact": "Reduce churn by 35%",
        },
        {
            "type": "HEALTH_SCORE_CRITICAL", "severity": "HIGH", "customer_id": "C1",
            "message": "Health score is 38 of 100", "score": 38.0,
            "recommendation": "Proactive outreach + personalized recovery plan",
            "expected_impact": "Not measured yet: the outcomes of alerts will tell",
        },
        {
            "type": "FIRST_SESSION_RISK", "severity": "MEDIUM", "customer_id": "C1",
            "message": "First session goes well with probability 40 %",
            "recommendation": "Match with top-rated tutor (>4.5 stars)",
            "expected_impact": "Not measured yet: the outcomes of alerts will tell",
        },
        {
            "type": "SESSION_VELOCITY_DROP", "severity": "MEDIUM", "customer_id": "C1",
            "message": "Session frequency is about to drop by 75 %: from 2.4 to 0.6 a week",
            "recommendation": "Send re-engagement email campaign",
            "expected_impact": "Not measured yet: the outcomes of alerts will tell",
        },
    ]);
    assert_eq!(alerts, expected);
}

#[test]
fn the_configuration_changes_rules_and_refuses_what_it_does_not_know() {
    let read = |text: &str| serde_json::from_str::<AlertParams>(text);
    let params = read(
        r#"{"rules": {"IB_CALL_SPIKE": {"severity": "HIGH", "threshold": 4, "recommendation": "Call back"},
            "HIGH_CHURN_RISK": {"enabled": false}}}"#,
    );
    let rules = params.unwrap().check().unwrap();
    let prediction = HealthPrediction { churn_risk_30d: 0.9, ..content() };
    let alerts = |calls| rules.route("C1", &prediction, &schema(), &[0.0, calls, 0.0]).unwrap();
    assert_eq!(alerts(3.0), []);
    assert_eq!(alerts(4.0)[0].recommendation, "Call back");
    assert_eq!(alerts(4.0)[0].expected_impact, "Reduce churn probability by 40%");

    for unknown in
        [r#"{"rule": {}}"#, r#"{"rules": {"IB_CALLS": {}}}"#, r#"{"rules": {"IB_CALL_SPIKE": {"at": 3}}}"#]
    {
        assert!(read(unknown).unwrap_err().to_string().contains("unknown"), "{unknown}");
    }
    let refused = |text: &str| read(text).unwrap().check().unwrap_err().to_string();
    assert_eq!(
        refused(r#"{"rules": {"IB_CALL_SPIKE": {"threshold": 0}}}"#),
        "parameter `IB_CALL_SPIKE.threshold` is 0; expected a number of calls, at least 1"
    );
    assert!(
        refused(r#"{"rules": {"HIGH_CHURN_RISK": {"threshold": 60}}}"#)
            .contains("is 60; expected at least 0, below 1")
    );
    assert!(refused(r#"{"active_session_frequency_30d": -1}"#).contains("expected finite, at least 0"));
}

#[test]
fn a_feature_that_the_model_lacks_is_named() {
    let other = Schema::new(vec![Feature::numeric("session_frequency_30d", "", "")]).unwrap();
    let error = rules().route("C1", &content(), &other, &[1.0]).unwrap_err().to_string();
    assert!(error.contains("missing features [ib_call_count_14d]"), "{error}");
    let off = r#"{"rules": {"IB_CALL_SPIKE": {"enabled": false}}}"#;
    let rules = serde_json::from_str::<AlertParams>(off).unwrap().check().unwrap();
    assert_eq!(rules.route("C1", &content(), &other, &[1.0]).unwrap(), []);
}

fn day(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn the_same_is_said_once_within_a_cool_down() {
    let spike = || route(&content(), 3.0, 0.0);
    let mut log = AlertLog::default();
    let sent = |log: &mut AlertLog, at: &str| log.admit(&rules(), spike(), day(at)).alerts.len();
    assert_eq!(sent(&mut log, "2026-03-10"), 1);
    assert_eq!(sent(&mut log, "2026-03-16T23:59:59Z"), 0);
    assert_eq!(sent(&mut log, "2026-03-17"), 1);
    // Runs out of order: what would have been said a day before is no news either.
    assert_eq!(sent(&mut log, "2026-03-09"), 0);
    assert_eq!(sent(&mut log, "2026-03-01"), 1);

    // Another type and another customer have clocks of their own.
    let risky = HealthPrediction { churn_risk_30d: 0.9, ..content() };
    let admitted = log.admit(&rules(), route(&risky, 3.0, 0.0), day("2026-03-18"));
    assert_eq!((admitted.alerts.len(), admitted.suppressed), (1, 1));
    assert_eq!(admitted.alerts[0].kind, AlertKind::HighChurnRisk);
    let other = rules().route("C2", &content(), &schema(), &[0.0, 2.0, 0.0]).unwrap();
    assert_eq!(log.admit(&rules(), other, day("2026-03-18")).alerts.len(), 1);

    // The state goes through JSON.
    let text = serde_json::to_string(&log).unwrap();
    let mut back: AlertLog = serde_json::from_str(&text).unwrap();
    assert_eq!(back, log);
    assert_eq!(back.admit(&rules(), spike(), day("2026-03-19")).suppressed, 1);
    assert_eq!(back.of_customer("C1").len(), 4);
}

/// Ten customers: the first four called often, of whom three left; of the other six one left.
fn judged() -> (AlertLog, Vec<String>, Dataset) {
    let ids: Vec<String> = (0..10).map(|i| format!("C{i}")).collect();
    let left = [1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, f64::NAN];
    let mut data = Dataset::new(schema(), Array2::zeros((10, 3))).unwrap();
    for (name, values) in [("churn_risk_14d", vec![0.0; 10]), ("churn_risk_30d", left.to_vec())] {
        data = data.with_target(Target::binary(name, values).unwrap()).unwrap();
    }
    let score: Vec<f64> = (0..10).map(|i| 30.0 + f64::from(i)).collect();
    data = data
        .with_target(Target::binary("first_session_success", vec![1.0; 10]).unwrap())
        .and_then(|data| data.with_target(Target::real("health_score", score)?))
        .and_then(|data| data.with_target(Target::real("session_velocity", vec![2.0; 10])?))
        .unwrap();
    let mut log = AlertLog::default();
    for (id, calls) in ids.iter().zip([2.0, 5.0, 2.0, 3.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]) {
        let alerts = rules().route(id, &content(), &schema(), &[0.0, calls, 0.0]).unwrap();
        log.admit(&rules(), alerts, day("2026-03-10"));
    }
    (log, ids, data)
}

#[test]
fn alerts_are_judged_by_what_came_true() {
    let (mut log, ids, data) = judged();
    let unknown = log.figures(&rules());
    assert_eq!((unknown[0].alerts, unknown[0].precision, unknown[0].meets_targets()), (4, None, None));

    let outcomes = outcomes_of(&rules(), &ids, &data).unwrap();
    // One label is not known, and two types of alerts go by it.
    assert_eq!(outcomes.len(), 48);
    assert_eq!(
        outcomes.iter().filter(|o| o.kind == AlertKind::HealthScoreCritical && o.happened).count(),
        10
    );
    let noted: usize = outcomes.into_iter().map(|outcome| log.record(outcome)).sum();
    assert_eq!(noted, 4);

    let figures = log.figures(&rules());
    let spike = &figures[0];
    let share = |rate: Option<tenure_health::alerts::Rate>| rate.map(|rate| (rate.share, rate.of));
    assert_eq!(share(spike.precision), Some((0.75, 4)));
    // Of the five who are known to have stayed one was alerted; of the four who left three.
    assert_eq!(share(spike.false_positive_rate), Some((0.2, 5)));
    assert_eq!(share(spike.recall), Some((0.75, 4)));
    // scipy 1.17.1: scipy.stats.beta.ppf([.025, .975], 3.5, 1.5)
    let precision = spike.precision.unwrap();
    assert!(
        (precision.low - 0.283_751_68).abs() < 1e-8 && (precision.high - 0.971_529_10).abs() < 1e-8,
        "{precision:?}"
    );
    // 75 % is not above 75 %.
    assert_eq!((spike.precision_target, spike.false_positive_target), (Some(0.75), Some(0.15)));
    assert_eq!(spike.meets_targets(), Some(false));
    assert_eq!(
        (figures[2].kind, figures[2].alerts, share(figures[2].recall)),
        (AlertKind::HealthScoreCritical, 0, Some((0.0, 10)))
    );
}

#[test]
fn an_outcome_is_noted_for_alerts_that_wait_for_one() {
    let mut log = AlertLog::default();
    let outcome =
        |happened| Outcome { customer_id: "C1".into(), kind: AlertKind::IbCallSpike, happened, at: None };
    log.admit(&rules(), route(&content(), 3.0, 0.0), day("2026-03-10"));
    assert_eq!(log.record(outcome(true)), 1);
    log.admit(&rules(), route(&content(), 3.0, 0.0), day("2026-04-10"));
    assert_eq!(log.record(outcome(false)), 1);
    assert_eq!(log.record(outcome(true)), 0);
    let known: Vec<_> = log.of_customer("C1").iter().map(|alert| alert.outcome).collect();
    assert_eq!(known, [Some(true), Some(false)]);
    // Two alerts of one customer for whom the event came true in the end.
    let figures = log.figures(&rules());
    assert_eq!(figures[0].precision.map(|rate| rate.share), Some(0.5));
    assert_eq!(figures[0].false_positive_rate, None);
    assert_eq!(figures[0].meets_targets(), Some(false));
    // Always right so far, but nothing is known of those who stayed.
    let mut right = AlertLog::default();
    right.admit(&rules(), route(&content(), 3.0, 0.0), day("2026-03-10"));
    right.record(outcome(true));
    assert_eq!(right.figures(&rules())[0].precision.map(|rate| rate.share), Some(1.0));
    assert_eq!(right.figures(&rules())[0].meets_targets(), None);
    let other = Outcome { customer_id: "C2".into(), ..outcome(false) };
    assert_eq!(right.record(other), 0);
    assert_eq!(right.figures(&rules())[0].meets_targets(), Some(true));
}

#[test]
fn an_outcome_says_nothing_of_alerts_sent_later() {
    let mut log = AlertLog::default();
    for at in ["2026-03-10", "2026-03-20", "2026-04-10"] {
        log.admit(&rules(), route(&content(), 3.0, 0.0), day(at));
    }
    let outcome = |happened, at: &str| Outcome {
        customer_id: "C1".into(),
        kind: AlertKind::IbCallSpike,
        happened,
        at: Some(day(at)),
    };
    // Before any alert: of somebody who was not alerted then.
    assert_eq!(log.record(outcome(false, "2026-03-09")), 0);
    assert_eq!(log.record(outcome(true, "2026-03-20")), 2);
    let known: Vec<_> = log.of_customer("C1").iter().map(|alert| alert.outcome).collect();
    assert_eq!(known, [Some(true), Some(true), None]);
    assert_eq!(log.record(Outcome { at: None, ..outcome(false, "2026-03-20") }), 1);

    // Of somebody who is never alerted the event came true once and for all.
    let other = |happened| Outcome { customer_id: "C2".into(), ..outcome(happened, "2026-03-01") };
    let missed = |log: &AlertLog| log.figures(&rules())[0].recall.map(|rate| (rate.share, rate.of));
    assert_eq!(missed(&log), Some((1.0, 1)));
    log.record(other(true));
    log.record(other(false));
    assert_eq!(missed(&log), Some((0.5, 2)));

    let read = |text: &str| serde_json::from_str::<Outcome>(text).unwrap();
    let bare = r#"{"customer_id":"C1","type":"IB_CALL_SPIKE","happened":true}"#;
    assert_eq!(read(bare).at, None);
    let dated = serde_json::to_string(&outcome(true, "2026-03-20")).unwrap();
    assert_eq!(read(&dated), outcome(true, "2026-03-20"));
}
