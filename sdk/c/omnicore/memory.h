/* Made from specs/doors by `python -m sdk.generate`; change it there. */
#pragma once

#include "call.h"

/* Something remembered. */
typedef struct {
    oc_text id; /* given by the host */
    oc_text tier; /* where it is kept, one of the twelve tiers */
    oc_text text; /* word for word what was stored */
    double importance; /* 0 to 1 */
    double created_at; /* seconds since the Unix epoch */
    oc_json metadata; /* what was stored with it */
    oc_maybe_number score; /* the probability that it answers, 0 to 1; null outside of a recall */
} oc_memory_item;

typedef struct {
    const oc_memory_item *at;
    size_t size;
} oc_memory_item_list;

OC_ONCE oc_memory_item oc_memory_item_read(oc_json from) {
    oc_memory_item to;
    to.id = oc_json_text(oc_json_field(from, OC("id")));
    to.tier = oc_json_text(oc_json_field(from, OC("tier")));
    to.text = oc_json_text(oc_json_field(from, OC("text")));
    to.importance = oc_json_number(oc_json_field(from, OC("importance")));
    to.created_at = oc_json_number(oc_json_field(from, OC("created_at")));
    to.metadata = oc_json_field(from, OC("metadata"));
    to.score = oc_json_maybe_number(oc_json_field(from, OC("score")));
    return to;
}

static inline oc_memory_item_list oc_memory_item_list_read(oc_json array) {
    oc_memory_item *to = (oc_memory_item *)oc_alloc(oc_json_count(array) * sizeof *to);
    size_t used = 0;
    for (oc_each it = oc_json_each(array); oc_next(&it);) to[used++] = oc_memory_item_read(it.value);
    return (oc_memory_item_list){to, used};
}

OC_DOOR(memory_store_v1);

OC_DOOR(memory_recall_v1);

OC_DOOR(memory_get_v1);

OC_DOOR(memory_forget_v1);

/* What may be left out; {0} leaves out all. */
typedef struct {
    oc_text tier; /* one of the twelve tiers; 'episodic' when left out */
    oc_maybe_number importance; /* 0 to 1; the host judges when it is left out */
    oc_numbers embedding; /* of the text; the host makes one when it is left out */
    oc_json metadata; /* at most 16 KiB; 'speaker' and 'session', both text, say who said it in which conversation, which helps recall */
    oc_maybe_number said_at; /* when it was said, in seconds since the Unix epoch; now when left out */
    oc_text user; /* the user whose it is; a recall with a user finds what is this user's and nothing else */
    oc_text agent; /* the agent whose it is */
    oc_text session; /* the session in which it was said */
    oc_text app; /* the application whose it is */
} oc_memory_store_options;

typedef struct {
    const oc_error *error; /* NULL when it went well */
    oc_text id; /* of the memory */
} oc_memory_store_result;

/* Remembers a text and returns its id. The same text again is the same memory. text: at most 64 KiB. NULL for
 * options leaves out all. */
static inline oc_memory_store_result oc_memory_store(oc_text text, const oc_memory_store_options *options) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_key(&request, OC("text"));
    oc_write_text(&request, text);
    if (options) {
        if (options->tier.at) {
            oc_write_key(&request, OC("tier"));
            oc_write_text(&request, options->tier);
        }
        if (options->importance.given) {
            oc_write_key(&request, OC("importance"));
            oc_write_number(&request, options->importance.value);
        }
        if (options->embedding.at) {
            oc_write_key(&request, OC("embedding"));
            oc_write_numbers(&request, options->embedding);
        }
        if (options->metadata.at) {
            oc_write_key(&request, OC("metadata"));
            oc_write_json(&request, options->metadata);
        }
        if (options->said_at.given) {
            oc_write_key(&request, OC("said_at"));
            oc_write_number(&request, options->said_at.value);
        }
        if (options->user.at) {
            oc_write_key(&request, OC("user"));
            oc_write_text(&request, options->user);
        }
        if (options->agent.at) {
            oc_write_key(&request, OC("agent"));
            oc_write_text(&request, options->agent);
        }
        if (options->session.at) {
            oc_write_key(&request, OC("session"));
            oc_write_text(&request, options->session);
        }
        if (options->app.at) {
            oc_write_key(&request, OC("app"));
            oc_write_text(&request, options->app);
        }
    }
    oc_write_end(&request);
    oc_memory_store_result result = {0};
    oc_json reply = oc_ask(oc_door_memory_store_v1, &request, &result.error);
    if (result.error) return result;
    result.id = oc_json_text(oc_json_field(reply, OC("id")));
    return result;
}

