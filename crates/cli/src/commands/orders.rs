//! Reading the order file that a command names.

use anyhow::Result;
use tenure_features::OrderLog;
use tenure_io::{OrderMapping, OrderReadReport, ReadOptions};

use crate::args::OrdersFile;
use crate::session::Session;

/// The log in the file, and what reading it decided and counted.
pub fn read(file: &OrdersFile, session: &Session) -> Result<(OrderLog, OrderReadReport)> {
    let context = session.context(0);
    let options = ReadOptions {
        progress: context.progress,
        threads: context.threads,
        skip_bad_lines: file.skip_bad_lines,
        ..ReadOptions::default()
    };
    let mapping = OrderMapping {
        customer: file.customer_col.clone(),
        time: file.time_col.clone(),
        time_format: file.time_format.clone(),
        amount: file.amount_col.clone(),
        quantity: file.quantity_col.clone(),
        price: file.price_col.clone(),
        order: file.order_col.clone(),
        category: file.category_col.clone(),
        channel: file.channel_col.clone(),
        discount: file.discount_col.clone(),
        returned: file.returned_col.clone(),
        separator: file.separator.clone(),
    };
    let (columns, report) = tenure_io::read_orders(&file.orders, &mapping, &options)?;
    Ok((OrderLog::from_columns(columns)?, report))
}
