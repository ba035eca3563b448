//! The only place that calls XGBoost's C functions.
//!
//! The crate `xgboost-rs` wraps them too, but its booster is `Clone` and frees the same handle twice, its data
//! matrix takes every 0 for missing, and its training stops after 16 rounds; so this stands on `xgboost-rs-sys`.
//!
//! # Invariants
//! * A handle is created by XGBoost, owned by one value here and freed once, when that value is dropped.
//! * Pointers given to XGBoost are to slices whose lengths are checked here, or to texts that end in 0 and live
//!   until the call returns. What it points at in return belongs to this thread and is copied before the next call.

use std::ffi::{CStr, CString, c_char, c_int};
use std::fmt::Write as _;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use tenure_core::{Error, Result};
use xgboost_rs_sys as ffi;

/// XGBoost's last error of this thread as ours.
fn check(code: c_int) -> Result<()> {
    if code == 0 {
        return Ok(());
    }
    // SAFETY: a string that ends in 0 and stays until the next call on this thread.
    let words = unsafe { CStr::from_ptr(ffi::XGBGetLastError()) }.to_string_lossy();
    // What follows the first line is a trace of C++ frames.
    let words = words.lines().find(|line| !line.trim().is_empty()).unwrap_or("an error without words");
    Err(Error::Data(format!("XGBoost: {words}")))
}

fn text(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::Internal("a text for XGBoost holds a 0".into()))
}

/// XGBoost's log of this thread goes nowhere: a library does not print.
fn quieten() -> Result<()> {
    // SAFETY: a text that ends in 0.
    check(unsafe { ffi::XGBSetGlobalConfig(c"{\"verbosity\": 0}".as_ptr()) })
}

/// Rows as XGBoost holds them.
#[derive(Debug)]
pub(super) struct Matrix {
    handle: ffi::DMatrixHandle,
}

impl Matrix {
    /// Row-major; NaN is missing. `categorical` says it of each column.
    pub(super) fn new(x: &[f32], categorical: &[bool]) -> Result<Self> {
        quieten()?;
        let rows = x.len().checked_div(categorical.len()).unwrap_or(0);
        let mut handle = ptr::null_mut();
        // SAFETY: `x` holds rows × columns numbers.
        check(unsafe {
            ffi::XGDMatrixCreateFromMat(x.as_ptr(), rows as _, categorical.len() as _, f32::NAN, &mut handle)
        })?;
        let matrix = Self { handle };
        if categorical.contains(&true) {
            let kind = |&categorical: &bool| if categorical { c"c".as_ptr() } else { c"q".as_ptr() };
            let mut kinds: Vec<*const c_char> = categorical.iter().map(kind).collect();
            // SAFETY: as many texts as columns.
            check(unsafe {
                ffi::XGDMatrixSetStrFeatureInfo(
                    handle,
                    c"feature_type".as_ptr(),
                    kinds.as_mut_ptr(),
                    kinds.len() as _,
                )
            })?;
        }
        Ok(matrix)
    }

    /// `label`, `weight` or `base_margin`; XGBoost checks their lengths when it trains.
    pub(super) fn set(&mut self, field: &str, values: &[f32]) -> Result<()> {
        let field = text(field)?;
        // SAFETY: `values` holds as many numbers as it says; XGBoost copies them.
        check(unsafe {
            ffi::XGDMatrixSetFloatInfo(self.handle, field.as_ptr(), values.as_ptr(), values.len() as _)
        })
    }
}

impl Drop for Matrix {
    fn drop(&mut self) {
        // SAFETY: owned, and freed here only.
        unsafe { ffi::XGDMatrixFree(self.handle) };
    }
}

/// What a matrix is asked for.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    Margins = 1,
    Contributions = 2,
}

/// A booster, in training or fitted.
#[derive(Debug)]
struct Handle(ffi::BoosterHandle);

