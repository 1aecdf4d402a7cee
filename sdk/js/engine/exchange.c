/* The Extism guest interface: input, output, error and blocks. */
#include "engine.h"
#include <string.h>

#define ENV(name) __attribute__((import_module("extism:host/env"), import_name(#name)))
ENV(input_length) uint64_t env_input_length(void);
ENV(input_load_u8) uint32_t env_input_load_u8(uint64_t at);
ENV(input_load_u64) uint64_t env_input_load_u64(uint64_t at);
ENV(alloc) uint64_t env_alloc(uint64_t length);
ENV(free) void env_free(uint64_t handle);
ENV(length) uint64_t env_length(uint64_t handle);
ENV(load_u8) uint32_t env_load_u8(uint64_t at);
ENV(load_u64) uint64_t env_load_u64(uint64_t at);
ENV(store_u8) void env_store_u8(uint64_t at, uint32_t value);
ENV(store_u64) void env_store_u64(uint64_t at, uint64_t value);
ENV(output_set) void env_output_set(uint64_t at, uint64_t length);
ENV(error_set) void env_error_set(uint64_t handle);

uint64_t block_new(const void *data, size_t length) {
    if (length == 0) return 0;
    const uint8_t *bytes = data;
    uint64_t handle = env_alloc(length);
    if (handle == 0) return UINT64_MAX;
    size_t at = 0;
    for (uint64_t word; at + 8 <= length; at += 8) {
        memcpy(&word, bytes + at, 8);
        env_store_u64(handle + at, word);
    }
    for (; at < length; at++) env_store_u8(handle + at, bytes[at]);
    return handle;
}

size_t block_length(uint64_t handle) { return handle ? env_length(handle) : 0; }

void block_load(uint64_t handle, void *into, size_t length) {
    uint8_t *bytes = into;
    size_t at = 0;
    for (; at + 8 <= length; at += 8) {
        uint64_t word = env_load_u64(handle + at);
        memcpy(bytes + at, &word, 8);
    }
    for (; at < length; at++) bytes[at] = env_load_u8(handle + at);
}

void block_free(uint64_t handle) {
    if (handle) env_free(handle);
}

size_t input_length(void) { return env_input_length(); }

void input_load(void *into, size_t length) {
    uint8_t *bytes = into;
    size_t at = 0;
    for (; at + 8 <= length; at += 8) {
        uint64_t word = env_input_load_u64(at);
        memcpy(bytes + at, &word, 8);
    }
    for (; at < length; at++) bytes[at] = env_input_load_u8(at);
}

void output_set(uint64_t handle, size_t length) { env_output_set(handle, length); }

void error_set(const char *text, size_t length) {
    uint64_t handle = block_new(text, length);
    if (handle && handle != UINT64_MAX) env_error_set(handle);
}
