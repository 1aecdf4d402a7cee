/* A module others link: it exports functions over handles and keeps state of its own. */
#include "../../../plugins/redact/extism-abi.h"

static uint64_t calls;

/* The text of the block with an exclamation mark behind it; frees the block. */
EXTISM_EXPORT("shout") handle shout(handle text) {
    uint64_t size = extism_length(text);
    handle louder = extism_alloc(size + 1);
    for (uint64_t i = 0; i < size; i++) extism_store_u8(louder + i, extism_load_u8(text + i));
    extism_store_u8(louder + size, '!');
    extism_free(text);
    calls++;
    return louder;
}

EXTISM_EXPORT("shouts") uint64_t shouts(void) { return calls; }
