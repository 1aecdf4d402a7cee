/* Writes lines of a log, with facts. */
#include "omnicore.h"

OMNICORE_FUNCTION(note, "Logs the input.", OC_TEXT, OC_TEXT) {
    oc_writer facts = {0};
    oc_write_object(&facts);
    oc_write_key(&facts, OC("bytes"));
    oc_write_integer(&facts, (int64_t)oc_input().size);
    oc_write_end(&facts);
    const oc_error *error =
        oc_log_write(OC_LOG_INFO, OC("input received"), &(oc_log_write_options){.fields = oc_written(&facts)});
    return error ? oc_fail_with(error) : oc_output_text(OC("noted"));
}
