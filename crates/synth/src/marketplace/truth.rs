//! What each label follows from: functions of the row, and how labels are drawn from them.

use rand::RngExt;
use rand_distr::{Beta, Distribution, Gamma};
use rand_pcg::Pcg64Mcg;
use statrs::distribution::{self as quantiles, ContinuousCDF};
use tenure_features::marketplace::GuideRow;

use super::market::{Market, SUBJECTS};
use super::{logistic, normal};

/// Precision of health scores: their variance is m (1 − m) / (κ + 1) of the range, m the share of it expected.
const HEALTH_PRECISION: f64 = 105.0;
/// Variance of the velocity for each session a week expected.
const VELOCITY_VARIANCE: f64 = 0.0115;
/// Deviation of supply and demand.
const SUPPLY_DEMAND_NOISE: f64 = 0.25;

/// Probabilities and expected values given the features of a row.
#[derive(Debug, Clone)]
pub(super) struct Truth {
    pub(super) first_session: f64,
    pub(super) velocity: f64,
    pub(super) churn_14d: f64,
    pub(super) churn_30d: f64,
    pub(super) health: f64,
}

/// Readings of a row that several labels share. Counts enter by ln(1 + n), so that no customer is far from all others.
struct Signals {
    /// Sessions a week, the last ones weighing more.
    activity: f64,
    /// Time without a session.
    quiet: f64,
    /// Time without a login.
    absent: f64,
    /// Calls within 14 days, 0 to 1.
    spike: f64,
    /// Calls with a bad tone.
    bad_calls: f64,
    /// Stars from 4.
    satisfaction: f64,
    /// Cancellations from a fifth of the sessions.
    cancels: f64,
    failed: f64,
    /// Payments that went through, from nine in ten.
    payment: f64,
    booked: f64,
    logins: f64,
    messages: f64,
    trend: f64,
    consistency: f64,
    tier: f64,
    /// Answers to tutors, from seven in ten.
    answers: f64,
    /// Slowness of tutors, from 3 hours.
    slowness: f64,
    /// Whether the very first session went well, from seven in ten; halfway where not known.
    first: f64,
}

impl Signals {
    fn of(row: &GuideRow) -> Self {
        let log = f64::ln_1p;
        let first = row.first_session_success.map_or(0.5, |first| f64::from(u8::from(first.0)));
        Self {
            activity: 0.5 * row.session_frequency_14d
                + 0.3 * row.session_frequency_30d
                + 0.2 * row.session_frequency_7d,
            quiet: log(row.days_since_last_session / 7.0),
            absent: log(row.days_since_last_login / 3.0),
            spike: (row.ib_call_count_14d / 2.0).tanh(),
            bad_calls: log(row.negative_calls_30d),
            satisfaction: row.avg_rating_30d - 4.0,
            cancels: row.cancellation_rate_30d - 0.2,
            failed: log(row.failed_payments_30d),
            payment: row.payment_success_rate_30d - 0.9,
            booked: log(row.booked_sessions_14d),
            logins: log(row.login_count_14d),
            messages: log(row.message_count_14d),
            trend: row.session_velocity_change.tanh(),
            consistency: row.tutor_consistency - 0.75,
            tier: row.subscription_tier.map_or(0.0, |tier| f64::from(tier.0 as u8)),
            answers: row.message_response_rate_30d - 0.7,
            slowness: (row.tutor_response_time / 3.0).ln(),
            first: first - 0.7,
        }
    }

