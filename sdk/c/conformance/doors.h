/* Made from specs/doors by `python -m sdk.generate`; change it there. */
#pragma once

#include "omnicore.h"

static const oc_error *case_log_write(oc_json from, oc_writer *to) {
    oc_log_write_options options;
    options.fields = oc_json_field(from, OC("fields"));
    (void)to;
    return oc_log_write(
        oc_log_level_of(oc_json_text(oc_json_field(from, OC("level")))),
        oc_json_text(oc_json_field(from, OC("message"))),
        &options);
}

static const oc_error *case_config_get(oc_json from, oc_writer *to) {
    oc_config_get_result result = oc_config_get(oc_json_text(oc_json_field(from, OC("key"))));
    if (result.error) return result.error;
    oc_write_key(to, OC("value"));
    oc_write_json(to, result.value);
    return NULL;
}

static const oc_error *case_config_all(oc_json from, oc_writer *to) {
    (void)from;
    oc_config_all_result result = oc_config_all();
    if (result.error) return result.error;
    oc_write_key(to, OC("values"));
    oc_write_json(to, result.values);
    return NULL;
}

OC_ONCE void oc_kv_entry_write(oc_writer *to, const oc_kv_entry *from) {
    oc_write_object(to);
    oc_write_key(to, OC("value"));
    oc_write_bytes(to, from->value);
    oc_write_key(to, OC("version"));
    oc_write_integer(to, from->version);
    oc_write_end(to);
}

OC_ONCE void oc_kv_page_write(oc_writer *to, const oc_kv_page *from) {
    oc_write_object(to);
    oc_write_key(to, OC("keys"));
    oc_write_texts(to, from->keys);
    oc_write_key(to, OC("cursor"));
    if (from->cursor.at) oc_write_text(to, from->cursor);
    else oc_write_null(to);
    oc_write_end(to);
}

OC_ONCE void oc_kv_swap_write(oc_writer *to, const oc_kv_swap *from) {
    oc_write_object(to);
    oc_write_key(to, OC("swapped"));
    oc_write_boolean(to, from->swapped);
    oc_write_key(to, OC("version"));
    if (from->version.given) oc_write_integer(to, from->version.value);
    else oc_write_null(to);
    oc_write_end(to);
}

static const oc_error *case_kv_get(oc_json from, oc_writer *to) {
    oc_kv_get_result result = oc_kv_get(oc_json_text(oc_json_field(from, OC("key"))));
    if (result.error) return result.error;
    if (!result.found) {
        oc_write_key(to, OC("value"));
        oc_write_null(to);
        oc_write_key(to, OC("version"));
        oc_write_null(to);
        return NULL;
    }
    oc_write_key(to, OC("value"));
    oc_write_bytes(to, result.entry.value);
    oc_write_key(to, OC("version"));
    oc_write_integer(to, result.entry.version);
    return NULL;
}

static const oc_error *case_kv_put(oc_json from, oc_writer *to) {
    oc_kv_put_options options;
    options.ttl_s = oc_json_maybe_number(oc_json_field(from, OC("ttl_s")));
    oc_kv_put_result result = oc_kv_put(
        oc_json_text(oc_json_field(from, OC("key"))),
        oc_json_bytes(oc_json_field(from, OC("value"))),
        &options);
    if (result.error) return result.error;
    oc_write_key(to, OC("version"));
    oc_write_integer(to, result.version);
    return NULL;
}

static const oc_error *case_kv_delete(oc_json from, oc_writer *to) {
    oc_kv_delete_result result = oc_kv_delete(oc_json_text(oc_json_field(from, OC("key"))));
    if (result.error) return result.error;
    oc_write_key(to, OC("deleted"));
    oc_write_boolean(to, result.deleted);
    return NULL;
}

