//! The checked world: drawing contacts from it, all at once or in batches.

use std::ops::Range;

use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;
use tenure_core::{Result, seed};
use tenure_features::Timestamp;
use tenure_features::contacts::{ContactRecords, Lead};
use tenure_features::time::DAY;

use super::apportion::{BLOCK, apportion};
use super::params::{ContactParams, Totals};
use super::person::{Person, days, exponential, logistic};
use super::quiet::{CONVERSION_DAYS, Chance, ContactLife};
use super::talk::{Brief, Purpose, hold, longest_days, waking_hour};
use super::truth::{ContactTruth, LeadTruth};
use crate::in_pool;

/// Leads are created at least so long before the log's end: all are judged, and convert or do not, within it.
const LEAD_DAYS: i64 = 31;
/// A lead is judged so many days after its creation, uniformly.
const JUDGED_DAYS: (f64, f64) = (2.0, 14.0);

/// Records with their truth.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContactBatch {
    /// The records, by contact.
    pub records: ContactRecords,
    /// What is hidden behind them, in the same order.
    pub truth: ContactTruth,
}

impl ContactBatch {
    fn append(&mut self, other: Self) {
        let (records, more) = (&mut self.records, other.records);
        records.contacts.extend(more.contacts);
        records.conversations.extend(more.conversations);
        records.messages.extend(more.messages);
        records.leads.extend(more.leads);
        records.purchases.extend(more.purchases);
        self.truth.lives.extend(other.truth.lives);
        self.truth.leads.extend(other.truth.leads);
        self.truth.engagement.extend(other.truth.engagement);
    }
}

/// Checked parameters: see the [module's documentation](super) for the model.
#[derive(Debug, Clone)]
pub struct ContactWorld {
    params: ContactParams,
    totals: Totals,
    start: Timestamp,
    end: Timestamp,
}

/// Ids given so far.
struct Next {
    lead: usize,
    conversation: usize,
    message: usize,
}

/// What a contact of a block has to hold.
struct Share {
    leads: usize,
    /// Of each conversation, those of leads first.
    messages: Vec<usize>,
}

impl ContactWorld {
    pub(crate) fn new(params: ContactParams, totals: Totals, start: Timestamp) -> Self {
        let end = start.minus_months(-(params.months as i32));
        Self { params, totals, start, end }
    }

    /// The parameters that were checked.
    #[must_use]
    pub fn params(&self) -> &ContactParams {
        &self.params
    }

    /// Conversations, messages and leads of the whole log.
    #[must_use]
    pub fn totals(&self) -> [usize; 3] {
        [self.totals.conversations, self.totals.messages, self.totals.leads]
    }

    /// First instant of the log.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// End of the log: the first instant that it does not cover.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// All records, on `threads` threads (0: all of the machine's). Same seed, same records on any number.
    ///
    /// # Errors
    /// [`tenure_core::Error::Internal`] where threads cannot be started.
    pub fn generate(&self, seed: u64, threads: usize) -> Result<ContactBatch> {
        self.draw(seed, 0..self.params.contacts, threads)
    }

    /// The records in batches of `contacts_per_batch` contacts (at least 1), in constant memory.
    ///
    /// One after the other they hold the records of [`ContactWorld::generate`], ids and all.
    pub fn batches(
        &self,
        seed: u64,
        contacts_per_batch: usize,
        threads: usize,
    ) -> impl Iterator<Item = Result<ContactBatch>> {
        let (all, size) = (self.params.contacts, contacts_per_batch.max(1));
        (0..all)
            .step_by(size)
            .map(move |first| self.draw(seed, first..(first.saturating_add(size)).min(all), threads))
    }

    fn draw(&self, seed: u64, contacts: Range<usize>, threads: usize) -> Result<ContactBatch> {
        let blocks = contacts.start / BLOCK..contacts.end.div_ceil(BLOCK);
        let drawn: Vec<ContactBatch> = in_pool(threads, || {
            blocks.into_par_iter().map(|block| self.draw_block(seed, block, &contacts)).collect()
        })?;
        let mut whole = ContactBatch::default();
        drawn.into_iter().for_each(|batch| whole.append(batch));
        Ok(whole)
    }

    /// Those contacts of a block that are in `wanted`.
    fn draw_block(&self, seed: u64, block: usize, wanted: &Range<usize>) -> ContactBatch {
        let contacts = block * BLOCK..((block + 1) * BLOCK).min(self.params.contacts);
        let (start, end) = (self.start.seconds(), self.end.seconds());
        let mut people: Vec<(Person, Pcg64Mcg)> = contacts
            .clone()
            .map(|index| {
                let mut rng = stream(seed, index as u64);
                (Person::draw(&self.params, start, end, &mut rng), rng)
            })
            .collect();
        let before = self.totals.before(contacts.start);
        let mut next =
            Next { lead: before.leads, conversation: before.leads + before.others, message: before.messages };
        let shares = self.share(&contacts, &mut people);
        let mut batch = ContactBatch::default();
        for ((index, (person, mut rng)), share) in contacts.zip(people).zip(shares) {
            if wanted.contains(&index) {
                self.live(index, person, &share, &mut next, &mut rng, &mut batch);
            } else {
                next.lead += share.leads;
                next.conversation += share.messages.len();
                next.message += share.messages.iter().sum::<usize>();
            }
        }
        batch
    }

