/* What the host offers to every guest: functions over handles. A handle names a block in the memory that both share and
 * the guest cannot see; 0 is the empty block. specs/abi.md has them all. */
#pragma once

#include "text.h"

#ifdef OMNICORE_FAKE
#include "fake.h"
#else

#ifdef __cplusplus
#define OC_IMPORT(from, name) extern "C" __attribute__((import_module(from), import_name(name)))
#define OC_EXPORT(name) extern "C" __attribute__((export_name(name)))
#else
#define OC_IMPORT(from, name) extern __attribute__((import_module(from), import_name(name)))
#define OC_EXPORT(name) __attribute__((export_name(name)))
#endif
#define OC_HOST(name) OC_IMPORT("extism:host/env", #name)

/* Declares a function of a door, or one of your host's own: `OC_DOOR(kv_get_v1);` is `oc_door_kv_get_v1`. */
#define OC_DOOR(name) OC_IMPORT("extism:host/user", #name) uint64_t oc_door_##name(uint64_t request)

OC_HOST(alloc) uint64_t oc_host_alloc(uint64_t size);
OC_HOST(free) void oc_host_free(uint64_t block);
OC_HOST(length) uint64_t oc_host_length(uint64_t block);
OC_HOST(load_u8) uint8_t oc_host_load_u8(uint64_t at);
OC_HOST(load_u64) uint64_t oc_host_load_u64(uint64_t at);
OC_HOST(store_u8) void oc_host_store_u8(uint64_t at, uint8_t value);
OC_HOST(store_u64) void oc_host_store_u64(uint64_t at, uint64_t value);
OC_HOST(input_offset) uint64_t oc_host_input_offset(void);
OC_HOST(input_length) uint64_t oc_host_input_length(void);
OC_HOST(output_set) void oc_host_output_set(uint64_t block, uint64_t size);
OC_HOST(error_set) void oc_host_error_set(uint64_t text);
OC_HOST(var_get) uint64_t oc_host_var_get(uint64_t key);
OC_HOST(var_set) void oc_host_var_set(uint64_t key, uint64_t value);
#endif

/* A new block with these bytes; 0 when there are none, or no room for them. Owns: the caller frees it, or the end. */
OC_ONCE uint64_t oc_block(const void *bytes, size_t size) {
    const uint8_t *from = (const uint8_t *)bytes;
    uint64_t block = oc_host_alloc(size), word;
    size_t at = 0;
    if (!block) return 0;
    for (; at + 8 <= size; at += 8) {
        oc_copy(&word, from + at, 8);
        oc_host_store_u64(block + at, word);
    }
    for (; at < size; at++) oc_host_store_u8(block + at, from[at]);
    return block;
}

static inline uint64_t oc_text_block(oc_text text) { return oc_block(text.at, text.size); }

/* A copy of the bytes of a block, followed by a zero byte that does not count. */
OC_ONCE oc_bytes oc_load(uint64_t block, uint64_t size) {
    uint8_t *to = (uint8_t *)oc_alloc((size_t)size + 1);
    size_t at = 0;
    for (; at + 8 <= size; at += 8) {
        uint64_t word = oc_host_load_u64(block + at);
        oc_copy(to + at, &word, 8);
    }
    for (; at < size; at++) to[at] = oc_host_load_u8(block + at);
    to[at] = 0;
    return (oc_bytes){to, (size_t)size};
}
