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

/// A row of the narrow profile, and what the wide one has beside it.
pub(super) fn row(person: &Person, market: &Market, rng: &mut Pcg64Mcg) -> (GuideRow, Further) {
    let history = History::draw(person, rng);
    let History { sessions, payments, calls, .. } = &history;
    let ages = |wanted: fn(&Session) -> bool| sessions.iter().filter(move |s| wanted(s)).map(|s| s.age);
    let held = counts(ages(Session::is_held));
    let due = counts(ages(|_| true));
    let cancelled = ratios(counts(ages(|s| matches!(s.fate, Fate::Cancelled { .. }))), due);
    let share = |wanted: fn(&Session) -> bool| ratios(counts(ages(wanted)), due)[2];
    let rated = sessions.iter().filter_map(|session| Some((session.age, session.stars()?)));
    let rating = ratios(sums(rated.clone()), counts(rated.clone().map(|(age, _)| age)));
    let calls_in = counts(calls.iter().map(|call| call.age));
    let bad_calls = counts(calls.iter().filter(|call| call.bad_tone).map(|call| call.age));
    let logins = counts(history.logins.iter().copied());
    let messages = counts(history.messages.iter().copied());
    let tried = counts(payments.iter().map(|payment| payment.age));
    let paid = counts(payments.iter().filter(|payment| payment.success).map(|payment| payment.age));
    let spent = sums(payments.iter().filter(|p| p.success).map(|p| (p.age, p.amount)));
    let payment_rate = ratios(paid, tried);
    let weekly = |count: f64, days: f64| tidy(7.0 * count / days);
    let frequency: [f64; 3] = std::array::from_fn(|at| weekly(held[at], WINDOWS[at]));
    let sessions_so_far = held[3] + history.earlier_sessions;
    let last = sessions_so_far.min(10.0);
    let still = if person.gone_days > 0.0 { 0.04 } else { 1.0 };
    let ahead = 2.0 * person.rate * still * (-0.3 * person.decline).exp();
    let booked: [f64; 2] = std::array::from_fn(|_| binomial(8.0, (ahead / 2.0 * 0.85 / 8.0).min(1.0), rng));
    let hours = held.map(|count| count * if (person.subject as u8).is_multiple_of(3) { 1.5 } else { 1.0 });
    let joined = person.tenure_days.floor();
    let guide = GuideRow {
        session_count_7d: held[0],
        session_count_14d: held[1],
        session_count_30d: held[2],
        session_frequency_7d: frequency[0],
        session_frequency_14d: frequency[1],
        session_frequency_30d: frequency[2],
        avg_rating_7d: rating[0],
        avg_rating_14d: rating[1],
        avg_rating_30d: rating[2],
        cancellation_rate_7d: cancelled[0],
        cancellation_rate_14d: cancelled[1],
        cancellation_rate_30d: cancelled[2],
        ib_call_count_7d: calls_in[0],
        ib_call_count_14d: calls_in[1],
        ib_call_count_30d: calls_in[2],
        negative_calls_7d: bad_calls[0],
        negative_calls_14d: bad_calls[1],
        negative_calls_30d: bad_calls[2],
        days_since_last_session: youngest(ages(Session::is_held)),
        days_since_last_login: youngest(history.logins.iter().copied().chain([person.tenure_days])),
        days_since_last_payment: youngest(
            payments.iter().filter(|p| p.success).map(|p| p.age).chain([person.tenure_days]),
        ),
        days_since_last_ib_call: youngest(calls.iter().map(|call| call.age)),
        customer_tenure_days: joined,
        total_sessions_lifetime: sessions_so_far,
        total_spend_lifetime: spent[3] + history.earlier_sessions * (history.price + history.dues).round(),
        subscription_tier: Some(Coded(person.tier)),
        acquisition_channel: Some(Coded(person.channel)),
        grade_level: Some(Coded(person.grade)),
        login_count_7d: logins[0],
        login_count_14d: logins[1],
        login_count_30d: logins[2],
        message_count_7d: messages[0],
        message_count_14d: messages[1],
        message_count_30d: messages[2],
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
        rating_trend: tidy(rating[1] - rating[2]),
        engagement_trend: tidy(weekly(logins[1], 14.0) - weekly(logins[2], 30.0)),
        primary_subject: Some(Coded(person.subject)),
        session_hours_30d: hours[2],
        booked_sessions_14d: booked[0] + booked[1],
        low_ratings_30d: rated.clone().filter(|(age, stars)| *age < 30.0 && *stars <= 2.0).count() as f64,
        late_cancellation_rate_30d: share(|s| s.fate == Fate::Cancelled { late: true }),
        tutor_cancellation_rate_30d: share(|s| s.fate == Fate::ByTutor),
        ib_call_trend: tidy(weekly(calls_in[1], 14.0) - weekly(calls_in[2], 30.0)),
        cancellation_trend: tidy(cancelled[1] - cancelled[2]),
        spend_30d: spent[2],
        failed_payments_30d: tried[2] - paid[2],
        refunds_30d: binomial(bad_calls[2], 0.25, rng),
        days_since_last_message: youngest(history.messages.iter().copied().chain([person.tenure_days])),
        message_response_rate_30d: binomial(10.0, logistic(0.6 * (person.rating - 2.5)), rng) / 10.0,
        primary_subject_supply: tidy(market.supply_ratio(person.subject)),
    };
    let further = [
        ("session_hours_7d", hours[0]),
        ("session_hours_14d", hours[1]),
        ("booked_sessions_7d", booked[0]),
        ("reschedule_rate_30d", share(|s| s.fate == Fate::Moved)),
        ("no_show_rate_30d", share(|s| s.fate == Fate::Missed)),
        ("days_since_last_rating", youngest(rated.map(|(age, _)| age))),
        ("spend_7d", spent[0]),
        ("spend_14d", spent[1]),
        ("call_minutes_30d", calls.iter().filter(|call| call.age < 30.0).map(|call| call.minutes).sum()),
        ("tutors_seen_30d", held[2].min(1.0 + binomial(4.0, 0.6 * (1.0 - person.consistency), rng))),
        ("profile_views_30d", binomial(12.0, 0.7 * (1.0 - person.consistency), rng)),
    ];
    (guide, further)
}
