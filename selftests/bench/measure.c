/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Nanoseconds per packet of XDP programs, by BPF_PROG_TEST_RUN.
 *
 *   measure INTERFACE ROUNDS REPEAT NAME=PROGRAM@FRAME ...
 *
 * PROGRAM is a pinned program or an object file ending in .o, FRAME the packet in hexadecimal. All
 * candidates run once in every round, so that what disturbs the machine disturbs all of them. Prints one line
 * per candidate: name, XDP action, median, least and greatest round.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define FRAME_MAX 2048
#define ROUNDS_MAX 1000

struct candidate {
	const char *name;
	int program;
	unsigned char frame[FRAME_MAX];
	unsigned int length, action;
	unsigned int nanoseconds[ROUNDS_MAX];
};

static int open_program(const char *path)
{
	const char *suffix = strrchr(path, '.');
	struct bpf_object *object;

	if (!suffix || strcmp(suffix, ".o"))
		return bpf_obj_get(path);
	object = bpf_object__open_file(path, NULL);
	if (!object || bpf_object__load(object))
		return -1;
	return bpf_program__fd(bpf_object__next_program(object, NULL));
}

static unsigned int read_frame(unsigned char *frame, const char *text)
{
	unsigned int length = 0, byte;

	while (length < FRAME_MAX && sscanf(text + 2 * length, "%2x", &byte) == 1)
		frame[length++] = (unsigned char)byte;
	return length;
}

/* Splits NAME=PROGRAM@FRAME, in place. Exits with a message on anything else. */
static void read_candidate(struct candidate *candidate, char *text)
{
	char *program = strchr(text, '='), *frame = program ? strrchr(program, '@') : NULL;

	if (!frame) {
		fprintf(stderr, "measure: %s: expected NAME=PROGRAM@FRAME\n", text);
		exit(EX_USAGE);
	}
	*program++ = '\0';
	*frame++ = '\0';
	candidate->name = text;
	candidate->length = read_frame(candidate->frame, frame);
	candidate->program = open_program(program);
	if (candidate->program < 0) {
		fprintf(stderr, "measure: %s: %s\n", program, strerror(errno));
		exit(EX_NOINPUT);
	}
}

static void run(struct candidate *candidate, unsigned int interface, unsigned int repeat, unsigned int round)
{
	struct xdp_md context = {.data_end = candidate->length, .ingress_ifindex = interface};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = candidate->frame, .data_size_in = candidate->length,
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = (int)repeat);

	if (bpf_prog_test_run_opts(candidate->program, &options)) {
		fprintf(stderr, "measure: %s: %s\n", candidate->name, strerror(errno));
		exit(EX_OSERR);
	}
	candidate->action = options.retval;
	candidate->nanoseconds[round] = options.duration;
}

static int compare(const void *a, const void *b)
{
	unsigned int left = *(const unsigned int *)a, right = *(const unsigned int *)b;

	return left < right ? -1 : left > right;
}

int main(int count, char **arguments)
{
	unsigned int interface, rounds, repeat;
	struct candidate *candidates;

	if (count < 5) {
		fprintf(stderr, "usage: measure INTERFACE ROUNDS REPEAT NAME=PROGRAM@FRAME ...\n");
		return EX_USAGE;
	}
	interface = if_nametoindex(arguments[1]);
	rounds = (unsigned int)atoi(arguments[2]);
	repeat = (unsigned int)atoi(arguments[3]);
	count -= 4;
	candidates = calloc((size_t)count, sizeof(*candidates));
	if (!candidates || !interface || !rounds || rounds > ROUNDS_MAX)
		return EX_USAGE;
	for (int i = 0; i < count; i++)
		read_candidate(candidates + i, arguments[i + 4]);
	for (unsigned int round = 0; round < rounds; round++)
		for (int i = 0; i < count; i++)
			run(candidates + i, interface, repeat, round);
	for (int i = 0; i < count; i++) {
		qsort(candidates[i].nanoseconds, rounds, sizeof(unsigned int), compare);
		printf("%s %u %u %u %u\n", candidates[i].name, candidates[i].action,
		       candidates[i].nanoseconds[rounds / 2], candidates[i].nanoseconds[0],
		       candidates[i].nanoseconds[rounds - 1]);
	}
	free(candidates);
	return 0;
}
