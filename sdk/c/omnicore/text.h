/* Texts, bytes, and memory that lives until the call ends. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Shared by all files of a plugin, though each includes its definition. */
#define OC_SHARED __attribute__((weak))

/* Compiled once for each file that includes it: put in at each use, they would make a plugin several times as large. */
#define OC_ONCE static __attribute__((noinline, unused))

/* UTF-8, not ended by a zero byte. `at` is NULL where there is no text at all; an empty one is not NULL. */
typedef struct {
    const char *at;
    size_t size;
} oc_text;

/* Any bytes; NULL and empty as with texts. */
typedef struct {
    const uint8_t *at;
    size_t size;
} oc_bytes;

typedef struct {
    const oc_text *at;
    size_t size;
} oc_texts;

typedef struct {
    const double *at;
    size_t size;
} oc_numbers;

typedef struct {
    const int64_t *at;
    size_t size;
} oc_integers;

/* A text by a name, such as a header of HTTP. */
typedef struct {
    oc_text name, value;
} oc_pair;

typedef struct {
    const oc_pair *at;
    size_t size;
} oc_pairs;

/* Numbers that may be left out: `{.ttl_s = oc_number(5)}`. */
typedef struct {
    bool given;
    double value;
} oc_maybe_number;

typedef struct {
    bool given;
    int64_t value;
} oc_maybe_integer;

typedef struct {
    bool given, value;
} oc_maybe_boolean;

static inline oc_maybe_number oc_number(double value) { return (oc_maybe_number){true, value}; }
static inline oc_maybe_integer oc_integer(int64_t value) { return (oc_maybe_integer){true, value}; }
static inline oc_maybe_boolean oc_boolean(bool value) { return (oc_maybe_boolean){true, value}; }

/* A literal as a text: `OC("key")`. */
#define OC(literal) ((oc_text){"" literal, sizeof(literal) - 1})

/* What ends with a zero byte as a text. */
static inline oc_text oc_string(const char *from) {
    size_t size = 0;
    while (from[size]) size++;
    return (oc_text){from, size};
}

static inline oc_bytes oc_as_bytes(oc_text text) { return (oc_bytes){(const uint8_t *)text.at, text.size}; }
static inline oc_text oc_as_text(oc_bytes bytes) { return (oc_text){(const char *)bytes.at, bytes.size}; }

static inline bool oc_equal(oc_text one, oc_text other) {
    if (one.size != other.size) return false;
    for (size_t i = 0; i < one.size; i++)
        if (one.at[i] != other.at[i]) return false;
    return true;
}

static inline void oc_copy(void *to, const void *from, size_t size) {
    if (size) __builtin_memcpy(to, from, size);
}

/* Ends the call with this text as its error. Never returns. */
_Noreturn void oc_panic(oc_text why);

/* Memory in pieces, one after the other. The next call begins with all of it. */
typedef struct oc_piece {
    struct oc_piece *next;
    size_t size;
} oc_piece;

OC_SHARED oc_piece *oc_first_piece, *oc_piece_in_use;
OC_SHARED size_t oc_piece_used;

#ifdef OMNICORE_FAKE
#include <stdlib.h>
static inline void *oc_system_memory(size_t size) { return malloc(size); }
#else
/* Whole pages at the end of memory: a libc takes its own in the same way, so that neither is in the other's. */
static inline void *oc_system_memory(size_t size) {
    size_t page = __builtin_wasm_memory_grow(0, size / 65536);
    return page == SIZE_MAX ? NULL : (void *)(page * 65536);
}
#endif

OC_ONCE oc_piece *oc_new_piece(size_t room) {
    size_t size = (room + sizeof(oc_piece) + 65535) / 65536 * 65536;
    oc_piece *piece = size < room ? NULL : (oc_piece *)oc_system_memory(size);
    if (!piece) oc_panic(OC("no memory left"));
    piece->next = NULL;
    piece->size = size;
    return piece;
}

/* Memory for anything, until the call ends. Never NULL: a call without memory left ends. Owns: nobody frees it. */
OC_SHARED void *oc_alloc(size_t size) {
    if (size > SIZE_MAX / 2) oc_panic(OC("no memory left"));
    size = (size + 15) & ~(size_t)15;
    if (!oc_first_piece) {
        oc_first_piece = oc_piece_in_use = oc_new_piece(size);
        oc_piece_used = 16;
    }
    while (oc_piece_in_use->size - oc_piece_used < size) {
        if (!oc_piece_in_use->next) oc_piece_in_use->next = oc_new_piece(size + 16);
        oc_piece_in_use = oc_piece_in_use->next;
        oc_piece_used = 16;
    }
    void *memory = (char *)oc_piece_in_use + oc_piece_used;
    oc_piece_used += size;
    return memory;
}

/* Takes back all that `oc_alloc` gave. A function made with OMNICORE_FUNCTION begins with it. */
static inline void oc_free_all(void) {
    oc_piece_in_use = oc_first_piece;
    oc_piece_used = 16;
}

/* Several texts as one. */
OC_ONCE oc_text oc_joined(const oc_text *parts, size_t count) {
    size_t size = 0;
    for (size_t i = 0; i < count; i++) size += parts[i].size;
    char *to = (char *)oc_alloc(size + 1);
    size_t used = 0;
    for (size_t i = 0; i < count; used += parts[i++].size) oc_copy(to + used, parts[i].at, parts[i].size);
    to[used] = 0; /* so that `at` is good for functions of a libc, too */
    return (oc_text){to, size};
}

/* `oc_join(OC("Hello, "), name, OC("!"))` */
#define oc_join(...) \
    oc_joined((const oc_text[]){__VA_ARGS__}, sizeof((const oc_text[]){__VA_ARGS__}) / sizeof(oc_text))
