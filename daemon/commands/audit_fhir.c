/* SPDX-License-Identifier: Apache-2.0 */
/* An audit event as a FHIR R4 AuditEvent: who, what, when, the place in the seal. */
#include "daemon/commands/audit_seal.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"

#include <string.h>

#define TYPE_SYSTEM "http://dicom.nema.org/resources/ontology/DCM"
#define TYPE_CODE "110100" /* Application Activity */
#define SOURCE_SYSTEM "http://terminology.hl7.org/CodeSystem/security-source-type"
#define SOURCE_CODE "4" /* application server */
#define OWN "urn:mhsflow:"

static json_t *details_of(json_t *fields)
{
    json_t *list = json_array(), *value;
    const char *key;
    char number[32];

    json_object_foreach(fields, key, value)
    {
        const char *text = json_string_value(value);
        if (!text) {
            snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
            text = number;
        }
        json_array_append_new(list, json_pack("{s:s, s:s}", "type", key, "valueString", text));
    }
    return list;
}

static void add_extension(json_t *list, const char *name, const char *value)
{
    char url[64];

    snprintf(url, sizeof url, OWN "audit-%s", name);
    json_array_append_new(list, json_pack("{s:s, s:s}", "url", url, "valueString", value));
}

static json_t *extensions_of(const AuditRecord *record, int64_t leaf, json_t *proof)
{
    json_t *list = json_array(), *node;
    char hex[DIGEST_HEX_SIZE], number[32];
    size_t i;

    add_extension(list, "hash", digest_hex(record->hash, hex));
    add_extension(list, "previous", digest_hex(record->previous, hex));
    snprintf(number, sizeof number, "%lld", (long long)record->seq);
    add_extension(list, "seq", number);
    if (leaf >= 0) {
        snprintf(number, sizeof number, "%lld", (long long)leaf);
        add_extension(list, "leaf", number);
    }
    json_array_foreach(proof, i, node) add_extension(list, "proof", json_string_value(node));
    return list;
}

/* Somebody looked; all else is an act. */
static const char *action_of(const char *event)
{
    return text_equal(event, audit_event_name(AUDIT_SHOWN)) ||
                   text_equal(event, audit_event_name(AUDIT_REVEALED))
               ? "R"
               : "E";
}

json_t *audit_fhir_event(const AuditRecord *record, int64_t leaf, json_t *proof)
{
    _cleanup_json_ json_t *fields = json_loads(record->fields, 0, NULL);
    const char *actor = fields ? json_get_text(fields, "actor") : NULL;
    json_t *details = details_of(fields);
    json_t *event = json_pack(
        "{s:s, s:o, s:{s:s, s:s, s:s}, s:[{s:s, s:s}], s:s, s:s, s:s, s:[{s:{s:s}, s:b}],"
        " s:{s:{s:s}, s:[{s:s, s:s}]}}",
        "resourceType", "AuditEvent", "extension", extensions_of(record, leaf, proof), "type",
        "system", TYPE_SYSTEM, "code", TYPE_CODE, "display", "Application Activity", "subtype",
        "system", OWN "audit-event", "code", record->event, "action", action_of(record->event),
        "recorded", record->at, "outcome", "0", "agent", "who", "display",
        actor ? actor : record->writer, "requestor", actor != NULL, "source", "observer", "display",
        record->writer, "type", "system", SOURCE_SYSTEM, "code", SOURCE_CODE);

    if (json_array_size(details))
        json_object_set_new(event, "entity", json_pack("[{s:o}]", "detail", details));
    else
        json_decref(details);
    json_decref(proof);
    return event;
}

json_t *audit_fhir_checkpoint(Arena *arena, const char *note)
{
    return json_pack("{s:s, s:s, s:s}", "resourceType", "Binary", "contentType", "text/plain",
                     "data", base64_encode(arena, note, strlen(note)));
}
