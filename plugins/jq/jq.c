/* jq as a plugin: one filter over one input. The library does the work; this file takes the request apart, collects
 * what the filter gives, and turns every failure into the error text of the call. */
#include <stdlib.h>
#include <string.h>

#include "../redact/extism-abi.h"
#include "jq.h"
#include "jv.h"

enum { MOST_OUTPUTS = 10000, MOST_COMPILED = 32 };

/* Compiled filters stay with a warm instance: jq reads its own library anew each time it compiles. The one that was
 * used longest ago makes room for another. */
static struct compiled {
    jq_state *state;
    char *filter;
    jv variables;
    uint64_t used;
} kept[MOST_COMPILED];

/* The one that the call is about; its state is null when nothing is compiled. */
static struct compiled *current = kept;

/* What the compiler complained about, a line for each. */
static jv complaints;

EXTISM_IMPORT("log_debug") void extism_log_debug(handle text);

/* Takes `text`. */
static int32_t fail(jv text) {
    extism_error_set(extism_block(jv_string_value(text), (size_t)jv_string_length_bytes(jv_copy(text))));
    jv_free(text);
    return 1;
}

static int32_t fail_text(const char *text) { return fail(jv_string(text)); }

static void complain(void *unused, jv message) {
    (void)unused;
    jv line = jq_format_error(message);
    if (jv_string_length_bytes(jv_copy(complaints))) complaints = jv_string_append_str(complaints, "\n");
    complaints = jv_string_concat(complaints, line);
}

/* `debug` and `stderr` write to the plugin's log. */
static void note(void *unused, jv message) {
    (void)unused;
    jv text = jv_get_kind(message) == JV_KIND_STRING ? message : jv_dump_string(message, 0);
    extism_log_debug(extism_block(jv_string_value(text), (size_t)jv_string_length_bytes(jv_copy(text))));
    jv_free(text);
}

static void forget(void) {
    if (!current->state) return;
    jq_teardown(&current->state);
    free(current->filter);
    jv_free(current->variables);
}

/* Makes the filter's place `current`: where it is compiled, an empty one, or the one used longest ago. */
static int remembered(const char *filter, jv variables) {
    static uint64_t calls;
    calls++;
    struct compiled *oldest = kept;
    for (struct compiled *one = kept; one < kept + MOST_COMPILED; one++) {
        if (one->state && !strcmp(one->filter, filter) && jv_equal(jv_copy(variables), jv_copy(one->variables))) {
            current = one;
            one->used = calls;
            return 1;
        }
        if (!one->state) one->used = 0;
        if (one->used < oldest->used) oldest = one;
    }
    current = oldest;
    current->used = calls;
    return 0;
}

/* Makes `current` ready for a filter; returns 0, or fails the call. Takes `variables`. */
static int32_t compile(jv filter, jv variables) {
    if (remembered(jv_string_value(filter), variables)) {
        jv_free(variables);
        return 0;
    }
    forget();
    jq_state *state = jq_init();
    complaints = jv_string("");
    jq_set_error_cb(state, complain, NULL);
    jq_set_debug_cb(state, note, NULL);
    jq_set_stderr_cb(state, note, NULL);
    int good = jq_compile_args(state, jv_string_value(filter), jv_copy(variables));
    if (!good) {
        jq_teardown(&state);
        jv_free(variables);
        return fail(complaints);
    }
    jv_free(complaints);
    current->state = state;
    current->filter = strdup(jv_string_value(filter));
    current->variables = variables;
    return 0;
}

/* The text of what a filter failed with. Takes `thrown`. */
static jv error_text(jv thrown) {
    if (jv_get_kind(thrown) == JV_KIND_STRING) return thrown;
    return jv_string_concat(jv_string("not a string: "), jv_dump_string(thrown, 0));
}

