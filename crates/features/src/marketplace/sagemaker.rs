//! The row of 150 features.

use tenure_core::row::{ANY, POSITIVE, SHARE};
use tenure_core::typed_row;

use super::guide::{RATING, RATING_CHANGE, SHARE_CHANGE};
use super::{Channel, Coded, Grade, Subject, Tier};

typed_row! {
    /// What is known of a customer, and of the market where the customer is, as of an instant: the 150 features of
    /// [`Profile::SageMaker`](super::Profile::SageMaker). See the [module](super) for windows and missing values.
    pub struct SageMakerRow {
        // Names and order of the specification
        /// Sessions in the last 7 days
        pub session_count_7d: f64 = "sessions", POSITIVE;
        /// Sessions per week in the last 7 days
        pub session_frequency_7d: f64 = "sessions/week", POSITIVE;
        /// Mean rating of the sessions of the last 7 days
        pub avg_rating_7d: f64 = "stars", RATING;
        /// Share of the sessions due in the last 7 days that the customer cancelled
        pub cancellation_rate_7d: f64 = "share", SHARE;
        /// Inbound calls for help in the last 7 days
        pub ib_call_count_7d: f64 = "calls", POSITIVE;
        /// Sessions in the last 14 days
        pub session_count_14d: f64 = "sessions", POSITIVE;
        /// Sessions per week in the last 14 days
        pub session_frequency_14d: f64 = "sessions/week", POSITIVE;
        /// Mean rating of the sessions of the last 14 days
        pub avg_rating_14d: f64 = "stars", RATING;
        /// Inbound calls for help in the last 14 days
        pub ib_call_count_14d: f64 = "calls", POSITIVE;
        /// Inbound calls with a bad tone in the last 14 days
        pub negative_calls_14d: f64 = "calls", POSITIVE;
        /// Sessions in the last 30 days
        pub session_count_30d: f64 = "sessions", POSITIVE;
        /// Sessions per week in the last 30 days
        pub session_frequency_30d: f64 = "sessions/week", POSITIVE;
        /// Mean rating of the sessions of the last 30 days
        pub avg_rating_30d: f64 = "stars", RATING;
        /// Inbound calls for help in the last 30 days
        pub ib_call_count_30d: f64 = "calls", POSITIVE;
        /// Days since the last session
        pub days_since_last_session: f64 = "days", POSITIVE;
        /// Days since the last login
        pub days_since_last_login: f64 = "days", POSITIVE;
        /// Days since the last payment
        pub days_since_last_payment: f64 = "days", POSITIVE;
        /// Days since the customer joined
        pub customer_tenure_days: f64 = "days", POSITIVE;
        /// Logins in the last 7 days
        pub login_count_7d: f64 = "logins", POSITIVE;
        /// Messages to tutors in the last 7 days
        pub message_count_7d: f64 = "messages", POSITIVE;
        /// Share of the payments of the last 30 days that went through
        pub payment_success_rate_30d: f64 = "share", SHARE;
        /// Money spent so far
        pub total_spend_lifetime: f64 = "money", POSITIVE;
        /// Share of the last 10 sessions that were with the primary tutor
        pub tutor_consistency: f64 = "share", SHARE;
        /// Mean rating of the primary tutor by all customers
        pub primary_tutor_rating: f64 = "stars", RATING;
        /// Subscription: 0 budget, 1 standard, 2 premium
        pub subscription_tier: Option<Coded<Tier>> = "";
        /// Whether the customer's very first session went well: 1 yes, 0 no
        /// (past and known; missing where there was none yet or nobody judged it. It is not the target).
        pub first_session_was_success: Option<Coded<bool>> = "";
        // What the narrower profile has beside them, in its order
        /// Share of the sessions due in the last 14 days that the customer cancelled
        pub cancellation_rate_14d: f64 = "share", SHARE;
        /// Share of the sessions due in the last 30 days that the customer cancelled
        pub cancellation_rate_30d: f64 = "share", SHARE;
        /// Inbound calls with a bad tone in the last 7 days
        pub negative_calls_7d: f64 = "calls", POSITIVE;
        /// Inbound calls with a bad tone in the last 30 days
        pub negative_calls_30d: f64 = "calls", POSITIVE;
        /// Days since the last inbound call
        /// (missing where there was none).
        pub days_since_last_ib_call: f64 = "days", POSITIVE;
        /// Sessions so far
        pub total_sessions_lifetime: f64 = "sessions", POSITIVE;
        /// How the customer came: 0 organic, 1 paid, 2 referral
        pub acquisition_channel: Option<Coded<Channel>> = "";
        /// School: 0 elementary, 1 middle school, 2 high school, 3 college, 4 adult
        pub grade_level: Option<Coded<Grade>> = "";
        /// Logins in the last 14 days
        pub login_count_14d: f64 = "logins", POSITIVE;
        /// Logins in the last 30 days
        pub login_count_30d: f64 = "logins", POSITIVE;
        /// Messages to tutors in the last 14 days
        pub message_count_14d: f64 = "messages", POSITIVE;
        /// Messages to tutors in the last 30 days
        pub message_count_30d: f64 = "messages", POSITIVE;
        /// Share of the payments of the last 7 days that went through
        pub payment_success_rate_7d: f64 = "share", SHARE;
        /// Share of the payments of the last 14 days that went through
        pub payment_success_rate_14d: f64 = "share", SHARE;
        /// Changes of the primary tutor so far
        pub tutor_switches: f64 = "changes", POSITIVE;
        /// Mean hours until tutors answer the customer's messages
        pub tutor_response_time: f64 = "hours", POSITIVE;
        /// Sessions per week in the last 14 days less those in the last 30
        pub session_velocity_change: f64 = "sessions/week", ANY;
        /// Mean rating of the last 14 days less that of the last 30
        pub rating_trend: f64 = "stars", RATING_CHANGE;
        /// Logins per week in the last 14 days less those in the last 30
        pub engagement_trend: f64 = "logins/week", ANY;
        /// Subject of most sessions, by its place in the list of subjects, from 0
        pub primary_subject: Option<Coded<Subject>> = "";
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
        /// Money spent in the last 30 days
        pub spend_30d: f64 = "money", POSITIVE;
        /// Payments of the last 30 days that failed
        pub failed_payments_30d: f64 = "payments", POSITIVE;
        /// Refunds in the last 30 days
        pub refunds_30d: f64 = "refunds", POSITIVE;
        /// Days since the customer last wrote to a tutor
        pub days_since_last_message: f64 = "days", POSITIVE;
        /// Share of tutors' messages of the last 30 days that the customer answered
        pub message_response_rate_30d: f64 = "share", SHARE;
        /// Hours that tutors of the primary subject offer for each hour asked for
        pub primary_subject_supply: f64 = "ratio", POSITIVE;
        // Further: windows, engagement, payment
        /// Hours of sessions in the last 7 days
        pub session_hours_7d: f64 = "hours", POSITIVE;
        /// Hours of sessions in the last 14 days
        pub session_hours_14d: f64 = "hours", POSITIVE;
        /// Sessions booked for the coming 7 days
        pub booked_sessions_7d: f64 = "sessions", POSITIVE;
        /// Share of the sessions due in the last 30 days that the customer moved
        pub reschedule_rate_30d: f64 = "share", SHARE;
        /// Share of the sessions due in the last 30 days that the customer missed without a word
        pub no_show_rate_30d: f64 = "share", SHARE;
        /// Days since the customer last rated a session
        pub days_since_last_rating: f64 = "days", POSITIVE;
        /// Money spent in the last 7 days
        pub spend_7d: f64 = "money", POSITIVE;
        /// Money spent in the last 14 days
        pub spend_14d: f64 = "money", POSITIVE;
        /// Minutes of inbound calls in the last 30 days
        pub call_minutes_30d: f64 = "minutes", POSITIVE;
        /// Different tutors of the sessions of the last 30 days
        pub tutors_seen_30d: f64 = "tutors", POSITIVE;
        /// Profiles of other tutors looked at in the last 30 days
        pub profile_views_30d: f64 = "views", POSITIVE;
        // Supply by subject
        /// Hours that tutors offer in the coming week: algebra
        pub supply_algebra: f64 = "hours", POSITIVE;
        /// Hours that tutors offer in the coming week: geometry
        pub supply_geometry: f64 = "hours", POSITIVE;
        /// Hours that tutors offer in the coming week: trigonometry
        pub supply_trigonometry: f64 = "hours", POSITIVE;
        /// Hours that tutors offer in the coming week: precalculus
        pub supply_precalculus: f64 = "hours", POSITIVE;
        /// Hours that tutors offer in the coming week: statistics
        pub supply_statistics: f64 = "hours", POSITIVE;
        /// Hours that tutors offer in the coming week: AP Calculus
        pub supply_ap_calculus: f64 = "hours", POSITIVE;
        /// Hours that tutors offer in the coming week: physics
        pub supply_physics: f64 = "hours", POSITIVE;
        /// Hours that tutors offer in the coming week: AP Physics
        pub supply_ap_physics: f64 = "hours", POSITIVE;
        /// Hours that tutors offer in the coming week: chemistry
        pub supply_chemistry: f64 = "hours", POSITIVE;
        /// Hours that tutors offer in the coming week: AP Chemistry
        pub supply_ap_chemistry: f64 = "hours", POSITIVE;
        /// Hours that tutors offer in the coming week: biology
        pub supply_biology: f64 = "hours", POSITIVE;
        /// Hours that tutors offer in the coming week: AP Biology
        pub supply_ap_biology: f64 = "hours", POSITIVE;
        /// Hours that tutors offer in the coming week: English
        pub supply_english: f64 = "hours", POSITIVE;
        /// Hours that tutors offer in the coming week: essay writing
        pub supply_essay_writing: f64 = "hours", POSITIVE;
        /// Hours that tutors offer in the coming week: US history
        pub supply_us_history: f64 = "hours", POSITIVE;
        /// Hours that tutors offer in the coming week: world history
        pub supply_world_history: f64 = "hours", POSITIVE;
        /// Hours that tutors offer in the coming week: Spanish
        pub supply_spanish: f64 = "hours", POSITIVE;
        /// Hours that tutors offer in the coming week: French
        pub supply_french: f64 = "hours", POSITIVE;
        /// Hours that tutors offer in the coming week: computer science
        pub supply_computer_science: f64 = "hours", POSITIVE;
        /// Hours that tutors offer in the coming week: preparation for the SAT
        pub supply_sat_prep: f64 = "hours", POSITIVE;
        // Demand by subject
        /// Hours asked for in the last week: algebra
        pub demand_algebra: f64 = "hours", POSITIVE;
        /// Hours asked for in the last week: geometry
        pub demand_geometry: f64 = "hours", POSITIVE;
        /// Hours asked for in the last week: trigonometry
        pub demand_trigonometry: f64 = "hours", POSITIVE;
        /// Hours asked for in the last week: precalculus
        pub demand_precalculus: f64 = "hours", POSITIVE;
        /// Hours asked for in the last week: statistics
        pub demand_statistics: f64 = "hours", POSITIVE;
        /// Hours asked for in the last week: AP Calculus
        pub demand_ap_calculus: f64 = "hours", POSITIVE;
        /// Hours asked for in the last week: physics
        pub demand_physics: f64 = "hours", POSITIVE;
        /// Hours asked for in the last week: AP Physics
        pub demand_ap_physics: f64 = "hours", POSITIVE;
        /// Hours asked for in the last week: chemistry
        pub demand_chemistry: f64 = "hours", POSITIVE;
        /// Hours asked for in the last week: AP Chemistry
        pub demand_ap_chemistry: f64 = "hours", POSITIVE;
        /// Hours asked for in the last week: biology
        pub demand_biology: f64 = "hours", POSITIVE;
        /// Hours asked for in the last week: AP Biology
        pub demand_ap_biology: f64 = "hours", POSITIVE;
        /// Hours asked for in the last week: English
        pub demand_english: f64 = "hours", POSITIVE;
        /// Hours asked for in the last week: essay writing
        pub demand_essay_writing: f64 = "hours", POSITIVE;
        /// Hours asked for in the last week: US history
        pub demand_us_history: f64 = "hours", POSITIVE;
        /// Hours asked for in the last week: world history
        pub demand_world_history: f64 = "hours", POSITIVE;
        /// Hours asked for in the last week: Spanish
        pub demand_spanish: f64 = "hours", POSITIVE;
        /// Hours asked for in the last week: French
        pub demand_french: f64 = "hours", POSITIVE;
        /// Hours asked for in the last week: computer science
        pub demand_computer_science: f64 = "hours", POSITIVE;
        /// Hours asked for in the last week: preparation for the SAT
        pub demand_sat_prep: f64 = "hours", POSITIVE;
        // Requests met, by subject
        /// Share of the requests of the last 30 days that were met: algebra
        pub fill_rate_algebra: f64 = "share", SHARE;
        /// Share of the requests of the last 30 days that were met: geometry
        pub fill_rate_geometry: f64 = "share", SHARE;
        /// Share of the requests of the last 30 days that were met: trigonometry
        pub fill_rate_trigonometry: f64 = "share", SHARE;
        /// Share of the requests of the last 30 days that were met: precalculus
        pub fill_rate_precalculus: f64 = "share", SHARE;
        /// Share of the requests of the last 30 days that were met: statistics
        pub fill_rate_statistics: f64 = "share", SHARE;
        /// Share of the requests of the last 30 days that were met: AP Calculus
        pub fill_rate_ap_calculus: f64 = "share", SHARE;
        /// Share of the requests of the last 30 days that were met: physics
        pub fill_rate_physics: f64 = "share", SHARE;
        /// Share of the requests of the last 30 days that were met: AP Physics
        pub fill_rate_ap_physics: f64 = "share", SHARE;
        /// Share of the requests of the last 30 days that were met: chemistry
        pub fill_rate_chemistry: f64 = "share", SHARE;
        /// Share of the requests of the last 30 days that were met: AP Chemistry
        pub fill_rate_ap_chemistry: f64 = "share", SHARE;
        /// Share of the requests of the last 30 days that were met: biology
        pub fill_rate_biology: f64 = "share", SHARE;
        /// Share of the requests of the last 30 days that were met: AP Biology
        pub fill_rate_ap_biology: f64 = "share", SHARE;
        /// Share of the requests of the last 30 days that were met: English
        pub fill_rate_english: f64 = "share", SHARE;
        /// Share of the requests of the last 30 days that were met: essay writing
        pub fill_rate_essay_writing: f64 = "share", SHARE;
        /// Share of the requests of the last 30 days that were met: US history
        pub fill_rate_us_history: f64 = "share", SHARE;
        /// Share of the requests of the last 30 days that were met: world history
        pub fill_rate_world_history: f64 = "share", SHARE;
        /// Share of the requests of the last 30 days that were met: Spanish
        pub fill_rate_spanish: f64 = "share", SHARE;
        /// Share of the requests of the last 30 days that were met: French
        pub fill_rate_french: f64 = "share", SHARE;
        /// Share of the requests of the last 30 days that were met: computer science
        pub fill_rate_computer_science: f64 = "share", SHARE;
        /// Share of the requests of the last 30 days that were met: preparation for the SAT
        pub fill_rate_sat_prep: f64 = "share", SHARE;
        // Trend of the demand by subject
        /// Demand of the last week less that of the week before, as a share of it: algebra
        pub demand_trend_algebra: f64 = "share", -1.0..=f64::INFINITY;
        /// Demand of the last week less that of the week before, as a share of it: geometry
        pub demand_trend_geometry: f64 = "share", -1.0..=f64::INFINITY;
        /// Demand of the last week less that of the week before, as a share of it: trigonometry
        pub demand_trend_trigonometry: f64 = "share", -1.0..=f64::INFINITY;
        /// Demand of the last week less that of the week before, as a share of it: precalculus
        pub demand_trend_precalculus: f64 = "share", -1.0..=f64::INFINITY;
        /// Demand of the last week less that of the week before, as a share of it: statistics
        pub demand_trend_statistics: f64 = "share", -1.0..=f64::INFINITY;
        /// Demand of the last week less that of the week before, as a share of it: AP Calculus
        pub demand_trend_ap_calculus: f64 = "share", -1.0..=f64::INFINITY;
        /// Demand of the last week less that of the week before, as a share of it: physics
        pub demand_trend_physics: f64 = "share", -1.0..=f64::INFINITY;
        /// Demand of the last week less that of the week before, as a share of it: AP Physics
        pub demand_trend_ap_physics: f64 = "share", -1.0..=f64::INFINITY;
        /// Demand of the last week less that of the week before, as a share of it: chemistry
        pub demand_trend_chemistry: f64 = "share", -1.0..=f64::INFINITY;
        /// Demand of the last week less that of the week before, as a share of it: AP Chemistry
        pub demand_trend_ap_chemistry: f64 = "share", -1.0..=f64::INFINITY;
        /// Demand of the last week less that of the week before, as a share of it: biology
        pub demand_trend_biology: f64 = "share", -1.0..=f64::INFINITY;
        /// Demand of the last week less that of the week before, as a share of it: AP Biology
        pub demand_trend_ap_biology: f64 = "share", -1.0..=f64::INFINITY;
        /// Demand of the last week less that of the week before, as a share of it: English
        pub demand_trend_english: f64 = "share", -1.0..=f64::INFINITY;
        /// Demand of the last week less that of the week before, as a share of it: essay writing
        pub demand_trend_essay_writing: f64 = "share", -1.0..=f64::INFINITY;
        /// Demand of the last week less that of the week before, as a share of it: US history
        pub demand_trend_us_history: f64 = "share", -1.0..=f64::INFINITY;
        /// Demand of the last week less that of the week before, as a share of it: world history
        pub demand_trend_world_history: f64 = "share", -1.0..=f64::INFINITY;
        /// Demand of the last week less that of the week before, as a share of it: Spanish
        pub demand_trend_spanish: f64 = "share", -1.0..=f64::INFINITY;
        /// Demand of the last week less that of the week before, as a share of it: French
        pub demand_trend_french: f64 = "share", -1.0..=f64::INFINITY;
        /// Demand of the last week less that of the week before, as a share of it: computer science
        pub demand_trend_computer_science: f64 = "share", -1.0..=f64::INFINITY;
        /// Demand of the last week less that of the week before, as a share of it: preparation for the SAT
        pub demand_trend_sat_prep: f64 = "share", -1.0..=f64::INFINITY;
    }
}
