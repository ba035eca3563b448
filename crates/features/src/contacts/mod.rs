//! Contacts, their conversations, messages, leads and purchases.
//!
//! * [`ContactLog`]: the records of every contact, checked, sorted and closed, from [`ContactRecords`].
//! * [`ContactAsOf`] and [`ContactFuture`]: what feature and label code may see; [`view`] shows what cannot be
//!   written.
//! * [`LeadRow`], [`ContactRow`] and [`MessageRow`]: the features, as of an instant.
//! * [`lead_set`], [`contact_set`] and [`message_set`]: point-in-time data sets with targets; [`lead_rows`] and
//!   [`contact_rows`]: whom to predict for.

mod aggregates;
mod build;
mod contact_row;
mod lead_row;
mod log;
mod message_row;
mod plan;
mod records;
mod rows;
mod table;
pub mod view;

pub use log::ContactLog;
pub use message_row::{PlannedMessage, WINDOW_HOURS};
pub use plan::ContactPlan;
pub use records::{
    Contact, ContactPurchase, ContactRecords, Content, Conversation, ConversationKind, Direction, Lead,
    Message, RecordKind,
};
pub use rows::{ContactRow, LeadRow, MessageRow, Weekday};
pub use table::{ContactTable, LeadTarget, contact_rows, contact_set, lead_rows, lead_set, message_set};
pub use view::{ContactAsOf, ContactFuture};
