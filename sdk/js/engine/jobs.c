/* QuickJS-NG itself, with the one thing that its interface lacks: queued jobs that never run. */
#include "quickjs.c"

#include "engine.h"

/* What a failed call leaves in the queue is no part of the next one. */
void jobs_drop(JSRuntime *runtime) {
    struct list_head *entry, *following;
    list_for_each_safe(entry, following, &runtime->job_list) {
        JSJobEntry *job = list_entry(entry, JSJobEntry, link);
        list_del(&job->link);
        for (int i = 0; i < job->argc; i++) JS_FreeValue(job->ctx, job->argv[i]);
        js_free(job->ctx, job);
    }
}
