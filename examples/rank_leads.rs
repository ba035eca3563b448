//! Which leads to call first: train on leads that converted or not, rank the open ones, see what each tier is worth.
//!
//! `cargo run --release -p tenure-examples --example rank_leads`
//!
//! Prints what training had, what each tier holds, and the first of the ranking:
//!
//! ```text
//! 1190 leads learned from, 238 of them held out to judge by
//! hot     18 leads,  14.4 conversions to expect,    7 % of all with the better tiers
//! warm    96 leads,  56.9 conversions to expect,   36 % of all with the better tiers
//! cold   729 leads, 126.4 conversions to expect,  100 % of all with the better tiers
//! 1. L0000621: 88 of 100, hot
//!    High priority: contact personally today. Speaks for it: mean pressure of the contact's messages: 0.880 …
//! …
//! ```

use std::error::Error;

use tenure::FitContext;
use tenure::features::contacts::{ContactLog, LeadTarget, lead_rows, lead_set};
use tenure::lead::{LeadParams, rank, train};
use tenure::synth::ContactParams;

fn main() -> Result<(), Box<dyn Error>> {
    // Stands for your records: contacts, conversations, messages, leads, purchases.
    let world = ContactParams { contacts: 2_000, ..ContactParams::default() }.check()?;
    let log = ContactLog::from_records(world.generate(42, 0)?.records)?;

    // Learn from what was known of each lead when it was created, and whether it converted within 30 days.
    let context = FitContext::new(42);
    let today = world.end().plus_days(-30);
    let past = lead_set(&log, LeadTarget::Converted { days: 30 }, Some(today), &context)?;
    let trained = train(past.data(), &LeadParams::default(), &context)?;
    println!(
        "{} leads learned from, {} of them held out to judge by",
        trained.report.rows, trained.report.held_out.rows
    );

    // Rank those that are open today.
    let open = lead_rows(&log, today)?;
    let ranking = rank(&trained.model, open.ids(), open.data().x())?;
    for tier in &ranking.tiers {
        println!(
            "{:<5} {:>4} leads, {:>5.1} conversions to expect, {:>4.0} % of all with the better tiers",
            tier.tier.to_string(),
            tier.leads,
            tier.expected_conversions.unwrap_or_default(),
            100.0 * tier.cumulative_capture.unwrap_or_default(),
        );
    }
    for ranked in ranking.leads.iter().take(3) {
        let lead = &ranked.lead;
        println!("{}. {}: {:.0} of 100, {}", ranked.rank, lead.lead_id, lead.score, lead.quality_tier);
        println!("   {}", lead.recommendation);
    }
    Ok(())
}
