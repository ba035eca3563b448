//! Message engagement and send times.
