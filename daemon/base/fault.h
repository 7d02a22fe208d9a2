/* SPDX-License-Identifier: Apache-2.0 */
/* Named places where a test may kill the process or make a step fail.
 *
 * Each point is declared in fault.def with a sentence that says what has and has
 * not happened there.  MHSFLOW_FAULT="NAME" kills this process with SIGKILL the
 * first time it gets there, "NAME:3" the third time, "NAME:stop" stops it with
 * SIGSTOP, "NAME:fail" makes fault_fails() true once.  Several are separated by commas.
 * A release is built without them: the macro is then nothing. */
#pragma once

#include <stdbool.h>

typedef enum FaultPoint {
#define FAULT_POINT(name, text, meaning) FAULT_##name,
#include "daemon/base/fault.def"
#undef FAULT_POINT
    FAULT_COUNT
} FaultPoint;

#ifdef MHSFLOW_FAULTS
void fault_reached(FaultPoint point);
bool fault_fails(FaultPoint point);
#define FAULT(name) fault_reached(FAULT_##name)
#else
#define FAULT(name) ((void)0)
static inline bool fault_fails(FaultPoint point)
{
    (void)point;
    return false;
}
#endif

const char *fault_name(FaultPoint point);
const char *fault_meaning(FaultPoint point);
