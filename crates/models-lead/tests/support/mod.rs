//! Leads to learn from: a public table, and invented rows with a known expectation.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "each test uses its part"
)]

use std::path::Path;

use tenure_core::seed::{mix, unit};
use tenure_core::{Dataset, Target, TypedRow};
use tenure_features::contacts::LeadRow;
use tenure_io::{TableOptions, TableTask, read_table};

/// What is filled in after the contact, and what numbers the leads.
const DROPPED: [&str; 11] = [
    "Tags",
    "Lead Quality",
    "Lead Profile",
    "Last Activity",
    "Last Notable Activity",
    "Asymmetrique Activity Index",
    "Asymmetrique Profile Index",
    "Asymmetrique Activity Score",
    "Asymmetrique Profile Score",
    "Prospect ID",
    "Lead Number",
];

/// The leads of X Education without their leaks; `None` where the table is not there.
pub(crate) fn x_education() -> Option<Dataset> {
    let folder = std::env::var("TENURE_DATA")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").into());
    let path = Path::new(&folder).join("x_education_leads/Leads.csv.gz");
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    let options = TableOptions {
        target: Some("Converted".into()),
        task: TableTask::Classify,
        drop: DROPPED.map(str::to_owned).to_vec(),
        missing: vec!["Select".into()],
        ..TableOptions::default()
    };
    Some(read_table(&path, &options).unwrap().0)
}

/// Invented leads: rows, the expected score of each and the score given, with noise of a triangle ±15.
pub(crate) struct Leads {
    pub(crate) rows: Vec<LeadRow>,
    pub(crate) expected: Vec<f64>,
    pub(crate) scores: Vec<f64>,
}

pub(crate) fn leads(count: u64, seed: u64) -> Leads {
    let mut leads = Leads { rows: Vec::new(), expected: Vec::new(), scores: Vec::new() };
    for lead in 0..count {
        let draw = |what| unit(mix(seed, lead), what);
        let wrote = draw(0) < 0.8;
        let known = |value: f64| if wrote { value } else { f64::NAN };
        let (rate, tone, clicks) = (draw(1), 2.0 * draw(2) - 1.0, draw(3));
        let hours = -24.0 * (1.0 - draw(4)).ln();
        let unanswered = (6.0 * draw(5)).floor();
        let messages = if wrote { (12.0 * draw(6)).ceil() } else { 0.0 };
        let row = LeadRow {
            reply_rate: if wrote { rate } else { 0.0 },
            reply_hours_median: known(hours),
            first_reply_hours: known(hours * (0.5 + draw(7))),
            replies: (messages * rate).floor(),
            unanswered_streak: unanswered,
            messages_received: messages,
            messages_sent: 3.0 + unanswered,
            conversations: 1.0 + (3.0 * draw(8)).floor(),
            conversation_length: 1.0 + 5.0 * draw(9),
            message_length: known(20.0 + 100.0 * draw(10)),
            active_days: messages.min(4.0),
            days_since_received: known(30.0 * draw(11)),
            sentiment_mean: known(tone),
            sentiment_last: known((tone + 0.4 * (draw(12) - 0.5)).clamp(-1.0, 1.0)),
            sentiment_trend: known(draw(13) - 0.5),
            negative_share: known((0.5 - tone).clamp(0.0, 1.0)),
            campaign_messages: 4.0,
            campaign_open_rate: (clicks + 0.2).min(1.0),
            campaign_click_rate: clicks * clicks,
            conversions: f64::from(u8::from(draw(14) < 0.1)),
            profile_completeness: draw(15),
            opted_in: draw(16) < 0.7,
            urgency_mean: known(draw(17)),
            contact_age_days: 400.0 * draw(18),
        };
        // What bends, interacts and has steps: a straight line does not get it all.
        let pleased = if tone > -0.3 { 1.0 } else { 0.4 };
        let answers = if wrote { 45.0 * rate.sqrt() * pleased + 20.0 * (-hours / 12.0).exp() } else { 0.0 };
        let waits = if unanswered >= 3.0 { 18.0 } else { 0.0 };
        let campaigns = 16.0 * row.campaign_click_rate * f64::from(u8::from(row.opted_in));
        let expected =
            30.0 + answers + campaigns - waits + 6.0 * row.profile_completeness - 8.0 * row.conversions;
        let noise = 15.0 * (draw(19) + draw(20) - 1.0);
        leads.expected.push(expected.clamp(0.0, 100.0));
        leads.scores.push((expected + noise).clamp(0.0, 100.0));
        leads.rows.push(row);
    }
    leads
}

impl Leads {
    /// Rows with the scores as target.
    pub(crate) fn scored(&self) -> Dataset {
        let target = Target::real("score", self.scores.clone()).unwrap();
        LeadRow::dataset(&self.rows).unwrap().with_target(target).unwrap()
    }

    /// The probability of converting of each lead.
    pub(crate) fn probabilities(&self) -> Vec<f64> {
        self.expected.iter().map(|score| 1.0 / (1.0 + (-(score - 60.0) / 12.0).exp())).collect()
    }

    /// Rows with conversions drawn from the probabilities as target.
    pub(crate) fn converted(&self, seed: u64) -> Dataset {
        let drawn = self.probabilities().into_iter().enumerate();
        let labels = drawn.map(|(i, p)| f64::from(u8::from(unit(seed, i as u64) < p))).collect();
        let target = Target::binary("converted", labels).unwrap();
        LeadRow::dataset(&self.rows).unwrap().with_target(target).unwrap()
    }
}
