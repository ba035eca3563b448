//! From rows in memory to alerts: train the network of several tasks, look at a customer, decide whom to call.
//!
//! `cargo run --release -p tenure-examples --example health_alerts`
//!
//! Prints how the training ended, what is expected of one customer and why, the alerts of a day, and how often alerts
//! of that kind are right:
//!
//! ```text
//! 29 epochs, the weights of epoch 19 are kept
//! C0000002: leaves within 30 days with 28 %, health 68 of 100
//!   0.84  session_velocity_change
//!   0.81  rating_trend
//!   0.75  message_count_7d
//! IB_CALL_SPIKE          114 alerts,  89 % right,   3 % of the others alerted
//! HIGH_CHURN_RISK        170 alerts,  92 % right,   3 % of the others alerted
//! …
//! ```

use std::error::Error;

use tenure::features::Timestamp;
use tenure::features::marketplace::{GuideRow, Profile};
use tenure::health::alerts::{AlertLog, AlertParams, outcomes_of};
use tenure::health::{HealthParams, HealthRun};
use tenure::synth::MarketplaceParams;
use tenure::synth::marketplace::Part;
use tenure::{FitContext, Model, TypedRow};

fn main() -> Result<(), Box<dyn Error>> {
    // Stands for your customers: rows of 59 features, and what became of them.
    let world = MarketplaceParams { customers: 4_000, ..MarketplaceParams::default() }.check()?;
    let customers = world.generate(42, 0)?;
    let (train, valid) = (customers.part(Part::Train), customers.part(Part::Validation));

    let context = FitContext::new(42);
    let params = HealthParams::of(Profile::Guide);
    let mut run = HealthRun::start(&params, &train.data, Some(&valid.data), &context)?;
    while run.next_epoch(&context)?.is_some() {}
    let trained = run.finish(&context)?;
    let model = &trained.model;
    println!("{} epochs, the weights of epoch {} are kept", trained.report.epochs, trained.report.best_epoch);

    // One customer: a row as a struct, whose fields the compiler checks.
    let today = customers.part(Part::Test);
    let row = GuideRow::from_values(&today.data.row(0).to_vec())?;
    let expected = model.decide_row(&row)?;
    println!(
        "{}: leaves within 30 days with {:.0} %, health {:.0} of 100",
        today.ids[0],
        100.0 * expected.churn_risk_30d,
        expected.customer_health_score
    );
    for driver in expected.feature_importance.iter().take(3) {
        println!("  {:.2}  {}", driver.importance, driver.feature);
    }

    // Everybody: alerts, of which the same is not said twice within a week.
    let rules = AlertParams::default().check()?;
    let mut log = AlertLog::default(); // plain data: keep it between runs
    let now: Timestamp = "2026-03-02".parse()?;
    for (row, id) in today.data.x().rows().into_iter().zip(&today.ids) {
        let values = row.to_vec();
        let alerts = rules.route(id, &model.decide(&values)?, model.schema(), &values)?;
        log.admit(&rules, alerts, now);
    }

    // A month later it is known who left: how often was each type of alert right?
    for outcome in outcomes_of(&rules, &today.ids, &today.data)? {
        log.record(outcome);
    }
    for of in log.figures(&rules) {
        let share =
            |rate: Option<tenure::health::alerts::Rate>| rate.map_or(f64::NAN, |rate| 100.0 * rate.share);
        println!(
            "{:<21} {:>4} alerts, {:>3.0} % right, {:>3.0} % of the others alerted",
            of.kind.name(),
            of.alerts,
            share(of.precision),
            share(of.false_positive_rate)
        );
    }
    Ok(())
}
