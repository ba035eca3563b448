//! The checked world: generating logs from it and asking it for the truth.

use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;
use ndarray::Array2;
use rayon::prelude::*;
use tenure_core::params::require;
use tenure_core::{Error, Result};
use tenure_features::{CodedColumn, OrderColumns, Timestamp};

use super::calendar::Calendar;
use super::chain::{Hazards, Spectral, times};
use super::customer::{CATEGORIES, CHANNELS, Draft, Sampler};
use super::history::Histories;
use super::oracle::{Chain, Oracle, Question};
use super::params::OrderParams;
use super::truth::{CustomerType, Truth, TruthRow};
use crate::in_pool;

/// The longest horizon of a question, in days.
const LONGEST_HORIZON: u32 = 366;
/// Customers from whom the size of a log is estimated.
const SAMPLE: usize = 128;
/// Customers a thread draws at a time.
const CHUNK: usize = 8192;

/// A log with its truth.
#[derive(Debug, Clone)]
pub struct OrderLog {
    /// Number of this log's first customer among all customers; 0 unless the log is a later batch.
    pub first_customer: usize,
    /// The lines, sorted by customer and time. Codes count this log's customers from 0; an order's code is
    /// its number in the whole log.
    pub orders: OrderColumns,
    /// Types and states, by customer code.
    pub truth: Truth,
}

/// Checked parameters with everything precomputed: see the [module's documentation](super) for the model.
#[derive(Debug, Clone)]
pub struct OrderWorld {
    params: OrderParams,
    start: Timestamp,
    end: Timestamp,
    calendar: Calendar,
    sampler: Sampler,
    oracle: Oracle,
    categories: Arc<Vec<String>>,
    channels: Arc<Vec<String>>,
}

impl OrderWorld {
    pub(crate) fn new(params: OrderParams, start: Timestamp) -> Result<Self> {
        let months = |m: u32| start.minus_months(-(m as i32));
        let end = months(params.months);
        let days = (end.day_number() - start.day_number()) as usize;
        let most = params.customers as f64
            * (1.0 + days as f64 * 2.0 / params.gap_days.iter().fold(3650.0, |a, &b| b.min(a)));
        require(
            "customers",
            params.customers,
            most < f64::from(u32::MAX),
            "fewer, or a shorter log: more orders than order codes (4 billion) could come about",
        )?;

        let history = start.days_since(start.minus_months(params.history_months as i32));
        let first = Date::new(1970, 1, 1)
            .and_then(|d| d.checked_add(jiff::Span::new().days(start.day_number())))
            .map_err(|e| Error::Internal(e.to_string()))?;
        let strengths = [params.yearly_season, params.weekly_season, params.hourly_season];
        let calendar = Calendar::new(first, start, days + LONGEST_HORIZON as usize + 1, strengths);

        let rates = params.gap_days.map(|gap| [1.0 / gap, 1.0 / (gap * params.cooling_slowdown), 0.0]);
        let (recover, lapse) = (params.recovery_per_year, params.lapse_per_year);
        let hazards = params
            .cooling_per_year
            .map(|cool| Hazards::per_year(cool, recover, lapse, params.return_to_shop_per_year));
        let chain = |rates: [f64; 3], hazards: &Hazards| Chain {
            rates,
            killed: Spectral::new(&hazards.generator(rates)),
            joined_before: times(
                [1.0, 0.0, 0.0],
                &Spectral::new(&hazards.generator([0.0; 3])).integral(history),
            ),
        };
        let chains = rates.iter().flat_map(|&r| hazards.iter().map(move |h| chain(r, h))).collect();
        let length = calendar.operational(end);
        let sampler = Sampler::new(&params, rates, hazards, history, length, end.seconds());
        let oracle = Oracle::new(&params, chains, sampler.log_medians);
        let names = |list: &[&str]| Arc::new(list.iter().map(ToString::to_string).collect::<Vec<_>>());
        let (categories, channels) = (names(&CATEGORIES), names(&CHANNELS));
        Ok(Self { params, start, end, calendar, sampler, oracle, categories, channels })
    }

