/* Digests of crypto.subtle. Source: FIPS 180-4. The constants of SHA-256 are the upper halves of those of SHA-512. */
#include "engine.h"
#include <string.h>

static const uint64_t ROUNDS[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538,
    0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe,
    0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
    0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab,
    0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
    0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed,
    0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
    0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8, 0x1e376c085141ab53,
    0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373,
    0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c,
    0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
    0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
    0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};
static const uint64_t BEGIN_512[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1, 0x510e527fade682d1,
    0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};
static const uint64_t BEGIN_384[8] = {
    0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939, 0x67332667ffc00b31,
    0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4,
};

static uint32_t left32(uint32_t value, int by) { return (value << by) | (value >> (32 - by)); }
static uint32_t right32(uint32_t value, int by) { return left32(value, 32 - by); }
static uint64_t right64(uint64_t value, int by) { return (value >> by) | (value << (64 - by)); }

static uint64_t big_endian(const uint8_t *bytes, int count) {
    uint64_t value = 0;
    for (int at = 0; at < count; at++) value = value << 8 | bytes[at];
    return value;
}

/* Each takes a block of its algorithm into `state`, of which 32-bit algorithms use the lower halves. */
typedef void Block(uint64_t *state, const uint8_t *block);

static void sha1_block(uint64_t *state, const uint8_t *block) {
    uint32_t words[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int at = 0; at < 80; at++) {
        words[at] = at < 16 ? big_endian(block + at * 4, 4)
                            : left32(words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16], 1);
    }
    for (int at = 0; at < 80; at++) {
        static const uint32_t added[4] = {0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6};
        uint32_t mixed = at < 20 ? (b & c) | (~b & d) : at >= 40 && at < 60 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
        uint32_t next = left32(a, 5) + mixed + e + added[at / 20] + words[at];
        e = d, d = c, c = left32(b, 30), b = a, a = next;
    }
    const uint32_t found[5] = {a, b, c, d, e};
    for (int at = 0; at < 5; at++) state[at] = (uint32_t)(state[at] + found[at]);
}

static void sha256_block(uint64_t *state, const uint8_t *block) {
    uint32_t words[64], now[8];
    for (int at = 0; at < 8; at++) now[at] = state[at];
    for (int at = 0; at < 64; at++) {
        if (at < 16) {
            words[at] = big_endian(block + at * 4, 4);
            continue;
        }
        uint32_t near = words[at - 2], far = words[at - 15];
        words[at] = words[at - 16] + words[at - 7] + (right32(near, 17) ^ right32(near, 19) ^ near >> 10) +
                    (right32(far, 7) ^ right32(far, 18) ^ far >> 3);
    }
    for (int at = 0; at < 64; at++) {
        uint32_t a = now[0], e = now[4];
        uint32_t one = now[7] + (right32(e, 6) ^ right32(e, 11) ^ right32(e, 25)) + ((e & now[5]) ^ (~e & now[6])) +
                       (uint32_t)(ROUNDS[at] >> 32) + words[at];
        uint32_t other = (right32(a, 2) ^ right32(a, 13) ^ right32(a, 22)) + ((a & now[1]) ^ (a & now[2]) ^ (now[1] & now[2]));
        memmove(now + 1, now, 7 * sizeof *now);
        now[4] += one;
        now[0] = one + other;
    }
    for (int at = 0; at < 8; at++) state[at] = (uint32_t)(state[at] + now[at]);
}

static void sha512_block(uint64_t *state, const uint8_t *block) {
    uint64_t words[80], now[8];
    memcpy(now, state, sizeof now);
    for (int at = 0; at < 80; at++) {
        if (at < 16) {
            words[at] = big_endian(block + at * 8, 8);
            continue;
        }
        uint64_t near = words[at - 2], far = words[at - 15];
        words[at] = words[at - 16] + words[at - 7] + (right64(near, 19) ^ right64(near, 61) ^ near >> 6) +
                    (right64(far, 1) ^ right64(far, 8) ^ far >> 7);
    }
    for (int at = 0; at < 80; at++) {
        uint64_t a = now[0], e = now[4];
        uint64_t one = now[7] + (right64(e, 14) ^ right64(e, 18) ^ right64(e, 41)) + ((e & now[5]) ^ (~e & now[6])) +
                       ROUNDS[at] + words[at];
        uint64_t other = (right64(a, 28) ^ right64(a, 34) ^ right64(a, 39)) + ((a & now[1]) ^ (a & now[2]) ^ (now[1] & now[2]));
        memmove(now + 1, now, 7 * sizeof *now);
        now[4] += one;
        now[0] = one + other;
    }
    for (int at = 0; at < 8; at++) state[at] += now[at];
}

/* The digest of `bits` (160, 256, 384 or 512) in `into`. Returns: its bytes, or 0 where there is no such digest. */
size_t digest(int bits, const uint8_t *bytes, size_t length, uint8_t into[64]) {
    static const uint32_t begin_160[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    if (bits != 160 && bits != 256 && bits != 384 && bits != 512) return 0;
    bool wide = bits > 256;
    size_t size = wide ? 128 : 64, word = wide ? 8 : 4, at = 0;
    Block *block = wide ? sha512_block : bits == 256 ? sha256_block : sha1_block;
    uint64_t state[8];
    for (int one = 0; one < 8; one++) {
        state[one] = bits == 384 ? BEGIN_384[one] : BEGIN_512[one] >> (wide ? 0 : 32);
        if (bits == 160) state[one] = one < 5 ? begin_160[one] : 0;
    }
    for (; at + size <= length; at += size) block(state, bytes + at);
    /* What is left, a bit, zeros, and the length in bits: one block or two. */
    uint8_t last[256] = {0};
    size_t rest = length - at, all = rest + 1 + 2 * word > size ? 2 * size : size;
    if (rest) memcpy(last, bytes + at, rest);
    last[rest] = 0x80;
    for (int one = 0; one < 8; one++) last[all - 1 - one] = (uint64_t)length * 8 >> (8 * one);
    for (at = 0; at < all; at += size) block(state, last + at);
    for (size_t one = 0; one < (size_t)bits / 8; one++) into[one] = state[one / word] >> (8 * (word - 1 - one % word));
    return bits / 8;
}
