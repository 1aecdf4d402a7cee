/* Functions that the host knows by their description and schemas:
 *
 *   OMNICORE_FUNCTION(greet, "Greets a person.",
 *                     OC_SCHEMA({"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}),
 *                     OC_TEXT) {
 *       oc_text name = oc_json_text(oc_json_field(oc_input_json(), OC("name")));
 *       return oc_output_text(oc_join(OC("Hello, "), name, OC("!")));
 *   }
 */
#pragma once

#include "call.h"

/* Takes or gives plain text, or bytes of any kind; or JSON by a schema, written as JSON. */
#define OC_TEXT "text"
#define OC_BYTES ""
#define OC_SCHEMA(...) #__VA_ARGS__

/* What the host is told of a function. All of them lie one after the other in a section of their own. */
typedef struct {
    const char *name, *description, *input, *output;
} oc_function;

/* Defines and exports a function; its body follows. It returns what `oc_output...` or `oc_fail` return: 0, or 1. */
#define OMNICORE_FUNCTION(name, description, input, output)                                             \
    static int32_t oc_body_##name(void);                                                                \
    __attribute__((used, retain, section("oc_functions"))) static const oc_function oc_function_##name = { \
        #name, description, input, output};                                                             \
    OC_EXPORT(#name) int32_t oc_export_##name(void) {                                                   \
        oc_free_all();                                                                                  \
        return oc_body_##name();                                                                        \
    }                                                                                                   \
    static int32_t oc_body_##name(void)

extern __attribute__((weak)) const oc_function __start_oc_functions[], __stop_oc_functions[];

static inline void oc_describe_side(oc_writer *to, oc_text schema_key, oc_text media_key, const char *side) {
    oc_text schema = oc_string(side);
    if (!schema.size) return;
    bool plain = oc_equal(schema, OC(OC_TEXT));
    oc_write_key(to, schema_key);
    oc_write_json(to, plain ? OC_JSON({"type":"string"}) : (oc_json){schema.at, schema.size});
    oc_write_key(to, media_key);
    oc_write_text(to, plain ? OC("text/plain") : OC("application/json"));
}

/* Tells what the functions take and give, in the shape of a manifest. */
OC_EXPORT("__omnicore_describe") OC_SHARED int32_t oc_describe(void) {
    oc_writer json = {0};
    oc_free_all();
    oc_write_object(&json);
    oc_write_key(&json, OC("functions"));
    oc_write_object(&json);
    for (const oc_function *one = __start_oc_functions; one < __stop_oc_functions; one++) {
        oc_write_key(&json, oc_string(one->name));
        oc_write_object(&json);
        oc_write_key(&json, OC("description"));
        oc_write_text(&json, oc_string(one->description));
        oc_describe_side(&json, OC("input"), OC("input_media"), one->input);
        oc_describe_side(&json, OC("output"), OC("output_media"), one->output);
        oc_write_end(&json);
    }
    oc_write_end(&json);
    oc_write_end(&json);
    return oc_output_json(oc_written(&json));
}
