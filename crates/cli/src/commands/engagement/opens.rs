//! `tenure engagement send-times --opens`

use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;
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
    let mut skipped = Skipped::default();
    for path in &args.opens {
        let Skipped { blank, beside } = read(path, offset, &mut opens)?;
        skipped = Skipped { blank: skipped.blank + blank, beside: skipped.beside + beside };
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
            "recipients_over_cap": fitted.capped(), "skipped": skipped, "held_out": held_out, "warning": OPENS_WARNING,
        }));
    }
    output::text(&text(&fitted, recipients, peaks, held_out, skipped))
}

fn text(
    fitted: &OpenTimes,
    recipients: usize,
    peaks: &[Peak],
    held_out: Option<HeldOutOpens>,
    skipped: Skipped,
) -> String {
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
    for (rows, what) in [
        (skipped.blank, "without recipient or time"),
        (skipped.beside, "of the days beside the one that their file is named after"),
    ] {
        if rows > 0 {
            out += &format!("rows {what}, skipped: {}\n", count(rows));
        }
    }
    out + &format!("note: {OPENS_WARNING}\n")
}

/// Rows of files that are no opens.
#[derive(Debug, Default, Clone, Copy, Serialize)]
struct Skipped {
    /// Without a recipient or a time.
    blank: usize,
    /// Of the day before or after the one that the file is named after.
    beside: usize,
}

/// Adds the opens of one file; gives what it passed over.
fn read(path: &Path, offset_hours: f64, opens: &mut Vec<Open>) -> Result<Skipped> {
    let (data, report) = read_table(path, &TableOptions::default())?;
    let schema = data.schema();
    // A column is no feature either where it is not in the file, or where it tells no rows apart.
    let lacks = |name: &str| {
        let words =
            match report.columns.iter().find(|c| c.name == name || (name == "recipient" && c.name == "id")) {
                Some(_) => "has one value in every row: nothing can be learned of differences",
                None => "is not there: files of opens have the columns recipient (or id) and time",
            };
        Error::Data(format!("{}: column `{name}` {words}", path.display()))
    };
    let id = schema.position("recipient").or(schema.position("id")).ok_or_else(|| lacks("recipient"))?;
    let time = schema.position("time").ok_or_else(|| lacks("time"))?;
    // A date holds its day; hours are of the day that the file is named after.
    let day = if schema.features()[time].unit == DATE_UNIT { None } else { Some(day_of(path)?) };
    let mut skipped = Skipped::default();
    for row in data.x().rows() {
        if row[id].is_nan() || row[time].is_nan() {
            skipped.blank += 1;
            continue;
        }
        let hours = match day {
            None => 24.0 * (row[time] + EPOCH_WEEKDAY),
            // What such files hold of the days beside belongs to their own files.
            Some(day) if (0.0..24.0).contains(&row[time]) => 24.0 * day as f64 + row[time],
            Some(_) => {
                skipped.beside += 1;
                continue;
            }
        };
        // Rounding may lead to the end of the week, which is its begin.
        let hour_of_week = (hours + offset_hours).rem_euclid(168.0) % 168.0;
        opens.push(Open { recipient: schema.features()[id].display(row[id]), hour_of_week });
    }
    Ok(skipped)
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
