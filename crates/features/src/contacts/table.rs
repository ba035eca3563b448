//! Contact logs as data sets: rows ordered by (instant, id), the same on any number of threads.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tenure_core::params::require;
use tenure_core::{Dataset, FitContext, Progress, Target, TypedRow};

use super::log::{History, LoggedLead};
use super::message_row::Sweep;
use super::{ContactAsOf, ContactFuture, ContactLog, ContactPlan, ContactRow, Direction, LeadRow};
use crate::table::{REPORTS, in_pool, pool};
use crate::{Error, Result, Timestamp};

/// A data set made of contacts, and who is who in it.
///
/// The groups of the data set are the contacts' indices in the log, its times the instants in seconds.
#[derive(Debug, Clone)]
pub struct ContactTable {
    data: Dataset,
    ids: Vec<String>,
    contacts: Vec<u32>,
    contact_ids: Arc<Vec<String>>,
}

impl ContactTable {
    /// The rows.
    #[must_use]
    pub fn data(&self) -> &Dataset {
        &self.data
    }

    /// The rows, without who is who.
    #[must_use]
    pub fn into_data(self) -> Dataset {
        self.data
    }

    /// Ids of the leads, contacts or messages that the rows are of, by row.
    #[must_use]
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Ids of the contacts, by row.
    pub fn contact_ids(&self) -> impl ExactSizeIterator<Item = &str> {
        self.contacts.iter().map(|&c| self.contact_ids[c as usize].as_str())
    }
}

/// What is to be learned of leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LeadTarget {
    /// `score`: what sales made of it in the end, 0 to 100.
    Score,
    /// `converted`: whether it becomes a customer within so many days of its creation, 1 to 36,500.
    Converted {
        /// Length of the window.
        days: u32,
    },
}

impl LeadTarget {
    /// The label of a lead, where it was known before `end`.
    ///
    /// A conversion counts only once the days are over: else young leads would be there only if they converted.
    fn label(self, lead: &LoggedLead, end: Timestamp) -> Option<f64> {
        match self {
            Self::Score => lead.scored_at.filter(|at| *at < end && !lead.score.is_nan()).map(|_| lead.score),
            Self::Converted { days } => {
                let over = lead.created_at.plus_days(i64::from(days));
                (over <= end).then(|| number(lead.converted_at.is_some_and(|at| at < over)))
            }
        }
    }

    fn target(self, values: Vec<f64>) -> tenure_core::Result<Target> {
        match self {
            Self::Score => Target::real("score", values),
            Self::Converted { .. } => Target::binary("converted", values),
        }
    }
}

/// The leads whose label was known before `until` (where it is not given, the end of the log, see
/// [`ContactLog::coverage_end`]): one row a lead, as of its creation, a [`LeadRow`] with the target `score` (real)
/// or `converted` (binary).
///
/// # Errors
/// [`Error::NoLeads`] where there is none; [`Error::Core`] for a parameter outside its range or a cancellation.
pub fn lead_set(
    log: &ContactLog,
    target: LeadTarget,
    until: Option<Timestamp>,
    context: &FitContext<'_>,
) -> Result<ContactTable> {
    let end = log.coverage_end(until).unwrap_or_default();
    let wanted = match target {
        LeadTarget::Score => format!("were scored before {end}"),
        LeadTarget::Converted { days } => {
            require("days", days, (1..=36_500).contains(&days), "1 to 36500")?;
            format!("with a known end: none was created {days} days or more before {end}")
        }
    };
    let entries = entries(log, context, |_, history, push| {
        for lead in &history.leads {
            if let Some(label) = target.label(lead, end) {
                let row = LeadRow::as_of(&ContactAsOf::new(history, lead.created_at));
                push(lead.created_at, &lead.id, row, label);
            }
        }
    })?;
    if entries.is_empty() {
        return Err(Error::NoLeads { wanted });
    }
    table(log, entries, |labels| target.target(labels).map(Some))
}

/// The leads created before an instant and not converted by then: one row a lead, a [`LeadRow`] as of the instant,
/// without target.
///
/// # Errors
/// [`Error::NoLeads`] where there is none.
pub fn lead_rows(log: &ContactLog, as_of: Timestamp) -> Result<ContactTable> {
    let entries = entries(log, &FitContext::new(0), |_, history, push| {
        let open =
            |lead: &&LoggedLead| lead.created_at < as_of && lead.converted_at.is_none_or(|at| at >= as_of);
        for lead in history.leads.iter().filter(open) {
            let row = LeadRow::as_of(&ContactAsOf::new(history, as_of));
            push(as_of, &lead.id, row, f64::NAN);
        }
    })?;
    if entries.is_empty() {
        return Err(Error::NoLeads { wanted: format!("created before {as_of} and not yet converted") });
    }
    table(log, entries, |_| Ok(None))
}

/// The active contacts at every instant of the plan: a [`ContactRow`] with the target `churned`, 1 where the contact
/// neither writes, opens, clicks nor buys in the prediction window.
///
/// # Errors
/// [`Error::NoActiveContacts`] where nobody belongs to the population; [`Error::Core`] for a parameter outside its
/// range or a cancellation.
pub fn contact_set(
    log: &ContactLog,
    plan: &ContactPlan,
    until: Option<Timestamp>,
    context: &FitContext<'_>,
) -> Result<ContactTable> {
    let instants = plan.instants(log, until)?;
    let churned =
        |history: &History, at| number(ContactFuture::new(history, at, plan.prediction_days).is_silent());
    active_contacts(log, plan, &instants, context, churned, |labels| {
        Target::binary("churned", labels).map(Some)
    })
}

