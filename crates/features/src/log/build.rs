//! Checks, sorts and sums up lines.
//!
//! A stable counting sort by customer, then every customer's lines by time: customers are independent from
//! there on, and shards of them are built in parallel.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp as JiffTimestamp;
use rayon::prelude::*;

use super::{LogColumns, LogFacts, OrderLog, SHARD};
use crate::columns::{CodedColumn, NO_CODE};
use crate::history::{Kept, Line, OrderSum, Shard, Spread};
use crate::{Error, OrderColumns, Result, Timestamp};

pub(super) fn build(columns: OrderColumns, records_returns: bool) -> Result<OrderLog> {
    check(&columns)?;
    let (rank, ids) = rank_customers(&columns.customer);
    let (sorted, starts) = sort_by_customer(&columns.customer.codes, &rank, ids.len());
    let source = Source::new(&columns);
    let shards: Vec<Shard> = (0..ids.len())
        .step_by(SHARD)
        .collect::<Vec<_>>()
        .into_par_iter()
        .map_init(Scratch::default, |scratch, first| {
            let customers = first..(first + SHARD).min(ids.len());
            source.shard(&sorted, &starts[customers.start..=customers.end], scratch)
        })
        .collect();

    let first = columns.time.par_iter().copied().min();
    let last = columns.time.par_iter().copied().max();
    let names = |c: &Option<CodedColumn>| c.as_ref().map(|c| Arc::clone(&c.names)).unwrap_or_default();
    let facts = LogFacts {
        categories: names(&columns.category),
        channels: names(&columns.channel),
        records_returns,
        first_return: shards.iter().flat_map(|s| s.return_times.iter().copied()).min(),
        columns: LogColumns {
            quantity: columns.quantity.is_some(),
            discount: columns.discount.is_some(),
            order: columns.order.is_some(),
            category: columns.category.is_some(),
            channel: columns.channel.is_some(),
            returned_at: columns.returned_at.is_some(),
        },
    };
    Ok(OrderLog {
        lines: columns.len(),
        orders: shards.iter().map(|s| s.orders.len()).sum(),
        span: first.zip(last).map(|(a, b)| (Timestamp::from_seconds(a), Timestamp::from_seconds(b))),
        shards,
        customers: Arc::new(ids),
        facts,
    })
}

// ---- checks

fn check(columns: &OrderColumns) -> Result<()> {
    let rows = columns.time.len();
    if rows >= u32::MAX as usize {
        return Err(Error::TooManyLines { lines: rows });
    }
    let length = |column, found: Option<usize>| match found {
        Some(found) if found != rows => Err(Error::ColumnLength { column, expected: rows, found }),
        _ => Ok(()),
    };
    length("customer", Some(columns.customer.codes.len()))?;
    length("amount", Some(columns.amount.len()))?;
    length("quantity", columns.quantity.as_ref().map(Vec::len))?;
    length("discount", columns.discount.as_ref().map(Vec::len))?;
    length("order", columns.order.as_ref().map(Vec::len))?;
    length("category", columns.category.as_ref().map(|c| c.codes.len()))?;
    length("channel", columns.channel.as_ref().map(|c| c.codes.len()))?;
    length("returned_at", columns.returned_at.as_ref().map(Vec::len))?;

    if let Some(row) = columns.customer.codes.par_iter().position_first(|&c| c == NO_CODE) {
        return Err(Error::NoCustomer { row });
    }
    check_codes("customer", &columns.customer)?;
    let years = JiffTimestamp::MIN.as_second()..=JiffTimestamp::MAX.as_second();
    if let Some(row) = columns.time.par_iter().position_first(|t| !years.contains(t)) {
        return Err(Error::TimeRange { row, seconds: columns.time[row] });
    }
    check_values("amount", &columns.amount, |v| v.is_finite(), "a finite number")?;
    if let Some(quantity) = &columns.quantity {
        check_values("quantity", quantity, |v| !v.is_infinite(), "a finite number, or NaN where not known")?;
    }
    if let Some(discount) = &columns.discount {
        let expected = "a finite number, at least 0, or NaN where not known";
        check_values("discount", discount, |v| v.is_nan() || (v >= 0.0 && v.is_finite()), expected)?;
    }
    columns.category.as_ref().map_or(Ok(()), |c| check_codes("category", c))?;
    columns.channel.as_ref().map_or(Ok(()), |c| check_codes("channel", c))
}

fn check_codes(column: &'static str, coded: &CodedColumn) -> Result<()> {
    let names = coded.names.len();
    match coded.codes.par_iter().position_first(|&c| c != NO_CODE && c as usize >= names) {
        Some(row) => Err(Error::UnknownCode { column, row, code: coded.codes[row], names }),
        None => Ok(()),
    }
}

