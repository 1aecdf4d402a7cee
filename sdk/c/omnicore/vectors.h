/* Made from specs/doors by `python -m sdk.generate`; change it there. */
#pragma once

#include "call.h"

/* How far two vectors are apart. The first one stands for none. */
typedef enum {
    OC_VECTORS_METRIC_NONE,
    OC_VECTORS_COSINE,
    OC_VECTORS_L2,
    OC_VECTORS_DOT,
} oc_vectors_metric;

static inline oc_text oc_vectors_metric_text(oc_vectors_metric value) {
    static const char *const texts[] = {"", "cosine", "l2", "dot"};
    return (unsigned)value < sizeof texts / sizeof *texts ? oc_string(texts[value]) : OC("");
}

static inline oc_vectors_metric oc_vectors_metric_of(oc_text text) {
    for (int value = 1; value <= 3; value++)
        if (oc_equal(oc_vectors_metric_text((oc_vectors_metric)value), text)) return (oc_vectors_metric)value;
    return OC_VECTORS_METRIC_NONE;
}

/* A vector to keep. */
typedef struct {
    oc_text id; /* chosen by the plugin, 1 to 256 bytes; a second one with it replaces the first */
    oc_numbers values; /* as many as the collection has dimensions, all finite */
    oc_json metadata; /* at most 16 KiB */
} oc_vectors_vector;

typedef struct {
    const oc_vectors_vector *at;
    size_t size;
} oc_vectors_vector_list;

OC_ONCE void oc_vectors_vector_write(oc_writer *to, const oc_vectors_vector *from) {
    oc_write_object(to);
    oc_write_key(to, OC("id"));
    oc_write_text(to, from->id);
    oc_write_key(to, OC("values"));
    oc_write_numbers(to, from->values);
    if (from->metadata.at) {
        oc_write_key(to, OC("metadata"));
        oc_write_json(to, from->metadata);
    }
    oc_write_end(to);
}

static inline void oc_vectors_vector_list_write(oc_writer *to, oc_vectors_vector_list list) {
    oc_write_array(to);
    for (size_t i = 0; i < list.size; i++) oc_vectors_vector_write(to, &list.at[i]);
    oc_write_end(to);
}

/* A vector that was found. */
typedef struct {
    oc_text id; /* as it was kept */
    double distance; /* 0 is the same; by the collection's metric */
    oc_json metadata; /* as it was kept */
} oc_vectors_match;

typedef struct {
    const oc_vectors_match *at;
    size_t size;
} oc_vectors_match_list;

OC_ONCE oc_vectors_match oc_vectors_match_read(oc_json from) {
    oc_vectors_match to;
    to.id = oc_json_text(oc_json_field(from, OC("id")));
    to.distance = oc_json_number(oc_json_field(from, OC("distance")));
    to.metadata = oc_json_field(from, OC("metadata"));
    return to;
}

static inline oc_vectors_match_list oc_vectors_match_list_read(oc_json array) {
    oc_vectors_match *to = (oc_vectors_match *)oc_alloc(oc_json_count(array) * sizeof *to);
    size_t used = 0;
    for (oc_each it = oc_json_each(array); oc_next(&it);) to[used++] = oc_vectors_match_read(it.value);
    return (oc_vectors_match_list){to, used};
}

/* What a search found. */
typedef struct {
    oc_vectors_match_list matches; /* nearest first */
    bool exact; /* false when an index answered, which may miss some */
} oc_vectors_matches;

OC_ONCE oc_vectors_matches oc_vectors_matches_read(oc_json from) {
    oc_vectors_matches to;
    to.matches = oc_vectors_match_list_read(oc_json_field(from, OC("matches")));
    to.exact = oc_json_boolean(oc_json_field(from, OC("exact")));
    return to;
}

OC_DOOR(vectors_create_v1);

OC_DOOR(vectors_upsert_v1);

OC_DOOR(vectors_search_v1);

OC_DOOR(vectors_delete_v1);

/* What may be left out; {0} leaves out all. */
typedef struct {
    oc_vectors_metric metric; /* 'cosine' when left out */
} oc_vectors_create_options;

