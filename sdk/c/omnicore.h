/* The kit for plugins in C: `#include "omnicore.h"` and nothing else. It needs no libc and gets along with one.
 *
 *   text.h      texts, bytes, memory that lives until the call ends
 *   json.h      reads JSON in place     write.h    writes it     numbers.h  numbers as text
 *   host.h      what the host offers to every guest              fake.h     the same for tests without a host
 *   call.h      input, output, errors, variables, calls of doors
 *   function.h  OMNICORE_FUNCTION and what it tells the host
 *   the rest    one file for each door, made from specs/doors
 */
#pragma once

#include "omnicore/text.h"

#include "omnicore/numbers.h"

#include "omnicore/json.h"
#include "omnicore/write.h"

#include "omnicore/host.h"

#include "omnicore/call.h"
#include "omnicore/function.h"

#include "omnicore/doors.h"