    /// Log-odds of leaving within 30 days.
    fn risk(&self, row: &GuideRow) -> f64 {
        let channel = row.acquisition_channel.map_or(0.0, |channel| f64::from(channel.0 as u8));
        -2.17 + 0.7 * self.quiet + 0.2 * self.absent - 0.75 * (self.activity - 1.0)
            + 4.8 * self.spike
            + 0.4 * self.quiet * self.spike
            + 0.55 * self.bad_calls
            - 0.8 * self.satisfaction * (1.0 + 0.5 * self.spike)
            + 1.1 * self.cancels
            + 0.4 * self.failed
            - 1.1 * self.payment
            - 0.65 * self.booked
            - 0.35 * self.logins
            - 0.15 * self.messages
            - 0.45 * self.trend
            - 0.5 * self.consistency
            - 0.25 * self.tier
            - 0.3 * self.first
            + 0.1 * self.slowness
            - 0.1 * channel
            - 0.2 * (row.customer_tenure_days / 180.0).ln()
    }

    /// Log-odds of leaving within 14 days, of those who leave within 30.
    fn urgency(&self, row: &GuideRow) -> f64 {
        1.1 + 0.4 * self.quiet + 0.7 * row.ib_call_count_7d.ln_1p() + 0.45 * row.negative_calls_14d.ln_1p()
            - 0.6 * self.booked
            - 0.4 * row.login_count_7d.ln_1p()
    }

    /// Log-odds that the next first session goes well.
    fn fit(&self, row: &GuideRow) -> f64 {
        let supply = row.primary_subject_supply.ln().tanh();
        let grade = row.grade_level.map_or(0.0, |grade| f64::from(grade.0 as u8));
        4.62 + 3.6 * self.satisfaction + 2.9 * self.first + 3.8 * (row.primary_tutor_rating - 4.3)
            - 1.8 * self.slowness
            - 1.4 * self.bad_calls
            - 1.3 * row.tutor_switches.ln_1p()
            + 1.6 * supply * (1.0 + self.satisfaction)
            + 4.1 * self.answers
            - 4.1 * self.cancels
            - 4.8 * row.tutor_cancellation_rate_30d
            + 1.3 * (self.activity - 1.3)
            - 1.3 * row.low_ratings_30d.ln_1p()
            - 0.5 * (grade - 1.8)
            + 1.9 * self.consistency
            - 0.85 * self.quiet
    }

    /// Log-odds of the health score's share of its range.
    fn health(&self) -> f64 {
        0.74 + 0.33 * (self.activity - 1.3) - 0.27 * self.quiet - 0.06 * self.absent
            + 0.33 * self.satisfaction
            + 0.09 * self.satisfaction * self.activity
            - 0.6 * self.spike
            - 0.15 * self.bad_calls
            - 0.36 * self.cancels
            + 0.54 * self.payment
            - 0.09 * self.failed
            + 0.12 * self.booked
            + 0.09 * self.logins
            + 0.05 * self.messages
            + 0.15 * self.trend
            + 0.18 * self.consistency
            + 0.05 * self.tier
            + 0.24 * self.answers
    }

    /// Sessions a week to come: past and booked ones, less what calls, cancellations and displeasure take away.
    fn velocity(&self, row: &GuideRow) -> f64 {
        let pace = 0.03
            + 0.28 * row.session_frequency_14d
            + 0.19 * row.session_frequency_30d
            + 0.09 * row.session_frequency_7d
            + 0.19 * row.booked_sessions_14d;
        let mood = 0.08 * self.satisfaction - 0.25 * self.cancels
            + 0.06 * (row.engagement_trend / 2.0).tanh()
            + 0.15 * self.payment;
        pace * (1.0 - 0.25 * self.spike) * mood.exp()
    }
}

impl Truth {
    pub(super) fn of(row: &GuideRow, noise: f64) -> Self {
        let signals = Signals::of(row);
        let churn_30d = logistic(signals.risk(row) / noise);
        Self {
            first_session: logistic(signals.fit(row) / noise),
            velocity: signals.velocity(row),
            churn_14d: churn_30d * logistic(signals.urgency(row) / noise),
            churn_30d,
            health: 100.0 * logistic(signals.health()),
        }
    }

