//! `tenure ltv …`

mod judge;
mod predict;
mod purchases;
mod train;

use anyhow::Result;
use tenure_ltv::{Family, LtvParams};

use crate::args::{LtvCommand, ValueOptions};
use crate::output;
use crate::session::Session;

pub fn run(command: &LtvCommand, session: &Session) -> Result<()> {
    match command {
        LtvCommand::Train(args) => train::train(args, session),
        LtvCommand::Cv(args) => judge::cv(args, session),
        LtvCommand::Evaluate(args) => judge::evaluate(args, session),
        LtvCommand::Predict(args) => predict::predict(args, session),
        LtvCommand::Explain(args) => predict::explain(args, session),
    }
}

fn params(options: &ValueOptions) -> Result<LtvParams> {
    let params = LtvParams {
        observation_days: options.observation_days,
        prediction_days: options.prediction_days,
        min_orders: options.min_orders,
        max_snapshots: options.max_snapshots,
        interval_level: options.interval_level,
        family: Family::by_name(&options.family)?,
        ..LtvParams::default()
    };
    params.check()?;
    Ok(params)
}

/// An amount, with thousands apart: `1,234.50`.
fn money(amount: f64) -> String {
    let cents = (amount.abs() * 100.0).round();
    let whole = output::count((cents / 100.0).floor() as usize);
    let sign = if amount < 0.0 && cents > 0.0 { "-" } else { "" };
    format!("{sign}{whole}.{:02}", (cents % 100.0) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_for_people() {
        assert_eq!(
            [money(0.0), money(-0.001), money(1234.5), money(0.995)],
            ["0.00", "0.00", "1,234.50", "1.00"]
        );
    }
}
