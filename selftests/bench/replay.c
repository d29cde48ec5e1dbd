/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Nanoseconds per packet of XDP programs over many different packets, by BPF_PROG_TEST_RUN.
 *
 *   replay INTERFACE ROUNDS MILLISECONDS TRACE NAME=PROGRAM ...
 *
 * PROGRAM is a pinned program, TRACE a file of trace.py. The program is reached through one that writes the next packet
 * of the trace over the test packet and jumps (replay.bpf.c); in every round the same is done with a program that does
 * nothing, and that program is also run by itself. A candidate's figure is
 *
 *   its run - the run that replays for nothing + the program that does nothing,
 *
 * that is, what the candidate would cost if the packets came by themselves; it is comparable with what measure prints.
 * All take turns of MILLISECONDS, so that what disturbs the machine disturbs all. Prints one line for each: name, last
 * XDP action, the figure of each round. The first two lines are `empty' and `replay', as measured.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "selftests/bench/frame.h"
#include "selftests/bench/trace_file.h"

#define ROUNDS_MAX 1000
#define CANDIDATES_MAX 8
#define CALIBRATION 2000 /* packets: also warms the caches */
#define EMPTY 0
#define REPLAY 1
#define OWN 2 /* the first of the command line's */

struct candidate {
	const char *name;
	int program; /* that is run */
	unsigned int action, repeat;
	unsigned int nanoseconds[ROUNDS_MAX];
};

struct bench {
	const char *object; /* path of replay.bpf.o */
	struct trace trace;
	unsigned char frame[FRAME_BYTES];
	unsigned int interface, rounds, milliseconds, count;
	struct candidate candidates[CANDIDATES_MAX];
};

static void __attribute__((noreturn, format(printf, 2, 3))) die(int status, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("replay: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(status);
}

/*
 * The kernel joins two programs by a program array only if both say the same about fragments and their attach type,
 * and does not tell what a loaded one has said.
 */
static const struct kind {
	__u32 flags;
	enum bpf_attach_type attach;
} kinds[] = {{BPF_F_XDP_HAS_FRAGS, BPF_XDP}, {BPF_F_XDP_HAS_FRAGS, 0}, {0, BPF_XDP}, {0, 0}};

static struct bpf_object *load_replay(const struct bench *bench, const struct kind *kind)
{
	struct bpf_object *object = bpf_object__open_file(bench->object, NULL);
	struct bpf_program *program;
	struct bpf_map *map;

	if (!object)
		die(EX_NOINPUT, "%s: %s", bench->object, strerror(errno));
	bpf_object__for_each_program(program, object)
	{
		bpf_program__set_flags(program, kind->flags);
		bpf_program__set_expected_attach_type(program, kind->attach);
	}
	map = bpf_object__find_map_by_name(object, bench->trace.version == 4 ? "packets4" : "packets6");
	bpf_map__set_max_entries(map, bench->trace.count);
	map = bpf_object__find_map_by_name(object, ".rodata");
	bpf_map__set_initial_value(map, &bench->trace.count, sizeof(bench->trace.count));
	if (bpf_object__load(object))
		die(EX_OSERR, "%s: %s", bench->object, strerror(errno));
	return object;
}

static void fill(const struct bench *bench, const struct bpf_object *object)
{
	const char *name = bench->trace.version == 4 ? "packets4" : "packets6";
	__u32 *keys = calloc(bench->trace.count, sizeof(*keys));
	__u32 count = bench->trace.count;

	if (!keys)
		die(EX_OSERR, "out of memory");
	for (__u32 i = 0; i < count; i++)
		keys[i] = i;
	if (bpf_map_update_batch(bpf_object__find_map_fd_by_name(object, name), keys, bench->trace.packets, &count,
				 NULL))
		die(EX_OSERR, "%s: %s", name, strerror(errno));
	free(keys);
}

/* Returns a program that replays the trace into `target`, or into one that does nothing (-1). */
static int replay_into(const struct bench *bench, int target)
{
	const char *name = bench->trace.version == 4 ? "replay4" : "replay6";
	const __u32 slot = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct bpf_object *object = load_replay(bench, &kinds[i]);
		int measured = bpf_object__find_map_fd_by_name(object, "measured");
		int program = target;

		if (target < 0)
			program = bpf_program__fd(bpf_object__find_program_by_name(object, "nothing"));
		if (!bpf_map_update_elem(measured, &slot, &program, BPF_ANY)) {
			fill(bench, object);
			return bpf_program__fd(bpf_object__find_program_by_name(object, name));
		}
		bpf_object__close(object);
	}
	die(EX_OSERR, "no way to jump to the program: %s", strerror(errno));
}

