//! What records of contacts hold, in the figures a person asks for first.

use std::fmt;

use serde::Serialize;
use tenure_features::contacts::{ConversationKind, Direction};

use super::world::ContactBatch;

/// Counts over any number of batches. `Display` prints them for people.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ContactSummary {
    /// Contacts.
    pub contacts: usize,
    /// Contacts who agreed to campaigns.
    pub opted_in: usize,
    /// Contacts who left the campaigns.
    pub unsubscribed: usize,
    /// Conversations.
    pub conversations: usize,
    /// Conversations for support.
    pub tickets: usize,
    /// Messages.
    pub messages: usize,
    /// Messages to contacts.
    pub outbound: usize,
    /// Messages to contacts that were opened.
    pub engaged: usize,
    /// Leads.
    pub leads: usize,
    /// Leads that became customers.
    pub converted: usize,
    /// Mean score of the leads; `None` where there are none.
    pub mean_score: Option<f64>,
    /// Purchases.
    pub purchases: usize,
    /// Money of the purchases.
    pub spend: f64,
}

impl ContactSummary {
    /// Counts a batch in.
    pub fn add(&mut self, batch: &ContactBatch) {
        let records = &batch.records;
        self.contacts += records.contacts.len();
        self.opted_in += records.contacts.iter().filter(|c| c.opted_in_at.is_some()).count();
        self.unsubscribed += records.contacts.iter().filter(|c| c.unsubscribed_at.is_some()).count();
        self.conversations += records.conversations.len();
        let tickets = records.conversations.iter().filter(|c| c.kind == ConversationKind::Support);
        self.tickets += tickets.count();
        self.messages += records.messages.len();
        self.outbound += records.messages.iter().filter(|m| m.direction == Direction::Outbound).count();
        self.engaged += records.messages.iter().filter(|m| m.opened_at.is_some()).count();
        let scores = records.leads.iter().map(|l| l.score).sum::<f64>()
            + self.mean_score.unwrap_or(0.0) * self.leads as f64;
        self.leads += records.leads.len();
        self.mean_score = (self.leads > 0).then(|| scores / self.leads as f64);
        self.converted += records.leads.iter().filter(|l| l.converted_at.is_some()).count();
        self.purchases += records.purchases.len();
        self.spend += records.purchases.iter().map(|p| p.amount).sum::<f64>();
    }
}

impl fmt::Display for ContactSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { contacts, opted_in, unsubscribed, conversations, tickets, messages, outbound, .. } = *self;
        let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
        writeln!(
            f,
            "Generated {contacts} contacts ({opted_in} opted in, {unsubscribed} of them left again)"
        )?;
        writeln!(f, "Created {conversations} conversations ({tickets} tickets)")?;
        writeln!(
            f,
            "Created {messages} messages ({outbound} to contacts, {:.1}% engaged with; {} from contacts)",
            share(self.engaged, outbound),
            messages - outbound
        )?;
        let (leads, converted) = (self.leads, self.converted);
        write!(f, "Created {leads} leads ({converted} converted, {} not converted", leads - converted)?;
        if let Some(mean) = self.mean_score {
            write!(f, "; mean score {mean:.1}")?;
        }
        write!(f, ")\nCreated {} purchases (spend {:.2})", self.purchases, self.spend)
    }
}
