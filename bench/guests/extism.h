// The part of Extism's plugin interface (module extism:host/env) that the peers' guests use. Offsets are of
// Extism's own memory, which a plugin reaches by calls alone.
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
#define EXTISM(name) __attribute__((import_module("extism:host/env"), import_name(#name)))

EXTISM(input_length) u64 input_length(void);
EXTISM(input_load_u64) u64 input_load_u64(u64 offset);
EXTISM(input_load_u8) u32 input_load_u8(u64 offset);
EXTISM(alloc) u64 extism_alloc(u64 bytes);
EXTISM(store_u64) void store_u64(u64 offset, u64 value);
EXTISM(store_u8) void store_u8(u64 offset, u32 value);
EXTISM(output_set) void output_set(u64 offset, u64 bytes);