impl Handle {
    fn new(matrices: &[&Matrix]) -> Result<Self> {
        quieten()?;
        let matrices: Vec<_> = matrices.iter().map(|m| m.handle).collect();
        let mut handle = ptr::null_mut();
        // SAFETY: living matrices; XGBoost shares in their ownership.
        check(unsafe { ffi::XGBoosterCreate(matrices.as_ptr(), matrices.len() as _, &mut handle) })?;
        Ok(Self(handle))
    }

    fn set(&self, name: &str, value: &str) -> Result<()> {
        let (name, value) = (text(name)?, text(value)?);
        // SAFETY: texts that end in 0.
        check(unsafe { ffi::XGBoosterSetParam(self.0, name.as_ptr(), value.as_ptr()) })
    }

    fn predict(&self, matrix: &Matrix, wanted: Wanted) -> Result<Vec<f32>> {
        let config = format!(
            "{{\"type\": {}, \"training\": false, \"iteration_begin\": 0, \"iteration_end\": 0, \
             \"strict_shape\": false}}",
            wanted as u8
        );
        let config = text(&config)?;
        let (mut shape, mut dimensions, mut out) = (ptr::null(), 0, ptr::null());
        // SAFETY: living handles, and a text that ends in 0.
        check(unsafe {
            ffi::XGBoosterPredictFromDMatrix(
                self.0,
                matrix.handle,
                config.as_ptr(),
                &mut shape,
                &mut dimensions,
                &mut out,
            )
        })?;
        // SAFETY: the shape has so many dimensions, and the answer as many numbers as they multiply to.
        Ok(unsafe { answer(shape, dimensions as usize, out) }.to_vec())
    }
}

/// What XGBoost answered, until the next call on this thread.
///
/// # Safety
/// `shape` points to `dimensions` numbers and `out` to as many as their product, or that is 0.
unsafe fn answer<'a>(shape: *const ffi::bst_ulong, dimensions: usize, out: *const f32) -> &'a [f32] {
    if shape.is_null() || out.is_null() {
        return &[];
    }
    // SAFETY: as the caller says.
    unsafe {
        let shape = std::slice::from_raw_parts(shape, dimensions);
        std::slice::from_raw_parts(out, shape.iter().product::<ffi::bst_ulong>() as usize)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: owned, and freed here only.
        unsafe { ffi::XGBoosterFree(self.0) };
    }
}

/// A boosting under way.
pub(super) struct Trainer<'a> {
    handle: Handle,
    data: &'a Matrix,
    rounds: c_int,
}

impl<'a> Trainer<'a> {
    pub(super) fn new(
        data: &'a Matrix,
        valid: Option<&Matrix>,
        parameters: &[(&str, String)],
    ) -> Result<Self> {
        let matrices: Vec<&Matrix> = std::iter::once(data).chain(valid).collect();
        let handle = Handle::new(&matrices)?;
        for (name, value) in parameters {
            handle.set(name, value)?;
        }
        Ok(Self { handle, data, rounds: 0 })
    }

    pub(super) fn update(&mut self) -> Result<()> {
        // SAFETY: living handles.
        check(unsafe { ffi::XGBoosterUpdateOneIter(self.handle.0, self.rounds, self.data.handle) })?;
        self.rounds += 1;
        Ok(())
    }

    /// Raw scores of the rows, with what `base_margin` they have.
    pub(super) fn margins(&self, matrix: &Matrix) -> Result<Vec<f32>> {
        self.handle.predict(matrix, Wanted::Margins)
    }

    /// The model of the first `rounds` rounds as XGBoost's JSON.
    pub(super) fn json(&self, rounds: usize) -> Result<Vec<u8>> {
        let rounds = c_int::try_from(rounds).unwrap_or(c_int::MAX).min(self.rounds);
        let mut slice = ptr::null_mut();
        // SAFETY: a living booster; the range lies within its rounds.
        check(unsafe { ffi::XGBoosterSlice(self.handle.0, 0, rounds, 1, &mut slice) })?;
        let slice = Handle(slice);
        let (mut len, mut bytes) = (0, ptr::null());
        // SAFETY: a living booster, and a text that ends in 0.
        check(unsafe {
            ffi::XGBoosterSaveModelToBuffer(slice.0, c"{\"format\": \"json\"}".as_ptr(), &mut len, &mut bytes)
        })?;
        if bytes.is_null() {
            return Err(Error::Internal("XGBoost's model is empty".into()));
        }
        // SAFETY: so many bytes, until the next call on this thread.
        Ok(unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), len as usize) }.to_vec())
    }
}

