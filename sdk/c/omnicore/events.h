/* Made from specs/doors by `python -m sdk.generate`; change it there. */
#pragma once

#include "call.h"

/* A function of the plugin that hears a topic. */
typedef struct {
    oc_text id; /* given by the host */
    oc_text topic; /* the pattern */
    oc_text function; /* which is called with each event */
} oc_events_subscription;

typedef struct {
    const oc_events_subscription *at;
    size_t size;
} oc_events_subscription_list;

OC_ONCE oc_events_subscription oc_events_subscription_read(oc_json from) {
    oc_events_subscription to;
    to.id = oc_json_text(oc_json_field(from, OC("id")));
    to.topic = oc_json_text(oc_json_field(from, OC("topic")));
    to.function = oc_json_text(oc_json_field(from, OC("function")));
    return to;
}

static inline oc_events_subscription_list oc_events_subscription_list_read(oc_json array) {
    oc_events_subscription *to = (oc_events_subscription *)oc_alloc(oc_json_count(array) * sizeof *to);
    size_t used = 0;
    for (oc_each it = oc_json_each(array); oc_next(&it);) to[used++] = oc_events_subscription_read(it.value);
    return (oc_events_subscription_list){to, used};
}

OC_DOOR(events_publish_v1);

OC_DOOR(events_subscribe_v1);

OC_DOOR(events_unsubscribe_v1);

OC_DOOR(events_subscriptions_v1);

typedef struct {
    const oc_error *error; /* NULL when it went well */
    oc_text id; /* of the event */
} oc_events_publish_result;

/* Hands an event to whoever subscribed; returns its id. At most 100 a second. topic: to publish: names of
 * 'a-z A-Z 0-9 _ -' between dots. data: any JSON value of at most 64 KiB. */
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

typedef struct {
    const oc_error *error; /* NULL when it went well */
    oc_text id; /* of the subscription */
} oc_events_subscribe_result;

/* Lets the host call a function of this plugin with each event; the same again is the same one. topic: to
 * subscribe: names, '*' for one of them, a last '**' for all that follow. function: takes '{"id", "topic",
 * "data", "source", "at"}' as JSON; what it returns is dropped. */
static inline oc_events_subscribe_result oc_events_subscribe(oc_text topic, oc_text function) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_key(&request, OC("topic"));
    oc_write_text(&request, topic);
    oc_write_key(&request, OC("function"));
    oc_write_text(&request, function);
    oc_write_end(&request);
    oc_events_subscribe_result result = {0};
    oc_json reply = oc_ask(oc_door_events_subscribe_v1, &request, &result.error);
    if (result.error) return result;
    result.id = oc_json_text(oc_json_field(reply, OC("id")));
    return result;
}

typedef struct {
    const oc_error *error; /* NULL when it went well */
    bool removed; /* whether there was one */
} oc_events_unsubscribe_result;

/* Ends a subscription; returns whether there was one. id: what subscribe returned. */
static inline oc_events_unsubscribe_result oc_events_unsubscribe(oc_text id) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_key(&request, OC("id"));
    oc_write_text(&request, id);
    oc_write_end(&request);
    oc_events_unsubscribe_result result = {0};
    oc_json reply = oc_ask(oc_door_events_unsubscribe_v1, &request, &result.error);
    if (result.error) return result;
    result.removed = oc_json_boolean(oc_json_field(reply, OC("removed")));
    return result;
}

typedef struct {
    const oc_error *error; /* NULL when it went well */
    oc_events_subscription_list items; /* oldest first */
} oc_events_subscriptions_result;

/* All subscriptions of this plugin, oldest first. */
static inline oc_events_subscriptions_result oc_events_subscriptions(void) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_end(&request);
    oc_events_subscriptions_result result = {0};
    oc_json reply = oc_ask(oc_door_events_subscriptions_v1, &request, &result.error);
    if (result.error) return result;
    result.items = oc_events_subscription_list_read(oc_json_field(reply, OC("items")));
    return result;
}
