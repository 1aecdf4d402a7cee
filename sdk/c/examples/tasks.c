/* Lets the host call a function later. */
#include "omnicore.h"

OMNICORE_FUNCTION(later, "Submits a task that sends the input as a mail in a minute.", OC_TEXT, OC_TEXT) {
    oc_writer mail = {0};
    oc_write_object(&mail);
    oc_write_key(&mail, OC("text"));
    oc_write_text(&mail, oc_input_text());
    oc_write_end(&mail);
    oc_tasks_submit_result task = oc_tasks_submit(
        OC("mail.send"), &(oc_tasks_submit_options){.input = oc_written(&mail), .delay_s = oc_number(60)});
    return task.error ? oc_fail_with(task.error) : oc_output_text(task.id);
}
