//! What the models of contacts read: one struct a model, its fields the features.

use tenure_core::row::{POSITIVE, SHARE};
use tenure_core::{levels, typed_row};

use super::Content;

/// From −1 to 1.
pub(super) const SIGNED: std::ops::RangeInclusive<f64> = -1.0..=1.0;

typed_row! {
    /// What is known of a lead as of an instant: the 24 features of a lead score.
    ///
    /// A mean or share of nothing is NaN, a count of nothing is 0. *Answered* is a message of ours with a
    /// message of the contact in the same conversation within 7 days, before our next one.
    pub struct LeadRow {
        // Response behaviour
        /// Share of our messages that were answered
        pub reply_rate: f64 = "share", SHARE;
        /// Median hours until an answer
        pub reply_hours_median: f64 = "hours", POSITIVE;
        /// Hours until the first answer
        /// (the one that came first).
        pub first_reply_hours: f64 = "hours", POSITIVE;
        /// Messages of ours that were answered
        pub replies: f64 = "messages", POSITIVE;
        /// Messages of ours since the contact last wrote
        pub unanswered_streak: f64 = "messages", POSITIVE;
        // Engagement
        /// Messages from the contact
        pub messages_received: f64 = "messages", POSITIVE;
        /// Messages to the contact
        pub messages_sent: f64 = "messages", POSITIVE;
        /// Conversations
        pub conversations: f64 = "conversations", POSITIVE;
        /// Messages per conversation
        /// (both ways).
        pub conversation_length: f64 = "messages", POSITIVE;
        /// Mean length of the contact's messages
        pub message_length: f64 = "characters", POSITIVE;
        /// Days on which the contact wrote
        /// (local to the contact).
        pub active_days: f64 = "days", POSITIVE;
        /// Days since the contact last wrote
        pub days_since_received: f64 = "days", POSITIVE;
        // Sentiment
        /// Mean tone of the contact's messages
        pub sentiment_mean: f64 = "-1 to 1", SIGNED;
        /// Tone of the contact's last message
        /// (the last one whose tone is known).
        pub sentiment_last: f64 = "-1 to 1", SIGNED;
        /// Tone of the later half of the contact's messages less that of the earlier
        /// (of those whose tone is known; of an odd number the middle one counts for neither).
        pub sentiment_trend: f64 = "-2 to 2", -2.0..=2.0;
        /// Share of the contact's messages with a bad tone (below -0.2)
        pub negative_share: f64 = "share", SHARE;
        // Campaigns
        /// Campaign messages to the contact
        pub campaign_messages: f64 = "messages", POSITIVE;
        /// Share of the campaign messages that were opened
        pub campaign_open_rate: f64 = "share", SHARE;
        /// Share of the campaign messages that were clicked
        pub campaign_click_rate: f64 = "share", SHARE;
        /// Purchases so far
        pub conversions: f64 = "purchases", POSITIVE;
        // Quality of the contact
        /// Share of the profile's fields that are filled
        pub profile_completeness: f64 = "share", SHARE;
        /// Whether the contact agreed to campaigns and has not left them
        pub opted_in: bool = "";
        /// Mean pressure of the contact's messages
        pub urgency_mean: f64 = "0 to 1", SHARE;
        /// Days since the contact was created
        /// (since the first conversation or purchase, where that is earlier; 0 where neither is before the instant).
        pub contact_age_days: f64 = "days", POSITIVE;
    }
}

typed_row! {
    /// What is known of a contact as of an instant: the 32 features of contact churn.
    ///
    /// A mean or share of nothing is NaN, a count of nothing is 0. Trends compare the last 30 days with the 60
    /// before, day by day: 1 is all late, −1 all early. A ticket is a conversation for support.
    pub struct ContactRow {
        // Recency, frequency, money
        /// Days since the contact last wrote, opened, clicked or bought
        pub recency_days: f64 = "days", POSITIVE;
        /// Days since the contact last wrote
        pub days_since_received: f64 = "days", POSITIVE;
        /// Days since the last purchase
        pub days_since_purchase: f64 = "days", POSITIVE;
        /// Messages from the contact in the last 90 days
        pub received_90d: f64 = "messages", POSITIVE;
        /// Purchases so far
        pub purchases: f64 = "purchases", POSITIVE;
        /// Spend in the last 365 days
        pub spend_365d: f64 = "money", POSITIVE;
        // Sentiment
        /// Mean tone of the contact's messages in the last 90 days
        pub sentiment_mean_90d: f64 = "-1 to 1", SIGNED;
        /// Tone of the contact's last message
        /// (the last one whose tone is known).
        pub sentiment_last: f64 = "-1 to 1", SIGNED;
        /// Tone in the last 30 days less that in the 60 days before
        pub sentiment_trend: f64 = "-2 to 2", -2.0..=2.0;
        /// Worst tone in the last 90 days
        pub sentiment_low_90d: f64 = "-1 to 1", SIGNED;
        /// Share of the contact's messages in the last 90 days with a bad tone (below -0.2)
        pub negative_share_90d: f64 = "share", SHARE;
        // Engagement
        /// Messages from the contact in the last 30 days
        pub received_30d: f64 = "messages", POSITIVE;
        /// Trend of the messages from the contact
        pub received_trend: f64 = "-1 to 1", SIGNED;
        /// Messages to the contact in the last 30 days
        pub sent_30d: f64 = "messages", POSITIVE;
        /// Share of our messages of the last 90 days that were opened
        pub open_rate_90d: f64 = "share", SHARE;
        /// Share opened in the last 30 days less that in the 60 days before
        pub open_rate_trend: f64 = "-1 to 1", SIGNED;
        /// Share of our messages of the last 90 days that were clicked
        pub click_rate_90d: f64 = "share", SHARE;
        /// Share of our messages of the last 90 days that were answered
        /// (by the instant, as all shares of what was opened, clicked and answered).
        pub reply_rate_90d: f64 = "share", SHARE;
        /// Median hours until an answer in the last 90 days
        pub reply_hours_median_90d: f64 = "hours", POSITIVE;
        /// Messages of ours since the contact last wrote
        pub unanswered_streak: f64 = "messages", POSITIVE;
        /// Conversations begun in the last 90 days
        pub conversations_90d: f64 = "conversations", POSITIVE;
        // Tickets
        /// Tickets so far
        pub tickets: f64 = "tickets", POSITIVE;
        /// Tickets in the last 90 days
        pub tickets_90d: f64 = "tickets", POSITIVE;
        /// Tickets not yet closed
        pub tickets_open: f64 = "tickets", POSITIVE;
        /// Mean hours until a ticket was closed
        pub ticket_hours_mean: f64 = "hours", POSITIVE;
        /// Mean pressure of the contact's messages in the last 90 days
        pub urgency_mean_90d: f64 = "0 to 1", SHARE;
        // Purchases
        /// Spend per purchase
        pub average_purchase: f64 = "money", POSITIVE;
        /// Purchases in the last 90 days
        pub purchases_90d: f64 = "purchases", POSITIVE;
        /// Mean days between purchases
        pub purchase_gap_days: f64 = "days", POSITIVE;
        /// Trend of the spend
        pub spend_trend: f64 = "-1 to 1", SIGNED;
        // The contact
        /// Days since the contact was created
        /// (since the first conversation or purchase, where that is earlier; 0 where neither is before the instant).
        pub contact_age_days: f64 = "days", POSITIVE;
        /// Whether the contact has left the campaigns
        pub unsubscribed: bool = "";
    }
}

