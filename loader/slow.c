/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/slow.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "loader/entry.h"
#include "loader/generation.h"
#include "loader/log.h"
#include "loader/programs.h"
#include "maps/create.h"

const char *const slow_names[SLOW_PARSERS] = {[SLOW_XDP] = "xdp_slow", [SLOW_TC] = "tc_slow"};

static const char *const objects[SLOW_PARSERS] = {[SLOW_XDP] = "xdp_slow.bpf.o", [SLOW_TC] = "tc_slow.bpf.o"};

/* On the map and the entries' arrays. Returns a file descriptor that the caller owns, or -errno. */
static int load(const struct slow *slow, const struct lasting *lasting, enum slow_parser parser)
{
	bool dispatched = lasting->control->xdp_entry_kind == XDP_ENTRY_DISPATCHED;
	struct bpf_object *object = entry_open_object(lasting, objects[parser], slow_names[parser]);
	struct bpf_program *program;
	int result;

	if (!object)
		return -errno;
	program = bpf_object__find_program_by_name(object, slow_names[parser]);
	result = program ? bpf_map__reuse_fd(bpf_object__find_map_by_name(object, SLOW_MAP), slow->handover) : -ENOENT;
	if (!result && parser == SLOW_XDP)
		result = programs_match_entry(program, dispatched);
	if (!result)
		result = bpf_object__load(object);
	if (!result) {
		result = fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 3);
		result = result < 0 ? -errno : result;
	}
	bpf_object__close(object);
	return result;
}

static int make_map(struct slow *slow)
{
	struct map_order order = {.name = SLOW_MAP};
	int result = maps_create(store_object_path(), &order, 1);

	slow->handover = order.fd;
	return result;
}

/* What the active generation has of this name. Returns a file descriptor that the caller owns, or -errno. */
static int take(const struct lasting *lasting, const struct pins *pins, const char *name)
{
	char path[PINS_PATH_MAX];

	pins_generation_path(path, pins, lasting->control->generation, name);
	return pins_get(path);
}

static int open_all(struct slow *slow, const struct lasting *lasting, const struct pins *pins, bool with_xdp)
{
	bool same = slow->known;
	int result = 0;

	if (same)
		slow->handover = take(lasting, pins, SLOW_MAP);
	if (slow->handover < 0) {
		same = false;
		result = make_map(slow);
	}
	for (int parser = 0; !result && parser < SLOW_PARSERS; parser++) {
		if (parser == SLOW_XDP && !with_xdp)
			continue;
		if (same)
			slow->fds[parser] = take(lasting, pins, slow_names[parser]);
		if (slow->fds[parser] < 0)
			slow->fds[parser] = load(slow, lasting, parser);
		if (slow->fds[parser] < 0)
			result = slow->fds[parser];
	}
	return result;
}

int slow_open(struct slow *slow, const struct lasting *lasting, const struct pins *pins, bool with_xdp,
	      struct error *error)
{
	int result = 0;

	*slow = (struct slow){.fds = {[SLOW_XDP] = -1, [SLOW_TC] = -1}, .handover = -1};
	for (int parser = 0; !result && parser < SLOW_PARSERS; parser++)
		result = entry_add_checksum(&slow->checksum, objects[parser]);
	if (!result)
		result = entry_add_checksum(&slow->checksum, STORE_OBJECT);
	slow->known = lasting->control->generation && lasting->control->kept_checksum == slow->checksum;
	if (!result)
		result = open_all(slow, lasting, pins, with_xdp);
	if (!result)
		return 0;
	slow_close(slow);
	error_set(error, EX_UNAVAILABLE, -1, "cannot load the parsers in %s: %s", programs_directory(),
		  strerror(-result));
	return error_advise(error, "%s", log_last());
}

void slow_close(struct slow *slow)
{
	for (int parser = 0; parser < SLOW_PARSERS; parser++) {
		if (slow->fds[parser] >= 0)
			close(slow->fds[parser]);
		slow->fds[parser] = -1;
	}
	if (slow->handover >= 0)
		close(slow->handover);
	slow->handover = -1;
}
