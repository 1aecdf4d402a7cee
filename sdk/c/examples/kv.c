/* Counts in the host: two callers at once lose no step. */
#include "omnicore.h"

OMNICORE_FUNCTION(count, "Adds one to the counter that the input names.", OC_TEXT, OC_TEXT) {
    oc_text key = oc_input_text();
    for (int attempt = 0; attempt < 10; attempt++) {
        oc_kv_get_result found = oc_kv_get(key);
        if (found.error) return oc_fail_with(found.error);
        int64_t count = found.found ? oc_read_integer(oc_as_text(found.entry.value)) : 0;
        char *digits = (char *)oc_alloc(20);
        oc_text next = {digits, oc_integer_text(count + 1, digits)};
        oc_maybe_integer expected = {found.found, found.entry.version};
        oc_kv_cas_result written = oc_kv_cas(key, expected, oc_as_bytes(next), NULL);
        if (written.error) return oc_fail_with(written.error);
        if (written.swap.swapped) return oc_output_text(next);
    }
    return oc_fail(OC("somebody else was always faster"));
}
