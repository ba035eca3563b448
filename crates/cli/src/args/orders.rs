//! Where the orders are and which column is what.

use std::path::PathBuf;

/// An order file and its columns.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Order log")]
pub struct OrdersFile {
    /// CSV (any separator), JSONL or Parquet; .gz allowed. One row is an order or a line of one.
    #[arg(long, value_name = "FILE")]
    pub orders: PathBuf,
    /// Column with the customer's id. Like every column below: a name, or a number counted from 1; without it
    /// the column is found by its name, and the choice is printed.
    #[arg(long, value_name = "COL")]
    pub customer_col: Option<String>,
    /// Column with the date or time of the order.
    #[arg(long, value_name = "COL")]
    pub time_col: Option<String>,
    /// How dates are written, e.g. %d/%m/%Y %H:%M; found from the data unless that is ambiguous.
    #[arg(long, value_name = "FORMAT")]
    pub time_format: Option<String>,
    /// Column with the amount of money; negative amounts are returns.
    #[arg(long, value_name = "COL", conflicts_with = "price_col")]
    pub amount_col: Option<String>,
    /// Column with the number of pieces; with --price-col the amount is quantity × price.
    #[arg(long, value_name = "COL")]
    pub quantity_col: Option<String>,
    /// Column with the price of one piece.
    #[arg(long, value_name = "COL", requires = "quantity_col")]
    pub price_col: Option<String>,
    /// Column that joins the lines of one order.
    #[arg(long, value_name = "COL")]
    pub order_col: Option<String>,
    /// Column with the product category.
    #[arg(long, value_name = "COL")]
    pub category_col: Option<String>,
    /// Column with the sales channel.
    #[arg(long, value_name = "COL")]
    pub channel_col: Option<String>,
    /// Column with the money taken off.
    #[arg(long, value_name = "COL")]
    pub discount_col: Option<String>,
    /// Column with the date at which the line was returned, empty where it was not.
    #[arg(long, value_name = "COL")]
    pub returned_col: Option<String>,
    /// Separator of the fields; found from the data by default.
    #[arg(long, value_name = "CHAR")]
    pub separator: Option<String>,
    /// Leave out lines that cannot be read (they are counted) instead of stopping at the first.
    #[arg(long)]
    pub skip_bad_lines: bool,
}
