/* QuickJS-NG as a plugin of its own. The builder runs `omnicore_begin` with the prelude and the plugin, then
   `omnicore_finish`, and keeps the memory; what is left to run is `omnicore_call`. */
#include "engine.h"
#include <string.h>

/* A frame of JavaScript takes up to three times as much of the machine's stack, of which a guest has 512 KiB. */
#define STACK_BYTES (96 * 1024)

JSContext *engine_context;
bool engine_building = true;
bool engine_clock_bound;

static JSRuntime *runtime;
static JSValue prelude = JS_UNDEFINED; /* {build, bind, start, conclude, tick, explain, reset} */

static JSValue call(const char *name, int count, JSValueConst *arguments) {
    JSValue function = JS_GetPropertyStr(engine_context, prelude, name);
    JSValue result = JS_Call(engine_context, function, prelude, count, arguments);
    JS_FreeValue(engine_context, function);
    return result;
}

/* Makes the pending exception the call's error. */
static void fail(void) {
    JSValue error = JS_GetException(engine_context);
    JSValue text = JS_IsUndefined(prelude) ? JS_DupValue(engine_context, error) : call("explain", 1, &error);
    if (JS_IsException(text)) {
        JS_FreeValue(engine_context, JS_GetException(engine_context));
        text = JS_DupValue(engine_context, error);
    }
    size_t length;
    const char *bytes = JS_ToCStringLen(engine_context, &length, text);
    if (bytes) {
        error_set(bytes, length);
        JS_FreeCString(engine_context, bytes);
    } else {
        static const char lost[] = "the plugin failed, and nothing can be said about why";
        error_set(lost, sizeof lost - 1);
    }
    JS_FreeValue(engine_context, text);
    JS_FreeValue(engine_context, error);
}

static int run_jobs(void) {
    JSContext *context;
    int done;
    while ((done = JS_ExecutePendingJob(runtime, &context)) > 0) {
    }
    return done;
}

/* Waits for a promise: jobs first, then the timers in their order. Anything else is its own result. */
static JSValue settled(JSValue value) {
    for (;;) {
        if (run_jobs() < 0) break;
        JSPromiseStateEnum state = JS_PromiseState(engine_context, value);
        if (state == JS_PROMISE_NOT_A_PROMISE) return value;
        if (state != JS_PROMISE_PENDING) {
            JSValue result = JS_PromiseResult(engine_context, value);
            JS_FreeValue(engine_context, value);
            return state == JS_PROMISE_REJECTED ? JS_Throw(engine_context, result) : result;
        }
        JSValue ticked = call("tick", 0, NULL);
        if (JS_IsException(ticked)) break;
        bool more = JS_ToBool(engine_context, ticked);
        JS_FreeValue(engine_context, ticked);
        if (!more) {
            JS_ThrowTypeError(engine_context, "the function waits for a promise that nothing settles");
            break;
        }
    }
    JS_FreeValue(engine_context, value);
    return JS_EXCEPTION;
}

/* The input as text that ends with 0. */
static char *input_text(size_t *length) {
    *length = input_length();
    char *text = js_malloc(engine_context, *length + 1);
    if (!text) return NULL;
    input_load(text, *length);
    text[*length] = 0;
    return text;
}

static int32_t output_text(JSValue value) {
    size_t length;
    const char *text = JS_ToCStringLen(engine_context, &length, value);
    if (!text) return -1;
    uint64_t handle = block_new(text, length);
    JS_FreeCString(engine_context, text);
    if (handle == UINT64_MAX) return -1;
    output_set(handle, length);
    return 0;
}

static int32_t answer(const char *name) {
    size_t length;
    char *input = input_text(&length);
    JSValue given = input ? JS_ParseJSON(engine_context, input, length, "<build>") : JS_EXCEPTION;
    js_free(engine_context, input);
    JSValue result = JS_IsException(given) ? given : settled(call(name, 1, &given));
    JS_FreeValue(engine_context, given);
    int32_t code = JS_IsException(result) ? -1 : output_text(result);
    JS_FreeValue(engine_context, result);
    if (code) fail();
    return code;
}

/* Input: the prelude, an expression whose value is a function of the native object. */
EXPORT(omnicore_prelude) int32_t omnicore_prelude(void) {
    runtime = JS_NewRuntime2(&heap_functions, NULL);
    JS_SetMaxStackSize(runtime, STACK_BYTES);
    engine_context = JS_NewContext(runtime);
    JS_AddIntrinsicDOMException(engine_context);
    JS_AddPerformance(engine_context);
    modules_start(runtime);
    size_t length;
    char *source = input_text(&length);
    JSValue make = source ? modules_own(engine_context, "<prelude>", source, length) : JS_EXCEPTION;
    js_free(engine_context, source);
    JSValue native = native_object(engine_context);
    JSValue made = JS_IsException(make) ? make : JS_Call(engine_context, make, JS_UNDEFINED, 1, &native);
    JS_FreeValue(engine_context, native);
    JS_FreeValue(engine_context, make);
    if (JS_IsException(made)) {
        fail();
        return -1;
    }
    prelude = made;
    return 0;
}

/* Input: JSON for the prelude's `build`. Output: what it says of the plugin. */
EXPORT(omnicore_begin) int32_t omnicore_begin(void) {
    JS_UpdateStackTop(runtime);
    return answer("build");
}

/* Input: JSON for the prelude's `bind`. Hands the memory to the builder. */
EXPORT(omnicore_finish) int32_t omnicore_finish(void) {
    extern char __stack_high;
    JS_UpdateStackTop(runtime);
    if (answer("bind")) return -1;
    JS_RunGC(runtime);
    engine_building = false;
    int64_t frame[2] = {(int64_t)__builtin_wasm_memory_size(0) << 16, (int64_t)(intptr_t)&__stack_high};
    omnicore_slot(SLOT_DUMP, frame);
    return 0;
}

/* Runs a function of the plugin; the builder exports one function for each, which calls this with its number. */
EXPORT(omnicore_call) int32_t omnicore_call(int32_t index) {
    JS_UpdateStackTop(runtime);
    JSValue number = JS_NewInt32(engine_context, index);
    JSValue result = settled(call("start", 1, &number));
    int32_t code = -1;
    if (!JS_IsException(result)) {
        JSValueConst arguments[2] = {number, result};
        JSValue concluded = call("conclude", 2, arguments);
        JS_FreeValue(engine_context, result);
        if (JS_IsException(concluded) || JS_ToInt32(engine_context, &code, concluded)) {
            fail();
            code = -1;
        }
        JS_FreeValue(engine_context, concluded);
    } else {
        fail();
    }
    jobs_drop(runtime); /* what a failed call left; the next one begins clean */
    JSValue reset = call("reset", 0, NULL);
    if (JS_IsException(reset)) JS_FreeValue(engine_context, JS_GetException(engine_context));
    JS_FreeValue(engine_context, reset);
    return code;
}