    /// The parameters that were checked.
    #[must_use]
    pub fn params(&self) -> &OrderParams {
        &self.params
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

    /// The seasonal calendar; it reaches a year beyond the log's end.
    #[must_use]
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// The whole log, on `threads` threads (0: all of the machine's). Same seed, same bytes on any number.
    ///
    /// # Errors
    /// [`Error::Internal`] where threads cannot be started.
    pub fn generate(&self, seed: u64, threads: usize) -> Result<OrderLog> {
        let customers = self.params.customers;
        if threads == 1 || customers <= CHUNK {
            return Ok(self.draw(seed, 0..customers, &mut 0));
        }
        let chunks: Vec<OrderLog> = in_pool(threads, || {
            let starts = (0..customers).step_by(CHUNK).collect::<Vec<_>>();
            starts.par_iter().map(|&s| self.draw(seed, s..(s + CHUNK).min(customers), &mut 0)).collect()
        })?;
        Ok(concatenate(chunks))
    }

    /// The log in batches of `customers_per_batch` customers (at least 1), in constant memory.
    ///
    /// One after the other they hold the lines of [`OrderWorld::generate`], with the same order codes;
    /// customer codes count from 0 in each batch.
    #[must_use]
    pub fn batches(&self, seed: u64, customers_per_batch: usize) -> Batches<'_> {
        Batches { world: self, seed, size: customers_per_batch.max(1), next: 0, orders: 0 }
    }

    fn draw(&self, seed: u64, customers: Range<usize>, orders: &mut u32) -> OrderLog {
        let mut draft = Draft { next_order: *orders, ..Draft::default() };
        let width = (self.params.customers.max(2) - 1).ilog10() as usize + 1;
        for (code, index) in customers.clone().enumerate() {
            if code == SAMPLE {
                // Growing vectors copy: the first customers tell how much room the others will take.
                let drawn = draft.lines.time.len();
                draft.lines.reserve(drawn * (customers.len() - SAMPLE) / SAMPLE * 17 / 16);
            }
            self.sampler.draw(&self.calendar, seed, index as u64, code as u32, &mut draft);
        }
        *orders = draft.next_order;
        let Draft { lines, truth, .. } = draft;
        let names = customers.clone().map(|index| customer_name(index, width.max(7))).collect();
        let coded = |codes, names: &Arc<Vec<String>>| Some(CodedColumn { codes, names: Arc::clone(names) });
        let orders = OrderColumns {
            customer: CodedColumn { codes: lines.customer, names: Arc::new(names) },
            time: lines.time,
            amount: lines.amount,
            quantity: Some(lines.quantity),
            discount: Some(lines.discount),
            order: Some(lines.order),
            category: coded(lines.category, &self.categories),
            channel: coded(lines.channel, &self.channels),
            returned_at: None,
        };
        OrderLog { first_customer: customers.start, orders, truth }
    }

    /// The oracle: for each customer of the columns (row) and instant (column), the probability of no order
    /// within `horizon_days` from the instant given only the customer's lines before it. NaN where there are
    /// none. Instants may come in any order.
    ///
    /// The columns may be those of [`OrderWorld::generate`], of a batch, or the same read back from a file.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an instant outside the log or a horizon not in 1 to 366 days;
    /// [`Error::Data`] or [`Error::Shape`] for columns that cannot come from this world.
    pub fn attainable(
        &self,
        orders: &OrderColumns,
        instants: &[Timestamp],
        horizon_days: u32,
        threads: usize,
    ) -> Result<Array2<f64>> {
        let histories = Histories::new(orders, &self.calendar)?;
        let questions = self.questions(instants, horizon_days)?;
        let mut order: Vec<usize> = (0..instants.len()).collect();
        order.sort_by_key(|&i| instants[i]);
        let sorted: Vec<Question> = order.iter().map(|&i| questions[i].clone()).collect();
        let ask = |customer: usize| {
            let mut answers = vec![f64::NAN; sorted.len()];
            self.oracle.answer(histories.of(customer), &sorted, &mut answers).ok_or_else(|| {
                let name = &orders.customer.names[customer];
                Error::Data(format!("the orders of customer {name} are impossible under these parameters"))
            })?;
            Ok(answers)
        };
        let customers = histories.customers();
        let rows: Vec<Vec<f64>> =
            in_pool(threads, || (0..customers).into_par_iter().map(ask).collect::<Result<_>>())??;
        let mut table = Array2::from_elem((customers, instants.len()), f64::NAN);
        for (mut row, answers) in table.rows_mut().into_iter().zip(rows) {
            order.iter().zip(answers).for_each(|(&place, answer)| row[place] = answer);
        }
        Ok(table)
    }

