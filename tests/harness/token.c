/* SPDX-License-Identifier: Apache-2.0 */
/* A PKCS#11 token for a test. */
#include "tests/harness/token.h"

#include "daemon/base/file.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "mhsflow test"
#define PIN "123456"

struct Token {
    char folder[32];
    char pin_path[64];
    int count;
};

extern char **environ;

static void util(const char *const *arguments)
{
    char *copy[16] = {strdup("softhsm2-util")};
    pid_t child;
    int status = -1;
    for (size_t i = 0; arguments[i]; i++)
        copy[i + 1] = strdup(arguments[i]);
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    ck_assert_int_eq(posix_spawnp(&child, copy[0], &quiet, NULL, copy, environ), 0);
    posix_spawn_file_actions_destroy(&quiet);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(status == 0, "softhsm2-util %s: status %x", arguments[0], status);
    for (size_t i = 0; copy[i]; i++)
        free(copy[i]);
}

Token *token_new(void)
{
    char path[64], text[256];
    Error err = {0};
    Token *token = calloc(1, sizeof *token);
    snprintf(token->folder, sizeof token->folder, "/tmp/token-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(token->folder));
    snprintf(path, sizeof path, "%s/tokens", token->folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(text, sizeof text,
             "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", path);
    snprintf(path, sizeof path, "%s/softhsm2.conf", token->folder);
    ck_assert(file_write(path, text, strlen(text), 0600, &err));
    ck_assert_int_eq(setenv("SOFTHSM2_CONF", path, 1), 0);
    snprintf(token->pin_path, sizeof token->pin_path, "%s/pin", token->folder);
    ck_assert(file_write(token->pin_path, PIN "\n", strlen(PIN) + 1, 0600, &err));
    util((const char *const[]){"--init-token", "--free", "--label", NAME, "--pin", PIN, "--so-pin",
                               "654321", NULL});
    return token;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

void token_free(Token *token)
{
    ck_assert_int_eq(nftw(token->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(token);
}

const char *token_folder(const Token *token)
{
    return token->folder;
}

const char *token_pin_path(const Token *token)
{
    return token->pin_path;
}

void token_import(Token *token, const char *key_path, const char *label)
{
    char id[8];
    snprintf(id, sizeof id, "%02d", ++token->count);
    util((const char *const[]){"--import", key_path, "--token", NAME, "--label", label, "--id", id,
                               "--pin", PIN, NULL});
}

const char *token_uri(const Token *token, const char *label, Arena *arena)
{
    (void)token;
    return arena_format(arena, "pkcs11:token=mhsflow%%20test;object=%s;type=private", label);
}
