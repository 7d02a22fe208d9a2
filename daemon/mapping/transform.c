/* SPDX-License-Identifier: Apache-2.0 */
/* The table of named transforms, and those that only change the form of a value. */
#include "daemon/mapping/transform.h"

#include "daemon/base/civil.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"

#include <string.h>

const Transform transforms[] = {
#define TRANSFORM(name, function, sees_nothing, help) {name, function, sees_nothing, help},
#include "daemon/mapping/transform.def"
#undef TRANSFORM
};
const size_t transform_count = COUNT_OF(transforms);

static const char *const names[] = {
#define TRANSFORM(name, function, sees_nothing, help) name,
#include "daemon/mapping/transform.def"
#undef TRANSFORM
};

const Transform *transform_find(const char *name)
{
    for (size_t i = 0; i < transform_count; i++)
        if (strcmp(transforms[i].name, name) == 0)
            return &transforms[i];
    return NULL;
}

const char *const *transform_names(size_t *ret_count)
{
    *ret_count = COUNT_OF(names);
    return names;
}

static Transformed unreadable(TransformCall *call)
{
    transform_finding(call, FINDING_VALUE_UNREADABLE);
    return GOT_NOTHING;
}

static Transformed keep(TransformCall *call, const char *text, const char **ret)
{
    *ret = arena_text(call->arena, text);
    return GOT_VALUE;
}

Transformed transform_date(TransformCall *call, const char **ret)
{
    Day day;
    if (!civil_parse_day(call->text, &day))
        return unreadable(call);
    *ret = call->text;
    return GOT_VALUE;
}

Transformed transform_birth_date(TransformCall *call, const char **ret)
{
    if (call->text)
        return transform_date(call, ret);
    if (call->line->with_count && call->with[0])
        transform_finding(call, FINDING_BIRTH_YEAR);
    return GOT_NOTHING;
}

Transformed transform_time(TransformCall *call, const char **ret)
{
    char time[9];
    return format_time(call->text, time) ? keep(call, time, ret) : unreadable(call);
}

Transformed transform_timestamp(TransformCall *call, const char **ret)
{
    char timestamp[26];
    const char *time = call->line->with_count > 0 ? call->with[0] : NULL;
    const char *offset = call->line->with_count > 1 ? call->with[1] : NULL;
    if (!format_timestamp(call->text, time, offset, timestamp))
        return unreadable(call);
    return keep(call, timestamp, ret);
}

Transformed transform_whole_number(TransformCall *call, const char **ret)
{
    int64_t number;
    if (!text_to_int64(call->text, &number) || number < 0)
        return unreadable(call);
    *ret = arena_format(call->arena, "%lld", (long long)number);
    return GOT_VALUE;
}

Transformed transform_score(TransformCall *call, const char **ret)
{
    return format_score(call->text, call->arena, ret) ? GOT_VALUE : unreadable(call);
}

Transformed transform_snomed(TransformCall *call, const char **ret)
{
    size_t length = strlen(call->text);
    if (length < 6 || length > 18 || call->text[strspn(call->text, "0123456789")])
        return unreadable(call);
    *ret = call->text;
    return GOT_VALUE;
}

/* `with`: the outward part, where the feed gives it on its own. */
Transformed transform_postcode(TransformCall *call, const char **ret)
{
    const char *outward = call->line->with_count ? call->with[0] : NULL;
    if (!call->text) {
        if (outward)
            transform_finding(call, FINDING_POSTCODE_OUTWARD);
        return GOT_NOTHING;
    }
    if (format_postcode(call->text, call->arena, ret))
        return GOT_VALUE;
    size_t length = strcspn(call->text, " ");
    if (!call->text[length] && length >= 2 && length <= 4) {
        transform_finding(call, FINDING_POSTCODE_OUTWARD);
        return GOT_NOTHING;
    }
    return unreadable(call);
}

Transformed transform_period_start(TransformCall *call, const char **ret)
{
    char text[CIVIL_TEXT_SIZE];
    return keep(call, civil_format_day(civil_first_day(call->row->map->month), text), ret);
}

Transformed transform_period_end(TransformCall *call, const char **ret)
{
    char text[CIVIL_TEXT_SIZE];
    return keep(call, civil_format_day(civil_last_day(call->row->map->month), text), ret);
}

Transformed transform_created_at(TransformCall *call, const char **ret)
{
    *ret = call->row->map->created_at;
    return *ret ? GOT_VALUE : GOT_NOTHING;
}

/* `from`: a tool; `with`: the item's name or number, and the day it was made on.  A goal's tool is
 * "gbo". */
Transformed transform_scale_key(TransformCall *call, const char **ret)
{
    const char *tool = call->text ? call->text : "gbo";
    const char *item = call->line->with_count > 0 && call->with[0] ? call->with[0] : "total";
    const char *suffix = "";
    if (strcmp(tool, "gbo") == 0) {
        const Record *person = call->row->map->person;
        Day born, on;
        const char *birth = person ? field_text(person->root, "birth_date") : NULL;
        const char *made = call->line->with_count > 1 ? call->with[1] : NULL;
        bool child = birth && made && civil_parse_day(birth, &born) && civil_parse_day(made, &on) &&
                     civil_age(born, on) < 18;
        suffix = child ? "-child" : "-adult";
    }
    *ret = arena_format(call->arena, "%s%s.%s", tool, suffix, item);
    return GOT_VALUE;
}