static const oc_error *case_kv_list(oc_json from, oc_writer *to) {
    oc_kv_list_options options;
    options.prefix = oc_json_text(oc_json_field(from, OC("prefix")));
    options.limit = oc_json_maybe_integer(oc_json_field(from, OC("limit")));
    options.cursor = oc_json_text(oc_json_field(from, OC("cursor")));
    oc_kv_list_result result = oc_kv_list(&options);
    if (result.error) return result.error;
    oc_write_key(to, OC("keys"));
    oc_write_texts(to, result.page.keys);
    oc_write_key(to, OC("cursor"));
    if (result.page.cursor.at) oc_write_text(to, result.page.cursor);
    else oc_write_null(to);
    return NULL;
}

static const oc_error *case_kv_cas(oc_json from, oc_writer *to) {
    oc_kv_cas_options options;
    options.ttl_s = oc_json_maybe_number(oc_json_field(from, OC("ttl_s")));
    oc_kv_cas_result result = oc_kv_cas(
        oc_json_text(oc_json_field(from, OC("key"))),
        oc_json_maybe_integer(oc_json_field(from, OC("expected"))),
        oc_json_bytes(oc_json_field(from, OC("value"))),
        &options);
    if (result.error) return result.error;
    oc_write_key(to, OC("swapped"));
    oc_write_boolean(to, result.swap.swapped);
    oc_write_key(to, OC("version"));
    if (result.swap.version.given) oc_write_integer(to, result.swap.version.value);
    else oc_write_null(to);
    return NULL;
}

OC_ONCE void oc_http_response_write(oc_writer *to, const oc_http_response *from) {
    oc_write_object(to);
    oc_write_key(to, OC("status"));
    oc_write_integer(to, from->status);
    oc_write_key(to, OC("headers"));
    oc_write_pairs(to, from->headers);
    oc_write_key(to, OC("body"));
    oc_write_bytes(to, from->body);
    oc_write_end(to);
}

static const oc_error *case_http_fetch(oc_json from, oc_writer *to) {
    oc_http_fetch_options options;
    options.method = oc_json_text(oc_json_field(from, OC("method")));
    options.headers = oc_json_pairs(oc_json_field(from, OC("headers")));
    options.body = oc_json_bytes(oc_json_field(from, OC("body")));
    oc_http_fetch_result result = oc_http_fetch(oc_json_text(oc_json_field(from, OC("url"))), &options);
    if (result.error) return result.error;
    oc_write_key(to, OC("status"));
    oc_write_integer(to, result.response.status);
    oc_write_key(to, OC("headers"));
    oc_write_pairs(to, result.response.headers);
    oc_write_key(to, OC("body"));
    oc_write_bytes(to, result.response.body);
    return NULL;
}

OC_ONCE void oc_events_subscription_write(oc_writer *to, const oc_events_subscription *from) {
    oc_write_object(to);
    oc_write_key(to, OC("id"));
    oc_write_text(to, from->id);
    oc_write_key(to, OC("topic"));
    oc_write_text(to, from->topic);
    oc_write_key(to, OC("function"));
    oc_write_text(to, from->function);
    oc_write_end(to);
}

static inline void oc_events_subscription_list_write(oc_writer *to, oc_events_subscription_list list) {
    oc_write_array(to);
    for (size_t i = 0; i < list.size; i++) oc_events_subscription_write(to, &list.at[i]);
    oc_write_end(to);
}

static const oc_error *case_events_publish(oc_json from, oc_writer *to) {
    oc_events_publish_result result = oc_events_publish(
        oc_json_text(oc_json_field(from, OC("topic"))),
        oc_json_field(from, OC("data")));
    if (result.error) return result.error;
    oc_write_key(to, OC("id"));
    oc_write_text(to, result.id);
    return NULL;
}

static const oc_error *case_events_subscribe(oc_json from, oc_writer *to) {
    oc_events_subscribe_result result = oc_events_subscribe(
        oc_json_text(oc_json_field(from, OC("topic"))),
        oc_json_text(oc_json_field(from, OC("function"))));
    if (result.error) return result.error;
    oc_write_key(to, OC("id"));
    oc_write_text(to, result.id);
    return NULL;
}

