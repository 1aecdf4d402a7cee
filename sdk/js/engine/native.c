/* What the prelude can do that JavaScript alone cannot. Plugins never see this object. */
#include "engine.h"
#include <string.h>

#define NATIVE(name) static JSValue name(JSContext *context, JSValueConst self, int count, JSValueConst *given)
#define MOST_SAFE ((int64_t)1 << 53)

static bool random_bound;

/* Bytes of a string, a buffer or a view. `text` is to be freed with JS_FreeCString. Returns: NULL with an exception. */
static const uint8_t *bytes_of(JSContext *context, JSValueConst value, size_t *length, const char **text) {
    *text = NULL;
    if (JS_IsString(value)) return (const uint8_t *)(*text = JS_ToCStringLen(context, length, value));
    if (JS_IsArrayBuffer(value)) return JS_GetArrayBuffer(context, length, value);
    size_t offset, width, size;
    JSValue buffer = JS_GetTypedArrayBuffer(context, value, &offset, length, &width);
    if (JS_IsException(buffer)) return NULL;
    uint8_t *bytes = JS_GetArrayBuffer(context, &size, buffer);
    JS_FreeValue(context, buffer); /* the view keeps it */
    if (!bytes) return NULL;
    return bytes + offset;
}

static int handle_of(JSContext *context, JSValueConst value, uint64_t *handle) {
    int64_t number;
    int failed = JS_IsBigInt(value) ? JS_ToBigInt64(context, &number, value) : JS_ToInt64(context, &number, value);
    *handle = number;
    return failed;
}

static JSValue number_of(JSContext *context, int64_t number) {
    return number < MOST_SAFE && number > -MOST_SAFE ? JS_NewInt64(context, number) : JS_NewBigInt64(context, number);
}

/* The length of the character at `bytes`, or 0 and in `broken` how many bytes one U+FFFD stands for.
   Source: Encoding standard, UTF-8 decoder. */
static size_t character(const uint8_t *bytes, size_t left, size_t *broken) {
    uint8_t first = bytes[0], low = 0x80, high = 0xBF;
    if (first < 0x80) return 1;
    size_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
    *broken = 1;
    if (first < 0xC2 || first > 0xF4) return 0;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
    for (size_t at = 1; at <= more; at++, low = 0x80, high = 0xBF) {
        if (at >= left || bytes[at] < low || bytes[at] > high) return 0;
        *broken = at + 1;
    }
    return more + 1;
}

/* Bytes as a string, with U+FFFD for what is no UTF-8. */
static JSValue decoded(JSContext *context, const uint8_t *bytes, size_t length) {
    static const char replacement[] = "\xEF\xBF\xBD";
    size_t broken, at = 0, size = 0;
    while (at < length && (size = character(bytes + at, length - at, &broken))) at += size;
    if (at >= length) return JS_NewStringLen(context, (const char *)bytes, length);
    uint8_t *mended = js_malloc(context, at + (length - at) * 3);
    if (!mended) return JS_EXCEPTION;
    memcpy(mended, bytes, at);
    size_t to = at;
    while (at < length) {
        size = character(bytes + at, length - at, &broken);
        memcpy(mended + to, size ? bytes + at : (const uint8_t *)replacement, size ? size : 3);
        to += size ? size : 3;
        at += size ? size : broken;
    }
    JSValue text = JS_NewStringLen(context, (const char *)mended, to);
    js_free(context, mended);
    return text;
}

static JSValue text_from(JSContext *context, size_t length, uint64_t handle, bool input) {
    uint8_t *bytes = js_malloc(context, length + 1);
    if (!bytes) return JS_EXCEPTION;
    input ? input_load(bytes, length) : block_load(handle, bytes, length);
    JSValue text = decoded(context, bytes, length);
    js_free(context, bytes);
    return text;
}

static JSValue buffer_from(JSContext *context, size_t length, uint64_t handle, bool input) {
    uint8_t *bytes = js_malloc(context, length + 1);
    if (!bytes) return JS_EXCEPTION;
    input ? input_load(bytes, length) : block_load(handle, bytes, length);
    JSValue buffer = JS_NewArrayBufferCopy(context, bytes, length);
    js_free(context, bytes);
    return buffer;
}

NATIVE(native_input) { return buffer_from(context, input_length(), 0, true); }
NATIVE(native_input_text) { return text_from(context, input_length(), 0, true); }

