/* Modules are read through the host while a plugin is built; afterwards there is nobody to ask. */
#include "engine.h"
#include <stdlib.h>
#include <string.h>

/* Asks the builder with a name and returns what it said, with its length, or NULL with an exception. */
static char *ask(JSContext *context, const char *question, const char *from, const char *name, size_t *length) {
    if (!engine_building) {
        JS_ThrowReferenceError(context, "%s: modules are loaded while a plugin is built, not when it runs", name);
        return NULL;
    }
    size_t size = strlen(question) + strlen(from) + strlen(name) + 3;
    char *text = js_malloc(context, size);
    if (!text) return NULL;
    strcpy(text, question);
    strcpy(text + strlen(question) + 1, from);
    strcpy(text + strlen(question) + strlen(from) + 2, name);
    int64_t frame[1] = {block_new(text, size - 1)};
    js_free(context, text);
    omnicore_slot(SLOT_READ, frame);
    uint64_t reply = frame[0];
    *length = block_length(reply);
    char *said = js_malloc(context, *length + 1);
    if (!said) return NULL;
    block_load(reply, said, *length);
    said[*length] = 0;
    block_free(reply);
    if (*length && said[0] == '!') { /* "!" begins a refusal, "=" an answer */
        JS_ThrowReferenceError(context, "%s", said + 1);
        js_free(context, said);
        return NULL;
    }
    memmove(said, said + 1, *length);
    *length -= 1;
    return said;
}

static char *normalize(JSContext *context, const char *from, const char *name, void *opaque) {
    size_t length;
    return ask(context, "find", from, name, &length);
}

static JSModuleDef *load(JSContext *context, const char *name, void *opaque) {
    size_t length;
    char *source = ask(context, "module", "", name, &length);
    if (!source) return NULL;
    JSValue module = JS_Eval(context, source, length, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
    js_free(context, source);
    if (JS_IsException(module)) return NULL;
    JSModuleDef *definition = JS_VALUE_GET_PTR(module);
    JSValue meta = JS_GetImportMeta(context, definition);
    JS_DefinePropertyValueStr(context, meta, "url", JS_NewString(context, name), JS_PROP_C_W_E);
    JS_FreeValue(context, meta);
    JS_FreeValue(context, module);
    return definition;
}

void modules_start(JSRuntime *runtime) { JS_SetModuleLoaderFunc(runtime, normalize, load, NULL); }

/* Runs an ES module. Returns: [namespace, promise of its evaluation]. */
JSValue modules_run(JSContext *context, const char *name, const char *source, size_t length) {
    JSValue module = JS_Eval(context, source, length, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
    if (JS_IsException(module)) return module;
    JSModuleDef *definition = JS_VALUE_GET_PTR(module);
    JSValue done = JS_EvalFunction(context, module);
    if (JS_IsException(done)) return done;
    JSValue both = JS_NewArray(context);
    JS_SetPropertyUint32(context, both, 0, JS_GetModuleNamespace(context, definition));
    JS_SetPropertyUint32(context, both, 1, done);
    return both;
}

/* Runs a script of the kit without its text, which nobody will ask for: it would be half of a small plugin. */
JSValue modules_own(JSContext *context, const char *name, const char *source, size_t length) {
    JSValue code = JS_Eval(context, source, length, name, JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY);
    if (JS_IsException(code)) return code;
    size_t size;
    uint8_t *bytes = JS_WriteObject(context, &size, code, JS_WRITE_OBJ_BYTECODE | JS_WRITE_OBJ_STRIP_SOURCE);
    JS_FreeValue(context, code);
    if (!bytes) return JS_EXCEPTION;
    code = JS_ReadObject(context, bytes, size, JS_READ_OBJ_BYTECODE);
    js_free(context, bytes);
    return JS_IsException(code) ? code : JS_EvalFunction(context, code);
}

static const char HEAD[] = "(function (exports, require, module, __filename, __dirname) {\n\n";
static const char TAIL[] = "\n})";

/* The function that a CommonJS file is. Its head takes lines -1 and 0 (0 alone would stand for the default). */
JSValue modules_function(JSContext *context, const char *name, const char *source, size_t length) {
    size_t size = sizeof HEAD - 1 + length + sizeof TAIL - 1;
    char *text = js_malloc(context, size + 1);
    if (!text) return JS_EXCEPTION;
    memcpy(text, HEAD, sizeof HEAD - 1);
    memcpy(text + sizeof HEAD - 1, source, length);
    memcpy(text + sizeof HEAD - 1 + length, TAIL, sizeof TAIL);
    JSEvalOptions options = {
        .version = JS_EVAL_OPTIONS_VERSION, .eval_flags = JS_EVAL_TYPE_GLOBAL, .filename = name, .line_num = -1};
    JSValue made = JS_EvalThis2(context, JS_UNDEFINED, text, size, &options);
    js_free(context, text);
    return made;
}
