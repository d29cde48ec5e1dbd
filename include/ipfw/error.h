/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Errors as users see them: an exit code of sysexits(3) that ipfw would give, ipfw's own first
 * line, and then what ipfw never said: where in the line, and what would be right.
 */
#ifndef IPFW_ERROR_H
#define IPFW_ERROR_H

#include <stdarg.h>
#include <stddef.h>

struct error {
	int exit_code;	   /* sysexits(3) value; 0: no error recorded */
	int word;	   /* index of the offending word in the command, -1: none */
	char message[512]; /* ipfw's first line, without "ipfw: " and newline */
	char advice[512];  /* what would be right, "" when there is nothing to add */
};

/* Clears *error. Call before handing it to anything that may fail. */
void error_clear(struct error *error);

/*
 * Records an error once: the first one stays, later calls change nothing, so that the cause is
 * reported and not its consequences. `word` as in struct error. Returns -1, for `return error_set(...)`.
 */
int error_set(struct error *error, int exit_code, int word, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Adds the line that says what would be right to the recorded error. Returns -1. */
int error_advise(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
