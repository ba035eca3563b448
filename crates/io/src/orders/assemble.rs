//! Parts of a file, in its order, to one set of columns and a report.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::slice::ParallelSliceMut;
use tenure_features::columns::NO_CODE;
use tenure_features::{CodedColumn, OrderColumns, Timestamp};

use super::build::{Chunk, Counts, DayMonth, Plan, mixed_currencies};
use super::codes::{Codes, HashCodes, hash};
use super::mapping::Role;
use super::report::{Counted, OrderReadReport, RoleChoice};
use crate::text::date::{DateFormat, swap_day_and_month};
use crate::text::number::Currency;
use crate::{Error, FileFormat, Result};

/// How the file was laid out.
pub(crate) struct Layout {
    pub(crate) format: FileFormat,
    pub(crate) gzip: bool,
    pub(crate) encoding: Option<&'static str>,
    pub(crate) separator: &'static str,
    pub(crate) header: bool,
}

/// Joins chunks.
pub(crate) struct Assembly {
    plan: Plan,
    columns: OrderColumns,
    customers: Codes,
    categories: Codes,
    channels: Codes,
    orders: HashCodes,
    line_hashes: Vec<u64>,
    lines: Vec<u64>,
    counts: Counts,
    times: DayMonth,
    returns: DayMonth,
    currency: Option<(Currency, u64)>,
}

