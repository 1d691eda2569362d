#!/usr/bin/env bash
# Makes src/bindings/ from wit/ again, after a change there: cargo install wit-bindgen-cli@0.62.0 --locked
set -euo pipefail
cd "$(dirname "$0")"
agent=motehost:agent
generate() { # world, further options
  wit-bindgen rust ../../wit --world "$1" --out-dir src/bindings --format --runtime-path crate::runtime \
    --pub-export-macro --default-bindings-module "\$crate::bindings::${1//-/_}" \
    --additional-derive-attributes PartialEq --additional-derive-attributes Eq "${@:2}"
}
generate imports --generate-all
shared=()
for name in types log bus orchestration ties context tools; do
  shared+=(--with "$agent/$name@0.1.0=crate::bindings::imports::motehost::agent::$name")
done
for name in wall_clock monotonic_clock; do
  shared+=(--with "wasi:clocks/${name//_/-}@0.2.0=crate::bindings::imports::wasi::clocks::$name")
done
shared+=(--with "wasi:random/random@0.2.0=crate::bindings::imports::wasi::random::random")
shared+=(--with "wasi:io/poll@0.2.0=crate::bindings::imports::wasi::io::poll")
generate handler "${shared[@]}"
generate agent "${shared[@]}"
generate async-handler "${shared[@]}"
generate async-agent "${shared[@]}" \
  --with "$agent/async-bus@0.1.0=crate::bindings::async_handler::motehost::agent::async_bus" \
  --with "$agent/async-orchestration@0.1.0=crate::bindings::async_handler::motehost::agent::async_orchestration"
