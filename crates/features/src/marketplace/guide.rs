//! The row of 59 features.

use tenure_core::row::{ANY, POSITIVE, SHARE};
use tenure_core::typed_row;

use super::{Channel, Coded, Grade, Subject, Tier};

/// Stars.
pub(super) const RATING: std::ops::RangeInclusive<f64> = 1.0..=5.0;
/// Difference of two ratings.
pub(super) const RATING_CHANGE: std::ops::RangeInclusive<f64> = -4.0..=4.0;
/// Difference of two shares.
pub(super) const SHARE_CHANGE: std::ops::RangeInclusive<f64> = -1.0..=1.0;

typed_row! {
    /// What is known of a customer as of an instant: the 59 features of [`Profile::Guide`](super::Profile::Guide).
    /// See the [module](super) for windows and missing values.
    pub struct GuideRow {
        // Windows
        /// Sessions in the last 7 days
        pub session_count_7d: f64 = "sessions", POSITIVE;
        /// Sessions in the last 14 days
        pub session_count_14d: f64 = "sessions", POSITIVE;
        /// Sessions in the last 30 days
        pub session_count_30d: f64 = "sessions", POSITIVE;
        /// Sessions per week in the last 7 days
        pub session_frequency_7d: f64 = "sessions/week", POSITIVE;
        /// Sessions per week in the last 14 days
        pub session_frequency_14d: f64 = "sessions/week", POSITIVE;
        /// Sessions per week in the last 30 days
        pub session_frequency_30d: f64 = "sessions/week", POSITIVE;
        /// Mean rating of the sessions of the last 7 days
        pub avg_rating_7d: f64 = "stars", RATING;
        /// Mean rating of the sessions of the last 14 days
        pub avg_rating_14d: f64 = "stars", RATING;
        /// Mean rating of the sessions of the last 30 days
        pub avg_rating_30d: f64 = "stars", RATING;
        /// Share of the sessions due in the last 7 days that the customer cancelled
        pub cancellation_rate_7d: f64 = "share", SHARE;
        /// Share of the sessions due in the last 14 days that the customer cancelled
        pub cancellation_rate_14d: f64 = "share", SHARE;
        /// Share of the sessions due in the last 30 days that the customer cancelled
        pub cancellation_rate_30d: f64 = "share", SHARE;
        /// Inbound calls for help in the last 7 days
        pub ib_call_count_7d: f64 = "calls", POSITIVE;
        /// Inbound calls for help in the last 14 days
        pub ib_call_count_14d: f64 = "calls", POSITIVE;
        /// Inbound calls for help in the last 30 days
        pub ib_call_count_30d: f64 = "calls", POSITIVE;
        /// Inbound calls with a bad tone in the last 7 days
        pub negative_calls_7d: f64 = "calls", POSITIVE;
        /// Inbound calls with a bad tone in the last 14 days
        pub negative_calls_14d: f64 = "calls", POSITIVE;
        /// Inbound calls with a bad tone in the last 30 days
        pub negative_calls_30d: f64 = "calls", POSITIVE;
        // Recency
        /// Days since the last session
        pub days_since_last_session: f64 = "days", POSITIVE;
        /// Days since the last login
        pub days_since_last_login: f64 = "days", POSITIVE;
        /// Days since the last payment
        pub days_since_last_payment: f64 = "days", POSITIVE;
        /// Days since the last inbound call
        /// (missing where there was none).
        pub days_since_last_ib_call: f64 = "days", POSITIVE;
        // Lifetime
        /// Days since the customer joined
        pub customer_tenure_days: f64 = "days", POSITIVE;
        /// Sessions so far
        pub total_sessions_lifetime: f64 = "sessions", POSITIVE;
        /// Money spent so far
        pub total_spend_lifetime: f64 = "money", POSITIVE;
        /// Subscription: 0 budget, 1 standard, 2 premium
        pub subscription_tier: Option<Coded<Tier>> = "";
        /// How the customer came: 0 organic, 1 paid, 2 referral
        pub acquisition_channel: Option<Coded<Channel>> = "";
        /// School: 0 elementary, 1 middle school, 2 high school, 3 college, 4 adult
        pub grade_level: Option<Coded<Grade>> = "";
        // Engagement
        /// Logins in the last 7 days
        pub login_count_7d: f64 = "logins", POSITIVE;
        /// Logins in the last 14 days
        pub login_count_14d: f64 = "logins", POSITIVE;
        /// Logins in the last 30 days
        pub login_count_30d: f64 = "logins", POSITIVE;
        /// Messages to tutors in the last 7 days
        pub message_count_7d: f64 = "messages", POSITIVE;
        /// Messages to tutors in the last 14 days
        pub message_count_14d: f64 = "messages", POSITIVE;
        /// Messages to tutors in the last 30 days
        pub message_count_30d: f64 = "messages", POSITIVE;
        // Payment
        /// Share of the payments of the last 7 days that went through
        pub payment_success_rate_7d: f64 = "share", SHARE;
        /// Share of the payments of the last 14 days that went through
        pub payment_success_rate_14d: f64 = "share", SHARE;
        /// Share of the payments of the last 30 days that went through
        pub payment_success_rate_30d: f64 = "share", SHARE;
        // Tutors
        /// Share of the last 10 sessions that were with the primary tutor
        pub tutor_consistency: f64 = "share", SHARE;
        /// Mean rating of the primary tutor by all customers
        pub primary_tutor_rating: f64 = "stars", RATING;
        /// Changes of the primary tutor so far
        pub tutor_switches: f64 = "changes", POSITIVE;
        /// Mean hours until tutors answer the customer's messages
        pub tutor_response_time: f64 = "hours", POSITIVE;
        /// Whether the customer's very first session went well: 1 yes, 0 no
        /// (past and known; missing where there was none yet or nobody judged it. It is not the target of this name).
        pub first_session_success: Option<Coded<bool>> = "";
        // Trends
        /// Sessions per week in the last 14 days less those in the last 30
        pub session_velocity_change: f64 = "sessions/week", ANY;
        /// Mean rating of the last 14 days less that of the last 30
        pub rating_trend: f64 = "stars", RATING_CHANGE;
        /// Logins per week in the last 14 days less those in the last 30
        pub engagement_trend: f64 = "logins/week", ANY;
        /// Subject of most sessions, by its place in the list of subjects, from 0
        pub primary_subject: Option<Coded<Subject>> = "";
        // Further: windows, trends
        /// Hours of sessions in the last 30 days
        pub session_hours_30d: f64 = "hours", POSITIVE;
        /// Sessions booked for the coming 14 days
        pub booked_sessions_14d: f64 = "sessions", POSITIVE;
        /// Sessions of the last 30 days rated 2 or lower
        pub low_ratings_30d: f64 = "sessions", POSITIVE;
        /// Share of the sessions due in the last 30 days that the customer cancelled less than a day before
        pub late_cancellation_rate_30d: f64 = "share", SHARE;
        /// Share of the sessions due in the last 30 days that tutors cancelled
        pub tutor_cancellation_rate_30d: f64 = "share", SHARE;
        /// Inbound calls per week in the last 14 days less those in the last 30
        pub ib_call_trend: f64 = "calls/week", ANY;
        /// Cancellation rate of the last 14 days less that of the last 30
        pub cancellation_trend: f64 = "share", SHARE_CHANGE;
        // Further: payment
        /// Money spent in the last 30 days
        pub spend_30d: f64 = "money", POSITIVE;
        /// Payments of the last 30 days that failed
        pub failed_payments_30d: f64 = "payments", POSITIVE;
        /// Refunds in the last 30 days
        pub refunds_30d: f64 = "refunds", POSITIVE;
        // Further: engagement, supply and demand
        /// Days since the customer last wrote to a tutor
        pub days_since_last_message: f64 = "days", POSITIVE;
        /// Share of tutors' messages of the last 30 days that the customer answered
        pub message_response_rate_30d: f64 = "share", SHARE;
        /// Hours that tutors of the primary subject offer for each hour asked for
        pub primary_subject_supply: f64 = "ratio", POSITIVE;
    }
}
