/* The C heap, wiped behind whatever is freed while a plugin is built. */
#include "engine.h"
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static void *heap_calloc(void *opaque, size_t count, size_t size) { return calloc(count, size); }

static void *heap_malloc(void *opaque, size_t size) { return malloc(size); }

static void heap_free(void *opaque, void *block) {
    /* Not memset: a compiler knows that nobody reads what is freed, and leaves it out. */
    if (block && engine_building) explicit_bzero(block, malloc_usable_size(block));
    free(block);
}

static void *heap_realloc(void *opaque, void *block, size_t size) {
    if (!engine_building || !block || !size) return realloc(block, size);
    size_t old = malloc_usable_size(block);
    void *grown = malloc(size);
    if (!grown) return NULL;
    memcpy(grown, block, old < size ? old : size);
    heap_free(opaque, block);
    return grown;
}

static size_t heap_usable(const void *block) { return malloc_usable_size((void *)block); }

const JSMallocFunctions heap_functions = {heap_calloc, heap_malloc, heap_free, heap_realloc, heap_usable};