/// The active contacts at an instant: a [`ContactRow`] each, without target.
///
/// # Errors
/// [`Error::NoActiveContacts`] where nobody belongs to the population; [`Error::Core`] for a parameter outside its
/// range.
pub fn contact_rows(log: &ContactLog, plan: &ContactPlan, as_of: Timestamp) -> Result<ContactTable> {
    plan.check()?;
    active_contacts(log, plan, &[as_of], &FitContext::new(0), |_, _| f64::NAN, |_| Ok(None))
}

fn active_contacts(
    log: &ContactLog,
    plan: &ContactPlan,
    instants: &[Timestamp],
    context: &FitContext<'_>,
    label: impl Fn(&History, Timestamp) -> f64 + Sync,
    target: impl FnOnce(Vec<f64>) -> tenure_core::Result<Option<Target>>,
) -> Result<ContactTable> {
    let entries = entries(log, context, |id, history, push| {
        for &time in instants {
            let row = ContactRow::as_of(&ContactAsOf::new(history, time));
            if plan.admits(&row) {
                push(time, id, row, label(history, time));
            }
        }
    })?;
    if entries.is_empty() {
        let instants = match instants {
            [first, .., last] => format!("any of the {} instants from {first} to {last}", instants.len()),
            _ => instants.first().map(Timestamp::to_string).unwrap_or_default(),
        };
        return Err(Error::NoActiveContacts { instants, active_days: plan.active_days });
    }
    table(log, entries, target)
}

/// Our messages whose window for an engagement was over by `until` (where it is not given, the end of the log):
/// one row a message, a [`MessageRow`](super::MessageRow) as of its sending, with the target `engaged`, 1 where it was opened, clicked
/// or answered within `window_hours` (1 to 8,760).
///
/// # Errors
/// [`Error::NoMessages`] where there is none; [`Error::Core`] for a parameter outside its range or a cancellation.
pub fn message_set(
    log: &ContactLog,
    window_hours: u32,
    until: Option<Timestamp>,
    context: &FitContext<'_>,
) -> Result<ContactTable> {
    require("window_hours", window_hours, (1..=8760).contains(&window_hours), "1 to 8760")?;
    let end = log.coverage_end(until).unwrap_or_default();
    let window = i64::from(window_hours) * 3600;
    let entries = entries(log, context, |_, history, push| {
        let mut sweep = Sweep::new(history, window_hours);
        for message in history.messages.iter().filter(|m| m.direction == Direction::Outbound) {
            if message.sent_at.plus_seconds(window) > end {
                break;
            }
            let row = sweep.row(message.sent_at, &message.facts);
            let label = number(message.engaged_within(window));
            push(message.sent_at, &message.id, row, label);
        }
    })?;
    if entries.is_empty() {
        return Err(Error::NoMessages { window_hours, until: end });
    }
    table(log, entries, |labels| Target::binary("engaged", labels).map(Some))
}

fn number(flag: bool) -> f64 {
    f64::from(u8::from(flag))
}

/// A row to be.
struct Entry<'a, R> {
    time: Timestamp,
    id: &'a str,
    contact: u32,
    row: R,
    label: f64,
}

/// Takes up the instant, id, row and label of an entry.
type Push<'p, 'a, R> = &'p mut dyn FnMut(Timestamp, &'a str, R, f64);

/// What `look` pushes for every contact, given its id and history, sorted by (instant, id).
fn entries<'a, R: Send>(
    log: &'a ContactLog,
    context: &FitContext<'_>,
    look: impl Fn(&'a str, &'a History, Push<'_, 'a, R>) + Sync,
) -> Result<Vec<Entry<'a, R>>> {
    let pool = pool(context)?;
    let contacts = log.histories.len();
    let batch = contacts.div_ceil(REPORTS).max(64);
    let mut entries = Vec::new();
    for start in (0..contacts).step_by(batch) {
        context.check_cancelled("building features")?;
        let end = contacts.min(start + batch);
        let of_contact = |contact: usize| {
            let mut found = Vec::new();
            look(&log.ids[contact], &log.histories[contact], &mut |time, id, row, label| {
                found.push(Entry { time, id, contact: contact as u32, row, label });
            });
            found
        };
        entries.extend(in_pool(pool.as_ref(), || {
            (start..end).into_par_iter().flat_map_iter(of_contact).collect::<Vec<_>>()
        }));
        let (done, total) = (end as u64, Some(contacts as u64));
        context.progress.report(Progress { stage: "building features", done, total, figure: None });
    }
    in_pool(pool.as_ref(), || entries.par_sort_by(|a, b| (a.time, a.id).cmp(&(b.time, b.id))));
    Ok(entries)
}

/// The data set of the entries.
fn table<R: TypedRow + Send>(
    log: &ContactLog,
    entries: Vec<Entry<'_, R>>,
    target: impl FnOnce(Vec<f64>) -> tenure_core::Result<Option<Target>>,
) -> Result<ContactTable> {
    let ids = entries.iter().map(|e| e.id.to_owned()).collect();
    let contacts: Vec<u32> = entries.iter().map(|e| e.contact).collect();
    let times = entries.iter().map(|e| e.time.seconds()).collect();
    let (rows, labels): (Vec<R>, Vec<f64>) = entries.into_iter().map(|e| (e.row, e.label)).unzip();
    let groups = contacts.iter().map(|&c| u64::from(c)).collect();
    let mut data = R::dataset(&rows)?.with_groups(groups)?.with_times(times)?;
    if let Some(target) = target(labels)? {
        data = data.with_target(target)?;
    }
    Ok(ContactTable { data, ids, contacts, contact_ids: Arc::clone(&log.ids) })
}
