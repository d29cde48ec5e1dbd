/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/sweep.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "loader/entry.h"
#include "loader/log.h"
#include "loader/programs.h"
#include "maps/states.h"

#define OBJECT "sweep.bpf.o"
#define START "state_sweep_start"

/* Runs a program of the sweep, which looks at no frame but must get one. Returns what it returned, or -errno. */
static int run(int fd)
{
	const char frame[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame));

	return bpf_prog_test_run_opts(fd, &options) ? -errno : (int)options.retval;
}

static int find_program(const struct bpf_object *object, const char *name)
{
	const struct bpf_program *program = bpf_object__find_program_by_name(object, name);

	return program ? bpf_program__fd(program) : -ENOENT;
}

static int pin_program(const struct bpf_object *object, const struct pins *pins, const char *name)
{
	int fd = find_program(object, name);
	char path[PINS_PATH_MAX];

	pins_path(path, pins, name);
	return fd < 0 ? fd : pins_replace(path, fd);
}

/* Starts the timer, or makes it go on with this program, and pins what is run when it is asked for. */
static int start(const struct bpf_object *object, const struct pins *pins)
{
	static const char *const pinned[] = {SWEEP_PROGRAM, KILL_PROGRAM, RESTORE_PROGRAM};
	int fd = find_program(object, START), result = fd < 0 ? fd : run(fd);

	for (size_t i = 0; !result && i < sizeof(pinned) / sizeof(*pinned); i++)
		result = pin_program(object, pins, pinned[i]);
	return result;
}

static int load(const struct lasting *lasting, const struct pins *pins)
{
	char path[PATH_MAX + 32];
	struct bpf_object *object;
	int result = 0;

	snprintf(path, sizeof(path), "%s/" OBJECT, programs_directory());
	object = bpf_object__open_file(path, NULL);
	if (!object)
		return -errno;
	for (int i = 0; !result && i < LASTING_MAPS; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, lasting_names[i]);

		result = map ? bpf_map__reuse_fd(map, lasting->fds[i]) : 0;
	}
	if (!result)
		result = bpf_object__load(object);
	if (!result)
		result = start(object, pins);
	bpf_object__close(object);
	return result;
}

int sweep_ensure(const struct lasting *lasting, const struct pins *pins, const struct ruleset *ruleset,
		 struct error *error)
{
	__u32 checksum = 0;
	int result;

	if (!ruleset_makes_states(ruleset))
		return 0;
	result = entry_add_checksum(&checksum, OBJECT);
	if (!result && lasting->control->sweep_checksum == checksum)
		return 0;
	if (!result)
		result = load(lasting, pins);
	if (result) {
		error_set(error, EX_UNAVAILABLE, -1, "cannot start the sweep of dynamic rules in %s: %s",
			  programs_directory(), strerror(-result));
		return error_advise(error, "%s", log_last());
	}
	lasting->control->sweep_checksum = checksum;
	return 0;
}

int sweep_now(const struct pins *pins)
{
	char path[PINS_PATH_MAX];
	int fd, result;

	pins_path(path, pins, SWEEP_PROGRAM);
	fd = pins_get(path);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	result = run(fd);
	close(fd);
	return result;
}
