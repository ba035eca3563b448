//! Snapshots as data sets: one row a customer of the population and instant.
//!
//! Rows are ordered by (instant, customer). Customers are worked on in shards: a first pass counts the rows of
//! each shard at each instant, so that the second can write every row to its place, whatever thread it runs on.

use std::sync::Arc;

use ndarray::Array2;
use rayon::prelude::*;
use tenure_core::{Dataset, FitContext, Progress, Target};

use crate::history::{History, Orders, Shard};
use crate::label::{Churned, FutureLabel};
use crate::order_features::OrderFeatures;
use crate::sweep::SweepScratch;
use crate::time::DAY;
use crate::{AsOf, Error, FeatureSet, FutureWindow, OrderLog, Result, SnapshotPlan, Timestamp};

/// How many times progress is reported, about.
pub(crate) const REPORTS: usize = 200;

/// A data set made of snapshots, and who is who in it.
///
/// The groups of the data set are the customers' indices in the log, its times the instants in seconds.
#[derive(Debug, Clone)]
pub struct SnapshotTable {
    data: Dataset,
    customers: Vec<u32>,
    ids: Arc<Vec<String>>,
    instants: Vec<Timestamp>,
}

impl SnapshotTable {
    /// The rows.
    #[must_use]
    pub fn data(&self) -> &Dataset {
        &self.data
    }

    /// The rows, without who is who.
    #[must_use]
    pub fn into_data(self) -> Dataset {
        self.data
    }

    /// Id of the customer of a row.
    #[must_use]
    pub fn customer_id(&self, row: usize) -> Option<&str> {
        self.ids.get(*self.customers.get(row)? as usize).map(String::as_str)
    }

    /// Ids of the customers, by row.
    pub fn customer_ids(&self) -> impl ExactSizeIterator<Item = &str> {
        self.customers.iter().map(|&c| self.ids[c as usize].as_str())
    }

    /// The instants, ascending.
    #[must_use]
    pub fn instants(&self) -> &[Timestamp] {
        &self.instants
    }
}

/// All snapshots of the plan with the target `churned`: no purchase in the prediction window.
///
/// `until` says up to when (exclusive) the log is complete; see [`SnapshotPlan::instants`].
///
/// # Errors
/// As [`SnapshotPlan::instants`]; [`Error::NoCustomers`] where nobody belongs to the population;
/// [`Error::Core`] for an infinite value of a feature or a cancellation.
///
/// # Example
/// ```
/// use tenure_core::FitContext;
/// use tenure_features::{FeatureSet, OrderLine, OrderLogBuilder, SnapshotPlan, Timestamp, training_set};
///
/// let mut builder = OrderLogBuilder::new();
/// let start: Timestamp = "2023-01-01".parse()?;
/// for day in (0..365).step_by(20) {
///     builder.push(OrderLine::new("regular", start.plus_days(day), 30.0));
/// }
/// builder.push(OrderLine::new("lost", start.plus_days(30), 10.0));
/// builder.push(OrderLine::new("lost", start.plus_days(100), 10.0));
/// let log = builder.build()?;
///
/// let plan = SnapshotPlan { max_snapshots: Some(1), ..SnapshotPlan::default() };
/// let table = training_set(&log, &plan, None, &FeatureSet::default(), &FitContext::new(0))?;
/// assert_eq!(table.customer_ids().collect::<Vec<_>>(), ["lost", "regular"]);
/// assert_eq!(table.data().target()?.values(), [1.0, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn training_set(
    log: &OrderLog,
    plan: &SnapshotPlan,
    until: Option<Timestamp>,
    features: &FeatureSet,
    context: &FitContext<'_>,
) -> Result<SnapshotTable> {
    training_set_with(log, plan, until, features, &[&Churned], context)
}

/// As [`training_set`], with other targets, in the given order.
///
/// # Errors
/// As [`training_set`]; [`Error::Core`] for a value that does not fit its target's kind.
pub fn training_set_with(
    log: &OrderLog,
    plan: &SnapshotPlan,
    until: Option<Timestamp>,
    features: &FeatureSet,
    labels: &[&dyn FutureLabel],
    context: &FitContext<'_>,
) -> Result<SnapshotTable> {
    let instants = plan.instants(log, until)?;
    Job { log, plan, features, labels, instants }.run(context)
}

/// The population at one instant with labels, for evaluation.
///
/// # Errors
/// [`Error::WindowNotOver`] where the prediction window ends after the log's coverage, else as
/// [`training_set_with`].
pub fn labelled_set(
    log: &OrderLog,
    plan: &SnapshotPlan,
    as_of: Timestamp,
    until: Option<Timestamp>,
    features: &FeatureSet,
    labels: &[&dyn FutureLabel],
    context: &FitContext<'_>,
) -> Result<SnapshotTable> {
    plan.check()?;
    let over = as_of.plus_days(i64::from(plan.prediction_days));
    match log.coverage_end(until) {
        Some(end) if over > end => {
            Err(Error::WindowNotOver { instant: as_of, days: plan.prediction_days, end })
        }
        _ => Job { log, plan, features, labels, instants: vec![as_of] }.run(context),
    }
}

