//! The hidden side of a log: types and states, and the probabilities that follow from them.

use std::fmt;

use serde::{Deserialize, Serialize};
use tenure_features::Timestamp;

/// Hidden state of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Orders at the full rate.
    Active = 0,
    /// Orders more rarely, spends less, takes more discounts, sends more back.
    Cooling = 1,
    /// Does not order.
    Lapsed = 2,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Cooling => "cooling",
            Self::Lapsed => "lapsed",
        })
    }
}

/// Hidden type of a customer: one class of each kind, 0 to 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CustomerType {
    /// Purchase rate class: index into `gap_days`.
    pub rate: usize,
    /// Hazard class: index into `cooling_per_year`.
    pub hazard: usize,
    /// Spend class: index into `median_amounts`.
    pub spend: usize,
}

impl CustomerType {
    /// Number of types.
    pub const COUNT: usize = 27;

    pub(crate) fn index(self) -> usize {
        (self.rate * 3 + self.hazard) * 3 + self.spend
    }

    pub(crate) fn from_index(index: usize) -> Self {
        Self { rate: index / 9, hazard: index / 3 % 3, spend: index % 3 }
    }
}

/// Types and state paths of the customers of a log, by their code in the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Truth {
    types: Vec<u8>,
    /// Where each customer's path begins in `since` and `states`.
    begins: Vec<usize>,
    since: Vec<i64>,
    states: Vec<State>,
}

impl Truth {
    /// Number of customers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.types.len()
    }

    /// Whether there is no customer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// Type of a customer, `None` for a code beyond the last.
    #[must_use]
    pub fn customer_type(&self, customer: usize) -> Option<CustomerType> {
        self.types.get(customer).map(|&index| CustomerType::from_index(usize::from(index)))
    }

    /// The state of a customer just before `instant`, which lies within the log; `None` before the customer
    /// joined, and for a code beyond the last.
    #[must_use]
    pub fn state_at(&self, customer: usize, instant: Timestamp) -> Option<State> {
        let path = self.path(customer)?;
        let entered = self.since[path.clone()].partition_point(|&second| second < instant.seconds());
        entered.checked_sub(1).map(|last| self.states[path.start + last])
    }

    fn path(&self, customer: usize) -> Option<std::ops::Range<usize>> {
        let begin = *self.begins.get(customer)?;
        Some(begin..self.begins.get(customer + 1).copied().unwrap_or(self.since.len()))
    }

    pub(crate) fn begin(&mut self, customer_type: CustomerType, since: i64, state: State) {
        self.types.push(customer_type.index() as u8);
        self.begins.push(self.since.len());
        self.enter(since, state);
    }

    pub(crate) fn enter(&mut self, since: i64, state: State) {
        self.since.push(since);
        self.states.push(state);
    }

    /// Drops the last customer.
    pub(crate) fn forget(&mut self) {
        self.types.pop();
        if let Some(begin) = self.begins.pop() {
            self.since.truncate(begin);
            self.states.truncate(begin);
        }
    }

    pub(crate) fn append(&mut self, other: &Self) {
        let offset = self.since.len();
        self.types.extend_from_slice(&other.types);
        self.begins.extend(other.begins.iter().map(|b| b + offset));
        self.since.extend_from_slice(&other.since);
        self.states.extend_from_slice(&other.states);
    }
}

/// What is true of one customer at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TruthRow {
    /// Code of the customer in the log's customer column.
    pub customer: u32,
    /// The instant.
    pub instant: Timestamp,
    /// Hidden type.
    pub customer_type: CustomerType,
    /// Hidden state just before the instant.
    pub state: State,
    /// Probability of no order within the horizon given type and state.
    pub latent: f64,
    /// The same given only the customer's orders and returns before the instant: the oracle.
    pub attainable: f64,
    /// Expected money of the orders begun within the horizon given type and state; returns are not subtracted.
    pub latent_spend: f64,
    /// The same given only the customer's orders and returns before the instant: what nobody foretells better
    /// in the mean square.
    pub attainable_spend: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_hold_from_after_their_second_on() {
        let mut truth = Truth::default();
        for index in 0..CustomerType::COUNT {
            assert_eq!(CustomerType::from_index(index).index(), index);
        }
        truth.begin(CustomerType::from_index(5), i64::MIN, State::Cooling);
        truth.enter(100, State::Lapsed);
        truth.begin(CustomerType::from_index(7), 50, State::Active);
        let at = |customer, second| truth.state_at(customer, Timestamp::from_seconds(second));
        assert_eq!(
            (at(0, 0), at(0, 100), at(0, 101)),
            (Some(State::Cooling), Some(State::Cooling), Some(State::Lapsed))
        );
        assert_eq!((at(1, 50), at(1, 51), at(2, 51)), (None, Some(State::Active), None));
        assert_eq!(truth.customer_type(1).unwrap().index(), 7);
        let mut twice = truth.clone();
        twice.append(&truth);
        assert_eq!(twice.state_at(2, Timestamp::from_seconds(101)), Some(State::Lapsed));
        twice.forget();
        assert_eq!(twice.len(), 3);
    }
}
