/* What a plugin in plain C does, one export for each: see the table in tests/guests/README.md. No libc, no WASI. */
#include "../../../plugins/redact/extism-abi.h"

HOST_IMPORT("hello_world") handle hello_world(handle name);

static uint8_t input[65536], scratch[131072];
static size_t used;

static handle whole_input(void) {
    size_t size = extism_input_length();
    if (size > sizeof input) __builtin_trap();
    extism_input(input, size);
    return extism_block(input, size);
}

static void put(const char *text) {
    while (*text) scratch[used++] = *text++;
}

static void put_number(uint64_t n) {
    if (n > 9) put_number(n / 10);
    scratch[used++] = '0' + n % 10;
}

/* The text of a block as a JSON string. */
static void put_block(handle block) {
    size_t size = extism_length(block);
    scratch[used++] = '"';
    for (size_t i = 0; i < size; i++) {
        uint8_t c = extism_load_u8(block + i);
        if (c == '"' || c == '\\') scratch[used++] = '\\';
        if (c == '\n') put("\\n");
        else scratch[used++] = c;
    }
    scratch[used++] = '"';
}

EXTISM_EXPORT("echo") int32_t echo(void) {
    extism_output_set(whole_input(), extism_input_length());
    return 0;
}

EXTISM_EXPORT("greet") int32_t greet(void) {
    handle greeting = extism_config_get(extism_text("greeting")), before = extism_var_get(extism_text("total"));
    uint64_t total = 0, digits = extism_length(before);
    for (uint64_t i = 0; i < digits; i++) total = total * 10 + extism_load_u8(before + i) - '0';
    total += extism_input_length();

    used = 0;
    put_number(total);
    extism_var_set(extism_text("total"), extism_block(scratch, used));

    used = 0;
    put("{\"greeting\":");
    put_block(greeting ? greeting : extism_text("Hello"));
    put(",\"total\":");
    put_number(total);
    put("}");
    extism_output(scratch, used);
    return 0;
}

EXTISM_EXPORT("fetch") int32_t fetch(void) {
    used = 0;
    put("{\"url\":");
    put_block(whole_input());
    put(",\"headers\":{\"x-guest\":\"c\"}}");
    handle body = extism_http_request(extism_block(scratch, used), 0);

    used = 0;
    put("{\"status\":");
    put_number(extism_http_status_code());
    put(",\"body\":");
    put_block(body);
    put("}");
    extism_output(scratch, used);
    return 0;
}

EXTISM_EXPORT("log") int32_t log_input(void) {
    whole_input();
    size_t size = extism_input_length();
    const char *names[] = {"info ", "error "};
    for (int i = 0; i < 2; i++) {
        used = 0;
        put(names[i]);
        for (size_t k = 0; k < size; k++) scratch[used++] = input[k];
        (i ? extism_log_error : extism_log_info)(extism_block(scratch, used));
    }
    return 0;
}

EXTISM_EXPORT("fail") int32_t fail(void) {
    extism_error_set(whole_input());
    return 1;
}

EXTISM_EXPORT("code") int32_t code(void) { return 7; }

EXTISM_EXPORT("panics") int32_t panics(void) { __builtin_trap(); }

EXTISM_EXPORT("hello") int32_t hello(void) {
    handle answer = hello_world(whole_input());
    extism_output_set(answer, extism_length(answer));
    return 0;
}

EXTISM_EXPORT("forget") int32_t forget(void) {
    extism_var_set(extism_text("total"), 0);
    return 0;
}

EXTISM_EXPORT("spin") int32_t spin(void) {
    for (volatile int turn = 0;; turn++) {
    }
}
