/* Masks e-mail addresses, phone numbers and payment cards in text. Plain C, no libc, no WASI. */
#include "extism-abi.h"

typedef enum { NONE = -1, EMAIL, PHONE, CARD, KINDS } kind;

static const char *const NAMES[KINDS] = {"email", "phone", "card"};

typedef struct {
    kind what;
    size_t start, end; /* bytes */
} match;

/* ---- memory: an arena that starts over with every call ---- */

extern uint8_t __heap_base;
static uint8_t *top;

static int reach(const uint8_t *end) {
    size_t have = __builtin_wasm_memory_size(0) * 65536, need = (size_t)end;
    if (need <= have) return 1;
    return __builtin_wasm_memory_grow(0, (need - have + 65535) / 65536) != (size_t)-1;
}

static uint8_t *take(size_t size) {
    uint8_t *block = top;
    if (!reach(block + size)) return 0;
    top += size;
    return block;
}

/* ---- the text ---- */

static uint8_t *text;
static size_t size;

static int digit(uint8_t c) { return c >= '0' && c <= '9'; }
static int letter(uint8_t c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }
static int word(uint8_t c) { return digit(c) || letter(c) || c == '_'; }
static uint8_t at(size_t i) { return i < size ? text[i] : 0; }

/* Length of the UTF-8 character at `i`, 0 when it is none. */
static size_t character(size_t i) {
    uint8_t c = text[i];
    size_t n = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : (c & 0xF0) == 0xE0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;
    if (n > size - i) return 0;
    for (size_t k = 1; k < n; k++)
        if ((text[i + k] & 0xC0) != 0x80) return 0;
    if (n > 2) {
        uint8_t second = text[i + 1];
        if ((c == 0xE0 && second < 0xA0) || (c == 0xED && second > 0x9F)) return 0; /* overlong, surrogates */
        if ((c == 0xF0 && second < 0x90) || (c == 0xF4 && second > 0x8F)) return 0;
    }
    return n;
}

static int is_utf8(void) {
    for (size_t i = 0, n; i < size; i += n)
        if (!(n = character(i))) return 0;
    return 1;
}

/* ---- e-mail: local@label.label, from the start of its local part ---- */

