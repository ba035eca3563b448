//! Which column holds what: as the user says, else by name, else by content.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What a column of an order log can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Who ordered.
    Customer,
    /// When.
    Time,
    /// Money of the line.
    Amount,
    /// Pieces.
    Quantity,
    /// Price of one piece.
    Price,
    /// Number of the order or invoice.
    Order,
    /// Product category.
    Category,
    /// Sales channel.
    Channel,
    /// Money taken off.
    Discount,
    /// Whether or when the line was returned.
    Returned,
}

/// Number of roles.
pub(crate) const ROLES: usize = 10;

impl Role {
    /// Every role, in the order of their codes.
    pub const ALL: [Self; ROLES] = [
        Self::Customer,
        Self::Time,
        Self::Amount,
        Self::Quantity,
        Self::Price,
        Self::Order,
        Self::Category,
        Self::Channel,
        Self::Discount,
        Self::Returned,
    ];

    /// The option of the command line that names its column.
    #[must_use]
    pub fn option(self) -> &'static str {
        match self {
            Self::Customer => "--customer-col",
            Self::Time => "--time-col",
            Self::Amount => "--amount-col",
            Self::Quantity => "--quantity-col",
            Self::Price => "--price-col",
            Self::Order => "--order-col",
            Self::Category => "--category-col",
            Self::Channel => "--channel-col",
            Self::Discount => "--discount-col",
            Self::Returned => "--returned-col",
        }
    }

    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Time => "time",
            Self::Amount => "amount",
            Self::Quantity => "quantity",
            Self::Price => "price",
            Self::Order => "order",
            Self::Category => "category",
            Self::Channel => "channel",
            Self::Discount => "discount",
            Self::Returned => "returned",
        }
    }

    /// Common names of such a column, the surest first, compared without case, blanks and punctuation.
    ///
    /// A stock-keeping unit is no category: there are nearly as many as lines. `status` is no return.
    #[must_use]
    pub fn common_names(self) -> &'static [&'static str] {
        match self {
            Self::Customer => &[
                "customer_id",
                "customer",
                "customer_no",
                "customer_number",
                "customer_key",
                "cust_id",
                "client_id",
                "client",
                "user_id",
                "user",
                "member_id",
                "buyer_id",
                "shopper_id",
                "account_id",
                "household_key",
                "customer_unique_id",
                "customer_email",
                "email",
            ],
            Self::Time => &[
                "time",
                "timestamp",
                "order_time",
                "order_timestamp",
                "datetime",
                "order_datetime",
                "order_date",
                "ordered_at",
                "purchase_date",
                "purchased_at",
                "invoice_date",
                "transaction_date",
                "transaction_time",
                "order_purchase_timestamp",
                "event_time",
                "created_at",
                "created",
                "sale_date",
                "date",
                "day",
            ],
            Self::Amount => &[
                "amount",
                "order_amount",
                "line_amount",
                "line_total",
                "order_total",
                "order_value",
                "total_amount",
                "total_price",
                "total",
                "net_amount",
                "gross_amount",
                "dollar_value",
                "revenue",
                "sales",
                "sales_amount",
                "sale_amount",
                "sales_value",
                "transaction_amount",
                "payment_value",
                "value",
                "monetary_value",
                "spend",
                "turnover",
            ],
            Self::Quantity => &["quantity", "qty", "units", "pieces", "item_count", "num_items", "count"],
            Self::Price => &["price", "unit_price", "item_price", "price_per_unit", "selling_price"],
            Self::Order => &[
                "order_id",
                "order",
                "order_no",
                "order_number",
                "invoice",
                "invoice_id",
                "invoice_no",
                "invoice_number",
                "transaction_id",
                "transaction_no",
                "basket_id",
                "receipt_id",
            ],
            Self::Category => &[
                "category",
                "product_category",
                "category_name",
                "product_category_name",
                "item_category",
                "product_type",
                "department",
            ],
            Self::Channel => &["channel", "sales_channel", "order_channel", "purchase_channel"],
            Self::Discount => &["discount", "discount_amount", "total_discount", "coupon_discount"],
            Self::Returned => &["returned_at", "return_date", "returned", "is_returned", "return_flag"],
        }
    }
}

/// Names of the columns (or their numbers, from 1, for files without a header). What is `None` is looked for
/// by [`Role::common_names`]; time is also found by content, where exactly one column holds dates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrderMapping {
    /// Who ordered.
    pub customer: Option<String>,
    /// When.
    pub time: Option<String>,
    /// strptime format of the times, e.g. `%d/%m/%Y %H:%M`; found from the values where `None`.
    pub time_format: Option<String>,
    /// Money of the line; quantity × price where there is none.
    pub amount: Option<String>,
    /// Pieces.
    pub quantity: Option<String>,
    /// Price of one piece.
    pub price: Option<String>,
    /// Number of the order or invoice.
    pub order: Option<String>,
    /// Product category.
    pub category: Option<String>,
    /// Sales channel.
    pub channel: Option<String>,
    /// Money taken off.
    pub discount: Option<String>,
    /// Yes/no, or the date of the return.
    pub returned: Option<String>,
    /// One character, `tab` or `blanks`; found from the first lines where `None`.
    pub separator: Option<String>,
}

