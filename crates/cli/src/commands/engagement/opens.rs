//! `tenure engagement send-times --opens`

use std::path::Path;

use anyhow::{Result, bail};
use serde_json::json;
use tenure_core::Error;
use tenure_engagement::open_times::{
    HeldOutOpens, OPENS_WARNING, Open, OpenTimeParams, OpenTimes, Peak, held_out_opens, peaks,
};
use tenure_features::contacts::Weekday;
use tenure_io::{ColumnValues, DATE_UNIT, TableOptions, read_table};

use crate::args::EngagementSendTimes;
use crate::commands::contacts;
use crate::failure::WrongArgument;
use crate::output::{self, columns, count};
use crate::session::Session;

/// Peaks that are printed, and hours that are written of each recipient.
const MOST_PEAKS: usize = 5;
const HOURS_EACH: usize = 3;

/// Days from Monday to 1970-01-01, a Thursday.
const EPOCH_WEEKDAY: f64 = 3.0;

pub fn send_times(args: &EngagementSendTimes, session: &Session) -> Result<()> {
    if args.times.quiet_hours.is_some() || args.times.horizon.is_some() {
        let words = "opens say when mail was opened, not when to send: no quiet hours or horizon here";
        bail!(WrongArgument(format!("--quiet-hours, --horizon: {words}")));
    }
    let offset = f64::from(super::request(&args.times)?.utc_offset_minutes.unwrap_or(0)) / 60.0;
    let mut opens = Vec::new();
    for path in &args.opens {
        read(path, offset, &mut opens)?;
    }
    let params = OpenTimeParams { cap: args.cap, ..OpenTimeParams::default() };
    let peaks = peaks(&opens, args.bandwidth)?;
    let fitted = OpenTimes::fit(&opens, &params)?;
    let held_out = held_out_opens(&opens, &params, args.seed).ok();
    if let Some(path) = &args.out {
        write_hours(path, &fitted)?;
    }
    session.finish();
    let recipients = fitted.recipients().count();
    let peaks = &peaks[..peaks.len().min(MOST_PEAKS)];
    if args.json {
        let peaks: Vec<_> = peaks
            .iter()
            .map(|p| json!({ "time": p.time.to_string(), "opens_per_hour": p.opens_per_hour }))
            .collect();
        return output::json(&json!({
            "opens": opens.len(), "recipients": recipients, "opens_per_hour": opens.len() as f64 / 168.0,
            "peaks": peaks, "best_hours": fitted.best_hours("", HOURS_EACH),
            "concentration": fitted.concentration(), "bandwidth_hours": fitted.bandwidth(),
            "recipients_over_cap": fitted.capped(), "held_out": held_out, "warning": OPENS_WARNING,
        }));
    }
    output::text(&text(&fitted, recipients, peaks, held_out))
}

fn text(fitted: &OpenTimes, recipients: usize, peaks: &[Peak], held_out: Option<HeldOutOpens>) -> String {
    let mut out = format!(
        "{} opens of {} recipients, {:.0} in an average hour of the week; {} recipients open so often that they are \
         taken for machines.\n\nPeaks of all opens (opens per hour):\n",
        count(fitted.opens()),
        count(recipients),
        fitted.opens() as f64 / 168.0,
        count(fitted.capped())
    );
    let row = |p: &Peak| vec![p.time.to_string(), format!("{:.0}", p.opens_per_hour)];
    out += &columns(&peaks.iter().map(row).collect::<Vec<_>>());
    out +=
        &format!("\nA recipient with {:.1} opens is believed as much as everyone.\n", fitted.concentration());
    if let Some(HeldOutOpens { recipients, population, own, pooled }) = held_out {
        out += &format!(
            "Opens held out of {} recipients (mean log probability): pooled {pooled:.3}, everyone's {population:.3}, \
             their own alone {own:.3}.\n",
            count(recipients)
        );
    }
    out + &format!("note: {OPENS_WARNING}\n")
}

/// Adds the opens of one file.
fn read(path: &Path, offset_hours: f64, opens: &mut Vec<Open>) -> Result<()> {
    let (data, _) = read_table(path, &TableOptions::default())?;
    let schema = data.schema();
    let lacks = |name: &str| {
        let words =
            "is not there, or says nothing: files of opens have the columns recipient (or id) and time";
        Error::Data(format!("{}: column `{name}` {words}", path.display()))
    };
    let id = schema.position("recipient").or(schema.position("id")).ok_or_else(|| lacks("recipient"))?;
    let time = schema.position("time").ok_or_else(|| lacks("time"))?;
    // A date holds its day; hours are of the day that the file is named after.
    let day = if schema.features()[time].unit == DATE_UNIT { None } else { Some(day_of(path)?) };
    for row in data.x().rows() {
        let hours = match day {
            None => 24.0 * (row[time] + EPOCH_WEEKDAY),
            // What such files hold of the days beside belongs to their own files.
            Some(day) if (0.0..24.0).contains(&row[time]) => 24.0 * day as f64 + row[time],
            Some(_) => continue,
        };
        let hour_of_week = (hours + offset_hours).rem_euclid(168.0);
        if hour_of_week < 168.0 && !row[id].is_nan() {
            opens.push(Open { recipient: schema.features()[id].display(row[id]), hour_of_week });
        }
    }
    Ok(())
}

/// The day of the week that a file is named after.
fn day_of(path: &Path) -> Result<usize> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let day = Weekday::ALL.iter().position(|day| name.starts_with(day.name()));
    let words = "its times are hours of a day, and its name does not begin with a day of the week";
    day.ok_or_else(|| Error::Data(format!("{}: {words}", path.display())).into())
}

/// The hours of each recipient, a line each.
fn write_hours(path: &Path, fitted: &OpenTimes) -> Result<()> {
    let (mut ids, mut opens, mut ranks, mut times) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut average, mut low, mut high) = (Vec::new(), Vec::new(), Vec::new());
    for (id, n) in fitted.recipients() {
        for (rank, hour) in fitted.best_hours(id, HOURS_EACH).into_iter().enumerate() {
            ids.push(id.to_owned());
            opens.push(n as f64);
            ranks.push((rank + 1) as f64);
            times.push(hour.time);
            average.push(hour.times_average);
            low.push(hour.low);
            high.push(hour.high);
        }
    }
    contacts::write(
        path,
        &[
            ("recipient", ColumnValues::Texts(&ids)),
            ("opens", ColumnValues::Numbers(&opens)),
            ("rank", ColumnValues::Numbers(&ranks)),
            ("time", ColumnValues::Texts(&times)),
            ("times_average", ColumnValues::Numbers(&average)),
            ("low", ColumnValues::Numbers(&low)),
            ("high", ColumnValues::Numbers(&high)),
        ],
    )
}
