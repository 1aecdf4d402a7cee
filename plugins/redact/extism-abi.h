/* The Extism guest ABI for freestanding C: the imports, and a few helpers over them.
 *
 * A handle is the offset of a block in the memory that host and guest share; the guest cannot see that
 * memory, it copies to and from it. Handle 0 is the empty block.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef uint64_t handle;

#define EXTISM_EXPORT(name) __attribute__((export_name(name)))
#define HOST_IMPORT(name) __attribute__((import_module("extism:host/user"), import_name(name)))
#define EXTISM_IMPORT(name) __attribute__((import_module("extism:host/env"), import_name(name)))

EXTISM_IMPORT("alloc") handle extism_alloc(uint64_t size);
EXTISM_IMPORT("free") void extism_free(handle block);
EXTISM_IMPORT("length") uint64_t extism_length(handle block);
EXTISM_IMPORT("load_u8") uint8_t extism_load_u8(uint64_t offset);
EXTISM_IMPORT("load_u64") uint64_t extism_load_u64(uint64_t offset);
EXTISM_IMPORT("store_u8") void extism_store_u8(uint64_t offset, uint8_t value);
EXTISM_IMPORT("store_u64") void extism_store_u64(uint64_t offset, uint64_t value);
EXTISM_IMPORT("input_length") uint64_t extism_input_length(void);
EXTISM_IMPORT("input_load_u8") uint8_t extism_input_load_u8(uint64_t index);
EXTISM_IMPORT("input_load_u64") uint64_t extism_input_load_u64(uint64_t index);
EXTISM_IMPORT("output_set") void extism_output_set(handle block, uint64_t size);
EXTISM_IMPORT("error_set") void extism_error_set(handle text);
EXTISM_IMPORT("config_get") handle extism_config_get(handle key);
EXTISM_IMPORT("var_get") handle extism_var_get(handle key);
EXTISM_IMPORT("var_set") void extism_var_set(handle key, handle value);
EXTISM_IMPORT("log_info") void extism_log_info(handle text);
EXTISM_IMPORT("log_error") void extism_log_error(handle text);
EXTISM_IMPORT("http_request") handle extism_http_request(handle request, handle body);
EXTISM_IMPORT("http_status_code") int32_t extism_http_status_code(void);

/* Copies the whole input to `to`, which has room for `extism_input_length()` bytes. */
static inline void extism_input(uint8_t *to, size_t size) {
    size_t at = 0;
    for (; at + 8 <= size; at += 8) {
        uint64_t word = extism_input_load_u64(at);
        __builtin_memcpy(to + at, &word, 8);
    }
    for (; at < size; at++) to[at] = extism_input_load_u8(at);
}

/* Copies a block to `to`, which has room for `extism_length(block)` bytes. */
static inline void extism_load(handle block, uint8_t *to, size_t size) {
    size_t at = 0;
    for (; at + 8 <= size; at += 8) {
        uint64_t word = extism_load_u64(block + at);
        __builtin_memcpy(to + at, &word, 8);
    }
    for (; at < size; at++) to[at] = extism_load_u8(block + at);
}

/* A new block with these bytes; 0 when there are none, or no memory for them. */
static inline handle extism_block(const void *bytes, size_t size) {
    const uint8_t *from = bytes;
    handle block = extism_alloc(size);
    if (!block) return 0;
    size_t at = 0;
    for (; at + 8 <= size; at += 8) {
        uint64_t word;
        __builtin_memcpy(&word, from + at, 8);
        extism_store_u64(block + at, word);
    }
    for (; at < size; at++) extism_store_u8(block + at, from[at]);
    return block;
}

static inline void extism_output(const void *bytes, size_t size) {
    extism_output_set(extism_block(bytes, size), size);
}

static inline size_t extism_strlen(const char *text) {
    size_t size = 0;
    while (text[size]) size++;
    return size;
}

static inline handle extism_text(const char *text) { return extism_block(text, extism_strlen(text)); }

/* Ends the call with this error: `return extism_fail("why");` */
static inline int32_t extism_fail(const char *why) {
    extism_error_set(extism_text(why));
    return 1;
}
