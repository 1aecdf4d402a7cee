/* Reads settings. */
#include "omnicore.h"

OMNICORE_FUNCTION(settings, "All settings, or the one that the input names.", OC_TEXT, OC_SCHEMA({})) {
    oc_text key = oc_input_text();
    if (!key.size) {
        oc_config_all_result all = oc_config_all();
        return all.error ? oc_fail_with(all.error) : oc_output_json(all.values);
    }
    oc_config_get_result one = oc_config_get(key);
    return one.error ? oc_fail_with(one.error) : oc_output_json(one.value);
}
