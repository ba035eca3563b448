//! Lines of one part of a file to columns.

use std::path::PathBuf;

use tenure_features::columns::NO_CODE;

use super::codes::{Codes, hash};
use super::mapping::{Choice, ROLES, Role};
use super::report::Counted;
use crate::cell::Cell;
use crate::text::date::{DateFormat, Order};
use crate::text::number::{self, Currency, DecimalMark};
use crate::text::{is_missing, trim};
use crate::{Error, ReadOptions, Result};

/// What was decided about a file before its lines are read.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) path: PathBuf,
    pub(crate) names: Vec<String>,
    pub(crate) choice: Choice,
    pub(crate) time: DateFormat,
    /// Format of the dates of return; `None` where the column holds yes and no.
    pub(crate) returned: Option<DateFormat>,
    pub(crate) marks: [DecimalMark; ROLES],
    pub(crate) skip_bad_lines: bool,
    pub(crate) hash_lines: bool,
    pub(crate) returned_after: i64,
}

impl Plan {
    pub(crate) fn column_name(&self, role: Role) -> &str {
        self.choice.column(role).map_or("", |column| self.names[column].as_str())
    }

    /// Decides formats from a sample of the cells of each column.
    pub(crate) fn new(
        path: &std::path::Path,
        names: Vec<String>,
        choice: Choice,
        time_format: Option<&str>,
        options: &ReadOptions<'_>,
        semicolons: bool,
        sample: &dyn Fn(usize) -> Vec<Vec<u8>>,
    ) -> Result<Self> {
        let cells = |role: Role| -> Vec<Vec<u8>> {
            let all = choice.column(role).map(sample).unwrap_or_default();
            all.into_iter().map(|text| trim(&text).to_vec()).filter(|text| !is_missing(text)).collect()
        };
        let times = cells(Role::Time);
        let time = match (time_format, DateFormat::sniff(times.iter().map(Vec::as_slice))) {
            (Some(format), _) => DateFormat::Custom(format.to_owned()),
            (None, Some((format, _))) => format,
            (None, None) => {
                let column = choice.column(Role::Time).map_or("", |c| names[c].as_str());
                let first =
                    times.first().map(|t| String::from_utf8_lossy(t).into_owned()).unwrap_or_default();
                let problem = format!(
                    "its values, e.g. `{first}`, are in no known date format; give --time-format, e.g. --time-format '%d %b %Y'"
                );
                return Err(Error::column(path, column, problem));
            }
        };
        let returns = cells(Role::Returned);
        let returned = DateFormat::sniff(returns.iter().map(Vec::as_slice))
            .filter(|(_, n)| 2 * n > returns.len())
            .map(|(f, _)| f);
        let marks = Role::ALL.map(|role| match role {
            Role::Amount | Role::Quantity | Role::Price | Role::Discount => {
                DecimalMark::sniff(cells(role).iter().map(Vec::as_slice), semicolons)
            }
            _ => DecimalMark::Point,
        });
        Ok(Self {
            path: path.to_owned(),
            names,
            choice,
            time,
            returned,
            marks,
            skip_bad_lines: options.skip_bad_lines,
            hash_lines: options.count_duplicates,
            returned_after: i64::from(options.returned_after_days) * 86_400,
        })
    }
}

/// Lines that tell the order of day and month in a column of dates.
#[derive(Debug, Default, Clone)]
pub(crate) struct DayMonth {
    pub(crate) day_first: Option<u64>,
    pub(crate) month_first: Option<u64>,
    pub(crate) open: Option<u64>,
}

impl DayMonth {
    fn see(&mut self, order: Order, line: u64) {
        let place = match order {
            Order::Clear => return,
            Order::DayFirst => &mut self.day_first,
            Order::MonthFirst => &mut self.month_first,
            Order::Open => &mut self.open,
        };
        place.get_or_insert(line);
    }

    pub(crate) fn merge(&mut self, later: &Self) {
        self.day_first = self.day_first.or(later.day_first);
        self.month_first = self.month_first.or(later.month_first);
        self.open = self.open.or(later.open);
    }
}

/// What is counted line by line.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) lines: u64,
    pub(crate) blank_lines: u64,
    pub(crate) without_customer: Counted,
    pub(crate) without_amount: Counted,
    pub(crate) non_finite: Counted,
    pub(crate) bad: Counted,
    pub(crate) first_bad: Option<String>,
    pub(crate) negative: Counted,
    pub(crate) zero: Counted,
}

impl Counts {
    pub(crate) fn merge(&mut self, later: &Self) {
        self.lines += later.lines;
        self.blank_lines += later.blank_lines;
        self.without_customer.merge(&later.without_customer);
        self.without_amount.merge(&later.without_amount);
        self.non_finite.merge(&later.non_finite);
        self.bad.merge(&later.bad);
        if self.first_bad.is_none() {
            self.first_bad.clone_from(&later.first_bad);
        }
        self.negative.merge(&later.negative);
        self.zero.merge(&later.zero);
    }
}