/* The input as JSON; an invalid value where it is none. */
static jv read_request(void) {
    size_t size = extism_input_length();
    char *bytes = malloc(size + 1);
    extism_input((uint8_t *)bytes, size);
    jv request = jv_parse_sized(bytes, (int)size);
    free(bytes);
    return request;
}

/* Returns 0, or fails the call. */
static int32_t check_request(jv request) {
    if (jv_get_kind(request) != JV_KIND_OBJECT) return fail_text("the input is an object with a filter and an input");
    jv filter = jv_object_get(jv_copy(request), jv_string("filter"));
    int known = jv_get_kind(filter) == JV_KIND_STRING;
    /* The library takes the filter as a C string: what follows a zero byte would be left out without a word. */
    int whole = known && strlen(jv_string_value(filter)) == (size_t)jv_string_length_bytes(jv_copy(filter));
    jv_free(filter);
    return whole ? 0 : fail_text("`filter` is a text without zero bytes");
}

/* Compiles the filter of a request. Takes `request`. */
static int32_t compile_request(jv request) {
    int32_t wrong = check_request(request);
    if (wrong) {
        jv_free(request);
        return wrong;
    }
    jv filter = jv_object_get(jv_copy(request), jv_string("filter"));
    jv variables = jv_object_get(request, jv_string("variables"));
    if (jv_get_kind(variables) != JV_KIND_OBJECT) {
        jv_free(variables);
        variables = jv_object();
    }
    wrong = compile(filter, variables);
    jv_free(filter);
    return wrong;
}

/* Sets the output to an object with one field. Takes both. */
static int32_t give(jv key, jv value) {
    jv text = jv_dump_string(jv_object_set(jv_object(), key, value), 0);
    extism_output(jv_string_value(text), (size_t)jv_string_length_bytes(jv_copy(text)));
    jv_free(text);
    return 0;
}

/* What is wrong after the last output: nothing, an error that was thrown, or `halt_error`. Takes `last`. */
static int32_t finish(jv last, jv outputs) {
    jv why = jv_invalid();
    if (jv_invalid_has_msg(jv_copy(last))) why = error_text(jv_invalid_get_msg(last));
    else jv_free(last);
    if (jq_halted(current->state)) {
        jv message = jq_get_error_message(current->state);
        jv code = jq_get_exit_code(current->state);
        if (jv_is_valid(code) && jv_number_value(code) != 0) {
            jv_free(why);
            why = jv_is_valid(message) ? error_text(jv_copy(message)) : jv_string("halted");
        }
        jv_free(message);
        jv_free(code);
    }
    if (!jv_is_valid(why)) return give(jv_string("outputs"), outputs);
    jv_free(outputs);
    forget(); /* a filter that failed may have left values in its stack */
    return fail(why);
}

EXTISM_EXPORT("run") int32_t run(void) {
    jv request = read_request();
    if (!jv_is_valid(request)) return fail_text("the input is no JSON");
    jv input = jv_get_kind(request) == JV_KIND_OBJECT ? jv_object_get(jv_copy(request), jv_string("input")) : jv_null();
    int32_t wrong = compile_request(request);
    if (wrong) {
        jv_free(input);
        return wrong;
    }
    jq_start(current->state, jv_is_valid(input) ? input : jv_null(), 0);
    jv outputs = jv_array(), one = jq_next(current->state);
    for (; jv_is_valid(one); one = jq_next(current->state)) {
        if (jv_array_length(jv_copy(outputs)) == MOST_OUTPUTS) {
            jv_free(one);
            jv_free(outputs);
            forget();
            return fail_text("the filter gives more than 10000 outputs; limit(n; ...) takes some, [...] is one");
        }
        outputs = jv_array_append(outputs, one);
    }
    return finish(one, outputs);
}

EXTISM_EXPORT("check") int32_t check(void) {
    jv request = read_request();
    if (!jv_is_valid(request)) return fail_text("the input is no JSON");
    int32_t wrong = compile_request(request);
    return wrong ? wrong : give(jv_string("valid"), jv_true());
}
