/* Tests of the kit on the machine itself: cc -I .. kit_test.c -o kit_test && ./kit_test */
#define OMNICORE_FAKE
#include "omnicore.h"

#include <assert.h>
#include <math.h>

static bool reads(const char *json) { return oc_json_parse(oc_string(json)).at != NULL; }

static void only_json_is_read(void) {
    const char *good[] = {"0",  "-0.5e+10", "\"\"", " [1, {\"a\": null}, true, false] ", "\"\\u00e9\\n\\\"\"",
                          "[]", "{}",       "1e5"};
    const char *bad[] = {"", " ", "01", "1.", ".5", "-", "+1", "1e", "nul", "truest", "\"a", "\"\\x\"", "\"\\u12g4\"",
                         "\"\n\"", "[1,]", "[1 2]", "{\"a\"}", "{\"a\":1,}", "{a:1}", "{1:2}", "[", "]", "{\"a\":1}}",
                         "'a'", "NaN", "\f1", "1\v"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert(reads(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert(!reads(bad[i]));
}

static void nesting_ends_at_64(void) {
    char text[131] = {0};
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    assert(reads(text));
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    assert(!reads(text));
}

static void values_are_found(void) {
    oc_text text = OC("{\"a\\u0062\": [1, \"x\\ud83d\\ude00\\/\", {\"k\": -2.5}], \"n\": null, \"\": true}");
    oc_json all = oc_json_parse(text);
    oc_json list = oc_json_field(all, OC("ab"));
    assert(oc_json_count(list) == 3 && oc_json_count(all) == 3);
    assert(oc_json_integer(oc_json_item(list, 0)) == 1);
    assert(oc_equal(oc_json_text(oc_json_item(list, 1)), OC("x\xF0\x9F\x98\x80/")));
    assert(oc_json_number(oc_json_field(oc_json_item(list, 2), OC("k"))) == -2.5);
    assert(oc_json_is_null(oc_json_field(all, OC("n"))) && oc_json_is_null(oc_json_field(all, OC("none"))));
    assert(oc_json_kind(oc_json_field(all, OC("n"))) == OC_NULL && oc_json_kind(oc_json_item(list, 3)) == OC_MISSING);
    assert(oc_json_boolean(oc_json_field(all, OC(""))));
    assert(!oc_json_text(oc_json_item(list, 0)).at && oc_json_integer(all) == 0);
}

static void half_a_pair_is_no_character(void) {
    assert(oc_equal(oc_json_text(OC_JSON("\ud83d\ude00")), OC("\xF0\x9F\x98\x80")));
    assert(oc_equal(oc_json_text(OC_JSON("\ud800x")), OC("\xEF\xBF\xBDx")));
    assert(oc_equal(oc_json_text(OC_JSON("\udc00\ud800\u0041")), OC("\xEF\xBF\xBD\xEF\xBF\xBD" "A")));
}

static void numbers_come_back(void) {
    double all[] = {0,        1,    -1,    0.1,    -2.5, 1e21, 123456.789, 1e-7, 2.2250738585072014e-308,
                    9007199254740992,
                    0.000001, 1e15, 1e300, 5e-324, 1.7976931348623157e308, 3.141592653589793};
    char text[33] = {0};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        size_t size = oc_number_text(all[i], text);
        text[size] = 0;
        assert(size <= 32 && strtod(text, NULL) == all[i] && oc_read_number((oc_text){text, size}) == all[i]);
        assert(reads(text));
    }
    assert(oc_equal((oc_text){text, oc_number_text(0.1, text)}, OC("0.1")));
    assert(oc_equal((oc_text){text, oc_number_text((double)NAN, text)}, OC("null")));
    assert(oc_read_number(OC("1e999")) == (double)INFINITY && oc_read_number(OC("1e-999")) == 0);
    assert(oc_read_integer(OC("9223372036854775807")) == INT64_MAX && oc_read_integer(OC("1e30")) == INT64_MAX);
    assert(oc_read_integer(OC("-9223372036854775808")) == INT64_MIN && oc_read_integer(OC("-12.9")) == -12);
    assert(oc_equal((oc_text){text, oc_integer_text(INT64_MIN, text)}, OC("-9223372036854775808")));
}

static void json_is_written(void) {
    oc_writer json = {0};
    oc_write_object(&json);
    oc_write_key(&json, OC("a\"\n"));
    oc_write_array(&json);
    oc_write_end(&json);
    oc_write_key(&json, OC("b"));
    oc_write_array(&json);
    oc_write_integer(&json, -7);
    oc_write_null(&json);
    oc_write_boolean(&json, true);
    oc_write_json(&json, OC_JSON({"c": 1}));
    oc_write_json(&json, (oc_json){NULL, 0});
    oc_write_text(&json, OC("\\"));
    oc_write_end(&json);
    oc_write_end(&json);
    oc_json made = oc_written(&json);
    assert(oc_equal((oc_text){made.at, made.size},
                    OC("{\"a\\\"\\u000a\":[],\"b\":[-7,null,true,{\"c\": 1},null,\"\\\\\"]}")));
}

static void bytes_travel_as_text_or_base64(void) {
    const char *cases[] = {"", "a", "\xFF", "\xFF\xFE", "\xFF\xFE\xFD", "\xC3\xA9", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                           "\xC0\x80"};
    const bool text[] = {true, true, false, false, false, true, false, false, false};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        oc_writer json = {0};
        oc_write_bytes(&json, oc_as_bytes(oc_string(cases[i])));
        assert((oc_json_kind(oc_written(&json)) == OC_STRING) == text[i]);
        assert(oc_equal(oc_as_text(oc_json_bytes(oc_written(&json))), oc_string(cases[i])));
    }
}

static void memory_is_taken_back(void) {
    oc_free_all();
    char *first = (char *)oc_alloc(10);
    memset(first, 1, 10);
    assert(((uintptr_t)oc_alloc(100000) & 15) == 0);
    oc_alloc(100);
    oc_free_all();
    assert(oc_alloc(10) == first);
}

static void a_door_is_asked(void) {
    oc_fake_reset();
    oc_fake_reply("kv_put_v1", "{\"version\": 12}");
    oc_kv_put_result put = oc_kv_put(OC("k"), oc_as_bytes(OC("v")), &(oc_kv_put_options){.ttl_s = oc_number(1.5)});
    assert(!put.error && put.version == 12 && oc_equal(oc_fake_asked(), OC("kv_put_v1")));
    assert(oc_equal(oc_fake_request(), OC("{\"key\":\"k\",\"value\":\"v\",\"ttl_s\":1.5}")));
    oc_kv_cas(OC("k"), (oc_maybe_integer){0}, oc_as_bytes(OC("")), NULL);
    assert(oc_equal(oc_fake_request(), OC("{\"key\":\"k\",\"expected\":null,\"value\":\"\"}")));
    oc_fake_reply("kv_get_v1", "{\"value\": null, \"version\": null}");
    oc_fake_reply("kv_get_v1", "{\"value\": {\"base64\": \"/w==\"}, \"version\": 3}");
    assert(!oc_kv_get(OC("k")).found);
    oc_kv_get_result got = oc_kv_get(OC("k"));
    assert(got.found && got.entry.version == 3 && got.entry.value.size == 1 && got.entry.value.at[0] == 255);
}

static void a_refusal_is_a_value(void) {
    oc_fake_reset();
    oc_fake_reply("kv_get_v1", "{\"error\": {\"code\": \"permission-denied\", \"message\": \"no grant\", "
                               "\"remedy\": \"grant it\", \"capability\": \"kv\"}}");
    const oc_error *error = oc_kv_get(OC("k")).error;
    assert(error && oc_equal(error->code, OC("permission-denied")) && oc_equal(error->capability, OC("kv")));
    assert(!error->limit.at && oc_fail_with(error) == 1 && oc_equal(oc_fake_error(), OC("no grant; grant it")));
    oc_fake_reply("kv_delete_v1", "nonsense");
    assert(oc_equal(oc_kv_delete(OC("k")).error->code, OC("unavailable")));
}

static void variables_are_kept(void) {
    oc_fake_reset();
    assert(!oc_var_get(OC("a")).at);
    oc_var_set(OC("a"), oc_as_bytes(OC("one")));
    assert(oc_equal(oc_as_text(oc_var_get(OC("a"))), OC("one")));
    oc_var_set(OC("a"), (oc_bytes){NULL, 0});
    assert(!oc_var_get(OC("a")).at);
}

OMNICORE_FUNCTION(echo, "Gives \"all\" back.", OC_TEXT, OC_BYTES) { return oc_output(oc_input()); }
OMNICORE_FUNCTION(one, "", OC_SCHEMA({"type": "object"}), OC_SCHEMA({"enum": ["\"", 1]})) {
    return oc_fail(OC("never"));
}

static void functions_describe_themselves(void) {
    oc_text said = oc_fake_run(oc_describe, "");
    assert(oc_equal(said, OC("{\"functions\":{"
                             "\"echo\":{\"description\":\"Gives \\\"all\\\" back.\",\"input\":{\"type\":\"string\"},"
                             "\"input_media\":\"text/plain\"},"
                             "\"one\":{\"description\":\"\",\"input\":{\"type\": \"object\"},"
                             "\"input_media\":\"application/json\",\"output\":{\"enum\": [\"\\\"\", 1]},"
                             "\"output_media\":\"application/json\"}}}")));
    assert(oc_equal(oc_fake_call(echo, "123456789\n"), OC("123456789\n")));
    assert(oc_fake_call(one, "").size == 0 && oc_equal(oc_fake_error(), OC("never")));
}

int main(void) {
    only_json_is_read();
    nesting_ends_at_64();
    values_are_found();
    half_a_pair_is_no_character();
    numbers_come_back();
    json_is_written();
    bytes_travel_as_text_or_base64();
    memory_is_taken_back();
    a_door_is_asked();
    a_refusal_is_a_value();
    variables_are_kept();
    functions_describe_themselves();
    puts("all is well");
    return 0;
}