NATIVE(native_read) {
    uint64_t handle;
    if (handle_of(context, given[0], &handle)) return JS_EXCEPTION;
    return buffer_from(context, block_length(handle), handle, false);
}

NATIVE(native_read_text) {
    uint64_t handle;
    if (handle_of(context, given[0], &handle)) return JS_EXCEPTION;
    return text_from(context, block_length(handle), handle, false);
}

NATIVE(native_length) {
    uint64_t handle;
    if (handle_of(context, given[0], &handle)) return JS_EXCEPTION;
    return JS_NewInt64(context, block_length(handle));
}

NATIVE(native_free) {
    uint64_t handle;
    if (handle_of(context, given[0], &handle)) return JS_EXCEPTION;
    block_free(handle);
    return JS_UNDEFINED;
}

static int written(JSContext *context, JSValueConst value, uint64_t *handle, size_t *length) {
    const char *text;
    const uint8_t *bytes = bytes_of(context, value, length, &text);
    if (!bytes && *length) return -1;
    if (!bytes && JS_HasException(context)) return -1;
    *handle = block_new(bytes, *length);
    if (text) JS_FreeCString(context, text);
    if (*handle != UINT64_MAX) return 0;
    JS_ThrowRangeError(context, "the host has no room for %zu bytes", *length);
    return -1;
}

NATIVE(native_write) {
    uint64_t handle;
    size_t length = 0;
    if (written(context, given[0], &handle, &length)) return JS_EXCEPTION;
    return number_of(context, handle);
}

NATIVE(native_output) {
    uint64_t handle;
    size_t length = 0;
    if (written(context, given[0], &handle, &length)) return JS_EXCEPTION;
    output_set(handle, length);
    return JS_UNDEFINED;
}

static int argument(JSContext *context, char kind, JSValueConst value, int64_t *into) {
    double number;
    *into = 0;
    if (kind == 'I' || kind == 'i') return handle_of(context, value, (uint64_t *)into);
    if (JS_ToFloat64(context, &number, value)) return -1;
    float narrow = (float)number;
    if (kind == 'f') {
        memcpy(into, &narrow, 4);
    } else {
        memcpy(into, &number, 8);
    }
    return 0;
}

static JSValue result_of(JSContext *context, char kind, const int64_t *frame) {
    float narrow;
    double wide;
    switch (kind) {
    case 'i': return JS_NewInt32(context, (int32_t)frame[0]);
    case 'I': return number_of(context, frame[0]);
    case 'f': memcpy(&narrow, frame, 4); return JS_NewFloat64(context, narrow);
    case 'F': memcpy(&wide, frame, 8); return JS_NewFloat64(context, wide);
    default: return JS_UNDEFINED;
    }
}

/* host(slot, "params:result", ...arguments): i and I are whole numbers of 32 and 64 bits, f and F the others. */
NATIVE(native_host) {
    int32_t slot;
    int64_t frame[16] = {0};
    if (JS_ToInt32(context, &slot, given[0])) return JS_EXCEPTION;
    const char *kinds = JS_ToCString(context, given[1]);
    if (!kinds) return JS_EXCEPTION;
    const char *colon = strchr(kinds, ':');
    int wanted = colon ? (int)(colon - kinds) : 0, failed = wanted > 16;
    for (int at = 0; at < wanted && !failed; at++) {
        failed = argument(context, kinds[at], at + 2 < count ? given[at + 2] : JS_UNDEFINED, &frame[at]);
    }
    char result = colon ? colon[1] : 0;
    JS_FreeCString(context, kinds);
    if (failed) return JS_HasException(context) ? JS_EXCEPTION : JS_ThrowTypeError(context, "too many parameters");
    omnicore_slot(slot, frame);
    return result_of(context, result, frame);
}

NATIVE(native_encode) {
    size_t length;
    const char *text = JS_ToCStringLen(context, &length, given[0]);
    if (!text) return JS_EXCEPTION;
    JSValue bytes = JS_NewUint8ArrayCopy(context, (const uint8_t *)text, length);
    JS_FreeCString(context, text);
    return bytes;
}

NATIVE(native_decode) {
    size_t length;
    const char *text;
    const uint8_t *bytes = bytes_of(context, given[0], &length, &text);
    if (!bytes && JS_HasException(context)) return JS_EXCEPTION;
    JSValue made = decoded(context, bytes, bytes ? length : 0);
    if (text) JS_FreeCString(context, text);
    return made;
}

