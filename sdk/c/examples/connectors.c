/* Uses a service the host is connected to. */
#include "omnicore.h"

OMNICORE_FUNCTION(issues, "Asks the first connector for what it has.", OC_TEXT, OC_SCHEMA({})) {
    oc_connectors_list_result all = oc_connectors_list();
    if (all.error) return oc_fail_with(all.error);
    if (!all.connectors.size) return oc_fail(OC("no connector was granted"));
    oc_connectors_call_options options = {.input = OC_JSON({"limit": 5})};
    oc_connectors_call_result got = oc_connectors_call(all.connectors.at[0].name, OC("list"), &options);
    return got.error ? oc_fail_with(got.error) : oc_output_json(got.output);
}
