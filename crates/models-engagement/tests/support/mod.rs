//! Messages drawn from a known truth, and the real tables.
#![allow(dead_code, reason = "each test uses its part")]

use std::path::PathBuf;

use tenure_core::{Dataset, Target, TypedRow, seed};
use tenure_features::contacts::{Content, MessageRow, Weekday};

/// How to draw.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draw {
    pub(crate) recipients: usize,
    /// Messages of each recipient.
    pub(crate) each: usize,
    /// Amplitude of the population's daily rhythm, in log-odds, highest at 18.
    pub(crate) rhythm: f64,
    /// Spread of the recipients' own deviations by part of the day.
    pub(crate) personal: f64,
    /// Hours of the day at which messages are sent.
    pub(crate) hours: (u32, u32),
    pub(crate) seed: u64,
}

impl Default for Draw {
    fn default() -> Self {
        Self { recipients: 400, each: 12, rhythm: 0.0, personal: 0.0, hours: (8, 21), seed: 1 }
    }
}

/// Messages with their labels, recipients and true probabilities.
pub(crate) struct Drawn {
    pub(crate) data: Dataset,
    pub(crate) rows: Vec<MessageRow>,
    pub(crate) truth: Vec<f64>,
    /// Log-odds of each recipient, and deviation by part of the day.
    people: Vec<(f64, [f64; 4])>,
    of: Draw,
}

fn normal(seed: u64, at: u64) -> f64 {
    // Twelve uniform numbers are near enough.
    (0..12).map(|i| seed::unit(seed, 12 * at + i)).sum::<f64>() - 6.0
}

fn expit(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl Drawn {
    /// True probability of a row, at another hour.
    pub(crate) fn at(&self, row: usize, hour: f64) -> f64 {
        let (own, parts) = self.people[row / self.of.each];
        let content = match self.rows[row].content {
            Content::Promotional => -0.4,
            Content::Support => 0.5,
            Content::Informational => 0.0,
        };
        let rhythm = self.of.rhythm * (std::f64::consts::TAU * (hour - 18.0) / 24.0).cos();
        expit(own + parts[(hour / 6.0) as usize % 4] + content + rhythm)
    }
}

/// Draws messages one by one: the counts of a row are those of the recipient's rows before it.
pub(crate) fn draw(of: Draw) -> Drawn {
    let mut drawn = Drawn {
        data: MessageRow::dataset(&[]).unwrap(),
        rows: Vec::new(),
        truth: Vec::new(),
        people: Vec::new(),
        of,
    };
    let (mut labels, mut groups, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for person in 0..of.recipients as u64 {
        let own = -1.0 + 0.8 * normal(seed::mix(of.seed, 1), person);
        let parts = [0, 1, 2, 3].map(|p| of.personal * normal(seed::mix(of.seed, 2), 4 * person + p));
        drawn.people.push((own, parts));
        let mut past = blank();
        let mut same = [(0.0, 0.0); 3];
        for n in 0..of.each as u64 {
            let at = person * of.each as u64 + n;
            let unit = |what: u64| seed::unit(seed::mix(of.seed, 10 + what), at);
            let hours = f64::from(of.hours.1 - of.hours.0);
            let hour = f64::from(of.hours.0) + (unit(1) * hours).floor();
            let weekday = Weekday::ALL[(unit(2) * 7.0) as usize];
            let content = Content::ALL[(unit(3) * 3.0) as usize];
            let (sent, engaged) = same[content as usize];
            let row = MessageRow {
                hour,
                weekday,
                content,
                length: 20.0 + 300.0 * unit(4),
                personalised: unit(5) < 0.5,
                hours_since_sent: if n == 0 { f64::NAN } else { 30.0 },
                sent_same_content: sent,
                engaged_same_content: engaged,
                ..past.clone()
            };
            drawn.rows.push(row);
            let p = drawn.at(drawn.rows.len() - 1, hour);
            let label = f64::from(u8::from(unit(6) < p));
            drawn.truth.push(p);
            labels.push(label);
            groups.push(person);
            times.push(n as i64);
            let (sent, engaged) = match (hour / 6.0) as usize {
                0 => (&mut past.sent_night, &mut past.engaged_night),
                1 => (&mut past.sent_morning, &mut past.engaged_morning),
                2 => (&mut past.sent_afternoon, &mut past.engaged_afternoon),
                _ => (&mut past.sent_evening, &mut past.engaged_evening),
            };
            *sent += 1.0;
            *engaged += label;
            if matches!(weekday, Weekday::Saturday | Weekday::Sunday) {
                past.sent_weekend += 1.0;
                past.engaged_weekend += label;
            }
            same[content as usize].0 += 1.0;
            same[content as usize].1 += label;
        }
    }
    let data = MessageRow::dataset(&drawn.rows).unwrap();
    let target = Target::binary("engaged", labels).unwrap();
    drawn.data = data.with_target(target).unwrap().with_groups(groups).unwrap().with_times(times).unwrap();
    drawn
}

/// A message to a recipient without any past.
pub(crate) fn blank() -> MessageRow {
    let zeros = vec![0.0; MessageRow::fields().len()];
    let row = MessageRow::from_values(&zeros).unwrap();
    MessageRow {
        hour: 10.0,
        length: 150.0,
        hours_since_sent: f64::NAN,
        sentiment: 0.1,
        urgency: 0.2,
        contact_age_days: 100.0,
        days_since_received: f64::NAN,
        ..row
    }
}

/// A file of the real data; a test that does not find it says so.
pub(crate) fn real(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TENURE_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = root.join(path);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}
