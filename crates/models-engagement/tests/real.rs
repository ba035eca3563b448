//! Two real tables: e-mails in three slots of the day, and opens by hour of the week.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod support;

use std::path::Path;

use support::real;
use tenure_core::{Dataset, FitContext, Model, Target, seed};
use tenure_engagement::open_times::{Open, OpenTimeParams, OpenTimes, held_out_opens, peaks};
use tenure_engagement::{EngagementParams, SendTimeRequest, TimeColumns, Trained, train};
use tenure_io::{TableOptions, read_table};

const SLOT: &str = "Time_Email_sent_Category";

/// Every `step`th e-mail; the target is 1 where it was read or acknowledged.
fn emails(step: usize) -> Option<Dataset> {
    let path = real("email_campaign/data_email_campaign.csv.gz")?;
    let options = TableOptions {
        target: Some("Email_Status".into()),
        drop: vec!["Email_ID".into()],
        categorical: vec![SLOT.into()],
        task: tenure_io::TableTask::Regress,
        ..TableOptions::default()
    };
    let (data, _) = read_table(&path, &options).unwrap();
    let rows: Vec<usize> = (0..data.rows()).step_by(step).collect();
    let data = data.select(&rows);
    let read: Vec<f64> =
        data.target().unwrap().values().iter().map(|s| f64::from(u8::from(*s >= 1.0))).collect();
    Some(with_labels(&data, read))
}

fn with_labels(data: &Dataset, labels: Vec<f64>) -> Dataset {
    let target = Target::binary("read", labels).unwrap();
    Dataset::new(data.schema().clone(), data.x().to_owned()).unwrap().with_target(target).unwrap()
}

fn params() -> EngagementParams {
    EngagementParams { time: TimeColumns::Slot { column: SLOT.into() }, ..EngagementParams::default() }
}

#[test]
fn the_slots_of_the_email_campaign_make_no_difference() {
    let Some(data) = emails(1) else { return };
    for (name, least) in [("logistic", 0.70), ("gbdt", 0.785)] {
        let backend = EngagementParams::backend_named(name).unwrap();
        let Trained { model, report } =
            train(&data, &EngagementParams { backend, ..params() }, &FitContext::new(42)).unwrap();
        let answer = model.send_time(&data.row(0).to_vec(), &SendTimeRequest::default()).unwrap();
        let gain = answer.gain.unwrap();
        println!(
            "{name}: 5-fold AUC {:.4}, held out {:.4}, log loss {:.4}, ECE {:.4}, accuracy {:.3}, F1 {:.3}; time \
             p {:.3}; {} ({:?})",
            report.uncalibrated.roc_auc,
            report.held_out.roc_auc,
            report.calibrated.log_loss,
            report.calibrated.ece,
            report.held_out.accuracy,
            report.held_out.f1,
            report.time_test.p_value,
            answer.verdict,
            gain
        );
        assert_eq!((answer.no_difference, answer.candidates, report.time_test.terms), (true, 3, 2));
        assert!(gain.low <= 0.0 && gain.high < 0.03 && report.time_test.p_value > 0.05);
        assert!(report.uncalibrated.roc_auc > least);
        assert_eq!(answer.send_at, answer.planned);
        assert_eq!(model.schema().len(), data.schema().len());
    }
}

/// The second slot relabelled so that it gains about so many points: of its e-mails, four in five were ignored.
fn planted(data: &Dataset, points: f64) -> Dataset {
    let slot = data.schema().position(SLOT).unwrap();
    let labels = data.target().unwrap().values().iter().enumerate();
    let relabelled = labels.map(|(row, &y)| {
        let chosen = data.row(row)[slot] == 1.0 && seed::unit(3, row as u64) < points / 0.8;
        if chosen { 1.0 } else { y }
    });
    with_labels(data, relabelled.collect())
}

