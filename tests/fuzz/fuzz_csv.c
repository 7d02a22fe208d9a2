/* SPDX-License-Identifier: Apache-2.0 */
/* CSV from outside: every row is as wide as the header, or an error that names its line. */
#include "daemon/base/csv.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Error err = {0};
    CsvReader *reader;
    const CsvRow *row;
    if (!csv_open_bytes("fuzz", (const char *)data, size, &reader, &err))
        return err.code ? 0 : (abort(), 0);
    size_t width = csv_header(reader)->count, number = 0;
    bool fine;
    while ((fine = csv_next(reader, &row, &err)) && row)
        if (row->count != width || row->number != ++number)
            abort();
    if (!fine && !err.code)
        abort();
    csv_close(reader);
    return 0;
}
