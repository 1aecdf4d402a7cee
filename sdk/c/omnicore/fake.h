/* A host for tests of a plugin on the machine itself. Say `#define OMNICORE_FAKE` before the kit is included, in one
 * file that includes the plugin, and compile it with any C compiler:
 *
 *   #define OMNICORE_FAKE
 *   #include "../plugin.c"
 *
 *   int main(void) {
 *       oc_fake_reply("config_get_v1", "{\"value\": \"Hi\"}");
 *       oc_text output = oc_fake_call(greet, "{\"name\": \"Ada\"}");
 *       return !oc_equal(output, OC("{\"greeting\":\"Hi, Ada!\"}"));
 *   }
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define OC_EXPORT(name)
#define OC_DOOR(name) \
    static inline uint64_t oc_door_##name(uint64_t request) { return oc_fake_door(#name, request); } \
    _Static_assert(1, "")

enum { OC_FAKE_MOST = 64 };

typedef struct {
    const char *door, *reply;
} oc_fake_answer;

/* A block is an address; what stands before it is this. All are kept until the test ends. */
typedef struct oc_fake_head {
    struct oc_fake_head *before;
    uint64_t size;
} oc_fake_head;

static oc_fake_head *oc_fake_blocks;

/* What the test prepared, and what the plugin did. */
static struct {
    uint64_t input, input_size, output, output_size, error;
    oc_fake_answer answers[OC_FAKE_MOST];
    int answer_count;
    char asked_door[64];
    uint64_t asked;
    uint64_t names[OC_FAKE_MOST], values[OC_FAKE_MOST];
    int variable_count;
} oc_fake;

static inline uint64_t oc_host_alloc(uint64_t size) {
    if (!size) return 0;
    oc_fake_head *block = (oc_fake_head *)calloc(1, (size_t)size + sizeof *block);
    if (!block) return 0;
    block->size = size;
    block->before = oc_fake_blocks;
    oc_fake_blocks = block;
    return (uint64_t)(uintptr_t)(block + 1);
}

static inline void oc_host_free(uint64_t block) { (void)block; }
static inline uint64_t oc_host_length(uint64_t block) {
    return block ? ((oc_fake_head *)(uintptr_t)block)[-1].size : 0;
}

static inline uint8_t oc_host_load_u8(uint64_t at) { return *(uint8_t *)(uintptr_t)at; }
static inline void oc_host_store_u8(uint64_t at, uint8_t value) { *(uint8_t *)(uintptr_t)at = value; }
static inline void oc_host_store_u64(uint64_t at, uint64_t value) { memcpy((void *)(uintptr_t)at, &value, 8); }
static inline uint64_t oc_host_input_offset(void) { return oc_fake.input; }
static inline uint64_t oc_host_input_length(void) { return oc_fake.input_size; }
static inline void oc_host_error_set(uint64_t text) { oc_fake.error = text; }

static inline uint64_t oc_host_load_u64(uint64_t at) {
    uint64_t word;
    memcpy(&word, (void *)(uintptr_t)at, 8);
    return word;
}

static inline void oc_host_output_set(uint64_t block, uint64_t size) {
    oc_fake.output = block;
    oc_fake.output_size = size;
}

static inline oc_text oc_fake_text(uint64_t block, uint64_t size) {
    return (oc_text){block ? (const char *)(uintptr_t)block : "", (size_t)size};
}

static inline oc_text oc_fake_block_text(uint64_t block) { return oc_fake_text(block, oc_host_length(block)); }

static inline uint64_t oc_fake_block(const char *text) {
    uint64_t block = oc_host_alloc(strlen(text));
    if (block) memcpy((void *)(uintptr_t)block, text, strlen(text));
    return block;
}

static inline int oc_fake_variable(uint64_t key) {
    for (int i = 0; i < oc_fake.variable_count; i++)
        if (oc_equal(oc_fake_block_text(oc_fake.names[i]), oc_fake_block_text(key))) return i;
    return -1;
}

static inline uint64_t oc_host_var_get(uint64_t key) {
    int at = oc_fake_variable(key);
    return at < 0 ? 0 : oc_fake.values[at];
}

static inline void oc_host_var_set(uint64_t key, uint64_t value) {
    int at = oc_fake_variable(key);
    if (at < 0) at = oc_fake.variable_count++;
    if (at == OC_FAKE_MOST) abort();
    oc_fake.names[at] = key;
    oc_fake.values[at] = value;
}

/* A door answers with what was prepared for it, the last answer again and again; else with an empty reply. */
static inline uint64_t oc_fake_door(const char *name, uint64_t request) {
    const char *reply = "{}";
    snprintf(oc_fake.asked_door, sizeof oc_fake.asked_door, "%s", name);
    oc_fake.asked = request;
    for (int i = 0; i < oc_fake.answer_count; i++) {
        if (strcmp(oc_fake.answers[i].door, name)) continue;
        reply = oc_fake.answers[i].reply;
        bool more = false;
        for (int k = i + 1; k < oc_fake.answer_count; k++) more |= !strcmp(oc_fake.answers[k].door, name);
        if (more) oc_fake.answers[i].door = "";
        break;
    }
    return oc_fake_block(reply);
}

/* Prepares an answer: `oc_fake_reply("kv_get_v1", "{\"value\": \"7\", \"version\": 1}")`. */
static inline void oc_fake_reply(const char *door, const char *reply) {
    if (oc_fake.answer_count == OC_FAKE_MOST) abort();
    oc_fake.answers[oc_fake.answer_count++] = (oc_fake_answer){door, reply};
}

/* The last request to a door, and which door it was. */
static inline oc_text oc_fake_request(void) { return oc_fake_block_text(oc_fake.asked); }
static inline oc_text oc_fake_asked(void) { return oc_string(oc_fake.asked_door); }

/* The error of the last call; empty when there was none. */
static inline oc_text oc_fake_error(void) { return oc_fake_block_text(oc_fake.error); }

/* Forgets all that was prepared and done. */
static inline void oc_fake_reset(void) { memset(&oc_fake, 0, sizeof oc_fake); }

/* Calls a function made with OMNICORE_FUNCTION; returns its output, which is empty when the call failed. */
#define oc_fake_call(name, text) oc_fake_run(oc_export_##name, text)

static inline oc_text oc_fake_run(int32_t (*function)(void), const char *input) {
    oc_fake.input = oc_fake_block(input);
    oc_fake.input_size = strlen(input);
    oc_fake.output = oc_fake.output_size = oc_fake.error = 0;
    int32_t code = function();
    if (code && !oc_fake.error) oc_fake.error = oc_fake_block("a code other than 0");
    return oc_fake.error ? (oc_text){"", 0} : oc_fake_text(oc_fake.output, oc_fake.output_size);
}