impl OrderMapping {
    pub(crate) fn asked(&self, role: Role) -> Option<&str> {
        match role {
            Role::Customer => &self.customer,
            Role::Time => &self.time,
            Role::Amount => &self.amount,
            Role::Quantity => &self.quantity,
            Role::Price => &self.price,
            Role::Order => &self.order,
            Role::Category => &self.category,
            Role::Channel => &self.channel,
            Role::Discount => &self.discount,
            Role::Returned => &self.returned,
        }
        .as_deref()
    }
}

/// The columns chosen: for each role the column's number from 0 and why.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choice {
    pub(crate) columns: [Option<usize>; ROLES],
    pub(crate) reasons: [String; ROLES],
    pub(crate) notes: Vec<String>,
}

impl Choice {
    pub(crate) fn column(&self, role: Role) -> Option<usize> {
        self.columns[role as usize]
    }
}

/// A name without case, blanks and punctuation.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Decides for every role; `dates` tells which columns hold dates, and is asked only where names do not
/// decide.
pub(crate) fn resolve(
    path: &Path,
    mapping: &OrderMapping,
    names: &[String],
    has_header: bool,
    dates: &dyn Fn() -> Vec<usize>,
) -> Result<Choice> {
    let refuse = |problem: String| Error::Columns { path: path.to_owned(), problem, columns: names.to_vec() };
    let mut choice = Choice::default();
    for role in Role::ALL {
        if let Some(asked) = mapping.asked(role) {
            let Some(column) = find(names, asked) else {
                return Err(refuse(format!("there is no column `{asked}` ({})", role.option())));
            };
            choice.columns[role as usize] = Some(column);
            choice.reasons[role as usize] = format!("as asked by {}", role.option());
        }
    }
    if has_header {
        find_by_name(names, mapping, &mut choice).map_err(refuse)?;
    }
    if choice.column(Role::Time).is_none() {
        let free: Vec<usize> = dates().into_iter().filter(|c| !choice.columns.contains(&Some(*c))).collect();
        if let &[column] = free.as_slice() {
            choice.columns[Role::Time as usize] = Some(column);
            choice.reasons[Role::Time as usize] = "the only column that holds dates".into();
        }
    }
    settle_amount(mapping, &mut choice);
    let missing: Vec<String> = [Role::Customer, Role::Time, Role::Amount]
        .into_iter()
        .filter(|role| {
            choice.column(*role).is_none() && !(*role == Role::Amount && choice.column(Role::Price).is_some())
        })
        .map(|role| {
            let hint = if role == Role::Amount { " or --quantity-col and --price-col" } else { "" };
            if has_header {
                let known = role.common_names().iter().take(6).copied().collect::<Vec<_>>().join(", ");
                format!(
                    "no column for the {} was found (looked for {known}, …; name it with {}{hint})",
                    role.name(),
                    role.option()
                )
            } else {
                format!(
                    "no column for the {} (the file has no header: give its number, from 1, with {}{hint})",
                    role.name(),
                    role.option()
                )
            }
        })
        .collect();
    if missing.is_empty() { Ok(choice) } else { Err(refuse(missing.join("; "))) }
}

/// By exact name, then by name without case and punctuation, then by number from 1.
pub(crate) fn find(names: &[String], asked: &str) -> Option<usize> {
    let wanted = plain(asked);
    names
        .iter()
        .position(|name| name == asked)
        .or_else(|| names.iter().position(|name| !wanted.is_empty() && plain(name) == wanted))
        .or_else(|| {
            asked.trim().parse::<usize>().ok().filter(|n| (1..=names.len()).contains(n)).map(|n| n - 1)
        })
}

fn find_by_name(names: &[String], mapping: &OrderMapping, choice: &mut Choice) -> Result<(), String> {
    let plain_names: Vec<String> = names.iter().map(|name| plain(name)).collect();
    // Who gave quantity and price means their product, whatever else is there.
    let by_product = mapping.amount.is_none() && mapping.price.is_some();
    for role in Role::ALL {
        if choice.column(role).is_some() || (role == Role::Amount && by_product) {
            continue;
        }
        for known in role.common_names() {
            let known = plain(known);
            let free = |c: &usize| plain_names[*c] == known && !choice.columns.contains(&Some(*c));
            let found: Vec<usize> = (0..names.len()).filter(free).collect();
            match found.as_slice() {
                [] => {}
                &[column] => {
                    choice.columns[role as usize] = Some(column);
                    choice.reasons[role as usize] = "by its name".into();
                    break;
                }
                [first, second, ..] => {
                    return Err(format!(
                        "both `{}` and `{}` could be the {}: say which with {}",
                        names[*first],
                        names[*second],
                        role.name(),
                        role.option()
                    ));
                }
            }
        }
    }
    Ok(())
}

/// Amount, or quantity × price, or price alone.
fn settle_amount(mapping: &OrderMapping, choice: &mut Choice) {
    let (amount, price) = (choice.column(Role::Amount), choice.column(Role::Price));
    match (amount, price, choice.column(Role::Quantity)) {
        (Some(_), Some(_), _) => {
            choice.columns[Role::Price as usize] = None;
            if mapping.price.is_some() {
                choice.notes.push("the price column is not read, because there is an amount column".into());
            }
        }
        (None, Some(_), Some(_)) => choice.notes.push("the amount is quantity × price".into()),
        (None, Some(_), None) => {
            choice.notes.push("there is no quantity: the price is taken as the amount of the line".into());
        }
        _ => {}
    }
}