static int local(uint8_t c) {
    return digit(c) || letter(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-' || c == '\'';
}

static size_t email_end(size_t start) {
    size_t i = start, end = 0, letters;
    if (at(i) == '.' || !local(at(i))) return 0;
    while (local(at(i))) i++;
    if (at(i) != '@' || text[i - 1] == '.' || i - start > 64) return 0;
    for (int dots = 0;; dots++) {
        size_t label = ++i;
        for (letters = 0; digit(at(i)) || letter(at(i)) || at(i) == '-'; i++) letters += letter(text[i]) != 0;
        if (i == label || at(label) == '-' || text[i - 1] == '-') break;
        if (dots && letters == i - label && letters >= 2) end = i;
        if (at(i) != '.') break;
    }
    return end && !word(at(end)) ? end : 0;
}

/* ---- numbers: groups of digits with one separator between them ---- */

#define MOST_GROUPS 8
#define MOST_DIGITS 19

typedef struct {
    size_t ends[MOST_GROUPS];
    uint8_t lengths[MOST_GROUPS];
    uint8_t digits[MOST_DIGITS];
    int groups, total, plus, opened;
} number;

static size_t separator(size_t i) {
    uint8_t c = at(i);
    if (c == ')') return at(i + 1) == ' ' || at(i + 1) == '-' ? 2 : 1;
    if (c == ' ' && at(i + 1) == '(') return 2;
    if (c == 0xC2 && at(i + 1) == 0xA0) return 2; /* no-break space */
    return c == ' ' || c == '-' || c == '.' || c == '/' || c == '(';
}

static void read_number(size_t i, number *found) {
    *found = (number){.groups = 0};
    if (at(i) == '+') found->plus = 1, i++;
    if (at(i) == '(') found->opened = 1, i++;
    while (found->groups < MOST_GROUPS && digit(at(i))) {
        int length = 0;
        for (; digit(at(i)); i++, length++) {
            if (found->total + length == MOST_DIGITS) return;
            found->digits[found->total + length] = text[i] - '0';
        }
        found->total += length;
        found->lengths[found->groups] = length;
        found->ends[found->groups++] = i;
        i += separator(i);
    }
}

static int luhn(const uint8_t *digits, int count) {
    int sum = 0;
    for (int i = 0; i < count; i++) {
        int value = digits[count - 1 - i];
        if (i % 2) value = value > 4 ? value * 2 - 9 : value * 2;
        sum += value;
    }
    return sum % 10 == 0;
}

static int is_card(const number *n, int groups, int total) {
    if (n->plus || n->opened || total < 13 || total > 19) return 0;
    if (n->digits[0] < 2 || n->digits[0] > 6) return 0; /* what card networks start with */
    return (groups == 1 || n->lengths[0] == 4) && luhn(n->digits, total);
}

static int is_north_american(const uint8_t *lengths, int groups) {
    if (groups == 4 && lengths[0] == 1) lengths++, groups--;
    return groups == 3 && lengths[0] == 3 && lengths[1] == 3 && lengths[2] == 4;
}

static int is_pairs(const uint8_t *lengths, int groups) {
    for (int i = 0; i < groups; i++)
        if (lengths[i] != 2) return 0;
    return groups == 5;
}

/* Dates, times, prices, versions and IP addresses must not look like a phone number. */
static int is_phone(const number *n, int groups, int total) {
    if (n->plus) return total >= 8 && total <= 15;
    if (is_north_american(n->lengths, groups)) return 1;
    if (n->digits[0] != 0 || total < 9 || total > 13) return 0;
    return n->lengths[0] >= 3 || n->opened || is_pairs(n->lengths, groups);
}

/* The longest number from `start` that is a card or else a phone. */
static match number_at(size_t start) {
    number found;
    read_number(start, &found);
    for (int phones = 0; phones < 2; phones++) {
        int total = found.total;
        for (int groups = found.groups; groups > 0; total -= found.lengths[--groups]) {
            size_t end = found.ends[groups - 1];
            if (word(at(end)) || !(phones ? is_phone : is_card)(&found, groups, total)) continue;
            return (match){phones ? PHONE : CARD, start, end};
        }
    }
    return (match){NONE, 0, 0};
}

/* ---- the next thing to mask, from `from` on ---- */

static match next(size_t from) {
    for (size_t i = from; i < size; i++) {
        uint8_t before = i > from ? text[i - 1] : 0;
        if (local(text[i]) && !local(before)) {
            size_t end = email_end(i);
            if (end) return (match){EMAIL, i, end};
        }
        int starts = digit(text[i]) || ((text[i] == '+' || text[i] == '(') && (digit(at(i + 1)) || at(i + 1) == '('));
        if (starts && !word(before) && before != '.' && before != '+' && before != '(') {
            match found = number_at(i);
            if (found.what != NONE) return found;
        }
    }
    return (match){NONE, size, size};
}

/* ---- JSON out ---- */

static uint8_t *json;
static int full;

static void put(uint8_t c) {
    if (!full) full = !reach(top + 1);
    if (full) return;
    *top++ = c;
}

static void put_text(const char *s) {
    while (*s) put(*s++);
}

static void put_number(size_t n) {
    if (n > 9) put_number(n / 10);
    put('0' + n % 10);
}

static void put_escaped(size_t from, size_t to) {
    static const char HEX[] = "0123456789abcdef";
    for (size_t i = from; i < to; i++) {
        uint8_t c = text[i];
        if (c == '"' || c == '\\') put('\\'), put(c);
        else if (c == '\n') put_text("\\n");
        else if (c < 0x20) put_text("\\u00"), put(HEX[c >> 4]), put(HEX[c & 15]);
        else put(c);
    }
}

static void put_counts(const size_t *counts) {
    put_text("\",\"found\":{");
    for (int k = 0; k < KINDS; k++) {
        put_text(k ? ",\"" : "\"");
        put_text(NAMES[k]);
        put_text("\":");
        put_number(counts[k]);
    }
    put_text("}}");
}

static size_t characters(size_t from, size_t to) {
    size_t count = 0;
    for (size_t i = from; i < to; i++) count += (text[i] & 0xC0) != 0x80;
    return count;
}

static const char *begin(void) {
    top = &__heap_base;
    full = 0;
    size = extism_input_length();
    text = take(size);
    if (!text) return "the text does not fit in memory; pass it in parts";
    extism_input(text, size);
    if (!is_utf8()) return "the text is not UTF-8; encode it as UTF-8";
    json = top;
    return 0;
}

static int32_t finish(void) {
    if (full) return extism_fail("the answer does not fit in memory; pass the text in parts");
    extism_output(json, top - json);
    return 0;
}

/* text -> {"text": masked, "found": {"email": n, "phone": n, "card": n}} */
EXTISM_EXPORT("redact") int32_t redact(void) {
    const char *trouble = begin();
    if (trouble) return extism_fail(trouble);
    size_t counts[KINDS] = {0}, done = 0;
    put_text("{\"text\":\"");
    for (;;) {
        match found = next(done);
        put_escaped(done, found.start);
        if (found.what == NONE) break;
        put('['), put_text(NAMES[found.what]), put(']');
        counts[found.what]++;
        done = found.end;
    }
    put_counts(counts);
    return finish();
}

/* text -> [{"kind": "email", "start": n, "length": n}, ...], in characters */
EXTISM_EXPORT("find") int32_t find(void) {
    const char *trouble = begin();
    if (trouble) return extism_fail(trouble);
    size_t done = 0, position = 0;
    put('[');
    for (match found; (found = next(done)).what != NONE; done = found.end) {
        size_t length = characters(found.start, found.end);
        position += characters(done, found.start);
        put_text(done ? ",{\"kind\":\"" : "{\"kind\":\"");
        put_text(NAMES[found.what]);
        put_text("\",\"start\":"), put_number(position);
        put_text(",\"length\":"), put_number(length), put('}');
        position += length;
    }
    put(']');
    return finish();
}