impl Assembly {
    pub(crate) fn new(plan: Plan) -> Self {
        let has = |role| plan.choice.column(role).is_some();
        let columns = OrderColumns {
            quantity: has(Role::Quantity).then(Vec::new),
            discount: has(Role::Discount).then(Vec::new),
            order: has(Role::Order).then(Vec::new),
            category: has(Role::Category).then(CodedColumn::default),
            channel: has(Role::Channel).then(CodedColumn::default),
            returned_at: has(Role::Returned).then(Vec::new),
            ..OrderColumns::default()
        };
        Self {
            plan,
            columns,
            customers: Codes::default(),
            categories: Codes::default(),
            channels: Codes::default(),
            orders: HashCodes::default(),
            line_hashes: Vec::new(),
            lines: Vec::new(),
            counts: Counts::default(),
            times: DayMonth::default(),
            returns: DayMonth::default(),
            currency: None,
        }
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Takes up the next part.
    pub(crate) fn add(&mut self, chunk: Chunk) -> Result<()> {
        if let (Some((first, at)), Some((now, line))) = (self.currency, chunk.currency)
            && first != now
        {
            return Err(mixed_currencies(&self.plan, at, first, line, now));
        }
        if let Some(error) = chunk.error {
            return Err(error);
        }
        self.currency = self.currency.or(chunk.currency);
        let to = self.customers.absorb(&chunk.customer);
        self.columns.customer.codes.extend(chunk.customer_codes.iter().map(|&c| to[c as usize]));
        self.columns.time.extend_from_slice(&chunk.time);
        self.columns.amount.extend_from_slice(&chunk.amount);
        if let Some(column) = &mut self.columns.quantity {
            column.extend_from_slice(&chunk.quantity);
        }
        if let Some(column) = &mut self.columns.discount {
            column.extend_from_slice(&chunk.discount);
        }
        if let Some(column) = &mut self.columns.returned_at {
            column.extend_from_slice(&chunk.returned);
        }
        if let Some(column) = &mut self.columns.order {
            column.extend(chunk.order.iter().map(|&h| self.orders.code(h)));
        }
        for (column, all, part, codes) in [
            (&mut self.columns.category, &mut self.categories, &chunk.category, &chunk.category_codes),
            (&mut self.columns.channel, &mut self.channels, &chunk.channel, &chunk.channel_codes),
        ] {
            if let Some(column) = column {
                let to = all.absorb(part);
                column.codes.extend(codes.iter().map(|&c| if c == NO_CODE { c } else { to[c as usize] }));
            }
        }
        self.line_hashes.extend_from_slice(&chunk.line_hashes);
        self.lines.extend_from_slice(&chunk.lines);
        self.counts.merge(&chunk.counts);
        self.times.merge(&chunk.times);
        self.returns.merge(&chunk.returns);
        Ok(())
    }

    /// The columns and the report.
    pub(crate) fn finish(mut self, layout: &Layout) -> Result<(OrderColumns, OrderReadReport)> {
        if self.counts.lines == 0 {
            let path = self.plan.path.clone();
            return Err(if layout.header {
                Error::HeaderOnly { path, columns: self.plan.names.clone() }
            } else {
                Error::Empty { path }
            });
        }
        if self.columns.time.is_empty() {
            return Err(Error::NoOrders { path: self.plan.path.clone(), reason: self.why_none() });
        }
        let time_format = self.settle_times()?;
        let orders = match &self.columns.order {
            Some(_) => self.orders.len(),
            None => self.distinct_instants(),
        };
        let duplicate_lines = duplicates(&self.line_hashes, &self.lines);
        let ((customers, l1), (categories, l2), (channels, l3)) =
            (self.customers.into_names(), self.categories.into_names(), self.channels.into_names());
        let mut columns = self.columns;
        columns.customer.names = Arc::new(customers);
        if let Some(category) = &mut columns.category {
            category.names = Arc::new(categories);
        }
        if let Some(channel) = &mut columns.channel {
            channel.names = Arc::new(channels);
        }
        let legacy = l1 || l2 || l3;
        let plan = &self.plan;
        let taken: Vec<RoleChoice> = Role::ALL
            .into_iter()
            .filter(|role| plan.choice.column(*role).is_some())
            .map(|role| RoleChoice {
                role,
                column: plan.column_name(role).to_owned(),
                reason: plan.choice.reasons[role as usize].clone(),
            })
            .collect();
        let mut notes = plan.choice.notes.clone();
        if plan.choice.column(Role::Returned).is_some() && plan.returned.is_none() {
            notes.push(format!(
                "a flagged return is taken as known {} days after the order",
                plan.returned_after / 86_400
            ));
        }
        let unused = (0..plan.names.len()).filter(|c| !plan.choice.columns.contains(&Some(*c)));
        let (first, last) = columns.time.iter().fold((i64::MAX, i64::MIN), |(a, b), &t| (a.min(t), b.max(t)));
        let mark = plan.marks
            [if plan.choice.column(Role::Amount).is_some() { Role::Amount } else { Role::Price } as usize];
        let report = OrderReadReport {
            file: plan.path.display().to_string(),
            format: layout.format,
            gzip: layout.gzip,
            encoding: match layout.encoding {
                Some(_) if legacy => "windows-1252 (Latin-1) where it is not UTF-8".to_owned(),
                Some(name) => name.to_owned(),
                None => String::new(),
            },
            separator: layout.separator.to_owned(),
            header: layout.header,
            columns: taken,
            unused_columns: unused.map(|c| plan.names[c].clone()).collect(),
            time_format,
            number_format: if layout.format == FileFormat::Csv {
                mark.name().to_owned()
            } else {
                String::new()
            },
            currency: self.currency.map(|(code, _)| code.to_owned()),
            lines: self.counts.lines,
            blank_lines: self.counts.blank_lines,
            kept: columns.time.len() as u64,
            customers: columns.customer.names.len() as u64,
            orders: orders as u64,
            without_customer: self.counts.without_customer,
            without_amount: self.counts.without_amount,
            non_finite_amounts: self.counts.non_finite,
            bad_lines: self.counts.bad,
            first_bad_line: self.counts.first_bad,
            negative_lines: self.counts.negative,
            zero_lines: self.counts.zero,
            duplicate_lines,
            first: Timestamp::from_seconds(first),
            last: Timestamp::from_seconds(last),
            amount_sum: columns.amount.iter().sum(),
            notes,
        };
        Ok((columns, report))
    }

    fn why_none(&self) -> String {
        let c = &self.counts;
        let mut reason = format!(
            "of {} lines {} have no customer, {} no amount, {} an amount that is not finite, {} cannot be read",
            c.lines, c.without_customer.count, c.without_amount.count, c.non_finite.count, c.bad.count
        );
        if let Some(first) = &c.first_bad {
            reason.push_str(&format!(" (the first: {first})"));
        }
        reason
    }

    /// Settles the order of day and month by the whole column; the name of the format found.
    fn settle_times(&mut self) -> Result<String> {
        if let Some(column) = &mut self.columns.returned_at
            && self.plan.returned == Some(DateFormat::Slashed)
        {
            // Where the returns leave it open, they are written as the times are.
            if self.returns.day_first.is_none()
                && self.returns.month_first.is_none()
                && self.plan.time == DateFormat::Slashed
            {
                (self.returns.day_first, self.returns.month_first) =
                    (self.times.day_first, self.times.month_first);
            }
            settle(&self.plan, Role::Returned, &self.returns, column)?;
        }
        if self.plan.time != DateFormat::Slashed {
            return Ok(self.plan.time.name());
        }
        settle(&self.plan, Role::Time, &self.times, &mut self.columns.time).map(str::to_owned)
    }

    fn distinct_instants(&self) -> usize {
        let mut hashes: Vec<u64> = self
            .columns
            .customer
            .codes
            .iter()
            .zip(&self.columns.time)
            .map(|(customer, time)| hash(&[&customer.to_le_bytes()[..], &time.to_le_bytes()].concat()))
            .collect();
        hashes.par_sort_unstable();
        hashes.dedup();
        hashes.len()
    }
}

fn settle(plan: &Plan, role: Role, seen: &DayMonth, column: &mut [i64]) -> Result<&'static str> {
    let refuse = |problem: String| Err(Error::column(&plan.path, plan.column_name(role), problem));
    match (seen.day_first, seen.month_first, seen.open) {
        (Some(day), Some(month), _) => refuse(format!(
            "line {day} has the day first and line {month} the month first; give --time-format to read one of them"
        )),
        (Some(_), None, _) => Ok("DD/MM/YYYY"),
        (None, Some(_), _) => {
            let twelve = |seconds: i64| crate::text::calendar::civil(seconds.div_euclid(86_400)).2 <= 12;
            column
                .iter_mut()
                .filter(|s| **s != i64::MAX && twelve(**s))
                .for_each(|s| *s = swap_day_and_month(*s));
            Ok("MM/DD/YYYY")
        }
        (None, None, Some(line)) => refuse(format!(
            "no date tells whether day or month comes first (line {line} can be read both ways); give --time-format, \
             e.g. '%d/%m/%Y' or '%m/%d/%Y'"
        )),
        (None, None, None) => Ok("DD/MM/YYYY"),
    }
}

/// Lines whose hash an earlier line has.
fn duplicates(hashes: &[u64], lines: &[u64]) -> Counted {
    let mut sorted = hashes.to_vec();
    sorted.par_sort_unstable();
    let mut repeated: HashMap<u64, bool> =
        sorted.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| (pair[0], false)).collect();
    let mut counted = Counted::default();
    if repeated.is_empty() {
        return counted;
    }
    for (hash, &line) in hashes.iter().zip(lines) {
        if let Some(seen) = repeated.get_mut(hash)
            && std::mem::replace(seen, true)
        {
            counted.add(line);
        }
    }
    counted
}
