//! Runs one asynchronous export at a time: the names generated bindings call (`start_task`, `callback`, `Subtask`)
//! over the canonical built-ins. Everything is in memory that the host can save while the agent waits.

use std::alloc::Layout;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use super::Cleanup;

/// What a task tells the host to do next, and how far a subtask is: numbers of the canonical ABI.
const EXIT: u32 = 0;
const YIELD: u32 = 1;
const WAIT: u32 = 2;
const EVENT_SUBTASK: u32 = 1;
const STARTING: u32 = 0;
const RETURNED: u32 = 2;

/// A call of an import that has not returned.
struct Waiting {
    waker: Waker,
    state: u32,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

thread_local! {
    static TASK: RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>> = const { RefCell::new(None) };
    static WAITING: RefCell<BTreeMap<u32, Waiting>> = const { RefCell::new(BTreeMap::new()) };
    /// The waitable set of all calls under way; 0 before there is any.
    static SET: Cell<u32> = const { Cell::new(0) };
    static WOKEN: Arc<Woken> = Arc::new(Woken(AtomicBool::new(false)));
}

/// An export was called: runs it as far as it gets.
pub fn start_task(task: impl Future<Output = ()> + 'static) -> i32 {
    TASK.set(Some(Box::pin(task)));
    run() as i32
}

/// The host has an event for the task that waits.
///
/// # Safety
///
/// To be called by the host only, after `start_task` told it to.
pub unsafe fn callback(event: u32, handle: u32, state: u32) -> u32 {
    if event == EVENT_SUBTASK {
        tell(handle, state);
    } else {
        take_events();
    }
    run()
}

fn run() -> u32 {
    let Some(mut task) = TASK.take() else {
        return EXIT;
    };
    let woken = WOKEN.with(Arc::clone);
    woken.0.store(false, Ordering::Relaxed);
    let waker = Waker::from(Arc::clone(&woken));
    if task
        .as_mut()
        .poll(&mut Context::from_waker(&waker))
        .is_ready()
    {
        return EXIT;
    }
    TASK.set(Some(task));
    if woken.0.load(Ordering::Relaxed) {
        return YIELD;
    }
    WAIT | set() << 4
}

fn set() -> u32 {
    if SET.get() == 0 {
        SET.set(unsafe { builtins::new_set() });
    }
    SET.get()
}

/// After a yield: whatever has come meanwhile.
fn take_events() {
    if SET.get() == 0 {
        return;
    }
    loop {
        let mut event = [0u32; 2];
        if unsafe { builtins::poll(SET.get(), &mut event) } != EVENT_SUBTASK {
            return;
        }
        tell(event[0], event[1]);
    }
}

/// A subtask came to another state: whoever waits for it is woken.
fn tell(handle: u32, state: u32) {
    let waker = WAITING.with_borrow_mut(|waiting| {
        let call = waiting.get_mut(&handle)?;
        call.state = state;
        Some(call.waker.clone())
    });
    match waker {
        Some(waker) => waker.wake(),
        // Its future was forgotten, so nobody will ask.
        None => unsafe { builtins::join(handle, 0) },
    }
}

/// Only the host ends a task, and it does so without asking.
pub struct TaskCancelOnDrop(());

impl TaskCancelOnDrop {
    #[allow(clippy::new_without_default)]
    pub fn new() -> TaskCancelOnDrop {
        TaskCancelOnDrop(())
    }

    pub fn forget(self) {}
}

/// An import as generated bindings describe it.
///
/// # Safety
///
/// The layout must hold the lowered parameters and, at the offset, the result.
pub unsafe trait Subtask {
    type Params;
    type ParamsLower: Copy;
    type Results;

    fn abi_layout(&mut self) -> Layout;
    fn results_offset(&mut self) -> usize;
    /// # Safety
    /// `results` has room for the result.
    unsafe fn call_import(&mut self, params: Self::ParamsLower, results: *mut u8) -> u32;
    /// # Safety
    /// `to` has room for the parameters.
    unsafe fn params_lower(&mut self, params: Self::Params, to: *mut u8) -> Self::ParamsLower;
    /// # Safety
    /// The host has read the parameters; called once.
    unsafe fn params_dealloc_lists(&mut self, lower: Self::ParamsLower);
    /// # Safety
    /// The host will not read the parameters; called once.
    unsafe fn params_dealloc_lists_and_own(&mut self, lower: Self::ParamsLower);
    /// # Safety
    /// The host has written the result; called once.
    unsafe fn results_lift(&mut self, from: *mut u8) -> Self::Results;

    /// The call, which begins when it is first polled.
    fn call(&mut self, params: Self::Params) -> impl Future<Output = Self::Results>
    where
        Self: Sized,
    {
        Call {
            import: self,
            stage: Stage::Before(params),
        }
    }
}

struct Call<'a, T: Subtask> {
    import: &'a mut T,
    stage: Stage<T>,
}

