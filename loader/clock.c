/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/clock.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "loader/programs.h"

static int run(const struct bpf_object *object, struct clock_reading *reading)
{
	const struct bpf_program *program = bpf_object__find_program_by_name(object, "jiffies_now");
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = reading, .ctx_size_in = sizeof(*reading));

	if (!program)
		return -ENOENT;
	return bpf_prog_test_run_opts(bpf_program__fd(program), &options) ? -errno : 0;
}

int clock_read(struct clock_reading *reading)
{
	struct clock_reading fresh = {0};
	char path[PATH_MAX + 32];
	struct bpf_object *object;
	int result;

	snprintf(path, sizeof(path), "%s/clock.bpf.o", programs_directory());
	object = bpf_object__open_file(path, NULL);
	result = object ? bpf_object__load(object) : -errno;
	if (!result)
		result = run(object, &fresh);
	bpf_object__close(object);
	if (!result)
		*reading = fresh;
	return result;
}

time_t clock_wall_time(const struct clock_reading *now, __u64 jiffies)
{
	struct timespec tick = {0}, wall = {0};
	__u64 age = now->jiffies > jiffies ? now->jiffies - jiffies : 0, nanoseconds;

	/* The coarse clocks advance once per jiffy. */
	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	clock_gettime(CLOCK_REALTIME, &wall);
	nanoseconds = (__u64)wall.tv_sec * 1000000000u + (__u64)wall.tv_nsec - age * (__u64)tick.tv_nsec;
	return (time_t)(nanoseconds / 1000000000u);
}
