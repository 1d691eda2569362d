/// Bindings of the world that `agent.toml` names, of the package in `wit/` or wherever it says: a trait `Guest` to
/// implement, one per exported interface under `exports`, and `export!(YourType);` that makes the type the component.
///
/// ```ignore
/// motehost::world!();
/// export!(Agent);
/// ```
///
/// `host build` puts the package with everything it refers to into one file, so `motehost:agent` and WASI need not
/// lie beside it. Types of `motehost:agent` are those of this crate: `bus`, `log` and the others work with them.
/// Where this does not suit, `motehost::wit_bindgen::generate!` takes every option.
// In a project's copy, WORLD is its world, and the interfaces are those it has: wit-bindgen wants no others.
#[macro_export]
macro_rules! world {
    () => {
        $crate::wit_bindgen::generate!({
            world: "WORLD",
            path: "build/sdk/world.wit",
            runtime_path: "::motehost::wit_bindgen::rt",
            bitflags_path: "::motehost::wit_bindgen::bitflags",
            generate_all,
            with: {
                "motehost:agent/types@0.1.0": ::motehost::bindings::imports::motehost::agent::types,
                "motehost:agent/log@0.1.0": ::motehost::bindings::imports::motehost::agent::log,
                "motehost:agent/bus@0.1.0": ::motehost::bindings::imports::motehost::agent::bus,
                "motehost:agent/orchestration@0.1.0": ::motehost::bindings::imports::motehost::agent::orchestration,
                "motehost:agent/ties@0.1.0": ::motehost::bindings::imports::motehost::agent::ties,
                "motehost:agent/context@0.1.0": ::motehost::bindings::imports::motehost::agent::context,
                "motehost:agent/tools@0.1.0": ::motehost::bindings::imports::motehost::agent::tools,
                "wasi:clocks/wall-clock@0.2.0": ::motehost::bindings::imports::wasi::clocks::wall_clock,
                "wasi:clocks/monotonic-clock@0.2.0": ::motehost::bindings::imports::wasi::clocks::monotonic_clock,
                "wasi:io/poll@0.2.0": ::motehost::bindings::imports::wasi::io::poll,
                "wasi:random/random@0.2.0": ::motehost::bindings::imports::wasi::random::random,
            },
        });
    };
}
