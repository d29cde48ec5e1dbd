/* SPDX-License-Identifier: GPL-2.0-only */
#include "ipfw-compat/preprocessor.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sysexits.h>
#include <sys/wait.h>
#include <unistd.h>

/* Starts the program between the two descriptors. Returns 0 or an errno value. */
static int spawn(char *const *arguments, int input, int output, pid_t *process)
{
	posix_spawn_file_actions_t actions;
	int result = posix_spawn_file_actions_init(&actions);

	if (result)
		return result;
	result = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	if (!result)
		result = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (!result)
		result = posix_spawnp(process, arguments[0], &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	return result;
}

FILE *preprocessor_start(char *const *arguments, int input, pid_t *process, struct error *error)
{
	FILE *stream;
	int ends[2], result;

	if (pipe2(ends, O_CLOEXEC)) {
		error_set(error, EX_OSERR, -1, "cannot create pipe: %s", strerror(errno));
		return NULL;
	}
	stream = fdopen(ends[0], "r");
	result = stream ? spawn(arguments, input, ends[1], process) : errno;
	close(ends[1]);
	if (!result)
		return stream;
	error_set(error, EX_UNAVAILABLE, -1, "execvp(%s) failed: %s", arguments[0], strerror(result));
	error_advise(error, "install it, or give its path: -p /path/of/preprocessor");
	if (stream)
		fclose(stream);
	else
		close(ends[0]);
	return NULL;
}

int preprocessor_wait(pid_t process, struct error *error)
{
	int status;

	while (waitpid(process, &status, 0) < 0)
		if (errno != EINTR)
			return error_set(error, EX_OSERR, -1, "waitpid(): %s", strerror(errno));
	if (WIFSIGNALED(status))
		return error_set(error, EX_UNAVAILABLE, -1, "preprocessor exited with signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status))
		return error_set(error, EX_UNAVAILABLE, -1, "preprocessor exited with status %d", WEXITSTATUS(status));
	return 0;
}
