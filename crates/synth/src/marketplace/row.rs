//! From a history to a row.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use tenure_features::marketplace::{Coded, GuideRow};

use super::history::{Fate, History, Session, WINDOWS};
use super::market::Market;
use super::person::Person;
use super::{logistic, normal, tidy};

/// What the wide row has beside the narrow one and the market, in its order, with names.
pub(super) type Further = [(&'static str, f64); 11];

/// Events in the windows of 7, 14 and 30 days, and in all.
fn counts(ages: impl Iterator<Item = f64> + Clone) -> [f64; 4] {
    WINDOWS.map(|days| ages.clone().filter(|age| *age < days).count() as f64)
}

/// Sums within the windows.
fn sums(of: impl Iterator<Item = (f64, f64)> + Clone) -> [f64; 4] {
    WINDOWS.map(|days| of.clone().filter(|(age, _)| *age < days).map(|(_, value)| value).sum())
}

/// Parts by wholes; of a window without any, what the next longer one says.
fn ratios(parts: [f64; 4], wholes: [f64; 4]) -> [f64; 4] {
    let mut ratios = [f64::NAN; 4];
    for at in (0..4).rev() {
        let longer = ratios.get(at + 1).copied().unwrap_or(f64::NAN);
        ratios[at] = if wholes[at] > 0.0 { tidy(parts[at] / wholes[at]) } else { longer };
    }
    ratios
}

fn youngest(ages: impl Iterator<Item = f64>) -> f64 {
    ages.fold(f64::NAN, f64::min).floor()
}

/// Successes of `n` trials.
fn binomial(n: f64, share: f64, rng: &mut Pcg64Mcg) -> f64 {
    (0..n as u32).filter(|_| rng.random_bool(share)).count() as f64
}

fn ages(sessions: &[Session], wanted: fn(&Session) -> bool) -> impl Iterator<Item = f64> + Clone {
    sessions.iter().filter(move |session| wanted(session)).map(|session| session.age)
}

/// Ages and stars.
fn rated(history: &History) -> impl Iterator<Item = (f64, f64)> + Clone {
    history.sessions.iter().filter_map(|session| Some((session.age, session.stars()?)))
}

fn weekly(count: f64, days: f64) -> f64 {
    tidy(7.0 * count / days)
}

/// What a history comes to, by window.
struct Readings<'a> {
    person: &'a Person,
    history: &'a History,
    /// Sessions due, and those held.
    due: [f64; 4],
    held: [f64; 4],
    hours: [f64; 4],
    /// Share cancelled.
    cancelled: [f64; 4],
    rating: [f64; 4],
    calls: [f64; 4],
    bad_calls: [f64; 4],
    logins: [f64; 4],
    messages: [f64; 4],
    /// Payments tried, and those that went through.
    tried: [f64; 4],
    paid: [f64; 4],
    spent: [f64; 4],
    /// Sessions of the coming week and the one after.
    booked: [f64; 2],
}

/// A row of the narrow profile, and what the wide one has beside it.
pub(super) fn row(person: &Person, market: &Market, rng: &mut Pcg64Mcg) -> (GuideRow, Further) {
    let history = History::draw(person, rng);
    let readings = Readings::of(person, &history, rng);
    (readings.guide(market, rng), readings.further(rng))
}

impl<'a> Readings<'a> {
    fn of(person: &'a Person, history: &'a History, rng: &mut Pcg64Mcg) -> Self {
        let History { sessions, payments, calls, .. } = history;
        let held = counts(ages(sessions, Session::is_held));
        let due = counts(ages(sessions, |_| true));
        let cancelled = counts(ages(sessions, |s| matches!(s.fate, Fate::Cancelled { .. })));
        let paid = payments.iter().filter(|payment| payment.success);
        let lesson = if (person.subject as u8).is_multiple_of(3) { 1.5 } else { 1.0 };
        // Who is gone has hardly anything booked.
        let still = if person.gone_days > 0.0 { 0.04 } else { 1.0 };
        let booked = 0.85 * person.rate * still * (-0.3 * person.decline).exp();
        Self {
            person,
            history,
            due,
            held,
            hours: held.map(|count| lesson * count),
            cancelled: ratios(cancelled, due),
            rating: ratios(sums(rated(history)), counts(rated(history).map(|(age, _)| age))),
            calls: counts(calls.iter().map(|call| call.age)),
            bad_calls: counts(calls.iter().filter(|call| call.bad_tone).map(|call| call.age)),
            logins: counts(history.logins.iter().copied()),
            messages: counts(history.messages.iter().copied()),
            tried: counts(payments.iter().map(|payment| payment.age)),
            paid: counts(paid.clone().map(|payment| payment.age)),
            spent: sums(paid.map(|payment| (payment.age, payment.amount))),
            booked: std::array::from_fn(|_| binomial(8.0, (booked / 8.0).min(1.0), rng)),
        }
    }

    /// Of the sessions due within 30 days, the share with such a fate.
    fn share(&self, wanted: fn(&Session) -> bool) -> f64 {
        ratios(counts(ages(&self.history.sessions, wanted)), self.due)[2]
    }

    fn guide(&self, market: &Market, rng: &mut Pcg64Mcg) -> GuideRow {
        let &Self { person, history, .. } = self;
        let frequency: [f64; 3] = std::array::from_fn(|at| weekly(self.held[at], WINDOWS[at]));
        let payment_rate = ratios(self.paid, self.tried);
        let sessions_so_far = self.held[3] + history.earlier_sessions;
        let last = sessions_so_far.min(10.0);
        GuideRow {
            session_count_7d: self.held[0],
            session_count_14d: self.held[1],
            session_count_30d: self.held[2],
            session_frequency_7d: frequency[0],
            session_frequency_14d: frequency[1],
            session_frequency_30d: frequency[2],
            avg_rating_7d: self.rating[0],
            avg_rating_14d: self.rating[1],
            avg_rating_30d: self.rating[2],
            cancellation_rate_7d: self.cancelled[0],
            cancellation_rate_14d: self.cancelled[1],
            cancellation_rate_30d: self.cancelled[2],
            ib_call_count_7d: self.calls[0],
            ib_call_count_14d: self.calls[1],
            ib_call_count_30d: self.calls[2],
            negative_calls_7d: self.bad_calls[0],
            negative_calls_14d: self.bad_calls[1],
            negative_calls_30d: self.bad_calls[2],
            days_since_last_session: youngest(ages(&history.sessions, Session::is_held)),
            days_since_last_login: youngest(history.logins.iter().copied().chain([person.tenure_days])),
            days_since_last_payment: youngest(
                history.payments.iter().filter(|p| p.success).map(|p| p.age).chain([person.tenure_days]),
            ),
            days_since_last_ib_call: youngest(history.calls.iter().map(|call| call.age)),
            customer_tenure_days: person.tenure_days.floor(),
            total_sessions_lifetime: sessions_so_far,
            total_spend_lifetime: self.spent[3]
                + history.earlier_sessions * (history.price + history.dues).round(),
            subscription_tier: Some(Coded(person.tier)),
            acquisition_channel: Some(Coded(person.channel)),
            grade_level: Some(Coded(person.grade)),
            login_count_7d: self.logins[0],
            login_count_14d: self.logins[1],
            login_count_30d: self.logins[2],
            message_count_7d: self.messages[0],
            message_count_14d: self.messages[1],
            message_count_30d: self.messages[2],
            payment_success_rate_7d: payment_rate[0],
            payment_success_rate_14d: payment_rate[1],
            payment_success_rate_30d: payment_rate[2],
            tutor_consistency: tidy(binomial(last, person.consistency, rng) / last),
            primary_tutor_rating: tidy(person.tutor_rating),
            tutor_switches: binomial(6.0, (0.02 + 0.6 * (1.0 - person.consistency)) / 2.0, rng),
            tutor_response_time: tidy(3.0 * (0.5 * normal(rng)).exp()),
            // One in 25 was not judged.
            first_session_success: (rng.random::<f64>() > 0.04).then_some(Coded(person.first_success)),
            session_velocity_change: tidy(frequency[1] - frequency[2]),
            rating_trend: tidy(self.rating[1] - self.rating[2]),
            engagement_trend: tidy(weekly(self.logins[1], 14.0) - weekly(self.logins[2], 30.0)),
            primary_subject: Some(Coded(person.subject)),
            session_hours_30d: self.hours[2],
            booked_sessions_14d: self.booked[0] + self.booked[1],
            low_ratings_30d: rated(history).filter(|(age, stars)| *age < 30.0 && *stars <= 2.0).count()
                as f64,
            late_cancellation_rate_30d: self.share(|s| s.fate == Fate::Cancelled { late: true }),
            tutor_cancellation_rate_30d: self.share(|s| s.fate == Fate::ByTutor),
            ib_call_trend: tidy(weekly(self.calls[1], 14.0) - weekly(self.calls[2], 30.0)),
            cancellation_trend: tidy(self.cancelled[1] - self.cancelled[2]),
            spend_30d: self.spent[2],
            failed_payments_30d: self.tried[2] - self.paid[2],
            refunds_30d: binomial(self.bad_calls[2], 0.25, rng),
            days_since_last_message: youngest(history.messages.iter().copied().chain([person.tenure_days])),
            message_response_rate_30d: binomial(10.0, logistic(0.6 * (person.rating - 2.5)), rng) / 10.0,
            primary_subject_supply: tidy(market.supply_ratio(person.subject)),
        }
    }

    fn further(&self, rng: &mut Pcg64Mcg) -> Further {
        let &Self { person, history, .. } = self;
        [
            ("session_hours_7d", self.hours[0]),
            ("session_hours_14d", self.hours[1]),
            ("booked_sessions_7d", self.booked[0]),
            ("reschedule_rate_30d", self.share(|s| s.fate == Fate::Moved)),
            ("no_show_rate_30d", self.share(|s| s.fate == Fate::Missed)),
            ("days_since_last_rating", youngest(rated(history).map(|(age, _)| age))),
            ("spend_7d", self.spent[0]),
            ("spend_14d", self.spent[1]),
            (
                "call_minutes_30d",
                history.calls.iter().filter(|call| call.age < 30.0).map(|call| call.minutes).sum(),
            ),
            ("tutors_seen_30d", self.held[2].min(1.0 + binomial(4.0, 0.6 * (1.0 - person.consistency), rng))),
            ("profile_views_30d", binomial(12.0, 0.7 * (1.0 - person.consistency), rng)),
        ]
    }
}
