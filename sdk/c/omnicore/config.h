/* Made from specs/doors by `python -m sdk.generate`; change it there. */
#pragma once

#include "call.h"

OC_DOOR(config_get_v1);

typedef struct {
    const oc_error *error; /* NULL when it went well */
    oc_json value; /* null when it is not set */
} oc_config_get_result;

/* One setting, checked against the '[config]' schema of the manifest, defaults included. key: the setting's
 * name. */
static inline oc_config_get_result oc_config_get(oc_text key) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_key(&request, OC("key"));
    oc_write_text(&request, key);
    oc_write_end(&request);
    oc_config_get_result result = {0};
    oc_json reply = oc_ask(oc_door_config_get_v1, &request, &result.error);
    if (result.error) return result;
    result.value = oc_json_field(reply, OC("value"));
    return result;
}

typedef struct {
    const oc_error *error; /* NULL when it went well */
    oc_json values; /* each setting by its name */
} oc_config_all_result;

/* All settings. */
static inline oc_config_all_result oc_config_all(void) {
    oc_writer request = {0};
    oc_write_object(&request);
    oc_write_end(&request);
    oc_config_all_result result = {0};
    oc_json reply = oc_ask(oc_door_config_get_v1, &request, &result.error);
    if (result.error) return result;
    result.values = oc_json_field(reply, OC("values"));
    return result;
}
