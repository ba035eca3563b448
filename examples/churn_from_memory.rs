//! Orders that an application already holds in memory, to one decision about one customer.
//!
//! `cargo run --release -p tenure-examples --example churn_from_memory`
//!
//! Prints what the model expects of itself, then the decision as JSON:
//!
//! ```text
//! 8409 rows; AUC 0.863 on customers held out; at risk from a probability of 0.21
//! {
//!   "customer_id": "C0009",
//!   "as_of": "2024-12-31",
//!   "churn_probability": 0.050724934519717414,
//!   "interval": {
//!     "low": 0.050724934519717414,
//!     "high": 0.09443272964479761,
//!     "level": 0.9
//!   },
//!   "is_at_risk": false,
//!   "risk_level": "low",
//!   "confidence": "high",
//!   "risk_factors": [
//!   …
//! ```

use std::error::Error;

use tenure::churn::{ChurnParams, ChurnScorer, Goal, Profit, train};
use tenure::features::{OrderLine, OrderLog, OrderLogBuilder, Timestamp};
use tenure::{FitContext, seed};

fn main() -> Result<(), Box<dyn Error>> {
    let log = orders()?;
    // Defaults: features of 180 days, "left" means no order for 90 days. Here the threshold is the one that
    // earns most if a contact costs 2, keeps one leaver in ten, and a customer who stays is worth 120.
    let params = ChurnParams {
        goal: Goal::Profit,
        profit: Profit { contact_cost: 2.0, saved_value: Some(120.0), success_rate: 0.1 },
        ..ChurnParams::default()
    };
    let trained = train(&log, &params, None, &FitContext::new(42))?;
    println!(
        "{} rows; AUC {:.3} on customers held out; at risk from a probability of {:.2}",
        trained.report.rows, trained.report.calibrated.roc_auc, trained.report.threshold
    );

    let scorer = ChurnScorer::new(trained.model)?;
    let decision = scorer.score(&log, "2024-12-31".parse()?, "C0009")?;
    println!("{}", serde_json::to_string_pretty(&decision)?);
    Ok(())
}

/// Stands for a query or a message queue: 800 customers who buy at a pace of their own and stop one day.
fn orders() -> Result<OrderLog, Box<dyn Error>> {
    let start: Timestamp = "2023-01-01".parse()?;
    let mut orders = OrderLogBuilder::new();
    for customer in 0..800 {
        let draw = |what: u64| seed::unit(seed::mix(7, customer), what);
        let id = format!("C{customer:04}");
        let pace = 8.0 + 50.0 * draw(0); // days between orders, on average
        let stay = 60.0 + 1_200.0 * draw(1); // days until the customer stops
        let mut day = 300.0 * draw(2);
        let end = (day + stay).min(730.0);
        for n in 3.. {
            if day >= end {
                break;
            }
            let channel = if draw(1_000 + n) < 0.7 { "web" } else { "shop" };
            orders.push(OrderLine {
                channel: Some(channel),
                ..OrderLine::new(&id, start.plus_days(day as i64), 10.0 + 60.0 * draw(2_000 + n))
            });
            day += 2.0 * pace * draw(n);
        }
    }
    Ok(orders.build()?)
}
