/* Made from specs/doors by `python -m sdk.generate`; change it there. */
#pragma once

#include "call.h"

/* An answer; a status of 400 and above is one, too. */
typedef struct {
    int64_t status; /* 100 to 599 */
    oc_pairs headers; /* by lower-case names, repeated ones joined by ', ' */
    oc_bytes body; /* as it came */
} oc_http_response;

OC_ONCE oc_http_response oc_http_response_read(oc_json from) {
    oc_http_response to;
    to.status = oc_json_integer(oc_json_field(from, OC("status")));
    to.headers = oc_json_pairs(oc_json_field(from, OC("headers")));
    to.body = oc_json_bytes(oc_json_field(from, OC("body")));
    return to;
}

OC_DOOR(http_fetch_v1);

/* What may be left out; {0} leaves out all. */
typedef struct {
    oc_text method; /* GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS; GET when left out */
    oc_pairs headers; /* those of the connection itself are the host's */
    oc_bytes body; /* what is sent */
} oc_http_fetch_options;

typedef struct {
    const oc_error *error; /* NULL when it went well */
    oc_http_response response;
} oc_http_fetch_result;

/* Sends a request and waits for the whole answer. url: absolute, http or https. NULL for options leaves out
 * all. */
static inline oc_http_fetch_result oc_http_fetch(oc_text url, const oc_http_fetch_options *options) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_key(&request, OC("url"));
    oc_write_text(&request, url);
    if (options) {
        if (options->method.at) {
            oc_write_key(&request, OC("method"));
            oc_write_text(&request, options->method);
        }
        if (options->headers.at) {
            oc_write_key(&request, OC("headers"));
            oc_write_pairs(&request, options->headers);
        }
        if (options->body.at) {
            oc_write_key(&request, OC("body"));
            oc_write_bytes(&request, options->body);
        }
    }
    oc_write_end(&request);
    oc_http_fetch_result result = {0};
    oc_json reply = oc_ask(oc_door_http_fetch_v1, &request, &result.error);
    if (result.error) return result;
    result.response = oc_http_response_read(reply);
    return result;
}