fn check_values(
    column: &'static str,
    values: &[f64],
    fits: impl Fn(f64) -> bool + Sync,
    expected: &'static str,
) -> Result<()> {
    match values.par_iter().position_first(|&v| !fits(v)) {
        Some(row) => Err(Error::Value { column, row, value: values[row], expected }),
        None => Ok(()),
    }
}

// ---- sorting

/// For each code the customer's place among the ids in use, and these ids, sorted. A text with two codes is
/// one customer.
fn rank_customers(customer: &CodedColumn) -> (Vec<u32>, Vec<String>) {
    let names = &customer.names;
    let mut used = vec![false; names.len()];
    for &code in &customer.codes {
        used[code as usize] = true;
    }
    let mut codes: Vec<u32> = (0..names.len() as u32).filter(|&c| used[c as usize]).collect();
    codes.par_sort_unstable_by(|&a, &b| names[a as usize].cmp(&names[b as usize]));
    let mut rank = vec![NO_CODE; names.len()];
    let mut ids: Vec<String> = Vec::with_capacity(codes.len());
    for code in codes {
        let name = &names[code as usize];
        if ids.last() != Some(name) {
            ids.push(name.clone());
        }
        rank[code as usize] = ids.len() as u32 - 1;
    }
    (rank, ids)
}

/// Lines by customer, in the order of input, and where each customer's begin.
fn sort_by_customer(codes: &[u32], rank: &[u32], customers: usize) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0u32; customers + 1];
    for &code in codes {
        starts[rank[code as usize] as usize + 1] += 1;
    }
    for i in 0..customers {
        starts[i + 1] += starts[i];
    }
    let mut next = starts.clone();
    let mut sorted = vec![0u32; codes.len()];
    for (line, &code) in codes.iter().enumerate() {
        let place = &mut next[rank[code as usize] as usize];
        sorted[*place as usize] = line as u32;
        *place += 1;
    }
    (sorted, starts)
}

// ---- summing up

/// The columns, with every category and channel name under one code.
struct Source<'a> {
    columns: &'a OrderColumns,
    category: Vec<u32>,
    channel: Vec<u32>,
    kept: Kept,
}

/// Buffers of one thread, filled anew for every customer.
#[derive(Default)]
struct Scratch {
    /// (time, line), sorted.
    lines: Vec<(i64, u32)>,
    purchased: Vec<Line>,
    /// (order code, time where there is no code, place in `purchased`)
    keys: Vec<(u32, i64, u32)>,
    /// Per place in `purchased`: the order's number within the customer.
    order_of: Vec<u32>,
    sums: Vec<OrderSum>,
    /// (order number, category)
    categories: Vec<(u32, u32)>,
    /// (time known, money)
    returns: Vec<(i64, f64)>,
}

impl<'a> Source<'a> {
    fn new(columns: &'a OrderColumns) -> Self {
        Self {
            columns,
            category: first_code_of_name(columns.category.as_ref()),
            channel: first_code_of_name(columns.channel.as_ref()),
            kept: Kept {
                quantity: columns.quantity.is_some(),
                discount: columns.discount.is_some(),
                category: columns.category.is_some(),
                channel: columns.channel.is_some(),
            },
        }
    }

    fn line(&self, row: usize) -> Line {
        let columns = self.columns;
        let number = |c: &Option<Vec<f64>>| c.as_ref().map_or(f64::NAN, |c| c[row]);
        let code = |c: &Option<CodedColumn>, first: &[u32]| match c.as_ref().map(|c| c.codes[row]) {
            None | Some(NO_CODE) => NO_CODE,
            Some(code) => first[code as usize],
        };
        Line {
            time: columns.time[row],
            amount: columns.amount[row],
            quantity: number(&columns.quantity),
            discount: number(&columns.discount),
            category: code(&columns.category, &self.category),
            channel: code(&columns.channel, &self.channel),
        }
    }

    fn shard(&self, sorted: &[u32], starts: &[u32], scratch: &mut Scratch) -> Shard {
        let mut shard =
            Shard { kept: self.kept, order_starts: vec![0], return_starts: vec![0], ..Shard::default() };
        for bounds in starts.windows(2) {
            let rows = &sorted[Range { start: bounds[0] as usize, end: bounds[1] as usize }];
            self.sort_lines(rows, scratch);
            self.number_orders(scratch);
            sum_orders(scratch, &mut shard);
            scratch.returns.sort_by_key(|&(time, _)| time); // stable: sums do not depend on chance
            shard.return_times.extend(scratch.returns.iter().map(|r| r.0));
            shard.return_amounts.extend(scratch.returns.iter().map(|r| r.1));
            shard.order_starts.push(shard.orders.len() as u32);
            shard.return_starts.push(shard.return_times.len() as u32);
        }
        shard.orders.shrink();
        shard
    }

