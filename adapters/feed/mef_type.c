/* SPDX-License-Identifier: Apache-2.0 */
/* What record types and fields MEF/1 knows. */
#include "adapters/feed/mef_type.h"

#include <stdbool.h>
#include <string.h>

static const struct {
    const char *name, *fields;
} types[] = {
#define MEF_TYPE(name, fields) {name, " " fields " "},
#include "adapters/feed/mef_type.def"
#undef MEF_TYPE
};
#define TYPES ((int)(sizeof types / sizeof *types))

int mef_type_index(const char *type)
{
    for (int i = 0; i < TYPES; i++)
        if (strcmp(types[i].name, type) == 0)
            return i;
    return -1;
}

const char *mef_type_name(int index)
{
    return index >= 0 && index < TYPES ? types[index].name : NULL;
}

/* The field stands in the list as a whole word. */
static bool knows(const char *fields, const char *name, size_t size)
{
    for (const char *at = fields; (at = memmem(at, strlen(at), name, size)); at++)
        if (at[-1] == ' ' && at[size] == ' ')
            return true;
    return false;
}

int64_t mef_type_unknown_fields(int type, const json_t *object)
{
    int64_t unknown = 0;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        size_t size = strlen(name);
        if (!size || !knows(types[type].fields, name, size))
            unknown++;
    }
    return unknown;
}
