/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * serve SOCKET: runs the tool as often as asked, each time in a fork of this process, before whose main() nothing has
 * happened. That saves the start of a program, which is most of a run under the sanitizers. SOCKET is the number of a
 * SOCK_SEQPACKET socket that brings the words of one run at a time, the name of the program first, each with its NUL,
 * and takes the wait status of the run (int) for each. Streams are inherited. Ends when the other end is closed. With
 * sanitizers one run of eight is looked through for leaks: that takes as long as the run.
 */
#include <linux/types.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* main() of the tool. */
int tool_main(int argc, char **argv);

enum { REQUEST_SIZE = 1 << 17, MAX_WORDS = 4096 };

/* Splits `size` bytes of words; returns how many there are, 0 if too many. */
static int split(char *request, size_t size, char **words)
{
	int count = 0;

	for (size_t at = 0; at < size; at += strlen(request + at) + 1) {
		if (count == MAX_WORDS)
			return 0;
		words[count++] = request + at;
	}
	words[count] = NULL;
	return count;
}

/* Whether the next run is to be looked through for leaks: one of eight, in no order that commands might have, too. */
static bool leaks_wanted(void)
{
	static __u32 number;

	return ++number * 0x9e3779b1u >> 29 == 0;
}

/* Runs the tool once; returns its wait status, or -1. */
static int run(int count, char **words)
{
	bool leaks = leaks_wanted();
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		status = tool_main(count, words);
		if (leaks)
			exit(status); /* LeakSanitizer does its work in there */
		fflush(NULL);
		_exit(status);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

int main(int argc, char **argv)
{
	static char request[REQUEST_SIZE + 1];
	static char *words[MAX_WORDS + 1];
	int socket, count, status;
	ssize_t size;

	if (argc != 2) {
		fprintf(stderr, "usage: serve SOCKET\n");
		return 64;
	}
	socket = atoi(argv[1]);
	while ((size = recv(socket, request, REQUEST_SIZE, 0)) > 0) {
		request[size] = '\0';
		count = split(request, size, words);
		status = count ? run(count, words) : -1;
		if (status < 0 || send(socket, &status, sizeof(status), MSG_NOSIGNAL) != sizeof(status))
			return 1;
	}
	return 0;
}
