/* Tests of the functions, without a host: cc -I sdk plugin_test.c -o /tmp/plugin_test && /tmp/plugin_test */
#define OMNICORE_FAKE
#include "plugin.c"

#include <assert.h>

int main(void) {
    assert(oc_equal(oc_fake_call(shout, "hello"), OC("HELLO")));

    oc_fake_reply("config_get_v1", "{\"value\": \"Good day\"}");
    oc_text greeting = oc_fake_call(greet, "{\"name\": \"Ada\"}");
    assert(oc_equal(greeting, OC("{\"greeting\":\"Good day, Ada!\"}")));

    oc_fake_call(greet, "{\"name\": \" \"}");
    assert(oc_equal(oc_fake_error(), OC("the name is blank")));
    puts("all is well");
    return 0;
}
