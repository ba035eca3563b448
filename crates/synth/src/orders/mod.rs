//! Order logs from a Markov-modulated Poisson process, with an exact oracle.
//!
//! # The model
//!
//! **Operational time.** A calendar s(τ) = day(τ)·hour(τ), of mean about 1, holds the yearly, weekly and hourly
//! seasons. All hazards and rates are constant in u(t) = ∫ s(τ) dτ (from the log's start, in days), so that a
//! season stretches time and changes nothing else ([`calendar`](Calendar)).
//!
//! **Types.** A customer has a type k = (purchase rate class, hazard class, spend class), three classes each,
//! drawn independently. The type never changes.
//!
//! **States.** The state z ∈ {active, cooling, lapsed} is a Markov chain along
//! active ⇄ cooling ⇄ lapsed with generator Q(k). Orders arrive with rate Λ(k) = diag(λ, λ/slowdown, 0): an
//! MMPP (Fischer and Meier-Hellstern 1993). With D(k) = Q(k) − Λ(k), the probability of no order over a length
//! x of operational time, state by state, is exp(D x)·1.
//!
//! **Joining.** Customers join at a constant pace over [−A, U], where 0 and U are the log's ends and A is
//! `history_months`. A customer joins in state active. One who joins within the log places the first order
//! then; of one who joined before, the log shows only what happens after its start.
//!
//! **Marks of an order.** Given type and state, independently of everything else:
//! * the gross amount of each line is lognormal, ln gross ~ N(ln m(spend class) + ln f where cooling, σ²), in cents;
//! * the order is discounted with a probability that depends on the state, at a depth that does not;
//! * one line of it is sent back with a probability that depends on the state, after a delay that does not
//!   (uniform over [[`RETURN_DAYS`]] days, calendar time): a negative line with the order's code.
//!
//! Number of lines, quantities, categories (a personal favourite and the general taste) and channels (a
//! personal favourite) depend on neither type nor state.
//!
//! # The truth
//!
//! For a customer at instant t and a horizon h, with Δ = u(t + h) − u(t):
//! * **latent**: P(no order in [t, t+h) | k, z(t)) = (exp(D(k) Δ)·1)_z(t);
//! * **attainable**: the same given the orders and returns before t only,
//!   Σ_k v_k exp(D(k) Δ)·1 / Σ_k v_k·1, where v is the forward filter over (type, state) of a hidden Markov
//!   model (Rabiner 1989) in continuous time. With π the type shares, u_i the instants of the orders, x_i their
//!   gaps and B_i = Λ·diag(likelihood of the marks of order i, by state):
//!
//!   v ← π_k [ (∫₀ᴬ e_active exp(Q a) da) exp(D u_1) + e_active Λ⁻¹ ] B_1   (joined before, or with this order),
//!   v ← v exp(D x_i) B_i for i ≥ 2, and v ← v exp(D (u(t) − u_n)) at the end.
//!
//!   An order counts p(state) where its return has been seen, else 1 − p(state)·F(t − t_i) with F the
//!   distribution of the delay; so young orders are taken up anew at every instant. What the filter leaves out
//!   is independent of type and state, hence nobody who sees only the orders can do better: evaluations call
//!   this *the oracle*. It is exact up to the rounding of times to seconds and of amounts to cents.
//!
//! D is tridiagonal with positive off-diagonals, hence similar to a symmetric matrix: its exponentials come
//! from one eigendecomposition per (rate class, hazard class).
//!
//! # When not to use it
//! For fitting a model to real orders: the parameters are taken as known, nothing here estimates them.
//!
//! # Example
//! ```
//! use tenure_synth::OrderParams;
//!
//! let world = OrderParams { customers: 50, months: 12, ..OrderParams::default() }.check()?;
//! let log = world.generate(42, 1)?;
//! let instant = world.end().plus_days(-90);
//! let truth = world.truth_rows(&log, &[instant], 90, 1)?;
//! assert!(truth.iter().all(|row| (0.0..=1.0).contains(&row.attainable)));
//! # Ok::<(), tenure_core::Error>(())
//! ```

mod calendar;
mod chain;
mod customer;
mod history;
mod oracle;
mod params;
mod summary;
mod truth;
mod world;

pub use calendar::Calendar;
pub use customer::{CATEGORIES, CHANNELS, DISCOUNT_PERCENT, RETURN_DAYS};
pub use params::OrderParams;
pub(crate) use summary::auc;
pub use summary::{ChurnTruth, OrderSummary, Share};
pub use truth::{CustomerType, State, Truth, TruthRow};
pub use world::{Batches, OrderLog, OrderWorld};
