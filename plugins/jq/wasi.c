/* The system that jq sees: no files, no environment, no random numbers. Only the clock, for `now`, is the host's.
 * A function defined here keeps its import out of the module. */
#include "../redact/extism-abi.h"

enum { GOOD = 0, BAD_DESCRIPTOR = 8, NOT_THERE = 44, ERRORS = 2 };

#define SYSTEM(name) int32_t __imported_wasi_snapshot_preview1_##name
#define AT(type, address) ((type *)(uintptr_t)(address))

SYSTEM(environ_get)(int32_t list, int32_t text) { return (void)list, (void)text, GOOD; }

SYSTEM(environ_sizes_get)(int32_t count, int32_t size) {
    *AT(uint32_t, count) = *AT(uint32_t, size) = 0;
    return GOOD;
}

/* Seeds the order of nothing that can be seen; always the same, so that a call always gives the same. */
SYSTEM(random_get)(int32_t to, int32_t size) {
    for (int32_t i = 0; i < size; i++) AT(uint8_t, to)[i] = (uint8_t)(i * 151 + 7);
    return GOOD;
}

/* What the library says before it gives up ("cannot allocate memory") is the error of the call. */
SYSTEM(fd_write)(int32_t file, int32_t parts, int32_t count, int32_t written) {
    static uint8_t said[512];
    static size_t used;
    struct { uint32_t at, size; } *part = AT(void, parts);
    uint32_t total = 0;
    for (int32_t i = 0; i < count; total += part[i++].size)
        for (uint32_t k = 0; k < part[i].size && used < sizeof said; k++) said[used++] = AT(uint8_t, part[i].at)[k];
    if (file == ERRORS && used) extism_error_set(extism_block(said, used));
    *AT(uint32_t, written) = total;
    return GOOD;
}

_Noreturn void __imported_wasi_snapshot_preview1_proc_exit(int32_t code) {
    (void)code;
    __builtin_trap();
}

/* Zig's libc imports this one by itself: it is replaced from above. */
int close(int file) { return (void)file, -1; }

SYSTEM(fd_fdstat_get)(int32_t file, int32_t to) { return (void)file, (void)to, BAD_DESCRIPTOR; }
SYSTEM(fd_fdstat_set_flags)(int32_t file, int32_t flags) { return (void)file, (void)flags, BAD_DESCRIPTOR; }
SYSTEM(fd_filestat_get)(int32_t file, int32_t to) { return (void)file, (void)to, BAD_DESCRIPTOR; }
SYSTEM(fd_prestat_get)(int32_t file, int32_t to) { return (void)file, (void)to, BAD_DESCRIPTOR; }
SYSTEM(fd_prestat_dir_name)(int32_t file, int32_t to, int32_t size) {
    return (void)file, (void)to, (void)size, BAD_DESCRIPTOR;
}
SYSTEM(fd_read)(int32_t file, int32_t parts, int32_t count, int32_t read) {
    return (void)file, (void)parts, (void)count, (void)read, BAD_DESCRIPTOR;
}
SYSTEM(fd_seek)(int32_t file, int64_t by, int32_t from, int32_t to) {
    return (void)file, (void)by, (void)from, (void)to, BAD_DESCRIPTOR;
}
SYSTEM(path_filestat_get)(int32_t folder, int32_t flags, int32_t path, int32_t size, int32_t to) {
    return (void)folder, (void)flags, (void)path, (void)size, (void)to, NOT_THERE;
}
SYSTEM(path_readlink)(int32_t folder, int32_t path, int32_t size, int32_t to, int32_t room, int32_t used) {
    return (void)folder, (void)path, (void)size, (void)to, (void)room, (void)used, NOT_THERE;
}
SYSTEM(path_open)(int32_t folder, int32_t look, int32_t path, int32_t size, int32_t how, int64_t rights,
                  int64_t inherited, int32_t flags, int32_t to) {
    return (void)folder, (void)look, (void)path, (void)size, (void)how, (void)rights, (void)inherited, (void)flags,
           (void)to, NOT_THERE;
}