    /// Shares the block's part of the totals out: leads and other conversations by lot, messages in proportion
    /// to weights that grow with intent.
    fn share(&self, contacts: &Range<usize>, people: &mut [(Person, Pcg64Mcg)]) -> Vec<Share> {
        let (before, after) = (self.totals.before(contacts.start), self.totals.before(contacts.end));
        let mut by_lot = |total: usize| {
            let lots: Vec<f64> = people.iter_mut().map(|(_, rng)| rng.random_range(0.9..1.1)).collect();
            apportion(total, &lots)
        };
        let leads = by_lot(after.leads - before.leads);
        let others = by_lot(after.others - before.others);
        let mut weights = Vec::new();
        for ((person, rng), held) in people.iter_mut().zip(leads.iter().zip(&others).map(|(l, o)| l + o)) {
            weights.extend((0..held).map(|_| (0.4 * person.intent).exp() * exponential(rng).max(0.01)));
        }
        let least = self.totals.least_messages();
        let further = after.messages - before.messages - least * weights.len();
        let mut further = apportion(further, &weights).into_iter().map(|extra| least + extra);
        let messages = |(leads, others): (usize, usize)| Share {
            leads,
            messages: further.by_ref().take(leads + others).collect(),
        };
        leads.into_iter().zip(others).map(messages).collect()
    }

    fn live(
        &self,
        index: usize,
        person: Person,
        share: &Share,
        next: &mut Next,
        rng: &mut Pcg64Mcg,
        batch: &mut ContactBatch,
    ) {
        let (records, end) = (&mut batch.records, self.end.seconds());
        let contact = person.contact(format!("C{:07}", index + 1), end, rng);
        let mut life =
            ContactLife { intent: person.intent, path: person.path.clone(), talks: vec![], chances: vec![] };
        let first_purchase = records.purchases.len();
        for (place, &messages) in share.messages.iter().enumerate() {
            let brief = self.brief(&person, place, share.leads, messages, rng);
            next.conversation += 1;
            let ids = (format!("V{:07}", next.conversation), next.message);
            next.message += messages;
            let held = hold(&person, &contact, &brief, self.params.engagement_strength, ids, rng);
            if brief.purpose == Purpose::Lead {
                next.lead += 1;
                let last = held.talk.sent.last().map_or(brief.begins, |sent| sent.0);
                let (lead, truth) = self.lead(&person, next.lead, &contact.id, last, rng);
                life.chances.push(Chance {
                    created: lead.created_at.seconds(),
                    probability: truth.conversion_probability,
                    converted: lead.converted_at.map(Timestamp::seconds),
                });
                let converted = lead.converted_at.map(|at| person.purchase(&contact.id, at.seconds(), rng));
                records.purchases.extend(converted);
                records.leads.push(lead);
                batch.truth.leads.push(truth);
            }
            records.conversations.push(held.conversation);
            records.messages.extend(held.messages);
            batch.truth.engagement.extend(held.engagement);
            life.talks.push(held.talk);
        }
        person.buy(&contact.id, end, rng, &mut records.purchases);
        records.purchases[first_purchase..].sort_by_key(|purchase| purchase.time);
        records.contacts.push(contact);
        batch.truth.lives.push(life);
    }

    /// The first conversation of a lead begins when the contact becomes known, any other at a time of its own.
    fn brief(
        &self,
        person: &Person,
        place: usize,
        leads: usize,
        messages: usize,
        rng: &mut Pcg64Mcg,
    ) -> Brief {
        let purpose = match place < leads {
            true => Purpose::Lead,
            false if rng.random_bool(0.4) => Purpose::Ticket,
            false => Purpose::Ours,
        };
        // Opens and answers of the last message need a day, a lead its outcome.
        let room = if purpose == Purpose::Lead { LEAD_DAYS + 1 } else { 2 };
        let (created, limit) = (person.path.created, self.end.seconds() - room * DAY);
        let latest = (limit - longest_days(messages) * DAY).max(created + 1);
        let mut begins = if place == 0 && leads > 0 { created } else { rng.random_range(created..latest) };
        if purpose == Purpose::Ours {
            begins = person.at_hour(begins + DAY, waking_hour(rng));
        }
        Brief { purpose, messages, begins, limit }
    }

    fn lead(
        &self,
        person: &Person,
        number: usize,
        contact: &str,
        last_message: i64,
        rng: &mut Pcg64Mcg,
    ) -> (Lead, LeadTruth) {
        // Triangular noise never leaves 0 to 100 at this distance from both ends.
        let margin = 6.0_f64.sqrt() * self.params.score_noise;
        let truth = LeadTruth {
            expected_score: margin + (100.0 - 2.0 * margin) * logistic(2.0 * person.intent),
            conversion_probability: logistic(-1.2 + 1.6 * person.intent),
        };
        let created = last_message + days(rng, 0.02, 0.5);
        let converts = rng.random_bool(truth.conversion_probability);
        let converted = created + days(rng, CONVERSION_DAYS.0, CONVERSION_DAYS.1);
        let lead = Lead {
            id: format!("L{number:07}"),
            contact: contact.to_owned(),
            created_at: Timestamp::from_seconds(created),
            score: truth.expected_score + margin * (rng.random::<f64>() - rng.random::<f64>()),
            scored_at: Some(Timestamp::from_seconds(created + days(rng, JUDGED_DAYS.0, JUDGED_DAYS.1))),
            converted_at: converts.then(|| Timestamp::from_seconds(converted)),
        };
        (lead, truth)
    }
}

/// A contact's own stream of random numbers.
fn stream(seed: u64, index: u64) -> Pcg64Mcg {
    let key = seed::mix(seed, 0x63_6f6e_7461_6374);
    Pcg64Mcg::new((u128::from(seed::mix(key, index)) << 64) | u128::from(seed::mix(!key, index)))
}