/// The population at one instant without labels, for prediction.
///
/// # Errors
/// [`Error::NoOrders`] where nobody ordered within the observation window, [`Error::NoCustomers`] where nobody
/// belongs to the population, [`Error::Core`] as [`training_set`].
pub fn scoring_set(
    log: &OrderLog,
    plan: &SnapshotPlan,
    as_of: Timestamp,
    features: &FeatureSet,
    context: &FitContext<'_>,
) -> Result<SnapshotTable> {
    plan.check()?;
    Job { log, plan, features, labels: &[], instants: vec![as_of] }.run(context)
}

struct Job<'a> {
    log: &'a OrderLog,
    plan: &'a SnapshotPlan,
    features: &'a FeatureSet,
    labels: &'a [&'a dyn FutureLabel],
    instants: Vec<Timestamp>,
}

/// Where one shard writes its rows of one instant.
struct Block<'a> {
    x: &'a mut [f64],
    labels: &'a mut [f64],
    customers: &'a mut [u32],
    done: usize,
}

/// Buffers of one thread.
#[derive(Default)]
struct Scratch {
    sweep: SweepScratch,
    cut: Orders,
    due: Vec<usize>,
}

impl Job<'_> {
    fn run(self, context: &FitContext<'_>) -> Result<SnapshotTable> {
        let (days, wanted) = (self.features.orders().observation_days(), self.plan.observation_days);
        let expected = format!("{wanted}, the observation window of the snapshots");
        tenure_core::params::require("observation_days of the features", days, days == wanted, expected)?;
        let pool = pool(context)?;
        let shards = self.log.shards();
        let counts: Vec<Vec<usize>> =
            in_pool(pool.as_ref(), || shards.par_iter().map(|shard| self.count(shard)).collect());
        let rows: usize = counts.iter().flatten().sum();
        if rows == 0 {
            return Err(self.nobody());
        }

        let mut x = vec![0.0; rows * self.features.schema().len()];
        let mut labels = vec![0.0; rows * self.labels.len()];
        let mut customers = vec![0; rows];
        let mut blocks = self.blocks(&counts, &mut x, &mut labels, &mut customers);
        let batch = shards.len().div_ceil(REPORTS).max(16);
        for start in (0..shards.len()).step_by(batch) {
            context.check_cancelled("building features")?;
            let end = (start + batch).min(shards.len());
            in_pool(pool.as_ref(), || {
                (start..end).into_par_iter().zip(&mut blocks[start..end]).for_each_init(
                    Scratch::default,
                    |scratch, (shard, blocks)| {
                        self.fill(shard, blocks, scratch);
                    },
                );
            });
            let (done, total) = (end as u64, Some(shards.len() as u64));
            context.progress.report(Progress { stage: "building features", done, total, figure: None });
        }
        drop(blocks);
        self.assemble(&counts, x, labels, customers)
    }

    fn nobody(&self) -> Error {
        let (first, last) = (self.instants[0], self.instants[self.instants.len() - 1]);
        let from = first.plus_days(-i64::from(self.plan.observation_days));
        let (low, high) = (from.seconds(), last.seconds());
        let orders =
            |shard: &Shard| (0..shard.customers()).any(|c| shard.history(c).between(low, high).len() > 0);
        if !self.log.shards().iter().any(orders) {
            return Error::NoOrders { from, to: last };
        }
        let instants = match self.instants.len() {
            1 => first.to_string(),
            n => format!("any of the {n} snapshots from {first} to {last}"),
        };
        let SnapshotPlan { min_orders, observation_days, .. } = *self.plan;
        Error::NoCustomers { instants, min_orders, observation_days }
    }

    fn belongs(&self, history: &History<'_>, instant: Timestamp) -> bool {
        let before = history.orders_before(instant.seconds());
        let from = instant.seconds().saturating_sub(i64::from(self.plan.observation_days) * DAY);
        // An order under way counts from its first line on, so that this holds for cut histories, too.
        before >= self.plan.min_orders as usize && before > 0 && history.times[before - 1] >= from
    }

    /// Rows of a shard, by instant.
    fn count(&self, shard: &Shard) -> Vec<usize> {
        let mut counts = vec![0; self.instants.len()];
        for customer in 0..shard.customers() {
            let history = shard.history(customer);
            for (count, &instant) in counts.iter_mut().zip(&self.instants) {
                *count += usize::from(self.belongs(&history, instant));
            }
        }
        counts
    }

    /// The buffers, split by (instant, shard) and handed out by shard.
    fn blocks<'b>(
        &self,
        counts: &[Vec<usize>],
        mut x: &'b mut [f64],
        mut labels: &'b mut [f64],
        mut customers: &'b mut [u32],
    ) -> Vec<Vec<Block<'b>>> {
        let mut blocks: Vec<Vec<Block<'b>>> = counts.iter().map(|_| Vec::new()).collect();
        for instant in 0..self.instants.len() {
            for (of_shard, counts) in blocks.iter_mut().zip(counts) {
                let rows = counts[instant];
                of_shard.push(Block {
                    x: x.split_off_mut(..rows * self.features.schema().len()).unwrap_or_default(),
                    labels: labels.split_off_mut(..rows * self.labels.len()).unwrap_or_default(),
                    customers: customers.split_off_mut(..rows).unwrap_or_default(),
                    done: 0,
                });
            }
        }
        blocks
    }

    fn fill(&self, index: usize, blocks: &mut [Block<'_>], scratch: &mut Scratch) {
        let shard = &self.log.shards()[index];
        let first = OrderLog::shard_start(index) as u32;
        let mut due = std::mem::take(&mut scratch.due);
        for customer in 0..shard.customers() {
            let history = shard.history(customer);
            due.clear();
            due.extend((0..self.instants.len()).filter(|&i| self.belongs(&history, self.instants[i])));
            if due.is_empty() {
                continue;
            }
            self.fill_customer(shard, customer, &due, blocks, scratch);
            for &instant in &due {
                let block = &mut blocks[instant];
                block.customers[block.done] = first + customer as u32;
                block.done += 1;
            }
        }
        scratch.due = due;
    }

    /// One customer's rows, at the instants that are due.
    fn fill_customer(
        &self,
        shard: &Shard,
        customer: usize,
        due: &[usize],
        blocks: &mut [Block<'_>],
        scratch: &mut Scratch,
    ) {
        let log = &self.log.facts;
        let width = self.features.schema().len();
        let under_way = due.iter().any(|&i| shard.straddled(customer, self.instants[i].seconds()));
        if !under_way {
            let history = shard.history(customer);
            let mut sweep = self.features.orders().sweep(history, log, &mut scratch.sweep);
            for &i in due {
                let instant = self.instants[i];
                let row = blocks[i].row(width);
                OrderFeatures::write(&mut sweep, instant.seconds(), &mut row[..OrderFeatures::width()]);
                if self.features.has_own() {
                    self.features.write_own(&AsOf::new(history, log, instant), row);
                }
            }
        } else {
            for &i in due {
                let instant = self.instants[i];
                let cut = shard.as_of(customer, instant.seconds(), &mut scratch.cut);
                self.features.write(&AsOf::new(cut, log, instant), &mut scratch.sweep, blocks[i].row(width));
            }
        }
        if self.labels.is_empty() {
            return;
        }
        let days = self.plan.prediction_days;
        for &i in due {
            let instant = self.instants[i];
            let end = instant.plus_days(i64::from(days)).seconds();
            let history = shard.as_of(customer, end, &mut scratch.cut);
            let window = FutureWindow::new(history, log, instant, days);
            let places = blocks[i].labels(self.labels.len());
            for (place, label) in places.iter_mut().zip(self.labels) {
                *place = label.compute(&window);
            }
        }
    }

    fn assemble(
        self,
        counts: &[Vec<usize>],
        x: Vec<f64>,
        labels: Vec<f64>,
        customers: Vec<u32>,
    ) -> Result<SnapshotTable> {
        let internal = |e: ndarray::ShapeError| tenure_core::Error::Internal(e.to_string());
        let shape = (customers.len(), self.features.schema().len());
        let x = Array2::from_shape_vec(shape, x).map_err(internal)?;
        let mut times = Vec::with_capacity(customers.len());
        for (i, instant) in self.instants.iter().enumerate() {
            let rows: usize = counts.iter().map(|c| c[i]).sum();
            times.resize(times.len() + rows, instant.seconds());
        }
        let mut data = Dataset::new(self.features.schema().clone(), x)?
            .with_groups(customers.iter().map(|&c| u64::from(c)).collect())?
            .with_times(times)?;
        for (i, label) in self.labels.iter().enumerate() {
            let values = labels.iter().skip(i).step_by(self.labels.len()).copied().collect();
            data = data.with_target(Target::new(label.name(), label.kind(), values)?)?;
        }
        Ok(SnapshotTable { data, customers, ids: self.log.shared_ids(), instants: self.instants })
    }
}

impl Block<'_> {
    fn row(&mut self, width: usize) -> &mut [f64] {
        &mut self.x[self.done * width..(self.done + 1) * width]
    }

    fn labels(&mut self, width: usize) -> &mut [f64] {
        &mut self.labels[self.done * width..(self.done + 1) * width]
    }
}

pub(crate) fn pool(context: &FitContext<'_>) -> Result<Option<rayon::ThreadPool>> {
    let Some(threads) = context.threads else { return Ok(None) };
    let built = rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build();
    Ok(Some(built.map_err(|e| tenure_core::Error::Internal(e.to_string()))?))
}

pub(crate) fn in_pool<R: Send>(pool: Option<&rayon::ThreadPool>, work: impl FnOnce() -> R + Send) -> R {
    match pool {
        Some(pool) => pool.install(work),
        None => work(),
    }
}
