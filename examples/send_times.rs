//! When to send a campaign: all at one time, or each recipient at their own, and whether that is worth it.
//!
//! `cargo run --release -p tenure-examples --example send_times`
//!
//! Over the campaign the time matters; for one recipient too little is known to say so:
//!
//! ```text
//! 5727 messages to 1980 recipients; AUC 0.907 on recipients held out; does the time matter? p = 8.48e-109
//! All at Wednesday 18:00: +29.3 points (+14.9 to +43.7). Each at the best time of their own: +29.3 points (+14.9 to +43.7).
//!   Wednesday 18:00   500 messages
//! C0000001: The data show no difference between send times: Wednesday 18:00 looks best, but its gain over Monday 17:00 is -9.6 to +17.6 points.
//! ```

use std::error::Error;

use tenure::engagement::{EngagementParams, SendTimeRequest, best_times_for_campaign, train};
use tenure::features::Timestamp;
use tenure::features::contacts::{
    ContactLog, Content, MessageRow, PlannedMessage, WINDOW_HOURS, message_set,
};
use tenure::synth::ContactParams;
use tenure::{FitContext, TypedRow};

fn main() -> Result<(), Box<dyn Error>> {
    // Stands for your records: contacts, conversations, messages, leads, purchases.
    let world = ContactParams { contacts: 3_000, ..ContactParams::default() }.check()?;
    let log = ContactLog::from_records(world.generate(42, 0)?.records)?;

    // Engaged with is what is opened, clicked or answered within 48 hours.
    let context = FitContext::new(42);
    let messages = message_set(&log, WINDOW_HOURS, None, &context)?;
    let trained = train(messages.data(), &EngagementParams::default(), &context)?;
    let report = &trained.report;
    println!(
        "{} messages to {} recipients; AUC {:.3} on recipients held out; does the time matter? p = {:.2e}",
        report.rows,
        report.recipients.unwrap_or_default(),
        report.held_out.roc_auc,
        report.time_test.p_value
    );

    // The campaign: one message to everybody, planned for Monday at nine in the morning (UTC).
    let planned: Timestamp = "2025-01-06T09:00:00Z".parse()?;
    let message = PlannedMessage {
        content: Content::Promotional,
        campaign: true,
        personalised: true,
        length: 120,
        sentiment: 0.4,
        urgency: 0.2,
        has_link: true,
        has_media: false,
    };
    let ids: Vec<String> = log.contact_ids().iter().take(500).cloned().collect();
    let rows = ids
        .iter()
        .map(|id| Ok(MessageRow::as_of(&log.as_of(id, planned)?, &message, WINDOW_HOURS)))
        .collect::<Result<Vec<_>, tenure::features::Error>>()?;

    let plan = best_times_for_campaign(
        &trained.model,
        MessageRow::dataset(&rows)?.x(),
        &SendTimeRequest::default(),
    )?;
    println!("{}", plan.verdict);
    if let Some(personal) = &plan.personal {
        let mut times = personal.times.clone();
        times.sort_by_key(|time| std::cmp::Reverse(time.messages));
        for time in times.iter().take(5) {
            println!("  {:<16} {:>4} messages", time.time, time.messages);
        }
    }
    let first = &plan.send_times[0];
    println!("{}: {}", ids[0], first.verdict);
    Ok(())
}
