/* Made from specs/doors by `python -m sdk.generate`; change it there. */
#pragma once

#include "call.h"

/* Where a task stands. The first one stands for none. */
typedef enum {
    OC_TASKS_STATE_NONE,
    OC_TASKS_WAITING,
    OC_TASKS_RUNNING,
    OC_TASKS_DONE,
    OC_TASKS_FAILED,
    OC_TASKS_CANCELLED,
} oc_tasks_state;

static inline oc_text oc_tasks_state_text(oc_tasks_state value) {
    static const char *const texts[] = {"", "waiting", "running", "done", "failed", "cancelled"};
    return (unsigned)value < sizeof texts / sizeof *texts ? oc_string(texts[value]) : OC("");
}

static inline oc_tasks_state oc_tasks_state_of(oc_text text) {
    for (int value = 1; value <= 5; value++)
        if (oc_equal(oc_tasks_state_text((oc_tasks_state)value), text)) return (oc_tasks_state)value;
    return OC_TASKS_STATE_NONE;
}

/* A task as it stands. */
typedef struct {
    oc_text id; /* given by the host */
    oc_text function; /* what it calls */
    oc_tasks_state state; /* where it stands */
    int64_t attempts; /* how often it was begun */
    oc_json output; /* what the function returned, once done */
    oc_text error; /* why it failed last */
} oc_tasks_task;

typedef struct {
    const oc_tasks_task *at;
    size_t size;
} oc_tasks_task_list;

OC_ONCE oc_tasks_task oc_tasks_task_read(oc_json from) {
    oc_tasks_task to;
    to.id = oc_json_text(oc_json_field(from, OC("id")));
    to.function = oc_json_text(oc_json_field(from, OC("function")));
    to.state = oc_tasks_state_of(oc_json_text(oc_json_field(from, OC("state"))));
    to.attempts = oc_json_integer(oc_json_field(from, OC("attempts")));
    to.output = oc_json_field(from, OC("output"));
    to.error = oc_json_text(oc_json_field(from, OC("error")));
    return to;
}

static inline oc_tasks_task_list oc_tasks_task_list_read(oc_json array) {
    oc_tasks_task *to = (oc_tasks_task *)oc_alloc(oc_json_count(array) * sizeof *to);
    size_t used = 0;
    for (oc_each it = oc_json_each(array); oc_next(&it);) to[used++] = oc_tasks_task_read(it.value);
    return (oc_tasks_task_list){to, used};
}

/* Some of the plugin's tasks. */
typedef struct {
    oc_tasks_task_list tasks; /* newest first */
    oc_text cursor; /* for the next page; null after the last */
} oc_tasks_tasks_page;

OC_ONCE oc_tasks_tasks_page oc_tasks_tasks_page_read(oc_json from) {
    oc_tasks_tasks_page to;
    to.tasks = oc_tasks_task_list_read(oc_json_field(from, OC("tasks")));
    to.cursor = oc_json_text(oc_json_field(from, OC("cursor")));
    return to;
}

OC_DOOR(tasks_submit_v1);

OC_DOOR(tasks_get_v1);

OC_DOOR(tasks_list_v1);

OC_DOOR(tasks_cancel_v1);

/* What may be left out; {0} leaves out all. */
typedef struct {
    oc_json input; /* what the function is called with, at most 64 KiB */
    oc_text queue; /* 'default' when left out */
    oc_maybe_number delay_s; /* seconds before it may begin */
    oc_maybe_integer priority; /* 0 to 9, higher ones first; 5 when left out */
    oc_maybe_integer attempts; /* 1 to 20; 3 when left out */
    oc_maybe_number timeout_s; /* for each attempt */
    oc_text key; /* a second task with this key is the first one */
} oc_tasks_submit_options;

typedef struct {
    const oc_error *error; /* NULL when it went well */
    oc_text id; /* of the task */
} oc_tasks_submit_result;

/* Stores a task and returns its id; the host runs it, also after a restart. function: 'plugin.function'. NULL
 * for options leaves out all. */