static const oc_error *case_events_unsubscribe(oc_json from, oc_writer *to) {
    oc_events_unsubscribe_result result = oc_events_unsubscribe(oc_json_text(oc_json_field(from, OC("id"))));
    if (result.error) return result.error;
    oc_write_key(to, OC("removed"));
    oc_write_boolean(to, result.removed);
    return NULL;
}

static const oc_error *case_events_subscriptions(oc_json from, oc_writer *to) {
    (void)from;
    oc_events_subscriptions_result result = oc_events_subscriptions();
    if (result.error) return result.error;
    oc_write_key(to, OC("items"));
    oc_events_subscription_list_write(to, result.items);
    return NULL;
}

OC_ONCE void oc_tasks_task_write(oc_writer *to, const oc_tasks_task *from) {
    oc_write_object(to);
    oc_write_key(to, OC("id"));
    oc_write_text(to, from->id);
    oc_write_key(to, OC("function"));
    oc_write_text(to, from->function);
    oc_write_key(to, OC("state"));
    oc_write_text(to, oc_tasks_state_text(from->state));
    oc_write_key(to, OC("attempts"));
    oc_write_integer(to, from->attempts);
    oc_write_key(to, OC("output"));
    oc_write_json(to, from->output);
    oc_write_key(to, OC("error"));
    if (from->error.at) oc_write_text(to, from->error);
    else oc_write_null(to);
    oc_write_end(to);
}

static inline void oc_tasks_task_list_write(oc_writer *to, oc_tasks_task_list list) {
    oc_write_array(to);
    for (size_t i = 0; i < list.size; i++) oc_tasks_task_write(to, &list.at[i]);
    oc_write_end(to);
}

OC_ONCE void oc_tasks_tasks_page_write(oc_writer *to, const oc_tasks_tasks_page *from) {
    oc_write_object(to);
    oc_write_key(to, OC("tasks"));
    oc_tasks_task_list_write(to, from->tasks);
    oc_write_key(to, OC("cursor"));
    if (from->cursor.at) oc_write_text(to, from->cursor);
    else oc_write_null(to);
    oc_write_end(to);
}

static const oc_error *case_tasks_submit(oc_json from, oc_writer *to) {
    oc_tasks_submit_options options;
    options.input = oc_json_field(from, OC("input"));
    options.queue = oc_json_text(oc_json_field(from, OC("queue")));
    options.delay_s = oc_json_maybe_number(oc_json_field(from, OC("delay_s")));
    options.priority = oc_json_maybe_integer(oc_json_field(from, OC("priority")));
    options.attempts = oc_json_maybe_integer(oc_json_field(from, OC("attempts")));
    options.timeout_s = oc_json_maybe_number(oc_json_field(from, OC("timeout_s")));
    options.key = oc_json_text(oc_json_field(from, OC("key")));
    oc_tasks_submit_result result = oc_tasks_submit(oc_json_text(oc_json_field(from, OC("function"))), &options);
    if (result.error) return result.error;
    oc_write_key(to, OC("id"));
    oc_write_text(to, result.id);
    return NULL;
}

static const oc_error *case_tasks_get(oc_json from, oc_writer *to) {
    oc_tasks_get_result result = oc_tasks_get(oc_json_text(oc_json_field(from, OC("id"))));
    if (result.error) return result.error;
    oc_write_key(to, OC("task"));
    if (result.found) oc_tasks_task_write(to, &result.task);
    else oc_write_null(to);
    return NULL;
}

