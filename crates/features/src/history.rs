//! Orders of many customers as columns, and one customer's part of them.
//!
//! Only positive lines make an order, and the first of them gives its time. Lines of one order may carry
//! different instants; then an instant can fall in between, and only the lines before it may be seen. Such
//! *spread* orders keep their lines, from which [`Shard::as_of`] sums up what was known.

use std::ops::Range;

use crate::columns::NO_CODE;

/// One line as it enters an order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) time: i64,
    pub(crate) amount: f64,
    pub(crate) quantity: f64,
    pub(crate) discount: f64,
    pub(crate) category: u32,
    pub(crate) channel: u32,
}

/// The sum of the lines of one order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrderSum {
    pub(crate) time: i64,
    pub(crate) last: i64,
    amount: f64,
    quantity: f64,
    discount: f64,
    lines: u32,
    channel: u32,
}

impl OrderSum {
    pub(crate) fn new(line: &Line) -> Self {
        Self {
            time: line.time,
            last: line.time,
            amount: line.amount,
            quantity: line.quantity,
            discount: line.discount,
            lines: 1,
            channel: line.channel,
        }
    }

    /// Lines are added in the order of their instants.
    pub(crate) fn add(&mut self, line: &Line) {
        self.last = line.time;
        self.amount += line.amount;
        self.quantity = add_known(self.quantity, line.quantity);
        self.discount = add_known(self.discount, line.discount);
        self.lines += 1;
        if self.channel == NO_CODE {
            self.channel = line.channel;
        }
    }
}

fn add_known(sum: f64, value: f64) -> f64 {
    match (sum.is_nan(), value.is_nan()) {
        (_, true) => sum,
        (true, false) => value,
        (false, false) => sum + value,
    }
}

/// Which optional columns are kept.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Kept {
    pub(crate) quantity: bool,
    pub(crate) discount: bool,
    pub(crate) category: bool,
    pub(crate) channel: bool,
}

/// Orders as columns; a column the log lacks is empty.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    times: Vec<i64>,
    amounts: Vec<f64>,
    quantities: Vec<f64>,
    discounts: Vec<f64>,
    lines: Vec<u32>,
    channels: Vec<u32>,
    category_starts: Vec<u32>,
    categories: Vec<u32>,
}

impl Orders {
    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    fn clear(&mut self) {
        let Self { times, amounts, quantities, discounts, lines, channels, category_starts, categories } =
            self;
        times.clear();
        amounts.clear();
        quantities.clear();
        discounts.clear();
        lines.clear();
        channels.clear();
        category_starts.clear();
        categories.clear();
    }

    /// Appends an order; `categories` are distinct.
    pub(crate) fn push(&mut self, order: &OrderSum, categories: impl Iterator<Item = u32>, kept: Kept) {
        self.times.push(order.time);
        self.amounts.push(order.amount);
        self.lines.push(order.lines);
        if kept.quantity {
            self.quantities.push(order.quantity);
        }
        if kept.discount {
            self.discounts.push(order.discount);
        }
        if kept.channel {
            self.channels.push(order.channel);
        }
        if kept.category {
            if self.category_starts.is_empty() {
                self.category_starts.push(0);
            }
            self.categories.extend(categories);
            self.category_starts.push(self.categories.len() as u32);
        }
    }

    fn history(&self, range: Range<usize>) -> History<'_> {
        let f = |v: &'_ [f64]| -> Range<usize> { if v.is_empty() { 0..0 } else { range.clone() } };
        let u = |v: &'_ [u32]| -> Range<usize> { if v.is_empty() { 0..0 } else { range.clone() } };
        History {
            times: &self.times[range.clone()],
            amounts: &self.amounts[range.clone()],
            quantities: &self.quantities[f(&self.quantities)],
            discounts: &self.discounts[f(&self.discounts)],
            lines: &self.lines[range.clone()],
            channels: &self.channels[u(&self.channels)],
            category_starts: match self.category_starts.is_empty() {
                true => &[],
                false => &self.category_starts[range.start..=range.end],
            },
            categories: &self.categories,
            returns: Returns::default(),
        }
    }

    pub(crate) fn shrink(&mut self) {
        self.times.shrink_to_fit();
        self.amounts.shrink_to_fit();
        self.quantities.shrink_to_fit();
        self.discounts.shrink_to_fit();
        self.lines.shrink_to_fit();
        self.channels.shrink_to_fit();
        self.category_starts.shrink_to_fit();
        self.categories.shrink_to_fit();
    }
}

/// Returns of one customer, sorted by the instant from which they were known.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Returns<'a> {
    pub(crate) times: &'a [i64],
    /// Money given back, positive.
    pub(crate) amounts: &'a [f64],
}

/// One customer's events, sorted; whole inside this crate, cut at an instant before anybody else sees them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct History<'a> {
    pub(crate) times: &'a [i64],
    pub(crate) amounts: &'a [f64],
    pub(crate) quantities: &'a [f64],
    pub(crate) discounts: &'a [f64],
    pub(crate) lines: &'a [u32],
    pub(crate) channels: &'a [u32],
    /// One more than there are orders; positions in `categories`.
    category_starts: &'a [u32],
    categories: &'a [u32],
    pub(crate) returns: Returns<'a>,
}

impl<'a> History<'a> {
    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    /// Number of orders before an instant.
    pub(crate) fn orders_before(&self, instant: i64) -> usize {
        self.times.partition_point(|&t| t < instant)
    }

