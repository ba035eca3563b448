//! Memory in large pages.
//!
//! Rows of a leaf lie far apart: with pages of 4 kB nearly each of them costs a walk through the page table, and at a
//! million rows that is a fifth of training.

/// Zeros, in large pages where the system has them and they are worth while.
pub(crate) fn zeroed<T: Copy + Default>(len: usize) -> Vec<T> {
    // Memory this large comes from the system untouched, so the request is made before any page exists.
    let zeros = vec![T::default(); len];
    ask_for_large_pages(&zeros);
    zeros
}

/// Below this, what is gained is less than the page that may be wasted.
#[cfg(target_os = "linux")]
const LEAST: usize = 8 << 20;

#[cfg(target_os = "linux")]
fn ask_for_large_pages<T>(memory: &[T]) {
    const PAGE: usize = 4096;
    let bytes = size_of_val(memory);
    if bytes < LEAST || cfg!(miri) {
        return;
    }
    let start = memory.as_ptr().cast::<u8>();
    let skip = start.align_offset(PAGE);
    let whole = bytes.saturating_sub(skip) / PAGE * PAGE;
    // SAFETY: the pages from `start + skip`, `whole` bytes, lie within `memory`, which is alive. The advice changes how
    // pages are backed, never what they hold. An error means that there are no large pages: nothing is lost.
    unsafe {
        let _ = libc::madvise(start.add(skip).cast_mut().cast(), whole, libc::MADV_HUGEPAGE);
    }
}

#[cfg(not(target_os = "linux"))]
fn ask_for_large_pages<T>(_: &[T]) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_of_any_size_can_be_written() {
        for len in [0, 1, 5000, 9 << 20] {
            let mut zeros: Vec<u8> = zeroed(len);
            assert!(zeros.iter().all(|&z| z == 0));
            zeros.iter_mut().step_by(4096).for_each(|z| *z = 7);
            assert_eq!(zeros.iter().filter(|&&z| z == 7).count(), len.div_ceil(4096));
        }
    }
}