/* digest(bits, bytes): undefined where there is no such digest. */
NATIVE(native_digest) {
    int32_t bits;
    size_t length = 0;
    const char *text;
    uint8_t made[64];
    if (JS_ToInt32(context, &bits, given[0])) return JS_EXCEPTION;
    const uint8_t *bytes = bytes_of(context, given[1], &length, &text);
    if (!bytes && JS_HasException(context)) return JS_EXCEPTION;
    size_t size = digest(bits, bytes, bytes ? length : 0, made);
    if (text) JS_FreeCString(context, text);
    return size ? JS_NewArrayBufferCopy(context, made, size) : JS_UNDEFINED;
}

/* Numbers of xoshiro256** (Blackman and Vigna), begun anew from the host's bytes in every instance. */
static uint64_t state[4];
static bool seeded;

static uint64_t rotated(uint64_t value, int by) { return (value << by) | (value >> (64 - by)); }

static bool seed(JSContext *context) {
    static const uint64_t fixed[4] = {0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0x2545F4914F6CDD1D};
    seeded = true;
    memcpy(state, fixed, sizeof state);
    if (engine_building) return true;
    seeded = random_bound;
    if (!random_bound) {
        JS_ThrowReferenceError(context, "this plugin was built without random numbers: its source has to mention "
                                        "random or crypto by name");
        return false;
    }
    int64_t frame[1] = {sizeof state};
    omnicore_slot(SLOT_RANDOM, frame);
    block_load(frame[0], state, sizeof state);
    block_free(frame[0]);
    return true;
}

NATIVE(native_random) {
    if (!seeded && !seed(context)) return JS_EXCEPTION;
    uint64_t drawn = rotated(state[1] * 5, 7) * 9, shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotated(state[3], 45);
    return JS_NewFloat64(context, (double)(drawn >> 11) * 0x1p-53);
}

NATIVE(native_building) { return JS_NewBool(context, engine_building); }

/* live(clock, random): what the plugin has of both; what was drawn while it was built is forgotten. */
NATIVE(native_live) {
    engine_clock_bound = JS_ToBool(context, given[0]);
    random_bound = JS_ToBool(context, given[1]);
    seeded = false;
    memset(state, 0, sizeof state);
    return JS_UNDEFINED;
}

typedef JSValue Compile(JSContext *, const char *, const char *, size_t);

static JSValue compiled(JSContext *context, JSValueConst *given, Compile *compile) {
    size_t length;
    const char *name = JS_ToCString(context, given[0]);
    const char *source = name ? JS_ToCStringLen(context, &length, given[1]) : NULL;
    JSValue made = source ? compile(context, name, source, length) : JS_EXCEPTION;
    if (source) JS_FreeCString(context, source);
    if (name) JS_FreeCString(context, name);
    return made;
}

NATIVE(native_run) { return compiled(context, given, modules_run); }
NATIVE(native_function) { return compiled(context, given, modules_function); }
NATIVE(native_own) { return compiled(context, given, modules_own); }

static const JSCFunctionListEntry functions[] = {
    JS_CFUNC_DEF("input", 0, native_input),
    JS_CFUNC_DEF("inputText", 0, native_input_text),
    JS_CFUNC_DEF("output", 1, native_output),
    JS_CFUNC_DEF("write", 1, native_write),
    JS_CFUNC_DEF("read", 1, native_read),
    JS_CFUNC_DEF("readText", 1, native_read_text),
    JS_CFUNC_DEF("length", 1, native_length),
    JS_CFUNC_DEF("free", 1, native_free),
    JS_CFUNC_DEF("host", 2, native_host),
    JS_CFUNC_DEF("encode", 1, native_encode),
    JS_CFUNC_DEF("decode", 1, native_decode),
    JS_CFUNC_DEF("digest", 2, native_digest),
    JS_CFUNC_DEF("random", 0, native_random),
    JS_CFUNC_DEF("building", 0, native_building),
    JS_CFUNC_DEF("live", 2, native_live),
    JS_CFUNC_DEF("run", 2, native_run),
    JS_CFUNC_DEF("function", 2, native_function),
    JS_CFUNC_DEF("own", 2, native_own),
};

JSValue native_object(JSContext *context) {
    JSValue native = JS_NewObject(context);
    JS_SetPropertyFunctionList(context, native, functions, sizeof functions / sizeof functions[0]);
    return native;
}
