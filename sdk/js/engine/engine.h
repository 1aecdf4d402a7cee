/* What the parts of the engine share. Which doors a plugin has is decided when it is built, see slots.c. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quickjs.h"

#define EXPORT(name) __attribute__((export_name(#name)))

/* Host functions that C itself calls; the numbers of all others are known to the prelude only. */
enum { SLOT_READ, SLOT_DUMP, SLOT_CLOCK, SLOT_RANDOM, SLOT_LOG };
#define OWN_SLOTS 16

extern JSContext *engine_context;
extern bool engine_building;
extern bool engine_clock_bound;

/* slots.c: calls a host function. Arguments lie in `frame`, one in each eight bytes; the result replaces the first. */
void omnicore_slot(int32_t slot, int64_t *frame);

/* exchange.c: blocks of the exchange memory. A handle of 0 is the empty block. */
uint64_t block_new(const void *data, size_t length); /* UINT64_MAX when there is no room */
size_t block_length(uint64_t handle);
void block_load(uint64_t handle, void *into, size_t length);
void block_free(uint64_t handle);
size_t input_length(void);
void input_load(void *into, size_t length);
void output_set(uint64_t handle, size_t length);
void error_set(const char *text, size_t length);

/* native.c: the object the prelude is given. */
JSValue native_object(JSContext *context);

/* digest.c: SHA-1 and SHA-2. */
size_t digest(int bits, const uint8_t *bytes, size_t length, uint8_t into[64]);

/* jobs.c: forgets the jobs that are queued. */
void jobs_drop(JSRuntime *runtime);

/* modules.c: ES modules and CommonJS, read through the host while a plugin is built. */
void modules_start(JSRuntime *runtime);
JSValue modules_run(JSContext *context, const char *name, const char *source, size_t length);
JSValue modules_own(JSContext *context, const char *name, const char *source, size_t length);
JSValue modules_function(JSContext *context, const char *name, const char *source, size_t length);

/* heap.c: memory that is wiped when it is freed, so that a snapshot holds nothing but what is alive. */
extern const JSMallocFunctions heap_functions;
