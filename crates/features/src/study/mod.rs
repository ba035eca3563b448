//! Study sessions: how long somebody with a task before them will need.
//!
//! * [`StudySession`]: a session as it is recorded, checked by [`check_sessions`].
//! * [`StudyEncoder`]: what is learned of the training sessions (the levels of the categories), and how sessions become
//!   the rows of a [`Dataset`](tenure_core::Dataset), one by one or with the sessions before them.
//! * [`augmented_sessions`]: noisy copies of training sessions.

mod augment;
mod encoder;
mod history;
mod session;

pub use augment::augmented_sessions;
pub use encoder::{EncoderParams, OTHER, StudyEncoder, TARGET};
pub use session::{StudySession, check_sessions};