    /// Labels as they may turn out; who leaves within 14 days leaves within 30.
    pub(super) fn draw(&self, noise: f64, rng: &mut Pcg64Mcg) -> Self {
        let fate = rng.random::<f64>();
        let happens = |probability: f64, draw: f64| f64::from(u8::from(draw < probability));
        let ((a, b), (shape, scale)) = (self.health_shapes(noise), self.velocity_shape(noise));
        let (health, velocity) = (Beta::new(a, b), Gamma::new(shape, scale));
        Self {
            first_session: happens(self.first_session, rng.random()),
            velocity: velocity.map_or(self.velocity, |gamma| gamma.sample(rng)),
            churn_14d: happens(self.churn_14d, fate),
            churn_30d: happens(self.churn_30d, fate),
            health: health.map_or(self.health, |beta| 100.0 * beta.sample(rng)),
        }
    }

    /// Medians of the numbers, which have the least mean absolute error; probabilities are left as they are.
    pub(super) fn medians(&self, noise: f64) -> Self {
        let ((a, b), (shape, scale)) = (self.health_shapes(noise), self.velocity_shape(noise));
        let health = quantiles::Beta::new(a, b).map_or(self.health, |beta| 100.0 * beta.inverse_cdf(0.5));
        let velocity = quantiles::Gamma::new(shape, 1.0 / scale);
        Self { health, velocity: velocity.map_or(self.velocity, |gamma| gamma.inverse_cdf(0.5)), ..*self }
    }

    /// Both parameters of the beta distribution of the health score's share of its range.
    fn health_shapes(&self, noise: f64) -> (f64, f64) {
        let (share, precision) = (self.health / 100.0, HEALTH_PRECISION / (noise * noise));
        (share * precision, (1.0 - share) * precision)
    }

    /// Shape and scale of the gamma distribution of the velocity.
    fn velocity_shape(&self, noise: f64) -> (f64, f64) {
        let scale = VELOCITY_VARIANCE * noise * noise;
        (self.velocity / scale, scale)
    }
}

/// Expected supply and demand of each subject: above 0 where tutors will be short.
pub(super) fn supply_demand(market: &Market) -> [f64; SUBJECTS] {
    std::array::from_fn(|at| {
        let gap = (market.demand[at] / market.supply[at]).ln();
        let trend = market.demand_trend[at];
        gap + 1.2 * trend + 0.6 * gap * trend + 1.5 * (0.75 - market.fill_rate[at])
    })
}

/// Supply and demand as they may turn out.
pub(super) fn draw_supply_demand(
    expected: &[f64; SUBJECTS],
    noise: f64,
    rng: &mut Pcg64Mcg,
) -> [f64; SUBJECTS] {
    expected.map(|mean| mean + SUPPLY_DEMAND_NOISE * noise * normal(rng))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy 1.17.1, with v and h expected, n the noise: gamma.median(v / s, scale=s) for s = 0.0115 n²;
    /// 100 beta.median(h / 100 k, (1 - h / 100) k) for k = 105 / n².
    #[test]
    fn medians_are_those_of_the_distributions() {
        let medians = |velocity, health, noise| {
            let of = Truth { first_session: 0.5, churn_14d: 0.1, churn_30d: 0.2, velocity, health };
            let medians = of.medians(noise);
            assert_eq!((medians.first_session, medians.churn_30d), (0.5, 0.2));
            (medians.velocity, medians.health)
        };
        for (velocity, health, noise, expected) in [
            (1.2, 60.0, 1.0, (1.196_168_851_244_346_2, 60.063_727_086_466_06)),
            (0.02, 97.0, 1.0, (0.016_324_527_946_205_303, 97.293_706_116_652_5)),
            (0.05, 20.0, 3.0, (0.022_049_469_987_762_325, 18.256_096_002_087_087)),
            (2.5, 60.0, 0.05, (2.499_990_416_673_197_7, 60.000_158_731_633_1)),
        ] {
            let found = medians(velocity, health, noise);
            let far = ((found.0 - expected.0) / expected.0).abs().max(((found.1 - expected.1) / 100.0).abs());
            assert!(far < 1e-8, "{found:?}, expected {expected:?}");
        }
    }
}
