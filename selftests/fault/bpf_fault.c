/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Preloaded into a program under test: makes one of its bpf() calls go wrong.
 *
 *   FAULT_LOG=FILE   appends the number of the command of every bpf() call, one per line
 *   FAULT_AT=N       the Nth call (from 1) is not made;
 *   FAULT_ERRNO=E    it fails with this error number,
 *   FAULT_KILL=1     or the process is killed in its place
 *
 * libbpf and libxdp reach the kernel by syscall(3), which is what is interposed here.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef long (*syscall_function)(long number, ...);

long syscall(long number, ...);

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

/* Whether the call that is about to be made shall fail; sets errno, or does not return at all. */
static int refused(long command)
{
	const char *log = getenv("FAULT_LOG"), *at = getenv("FAULT_AT"), *error = getenv("FAULT_ERRNO");
	long call = atomic_fetch_add(&calls, 1) + 1;

	if (log)
		log_command(log, command);
	if (!at || atol(at) != call)
		return 0;
	if (getenv("FAULT_KILL"))
		kill(getpid(), SIGKILL);
	errno = error ? atoi(error) : EIO;
	return 1;
}

long syscall(long number, ...)
{
	static syscall_function next;
	long argument[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		argument[i] = va_arg(list, long);
	va_end(list);
	if (!next)
		next = (syscall_function)dlsym(RTLD_NEXT, "syscall");
	if (number == SYS_bpf && refused(argument[0]))
		return -1;
	return next(number, argument[0], argument[1], argument[2], argument[3], argument[4], argument[5]);
}
