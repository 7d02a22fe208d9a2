/* SPDX-License-Identifier: Apache-2.0 */
/* The XSD of a data set, made from its pack. */
#include "daemon/dataset/schema.h"

#include "daemon/dataset/dataset_read.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define TYPE_NAME_SIZE 64

/* "max an20" → "max-an20": formats share types, so a type is named by its format. */
static const char *type_name(const Element *element, char buffer[TYPE_NAME_SIZE])
{
    size_t size = 0;
    if (element->reject_unknown) {
        snprintf(buffer, TYPE_NAME_SIZE, "codes-%s", element->codes->name);
        return buffer;
    }
    for (const char *c = element->format; *c && size < TYPE_NAME_SIZE - 1; c++) {
        if (isalnum((unsigned char)*c) || *c == '.')
            buffer[size++] = *c;
        else if (size && buffer[size - 1] != '-')
            buffer[size++] = '-';
    }
    buffer[size] = '\0';
    return buffer;
}

static void facet(Text *text, const char *name, const char *value)
{
    text_addf(text, "      <xs:%s value=\"", name);
    text_add_xml(text, value);
    text_add(text, "\"/>\n");
}

static void facet_length(Text *text, int min, int max)
{
    char number[16];
    snprintf(number, sizeof number, "%d", min);
    if (min == max) {
        facet(text, "length", number);
        return;
    }
    facet(text, "minLength", number);
    snprintf(number, sizeof number, "%d", max);
    facet(text, "maxLength", number);
}

static void facet_digits(Text *text, const Element *element)
{
    char pattern[64];
    int whole, least, most;
    if (format_decimal(element->format, &whole, &least, &most))
        snprintf(pattern, sizeof pattern, "[0-9]{1,%d}\\.[0-9]{%d,%d}", whole, least, most);
    else
        snprintf(pattern, sizeof pattern, "[0-9]{%d,%d}", element->min, element->max);
    facet(text, "pattern", pattern);
}

#define DATE_PATTERN "[0-9]{4}-[0-9]{2}-[0-9]{2}"
#define TIME_PATTERN "[0-9]{2}:[0-9]{2}:[0-9]{2}"

static void type_write(Text *text, const Element *element, const char *name)
{
    text_addf(text, "  <xs:simpleType name=\"%s\">\n", name);
    if (!element->reject_unknown)
        text_addf(text,
                  "    <xs:annotation><xs:documentation>%s</xs:documentation></xs:annotation>\n",
                  element->format);
    text_add(text, "    <xs:restriction base=\"xs:string\">\n");
    if (element->reject_unknown) {
        for (size_t i = 0; i < element->codes->count; i++)
            facet(text, "enumeration", element->codes->codes[i].code);
    } else {
        switch (element->kind) {
        case VALUE_TEXT:
            facet_length(text, element->min, element->max);
            break;
        case VALUE_NUMBER:
        case VALUE_DECIMAL:
            facet_digits(text, element);
            break;
        case VALUE_DATE:
            facet(text, "pattern", DATE_PATTERN);
            break;
        case VALUE_TIME:
            facet(text, "pattern", TIME_PATTERN);
            break;
        case VALUE_DATETIME:
            facet(text, "pattern", DATE_PATTERN "T" TIME_PATTERN);
            break;
        case VALUE_TIMESTAMP:
            facet(text, "pattern", DATE_PATTERN "T" TIME_PATTERN "(Z|\\+00:00|\\+01:00|-00:00)");
            break;
        case VALUE_POSTCODE:
            facet(text, "pattern", "[A-Za-z]{1,2}[0-9][A-Za-z0-9]?\\s+[0-9][A-Za-z]{2}");
            facet_length(text, element->min, element->max);
            break;
        }
    }
    text_add(text, "    </xs:restriction>\n  </xs:simpleType>\n");
}

/* Each type once, where it is first used. */
static void types_write(const Dataset *dataset, Text *text)
{
    char name[TYPE_NAME_SIZE], other[TYPE_NAME_SIZE];
    for (size_t i = 0; i < dataset->table_count; i++)
        for (size_t j = 0; j < dataset->tables[i].count; j++) {
            const Element *element = &dataset->tables[i].elements[j];
            bool known = false;
            type_name(element, name);
            for (size_t k = 0; k <= i && !known; k++)
                for (size_t l = 0; l < (k == i ? j : dataset->tables[k].count) && !known; l++)
                    known = strcmp(type_name(&dataset->tables[k].elements[l], other), name) == 0;
            if (!known)
                type_write(text, element, name);
        }
}

/* An element is needed where a national rule refuses the row without it: mandation M. */
static void table_write(const Table *table, Text *text)
{
    char name[TYPE_NAME_SIZE];
    text_addf(text, "  <xs:complexType name=\"%s\">\n    <xs:annotation><xs:documentation>%s",
              table->name, table->code);
    text_add(text, ": ");
    text_add_xml(text, table->title);
    text_add(text, "</xs:documentation></xs:annotation>\n    <xs:sequence>\n");
    for (size_t i = 0; i < table->count; i++) {
        const Element *element = &table->elements[i];
        text_addf(text, "      <xs:element name=\"%s\" type=\"%s\"%s/>\n", element->name,
                  type_name(element, name), element->mandation == 'M' ? "" : " minOccurs=\"0\"");
    }
    text_add(text, "    </xs:sequence>\n  </xs:complexType>\n");
}

static void root_write(const Dataset *dataset, Text *text)
{
    text_addf(text, "  <xs:element name=\"%s\">\n    <xs:complexType>\n      <xs:sequence>\n",
              dataset->root);
    for (size_t i = 0; i < dataset->table_count; i++) {
        const Table *table = &dataset->tables[i];
        text_addf(text, "        <xs:element name=\"%s\" type=\"%s\"%s/>\n", table->name,
                  table->name,
                  table == dataset->header ? "" : " minOccurs=\"0\" maxOccurs=\"unbounded\"");
    }
    text_addf(
        text,
        "      </xs:sequence>\n"
        "      <xs:attribute name=\"version\" type=\"xs:string\" use=\"required\" fixed=\"%s\"/>\n"
        "    </xs:complexType>\n  </xs:element>\n",
        dataset->version);
}

void schema_write(const Dataset *dataset, Text *text)
{
    text_addf(
        text,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<!-- Made from %s by `mhsflow dataset xsd`; do not edit. -->\n"
        "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns=\"%s\"\n"
        "    targetNamespace=\"%s\" elementFormDefault=\"qualified\">\n"
        "  <xs:annotation>\n    <xs:documentation>\n"
        "      %s, version %s, as documents of the mhsflow project.  This schema and its\n"
        "      namespace are the project's own.  They are not published, approved or accepted\n"
        "      by NHS England, which takes this data set in another form.\n"
        "    </xs:documentation>\n  </xs:annotation>\n",
        dataset->name, dataset->namespace, dataset->namespace, dataset->title, dataset->version);
    types_write(dataset, text);
    for (size_t i = 0; i < dataset->table_count; i++)
        table_write(&dataset->tables[i], text);
    root_write(dataset, text);
    text_add(text, "</xs:schema>\n");
}
