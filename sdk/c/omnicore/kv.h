/* Made from specs/doors by `python -m sdk.generate`; change it there. */
#pragma once

#include "call.h"

/* A value and its version. */
typedef struct {
    oc_bytes value; /* what was put */
    int64_t version; /* changes with every write */
} oc_kv_entry;

OC_ONCE oc_kv_entry oc_kv_entry_read(oc_json from) {
    oc_kv_entry to;
    to.value = oc_json_bytes(oc_json_field(from, OC("value")));
    to.version = oc_json_integer(oc_json_field(from, OC("version")));
    return to;
}

/* Some of the keys. */
typedef struct {
    oc_texts keys; /* in the order of their bytes */
    oc_text cursor; /* for the next page; null after the last */
} oc_kv_page;

OC_ONCE oc_kv_page oc_kv_page_read(oc_json from) {
    oc_kv_page to;
    to.keys = oc_json_texts(oc_json_field(from, OC("keys")));
    to.cursor = oc_json_text(oc_json_field(from, OC("cursor")));
    return to;
}

/* What a conditional write did. */
typedef struct {
    bool swapped; /* whether the value was written */
    oc_maybe_integer version; /* the one that stands now; null when there is no value */
} oc_kv_swap;

OC_ONCE oc_kv_swap oc_kv_swap_read(oc_json from) {
    oc_kv_swap to;
    to.swapped = oc_json_boolean(oc_json_field(from, OC("swapped")));
    to.version = oc_json_maybe_integer(oc_json_field(from, OC("version")));
    return to;
}

OC_DOOR(kv_get_v1);

OC_DOOR(kv_put_v1);

OC_DOOR(kv_delete_v1);

OC_DOOR(kv_list_v1);

OC_DOOR(kv_cas_v1);

typedef struct {
    const oc_error *error; /* NULL when it went well */
    bool found; /* false where there is nothing */
    oc_kv_entry entry;
} oc_kv_get_result;

/* The value of a key, or nothing. key: 1 to 512 bytes of UTF-8. */
static inline oc_kv_get_result oc_kv_get(oc_text key) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_key(&request, OC("key"));
    oc_write_text(&request, key);
    oc_write_end(&request);
    oc_kv_get_result result = {0};
    oc_json reply = oc_ask(oc_door_kv_get_v1, &request, &result.error);
    if (result.error) return result;
    result.found = !oc_json_is_null(oc_json_field(reply, OC("value"))) ||
                   !oc_json_is_null(oc_json_field(reply, OC("version")));
    result.entry = oc_kv_entry_read(reply);
    return result;
}

/* What may be left out; {0} leaves out all. */
typedef struct {
    oc_maybe_number ttl_s; /* seconds after which the value is gone */
} oc_kv_put_options;

typedef struct {
    const oc_error *error; /* NULL when it went well */
    int64_t version; /* of what was written */
} oc_kv_put_result;

/* Writes a value and returns its new version. key: 1 to 512 bytes of UTF-8. value: at most 256 KiB. NULL for
 * options leaves out all. */
static inline oc_kv_put_result oc_kv_put(oc_text key, oc_bytes value, const oc_kv_put_options *options) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_key(&request, OC("key"));
    oc_write_text(&request, key);
    oc_write_key(&request, OC("value"));
    oc_write_bytes(&request, value);
    if (options) {
        if (options->ttl_s.given) {
            oc_write_key(&request, OC("ttl_s"));
            oc_write_number(&request, options->ttl_s.value);
        }
    }
    oc_write_end(&request);
    oc_kv_put_result result = {0};
    oc_json reply = oc_ask(oc_door_kv_put_v1, &request, &result.error);
    if (result.error) return result;
    result.version = oc_json_integer(oc_json_field(reply, OC("version")));
    return result;
}

typedef struct {
    const oc_error *error; /* NULL when it went well */
    bool deleted; /* whether there was something */
} oc_kv_delete_result;

/* Deletes a key; returns whether there was something. key: 1 to 512 bytes of UTF-8. */
static inline oc_kv_delete_result oc_kv_delete(oc_text key) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_key(&request, OC("key"));
    oc_write_text(&request, key);
    oc_write_end(&request);
    oc_kv_delete_result result = {0};
    oc_json reply = oc_ask(oc_door_kv_delete_v1, &request, &result.error);
    if (result.error) return result;
    result.deleted = oc_json_boolean(oc_json_field(reply, OC("deleted")));
    return result;
}

/* What may be left out; {0} leaves out all. */
typedef struct {
    oc_text prefix; /* how the keys begin */
    oc_maybe_integer limit; /* 1 to 1000; 100 when left out */
    oc_text cursor; /* of the page before */
} oc_kv_list_options;

typedef struct {
    const oc_error *error; /* NULL when it went well */
    oc_kv_page page;
} oc_kv_list_result;

/* A page of keys, in the order of their bytes. NULL for options leaves out all. */
static inline oc_kv_list_result oc_kv_list(const oc_kv_list_options *options) {
    oc_writer request = {0};
    oc_write_object(&request);
    if (options) {
        if (options->prefix.at) {
            oc_write_key(&request, OC("prefix"));
            oc_write_text(&request, options->prefix);
        }
        if (options->limit.given) {
            oc_write_key(&request, OC("limit"));
            oc_write_integer(&request, options->limit.value);
        }
        if (options->cursor.at) {
            oc_write_key(&request, OC("cursor"));
            oc_write_text(&request, options->cursor);
        }
    }
    oc_write_end(&request);
    oc_kv_list_result result = {0};
    oc_json reply = oc_ask(oc_door_kv_list_v1, &request, &result.error);
    if (result.error) return result;
    result.page = oc_kv_page_read(reply);
    return result;
}

/* What may be left out; {0} leaves out all. */
typedef struct {
    oc_maybe_number ttl_s; /* seconds after which the value is gone */
} oc_kv_cas_options;

typedef struct {
    const oc_error *error; /* NULL when it went well */
    oc_kv_swap swap;
} oc_kv_cas_result;

/* Writes only if the version is still the expected one, or with null only if the key does not exist. key: 1
 * to 512 bytes of UTF-8. expected: the version that was read; null for a new key. value: at most 256 KiB.
 * NULL for options leaves out all. */
static inline oc_kv_cas_result oc_kv_cas(
        oc_text key,
        oc_maybe_integer expected,
        oc_bytes value,
        const oc_kv_cas_options *options) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_key(&request, OC("key"));
    oc_write_text(&request, key);
    oc_write_key(&request, OC("expected"));
    if (expected.given) oc_write_integer(&request, expected.value);
    else oc_write_null(&request);
    oc_write_key(&request, OC("value"));
    oc_write_bytes(&request, value);
    if (options) {
        if (options->ttl_s.given) {
            oc_write_key(&request, OC("ttl_s"));
            oc_write_number(&request, options->ttl_s.value);
        }
    }
    oc_write_end(&request);
    oc_kv_cas_result result = {0};
    oc_json reply = oc_ask(oc_door_kv_cas_v1, &request, &result.error);
    if (result.error) return result;
    result.swap = oc_kv_swap_read(reply);
    return result;
}
