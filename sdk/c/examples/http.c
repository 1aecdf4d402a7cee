/* Asks a server. */
#include "omnicore.h"

OMNICORE_FUNCTION(fetch, "The body of a page.", OC_TEXT, OC_BYTES) {
    oc_pair headers[] = {{OC("accept"), OC("text/html")}};
    oc_http_fetch_result answer = oc_http_fetch(oc_input_text(), &(oc_http_fetch_options){.headers = {headers, 1}});
    if (answer.error) return oc_fail_with(answer.error);
    if (answer.response.status >= 400) return oc_fail(OC("the server has no such page"));
    return oc_output(answer.response.body);
}
