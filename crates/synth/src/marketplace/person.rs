//! What is hidden in a customer.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use tenure_features::marketplace::{Channel, Grade, Segment, Subject, Tier};

use super::{logistic, normal};

/// How the customers of a segment behave: means, and deviations where there are two.
struct Habits {
    /// Sessions a week.
    rate: (f64, f64),
    /// Stars.
    rating: (f64, f64),
    /// Calls in 14 days.
    calls: f64,
    /// Lowest and highest share of payments that go through.
    payment: (f64, f64),
    /// Logins a week.
    logins: (f64, f64),
    /// Messages a week.
    messages: f64,
    /// Share of sessions cancelled.
    cancels: f64,
    /// By how much activity fell over the last 30 days, as a logarithm.
    decline: f64,
}

impl Habits {
    fn of(segment: Segment) -> Self {
        let of = |rate, rating, calls, payment, logins, messages, cancels, decline| Self {
            rate,
            rating,
            calls,
            payment,
            logins,
            messages,
            cancels,
            decline,
        };
        match segment {
            Segment::Thriving => of((2.5, 0.5), (4.5, 0.3), 0.2, (0.95, 1.0), (8.0, 2.0), 4.0, 0.10, -0.1),
            Segment::Healthy => of((1.5, 0.5), (4.0, 0.4), 0.5, (0.9, 0.98), (5.0, 2.0), 3.0, 0.17, 0.0),
            Segment::AtRisk => of((0.5, 0.3), (3.5, 0.5), 1.5, (0.7, 0.9), (2.0, 1.0), 1.5, 0.28, 0.6),
            Segment::Churned => of((1.2, 0.5), (3.0, 0.6), 2.5, (0.4, 0.7), (3.0, 1.0), 1.5, 0.35, 0.0),
        }
    }
}

/// The hidden state of a customer. Everything that a row says is drawn from it.
pub(super) struct Person {
    /// Sessions a week that take place.
    pub(super) rate: f64,
    pub(super) rating: f64,
    /// Calls a week.
    pub(super) calls: f64,
    /// Share of calls with a bad tone.
    pub(super) bad_tone: f64,
    pub(super) payment: f64,
    /// A week.
    pub(super) logins: f64,
    /// A week.
    pub(super) messages: f64,
    pub(super) cancels: f64,
    pub(super) decline: f64,
    /// Days since all activity but calls and dues stopped; 0 for those who still come.
    pub(super) gone_days: f64,
    pub(super) tenure_days: f64,
    /// Share of sessions with the primary tutor.
    pub(super) consistency: f64,
    pub(super) tutor_rating: f64,
    pub(super) first_success: bool,
    pub(super) tier: Tier,
    pub(super) channel: Channel,
    pub(super) grade: Grade,
    pub(super) subject: Subject,
}

/// One of the levels, by their shares; the last one takes what is left.
fn pick<T: Copy>(levels: &[T], shares: &[f64], rng: &mut Pcg64Mcg) -> T {
    levels[place(shares, rng)]
}

/// The place that a draw falls on when `shares` follow each other; behind the last one where they leave room.
pub(super) fn place(shares: &[f64], rng: &mut Pcg64Mcg) -> usize {
    let mut left = rng.random::<f64>();
    let passed = |share: &&f64| {
        left -= **share;
        left >= 0.0
    };
    shares.iter().take_while(passed).count()
}

impl Person {
    /// Draws a customer of a segment. A mood, normal, is common to all traits.
    pub(super) fn draw(segment: Segment, rng: &mut Pcg64Mcg) -> Self {
        let habits = Habits::of(segment);
        let mood = normal(rng);
        let mut trait_of =
            |(mean, deviation): (f64, f64)| mean + deviation * (0.6 * mood + 0.8 * normal(rng));
        let (rate, rating, logins) =
            (trait_of(habits.rate), trait_of(habits.rating), trait_of(habits.logins));
        let decline = trait_of((habits.decline, -0.35));
        // The mean over moods is that of the segment.
        let calls = habits.calls / 2.0 * (-0.5 * mood - 0.125).exp();
        let gone = segment == Segment::Churned;
        Self {
            rate: rate.max(0.1),
            rating: rating.clamp(1.0, 5.0),
            calls,
            bad_tone: logistic(1.4 - 0.45 * (rating - 1.0) - 0.4 * mood),
            logins: logins.max(0.3),
            decline,
            tier: pick(Tier::ALL, &[0.3, 0.5], rng),
            channel: pick(Channel::ALL, &[0.4, 0.35], rng),
            grade: pick(Grade::ALL, &[0.1, 0.25, 0.45, 0.15], rng),
            subject: pick(Subject::ALL, &[0.05; 19], rng),
            messages: habits.messages * (0.2 * mood + 0.3 * normal(rng)).exp(),
            payment: rng.random_range(habits.payment.0..habits.payment.1),
            cancels: (habits.cancels * (-0.25 * mood + 0.3 * normal(rng)).exp()).min(0.8),
            gone_days: if gone { rng.random_range(25.0..60.0) } else { 0.0 },
            tenure_days: rng.random_range(if gone { 90.0 } else { 30.0 }..365.0),
            consistency: rng.random_range(0.5..1.0),
            tutor_rating: (4.3 + 0.25 * mood + 0.3 * normal(rng)).clamp(3.0, 5.0),
            first_success: rng.random_bool(logistic(0.9 + 0.8 * (rating - 4.0) + 0.3 * mood)),
        }
    }
}
