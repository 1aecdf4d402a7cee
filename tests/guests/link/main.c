/* The main module of a pair: what it does stands in the module `lib`. */
#include "../../../plugins/redact/extism-abi.h"

#define LIB_IMPORT(name) __attribute__((import_module("lib"), import_name(name)))

LIB_IMPORT("shout") handle shout(handle text);
LIB_IMPORT("shouts") uint64_t shouts(void);

static uint8_t input[4096];

/* text -> the text, shouted twice */
EXTISM_EXPORT("run") int32_t run(void) {
    size_t size = extism_input_length();
    if (size > sizeof input) return extism_fail("too long");
    extism_input(input, size);
    handle loud = shout(shout(extism_block(input, size)));
    extism_output_set(loud, extism_length(loud));
    return 0;
}

/* How often the library was called so far, as one digit: the library is one instance, its state stays. */
EXTISM_EXPORT("count") int32_t count(void) {
    uint8_t digit = '0' + shouts() % 10;
    extism_output(&digit, 1);
    return 0;
}
