/* Numbers as JSON writes them. */
#pragma once

#include "text.h"

/* `value` times ten to the power, rounded once: `long double` has 113 bits on Wasm. */
OC_ONCE double oc_scaled(long double value, int power) {
    long double ten = 10, factor = 1;
    bool down = power < 0;
    for (int left = down ? -power : power; left; left >>= 1, ten *= ten)
        if (left & 1) factor *= ten;
    return (double)(down ? value / factor : value * factor);
}

/* The number a JSON text begins with. */
OC_ONCE double oc_read_number(oc_text from) {
    uint64_t digits = 0;
    int power = 0, exponent = 0;
    size_t i = 0;
    bool minus = from.size && from.at[0] == '-', fraction = false;
    for (i = minus; i < from.size; i++) {
        char c = from.at[i];
        if (c == '.' && !fraction) {
            fraction = true;
        } else if (c >= '0' && c <= '9') {
            if (digits < 100000000000000000u) digits = digits * 10 + (uint64_t)(c - '0'), power -= fraction;
            else power += !fraction;
        } else {
            break;
        }
    }
    if (i < from.size && (from.at[i] == 'e' || from.at[i] == 'E')) {
        bool down = ++i < from.size && from.at[i] == '-';
        if (i < from.size && (from.at[i] == '-' || from.at[i] == '+')) i++;
        for (; i < from.size && from.at[i] >= '0' && from.at[i] <= '9'; i++)
            if (exponent < 10000) exponent = exponent * 10 + (from.at[i] - '0');
        power += down ? -exponent : exponent;
    }
    if (!digits || power < -400) return minus ? -0.0 : 0.0;
    double value = power > 400 ? __builtin_inf() : oc_scaled((long double)digits, power);
    return minus ? -value : value;
}

/* The whole number a JSON text begins with; what has a fraction is cut, what is too large becomes the largest. */
OC_ONCE int64_t oc_read_integer(oc_text from) {
    bool minus = from.size && from.at[0] == '-';
    uint64_t value = 0;
    for (size_t i = minus; i < from.size; i++) {
        char c = from.at[i];
        if (c < '0' || c > '9' || value > 922337203685477579u) {
            double whole = oc_read_number(from);
            if (whole >= 9223372036854775807.0) return INT64_MAX;
            return whole <= -9223372036854775808.0 ? INT64_MIN : (int64_t)whole;
        }
        value = value * 10 + (uint64_t)(c - '0');
    }
    if (!minus) return value > INT64_MAX ? INT64_MAX : (int64_t)value;
    return value > INT64_MAX ? INT64_MIN : -(int64_t)value;
}

/* Writes a whole number to `to`, which has room for 20 characters; returns how many it took. */
OC_ONCE size_t oc_integer_text(int64_t value, char *to) {
    char turned[20];
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t count = 0, used = 0;
    do turned[count++] = (char)('0' + left % 10);
    while (left /= 10);
    if (value < 0) to[used++] = '-';
    while (count) to[used++] = turned[--count];
    return used;
}

/* The power of ten of the first digit of a positive number. */
static inline int oc_magnitude(double value) {
    int power = 0;
    for (; value >= 10; power++) value = oc_scaled(value, -1);
    for (; value < 1; power--) value = oc_scaled(value, 1);
    return power;
}

/* Writes `count` digits, of which the first stands for the power: as `0.001`, `1.5` or `1.5e-9`. */
OC_ONCE size_t oc_digits_text(uint64_t digits, int count, int power, char *to) {
    char plain[20];
    size_t used = 0;
    bool short_one = power > -7 && power < 15;
    int point = short_one ? power : 0; /* after which digit the point stands */
    oc_integer_text((int64_t)digits, plain);
    while (count > 1 && plain[count - 1] == '0') count--;
    for (int i = point < 0 ? point : 0; i < count || i <= point; i++) {
        if (i == point + 1) to[used++] = '.';
        to[used++] = i < 0 || i >= count ? '0' : plain[i];
    }
    if (!short_one) {
        to[used++] = 'e';
        used += oc_integer_text(power, to + used);
    }
    return used;
}

/* Writes a number to `to`, which has room for 32 characters, so that reading it gives the same; returns how many it
 * took. What JSON has no number for is null. */
OC_ONCE size_t oc_number_text(double value, char *to) {
    if (value != value || value == __builtin_inf() || value == -__builtin_inf()) {
        oc_copy(to, "null", 4);
        return 4;
    }
    if (value > -1e15 && value < 1e15 && value == (double)(int64_t)value) return oc_integer_text((int64_t)value, to);
    size_t sign = value < 0;
    if (sign) to[0] = '-', value = -value;
    int power = oc_magnitude(value);
    size_t used = 0;
    uint64_t whole = 1000000000000000;
    for (int count = 15; count <= 17; count++, whole *= 10) {
        long double ten = 10, factor = 1, scaled = value;
        int shift = count - 1 - power;
        for (int left = shift < 0 ? -shift : shift; left; left >>= 1, ten *= ten)
            if (left & 1) factor *= ten;
        uint64_t digits = (uint64_t)((shift < 0 ? scaled / factor : scaled * factor) + 0.5L);
        int carry = digits >= whole;
        used = oc_digits_text(carry ? digits / 10 : digits, count, power + carry, to + sign);
        if (oc_read_number((oc_text){to + sign, used}) == value) break;
    }
    return sign + used;
}
