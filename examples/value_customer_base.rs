//! What a customer base is worth: expected spend of everybody with a range, and whom to contact.
//!
//! `cargo run --release -p tenure-examples --example value_customer_base`
//!
//! Prints:
//!
//! ```text
//! rank correlation 0.70 on customers held out; the best tenth has 39 % of the money
//! 2103 customers, 323257 within 5.9 months:
//!   low     1051 customers,  7.4 % of the money
//!   medium   598 customers, 29.6 % of the money
//!   high     333 customers, 35.9 % of the money
//!   vip      121 customers, 27.0 % of the money
//! C0002560: 1414, most likely 64 to 3325
//!   days with orders to expect in the next 180 days, by the rhythm of buying alone: 15.4 (typical: 2.50), multiplies the value by 4.6
//!   spend to expect on a day with orders: 115.9 (typical: 40.4), multiplies the value by 2.9
//! contacting 2035 of them pays: 13120 in all; first C0000001
//! ```

use std::error::Error;

use tenure::FitContext;
use tenure::churn::{ChurnParams, ChurnScorer};
use tenure::features::OrderLog;
use tenure::ltv::{Contact, LtvParams, Segment, rank_by_contact_profit};
use tenure::synth::OrderParams;

fn main() -> Result<(), Box<dyn Error>> {
    // Two years of orders; put your own log in its place.
    let world = OrderParams { customers: 3_000, ..OrderParams::default() }.check()?;
    let log = OrderLog::from_columns(world.generate(42, 0)?.orders)?;
    let context = FitContext::new(42);

    // The log must hold one prediction window to learn from, with some history before it.
    let params = LtvParams { observation_days: 365, prediction_days: 180, ..LtvParams::default() };
    let trained = tenure::ltv::train(&log, &params, None, &context)?;
    let held_out = &trained.report.held_out;
    println!(
        "rank correlation {:.2} on customers held out; the best tenth has {:.0} % of the money",
        held_out.spearman.unwrap_or(f64::NAN),
        100.0 * held_out.top_decile_share.unwrap_or(f64::NAN),
    );

    let model = trained.model;
    let values = model.predict_all(&log, world.end(), &context)?;
    let total: f64 = values.iter().map(|v| v.predicted_ltv).sum();
    println!("{} customers, {total:.0} within {} months:", values.len(), params.prediction_window_months());
    for segment in Segment::ALL {
        let own: Vec<_> = values.iter().filter(|v| v.value_segment == segment).collect();
        let sum: f64 = own.iter().map(|v| v.predicted_ltv).sum();
        println!("  {segment:<6} {:>5} customers, {:>4.1} % of the money", own.len(), 100.0 * sum / total);
    }
    let best = values.iter().max_by(|a, b| a.predicted_ltv.total_cmp(&b.predicted_ltv)).ok_or("nobody")?;
    let range = best.confidence_interval;
    println!(
        "{}: {:.0}, most likely {:.0} to {:.0}",
        best.customer_id, best.predicted_ltv, range.low, range.high
    );
    for driver in &best.drivers[..2] {
        println!("  {}", driver.text);
    }

    // Churn and value together: a contact costs 2 and keeps one leaver in ten.
    let churn_params = ChurnParams { min_orders: 1, observation_days: 365, ..ChurnParams::default() };
    let churn = ChurnScorer::new(tenure::churn::train(&log, &churn_params, None, &context)?.model)?;
    let leaving = churn.score_all(&log, world.end(), &context)?;
    assert!(leaving.iter().zip(&values).all(|(a, b)| a.customer_id == b.customer_id));
    let probabilities: Vec<f64> = leaving.iter().map(|d| d.churn_probability).collect();
    let if_staying: Vec<f64> = values.iter().map(|v| v.predicted_ltv / v.p_any.max(0.01)).collect();
    let contact = Contact { cost: 2.0, success_rate: 0.1 };
    let ranked = rank_by_contact_profit(&probabilities, &if_staying, &contact)?;
    let worth_it = ranked.iter().take_while(|r| r.contact_profit > 0.0);
    println!(
        "contacting {} of them pays: {:.0} in all; first {}",
        worth_it.clone().count(),
        worth_it.map(|r| r.contact_profit).sum::<f64>(),
        values[ranked[0].row].customer_id,
    );
    Ok(())
}