/* What may be left out; {0} leaves out all. */
typedef struct {
    oc_text text; /* what is looked for; this or 'embedding' must be there */
    oc_numbers embedding; /* of what is looked for */
    oc_texts tiers; /* where to look; all that are granted when left out */
    oc_maybe_integer limit; /* 1 to 100; 10 when left out */
    oc_maybe_number min_score; /* 0 to 1; only memories that answer with this probability */
    oc_text user; /* only what is this user's */
    oc_text agent; /* the agent whose memories are asked for */
    oc_text session; /* the session in which it was said */
    oc_text app; /* the application whose memories are asked for */
    oc_json filter; /* what the metadata must fulfil, such as '{"year": {"$gte": 2020}}'; 'docs/memory.md' has the operators */
} oc_memory_recall_options;

typedef struct {
    const oc_error *error; /* NULL when it went well */
    oc_memory_item_list items; /* best first */
} oc_memory_recall_result;

/* The memories that fit best, best first. NULL for options leaves out all. */
static inline oc_memory_recall_result oc_memory_recall(const oc_memory_recall_options *options) {
    oc_writer request = {0};
    oc_write_object(&request);
    if (options) {
        if (options->text.at) {
            oc_write_key(&request, OC("text"));
            oc_write_text(&request, options->text);
        }
        if (options->embedding.at) {
            oc_write_key(&request, OC("embedding"));
            oc_write_numbers(&request, options->embedding);
        }
        if (options->tiers.at) {
            oc_write_key(&request, OC("tiers"));
            oc_write_texts(&request, options->tiers);
        }
        if (options->limit.given) {
            oc_write_key(&request, OC("limit"));
            oc_write_integer(&request, options->limit.value);
        }
        if (options->min_score.given) {
            oc_write_key(&request, OC("min_score"));
            oc_write_number(&request, options->min_score.value);
        }
        if (options->user.at) {
            oc_write_key(&request, OC("user"));
            oc_write_text(&request, options->user);
        }
        if (options->agent.at) {
            oc_write_key(&request, OC("agent"));
            oc_write_text(&request, options->agent);
        }
        if (options->session.at) {
            oc_write_key(&request, OC("session"));
            oc_write_text(&request, options->session);
        }
        if (options->app.at) {
            oc_write_key(&request, OC("app"));
            oc_write_text(&request, options->app);
        }
        if (options->filter.at) {
            oc_write_key(&request, OC("filter"));
            oc_write_json(&request, options->filter);
        }
    }
    oc_write_end(&request);
    oc_memory_recall_result result = {0};
    oc_json reply = oc_ask(oc_door_memory_recall_v1, &request, &result.error);
    if (result.error) return result;
    result.items = oc_memory_item_list_read(oc_json_field(reply, OC("items")));
    return result;
}

typedef struct {
    const oc_error *error; /* NULL when it went well */
    bool found; /* false where there is nothing */
    oc_memory_item item; /* null when there is none */
} oc_memory_get_result;

/* One memory, or nothing. id: what store returned. */
static inline oc_memory_get_result oc_memory_get(oc_text id) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_key(&request, OC("id"));
    oc_write_text(&request, id);
    oc_write_end(&request);
    oc_memory_get_result result = {0};
    oc_json reply = oc_ask(oc_door_memory_get_v1, &request, &result.error);
    if (result.error) return result;
    result.found = !oc_json_is_null(oc_json_field(reply, OC("item")));
    result.item = oc_memory_item_read(oc_json_field(reply, OC("item")));
    return result;
}

typedef struct {
    const oc_error *error; /* NULL when it went well */
    bool forgotten; /* whether there was one */
} oc_memory_forget_result;

/* Forgets a memory; returns whether there was one. id: what store returned. */
static inline oc_memory_forget_result oc_memory_forget(oc_text id) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_key(&request, OC("id"));
    oc_write_text(&request, id);
    oc_write_end(&request);
    oc_memory_forget_result result = {0};
    oc_json reply = oc_ask(oc_door_memory_forget_v1, &request, &result.error);
    if (result.error) return result;
    result.forgotten = oc_json_boolean(oc_json_field(reply, OC("forgotten")));
    return result;
}