typedef struct {
    const oc_error *error; /* NULL when it went well */
    bool created; /* false when it was there */
} oc_vectors_create_result;

/* Makes a collection; returns whether it is new. One that is there must have the same shape. collection:
 * names of 'a-z 0-9 -'. dimensions: 1 to 4096. NULL for options leaves out all. */
static inline oc_vectors_create_result oc_vectors_create(
        oc_text collection,
        int64_t dimensions,
        const oc_vectors_create_options *options) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_key(&request, OC("collection"));
    oc_write_text(&request, collection);
    oc_write_key(&request, OC("dimensions"));
    oc_write_integer(&request, dimensions);
    if (options) {
        if (options->metric) {
            oc_write_key(&request, OC("metric"));
            oc_write_text(&request, oc_vectors_metric_text(options->metric));
        }
    }
    oc_write_end(&request);
    oc_vectors_create_result result = {0};
    oc_json reply = oc_ask(oc_door_vectors_create_v1, &request, &result.error);
    if (result.error) return result;
    result.created = oc_json_boolean(oc_json_field(reply, OC("created")));
    return result;
}

typedef struct {
    const oc_error *error; /* NULL when it went well */
    int64_t count; /* how many were kept */
} oc_vectors_upsert_result;

/* Keeps vectors, all or none; returns how many. collection: where to. vectors: 1 to 1000. */
static inline oc_vectors_upsert_result oc_vectors_upsert(oc_text collection, oc_vectors_vector_list vectors) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_key(&request, OC("collection"));
    oc_write_text(&request, collection);
    oc_write_key(&request, OC("vectors"));
    oc_vectors_vector_list_write(&request, vectors);
    oc_write_end(&request);
    oc_vectors_upsert_result result = {0};
    oc_json reply = oc_ask(oc_door_vectors_upsert_v1, &request, &result.error);
    if (result.error) return result;
    result.count = oc_json_integer(oc_json_field(reply, OC("count")));
    return result;
}

/* What may be left out; {0} leaves out all. */
typedef struct {
    oc_maybe_integer limit; /* 1 to 1000; 10 when left out */
    oc_json filter; /* what the metadata must fulfil: equal values, or operators as in 'docs/memory.md' */
} oc_vectors_search_options;

typedef struct {
    const oc_error *error; /* NULL when it went well */
    oc_vectors_matches matches;
} oc_vectors_search_result;

/* The nearest vectors. collection: where to look. values: near to what. NULL for options leaves out all. */
static inline oc_vectors_search_result oc_vectors_search(
        oc_text collection,
        oc_numbers values,
        const oc_vectors_search_options *options) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_key(&request, OC("collection"));
    oc_write_text(&request, collection);
    oc_write_key(&request, OC("values"));
    oc_write_numbers(&request, values);
    if (options) {
        if (options->limit.given) {
            oc_write_key(&request, OC("limit"));
            oc_write_integer(&request, options->limit.value);
        }
        if (options->filter.at) {
            oc_write_key(&request, OC("filter"));
            oc_write_json(&request, options->filter);
        }
    }
    oc_write_end(&request);
    oc_vectors_search_result result = {0};
    oc_json reply = oc_ask(oc_door_vectors_search_v1, &request, &result.error);
    if (result.error) return result;
    result.matches = oc_vectors_matches_read(reply);
    return result;
}

typedef struct {
    const oc_error *error; /* NULL when it went well */
    int64_t deleted; /* how many there were */
} oc_vectors_delete_result;

/* Deletes vectors; returns how many there were. collection: where. ids: 1 to 1000. */
static inline oc_vectors_delete_result oc_vectors_delete(oc_text collection, oc_texts ids) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_key(&request, OC("collection"));
    oc_write_text(&request, collection);
    oc_write_key(&request, OC("ids"));
    oc_write_texts(&request, ids);
    oc_write_end(&request);
    oc_vectors_delete_result result = {0};
    oc_json reply = oc_ask(oc_door_vectors_delete_v1, &request, &result.error);
    if (result.error) return result;
    result.deleted = oc_json_integer(oc_json_field(reply, OC("deleted")));
    return result;
}
