//! The only place that calls LightGBM's C functions.
//!
//! The crate `lightgbm3` wraps them too, but its data sets drop their parameters (bins, categorical columns)
//! without a word, so this stands on `lightgbm3-sys` directly.
//!
//! # Invariants
//! * A handle is created by LightGBM, owned by one value here and freed once, when that value is dropped. What a
//!   [`Trainer`] refers to is borrowed by it, and single-row handles are freed before their booster.
//! * Pointers given to LightGBM are to slices whose lengths are checked here, or point to locals; LightGBM copies
//!   what it keeps.
//! * LightGBM keeps its number of threads in one variable of the process, and sizes buffers by it: whoever sets it
//!   while a fit is under way must set the same number. All fits therefore hold [`FIT`], one at a time, and what
//!   sets the number for a prediction sets the one in [`THREADS`], holding it.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lightgbm3_sys as ffi;
use tenure_core::{Error, Result};

static FIT: Mutex<()> = Mutex::new(());
static THREADS: Mutex<usize> = Mutex::new(1);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What they guard is valid at any time, so a panic elsewhere does not spoil it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right to train, held while a fit lasts.
pub(super) struct Fitting {
    _one_at_a_time: MutexGuard<'static, ()>,
}

impl Fitting {
    pub(super) fn begin(threads: usize) -> Self {
        let guard = lock(&FIT);
        *lock(&THREADS) = threads;
        quieten();
        Self { _one_at_a_time: guard }
    }
}

/// LightGBM's log of this thread goes nowhere: a library does not print.
fn quieten() {
    unsafe extern "C" fn nowhere(_: *const c_char) {}
    // SAFETY: the callback lives for ever and does nothing.
    unsafe { ffi::LGBM_RegisterLogCallback(Some(nowhere)) };
}

/// LightGBM's last error of this thread as ours.
fn check(code: c_int) -> Result<()> {
    if code == 0 {
        return Ok(());
    }
    // SAFETY: a string that ends in 0 and stays until the next call on this thread.
    let words = unsafe { CStr::from_ptr(ffi::LGBM_GetLastError()) }.to_string_lossy();
    Err(Error::Data(format!("LightGBM: {words}")))
}

fn text(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::Internal("a text for LightGBM holds a 0".into()))
}

fn small(what: &'static str, n: usize) -> Result<i32> {
    i32::try_from(n).map_err(|_| Error::unsupported("lightgbm", format!("{n} {what}: it counts in 32 bits")))
}

/// Binned rows.
#[derive(Debug)]
pub(super) struct Data<'a> {
    handle: ffi::DatasetHandle,
    rows: usize,
    reference: PhantomData<&'a ()>,
}

impl<'a> Data<'a> {
    /// Bins `x`, row-major; a validation set takes its bins from the training set, its `reference`.
    pub(super) fn new(
        _: &Fitting,
        x: &[f64],
        columns: usize,
        parameters: &str,
        reference: Option<&'a Data<'_>>,
    ) -> Result<Self> {
        let rows = x.len().checked_div(columns).unwrap_or(0);
        let (n, width, parameters) = (small("rows", rows)?, small("columns", columns)?, text(parameters)?);
        let reference = reference.map_or(ptr::null_mut(), |data| data.handle);
        let mut handle = ptr::null_mut();
        // SAFETY: `x` holds rows × columns numbers; the reference, if any, is a living data set.
        check(unsafe {
            ffi::LGBM_DatasetCreateFromMat(
                x.as_ptr().cast::<c_void>(),
                ffi::C_API_DTYPE_FLOAT64 as c_int,
                n,
                width,
                1,
                parameters.as_ptr(),
                reference,
                &mut handle,
            )
        })?;
        Ok(Self { handle, rows, reference: PhantomData })
    }

    /// `label` or `weight`.
    pub(super) fn set_floats(&mut self, field: &str, values: &[f32]) -> Result<()> {
        self.set(field, values.as_ptr().cast(), values.len(), self.rows, ffi::C_API_DTYPE_FLOAT32 as c_int)
    }

    /// A number per row and raw score, all of one score together.
    pub(super) fn set_scores(&mut self, values: &[f64]) -> Result<()> {
        let rows = self.rows.max(1);
        let expected = rows * (values.len() / rows);
        self.set(
            "init_score",
            values.as_ptr().cast(),
            values.len(),
            expected,
            ffi::C_API_DTYPE_FLOAT64 as c_int,
        )
    }

