//! What the columns of an order log tell of each customer, in the form in which the filter reads it.

use tenure_core::{Error, Result};
use tenure_features::OrderColumns;
use tenure_features::columns::NO_CODE;

use super::calendar::Calendar;

/// One order with its marks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Order {
    pub(crate) second: i64,
    /// Operational time.
    pub(crate) u: f64,
    pub(crate) lines: f64,
    /// Sum over the lines of ln gross, and of its square.
    pub(crate) sum: f64,
    pub(crate) squares: f64,
    pub(crate) discounted: bool,
    /// When a line of it came back; `i64::MAX` where none has.
    pub(crate) returned: i64,
    code: u32,
}

/// The orders of all customers, sorted by customer and time.
#[derive(Debug)]
pub(crate) struct Histories {
    orders: Vec<Order>,
    begins: Vec<usize>,
}

impl Histories {
    /// Reads the columns; rows may come in any order.
    pub(crate) fn new(columns: &OrderColumns, calendar: &Calendar) -> Result<Self> {
        let customers = columns.customer.names.len();
        let code = columns.order.as_deref().ok_or_else(|| {
            Error::Data("the oracle needs the order codes: a return refers to its order by code".into())
        })?;
        let discount = columns.discount.as_deref();
        let lengths = [columns.customer.codes.len(), columns.amount.len(), code.len()];
        for found in lengths.into_iter().chain(discount.map(<[f64]>::len)) {
            if found != columns.len() {
                return Err(Error::Shape { what: "lines in a column", expected: columns.len(), found });
            }
        }
        let mut histories =
            Self { orders: Vec::with_capacity(columns.len()), begins: Vec::with_capacity(customers + 1) };
        let (rows, begins) = rows_by_customer(columns, customers)?;
        for customer in begins.windows(2) {
            let begin = histories.orders.len();
            histories.begins.push(begin);
            for &row in &rows[customer[0]..customer[1]] {
                let off = discount.map_or(0.0, |d| d[row]);
                histories.take_line(begin, columns.time[row], columns.amount[row], off, code[row], row)?;
            }
            for order in &mut histories.orders[begin..] {
                order.u = calendar.operational_within(order.second);
            }
        }
        histories.begins.push(histories.orders.len());
        Ok(histories)
    }

    pub(crate) fn customers(&self) -> usize {
        self.begins.len() - 1
    }

    /// Orders of one customer, by time.
    pub(crate) fn of(&self, customer: usize) -> &[Order] {
        &self.orders[self.begins[customer]..self.begins[customer + 1]]
    }

    fn take_line(
        &mut self,
        begin: usize,
        second: i64,
        amount: f64,
        off: f64,
        code: u32,
        row: usize,
    ) -> Result<()> {
        let known = self.orders[begin..].iter_mut().rev().find(|o| o.code == code);
        if amount < 0.0 {
            let order = known.ok_or_else(|| {
                Error::Data(format!("line {row}: a return of order {code}, which the customer did not place"))
            })?;
            order.returned = order.returned.min(second);
            return Ok(());
        }
        let gross = amount + off;
        if !(amount > 0.0 && off >= 0.0 && gross.is_finite()) {
            return Err(Error::Data(format!(
                "line {row}: amount {amount}, discount {off}; expected amounts above or below 0 and discounts \
                 of at least 0, as this world writes them"
            )));
        }
        let (ln, discounted) = (gross.ln(), off > 0.0);
        match known {
            Some(order) => {
                order.lines += 1.0;
                order.sum += ln;
                order.squares += ln * ln;
                order.discounted |= discounted;
            }
            None => self.orders.push(Order {
                second,
                u: 0.0,
                lines: 1.0,
                sum: ln,
                squares: ln * ln,
                discounted,
                returned: i64::MAX,
                code,
            }),
        }
        Ok(())
    }
}

/// Rows sorted by (customer, time, row), and where each customer's rows begin.
fn rows_by_customer(columns: &OrderColumns, customers: usize) -> Result<(Vec<usize>, Vec<usize>)> {
    let mut begins = vec![0; customers + 1];
    for (row, &customer) in columns.customer.codes.iter().enumerate() {
        if customer == NO_CODE || customer as usize >= customers {
            return Err(Error::Data(format!("line {row}: the customer code {customer} has no name")));
        }
        begins[customer as usize + 1] += 1;
    }
    for customer in 0..customers {
        begins[customer + 1] += begins[customer];
    }
    let mut next = begins.clone();
    let mut rows = vec![0; columns.len()];
    for (row, &customer) in columns.customer.codes.iter().enumerate() {
        let place = &mut next[customer as usize];
        rows[*place] = row;
        *place += 1;
    }
    for customer in begins.windows(2) {
        rows[customer[0]..customer[1]].sort_by_key(|&row| columns.time[row]);
    }
    Ok((rows, begins))
}
