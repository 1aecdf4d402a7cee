/* Tells whoever listens. */
#include "omnicore.h"

OMNICORE_FUNCTION(announce, "Publishes the input as an event.", OC_TEXT, OC_TEXT) {
    oc_writer data = {0};
    oc_write_object(&data);
    oc_write_key(&data, OC("text"));
    oc_write_text(&data, oc_input_text());
    oc_write_end(&data);
    oc_events_publish_result published = oc_events_publish(OC("notes.new"), oc_written(&data));
    return published.error ? oc_fail_with(published.error) : oc_output_text(published.id);
}