    fn set(
        &mut self,
        field: &str,
        values: *const c_void,
        found: usize,
        expected: usize,
        kind: c_int,
    ) -> Result<()> {
        if found != expected {
            return Err(Error::Shape { what: "values of a field of LightGBM", expected, found });
        }
        let (field, found) = (text(field)?, small("values", found)?);
        // SAFETY: `values` points to `found` numbers of the kind, which LightGBM copies.
        check(unsafe { ffi::LGBM_DatasetSetField(self.handle, field.as_ptr(), values, found, kind) })
    }
}

impl Drop for Data<'_> {
    fn drop(&mut self) {
        // SAFETY: owned, and freed here only.
        unsafe { ffi::LGBM_DatasetFree(self.handle) };
    }
}

/// A boosting under way. It refers to its data, and so does what LightGBM keeps.
pub(super) struct Trainer<'a> {
    handle: ffi::BoosterHandle,
    _fitting: &'a Fitting,
    data: PhantomData<&'a Data<'a>>,
}

impl<'a> Trainer<'a> {
    pub(super) fn new(fitting: &'a Fitting, data: &'a Data<'_>, parameters: &str) -> Result<Self> {
        let parameters = text(parameters)?;
        let mut handle = ptr::null_mut();
        // SAFETY: the data set lives as long as the trainer borrows it.
        check(unsafe { ffi::LGBM_BoosterCreate(data.handle, parameters.as_ptr(), &mut handle) })?;
        Ok(Self { handle, _fitting: fitting, data: PhantomData })
    }

    pub(super) fn add_valid(&mut self, valid: &'a Data<'_>) -> Result<()> {
        // SAFETY: as in `new`.
        check(unsafe { ffi::LGBM_BoosterAddValidData(self.handle, valid.handle) })
    }

    /// Grows the trees of one round; true where there was nothing to split.
    pub(super) fn update(&mut self) -> Result<bool> {
        let mut empty = 0;
        // SAFETY: a living booster with its data.
        check(unsafe { ffi::LGBM_BoosterUpdateOneIter(self.handle, &mut empty) })?;
        Ok(empty != 0)
    }

    /// The outputs of the training rows (0) or the validation rows (1), all of one output together.
    pub(super) fn outputs(&self, set: c_int) -> Result<Vec<f64>> {
        let mut len = 0i64;
        // SAFETY: a living booster; it checks the set's number.
        check(unsafe { ffi::LGBM_BoosterGetNumPredict(self.handle, set, &mut len) })?;
        let mut out = vec![0.0; usize::try_from(len).unwrap_or(0)];
        // SAFETY: there is room for as many numbers as it said.
        check(unsafe { ffi::LGBM_BoosterGetPredict(self.handle, set, &mut len, out.as_mut_ptr()) })?;
        Ok(out)
    }

    /// The model of the first `rounds` rounds as LightGBM's text.
    pub(super) fn text(&self, rounds: usize) -> Result<String> {
        let (rounds, mut len) = (small("rounds", rounds)?, 0i64);
        let mut bytes: Vec<u8> = Vec::new();
        // The first call tells the length, the second writes.
        for _ in 0..2 {
            bytes.resize(usize::try_from(len).unwrap_or(0), 0);
            let gain = ffi::C_API_FEATURE_IMPORTANCE_GAIN as c_int;
            // SAFETY: LightGBM writes at most as many bytes as it is told there is room for.
            check(unsafe {
                ffi::LGBM_BoosterSaveModelToString(
                    self.handle,
                    0,
                    rounds,
                    gain,
                    len,
                    &mut len,
                    bytes.as_mut_ptr().cast::<c_char>(),
                )
            })?;
        }
        let text = CStr::from_bytes_until_nul(&bytes).ok().and_then(|text| text.to_str().ok());
        text.map(str::to_owned).ok_or_else(|| Error::Internal("LightGBM's model is no text".into()))
    }
}

impl Drop for Trainer<'_> {
    fn drop(&mut self) {
        // SAFETY: owned, and freed here only.
        unsafe { ffi::LGBM_BoosterFree(self.handle) };
    }
}

/// What a row is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted {
    /// The raw scores.
    Scores,
    /// For each raw score a contribution of every column, and the baseline.
    Contributions,
}

/// A handle for single rows, set up once: buffers, and the trees to use.
#[derive(Debug)]
struct Single(ffi::FastConfigHandle);

