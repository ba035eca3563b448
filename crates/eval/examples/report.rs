//! Writes a report on invented customers: `cargo run -p tenure-eval --example report -- report.html`.

use tenure_core::seed::unit;
use tenure_eval::report::{
    BinaryEvaluation, ExplainedRow, Factor, Importance, KeyFigure, ProfitAssumptions, Role, ScoredModel,
    SpanKind, TimeSpan, Timeline, TimelineRow,
};

const CUSTOMERS: u64 = 5_000;
const SEED: u64 = 42;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name the file to write")?;
    std::fs::write(path, evaluation().report()?.to_html())?;
    Ok(())
}

fn expit(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Roughly normal: the sum of twelve uniform numbers, less its mean.
fn normal(stream: u64, row: u64) -> f64 {
    (0..12).map(|i| unit(SEED + stream, row * 12 + i)).sum::<f64>() - 6.0
}

fn evaluation() -> BinaryEvaluation {
    let truth: Vec<f64> = (0..CUSTOMERS).map(|i| 1.4 * normal(0, i) - 0.5).collect();
    let labels = truth.iter().enumerate().map(|(i, &t)| f64::from(unit(SEED + 9, i as u64) < expit(t)));
    let labels = labels.collect();
    let noisy = |stream, noise: f64, shrink: f64| -> Vec<f64> {
        let score = |(i, t): (usize, &f64)| expit(shrink * (t + noise * normal(stream, i as u64)) - 0.1);
        truth.iter().enumerate().map(score).collect()
    };
    let rules = noisy(2, 1.6, 0.7).into_iter().map(|p| (p * 5.0).round() / 5.0).collect();
    let scored = |name: &str, role, probabilities| ScoredModel { name: name.into(), role, probabilities };
    BinaryEvaluation {
        title: "Which customers will leave? – the shop's churn model".into(),
        subject: "5,000 invented customers, judged on 1 October 2025".into(),
        timeline: timeline(),
        training: training(),
        models: vec![
            scored("Model", Role::Model, noisy(1, 0.5, 0.88)),
            scored("Rules", Role::Baseline, rules),
            scored("Recency only", Role::Baseline, noisy(3, 1.3, 0.75)),
            scored("Oracle", Role::Oracle, truth.iter().map(|&t| expit(t)).collect()),
        ],
        labels,
        threshold: 0.45,
        profit: Some(ProfitAssumptions {
            contact_cost: 6.0,
            saved_value: 80.0,
            success_rate: 0.2,
            currency: "€".into(),
        }),
        importances: importances(),
        importance_method:
            "Measured as the mean size of each feature's contribution (SHAP) over the judged rows.".into(),
        explained: explained(),
        notes: vec!["The customers are invented; the figures say nothing about any shop.".into()],
        ..BinaryEvaluation::default()
    }
}

fn training() -> Vec<KeyFigure> {
    let fact = |label: &str, value: &str, note: &str| KeyFigure {
        label: label.into(),
        value: value.into(),
        note: note.into(),
    };
    vec![
        fact("Learned from", "27,418 rows", "4,870 customers at 6 dates"),
        fact("Features", "52", "computed from orders before each date"),
        fact("Kind of model", "Boosted trees", "412 trees, calibrated"),
    ]
}

fn timeline() -> Timeline {
    let row = |label: &str, note: &str, day: i64| TimelineRow {
        label: label.into(),
        note: note.into(),
        spans: vec![
            TimeSpan { kind: SpanKind::Observed, start_day: day - 180, end_day: day },
            TimeSpan { kind: SpanKind::Prediction, start_day: day, end_day: day },
            TimeSpan { kind: SpanKind::Outcome, start_day: day, end_day: day + 90 },
        ],
    };
    Timeline {
        caption: "At each date, the model sees the 180 days before; whether a customer left is decided by \
                  whether an order follows within 90 days."
            .into(),
        rows: vec![
            row("Training, first date", "6 dates, a month apart", 20_089),
            row("Training, last date", "", 20_240),
            row("Judged on", "Not seen in training", 20_362),
        ],
    }
}

fn importances() -> Vec<Importance> {
    let feature = |feature: &str, unit: &str, description: &str, importance| Importance {
        feature: feature.into(),
        unit: unit.into(),
        description: description.into(),
        importance,
    };
    vec![
        feature("recency_days", "days", "Time since the last order", 0.41),
        feature("orders_180d", "orders", "Orders in the last 180 days", 0.22),
        feature("gap_ratio", "multiple", "Time since the last order against the customer's usual gap", 0.19),
        feature("spend_trend", "share", "Spend in the last 90 days against the 90 before", 0.11),
        feature("tenure_days", "days", "Time since the first order", 0.06),
        feature("return_rate", "share", "Orders sent back", 0.04),
        feature("channel_concentration", "", "How much the customer keeps to one channel", 0.02),
    ]
}

fn explained() -> Vec<ExplainedRow> {
    let row =
        |id: &str, probability, interval, level: &str, factors: &[(&str, f64)], advice: &str| ExplainedRow {
            id: id.into(),
            probability,
            interval: Some(interval),
            level: level.into(),
            factors: factors.iter().map(|&(text, effect)| Factor { text: text.into(), effect }).collect(),
            recommendation: advice.into(),
        };
    vec![
        row(
            "C-10482",
            0.874,
            (0.79, 0.92),
            "critical",
            &[
                ("Last order 143 days ago (typical: 38)", 1.6),
                ("1 order in the last 180 days (typical: 4)", 0.7),
                ("Spend has fallen by 62 %", 0.4),
                ("Customer for 6 years", -0.3),
            ],
            "Call within the week, offer a personal discount.",
        ),
        row(
            "C-00317",
            0.512,
            (0.43, 0.60),
            "high",
            &[
                ("Waits 2.4 times longer than usual", 0.9),
                ("Last order 61 days ago (typical: 38)", 0.5),
                ("7 orders in the last 180 days (typical: 4)", -0.8),
            ],
            "Send the win-back e-mail.",
        ),
        row(
            "C-22051",
            0.062,
            (0.03, 0.11),
            "low",
            &[
                ("Last order 4 days ago (typical: 38)", -1.4),
                ("11 orders in the last 180 days (typical: 4)", -1.1),
                ("1 in 4 orders sent back", 0.3),
            ],
            "Nothing to do.",
        ),
    ]
}
