//! What generated bindings need of a runtime: memory that the host fills, constructors that run
//! once, and asynchronous calls.
//! With feature `wit` it is wit-bindgen's own, which bindings of other worlds use as well.

#[cfg(feature = "wit")]
pub use wit_bindgen::rt::*;

#[cfg(not(feature = "wit"))]
pub use own::*;

#[cfg(not(feature = "wit"))]
#[path = "tasks.rs"]
pub mod async_support;

#[cfg(not(feature = "wit"))]
mod own {
    use std::alloc::{alloc, dealloc, handle_alloc_error, Layout};
    use std::ptr;

    /// Memory for arguments of a call to the host, freed after it.
    pub struct Cleanup {
        start: *mut u8,
        layout: Layout,
    }

    impl Cleanup {
        pub fn new(layout: Layout) -> (*mut u8, Option<Cleanup>) {
            if layout.size() == 0 {
                return (ptr::null_mut(), None);
            }
            let start = unsafe { alloc(layout) };
            if start.is_null() {
                handle_alloc_error(layout);
            }
            (start, Some(Cleanup { start, layout }))
        }

        /// Whoever reads the memory frees it.
        pub fn forget(self) {
            std::mem::forget(self);
        }
    }

    impl Drop for Cleanup {
        fn drop(&mut self) {
            unsafe { dealloc(self.start, self.layout) };
        }
    }

    /// How the host gets memory for what it hands over.
    ///
    /// # Safety
    ///
    /// `old`, `old_size` and `align` are those of an earlier call, or `old_size` is 0.
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    #[no_mangle]
    pub unsafe extern "C" fn cabi_realloc(
        old: *mut u8,
        old_size: usize,
        align: usize,
        size: usize,
    ) -> *mut u8 {
        if size == 0 {
            return align as *mut u8;
        }
        let start = if old_size == 0 {
            alloc(Layout::from_size_align_unchecked(size, align))
        } else {
            std::alloc::realloc(
                old,
                Layout::from_size_align_unchecked(old_size, align),
                size,
            )
        };
        if start.is_null() {
            std::process::abort();
        }
        start
    }

    /// Generated code calls it so that `cabi_realloc` is linked; here it is, whatever is called.
    pub fn maybe_link_cabi_realloc() {}

    /// Generated code calls it first in each export. As `__wasm_call_ctors` is called by hand, the linker does not
    /// call it in every export as well.
    #[cfg(target_arch = "wasm32")]
    pub fn run_ctors_once() {
        static mut DONE: bool = false;
        extern "C" {
            fn __wasm_call_ctors();
        }
        unsafe {
            if !DONE {
                DONE = true;
                __wasm_call_ctors();
            }
        }
    }
}