    /// Distinct categories of one order.
    pub(crate) fn categories(&self, order: usize) -> &'a [u32] {
        match self.category_starts {
            [] => &[],
            starts => &self.categories[starts[order] as usize..starts[order + 1] as usize],
        }
    }

    /// The same returns and the first `n` orders.
    pub(crate) fn first_orders(&self, n: usize) -> Self {
        self.orders(0..n.min(self.len()))
    }

    fn orders(&self, range: Range<usize>) -> Self {
        Self {
            times: &self.times[range.clone()],
            amounts: &self.amounts[range.clone()],
            quantities: part(self.quantities, &range),
            discounts: part(self.discounts, &range),
            lines: &self.lines[range.clone()],
            channels: part(self.channels, &range),
            category_starts: match self.category_starts {
                [] => &[],
                starts => &starts[range.start..=range.end],
            },
            ..*self
        }
    }

    /// The events in `[from, to)`.
    pub(crate) fn between(&self, from: i64, to: i64) -> Self {
        let end = self.orders_before(to);
        let returns_end = self.returns.times.partition_point(|&t| t < to);
        let returns_start = self.returns.times.partition_point(|&t| t < from).min(returns_end);
        Self {
            returns: Returns {
                times: &self.returns.times[returns_start..returns_end],
                amounts: &self.returns.amounts[returns_start..returns_end],
            },
            ..self.orders(self.orders_before(from).min(end)..end)
        }
    }
}

fn part<'a, T>(column: &'a [T], range: &Range<usize>) -> &'a [T] {
    if column.is_empty() { column } else { &column[range.clone()] }
}

/// An order whose lines carry more than one instant.
#[derive(Debug)]
pub(crate) struct Spread {
    pub(crate) order: u32,
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) lines: Range<u32>,
}

impl Spread {
    fn straddles(&self, instant: i64) -> bool {
        self.first < instant && instant <= self.last
    }
}

/// The events of a run of customers.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    pub(crate) kept: Kept,
    pub(crate) orders: Orders,
    /// One more than there are customers.
    pub(crate) order_starts: Vec<u32>,
    pub(crate) return_starts: Vec<u32>,
    pub(crate) return_times: Vec<i64>,
    pub(crate) return_amounts: Vec<f64>,
    /// By order.
    pub(crate) spread: Vec<Spread>,
    pub(crate) spread_lines: Vec<Line>,
}

impl Shard {
    pub(crate) fn customers(&self) -> usize {
        self.order_starts.len() - 1
    }

    /// Everything about one customer, the future included.
    pub(crate) fn history(&self, customer: usize) -> History<'_> {
        let orders = self.order_starts[customer] as usize..self.order_starts[customer + 1] as usize;
        History { returns: self.returns(customer), ..self.orders.history(orders) }
    }

    fn returns(&self, customer: usize) -> Returns<'_> {
        let range = self.return_starts[customer] as usize..self.return_starts[customer + 1] as usize;
        Returns { times: &self.return_times[range.clone()], amounts: &self.return_amounts[range] }
    }

    fn spread_of(&self, customer: usize) -> &[Spread] {
        if self.spread.is_empty() {
            return &[];
        }
        let (start, end) = (self.order_starts[customer], self.order_starts[customer + 1]);
        let from = self.spread.partition_point(|s| s.order < start);
        let to = self.spread.partition_point(|s| s.order < end);
        &self.spread[from..to]
    }

    /// Whether an order of the customer was under way at the instant.
    pub(crate) fn straddled(&self, customer: usize, instant: i64) -> bool {
        self.spread_of(customer).iter().any(|s| s.straddles(instant))
    }

    /// One customer's events before an instant; `scratch` holds them where an order was under way.
    pub(crate) fn as_of<'a>(&'a self, customer: usize, instant: i64, scratch: &'a mut Orders) -> History<'a> {
        let whole = self.history(customer);
        if !self.straddled(customer, instant) {
            return whole.between(i64::MIN, instant);
        }
        scratch.clear();
        let first = self.order_starts[customer];
        let mut spread = self.spread_of(customer).iter().filter(|s| s.straddles(instant)).peekable();
        for order in 0..whole.orders_before(instant) {
            match spread.next_if(|s| s.order == first + order as u32) {
                Some(under_way) => self.push_part(under_way, instant, scratch),
                None => {
                    scratch.push(&whole.order_sum(order), whole.categories(order).iter().copied(), self.kept)
                }
            }
        }
        let cut = History { returns: self.returns(customer), ..scratch.history(0..scratch.len()) };
        cut.between(i64::MIN, instant)
    }

    fn push_part(&self, spread: &Spread, instant: i64, into: &mut Orders) {
        let lines = &self.spread_lines[spread.lines.start as usize..spread.lines.end as usize];
        let known = &lines[..lines.partition_point(|l| l.time < instant)];
        let Some((first, rest)) = known.split_first() else { return };
        let mut sum = OrderSum::new(first);
        rest.iter().for_each(|line| sum.add(line));
        let mut categories: Vec<u32> = known.iter().map(|l| l.category).filter(|&c| c != NO_CODE).collect();
        categories.sort_unstable();
        categories.dedup();
        into.push(&sum, categories.into_iter(), self.kept);
    }
}

impl History<'_> {
    fn order_sum(&self, order: usize) -> OrderSum {
        OrderSum {
            time: self.times[order],
            last: self.times[order],
            amount: self.amounts[order],
            quantity: self.quantities.get(order).copied().unwrap_or(f64::NAN),
            discount: self.discounts.get(order).copied().unwrap_or(f64::NAN),
            lines: self.lines[order],
            channel: self.channels.get(order).copied().unwrap_or(NO_CODE),
        }
    }
}
