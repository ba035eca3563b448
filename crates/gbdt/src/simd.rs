//! Which vector instructions the processor has.

/// Whether paths that need AVX2 may be taken. Each has a portable twin of the same bits.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn avx2() -> bool {
    #[cfg(test)]
    if testing::is_portable() {
        return false;
    }
    std::arch::is_x86_feature_detected!("avx2")
}

/// Tests take the portable paths on any processor.
#[cfg(test)]
pub(crate) mod testing {
    use std::sync::atomic::{AtomicBool, Ordering};

    /// For the whole process, since work is spread over threads. Other tests that run meanwhile take the portable
    /// paths too, which must not matter to them.
    static PORTABLE: AtomicBool = AtomicBool::new(false);

    #[cfg(target_arch = "x86_64")]
    pub(super) fn is_portable() -> bool {
        PORTABLE.load(Ordering::Relaxed)
    }

    /// Runs `work` without AVX2.
    pub(crate) fn portably<R>(work: impl FnOnce() -> R) -> R {
        PORTABLE.store(true, Ordering::Relaxed);
        let result = work();
        PORTABLE.store(false, Ordering::Relaxed);
        result
    }
}