static const oc_error *case_tasks_list(oc_json from, oc_writer *to) {
    oc_tasks_list_options options;
    options.state = oc_tasks_state_of(oc_json_text(oc_json_field(from, OC("state"))));
    options.limit = oc_json_maybe_integer(oc_json_field(from, OC("limit")));
    options.cursor = oc_json_text(oc_json_field(from, OC("cursor")));
    oc_tasks_list_result result = oc_tasks_list(&options);
    if (result.error) return result.error;
    oc_write_key(to, OC("tasks"));
    oc_tasks_task_list_write(to, result.tasks_page.tasks);
    oc_write_key(to, OC("cursor"));
    if (result.tasks_page.cursor.at) oc_write_text(to, result.tasks_page.cursor);
    else oc_write_null(to);
    return NULL;
}

static const oc_error *case_tasks_cancel(oc_json from, oc_writer *to) {
    oc_tasks_cancel_result result = oc_tasks_cancel(oc_json_text(oc_json_field(from, OC("id"))));
    if (result.error) return result.error;
    oc_write_key(to, OC("cancelled"));
    oc_write_boolean(to, result.cancelled);
    return NULL;
}

OC_ONCE void oc_memory_item_write(oc_writer *to, const oc_memory_item *from) {
    oc_write_object(to);
    oc_write_key(to, OC("id"));
    oc_write_text(to, from->id);
    oc_write_key(to, OC("tier"));
    oc_write_text(to, from->tier);
    oc_write_key(to, OC("text"));
    oc_write_text(to, from->text);
    oc_write_key(to, OC("importance"));
    oc_write_number(to, from->importance);
    oc_write_key(to, OC("created_at"));
    oc_write_number(to, from->created_at);
    oc_write_key(to, OC("metadata"));
    oc_write_json(to, from->metadata);
    oc_write_key(to, OC("score"));
    if (from->score.given) oc_write_number(to, from->score.value);
    else oc_write_null(to);
    oc_write_end(to);
}

static inline void oc_memory_item_list_write(oc_writer *to, oc_memory_item_list list) {
    oc_write_array(to);
    for (size_t i = 0; i < list.size; i++) oc_memory_item_write(to, &list.at[i]);
    oc_write_end(to);
}

static const oc_error *case_memory_store(oc_json from, oc_writer *to) {
    oc_memory_store_options options;
    options.tier = oc_json_text(oc_json_field(from, OC("tier")));
    options.importance = oc_json_maybe_number(oc_json_field(from, OC("importance")));
    options.embedding = oc_json_numbers(oc_json_field(from, OC("embedding")));
    options.metadata = oc_json_field(from, OC("metadata"));
    options.said_at = oc_json_maybe_number(oc_json_field(from, OC("said_at")));
    options.user = oc_json_text(oc_json_field(from, OC("user")));
    options.agent = oc_json_text(oc_json_field(from, OC("agent")));
    options.session = oc_json_text(oc_json_field(from, OC("session")));
    options.app = oc_json_text(oc_json_field(from, OC("app")));
    oc_memory_store_result result = oc_memory_store(oc_json_text(oc_json_field(from, OC("text"))), &options);
    if (result.error) return result.error;
    oc_write_key(to, OC("id"));
    oc_write_text(to, result.id);
    return NULL;
}

static const oc_error *case_memory_recall(oc_json from, oc_writer *to) {
    oc_memory_recall_options options;
    options.text = oc_json_text(oc_json_field(from, OC("text")));
    options.embedding = oc_json_numbers(oc_json_field(from, OC("embedding")));
    options.tiers = oc_json_texts(oc_json_field(from, OC("tiers")));
    options.limit = oc_json_maybe_integer(oc_json_field(from, OC("limit")));
    options.min_score = oc_json_maybe_number(oc_json_field(from, OC("min_score")));
    options.user = oc_json_text(oc_json_field(from, OC("user")));
    options.agent = oc_json_text(oc_json_field(from, OC("agent")));
    options.session = oc_json_text(oc_json_field(from, OC("session")));
    options.app = oc_json_text(oc_json_field(from, OC("app")));
    options.filter = oc_json_field(from, OC("filter"));
    oc_memory_recall_result result = oc_memory_recall(&options);
    if (result.error) return result.error;
    oc_write_key(to, OC("items"));
    oc_memory_item_list_write(to, result.items);
    return NULL;
}

