//! One decision of each domain model, from a row of features to the whole answer.

use std::error::Error;
use std::hint::black_box;

use serde_json::{Value, json};
use tenure_churn::contact::ContactChurnParams;
use tenure_core::{Dataset, FitContext, Model};
use tenure_engagement::{EngagementParams, SendTimeRequest};
use tenure_features::OrderLog;
use tenure_features::contacts::{
    ContactLog, ContactPlan, LeadTarget, WINDOW_HOURS, contact_set, lead_set, message_set,
};
use tenure_lead::LeadParams;
use tenure_ltv::LtvParams;
use tenure_synth::{ContactParams, OrderParams};

use crate::Outcome;
use crate::timing::p50_microseconds;

const DECISIONS: usize = 20_000;
/// Customers of the order log that the value model learns from.
const CUSTOMERS: usize = 3_000;

/// Median time of a decision and of the bare prediction, by model; `contacts` synthetic contacts are learned from.
pub(crate) fn decide_all(contacts: usize) -> Outcome {
    let world = ContactParams { contacts, ..ContactParams::default() }.check()?;
    let log = ContactLog::from_records(world.generate(42, 1)?.records)?;
    let context = FitContext::new(42);

    let leads = lead_set(&log, LeadTarget::Score, None, &context)?.into_data();
    let lead = tenure_lead::train(&leads, &LeadParams::default(), &context)?.model;
    let lead = timed(&lead, &leads, |row| lead.decide("L", row).map(black_box).map(|_| ()))?;

    let people = contact_set(&log, &ContactPlan::default(), None, &context)?.into_data();
    let contact = tenure_churn::contact::train(&people, &ContactChurnParams::default(), &context)?.model;
    let contact = timed(&contact, &people, |row| contact.decide("C", row).map(black_box).map(|_| ()))?;

    let messages = message_set(&log, WINDOW_HOURS, None, &context)?.into_data();
    let engagement = tenure_engagement::train(&messages, &EngagementParams::default(), &context)?.model;
    // Includes the scores of all 168 hours of the week with their intervals.
    let request = SendTimeRequest::default();
    let engagement = timed(&engagement, &messages, |row| {
        engagement.decide("M", row, &request).map(black_box).map(|_| ())
    })?;

    Ok(json!({ "lead": lead, "contact": contact, "engagement": engagement, "value": value(&context)? }))
}

fn value(context: &FitContext<'_>) -> Result<Value, Box<dyn Error>> {
    let world = OrderParams { customers: CUSTOMERS, ..OrderParams::default() }.check()?;
    let log = OrderLog::from_columns(world.generate(42, 1)?.orders)?;
    let params =
        LtvParams { observation_days: 180, prediction_days: 180, max_snapshots: 3, ..LtvParams::default() };
    let as_of = world.end().plus_days(-180);
    let model = tenure_ltv::train(&log, &params, Some(as_of), context)?.model;
    let rows = tenure_ltv::evaluate(&model, &log, as_of, None, context)?.x;
    let data = Dataset::new(model.schema().clone(), rows)?;
    timed(&model, &data, |row| model.decide("C", as_of, row).map(black_box).map(|_| ()))
}

fn timed(
    model: &dyn Model,
    data: &Dataset,
    decide: impl Fn(&[f64]) -> tenure_core::Result<()>,
) -> Result<Value, Box<dyn Error>> {
    let row = |call: usize| data.row(call * 7919 % data.rows()).to_vec();
    let rows: Vec<Vec<f64>> = (0..1024).map(row).collect();
    let decide_us = p50_microseconds(DECISIONS, |call| -> Result<(), Box<dyn Error>> {
        Ok(decide(black_box(&rows[call % rows.len()]))?)
    })?;
    let mut out = vec![0.0; model.outputs().len()];
    let predict_us = p50_microseconds(DECISIONS, |call| -> Result<(), Box<dyn Error>> {
        Ok(model.predict_row(black_box(&rows[call % rows.len()]), &mut out)?)
    })?;
    Ok(
        json!({ "rows": data.rows(), "columns": data.schema().len(), "decide_us": decide_us, "predict_us": predict_us }),
    )
}