#[test]
fn a_planted_slot_is_found_and_nothing_is_not() {
    let Some(data) = emails(1) else { return };
    let model = train(&planted(&data, 0.03), &params(), &FitContext::new(42)).unwrap().model;
    let slot = data.schema().position(SLOT).unwrap();
    let row = (0..data.rows()).find(|&row| data.row(row)[slot] == 0.0).unwrap();
    let answer = model.send_time(&data.row(row).to_vec(), &SendTimeRequest::default()).unwrap();
    println!("{}", answer.verdict);
    assert!(!answer.no_difference && answer.best.unwrap().name == "2", "{}", answer.verdict);

    // With the labels shuffled nothing is left to be found.
    let small = emails(34).unwrap();
    let labels = small.target().unwrap().values().to_vec();
    let (mut found, mut proposed) = (0, 0);
    let runs = 200;
    for run in 0..runs {
        let order = seed::permutation(labels.len(), run);
        let shuffled = with_labels(&small, order.iter().map(|&row| labels[row]).collect());
        let judged = EngagementParams { folds: 2, test_share: 0.5, ..params() };
        let Trained { model, report } = train(&shuffled, &judged, &FitContext::new(run)).unwrap();
        found += usize::from(report.time_test.p_value < 0.05);
        let answer = model.send_time(&small.row(0).to_vec(), &SendTimeRequest::default()).unwrap();
        proposed += usize::from(!answer.no_difference);
    }
    let rows = labels.len();
    println!(
        "of {runs} permutations of {rows} e-mails: p < 0.05 in {found}, another slot proposed in {proposed}"
    );
    // 10 are expected; the 99.9 % point of that binomial is 21.
    assert!(found <= 21, "{found}");
    // No more than the nominal level.
    assert!(proposed <= 10, "{proposed}");
}

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The files hold an hour and a quarter before and after each day too.
fn opens() -> Option<Vec<Open>> {
    let mut opens = Vec::new();
    for (day, name) in DAYS.iter().enumerate() {
        let path = real(&format!("email_open_times/{name}.csv.gz"))?;
        opens.extend(day_opens(&path, day));
    }
    Some(opens)
}

fn day_opens(path: &Path, day: usize) -> Vec<Open> {
    let (data, _) = read_table(path, &TableOptions::default()).unwrap();
    let column = |name: &str| data.schema().position(name).unwrap();
    let (time, id) = (column("time"), column("id"));
    let x = data.x();
    let within = x.rows().into_iter().filter(|row| (0.0..24.0).contains(&row[time]));
    let open = |row: ndarray::ArrayView1<'_, f64>| Open {
        recipient: data.schema().features()[id].display(row[id]),
        hour_of_week: 24.0 * day as f64 + row[time],
    };
    within.map(open).collect()
}

/// The author's README names the five highest peaks (GMT) and says that it took a bandwidth of 1 h; the notebook
/// beside it takes 0.82 h, under which their order is the one stated and their times lie a few minutes earlier.
#[test]
fn the_published_peaks_are_found() {
    let Some(opens) = opens() else { return };
    assert_eq!(opens.len(), 85_505);
    assert_eq!((opens.len() as f64 / 168.0).round(), 509.0);
    let published = [(1, "12:27"), (3, "13:50"), (0, "19:07"), (3, "19:13"), (1, "10:35")];
    let minutes = |clock: &str| -> f64 {
        let (hours, minutes) = clock.split_once(':').unwrap();
        60.0 * hours.parse::<f64>().unwrap() + minutes.parse::<f64>().unwrap()
    };
    for (bandwidth, tolerance, ordered) in [(0.82, 10.0, 5), (1.0, 1.5, 3)] {
        let found = peaks(&opens, bandwidth).unwrap();
        println!(
            "{bandwidth}: {:?}",
            found[..5].iter().map(|p| (p.time.to_string(), p.opens_per_hour)).collect::<Vec<_>>()
        );
        for (at, (day, clock)) in published.iter().enumerate() {
            let same = |p: &&tenure_engagement::open_times::Peak| {
                p.time.weekday == *day && (60.0 * p.time.hour - minutes(clock)).abs() <= tolerance
            };
            let place = found.iter().take(5).position(|p| same(&p)).unwrap();
            assert!(place == at || at >= ordered, "{clock} is number {place} under {bandwidth} h");
        }
    }
}

#[test]
fn pooled_opens_foretell_better_than_either_part() {
    let Some(opens) = opens() else { return };
    let params = OpenTimeParams::default();
    let held = held_out_opens(&opens, &params, 42).unwrap();
    let fitted = OpenTimes::fit(&opens, &params).unwrap();
    println!(
        "{held:?}; bandwidth {}, concentration {:.2}, capped {}",
        fitted.bandwidth(),
        fitted.concentration(),
        fitted.capped()
    );
    assert!(held.recipients > 10_000);
    assert!(held.pooled > held.population + 0.1 && held.pooled > held.own + 0.1);
    let (id, opens) = fitted.recipients().max_by_key(|(_, opens)| *opens).unwrap();
    println!("{id} opened {opens} times: {:?}", fitted.best_hours(id, 3));
    println!("nobody: {:?}", fitted.best_hours("nobody", 3));
}
