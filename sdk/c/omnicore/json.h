/* Reads JSON where it stands: nothing is built up, a value is a part of the text. */
#pragma once

#include "numbers.h"

enum { OC_MOST_DEPTH = 64 };

/* A value of a text that `oc_json_parse` found to be JSON. `at` is NULL where there is none. */
typedef struct {
    const char *at;
    size_t size;
} oc_json;

typedef enum { OC_MISSING, OC_NULL, OC_BOOLEAN, OC_NUMBER, OC_STRING, OC_ARRAY, OC_OBJECT } oc_kind;

/* JSON written in C: `OC_JSON({"a": [1, 2]})`. */
#define OC_JSON(...) ((oc_json){#__VA_ARGS__, sizeof(#__VA_ARGS__) - 1})

typedef struct {
    const char *at, *end;
    int depth;
} oc_scan;

static inline void oc_skip_space(oc_scan *scan) {
    for (; scan->at < scan->end; scan->at++)
        if (*scan->at != ' ' && *scan->at != '\t' && *scan->at != '\n' && *scan->at != '\r') return;
}

static inline bool oc_skip_char(oc_scan *scan, char wanted) {
    oc_skip_space(scan);
    if (scan->at == scan->end || *scan->at != wanted) return false;
    scan->at++;
    return true;
}

static inline bool oc_skip_word(oc_scan *scan, const char *word) {
    for (; *word; word++, scan->at++)
        if (scan->at == scan->end || *scan->at != *word) return false;
    return true;
}

static inline bool oc_is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static inline bool oc_skip_escape(oc_scan *scan) {
    if (scan->at == scan->end) return false;
    char c = *scan->at++;
    for (const char *plain = "\"\\/bfnrt"; *plain; plain++)
        if (c == *plain) return true;
    for (int i = 0; c == 'u' && i < 4; i++, scan->at++)
        if (scan->at == scan->end || !oc_is_hex(*scan->at)) return false;
    return c == 'u';
}

static inline bool oc_skip_string(oc_scan *scan) {
    if (!oc_skip_char(scan, '"')) return false;
    while (scan->at < scan->end) {
        unsigned char c = (unsigned char)*scan->at++;
        if (c == '"') return true;
        if (c < ' ' || (c == '\\' && !oc_skip_escape(scan))) return false;
    }
    return false;
}

static inline bool oc_skip_digits(oc_scan *scan) {
    const char *start = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') scan->at++;
    return scan->at > start;
}

static inline bool oc_skip_number(oc_scan *scan) {
    if (*scan->at == '-') scan->at++;
    const char *start = scan->at;
    if (!oc_skip_digits(scan) || (*start == '0' && scan->at > start + 1)) return false;
    if (scan->at < scan->end && *scan->at == '.') {
        scan->at++;
        if (!oc_skip_digits(scan)) return false;
    }
    if (scan->at < scan->end && (*scan->at == 'e' || *scan->at == 'E')) {
        scan->at++;
        if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-')) scan->at++;
        if (!oc_skip_digits(scan)) return false;
    }
    return true;
}

OC_ONCE bool oc_skip_value(oc_scan *scan);

static inline bool oc_skip_items(oc_scan *scan, char end, bool named) {
    scan->at++;
    if (oc_skip_char(scan, end)) return true;
    do {
        if (named && (!oc_skip_string(scan) || !oc_skip_char(scan, ':'))) return false;
        if (!oc_skip_value(scan)) return false;
    } while (oc_skip_char(scan, ','));
    return oc_skip_char(scan, end);
}

/* Goes past one value; false where there is none, or one that is nested too deep. */
OC_ONCE bool oc_skip_value(oc_scan *scan) {
    oc_skip_space(scan);
    if (scan->at == scan->end || scan->depth == OC_MOST_DEPTH) return false;
    scan->depth++;
    bool good;
    switch (*scan->at) {
    case '{': good = oc_skip_items(scan, '}', true); break;
    case '[': good = oc_skip_items(scan, ']', false); break;
    case '"': good = oc_skip_string(scan); break;
    case 't': good = oc_skip_word(scan, "true"); break;
    case 'f': good = oc_skip_word(scan, "false"); break;
    case 'n': good = oc_skip_word(scan, "null"); break;
    default: good = oc_skip_number(scan);
    }
    scan->depth--;
    return good;
}

