/* Made from specs/doors by `python -m sdk.generate`; change it there. */
#pragma once

#include "call.h"

/* A service the host is connected to. Its credentials never reach a plugin. */
typedef struct {
    oc_text name; /* chosen by the operator */
    oc_text kind; /* such as 'http', 'postgresql', 'github' */
    oc_texts actions; /* what it can do and the plugin may ask for */
} oc_connectors_connector;

typedef struct {
    const oc_connectors_connector *at;
    size_t size;
} oc_connectors_connector_list;

OC_ONCE oc_connectors_connector oc_connectors_connector_read(oc_json from) {
    oc_connectors_connector to;
    to.name = oc_json_text(oc_json_field(from, OC("name")));
    to.kind = oc_json_text(oc_json_field(from, OC("kind")));
    to.actions = oc_json_texts(oc_json_field(from, OC("actions")));
    return to;
}

static inline oc_connectors_connector_list oc_connectors_connector_list_read(oc_json array) {
    oc_connectors_connector *to = (oc_connectors_connector *)oc_alloc(oc_json_count(array) * sizeof *to);
    size_t used = 0;
    for (oc_each it = oc_json_each(array); oc_next(&it);) to[used++] = oc_connectors_connector_read(it.value);
    return (oc_connectors_connector_list){to, used};
}

OC_DOOR(connectors_list_v1);

OC_DOOR(connectors_call_v1);

typedef struct {
    const oc_error *error; /* NULL when it went well */
    oc_connectors_connector_list connectors; /* in the order of their names */
} oc_connectors_list_result;

/* The connectors the plugin may use. */
static inline oc_connectors_list_result oc_connectors_list(void) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_end(&request);
    oc_connectors_list_result result = {0};
    oc_json reply = oc_ask(oc_door_connectors_list_v1, &request, &result.error);
    if (result.error) return result;
    result.connectors = oc_connectors_connector_list_read(oc_json_field(reply, OC("connectors")));
    return result;
}

/* What may be left out; {0} leaves out all. */
typedef struct {
    oc_json input; /* what the action takes, at most 1 MiB */
} oc_connectors_call_options;

typedef struct {
    const oc_error *error; /* NULL when it went well */
    oc_json output; /* what the action gives */
} oc_connectors_call_result;

/* Lets a connector do something and returns what came of it. connector: its name. action: one of its actions.
 * NULL for options leaves out all. */
static inline oc_connectors_call_result oc_connectors_call(
        oc_text connector,
        oc_text action,
        const oc_connectors_call_options *options) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_key(&request, OC("connector"));
    oc_write_text(&request, connector);
    oc_write_key(&request, OC("action"));
    oc_write_text(&request, action);
    if (options) {
        if (options->input.at) {
            oc_write_key(&request, OC("input"));
            oc_write_json(&request, options->input);
        }
    }
    oc_write_end(&request);
    oc_connectors_call_result result = {0};
    oc_json reply = oc_ask(oc_door_connectors_call_v1, &request, &result.error);
    if (result.error) return result;
    result.output = oc_json_field(reply, OC("output"));
    return result;
}