/// The columns of one part of a file.
pub(crate) struct Chunk {
    pub(crate) customer: Codes,
    pub(crate) customer_codes: Vec<u32>,
    pub(crate) time: Vec<i64>,
    pub(crate) amount: Vec<f64>,
    pub(crate) quantity: Vec<f64>,
    pub(crate) discount: Vec<f64>,
    pub(crate) order: Vec<u64>,
    pub(crate) category: Codes,
    pub(crate) category_codes: Vec<u32>,
    pub(crate) channel: Codes,
    pub(crate) channel_codes: Vec<u32>,
    pub(crate) returned: Vec<i64>,
    /// Hash and number of every line.
    pub(crate) line_hashes: Vec<u64>,
    pub(crate) lines: Vec<u64>,
    pub(crate) counts: Counts,
    pub(crate) times: DayMonth,
    pub(crate) returns: DayMonth,
    pub(crate) currency: Option<(Currency, u64)>,
    pub(crate) error: Option<Error>,
}

impl Chunk {
    pub(crate) fn new() -> Self {
        Self {
            customer: Codes::default(),
            customer_codes: Vec::new(),
            time: Vec::new(),
            amount: Vec::new(),
            quantity: Vec::new(),
            discount: Vec::new(),
            order: Vec::new(),
            category: Codes::default(),
            category_codes: Vec::new(),
            channel: Codes::default(),
            channel_codes: Vec::new(),
            returned: Vec::new(),
            line_hashes: Vec::new(),
            lines: Vec::new(),
            counts: Counts::default(),
            times: DayMonth::default(),
            returns: DayMonth::default(),
            currency: None,
            error: None,
        }
    }

