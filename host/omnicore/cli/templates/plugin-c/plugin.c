/* shout: "hello" -> "HELLO". The host's functions work on handles to memory that belongs to the host. */
#include <stdint.h>

#define HOST(name) __attribute__((import_module("extism:host/env"), import_name(name))) extern
#define EXPORT(name) __attribute__((export_name(name)))

HOST("input_length") uint64_t input_length(void);
HOST("input_load_u8") uint8_t input_byte(uint64_t offset);
HOST("alloc") uint64_t alloc(uint64_t length);
HOST("store_u8") void store_byte(uint64_t handle, uint8_t byte);
HOST("output_set") void output_set(uint64_t handle, uint64_t length);

EXPORT("shout") int32_t shout(void) {
  uint64_t length = input_length();
  uint64_t out = alloc(length);
  for (uint64_t i = 0; i < length; i++) {
    uint8_t byte = input_byte(i);
    store_byte(out + i, byte >= 'a' && byte <= 'z' ? byte - 32 : byte);
  }
  output_set(out, length);
  return 0; /* it went well */
}
