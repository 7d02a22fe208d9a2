/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflowd: arguments, then one role or all of them. */
#include "daemon/base/roff.h"
#include "daemon/roles/role.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void help(FILE *out)
{
    size_t count;
    const Role *const *roles = role_all(&count);
    fputs("mhsflowd: carries case-management records to national submissions.\n\n"
          "  mhsflowd [--config FILE] [--role NAME]\n\n"
          "Without --role it starts and watches all roles under one user; the systemd units start "
          "each\n"
          "role alone, with its own user, credentials and walls.\n\n"
          "  --config FILE   settings (default: $MHSFLOW_CONFIG, else /etc/mhsflow/mhsflow.yaml)\n"
          "  --role NAME     run one role in this process:\n",
          out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "      %-10s  %s\n", roles[i]->name, roles[i]->summary);
    fputs("  --version       print the version\n  --help          print this\n  --manual        "
          "print the manual page's source\n",
          out);
}

static void manual(FILE *out)
{
    size_t count;
    const Role *const *roles = role_all(&count);
    roff_begin(out, "mhsflowd", 8, "carries case-management records to national submissions");
    roff_heading(out, "SYNOPSIS");
    roff_paragraph(out, "`mhsflowd` [--config FILE] [--role NAME]");
    roff_heading(out, "DESCRIPTION");
    roff_paragraph(out,
                   "Without --role it starts and watches all roles under one user; the systemd "
                   "units start each role alone, with its own user, credentials and walls.  TERM "
                   "ends it, HUP has it read the settings again.");
    roff_heading(out, "ROLES");
    for (size_t i = 0; i < count; i++)
        roff_item(out, roles[i]->name, roles[i]->summary);
    roff_heading(out, "OPTIONS");
    roff_item(out, "--config FILE",
              "Settings; else $MHSFLOW_CONFIG, else /etc/mhsflow/mhsflow.yaml.");
    roff_item(out, "--role NAME", "Run one role in this process.");
    roff_item(out, "--version", "Print the version.");
    roff_heading(out, "SEE ALSO");
    roff_paragraph(out, "`mhsflow`(1), `mhsflow.yaml`(5), `journalctl`(1)");
}

static const Role *find_role(const char *name)
{
    size_t count;
    const Role *const *roles = role_all(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(roles[i]->name, name) == 0)
            return roles[i];
    return NULL;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"role", required_argument, NULL, 'r'},
        {"version", no_argument, NULL, 'v'},      {"help", no_argument, NULL, 'h'},
        {"manual", no_argument, NULL, 'm'},       {0}};
    const char *settings = getenv("MHSFLOW_CONFIG"), *role_name = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'c')
            settings = optarg;
        else if (option == 'r')
            role_name = optarg;
        else if (option == 'v')
            return printf("mhsflowd %s\n", MHSFLOW_VERSION) < 0;
        else if (option == 'm')
            return manual(stdout), fflush(stdout) ? 1 : 0;
        else
            return help(option == 'h' ? stdout : stderr), option == 'h' ? 0 : 2;
    }
    const Role *role = role_name ? find_role(role_name) : NULL;
    if (optind < argc || (role_name && !role)) {
        fprintf(stderr, "mhsflowd: there is no %s \"%s\"; see mhsflowd --help\n",
                optind < argc ? "argument" : "role", optind < argc ? argv[optind] : role_name);
        return 2;
    }
    settings = settings ? settings : "/etc/mhsflow/mhsflow.yaml";
    return role ? role_main(role, settings) : supervisor_main(argv[0], settings);
}
