/* SPDX-License-Identifier: Apache-2.0 */
/* Named places where a test makes it fail. */
#include "daemon/base/fault.h"

#include "daemon/base/error.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name, *meaning;
} points[] = {
#define FAULT_POINT(name, text, meaning) {text, meaning},
#include "daemon/base/fault.def"
#undef FAULT_POINT
};

const char *fault_name(FaultPoint point)
{
    return points[point].name;
}

const char *fault_meaning(FaultPoint point)
{
    return points[point].meaning;
}

#ifdef MHSFLOW_FAULTS

/* What MHSFLOW_FAULT asks for at `point`: the text after "NAME" or NULL. */
static const char *asked(FaultPoint point)
{
    const char *rule = getenv("MHSFLOW_FAULT"), *name = points[point].name;
    size_t size = strlen(name);
    while (rule && *rule) {
        if (strncmp(rule, name, size) == 0 && strchr(":,", rule[size]))
            return rule + size;
        rule = strchr(rule, ',');
        rule += rule != NULL;
    }
    return NULL;
}

static bool word(const char *asked_for, const char *wanted)
{
    size_t size = strlen(wanted);
    return asked_for[0] == ':' && strncmp(asked_for + 1, wanted, size) == 0 &&
           strchr(",", asked_for[1 + size]);
}

void fault_reached(FaultPoint point)
{
    static unsigned long visits[FAULT_COUNT];
    const char *how = asked(point);
    if (!how || word(how, "fail"))
        return;
    visits[point]++;
    if (word(how, "stop")) {
        if (visits[point] == 1)
            raise(SIGSTOP);
        return;
    }
    if (visits[point] == (*how == ':' ? strtoul(how + 1, NULL, 10) : 1))
        kill(getpid(), SIGKILL);
}

bool fault_fails(FaultPoint point)
{
    static bool done[FAULT_COUNT];
    const char *how = asked(point);
    if (!how || !word(how, "fail") || done[point])
        return false;
    done[point] = true;
    return true;
}
#endif