// SAFETY: the handle refers to no thread; it locks itself in use, and here one thread has it at a time.
unsafe impl Send for Single {}

impl Drop for Single {
    fn drop(&mut self) {
        // SAFETY: owned, and freed here only; its booster still lives (see `Booster`).
        unsafe { ffi::LGBM_FastConfigFree(self.0) };
    }
}

/// A fitted model that predicts and does nothing else.
///
/// The handles for single rows are declared first, because fields are dropped in that order.
#[derive(Debug)]
pub(super) struct Booster {
    /// Handles that no thread is using, for scores and for contributions.
    idle: [Mutex<Vec<Single>>; 2],
    booster: Handle,
    columns: usize,
    scores: usize,
}

#[derive(Debug)]
struct Handle(ffi::BoosterHandle);

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: owned, and freed here only.
        unsafe { ffi::LGBM_BoosterFree(self.0) };
    }
}

// SAFETY: LightGBM's booster belongs to no thread. After loading, only two of its functions are called: the one
// that sets up a handle for single rows, which takes the booster's lock alone, and the one that predicts through
// such a handle, which takes it shared, and the handle's own lock alone.
unsafe impl Send for Handle {}
unsafe impl Sync for Handle {}

impl Booster {
    /// Loads LightGBM's text. It must be one that LightGBM wrote: its loader trusts it.
    pub(super) fn load(model: &str) -> Result<Self> {
        quieten();
        let model = text(model)?;
        let (mut handle, mut rounds, mut columns, mut scores) = (ptr::null_mut(), 0, 0, 0);
        // SAFETY: a text that ends in 0.
        check(unsafe { ffi::LGBM_BoosterLoadModelFromString(model.as_ptr(), &mut rounds, &mut handle) })?;
        let booster = Handle(handle);
        // SAFETY: a living booster.
        check(unsafe { ffi::LGBM_BoosterGetNumFeature(handle, &mut columns) })?;
        // SAFETY: as above.
        check(unsafe { ffi::LGBM_BoosterNumModelPerIteration(handle, &mut scores) })?;
        let count = |n: c_int| usize::try_from(n).unwrap_or(0);
        Ok(Self { idle: Default::default(), booster, columns: count(columns), scores: count(scores) })
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Raw scores of a row.
    pub(super) fn scores(&self) -> usize {
        self.scores
    }

    /// Fills `out` with what is wanted of one row.
    pub(super) fn row(&self, wanted: Wanted, row: &[f64], out: &mut [f64]) -> Result<()> {
        let expected = match wanted {
            Wanted::Scores => self.scores,
            Wanted::Contributions => self.scores * (self.columns + 1),
        };
        for (what, expected, found) in
            [("values of a row", self.columns, row.len()), ("room for answers", expected, out.len())]
        {
            if expected != found {
                return Err(Error::Shape { what, expected, found });
            }
        }
        let idle = &self.idle[wanted as usize];
        let taken = lock(idle).pop();
        let single = taken.map_or_else(|| self.single(wanted), Ok)?;
        let mut len = 0i64;
        // SAFETY: the row is as long as the handle was told, and there is room for its answers.
        let code = unsafe {
            ffi::LGBM_BoosterPredictForMatSingleRowFast(
                single.0,
                row.as_ptr().cast::<c_void>(),
                &mut len,
                out.as_mut_ptr(),
            )
        };
        let outcome = check(code);
        lock(idle).push(single);
        outcome
    }

    fn single(&self, wanted: Wanted) -> Result<Single> {
        quieten();
        let wanted = match wanted {
            Wanted::Scores => ffi::C_API_PREDICT_RAW_SCORE,
            Wanted::Contributions => ffi::C_API_PREDICT_CONTRIB,
        };
        let columns = small("columns", self.columns)?;
        // Held until the call is over: see the invariants.
        let threads = lock(&THREADS);
        let parameters = text(&format!("verbosity=-1 num_threads={}", *threads))?;
        let mut handle = ptr::null_mut();
        // SAFETY: a living booster, which outlives the handle.
        check(unsafe {
            ffi::LGBM_BoosterPredictForMatSingleRowFastInit(
                self.booster.0,
                wanted as c_int,
                0,
                -1,
                ffi::C_API_DTYPE_FLOAT64 as c_int,
                columns,
                parameters.as_ptr(),
                &mut handle,
            )
        })?;
        Ok(Single(handle))
    }
}