static const oc_error *case_memory_get(oc_json from, oc_writer *to) {
    oc_memory_get_result result = oc_memory_get(oc_json_text(oc_json_field(from, OC("id"))));
    if (result.error) return result.error;
    oc_write_key(to, OC("item"));
    if (result.found) oc_memory_item_write(to, &result.item);
    else oc_write_null(to);
    return NULL;
}

static const oc_error *case_memory_forget(oc_json from, oc_writer *to) {
    oc_memory_forget_result result = oc_memory_forget(oc_json_text(oc_json_field(from, OC("id"))));
    if (result.error) return result.error;
    oc_write_key(to, OC("forgotten"));
    oc_write_boolean(to, result.forgotten);
    return NULL;
}

OC_ONCE oc_vectors_vector oc_vectors_vector_read(oc_json from) {
    oc_vectors_vector to;
    to.id = oc_json_text(oc_json_field(from, OC("id")));
    to.values = oc_json_numbers(oc_json_field(from, OC("values")));
    to.metadata = oc_json_field(from, OC("metadata"));
    return to;
}

static inline oc_vectors_vector_list oc_vectors_vector_list_read(oc_json array) {
    oc_vectors_vector *to = (oc_vectors_vector *)oc_alloc(oc_json_count(array) * sizeof *to);
    size_t used = 0;
    for (oc_each it = oc_json_each(array); oc_next(&it);) to[used++] = oc_vectors_vector_read(it.value);
    return (oc_vectors_vector_list){to, used};
}

OC_ONCE void oc_vectors_match_write(oc_writer *to, const oc_vectors_match *from) {
    oc_write_object(to);
    oc_write_key(to, OC("id"));
    oc_write_text(to, from->id);
    oc_write_key(to, OC("distance"));
    oc_write_number(to, from->distance);
    oc_write_key(to, OC("metadata"));
    oc_write_json(to, from->metadata);
    oc_write_end(to);
}

static inline void oc_vectors_match_list_write(oc_writer *to, oc_vectors_match_list list) {
    oc_write_array(to);
    for (size_t i = 0; i < list.size; i++) oc_vectors_match_write(to, &list.at[i]);
    oc_write_end(to);
}

OC_ONCE void oc_vectors_matches_write(oc_writer *to, const oc_vectors_matches *from) {
    oc_write_object(to);
    oc_write_key(to, OC("matches"));
    oc_vectors_match_list_write(to, from->matches);
    oc_write_key(to, OC("exact"));
    oc_write_boolean(to, from->exact);
    oc_write_end(to);
}

static const oc_error *case_vectors_create(oc_json from, oc_writer *to) {
    oc_vectors_create_options options;
    options.metric = oc_vectors_metric_of(oc_json_text(oc_json_field(from, OC("metric"))));
    oc_vectors_create_result result = oc_vectors_create(
        oc_json_text(oc_json_field(from, OC("collection"))),
        oc_json_integer(oc_json_field(from, OC("dimensions"))),
        &options);
    if (result.error) return result.error;
    oc_write_key(to, OC("created"));
    oc_write_boolean(to, result.created);
    return NULL;
}

static const oc_error *case_vectors_upsert(oc_json from, oc_writer *to) {
    oc_vectors_upsert_result result = oc_vectors_upsert(
        oc_json_text(oc_json_field(from, OC("collection"))),
        oc_vectors_vector_list_read(oc_json_field(from, OC("vectors"))));
    if (result.error) return result.error;
    oc_write_key(to, OC("count"));
    oc_write_integer(to, result.count);
    return NULL;
}

