//! Contacts, their conversations, messages, leads and purchases.

mod records;
mod rows;

pub use records::{
    Contact, ContactPurchase, ContactRecords, Content, Conversation, ConversationKind, Direction, Lead,
    Message,
};
pub use rows::{ContactRow, LeadRow, MessageRow, Weekday};