    /// Latent and attainable probability of no order within `horizon_days`, with type and state, for every
    /// customer with an order before the instant; by instant, then customer.
    ///
    /// # Errors
    /// As [`OrderWorld::attainable`].
    pub fn truth_rows(
        &self,
        log: &OrderLog,
        instants: &[Timestamp],
        horizon_days: u32,
        threads: usize,
    ) -> Result<Vec<TruthRow>> {
        let attainable = self.attainable(&log.orders, instants, horizon_days, threads)?;
        let questions = self.questions(instants, horizon_days)?;
        let mut rows = Vec::new();
        for (column, (&instant, question)) in instants.iter().zip(&questions).enumerate() {
            for (customer, &attainable) in attainable.column(column).iter().enumerate() {
                let hidden = log.truth.customer_type(customer).zip(log.truth.state_at(customer, instant));
                if let Some((customer_type, state)) = hidden.filter(|_| !attainable.is_nan()) {
                    let CustomerType { rate, hazard, .. } = customer_type;
                    let latent = question.no_order[rate * 3 + hazard][state as usize].clamp(0.0, 1.0);
                    let customer = customer as u32;
                    rows.push(TruthRow { customer, instant, customer_type, state, latent, attainable });
                }
            }
        }
        Ok(rows)
    }

    fn questions(&self, instants: &[Timestamp], horizon_days: u32) -> Result<Vec<Question>> {
        let accepted = (1..=LONGEST_HORIZON).contains(&horizon_days);
        require("horizon_days", horizon_days, accepted, "1 to 366")?;
        instants
            .iter()
            .map(|&t| {
                require("instant", t, t >= self.start && t <= self.end, "an instant within the log")?;
                let ahead = self.calendar.operational(t.plus_days(i64::from(horizon_days)));
                Ok(self.oracle.question(t.seconds(), self.calendar.operational(t), ahead))
            })
            .collect()
    }
}

/// Batches of a log, from [`OrderWorld::batches`].
#[derive(Debug)]
pub struct Batches<'a> {
    world: &'a OrderWorld,
    seed: u64,
    size: usize,
    next: usize,
    orders: u32,
}

impl Iterator for Batches<'_> {
    type Item = OrderLog;

    fn next(&mut self) -> Option<OrderLog> {
        let customers = self.world.params.customers;
        (self.next < customers).then(|| {
            let range = self.next..(self.next.saturating_add(self.size)).min(customers);
            self.next = range.end;
            self.world.draw(self.seed, range, &mut self.orders)
        })
    }
}

fn customer_name(index: usize, width: usize) -> String {
    let mut name = vec![b'0'; width + 1];
    name[0] = b'C';
    let mut rest = index;
    for digit in name[1..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    name.into_iter().map(char::from).collect()
}

/// Joins chunks whose customer and order codes all count from 0.
fn concatenate(chunks: Vec<OrderLog>) -> OrderLog {
    let mut chunks = chunks.into_iter();
    let Some(mut whole) = chunks.next() else {
        return OrderLog { first_customer: 0, orders: OrderColumns::default(), truth: Truth::default() };
    };
    let mut names = Arc::unwrap_or_clone(std::mem::take(&mut whole.orders.customer.names));
    let into = &mut whole.orders;
    let mut orders = count(into);
    for chunk in chunks {
        let customers = names.len() as u32;
        let from = chunk.orders;
        let placed = count(&from);
        into.customer.codes.extend(from.customer.codes.iter().map(|c| c + customers));
        into.time.extend_from_slice(&from.time);
        into.amount.extend_from_slice(&from.amount);
        extend(&mut into.quantity, from.quantity);
        extend(&mut into.discount, from.discount);
        extend(&mut into.order, from.order.map(|codes| codes.iter().map(|c| c + orders).collect()));
        for (column, part) in [(&mut into.category, from.category), (&mut into.channel, from.channel)] {
            if let (Some(column), Some(part)) = (column, part) {
                column.codes.extend_from_slice(&part.codes);
            }
        }
        names.extend(Arc::unwrap_or_clone(from.customer.names));
        whole.truth.append(&chunk.truth);
        orders += placed;
    }
    into.customer.names = Arc::new(names);
    whole
}

fn extend<T: Copy>(column: &mut Option<Vec<T>>, part: Option<Vec<T>>) {
    if let (Some(column), Some(part)) = (column, part) {
        column.extend_from_slice(&part);
    }
}

/// Orders of a chunk: one more than its highest order code.
fn count(orders: &OrderColumns) -> u32 {
    orders.order.as_ref().and_then(|codes| codes.iter().max()).map_or(0, |&highest| highest + 1)
}
