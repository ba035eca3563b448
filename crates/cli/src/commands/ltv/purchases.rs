//! `tenure ltv train` with a probabilistic family: parameters, not a model.

use anyhow::{Result, bail};
use serde_json::json;
use tenure_features::Timestamp;
use tenure_ltv::probabilistic::{Estimates, FitParams, TimeUnit};
use tenure_ltv::{PurchaseFamily, PurchaseFit, fit_purchases};

use crate::args::{LtvTrain, TimeUnit as TimeUnitArg};
use crate::commands::orders;
use crate::failure::WrongArgument;
use crate::output::{self, columns, count};
use crate::session::Session;

pub fn fit(
    args: &LtvTrain,
    family: PurchaseFamily,
    until: Option<Timestamp>,
    session: &Session,
) -> Result<()> {
    if args.model.is_some() {
        bail!(WrongArgument(format!("--model: the family {family} is printed, not written")));
    }
    let unit = match args.time_unit {
        TimeUnitArg::Day => TimeUnit::Day,
        TimeUnitArg::Week => TimeUnit::Week,
    };
    let (log, read) = orders::read(&args.file, session)?;
    let as_of = until.or_else(|| log.coverage_end(None)).unwrap_or_default();
    let params = FitParams { l2: args.l2, ..FitParams::default() };
    let found = fit_purchases(&log, family, as_of, unit, &params, &session.context(args.value.seed))?;
    session.finish();
    if args.json {
        return output::json(&json!({ "orders": read, "fit": found }));
    }
    output::text(&format!("{read}\n{}", text(&found)))
}

fn text(found: &PurchaseFit) -> String {
    let mut out = format!(
        "{} customers with an order before {}, {} of them on a later day, too; times in {}.\n",
        count(found.customers),
        found.as_of,
        count(found.repeat_customers),
        found.time_unit.name(),
    );
    out += &estimates(&found.family.to_string(), &found.purchases);
    if let Some(spend) = &found.spend {
        out += &estimates("gamma-gamma", spend);
    }
    for note in &found.notes {
        out += &format!("note: {note}\n");
    }
    out
}

fn estimates(name: &str, of: &Estimates) -> String {
    let level = format!("{:.0} % interval", 100.0 * of.level);
    let mut rows = vec![vec![name.to_owned(), "estimate".into(), "standard error".into(), level]];
    rows.extend(of.estimates.iter().map(|e| {
        vec![
            e.name.clone(),
            format!("{:.4}", e.value),
            format!("{:.4}", e.standard_error),
            format!("{:.4}–{:.4}", e.low, e.high),
        ]
    }));
    format!("\n{}  log-likelihood {:.3}, AIC {:.3}\n", columns(&rows), of.log_likelihood, of.aic())
}
