/* SPDX-License-Identifier: GPL-2.0-only */
/* ipfw-bpfd: what the firewall of a network namespace needs a process for. It may die at any time. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "loader/keepalive.h"

#define PROGRAM "ipfw-bpfd"

static int fail(const struct error *error)
{
	fprintf(stderr, PROGRAM ": %s\n", error->message);
	return error->exit_code;
}

/* Waits until the next multiple of a period since `start`, however long the last one took. */
static void wait_for_next(struct timespec *next)
{
	struct timespec now;

	next->tv_sec += KEEPALIVE_PERIOD;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec >= next->tv_sec)
		*next = now;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL) == EINTR)
		;
}

/* Goes on after failures: a firewall that cannot be read now may be so the next time. */
static _Noreturn void serve(struct keepalive *keepalive)
{
	char told[sizeof(((struct error *)NULL)->message)] = "";
	struct timespec next;
	struct error error;
	size_t sent;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (;; wait_for_next(&next)) {
		error_clear(&error);
		if (!keepalive_send(keepalive, &sent, &error)) {
			told[0] = '\0';
		} else if (strcmp(told, error.message) != 0) {
			fail(&error);
			memcpy(told, error.message, sizeof(told));
		}
	}
}

static int once(struct keepalive *keepalive)
{
	struct error error;
	size_t sent;

	error_clear(&error);
	if (keepalive_send(keepalive, &sent, &error))
		return fail(&error);
	printf("%zu keepalives sent\n", sent);
	return 0;
}

static int print(void)
{
	struct error error;

	error_clear(&error);
	return keepalive_print(stdout, &error) ? fail(&error) : 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"once", no_argument, NULL, '1'},
		{"print", no_argument, NULL, 'p'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	struct keepalive *keepalive;
	struct error error;
	bool single = false, printed = false;
	int letter, code;

	while ((letter = getopt_long(argc, argv, "1", options, NULL)) != -1) {
		if (letter == 'V') {
			printf(PROGRAM " " IPFW_VERSION "\n");
			return 0;
		}
		if (letter != '1' && letter != 'p')
			return EX_USAGE;
		single |= letter == '1';
		printed |= letter == 'p';
	}
	if (optind < argc) {
		fprintf(stderr, "usage: " PROGRAM " [--once | --print | --version]\n");
		return EX_USAGE;
	}
	if (printed)
		return print();
	error_clear(&error);
	if (keepalive_open(&keepalive, &error))
		return fail(&error);
	if (!single)
		serve(keepalive);
	code = once(keepalive);
	keepalive_close(keepalive);
	return code;
}
