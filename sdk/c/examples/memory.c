/* Remembers and recalls. */
#include "omnicore.h"

OMNICORE_FUNCTION(recall, "Remembers the input, and gives what is nearest to it.", OC_TEXT, OC_TEXT) {
    oc_text text = oc_input_text();
    oc_memory_recall_result near = oc_memory_recall(&(oc_memory_recall_options){.text = text, .limit = oc_integer(1)});
    if (near.error) return oc_fail_with(near.error);
    oc_memory_store_result stored = oc_memory_store(text, &(oc_memory_store_options){.tier = OC("session")});
    if (stored.error) return oc_fail_with(stored.error);
    return oc_output_text(near.items.size ? near.items.at[0].text : OC("nothing like it"));
}
