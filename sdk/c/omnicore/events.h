/* Made from specs/doors by `python -m sdk.generate`; change it there. */
#pragma once

#include "call.h"

OC_DOOR(events_publish_v1);

typedef struct {
    const oc_error *error; /* NULL when it went well */
    oc_text id; /* of the event */
} oc_events_publish_result;

/* Hands an event to whoever subscribed; returns its id. At most 100 a second. topic: names of 'a-z A-Z 0-9 _
 * -' between dots. data: any JSON value of at most 64 KiB. */
static inline oc_events_publish_result oc_events_publish(oc_text topic, oc_json data) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_key(&request, OC("topic"));
    oc_write_text(&request, topic);
    oc_write_key(&request, OC("data"));
    oc_write_json(&request, data);
    oc_write_end(&request);
    oc_events_publish_result result = {0};
    oc_json reply = oc_ask(oc_door_events_publish_v1, &request, &result.error);
    if (result.error) return result;
    result.id = oc_json_text(oc_json_field(reply, OC("id")));
    return result;
}
