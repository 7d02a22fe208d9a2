/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow-sandbox: the other side of mhsflow, made up: an export feed and a receiver of
 * submissions. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/sandbox/certificate.h"
#include "tests/sandbox/generate.h"
#include "tests/sandbox/serve.h"

static int make_sender_key(const Options *options)
{
    if (options->out == NULL) {
        (void)fprintf(stderr, "mhsflow-sandbox: make-sender-key: --out is needed\n");
        return 2;
    }
    if (mkdir(options->out, 0700) != 0 && errno != EEXIST) {
        (void)fprintf(stderr, "mhsflow-sandbox: %s: %s\n", options->out, strerror(errno));
        return 3;
    }
    if (!certificate_sender(options->out)) {
        (void)fprintf(stderr, "mhsflow-sandbox: %s: could not write, or there is a key already\n",
                      options->out);
        return 3;
    }
    return 0;
}

typedef struct CommandRow {
    const char *name;
    int (*run)(const Options *options);
} CommandRow;

static const CommandRow commands[] = {
    {"serve", serve_run},
    {"generate", generate_run},
    {"truth", truth_run},
    {"make-sender-key", make_sender_key},
};

int main(int argc, char **argv)
{
    Options options;
    int result = options_parse(argc, argv, &options);
    if (result != 0)
        return result == 1 ? 0 : 2;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(options.command, commands[i].name) == 0)
            return commands[i].run(&options);
    return 2;
}
