/* SPDX-License-Identifier: GPL-2.0-only */
/* Errors on the terminal. */
#ifndef COMPAT_DIAG_H
#define COMPAT_DIAG_H

#include <stdio.h>

#include "ipfw-compat/language.h"
#include "ipfw/error.h"

/*
 * Prints ipfw's line `program: message`, then the command with a mark under the word that is wrong, then the advice.
 * `program` is "ipfw", or "Line N" for a rules file; `words` may be NULL when there is no command to show.
 */
void diagnose(FILE *out, const char *program, const struct words *words, const struct error *error);

#endif