    /// One customer's purchased lines by (time, input) with their order keys, and the returns.
    fn sort_lines(&self, rows: &[u32], scratch: &mut Scratch) {
        let Scratch { lines, purchased, keys, returns, .. } = scratch;
        lines.clear();
        lines.extend(rows.iter().map(|&row| (self.columns.time[row as usize], row)));
        lines.sort_unstable();
        purchased.clear();
        keys.clear();
        returns.clear();
        for &(time, row) in lines.iter() {
            let line = self.line(row as usize);
            if line.amount < 0.0 {
                returns.push((time, -line.amount));
            } else if line.amount > 0.0 {
                let code = self.columns.order.as_ref().map_or(NO_CODE, |o| o[row as usize]);
                keys.push((code, if code == NO_CODE { time } else { 0 }, purchased.len() as u32));
                purchased.push(line);
                match self.columns.returned_at.as_ref().map(|r| r[row as usize]) {
                    None | Some(i64::MAX) => {}
                    Some(known) => returns.push((known.max(time), line.amount)),
                }
            }
        }
    }

    /// Numbers the orders by their first line.
    fn number_orders(&self, scratch: &mut Scratch) {
        let Scratch { keys, order_of, .. } = scratch;
        keys.sort_unstable();
        order_of.clear();
        order_of.resize(keys.len(), 0);
        let mut first = 0;
        for (i, &(code, time, place)) in keys.iter().enumerate() {
            if i == 0 || (code, time) != (keys[i - 1].0, keys[i - 1].1) {
                first = place;
            }
            order_of[place as usize] = first;
        }
        let mut orders = 0;
        for place in 0..order_of.len() {
            let first = order_of[place] as usize;
            // An order's first line comes before its others, so its number is already there.
            order_of[place] = if first == place {
                orders += 1;
                orders - 1
            } else {
                order_of[first]
            };
        }
    }
}

fn sum_orders(scratch: &mut Scratch, shard: &mut Shard) {
    let Scratch { purchased, order_of, sums, categories, .. } = scratch;
    sums.clear();
    categories.clear();
    for (line, &order) in purchased.iter().zip(order_of.iter()) {
        match sums.get_mut(order as usize) {
            Some(sum) => sum.add(line),
            None => sums.push(OrderSum::new(line)),
        }
        if line.category != NO_CODE {
            categories.push((order, line.category));
        }
    }
    categories.sort_unstable();
    categories.dedup();
    let base = shard.orders.len() as u32;
    let mut rest = categories.as_slice();
    for (order, sum) in sums.iter().enumerate() {
        let (own, later) = rest.split_at(rest.iter().take_while(|c| c.0 == order as u32).count());
        rest = later;
        shard.orders.push(sum, own.iter().map(|c| c.1), shard.kept);
    }
    keep_spread_lines(scratch, base, shard);
}

/// Keeps the lines of orders that were not placed in one instant.
fn keep_spread_lines(scratch: &mut Scratch, base: u32, shard: &mut Shard) {
    let Scratch { purchased, order_of, sums, categories: places, .. } = scratch;
    let is_spread = |order: u32| sums[order as usize].time != sums[order as usize].last;
    places.clear();
    places.extend((0u32..).zip(order_of.iter()).filter(|(_, o)| is_spread(**o)).map(|(p, o)| (*o, p)));
    places.sort_unstable();
    for lines in places.chunk_by(|a, b| a.0 == b.0) {
        let order = lines[0].0;
        let start = shard.spread_lines.len() as u32;
        shard.spread_lines.extend(lines.iter().map(|&(_, place)| purchased[place as usize]));
        let sum = &sums[order as usize];
        shard.spread.push(Spread {
            order: base + order,
            first: sum.time,
            last: sum.last,
            lines: start..shard.spread_lines.len() as u32,
        });
    }
}

/// For each code the first code with the same name.
fn first_code_of_name(column: Option<&CodedColumn>) -> Vec<u32> {
    let Some(column) = column else { return Vec::new() };
    let mut first: HashMap<&str, u32> = HashMap::with_capacity(column.names.len());
    (0u32..).zip(column.names.iter()).map(|(code, name)| *first.entry(name).or_insert(code)).collect()
}
