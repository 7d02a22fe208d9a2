/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow: the command that people type. */
#include "daemon/commands/command.h"

int main(int argc, char **argv)
{
    return command_main(argc, argv);
}
