//! The records that a contact log is made of.

use tenure_core::levels;

use crate::Timestamp;

/// Somebody we write to and who writes to us.
#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    /// Unique.
    pub id: String,
    /// From when on we know the contact; a first conversation or purchase may be earlier.
    pub created_at: Timestamp,
    /// Local time of the contact less UTC, in minutes, −840 to 840.
    pub utc_offset_minutes: i32,
    /// Share of the fields of the profile that were filled when the contact was created, 0 to 1; NaN where
    /// not known.
    pub profile_completeness: f64,
    /// When the contact agreed to campaigns; `None` where never.
    pub opted_in_at: Option<Timestamp>,
    /// When the contact left the campaigns; `None` where never.
    pub unsubscribed_at: Option<Timestamp>,
}

levels! {
    /// What a conversation is about.
    pub enum ConversationKind {
        /// Buying.
        Sales = "sales",
        /// A ticket: something does not work.
        Support = "support",
    }
}

/// Messages that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// Unique.
    pub id: String,
    /// Id of the contact.
    pub contact: String,
    /// When it was begun; no message of it is earlier.
    pub started_at: Timestamp,
    /// What it is about.
    pub kind: ConversationKind,
    /// When it was closed (a ticket: solved); `None` where it never was.
    pub closed_at: Option<Timestamp>,
}

levels! {
    /// Who wrote.
    pub enum Direction {
        /// The contact.
        Inbound = "inbound",
        /// We.
        Outbound = "outbound",
    }
}

levels! {
    /// What a message is for.
    pub enum Content {
        /// It offers something.
        Promotional = "promotional",
        /// It helps.
        Support = "support",
        /// It tells something.
        Informational = "informational",
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Unique.
    pub id: String,
    /// Id of the conversation.
    pub conversation: String,
    /// When.
    pub sent_at: Timestamp,
    /// Who wrote.
    pub direction: Direction,
    /// What it is for.
    pub content: Content,
    /// Characters.
    pub length: u32,
    /// Tone, −1 (bad) to 1 (good); NaN where not known.
    pub sentiment: f64,
    /// How much it presses, 0 to 1; NaN where not known.
    pub urgency: f64,
    /// Whether it has a link.
    pub has_link: bool,
    /// Whether it has a picture, a film or a voice.
    pub has_media: bool,
    /// Whether it addresses the contact by name.
    pub personalised: bool,
    /// Name of the campaign that it belongs to; the empty name is none.
    pub campaign: Option<String>,
    /// When the contact opened it (ours only).
    pub opened_at: Option<Timestamp>,
    /// When the contact first clicked a link of it (ours only).
    pub clicked_at: Option<Timestamp>,
}

/// A contact who may become a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Lead {
    /// Unique.
    pub id: String,
    /// Id of the contact.
    pub contact: String,
    /// When it became a lead; it is scored as of then.
    pub created_at: Timestamp,
    /// What sales made of it in the end, 0 to 100; NaN where nobody has judged it.
    pub score: f64,
    /// When it was judged; a score needs it. `None` where nobody has.
    pub scored_at: Option<Timestamp>,
    /// When it became a customer; `None` where it did not.
    pub converted_at: Option<Timestamp>,
}

/// A purchase of a contact.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactPurchase {
    /// Id of the contact.
    pub contact: String,
    /// When.
    pub time: Timestamp,
    /// Money, above 0.
    pub amount: f64,
}

levels! {
    /// What a record is, for messages.
    pub enum RecordKind {
        /// A [`Contact`].
        Contact = "contact",
        /// A [`Conversation`].
        Conversation = "conversation",
        /// A [`Message`].
        Message = "message",
        /// A [`Lead`].
        Lead = "lead",
        /// A [`ContactPurchase`], which goes by the id of its contact.
        Purchase = "purchase of contact",
        /// A [`StudySession`](crate::study::StudySession).
        StudySession = "study session",
    }
}

/// All records, in any order; what files, generators and applications hand to the contact log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContactRecords {
    /// The contacts.
    pub contacts: Vec<Contact>,
    /// Their conversations.
    pub conversations: Vec<Conversation>,
    /// The messages of these.
    pub messages: Vec<Message>,
    /// The leads among the contacts.
    pub leads: Vec<Lead>,
    /// Their purchases.
    pub purchases: Vec<ContactPurchase>,
}