static void add(struct bench *bench, const char *name, int program)
{
	struct candidate *candidate = &bench->candidates[bench->count++];

	if (bench->count > CANDIDATES_MAX)
		die(EX_USAGE, "too many candidates");
	candidate->name = name;
	candidate->program = program;
}

static void add_candidates(struct bench *bench, int count, char **texts)
{
	static const struct kind any = {0, 0};
	struct bpf_object *object = load_replay(bench, &any);

	add(bench, "empty", bpf_program__fd(bpf_object__find_program_by_name(object, "nothing")));
	add(bench, "replay", replay_into(bench, -1));
	for (int i = 0; i < count; i++) {
		char *path = strchr(texts[i], '=');
		int program = path ? bpf_obj_get(path + 1) : -1;

		if (program < 0)
			die(EX_NOINPUT, "%s: %s", texts[i], path ? strerror(errno) : "expected NAME=PROGRAM");
		*path = '\0';
		add(bench, texts[i], replay_into(bench, program));
	}
}

/* Returns the nanoseconds per packet. */
static unsigned int run(const struct bench *bench, struct candidate *candidate, unsigned int repeat)
{
	struct xdp_md context = {.data_end = FRAME_BYTES, .ingress_ifindex = bench->interface};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = bench->frame, .data_size_in = FRAME_BYTES,
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = (int)repeat);

	if (bpf_prog_test_run_opts(candidate->program, &options))
		die(EX_OSERR, "%s: %s", candidate->name, strerror(errno));
	if (!options.retval)
		die(EX_OSERR, "%s: the packet did not reach the program", candidate->name);
	candidate->action = options.retval;
	return options.duration;
}

static void measure(struct bench *bench)
{
	for (unsigned int i = 0; i < bench->count; i++) {
		unsigned int once = run(bench, &bench->candidates[i], CALIBRATION);

		bench->candidates[i].repeat = bench->milliseconds * 1000000 / (once ? once : 1) + 1;
	}
	for (unsigned int round = 0; round < bench->rounds; round++)
		for (unsigned int i = 0; i < bench->count; i++) {
			struct candidate *candidate = &bench->candidates[i];

			candidate->nanoseconds[round] = run(bench, candidate, candidate->repeat);
		}
}

static void print(struct bench *bench)
{
	const unsigned int *empty = bench->candidates[EMPTY].nanoseconds;
	const unsigned int *replay = bench->candidates[REPLAY].nanoseconds;

	for (unsigned int i = OWN; i < bench->count; i++)
		for (unsigned int round = 0; round < bench->rounds; round++) {
			unsigned int *value = &bench->candidates[i].nanoseconds[round];

			*value = *value + empty[round] > replay[round] ? *value + empty[round] - replay[round] : 0;
		}
	for (unsigned int i = 0; i < bench->count; i++) {
		const struct candidate *candidate = &bench->candidates[i];

		printf("%s %u", candidate->name, candidate->action);
		for (unsigned int round = 0; round < bench->rounds; round++)
			printf(" %u", candidate->nanoseconds[round]);
		putchar('\n');
	}
}

/* Stays on one CPU: programs count per CPU, and the caches are its own. */
static void stay(void)
{
	int cpu = sched_getcpu();
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu < 0 ? 0 : (size_t)cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

int main(int count, char **arguments)
{
	static struct bench bench;
	char object[4096];
	int error;

	if (count < 6)
		die(EX_USAGE, "expected INTERFACE ROUNDS MILLISECONDS TRACE NAME=PROGRAM ...");
	snprintf(object, sizeof(object), "%s.bpf.o", arguments[0]);
	bench.object = object;
	bench.interface = if_nametoindex(arguments[1]);
	bench.rounds = (unsigned int)atoi(arguments[2]);
	bench.milliseconds = (unsigned int)atoi(arguments[3]);
	if (!bench.interface || !bench.rounds || bench.rounds > ROUNDS_MAX)
		die(EX_USAGE, "no such interface, or too many rounds");
	error = trace_read(&bench.trace, arguments[4]);
	if (error)
		die(EX_NOINPUT, "%s: %s", arguments[4], strerror(-error));
	error = frame_make(bench.frame, arguments[1], bench.trace.version);
	if (error)
		die(EX_OSERR, "%s: %s", arguments[1], strerror(-error));
	stay();
	add_candidates(&bench, count - 5, arguments + 5);
	measure(&bench);
	print(&bench);
	trace_free(&bench.trace);
	return 0;
}
