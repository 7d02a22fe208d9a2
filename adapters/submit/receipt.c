/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a receiver's answer. */
#include "adapters/submit/receipt.h"

#include "daemon/base/json.h"

#include <ctype.h>
#include <string.h>

#define WORD_LIMIT 40
#define REFERENCE_LIMIT 100
#define NAME_LIMIT 64
#define FINDING_LIMIT 10000

static bool has_shape(const char *text, size_t limit, const char *extra)
{
    size_t size = text ? strlen(text) : 0;
    if (size == 0 || size > limit)
        return false;
    for (const char *c = text; *c; c++)
        if (!isascii((unsigned char)*c) || (!isalnum((unsigned char)*c) && !strchr(extra, *c)))
            return false;
    return true;
}

static const char *take(const json_t *object, const char *key, size_t limit, const char *extra,
                        Arena *arena)
{
    const char *text = json_get_text(object, key);
    return has_shape(text, limit, extra) ? arena_text(arena, text) : NULL;
}

static void read_findings(const json_t *list, Arena *arena, Receipt *ret)
{
    size_t count = json_array_size(list);
    count = count < FINDING_LIMIT ? count : FINDING_LIMIT;
    ret->findings = arena_array(arena, count + 1, sizeof *ret->findings);
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_array_get(list, i);
        SubmitFinding finding = {
            .rule = take(one, "rule", NAME_LIMIT, "_.-", arena),
            .table = take(one, "table", NAME_LIMIT, "_", arena),
            .element = take(one, "element", NAME_LIMIT, "_", arena),
        };
        if (!json_get_int(one, "row", &finding.row) || finding.row < 0)
            finding.row = 0;
        if (finding.rule)
            ret->findings[ret->finding_count++] = finding;
    }
}

void receipt_read(const char *body, size_t size, Arena *arena, Receipt *ret)
{
    Error ignored = {0};
    _cleanup_json_ json_t *object = NULL;
    *ret = (Receipt){0};
    if (size > RECEIPT_LIMIT || !json_parse(body, size, &object, &ignored) ||
        !json_is_object(object))
        return;
    ret->word = take(object, "status", WORD_LIMIT, "_", arena);
    /* A problem (RFC 9457) has its own word beside a numeric "status". */
    if (!ret->word)
        ret->word = take(object, "code", WORD_LIMIT, "_", arena);
    ret->reference = take(object, "reference", REFERENCE_LIMIT, "._:/-", arena);
    if (json_is_array(json_object_get(object, "findings")))
        read_findings(json_object_get(object, "findings"), arena, ret);
}
