/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Preloaded into a program under test: appends to FAULT_LOG how large the table of file descriptors is whenever a
 * thread is made, and whenever one has ended.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static void note_size(const char *when)
{
	FILE *status = fopen("/proc/self/status", "re"), *log = fopen(getenv("FAULT_LOG"), "ae");
	char line[256];
	int size = 0;

	while (status && fgets(line, sizeof(line), status))
		sscanf(line, "FDSize: %d", &size);
	if (!size || !log)
		abort();
	fprintf(log, "%s %d\n", when, size);
	fclose(log);
	fclose(status);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
	int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
		dlsym(RTLD_NEXT, "pthread_create");

	note_size("begin");
	return next(thread, attributes, start, argument);
}

int pthread_join(pthread_t thread, void **result)
{
	int (*next)(pthread_t, void **) = dlsym(RTLD_NEXT, "pthread_join");
	int error = next(thread, result);

	note_size("end");
	return error;
}