/* The value of a text; missing where the text is no JSON or nested deeper than 64. Owns: it stays a part of it. */
OC_ONCE oc_json oc_json_parse(oc_text from) {
    oc_scan scan = {from.at, from.at + from.size, 0};
    oc_skip_space(&scan);
    const char *start = scan.at;
    if (!from.at || !oc_skip_value(&scan)) return (oc_json){NULL, 0};
    const char *end = scan.at;
    oc_skip_space(&scan);
    return scan.at == scan.end ? (oc_json){start, (size_t)(end - start)} : (oc_json){NULL, 0};
}

static inline oc_kind oc_json_kind(oc_json value) {
    if (!value.at || !value.size) return OC_MISSING;
    switch (*value.at) {
    case '{': return OC_OBJECT;
    case '[': return OC_ARRAY;
    case '"': return OC_STRING;
    case 'n': return OC_NULL;
    case 't':
    case 'f': return OC_BOOLEAN;
    default: return OC_NUMBER;
    }
}

/* True for what is missing, too. */
OC_ONCE bool oc_json_is_null(oc_json value) { return oc_json_kind(value) <= OC_NULL; }

/* Goes through the items of an array or the fields of an object:
 * `for (oc_each it = oc_json_each(value); oc_next(&it);) { it.name, it.value }`; other values have none. */
typedef struct {
    oc_json name, value;
    oc_scan scan;
    bool named;
} oc_each;

static inline oc_each oc_json_each(oc_json of) {
    oc_kind kind = oc_json_kind(of);
    oc_each it = {{NULL, 0}, {NULL, 0}, {of.at, of.at, 0}, kind == OC_OBJECT};
    if (kind >= OC_ARRAY) {
        it.scan.at = of.at + 1;
        it.scan.end = of.at + of.size - 1;
    }
    return it;
}

static inline oc_json oc_step(oc_scan *scan) {
    oc_skip_space(scan);
    const char *start = scan->at;
    if (!oc_skip_value(scan)) return (oc_json){NULL, 0};
    return (oc_json){start, (size_t)(scan->at - start)};
}

OC_ONCE bool oc_next(oc_each *it) {
    oc_skip_char(&it->scan, ',');
    if (it->named) {
        it->name = oc_step(&it->scan);
        oc_skip_char(&it->scan, ':');
    }
    it->value = oc_step(&it->scan);
    return it->value.at != NULL;
}

/* How many items or fields there are. */
static inline size_t oc_json_count(oc_json of) {
    size_t count = 0;
    for (oc_each it = oc_json_each(of); oc_next(&it);) count++;
    return count;
}

/* The number that follows `\u`. */
static inline uint32_t oc_hex4(const char *at) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) value = value * 16 + (uint32_t)(at[i] <= '9' ? at[i] - '0' : (at[i] | 32) - 'a' + 10);
    return value;
}

/* Writes a character as UTF-8; returns how many bytes it took. */
static inline size_t oc_utf8(uint32_t c, char *to) {
    size_t count = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t first[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = count - 1; i; i--, c >>= 6) to[i] = (char)(0x80 | (c & 0x3F));
    to[0] = (char)(first[count] | c);
    return count;
}

/* Writes the character of the escape at `*at`, which stands after the backslash. */
OC_ONCE size_t oc_unescape(const char **at, const char *end, char *to) {
    static const char from[] = "bfnrt", into[] = "\b\f\n\r\t";
    char c = *(*at)++;
    if (c != 'u') {
        for (int i = 0; i < 5; i++)
            if (c == from[i]) c = into[i];
        *to = c;
        return 1;
    }
    uint32_t one = oc_hex4(*at);
    *at += 4;
    bool pair = one >= 0xD800 && one < 0xDC00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u';
    uint32_t two = pair ? oc_hex4(*at + 2) : 0;
    if (two >= 0xDC00 && two < 0xE000) {
        *at += 6;
        return oc_utf8(0x10000 + ((one - 0xD800) << 10) + (two - 0xDC00), to);
    }
    return oc_utf8(one >= 0xD800 && one < 0xE000 ? 0xFFFD : one, to); /* half a pair is no character */
}

/* A string's text; no text for what is no string. */
OC_ONCE oc_text oc_json_text(oc_json value) {
    if (oc_json_kind(value) != OC_STRING) return (oc_text){NULL, 0};
    const char *at = value.at + 1, *end = value.at + value.size - 1;
    const char *escape = at;
    while (escape < end && *escape != '\\') escape++;
    if (escape == end) return (oc_text){at, (size_t)(end - at)};
    char *to = (char *)oc_alloc((size_t)(end - at));
    size_t used = 0;
    while (at < end)
        if (*at != '\\') to[used++] = *at++;
        else at++, used += oc_unescape(&at, end, to + used);
    return (oc_text){to, used};
}

