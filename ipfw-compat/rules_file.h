/* SPDX-License-Identifier: GPL-2.0-only */
/* A file of commands, run as one transaction. */
#ifndef COMPAT_RULES_FILE_H
#define COMPAT_RULES_FILE_H

#include "ipfw-compat/options.h"

/*
 * Runs `ipfw [-cfnNqS] [-p preprocessor [arguments]] /path`: `arguments` is argv, [count - 1] the path. Either all
 * commands of the file take effect, together, or none; with -f those that fail are passed over. Returns a sysexits(3)
 * code: that of the first command that failed. Messages have been printed when it is not 0. *options is preset by the
 * caller.
 */
int rules_file_run(struct options *options, int count, char **arguments);

#endif