    /// Takes up one line; false once reading must stop at [`Chunk::error`].
    pub(crate) fn push<'a>(
        &mut self,
        plan: &Plan,
        line: u64,
        line_hash: u64,
        cell: impl Fn(usize) -> Cell<'a>,
    ) -> bool {
        self.counts.lines += 1;
        if plan.hash_lines {
            self.line_hashes.push(line_hash);
            self.lines.push(line);
        }
        let cell = |role: Role| plan.choice.column(role).map_or(Cell::Missing, &cell);
        match self.line(plan, line, cell) {
            Ok(()) => true,
            Err(error) => self.refuse(plan, line, error),
        }
    }

    /// Counts a line that cannot be read, or stops at it.
    pub(crate) fn refuse(&mut self, plan: &Plan, line: u64, error: Error) -> bool {
        if plan.skip_bad_lines {
            self.counts.bad.add(line);
            self.counts.first_bad.get_or_insert_with(|| error.to_string());
        } else {
            self.error = Some(error);
        }
        plan.skip_bad_lines
    }

    fn line<'a>(&mut self, plan: &Plan, line: u64, cell: impl Fn(Role) -> Cell<'a>) -> Result<()> {
        let mut scratch = Vec::new();
        let customer = trim(cell(Role::Customer).text(&mut scratch));
        if is_missing(customer) {
            self.counts.without_customer.add(line);
            return Ok(());
        }
        let field = |role: Role, expected: String| {
            Error::field(&plan.path, line, plan.column_name(role), &cell(role).shown(), expected)
        };
        let (time, order) =
            instant(cell(Role::Time), &plan.time).ok_or_else(|| field(Role::Time, plan.time.expected()))?;
        let mut seen: Option<Currency> = None;
        let mut mixed = None;
        let mut number = |role: Role| -> Result<Option<f64>> {
            let mark = plan.marks[role as usize];
            let (value, currency) = match cell(role) {
                Cell::Missing => return Ok(None),
                Cell::Integer(value) => (value as f64, None),
                Cell::Number(value) => (value, None),
                other => {
                    let mut scratch = Vec::new();
                    let text = trim(other.text(&mut scratch));
                    if text.is_empty() || (is_missing(text) && !text.eq_ignore_ascii_case(b"nan")) {
                        return Ok(None);
                    }
                    number::parse(text, mark).ok_or_else(|| field(role, mark.expected().to_owned()))?
                }
            };
            if let Some(currency) = currency
                && *seen.get_or_insert(currency) != currency
            {
                mixed = Some(currency);
            }
            Ok(Some(value))
        };
        let quantity = number(Role::Quantity)?;
        let amount = match (plan.choice.column(Role::Amount), plan.choice.column(Role::Quantity)) {
            (Some(_), _) => number(Role::Amount)?,
            (None, Some(_)) => number(Role::Price)?.zip(quantity).map(|(price, quantity)| price * quantity),
            (None, None) => number(Role::Price)?,
        };
        let discount = number(Role::Discount)?;
        if let Some((first, now)) = seen.zip(mixed) {
            return Err(self.mixed(plan, line, first, line, now));
        }
        let returned = self.returned(plan, line, time, cell(Role::Returned)).ok_or_else(|| {
            let expected = plan
                .returned
                .as_ref()
                .map_or_else(|| "yes or no (1/0, true/false, y/n), or a date".into(), DateFormat::expected);
            field(Role::Returned, expected)
        })?;
        let Some(amount) = amount else {
            self.counts.without_amount.add(line);
            return Ok(());
        };
        if !amount.is_finite() {
            self.counts.non_finite.add(line);
            return Ok(());
        }
        if let Some(currency) = seen {
            match self.currency {
                Some((first, at)) if first != currency => {
                    return Err(self.mixed(plan, at, first, line, currency));
                }
                Some(_) => {}
                None => self.currency = Some((currency, line)),
            }
        }
        self.times.see(order, line);
        let known = |value: Option<f64>| value.filter(|v| v.is_finite()).unwrap_or(f64::NAN);
        let (quantity, discount) = (known(quantity), known(discount));
        self.keep(plan, line, &Numbers { time, amount, quantity, discount, returned }, customer, cell);
        Ok(())
    }

    /// Appends a line that was read to every column there is.
    fn keep<'a>(
        &mut self,
        plan: &Plan,
        line: u64,
        numbers: &Numbers,
        customer: &[u8],
        cell: impl Fn(Role) -> Cell<'a>,
    ) {
        let Numbers { time, amount, quantity, discount, returned } = *numbers;
        let has = |role| plan.choice.column(role).is_some();
        let mut scratch = Vec::new();
        if amount < 0.0 {
            self.counts.negative.add(line);
        } else if amount == 0.0 {
            self.counts.zero.add(line);
        }
        self.customer_codes.push(self.customer.code(customer));
        self.time.push(time);
        self.amount.push(amount);
        if has(Role::Quantity) {
            self.quantity.push(quantity);
        }
        if has(Role::Discount) {
            // Exports write money taken off with either sign.
            self.discount.push(discount.abs());
        }
        if has(Role::Order) {
            let text = trim(cell(Role::Order).text(&mut scratch));
            // A line without an order number is an order of its customer and instant.
            let own = || hash(customer) ^ (time as u64).rotate_left(17);
            self.order.push(if is_missing(text) { own() } else { hash(text) });
        }
        for (role, codes, column) in [
            (Role::Category, &mut self.category, &mut self.category_codes),
            (Role::Channel, &mut self.channel, &mut self.channel_codes),
        ] {
            if has(role) {
                let text = trim(cell(role).text(&mut scratch));
                column.push(if is_missing(text) { NO_CODE } else { codes.code(text) });
            }
        }
        if has(Role::Returned) {
            self.returned.push(returned);
        }
    }

    /// When the line was known to be returned; `None` where the text cannot be read.
    fn returned(&mut self, plan: &Plan, line: u64, time: i64, cell: Cell<'_>) -> Option<i64> {
        let mut scratch = Vec::new();
        let text = trim(cell.text(&mut scratch));
        if is_missing(text) {
            return Some(i64::MAX);
        }
        if let Some(format) = &plan.returned {
            let (seconds, order) = instant(cell, format)?;
            self.returns.see(order, line);
            return Some(seconds);
        }
        let lower = text.to_ascii_lowercase();
        match lower.as_slice() {
            b"1" | b"y" | b"yes" | b"true" | b"t" | b"returned" => {
                Some(time.saturating_add(plan.returned_after))
            }
            b"0" | b"n" | b"no" | b"false" | b"f" => Some(i64::MAX),
            _ => None,
        }
    }

    fn mixed(&self, plan: &Plan, first_line: u64, first: Currency, line: u64, now: Currency) -> Error {
        mixed_currencies(plan, first_line, first, line, now)
    }
}

/// The numbers of one line.
struct Numbers {
    time: i64,
    amount: f64,
    /// NaN where not known, like `discount`.
    quantity: f64,
    discount: f64,
    /// `i64::MAX` where it never was.
    returned: i64,
}

/// The error for two currencies in one log.
pub(crate) fn mixed_currencies(
    plan: &Plan,
    first_line: u64,
    first: Currency,
    line: u64,
    now: Currency,
) -> Error {
    let role = if plan.choice.column(Role::Amount).is_some() { Role::Amount } else { Role::Price };
    let problem = format!(
        "mixed currencies: {first} in line {first_line} and {now} in line {line}; a log has one currency: convert first"
    );
    Error::column(&plan.path, plan.column_name(role), problem)
}

fn instant(cell: Cell<'_>, format: &DateFormat) -> Option<(i64, Order)> {
    if let Cell::Seconds(seconds) = cell {
        return Some((seconds, Order::Clear));
    }
    let mut scratch = Vec::new();
    let parsed = format.parse(trim(cell.text(&mut scratch)))?;
    Some((parsed.seconds, parsed.order))
}