levels! {
    /// Day of the week, local to the recipient.
    pub enum Weekday {
        /// Monday.
        Monday = "monday",
        /// Tuesday.
        Tuesday = "tuesday",
        /// Wednesday.
        Wednesday = "wednesday",
        /// Thursday.
        Thursday = "thursday",
        /// Friday.
        Friday = "friday",
        /// Saturday.
        Saturday = "saturday",
        /// Sunday.
        Sunday = "sunday",
    }
}

typed_row! {
    /// What is known of a message just before it is sent: the 27 features of engagement.
    ///
    /// The recipient's past is given as counts, not rates: the model pools them with everyone's, so that two
    /// messages opened out of two do not count like two hundred out of two hundred. *Past messages* are ours
    /// whose window for an engagement was over by the instant; *engaged* are those of them that were opened,
    /// clicked or answered within it. Parts of the day are local: night 0 to 6, morning 6 to 12, afternoon 12
    /// to 18, evening 18 to 24.
    pub struct MessageRow {
        // Time
        /// Hour of the day at which it is sent, local to the recipient
        pub hour: f64 = "hours", 0.0..=24.0;
        /// Day of the week on which it is sent, local to the recipient
        pub weekday: Weekday = "";
        /// Hours since our last message to the recipient
        pub hours_since_sent: f64 = "hours", POSITIVE;
        // Content
        /// What it is for
        pub content: Content = "";
        /// Whether it belongs to a campaign
        pub campaign: bool = "";
        /// Whether it addresses the recipient by name
        pub personalised: bool = "";
        // Message
        /// Length
        pub length: f64 = "characters", POSITIVE;
        /// Tone
        pub sentiment: f64 = "-1 to 1", SIGNED;
        /// How much it presses
        pub urgency: f64 = "0 to 1", SHARE;
        /// Whether it has a link
        pub has_link: bool = "";
        /// Whether it has a picture, a film or a voice
        pub has_media: bool = "";
        // The recipient's past
        /// Past messages sent at night
        pub sent_night: f64 = "messages", POSITIVE;
        /// Past messages sent at night and engaged with
        pub engaged_night: f64 = "messages", POSITIVE;
        /// Past messages sent in the morning
        pub sent_morning: f64 = "messages", POSITIVE;
        /// Past messages sent in the morning and engaged with
        pub engaged_morning: f64 = "messages", POSITIVE;
        /// Past messages sent in the afternoon
        pub sent_afternoon: f64 = "messages", POSITIVE;
        /// Past messages sent in the afternoon and engaged with
        pub engaged_afternoon: f64 = "messages", POSITIVE;
        /// Past messages sent in the evening
        pub sent_evening: f64 = "messages", POSITIVE;
        /// Past messages sent in the evening and engaged with
        pub engaged_evening: f64 = "messages", POSITIVE;
        /// Past messages sent at weekends
        pub sent_weekend: f64 = "messages", POSITIVE;
        /// Past messages sent at weekends and engaged with
        pub engaged_weekend: f64 = "messages", POSITIVE;
        /// Past messages of the same content
        pub sent_same_content: f64 = "messages", POSITIVE;
        /// Past messages of the same content that were engaged with
        pub engaged_same_content: f64 = "messages", POSITIVE;
        // Context
        /// Days since the recipient was created as a contact
        pub contact_age_days: f64 = "days", POSITIVE;
        /// Messages from the recipient in the last 30 days
        pub received_30d: f64 = "messages", POSITIVE;
        /// Messages to the recipient in the last 7 days
        pub sent_7d: f64 = "messages", POSITIVE;
        /// Days since the recipient last wrote
        pub days_since_received: f64 = "days", POSITIVE;
    }
}

#[cfg(test)]
mod tests {
    use tenure_core::TypedRow;

    use super::*;

    #[test]
    fn rows_have_the_stated_number_of_features() {
        let widths = [LeadRow::fields().len(), ContactRow::fields().len(), MessageRow::fields().len()];
        assert_eq!(widths, [24, 32, 27]);
    }
}
