/* @name@ greets people. */
#include "omnicore.h"

OMNICORE_FUNCTION(shout, "A text in upper case; letters beyond A to Z stay.", OC_TEXT, OC_TEXT) {
    oc_text text = oc_input_text();
    char *loud = (char *)oc_alloc(text.size);
    for (size_t i = 0; i < text.size; i++) {
        char c = text.at[i];
        loud[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return oc_output_text((oc_text){loud, text.size});
}

OMNICORE_FUNCTION(greet, "Greets somebody with the word from the setting `greeting`.",
                  OC_SCHEMA({
                      "type": "object",
                      "required": ["name"],
                      "additionalProperties": false,
                      "properties": {"name": {"type": "string", "minLength": 1, "description": "who is greeted"}}
                  }),
                  OC_SCHEMA({
                      "type": "object",
                      "required": ["greeting"],
                      "properties": {"greeting": {"type": "string"}}
                  })) {
    oc_text name = oc_json_text(oc_json_field(oc_input_json(), OC("name")));
    if (oc_equal(name, OC(" "))) return oc_fail(OC("the name is blank"));

    oc_config_get_result setting = oc_config_get(OC("greeting"));
    if (setting.error) return oc_fail_with(setting.error);
    oc_text word = oc_json_text(setting.value);
    if (!word.size) word = OC("Hello");

    oc_writer json = {0};
    oc_write_object(&json);
    oc_write_key(&json, OC("greeting"));
    oc_write_text(&json, oc_join(word, OC(", "), name, OC("!")));
    oc_write_end(&json);
    return oc_output_json(oc_written(&json));
}
