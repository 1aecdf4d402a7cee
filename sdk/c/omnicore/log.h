/* Made from specs/doors by `python -m sdk.generate`; change it there. */
#pragma once

#include "call.h"

/* How much a line matters. The first one stands for none. */
typedef enum {
    OC_LOG_LEVEL_NONE,
    OC_LOG_TRACE,
    OC_LOG_DEBUG,
    OC_LOG_INFO,
    OC_LOG_WARN,
    OC_LOG_ERROR,
} oc_log_level;

static inline oc_text oc_log_level_text(oc_log_level value) {
    static const char *const texts[] = {"", "trace", "debug", "info", "warn", "error"};
    return (unsigned)value < sizeof texts / sizeof *texts ? oc_string(texts[value]) : OC("");
}

static inline oc_log_level oc_log_level_of(oc_text text) {
    for (int value = 1; value <= 5; value++)
        if (oc_equal(oc_log_level_text((oc_log_level)value), text)) return (oc_log_level)value;
    return OC_LOG_LEVEL_NONE;
}

OC_DOOR(log_write_v1);

/* What may be left out; {0} leaves out all. */
typedef struct {
    oc_json fields; /* facts about it */
} oc_log_write_options;

/* Writes a line, with its fields as 'key=value' after the message. A line is cut at 8 KiB. level: how much
 * the line matters. message: what happened. NULL for options leaves out all. Returns: NULL when it went well. */
static inline const oc_error *oc_log_write(oc_log_level level, oc_text message, const oc_log_write_options *options) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_key(&request, OC("level"));
    oc_write_text(&request, oc_log_level_text(level));
    oc_write_key(&request, OC("message"));
    oc_write_text(&request, message);
    if (options) {
        if (options->fields.at) {
            oc_write_key(&request, OC("fields"));
            oc_write_json(&request, options->fields);
        }
    }
    oc_write_end(&request);
    const oc_error *error;
    oc_ask(oc_door_log_write_v1, &request, &error);
    return error;
}
