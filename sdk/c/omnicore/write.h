/* Writes JSON from front to back. Commas come by themselves:
 *
 *   oc_writer json = {0};
 *   oc_write_object(&json);
 *   oc_write_key(&json, OC("greeting"));
 *   oc_write_text(&json, greeting);
 *   oc_write_end(&json);
 *   return oc_output_json(oc_written(&json));
 */
#pragma once

#include "json.h"

/* Begin with `{0}`. */
typedef struct {
    char *at;
    size_t size, room;
    uint64_t objects; /* a bit for each level: whether it is an object */
    int depth;
} oc_writer;

OC_ONCE void oc_write_raw(oc_writer *to, const void *from, size_t size) {
    if (to->room - to->size < size) {
        size_t room = (to->size + size) * 2 + 64;
        char *larger = (char *)oc_alloc(room);
        if (to->size) oc_copy(larger, to->at, to->size);
        to->at = larger;
        to->room = room;
    }
    oc_copy(to->at + to->size, from, size);
    to->size += size;
}

/* A comma where a value or key stands before. */
static inline void oc_write_next(oc_writer *to) {
    char last = to->size ? to->at[to->size - 1] : ':';
    if (last != '{' && last != '[' && last != ':') oc_write_raw(to, ",", 1);
}

OC_ONCE void oc_write_begin(oc_writer *to, bool object) {
    if (to->depth == OC_MOST_DEPTH) oc_panic(OC("JSON is nested too deep"));
    oc_write_next(to);
    oc_write_raw(to, object ? "{" : "[", 1);
    to->objects = to->objects << 1 | object;
    to->depth++;
}

static inline void oc_write_object(oc_writer *to) { oc_write_begin(to, true); }
static inline void oc_write_array(oc_writer *to) { oc_write_begin(to, false); }

/* Ends the innermost object or array. */
OC_ONCE void oc_write_end(oc_writer *to) {
    if (!to->depth) oc_panic(OC("JSON ends more often than it begins"));
    oc_write_raw(to, to->objects & 1 ? "}" : "]", 1);
    to->objects >>= 1;
    to->depth--;
}

OC_ONCE void oc_write_text(oc_writer *to, oc_text text) {
    static const char hex[] = "0123456789abcdef";
    oc_write_next(to);
    oc_write_raw(to, "\"", 1);
    size_t start = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = (uint8_t)text.at[i];
        if (c >= ' ' && c != '"' && c != '\\') continue;
        oc_write_raw(to, text.at + start, i - start);
        start = i + 1;
        if (c >= ' ') oc_write_raw(to, (char[]){'\\', (char)c}, 2);
        else oc_write_raw(to, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
    }
    oc_write_raw(to, text.at + start, text.size - start);
    oc_write_raw(to, "\"", 1);
}

OC_ONCE void oc_write_key(oc_writer *to, oc_text key) {
    oc_write_text(to, key);
    oc_write_raw(to, ":", 1);
}

OC_ONCE void oc_write_null(oc_writer *to) {
    oc_write_next(to);
    oc_write_raw(to, "null", 4);
}

OC_ONCE void oc_write_boolean(oc_writer *to, bool value) {
    oc_write_next(to);
    oc_write_raw(to, value ? "true" : "false", value ? 4 : 5);
}

OC_ONCE void oc_write_integer(oc_writer *to, int64_t value) {
    char text[20];
    oc_write_next(to);
    oc_write_raw(to, text, oc_integer_text(value, text));
}

OC_ONCE void oc_write_number(oc_writer *to, double value) {
    char text[32];
    oc_write_next(to);
    oc_write_raw(to, text, oc_number_text(value, text));
}

/* JSON as it is; null for what is missing. */
OC_ONCE void oc_write_json(oc_writer *to, oc_json value) {
    if (!value.at) {
        oc_write_null(to);
        return;
    }
    oc_write_next(to);
    oc_write_raw(to, value.at, value.size);
}

/* How many bytes the character that begins here has; 0 where it is not UTF-8. */
static inline size_t oc_utf8_size(const uint8_t *at, size_t left) {
    uint8_t first = at[0];
    if (first < 0x80) return 1;
    size_t size = first < 0xC2 || first > 0xF4 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (!size || left < size) return 0;
    uint8_t least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    uint8_t most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (at[1] < least || at[1] > most) return 0;
    for (size_t i = 2; i < size; i++)
        if ((at[i] & 0xC0) != 0x80) return 0;
    return size;
}

OC_ONCE bool oc_is_utf8(oc_bytes bytes) {
    for (size_t i = 0, size; i < bytes.size; i += size)
        if (!(size = oc_utf8_size(bytes.at + i, bytes.size - i))) return false;
    return true;
}

OC_ONCE void oc_write_base64(oc_writer *to, oc_bytes bytes) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    oc_write_next(to);
    oc_write_raw(to, "\"", 1);
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t have = bytes.size - i < 3 ? bytes.size - i : 3;
        uint32_t bits = (uint32_t)bytes.at[i] << 16;
        if (have > 1) bits |= (uint32_t)bytes.at[i + 1] << 8;
        if (have > 2) bits |= bytes.at[i + 2];
        char four[] = {letters[bits >> 18], letters[bits >> 12 & 63], letters[bits >> 6 & 63], letters[bits & 63]};
        for (size_t k = have + 1; k < 4; k++) four[k] = '=';
        oc_write_raw(to, four, 4);
    }
    oc_write_raw(to, "\"", 1);
}

/* Bytes as doors want them: a text where they are one, else `{"base64": "..."}`. */
OC_ONCE void oc_write_bytes(oc_writer *to, oc_bytes bytes) {
    if (oc_is_utf8(bytes)) {
        oc_write_text(to, oc_as_text(bytes));
        return;
    }
    oc_write_object(to);
    oc_write_key(to, OC("base64"));
    oc_write_base64(to, bytes);
    oc_write_end(to);
}

OC_ONCE void oc_write_texts(oc_writer *to, oc_texts texts) {
    oc_write_array(to);
    for (size_t i = 0; i < texts.size; i++) oc_write_text(to, texts.at[i]);
    oc_write_end(to);
}

OC_ONCE void oc_write_numbers(oc_writer *to, oc_numbers numbers) {
    oc_write_array(to);
    for (size_t i = 0; i < numbers.size; i++) oc_write_number(to, numbers.at[i]);
    oc_write_end(to);
}

OC_ONCE void oc_write_integers(oc_writer *to, oc_integers integers) {
    oc_write_array(to);
    for (size_t i = 0; i < integers.size; i++) oc_write_integer(to, integers.at[i]);
    oc_write_end(to);
}

OC_ONCE void oc_write_pairs(oc_writer *to, oc_pairs pairs) {
    oc_write_object(to);
    for (size_t i = 0; i < pairs.size; i++) {
        oc_write_key(to, pairs.at[i].name);
        oc_write_text(to, pairs.at[i].value);
    }
    oc_write_end(to);
}

/* What was written. Owns: it lives until the call ends. */
static inline oc_json oc_written(const oc_writer *from) { return (oc_json){from->at, from->size}; }
