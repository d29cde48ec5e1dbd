/* SPDX-License-Identifier: GPL-2.0-only */
/* `-p cpp`, `-p m4`: a program that rewrites a rules file before it is read. */
#ifndef COMPAT_PREPROCESSOR_H
#define COMPAT_PREPROCESSOR_H

#include <stdio.h>
#include <sys/types.h>

#include "ipfw/error.h"

/*
 * Starts `arguments[0]`, searched in PATH, with the file behind `input` as its standard input. Returns a stream of its
 * output, which the caller closes before preprocessor_wait(), and its process id in *process; NULL with *error set.
 */
FILE *preprocessor_start(char *const *arguments, int input, pid_t *process, struct error *error);

/* Waits for it to end. Returns 0 when it succeeded, else -1 with *error set. */
int preprocessor_wait(pid_t process, struct error *error);

#endif
