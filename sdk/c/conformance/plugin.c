/* Does what the cases of specs/conformance ask for through the kit's own functions. */
#include "doors.h"

static const oc_error *run(oc_json input, oc_writer *to) {
    oc_text door = oc_json_text(oc_json_field(input, OC("door")));
    oc_text verb = oc_json_text(oc_json_field(input, OC("verb")));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (oc_equal(oc_string(cases[i].door), door) && oc_equal(oc_string(cases[i].verb), verb))
            return cases[i].run(oc_json_field(input, OC("request")), to);
    oc_panic(oc_join(OC("there is no "), door, OC("."), verb));
}

static void write_part(oc_writer *to, oc_text name, oc_text value) {
    if (!value.at) return;
    oc_write_key(to, name);
    oc_write_text(to, value);
}

OMNICORE_FUNCTION(door, "Calls a door as a case says.", OC_SCHEMA({"type": "object"}), OC_SCHEMA({"type": "object"})) {
    oc_writer reply = {0}, output = {0};
    oc_write_object(&reply);
    const oc_error *error = run(oc_input_json(), &reply);
    oc_write_end(&reply);
    oc_write_object(&output);
    if (!error) {
        oc_write_key(&output, OC("reply"));
        oc_write_json(&output, oc_written(&reply));
    } else {
        oc_write_key(&output, OC("error"));
        oc_write_object(&output);
        write_part(&output, OC("code"), error->code);
        write_part(&output, OC("message"), error->message);
        write_part(&output, OC("remedy"), error->remedy);
        write_part(&output, OC("capability"), error->capability);
        write_part(&output, OC("resource"), error->resource);
        write_part(&output, OC("limit"), error->limit);
        oc_write_end(&output);
    }
    oc_write_end(&output);
    return oc_output_json(oc_written(&output));
}
