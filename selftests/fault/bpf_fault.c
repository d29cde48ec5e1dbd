/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Preloaded into a program under test: makes one of its bpf() calls go wrong.
 *
 *   FAULT_LOG=FILE   appends the number of the command of every bpf() call, one per line
 *   FAULT_AT=N       the Nth call (from 1) is not made;
 *   FAULT_ERRNO=E    it fails with this error number,
 *   FAULT_KILL=1     or the process is killed in its place
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "selftests/fault/interpose.h"

static atomic_long calls;

static void log_command(const char *path, long command)
{
	char line[32];
	int length = snprintf(line, sizeof(line), "%ld\n", command);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, line, length) != length)
		abort();
	close(fd);
}

static bool refused(long command, const union bpf_attr *attributes)
{
	const char *log = getenv("FAULT_LOG"), *at = getenv("FAULT_AT"), *error = getenv("FAULT_ERRNO");
	long call = atomic_fetch_add(&calls, 1) + 1;

	if (log)
		log_command(log, command);
	if (!at || atol(at) != call)
		return false;
	if (getenv("FAULT_KILL"))
		kill(getpid(), SIGKILL);
	errno = error ? atoi(error) : EIO;
	return true;
}
