//! What is hidden behind the records.

use serde::Serialize;

use super::quiet::ContactLife;

/// What is true of a lead.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LeadTruth {
    /// Mean of the score that sales gives it, 0 to 100.
    pub expected_score: f64,
    /// Probability that it becomes a customer.
    pub conversion_probability: f64,
}

/// The truth behind records, in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContactTruth {
    /// Of each contact.
    pub lives: Vec<ContactLife>,
    /// Of each lead.
    pub leads: Vec<LeadTruth>,
    /// Of each message: the probability that the contact opens it within [`ENGAGEMENT_HOURS`](super::ENGAGEMENT_HOURS),
    /// and so engages with it; NaN for messages of the contact.
    pub engagement: Vec<f64>,
}
