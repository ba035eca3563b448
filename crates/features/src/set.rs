//! The features of a row: the built-in ones and an application's own.

use tenure_core::{Feature, Schema};

use crate::history::Orders;
use crate::order_features::one_nan;
use crate::sweep::SweepScratch;
use crate::{AsOf, Error, OrderFeatures, OrderLog, Result, Timestamp};

/// A feature of one's own: a function of what was known of a customer at an instant.
///
/// # Example
/// ```
/// use tenure_features::{AsOf, AsOfFeature};
///
/// /// The dearest order so far.
/// struct DearestOrder;
///
/// impl AsOfFeature for DearestOrder {
///     fn feature(&self) -> tenure_core::Feature {
///         tenure_core::Feature::numeric("dearest_order", "money", "The dearest order so far")
///     }
///
///     fn compute(&self, view: &AsOf<'_>) -> f64 {
///         view.purchases().map(|p| p.amount()).fold(f64::NAN, f64::max) // NaN where there is none
///     }
/// }
///
/// let features = tenure_features::FeatureSet::default().with(DearestOrder)?;
/// assert_eq!(features.schema().names().last(), Some("dearest_order"));
/// # Ok::<(), tenure_features::Error>(())
/// ```
pub trait AsOfFeature: Send + Sync {
    /// Name, unit and description.
    fn feature(&self) -> Feature;

    /// The value: finite, or NaN where it is not known. Called from many threads, in no particular order.
    fn compute(&self, view: &AsOf<'_>) -> f64;
}

/// The features of a row, in column order: the built-in ones first.
pub struct FeatureSet {
    orders: OrderFeatures,
    own: Vec<Box<dyn AsOfFeature>>,
    schema: Schema,
}

impl std::fmt::Debug for FeatureSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FeatureSet").field("orders", &self.orders).field("schema", &self.schema).finish()
    }
}

impl FeatureSet {
    /// The built-in features.
    ///
    /// # Errors
    /// None in practice: [`Error::Core`] if the table of features repeated a name.
    pub fn new(orders: OrderFeatures) -> Result<Self> {
        Ok(Self { orders, own: Vec::new(), schema: Schema::new(orders.features())? })
    }

    /// Adds a feature as the last column.
    ///
    /// # Errors
    /// [`Error::Core`] where its name is taken or empty.
    pub fn with(mut self, feature: impl AsOfFeature + 'static) -> Result<Self> {
        let mut features = self.schema.features().to_vec();
        features.push(feature.feature());
        self.schema = Schema::new(features)?;
        self.own.push(Box::new(feature));
        Ok(self)
    }

    /// The columns.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The built-in features.
    #[must_use]
    pub fn orders(&self) -> OrderFeatures {
        self.orders
    }

    /// The features of one customer at one instant, as a row of a data set has them.
    ///
    /// # Errors
    /// [`Error::UnknownCustomer`].
    pub fn row(&self, log: &OrderLog, customer: &str, as_of: Timestamp) -> Result<Vec<f64>> {
        let Some(index) = log.customer_index(customer) else {
            return Err(Error::UnknownCustomer { id: customer.to_owned() });
        };
        let mut row = vec![0.0; self.schema.len()];
        let (shard, place) = log.locate(index);
        let mut cut = Orders::default();
        let view = AsOf::new(shard.as_of(place, as_of.seconds(), &mut cut), &log.facts, as_of);
        self.write(&view, &mut SweepScratch::default(), &mut row);
        Ok(row)
    }

    /// All features of one view.
    pub(crate) fn write(&self, view: &AsOf<'_>, scratch: &mut SweepScratch, row: &mut [f64]) {
        let mut sweep = self.orders.sweep(view.history(), view.facts(), scratch);
        OrderFeatures::write(&mut sweep, view.instant().seconds(), &mut row[..OrderFeatures::width()]);
        self.write_own(view, row);
    }

    /// The features after the built-in ones.
    pub(crate) fn write_own(&self, view: &AsOf<'_>, row: &mut [f64]) {
        for (place, feature) in row[OrderFeatures::width()..].iter_mut().zip(&self.own) {
            *place = one_nan(feature.compute(view));
        }
    }

    pub(crate) fn has_own(&self) -> bool {
        !self.own.is_empty()
    }
}

impl Default for FeatureSet {
    fn default() -> Self {
        let orders = OrderFeatures::default();
        // The names of the table differ from each other: a test holds them to it.
        let schema = Schema::new(orders.features()).unwrap_or_else(|e| unreachable!("{e}"));
        Self { orders, own: Vec::new(), schema }
    }
}
