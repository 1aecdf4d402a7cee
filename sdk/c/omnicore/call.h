/* Input, output, errors, variables, and calls of doors. What is returned lives until the call ends. */
#pragma once

#include "host.h"
#include "write.h"

/* Why a door did not do what it was asked. `code` is one of specs/abi.md; the texts that are not there have no `at`. */
typedef struct {
    oc_text code, message, remedy, capability, resource, limit;
} oc_error;

#ifdef OMNICORE_FAKE
_Noreturn OC_SHARED void oc_panic(oc_text why) {
    fprintf(stderr, "the plugin panics: %.*s\n", (int)why.size, why.at);
    abort();
}
#else
_Noreturn OC_SHARED void oc_panic(oc_text why) {
    oc_host_error_set(oc_text_block(why));
    __builtin_trap();
}
#endif

/* The whole input. */
static inline oc_bytes oc_input(void) { return oc_load(oc_host_input_offset(), oc_host_input_length()); }
static inline oc_text oc_input_text(void) { return oc_as_text(oc_input()); }

/* The input as JSON; missing where it is none. */
static inline oc_json oc_input_json(void) { return oc_json_parse(oc_input_text()); }

/* Sets the output. Returns 0, so that a function can end with it. */
static inline int32_t oc_output(oc_bytes bytes) {
    oc_host_output_set(oc_block(bytes.at, bytes.size), bytes.size);
    return 0;
}

static inline int32_t oc_output_text(oc_text text) { return oc_output(oc_as_bytes(text)); }
static inline int32_t oc_output_json(oc_json json) { return oc_output_text((oc_text){json.at, json.size}); }

/* Makes the call fail with this text. Returns 1: `return oc_fail(OC("there is no such city"));` */
static inline int32_t oc_fail(oc_text why) {
    oc_host_error_set(oc_text_block(why));
    return 1;
}

/* Makes the call fail with what a door refused, and what to do about it. */
static inline int32_t oc_fail_with(const oc_error *error) {
    if (!error->remedy.size) return oc_fail(error->message);
    return oc_fail(oc_join(error->message, OC("; "), error->remedy));
}

/* A variable of this instance; no bytes where it is not set. */
OC_ONCE oc_bytes oc_var_get(oc_text key) {
    uint64_t block = oc_host_var_get(oc_text_block(key));
    return block ? oc_load(block, oc_host_length(block)) : (oc_bytes){NULL, 0};
}

/* Sets a variable for as long as the instance lives; no bytes delete it. */
OC_ONCE void oc_var_set(oc_text key, oc_bytes value) {
    oc_host_var_set(oc_text_block(key), oc_block(value.at, value.size));
}

OC_ONCE const oc_error *oc_error_of(oc_json from) {
    oc_error *error = (oc_error *)oc_alloc(sizeof *error);
    *error = (oc_error){
        oc_json_text(oc_json_field(from, OC("code"))),     oc_json_text(oc_json_field(from, OC("message"))),
        oc_json_text(oc_json_field(from, OC("remedy"))),   oc_json_text(oc_json_field(from, OC("capability"))),
        oc_json_text(oc_json_field(from, OC("resource"))), oc_json_text(oc_json_field(from, OC("limit"))),
    };
    return error;
}

/* Asks a door: the one place where the kit does. Returns the reply; `*error` says why there is none. */
OC_ONCE oc_json oc_ask(uint64_t (*door)(uint64_t), const oc_writer *request, const oc_error **error) {
    uint64_t asked = oc_block(request->at, request->size), answered = door(asked);
    oc_json reply = oc_json_parse(oc_as_text(oc_load(answered, oc_host_length(answered))));
    oc_host_free(asked);
    oc_host_free(answered);
    oc_json refused = oc_json_field(reply, OC("error"));
    *error = NULL;
    if (!oc_json_is_null(refused)) *error = oc_error_of(refused);
    else if (oc_json_kind(reply) != OC_OBJECT)
        *error = oc_error_of(OC_JSON({"code": "unavailable", "message": "the host's reply is not readable"}));
    return reply;
}
