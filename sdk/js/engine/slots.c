/* Room for the host functions of a plugin. Each plugin imports others, so the builder fills them in: it renames an
   import below, gives it its type, and writes the body of `omnicore_slot` anew. What a plugin does not need becomes a
   function that traps. This file is linked last, so that its imports are the last ones. */
#include "engine.h"

#define SLOT(n) __attribute__((import_module("omnicore:slot"), import_name(#n))) void slot_##n(void);
#define TEN(do, n) do(n##0) do(n##1) do(n##2) do(n##3) do(n##4) do(n##5) do(n##6) do(n##7) do(n##8) do(n##9)
#define ALL(do) TEN(do, 1) TEN(do, 2) TEN(do, 3) TEN(do, 4) TEN(do, 5) TEN(do, 6) TEN(do, 7) TEN(do, 8) \
    TEN(do, 9) TEN(do, 10) TEN(do, 11) TEN(do, 12)

ALL(SLOT)

#define CALL(n) case n: slot_##n(); return;

EXPORT(omnicore_slot) void omnicore_slot(int32_t slot, int64_t *frame) {
    switch (slot) { ALL(CALL) }
}
