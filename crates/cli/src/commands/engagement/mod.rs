//! `tenure engagement …`

mod judge;
pub mod messages;
mod opens;
mod predict;
mod train;

use anyhow::Result;
use tenure_engagement::SendTimeRequest;

use crate::args::{EngagementCommand, SendTimeOptions};
use crate::session::Session;

pub fn run(command: &EngagementCommand, session: &Session) -> Result<()> {
    match command {
        EngagementCommand::Train(args) => train::train(args, session),
        EngagementCommand::Evaluate(args) => judge::evaluate(args, session),
        EngagementCommand::Predict(args) => predict::predict(args, session),
        EngagementCommand::Explain(args) => predict::explain(args, session),
        EngagementCommand::SendTimes(args) if args.opens.is_empty() => predict::campaign(args, session),
        EngagementCommand::SendTimes(args) => opens::send_times(args, session),
    }
}

fn request(options: &SendTimeOptions) -> Result<SendTimeRequest> {
    let request = SendTimeRequest {
        utc_offset_minutes: options.utc_offset,
        quiet_hours: options.quiet_hours,
        horizon_hours: options.horizon,
    };
    request.check()?;
    Ok(request)
}

/// A change of a probability in points: `+1.2 points (-0.3 to +2.7)`.
fn points(gain: tenure_engagement::Gain) -> String {
    let [expected, low, high] = [gain.expected, gain.low, gain.high].map(|g| 100.0 * g);
    format!("{expected:+.1} points ({low:+.1} to {high:+.1})")
}