static const oc_error *case_vectors_search(oc_json from, oc_writer *to) {
    oc_vectors_search_options options;
    options.limit = oc_json_maybe_integer(oc_json_field(from, OC("limit")));
    options.filter = oc_json_field(from, OC("filter"));
    oc_vectors_search_result result = oc_vectors_search(
        oc_json_text(oc_json_field(from, OC("collection"))),
        oc_json_numbers(oc_json_field(from, OC("values"))),
        &options);
    if (result.error) return result.error;
    oc_write_key(to, OC("matches"));
    oc_vectors_match_list_write(to, result.matches.matches);
    oc_write_key(to, OC("exact"));
    oc_write_boolean(to, result.matches.exact);
    return NULL;
}

static const oc_error *case_vectors_delete(oc_json from, oc_writer *to) {
    oc_vectors_delete_result result = oc_vectors_delete(
        oc_json_text(oc_json_field(from, OC("collection"))),
        oc_json_texts(oc_json_field(from, OC("ids"))));
    if (result.error) return result.error;
    oc_write_key(to, OC("deleted"));
    oc_write_integer(to, result.deleted);
    return NULL;
}

OC_ONCE void oc_connectors_connector_write(oc_writer *to, const oc_connectors_connector *from) {
    oc_write_object(to);
    oc_write_key(to, OC("name"));
    oc_write_text(to, from->name);
    oc_write_key(to, OC("kind"));
    oc_write_text(to, from->kind);
    oc_write_key(to, OC("actions"));
    oc_write_texts(to, from->actions);
    oc_write_end(to);
}

static inline void oc_connectors_connector_list_write(oc_writer *to, oc_connectors_connector_list list) {
    oc_write_array(to);
    for (size_t i = 0; i < list.size; i++) oc_connectors_connector_write(to, &list.at[i]);
    oc_write_end(to);
}

static const oc_error *case_connectors_list(oc_json from, oc_writer *to) {
    (void)from;
    oc_connectors_list_result result = oc_connectors_list();
    if (result.error) return result.error;
    oc_write_key(to, OC("connectors"));
    oc_connectors_connector_list_write(to, result.connectors);
    return NULL;
}

static const oc_error *case_connectors_call(oc_json from, oc_writer *to) {
    oc_connectors_call_options options;
    options.input = oc_json_field(from, OC("input"));
    oc_connectors_call_result result = oc_connectors_call(
        oc_json_text(oc_json_field(from, OC("connector"))),
        oc_json_text(oc_json_field(from, OC("action"))),
        &options);
    if (result.error) return result.error;
    oc_write_key(to, OC("output"));
    oc_write_json(to, result.output);
    return NULL;
}

typedef const oc_error *(*doors_case)(oc_json from, oc_writer *to);

/* Every verb, by its door. */
static const struct {
    const char *door, *verb;
    doors_case run;
} cases[] = {
    {"log", "write", case_log_write},
    {"config", "get", case_config_get},
    {"config", "all", case_config_all},
    {"kv", "get", case_kv_get},
    {"kv", "put", case_kv_put},
    {"kv", "delete", case_kv_delete},
    {"kv", "list", case_kv_list},
    {"kv", "cas", case_kv_cas},
    {"http", "fetch", case_http_fetch},
    {"events", "publish", case_events_publish},
    {"events", "subscribe", case_events_subscribe},
    {"events", "unsubscribe", case_events_unsubscribe},
    {"events", "subscriptions", case_events_subscriptions},
    {"tasks", "submit", case_tasks_submit},
    {"tasks", "get", case_tasks_get},
    {"tasks", "list", case_tasks_list},
    {"tasks", "cancel", case_tasks_cancel},
    {"memory", "store", case_memory_store},
    {"memory", "recall", case_memory_recall},
    {"memory", "get", case_memory_get},
    {"memory", "forget", case_memory_forget},
    {"vectors", "create", case_vectors_create},
    {"vectors", "upsert", case_vectors_upsert},
    {"vectors", "search", case_vectors_search},
    {"vectors", "delete", case_vectors_delete},
    {"connectors", "list", case_connectors_list},
    {"connectors", "call", case_connectors_call},
};