static inline oc_tasks_submit_result oc_tasks_submit(oc_text function, const oc_tasks_submit_options *options) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_key(&request, OC("function"));
    oc_write_text(&request, function);
    if (options) {
        if (options->input.at) {
            oc_write_key(&request, OC("input"));
            oc_write_json(&request, options->input);
        }
        if (options->queue.at) {
            oc_write_key(&request, OC("queue"));
            oc_write_text(&request, options->queue);
        }
        if (options->delay_s.given) {
            oc_write_key(&request, OC("delay_s"));
            oc_write_number(&request, options->delay_s.value);
        }
        if (options->priority.given) {
            oc_write_key(&request, OC("priority"));
            oc_write_integer(&request, options->priority.value);
        }
        if (options->attempts.given) {
            oc_write_key(&request, OC("attempts"));
            oc_write_integer(&request, options->attempts.value);
        }
        if (options->timeout_s.given) {
            oc_write_key(&request, OC("timeout_s"));
            oc_write_number(&request, options->timeout_s.value);
        }
        if (options->key.at) {
            oc_write_key(&request, OC("key"));
            oc_write_text(&request, options->key);
        }
    }
    oc_write_end(&request);
    oc_tasks_submit_result result = {0};
    oc_json reply = oc_ask(oc_door_tasks_submit_v1, &request, &result.error);
    if (result.error) return result;
    result.id = oc_json_text(oc_json_field(reply, OC("id")));
    return result;
}

typedef struct {
    const oc_error *error; /* NULL when it went well */
    bool found; /* false where there is nothing */
    oc_tasks_task task; /* null for a task of somebody else, too */
} oc_tasks_get_result;

/* A task of this plugin, or nothing. id: what submit returned. */
static inline oc_tasks_get_result oc_tasks_get(oc_text id) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_key(&request, OC("id"));
    oc_write_text(&request, id);
    oc_write_end(&request);
    oc_tasks_get_result result = {0};
    oc_json reply = oc_ask(oc_door_tasks_get_v1, &request, &result.error);
    if (result.error) return result;
    result.found = !oc_json_is_null(oc_json_field(reply, OC("task")));
    result.task = oc_tasks_task_read(oc_json_field(reply, OC("task")));
    return result;
}

/* What may be left out; {0} leaves out all. */
typedef struct {
    oc_tasks_state state; /* only those */
    oc_maybe_integer limit; /* 1 to 1000; 100 when left out */
    oc_text cursor; /* of the page before */
} oc_tasks_list_options;

typedef struct {
    const oc_error *error; /* NULL when it went well */
    oc_tasks_tasks_page tasks_page;
} oc_tasks_list_result;

/* The plugin's own tasks, newest first. NULL for options leaves out all. */
static inline oc_tasks_list_result oc_tasks_list(const oc_tasks_list_options *options) {
    oc_writer request = {0};
    oc_write_object(&request);
    if (options) {
        if (options->state) {
            oc_write_key(&request, OC("state"));
            oc_write_text(&request, oc_tasks_state_text(options->state));
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
    oc_tasks_list_result result = {0};
    oc_json reply = oc_ask(oc_door_tasks_list_v1, &request, &result.error);
    if (result.error) return result;
    result.tasks_page = oc_tasks_tasks_page_read(reply);
    return result;
}

typedef struct {
    const oc_error *error; /* NULL when it went well */
    bool cancelled; /* false when it was over */
} oc_tasks_cancel_result;

/* Cancels a task that waits or runs; returns whether it did. id: what submit returned. */
static inline oc_tasks_cancel_result oc_tasks_cancel(oc_text id) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_key(&request, OC("id"));
    oc_write_text(&request, id);
    oc_write_end(&request);
    oc_tasks_cancel_result result = {0};
    oc_json reply = oc_ask(oc_door_tasks_cancel_v1, &request, &result.error);
    if (result.error) return result;
    result.cancelled = oc_json_boolean(oc_json_field(reply, OC("cancelled")));
    return result;
}
