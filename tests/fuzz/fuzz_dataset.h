/* SPDX-License-Identifier: Apache-2.0 */
/* A data set of two tables, made without files: what the fuzz targets of dataset/ read into. */
#pragma once

#include "daemon/base/cleanup.h"
#include "daemon/dataset/dataset.h"

static Dataset fuzz_data = {
    .name = "fuzz", .title = "Fuzz", .version = "1", .namespace = "urn:fuzz", .root = "F"};

static const Dataset *fuzz_dataset(void)
{
    static Element head[] = {{.name = "Version", .format = "an1", .min = 1, .max = 1}};
    static Element person[] = {{.name = "Id", .format = "max an20", .min = 1, .max = 20},
                               {.name = "Born", .format = "an10 CCYY-MM-DD", .min = 10, .max = 10},
                               {.name = "Note", .format = "max an50", .min = 1, .max = 50}};
    static Table tables[] = {
        {.code = "T0", .name = "T0Head", .elements = head, .count = COUNT_OF(head)},
        {.code = "T1", .name = "T1Person", .elements = person, .count = COUNT_OF(person)}};
    if (fuzz_data.tables)
        return &fuzz_data;
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        tables[i].dataset = &fuzz_data;
        tables[i].index = i;
        for (size_t j = 0; j < tables[i].count; j++) {
            tables[i].elements[j].table = &tables[i];
            tables[i].elements[j].index = j;
        }
    }
    fuzz_data.tables = tables;
    fuzz_data.table_count = COUNT_OF(tables);
    fuzz_data.header = &tables[0];
    fuzz_data.person = &tables[1];
    return &fuzz_data;
}
