//! What a user may choose about the world of contacts, and the checks.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tenure_core::Result;
use tenure_core::params::require;
use tenure_features::Timestamp;

use super::world::ContactWorld;

/// The usual numbers of contacts, conversations, messages and leads; other numbers of contacts keep their
/// proportions.
const USUAL: [usize; 4] = [200, 150, 612, 120];

/// Parameters of synthetic contacts. [`ContactParams::check`] turns them into a [`ContactWorld`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContactParams {
    /// Contacts; 1 to 100,000,000.
    pub contacts: usize,
    /// Leads; `None`: 120 for each 200 contacts.
    pub leads: Option<usize>,
    /// Conversations, at least as many as leads, since each lead comes out of one of its own; `None`: 150 for
    /// each 200 contacts, or as many as leads.
    pub conversations: Option<usize>,
    /// Messages, 1 to 1000 times as many as conversations; `None`: 612 for each 150 conversations.
    pub messages: Option<usize>,
    /// Length of the log in calendar months; 3 to 240.
    pub months: u32,
    /// First day of the log, e.g. `2024-01-01`.
    pub start: String,
    /// Standard deviation of what sales makes of a lead around the expected score; 0 to 15.
    pub score_noise: f64,
    /// Mean days that a contact stays attached; 1 to 36500.
    pub attached_days: f64,
    /// Mean days that a contact drifts before it is gone; 1 to 36500.
    pub drifting_days: f64,
    /// Mean days between the purchases of an attached contact of mean intent; 0.5 to 3650.
    pub purchase_gap_days: f64,
    /// By which factor a drifting contact buys more rarely; 1 to 1000.
    pub drifting_slowdown: f64,
    /// Strength of everything that decides whether a message is engaged with: 0 is a coin, 1 usual; 0 to 5.
    pub engagement_strength: f64,
}

impl Default for ContactParams {
    fn default() -> Self {
        Self {
            contacts: USUAL[0],
            leads: None,
            conversations: None,
            messages: None,
            months: 12,
            start: "2024-01-01".into(),
            score_noise: 5.0,
            attached_days: 70.0,
            drifting_days: 25.0,
            purchase_gap_days: 7.0,
            drifting_slowdown: 4.0,
            engagement_strength: 1.0,
        }
    }
}

impl ContactParams {
    /// Checks the parameters and precomputes the world they describe.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`] naming the first parameter out of range.
    pub fn check(self) -> Result<ContactWorld> {
        let totals = self.totals()?;
        require("months", self.months, (3..=240).contains(&self.months), "3 to 240")?;
        for (name, value, low, high) in [
            ("score_noise", self.score_noise, 0.0, 15.0),
            ("attached_days", self.attached_days, 1.0, 36_500.0),
            ("drifting_days", self.drifting_days, 1.0, 36_500.0),
            ("purchase_gap_days", self.purchase_gap_days, 0.5, 3650.0),
            ("drifting_slowdown", self.drifting_slowdown, 1.0, 1000.0),
            ("engagement_strength", self.engagement_strength, 0.0, 5.0),
        ] {
            require(name, value, (low..=high).contains(&value), format!("{low} to {high}"))?;
        }
        let day = self.start.trim().parse::<Date>().ok().filter(|d| (1900..=2200).contains(&d.year()));
        let start = day.and_then(|d| Timestamp::from_ymd(d.year(), d.month(), d.day()));
        require("start", &self.start, start.is_some(), "a day of the years 1900 to 2200, e.g. 2024-01-01")?;
        Ok(ContactWorld::new(self, totals, start.unwrap_or_default()))
    }

    fn totals(&self) -> Result<Totals> {
        let [usual_contacts, usual_conversations, usual_messages, usual_leads] = USUAL;
        let contacts = self.contacts;
        require("contacts", contacts, (1..=100_000_000).contains(&contacts), "1 to 100000000")?;
        let scaled = |of: usize, part: usize, whole: usize| (of * part + whole / 2) / whole;
        let leads = self.leads.unwrap_or(scaled(contacts, usual_leads, usual_contacts));
        require("leads", leads, leads <= contacts.saturating_mul(100), "at most 100 a contact")?;
        let conversations =
            self.conversations.unwrap_or(scaled(contacts, usual_conversations, usual_contacts).max(leads));
        let enough = (leads..=contacts.saturating_mul(1000)).contains(&conversations);
        require(
            "conversations",
            conversations,
            enough,
            format!("at least one a lead ({leads}), at most 1000 a contact"),
        )?;
        let messages = self.messages.unwrap_or(scaled(conversations, usual_messages, usual_conversations));
        let enough = (conversations..=conversations.saturating_mul(1000)).contains(&messages);
        require("messages", messages, enough, "1 to 1000 a conversation")?;
        Ok(Totals { contacts, leads, conversations, messages })
    }
}

/// How many of each there are in the whole log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Totals {
    pub(crate) contacts: usize,
    pub(crate) leads: usize,
    pub(crate) conversations: usize,
    pub(crate) messages: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut ContactParams)) -> String {
        let mut params = ContactParams::default();
        change(&mut params);
        params.check().unwrap_err().to_string()
    }

    #[test]
    fn every_refusal_names_parameter_value_and_range() {
        assert_eq!(refused(|p| p.contacts = 0), "parameter `contacts` is 0; expected 1 to 100000000");
        assert_eq!(
            refused(|p| p.conversations = Some(119)),
            "parameter `conversations` is 119; expected at least one a lead (120), at most 1000 a contact"
        );
        assert_eq!(
            refused(|p| p.messages = Some(149)),
            "parameter `messages` is 149; expected 1 to 1000 a conversation"
        );
        assert_eq!(
            refused(|p| p.leads = Some(usize::MAX)),
            format!("parameter `leads` is {}; expected at most 100 a contact", usize::MAX)
        );
        assert_eq!(refused(|p| p.months = 2), "parameter `months` is 2; expected 3 to 240");
        assert_eq!(refused(|p| p.score_noise = f64::NAN), "parameter `score_noise` is NaN; expected 0 to 15");
        assert!(refused(|p| p.start = "2024-02-30".into()).contains("2024-02-30"));
    }

    #[test]
    fn totals_keep_the_proportions_of_the_usual_ones() {
        let totals = |params: ContactParams| {
            let t = params.totals().unwrap();
            [t.contacts, t.conversations, t.messages, t.leads]
        };
        assert_eq!(totals(ContactParams::default()), USUAL);
        let many = ContactParams { contacts: 10_000, ..ContactParams::default() };
        assert_eq!(totals(many), [10_000, 7_500, 30_600, 6_000]);
        let leads = ContactParams { leads: Some(300), ..ContactParams::default() };
        assert_eq!(totals(leads), [200, 300, 1224, 300]);
    }
}
