/* Made from specs/doors by `python -m sdk.generate`; change it there. */
#pragma once

#include "log.h"
#include "config.h"
#include "kv.h"
#include "http.h"
#include "events.h"
#include "tasks.h"
#include "memory.h"
#include "vectors.h"
#include "connectors.h"
