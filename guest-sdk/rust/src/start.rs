/// Called once when the instance is made, before anything else: nothing is left for an agent's author to remember.
#[no_mangle]
extern "C" fn _initialize() {
    std::panic::set_hook(Box::new(crate::panic::report));
    #[cfg(feature = "log")]
    {
        // It only fails where a logger was set before, and this is the first code that runs.
        let _ = log::set_logger(&crate::log::facade::AgentLog);
        log::set_max_level(log::LevelFilter::Trace);
    }
}