/* A field of an object; missing where there is none. */
OC_ONCE oc_json oc_json_field(oc_json object, oc_text name) {
    if (oc_json_kind(object) == OC_OBJECT)
        for (oc_each it = oc_json_each(object); oc_next(&it);)
            if (oc_equal(oc_json_text(it.name), name)) return it.value;
    return (oc_json){NULL, 0};
}

/* An item of an array; missing where there is none. */
static inline oc_json oc_json_item(oc_json array, size_t index) {
    if (oc_json_kind(array) == OC_ARRAY)
        for (oc_each it = oc_json_each(array); oc_next(&it);)
            if (!index--) return it.value;
    return (oc_json){NULL, 0};
}

/* 0 for what is no number. */
OC_ONCE double oc_json_number(oc_json value) {
    return oc_json_kind(value) == OC_NUMBER ? oc_read_number((oc_text){value.at, value.size}) : 0;
}

OC_ONCE int64_t oc_json_integer(oc_json value) {
    return oc_json_kind(value) == OC_NUMBER ? oc_read_integer((oc_text){value.at, value.size}) : 0;
}

/* False for what is no boolean. */
static inline bool oc_json_boolean(oc_json value) { return value.at && value.size && *value.at == 't'; }

static inline oc_maybe_number oc_json_maybe_number(oc_json value) {
    return (oc_maybe_number){!oc_json_is_null(value), oc_json_number(value)};
}

static inline oc_maybe_integer oc_json_maybe_integer(oc_json value) {
    return (oc_maybe_integer){!oc_json_is_null(value), oc_json_integer(value)};
}

static inline oc_maybe_boolean oc_json_maybe_boolean(oc_json value) {
    return (oc_maybe_boolean){!oc_json_is_null(value), oc_json_boolean(value)};
}

static inline int oc_base64_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Bytes as doors write them: a text, or `{"base64": "..."}`. */
OC_ONCE oc_bytes oc_json_bytes(oc_json value) {
    if (oc_json_kind(value) != OC_OBJECT) return oc_as_bytes(oc_json_text(value));
    oc_text from = oc_json_text(oc_json_field(value, OC("base64")));
    uint8_t *to = (uint8_t *)oc_alloc(from.size);
    size_t used = 0;
    uint32_t bits = 0;
    int count = 0;
    for (size_t i = 0; i < from.size; i++) {
        int six = oc_base64_value(from.at[i]);
        if (six < 0) break;
        bits = bits << 6 | (uint32_t)six;
        count += 6;
        if (count >= 8) count -= 8, to[used++] = (uint8_t)(bits >> count);
    }
    return (oc_bytes){to, used};
}

/* The texts of an array. */
OC_ONCE oc_texts oc_json_texts(oc_json array) {
    if (oc_json_kind(array) != OC_ARRAY) return (oc_texts){NULL, 0};
    oc_text *to = (oc_text *)oc_alloc(oc_json_count(array) * sizeof *to);
    size_t used = 0;
    for (oc_each it = oc_json_each(array); oc_next(&it);) to[used++] = oc_json_text(it.value);
    return (oc_texts){to, used};
}

/* The numbers of an array. */
OC_ONCE oc_numbers oc_json_numbers(oc_json array) {
    if (oc_json_kind(array) != OC_ARRAY) return (oc_numbers){NULL, 0};
    double *to = (double *)oc_alloc(oc_json_count(array) * sizeof *to);
    size_t used = 0;
    for (oc_each it = oc_json_each(array); oc_next(&it);) to[used++] = oc_json_number(it.value);
    return (oc_numbers){to, used};
}

/* The integers of an array. */
OC_ONCE oc_integers oc_json_integers(oc_json array) {
    if (oc_json_kind(array) != OC_ARRAY) return (oc_integers){NULL, 0};
    int64_t *to = (int64_t *)oc_alloc(oc_json_count(array) * sizeof *to);
    size_t used = 0;
    for (oc_each it = oc_json_each(array); oc_next(&it);) to[used++] = oc_json_integer(it.value);
    return (oc_integers){to, used};
}

/* The texts of an object by their names. */
OC_ONCE oc_pairs oc_json_pairs(oc_json object) {
    if (oc_json_kind(object) != OC_OBJECT) return (oc_pairs){NULL, 0};
    oc_pair *to = (oc_pair *)oc_alloc(oc_json_count(object) * sizeof *to);
    size_t used = 0;
    for (oc_each it = oc_json_each(object); oc_next(&it);)
        to[used++] = (oc_pair){oc_json_text(it.name), oc_json_text(it.value)};
    return (oc_pairs){to, used};
}
