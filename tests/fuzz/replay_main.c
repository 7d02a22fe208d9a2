/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over the files of its corpus folder, as a normal test (TAP).
 *
 * Each input also goes in cut at every eighth, and with one byte changed: cheap
 * neighbours of what once was interesting. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each in memory of its own size, so that a read past the end is seen by the sanitizers. */
static void give(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    if (size)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void give_with_neighbours(uint8_t *data, size_t size)
{
    give(data, size);
    for (size_t eighth = 1; eighth < 8; eighth++)
        give(data, size * eighth / 8);
    for (size_t step = 0; size && step < 16; step++) {
        size_t at = size * step / 16;
        data[at] ^= 0x21;
        give(data, size);
        data[at] ^= 0x21;
    }
}

static uint8_t *read_whole(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        abort();
    long size = ftell(file);
    rewind(file);
    uint8_t *data = malloc((size_t)size + 1);
    if (!data || fread(data, 1, (size_t)size, file) != (size_t)size)
        abort();
    fclose(file);
    *ret_size = (size_t)size;
    return data;
}

static int no_dots(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    struct dirent **entries;
    if (argc != 2)
        return 2;
    int count = scandir(argv[1], &entries, no_dots, alphasort);
    if (count <= 0) {
        printf("Bail out! no corpus in %s\n", argv[1]);
        return 1;
    }
    printf("1..%d\n", count);
    for (int i = 0; i < count; i++) {
        char path[4096];
        size_t size;
        snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
        uint8_t *data = read_whole(path, &size);
        give_with_neighbours(data, size);
        printf("ok %d - %s\n", i + 1, entries[i]->d_name);
        fflush(stdout);
        free(data);
        free(entries[i]);
    }
    free(entries);
    return 0;
}
