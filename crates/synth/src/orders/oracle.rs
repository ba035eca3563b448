//! The exact filter over types and states, and the probabilities of no order.

use tenure_features::time::DAY;

use super::chain::{Matrix, Spectral, times};
use super::customer::RETURN_DAYS;
use super::history::Order;
use super::params::OrderParams;
use super::truth::CustomerType;

/// Chain of one (rate class, hazard class).
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    /// Orders per day by state.
    pub(crate) rates: [f64; 3],
    /// exp((Q − Λ) x).
    pub(crate) killed: Spectral,
    /// ∫₀ᴬ e_active exp(Q a) da: where customers stand at the log's start who joined before it.
    pub(crate) joined_before: [f64; 3],
}

/// The filter, with everything that does not depend on the customer.
#[derive(Debug, Clone)]
pub(crate) struct Oracle {
    chains: Vec<Chain>,
    shares: [f64; CustomerType::COUNT],
    log_medians: [[f64; 2]; 3],
    noise: f64,
    discount: [f64; 2],
    returned: [f64; 2],
}

/// An instant at which the oracle is asked, with what it needs to know about it.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) second: i64,
    u: f64,
    /// Probability of no order within the horizon, by chain and state.
    pub(crate) no_order: Vec<[f64; 3]>,
}

/// Weights over (type, state), summing to 1 once the first order is in.
#[derive(Debug, Clone)]
struct Belief {
    weights: [[f64; 3]; CustomerType::COUNT],
    u: f64,
    orders: usize,
}

impl Oracle {
    pub(crate) fn new(params: &OrderParams, chains: Vec<Chain>, log_medians: [[f64; 2]; 3]) -> Self {
        let share = |shares: &[f64; 3], class: usize| shares[class] / shares.iter().sum::<f64>();
        let shares = std::array::from_fn(|index| {
            let t = CustomerType::from_index(index);
            share(&params.rate_shares, t.rate)
                * share(&params.hazard_shares, t.hazard)
                * share(&params.spend_shares, t.spend)
        });
        Self {
            chains,
            shares,
            log_medians,
            noise: params.amount_noise,
            discount: [params.discount_share, params.cooling_discount_share],
            returned: [params.return_share, params.cooling_return_share],
        }
    }

    /// Prepares for instants at `second`, with `u` and `ahead` the operational time there and at the
    /// horizon's end.
    pub(crate) fn question(&self, second: i64, u: f64, ahead: f64) -> Question {
        let no_order = |chain: &Chain| chain.killed.exponential(ahead - u).map(|row| row.iter().sum());
        Question { second, u, no_order: self.chains.iter().map(no_order).collect() }
    }

    /// The probability of no order within the horizon given the orders before each instant; NaN where there
    /// is none yet. Questions are sorted by time. `None` where the history cannot come from this world.
    pub(crate) fn answer(&self, orders: &[Order], questions: &[Question], out: &mut [f64]) -> Option<()> {
        // Orders whose return can no longer come have their final likelihood and are taken up once.
        let mut settled = Belief { weights: [[0.0; 3]; CustomerType::COUNT], u: 0.0, orders: 0 };
        for (question, answer) in questions.iter().zip(out) {
            let seen = orders.partition_point(|o| o.second < question.second);
            if seen == 0 {
                *answer = f64::NAN;
                continue;
            }
            let last_settled = question.second - RETURN_DAYS.1 * DAY;
            while settled.orders < seen && orders[settled.orders].second <= last_settled {
                self.absorb(&mut settled, orders, question.second)?;
            }
            let mut belief = settled.clone();
            while belief.orders < seen {
                self.absorb(&mut belief, orders, question.second)?;
            }
            *answer = self.predict(&belief, question);
        }
        Some(())
    }

    /// One step of the filter: to the next order and through it, with its return as known at `now`.
    fn absorb(&self, belief: &mut Belief, orders: &[Order], now: i64) -> Option<()> {
        let order = &orders[belief.orders];
        let marks = self.marks(order, now);
        let gap = (order.u - belief.u).max(0.0);
        let mut total = 0.0;
        for (c, chain) in self.chains.iter().enumerate() {
            let moved: Matrix = chain.killed.exponential(gap);
            for (spend, marks) in marks.iter().enumerate() {
                let index = c * 3 + spend;
                let weight = &mut belief.weights[index];
                let (v, joins) = if belief.orders == 0 {
                    let share = self.shares[index];
                    (chain.joined_before.map(|w| share * w), share)
                } else {
                    (*weight, 0.0)
                };
                let v = times(v, &moved);
                *weight = [(v[0] * chain.rates[0] + joins) * marks[0], v[1] * chain.rates[1] * marks[1], 0.0];
                total += weight[0] + weight[1];
            }
        }
        let scale = 1.0 / total;
        belief.weights.iter_mut().flatten().for_each(|w| *w *= scale);
        belief.u = order.u;
        belief.orders += 1;
        (total > 0.0).then_some(())
    }

    /// Likelihood of an order's marks by spend class and state, up to a common factor.
    fn marks(&self, order: &Order, now: i64) -> [[f64; 2]; 3] {
        let log_likelihood = self.log_medians.map(|by_state| {
            by_state.map(|mean| {
                let squares = order.squares - 2.0 * mean * order.sum + order.lines * mean * mean;
                -0.5 * squares / (self.noise * self.noise)
            })
        });
        let highest = log_likelihood.as_flattened().iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let event = |p: f64, happened: bool| if happened { p } else { 1.0 - p };
        let back = order.returned < now;
        let elapsed = (now - order.second - RETURN_DAYS.0 * DAY) as f64;
        let due = (elapsed / ((RETURN_DAYS.1 - RETURN_DAYS.0) * DAY) as f64).clamp(0.0, 1.0);
        log_likelihood.map(|by_state| {
            std::array::from_fn(|state| {
                let sent_back = if back { self.returned[state] } else { 1.0 - self.returned[state] * due };
                (by_state[state] - highest).exp() * event(self.discount[state], order.discounted) * sent_back
            })
        })
    }

    fn predict(&self, belief: &Belief, question: &Question) -> f64 {
        let (mut none, mut total) = (0.0, 0.0);
        for (c, (chain, no_order)) in self.chains.iter().zip(&question.no_order).enumerate() {
            let moved = chain.killed.exponential((question.u - belief.u).max(0.0));
            for weight in &belief.weights[c * 3..c * 3 + 3] {
                let v = times(*weight, &moved);
                none += v[0] * no_order[0] + v[1] * no_order[1] + v[2] * no_order[2];
                total += v[0] + v[1] + v[2];
            }
        }
        (none / total).clamp(0.0, 1.0)
    }
}