/// A fitted model that predicts and does nothing else.
#[derive(Debug)]
pub(super) struct Booster {
    handle: Handle,
    /// Explaining goes through a matrix, for which XGBoost promises no more than one thread at a time.
    explaining: Mutex<()>,
    columns: usize,
}

// SAFETY: XGBoost's booster belongs to no thread. After loading, which configures it, only two of its functions are
// called: predicting in place, which reads the model and writes into memory of the calling thread (documented as
// safe for threads), and explaining, one thread at a time.
unsafe impl Send for Booster {}
unsafe impl Sync for Booster {}

impl Booster {
    /// Loads XGBoost's JSON. It must be one that XGBoost wrote: its loader trusts it.
    pub(super) fn load(json: &[u8]) -> Result<Self> {
        let handle = Handle::new(&[])?;
        // SAFETY: so many bytes, which XGBoost copies.
        check(unsafe { ffi::XGBoosterLoadModelFromBuffer(handle.0, json.as_ptr().cast(), json.len() as _) })?;
        // A row on many threads takes longer than on one; batches are shared out above this.
        handle.set("nthread", "1")?;
        let mut columns = 0;
        // SAFETY: a living booster.
        check(unsafe { ffi::XGBoosterGetNumFeature(handle.0, &mut columns) })?;
        let booster = Self { handle, explaining: Mutex::new(()), columns: columns as usize };
        // The first prediction configures the booster; after it, predicting only reads.
        booster.margins(&vec![f32::NAN; booster.columns], |_| ())?;
        Ok(booster)
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Gives `use_them` the raw scores of rows (row-major), scores of a row together.
    pub(super) fn margins<T>(&self, x: &[f32], use_them: impl FnOnce(&[f32]) -> T) -> Result<T> {
        let rows = x.len().checked_div(self.columns).unwrap_or(0);
        if rows * self.columns != x.len() || rows == 0 {
            return Err(Error::Shape { what: "values of rows", expected: self.columns, found: x.len() });
        }
        let mut array = String::with_capacity(96);
        // Writing to a string cannot fail.
        let _ = write!(
            array,
            "{{\"data\": [{}, true], \"shape\": [{rows}, {}], \"typestr\": \"<f4\", \"version\": 3}}",
            x.as_ptr() as usize,
            self.columns
        );
        let array = text(&array)?;
        let config = c"{\"type\": 1, \"training\": false, \"iteration_begin\": 0, \"iteration_end\": 0, \"cache_id\": 0, \"missing\": NaN, \"strict_shape\": false}";
        let (mut shape, mut dimensions, mut out) = (ptr::null(), 0, ptr::null());
        // SAFETY: the array describes `x`, which lives until the call returns.
        check(unsafe {
            ffi::XGBoosterPredictFromDense(
                self.handle.0,
                array.as_ptr(),
                config.as_ptr(),
                ptr::null_mut(),
                &mut shape,
                &mut dimensions,
                &mut out,
            )
        })?;
        // SAFETY: the shape has so many dimensions, and the answer as many numbers as they multiply to. It is used
        // before the next call on this thread: `use_them` gets no hold of XGBoost.
        Ok(use_them(unsafe { answer(shape, dimensions as usize, out) }))
    }

    /// For each raw score of one row the contributions of all columns and the baseline.
    pub(super) fn contributions(&self, row: &[f32], categorical: &[bool]) -> Result<Vec<f32>> {
        let matrix = Matrix::new(row, categorical)?;
        let _alone = self.explaining.lock().unwrap_or_else(PoisonError::into_inner);
        self.handle.predict(&matrix, Wanted::Contributions)
    }
}
