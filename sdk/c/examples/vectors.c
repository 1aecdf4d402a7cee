/* Keeps vectors and finds the nearest. */
#include "omnicore.h"

OMNICORE_FUNCTION(nearest, "The id of the nearest vector.",
                  OC_SCHEMA({"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3}), OC_TEXT) {
    oc_numbers wanted = oc_json_numbers(oc_input_json());
    const double east[] = {1, 0, 0}, north[] = {0, 1, 0};
    const oc_vectors_vector kept[] = {
        {.id = OC("east"), .values = {east, 3}},
        {.id = OC("north"), .values = {north, 3}},
    };
    oc_vectors_create_options metric = {.metric = OC_VECTORS_L2};
    oc_vectors_create_result made = oc_vectors_create(OC("ways"), 3, &metric);
    if (made.error) return oc_fail_with(made.error);
    oc_vectors_upsert_result put = oc_vectors_upsert(OC("ways"), (oc_vectors_vector_list){kept, 2});
    if (put.error) return oc_fail_with(put.error);
    oc_vectors_search_options one = {.limit = oc_integer(1)};
    oc_vectors_search_result near = oc_vectors_search(OC("ways"), wanted, &one);
    if (near.error) return oc_fail_with(near.error);
    return near.matches.matches.size ? oc_output_text(near.matches.matches.at[0].id) : oc_fail(OC("there is none"));
}