enum Stage<T: Subtask> {
    Before(T::Params),
    During(During<T>),
    After,
}

struct During<T: Subtask> {
    handle: u32,
    results: *mut u8,
    /// Parameters that the host has not read.
    unread: Option<T::ParamsLower>,
    _area: Option<Cleanup>,
}

// Nothing in it is pinned.
impl<T: Subtask> Unpin for Call<'_, T> {}

impl<T: Subtask> Future for Call<'_, T> {
    type Output = T::Results;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T::Results> {
        let call = self.get_mut();
        match mem::replace(&mut call.stage, Stage::After) {
            Stage::Before(params) => call.begin(params, context),
            Stage::During(during) => call.go_on(during, context),
            Stage::After => panic!("polled after its end"),
        }
    }
}

impl<T: Subtask> Call<'_, T> {
    fn begin(&mut self, params: T::Params, context: &mut Context<'_>) -> Poll<T::Results> {
        unsafe {
            let (start, area) = Cleanup::new(self.import.abi_layout());
            let results = start.wrapping_add(self.import.results_offset());
            let lower = self.import.params_lower(params, start);
            let status = self.import.call_import(lower, results);
            let (state, handle) = (status & 15, status >> 4);
            if state == RETURNED {
                self.import.params_dealloc_lists(lower);
                return Poll::Ready(self.import.results_lift(results));
            }
            let waker = context.waker().clone();
            WAITING.with_borrow_mut(|waiting| waiting.insert(handle, Waiting { waker, state }));
            builtins::join(handle, set());
            self.go_on(
                During {
                    handle,
                    results,
                    unread: Some(lower),
                    _area: area,
                },
                context,
            )
        }
    }

    fn go_on(&mut self, mut during: During<T>, context: &mut Context<'_>) -> Poll<T::Results> {
        let state = WAITING.with_borrow_mut(|waiting| {
            let call = waiting.get_mut(&during.handle).expect("a call under way");
            call.waker.clone_from(context.waker());
            call.state
        });
        if state != STARTING {
            self.free_read(&mut during);
        }
        if state != RETURNED {
            self.stage = Stage::During(during);
            return Poll::Pending;
        }
        let results = unsafe { self.import.results_lift(during.results) };
        leave(during.handle);
        Poll::Ready(results)
    }

    fn free_read(&mut self, during: &mut During<T>) {
        if let Some(lower) = during.unread.take() {
            unsafe { self.import.params_dealloc_lists(lower) };
        }
    }
}

/// A call that nobody waits for any more is given up.
impl<T: Subtask> Drop for Call<'_, T> {
    fn drop(&mut self) {
        let Stage::During(mut during) = mem::replace(&mut self.stage, Stage::After) else {
            return;
        };
        let known = WAITING.with_borrow(|waiting| waiting[&during.handle].state);
        let state = if known == RETURNED {
            known
        } else {
            unsafe {
                builtins::join(during.handle, 0);
                builtins::cancel(during.handle)
            }
        };
        // Cancelled before it started (3): the host has not taken what was passed.
        if state == 3 {
            if let Some(lower) = during.unread.take() {
                unsafe { self.import.params_dealloc_lists_and_own(lower) };
            }
        }
        self.free_read(&mut during);
        if state == RETURNED {
            drop(unsafe { self.import.results_lift(during.results) });
        }
        leave(during.handle);
    }
}

fn leave(handle: u32) {
    WAITING.with_borrow_mut(|waiting| waiting.remove(&handle));
    unsafe { builtins::drop(handle) };
}

#[cfg(target_arch = "wasm32")]
mod builtins {
    #[link(wasm_import_module = "$root")]
    extern "C" {
        #[link_name = "[waitable-set-new]"]
        pub fn new_set() -> u32;
        #[link_name = "[waitable-set-poll]"]
        pub fn poll(set: u32, event: *mut [u32; 2]) -> u32;
        #[link_name = "[waitable-join]"]
        pub fn join(handle: u32, set: u32);
        #[link_name = "[subtask-cancel]"]
        pub fn cancel(handle: u32) -> u32;
        #[link_name = "[subtask-drop]"]
        pub fn drop(handle: u32);
    }
}

/// So that agents compile natively, for editors and unit tests of what does not call the host.
#[cfg(not(target_arch = "wasm32"))]
mod builtins {
    pub unsafe fn new_set() -> u32 {
        unreachable!("only in a host")
    }
    pub unsafe fn poll(_set: u32, _event: *mut [u32; 2]) -> u32 {
        unreachable!("only in a host")
    }
    pub unsafe fn join(_handle: u32, _set: u32) {
        unreachable!("only in a host")
    }
    pub unsafe fn cancel(_handle: u32) -> u32 {
        unreachable!("only in a host")
    }
    pub unsafe fn drop(_handle: u32) {
        unreachable!("only in a host")
    }
}
