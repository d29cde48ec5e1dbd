/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/generation.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "loader/environment.h"
#include "loader/stretch_notes.h"
#include "maps/create.h"
#include "maps/states.h"
#include "maps/store.h"

const char *const generation_map_names[GENERATION_MAPS] = {
	[GENERATION_RULESET] = "ruleset",	[GENERATION_STRETCHES] = "stretches",
	[GENERATION_INTERFACES] = "interfaces", [GENERATION_LOCAL_ADDRESSES] = "local_addresses",
	[GENERATION_ROUTES] = "routes",		[GENERATION_STATE_RULES] = "state_rules",
};

const char *const generation_program_names[HOOK_COUNT] = {
	[HOOK_XDP] = "xdp_ruleset",
	[HOOK_TC_EGRESS] = "tc_egress_ruleset",
	[HOOK_TC_INGRESS] = "tc_ingress_ruleset",
	[HOOK_XDP_FORWARD] = "xdp_forward_ruleset",
};

/* A slot of a program array. */
struct slot {
	int array;
	__u32 index;
};

static struct slot slot_of(const struct lasting *lasting, enum hook hook, __u32 number)
{
	if (hook == HOOK_XDP)
		return (struct slot){lasting->fds[LASTING_XDP_PROGRAMS], XDP_SLOT(number)};
	if (hook == HOOK_XDP_FORWARD)
		return (struct slot){lasting->fds[LASTING_XDP_PROGRAMS], XDP_SLOT_FORWARD(number)};
	return (struct slot){lasting->fds[LASTING_TC_PROGRAMS],
			     hook == HOOK_TC_EGRESS ? TC_SLOT_EGRESS(number) : TC_SLOT_INGRESS(number)};
}

const char *store_object_path(void)
{
	static char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/" STORE_OBJECT, programs_directory());
	return path;
}

/* Opens the maps of the active generation. Returns 0 or -errno with none open. */
static int open_old_maps(const struct generation_request *request, int fds[GENERATION_MAPS])
{
	char path[PINS_PATH_MAX];

	for (int i = 0; i < GENERATION_MAPS; i++) {
		pins_generation_path(path, request->pins, request->old, generation_map_names[i]);
		fds[i] = pins_get(path);
		if (fds[i] >= 0)
			continue;
		for (int opened = 0; opened < i; opened++)
			close(fds[opened]);
		return fds[i];
	}
	return 0;
}

/* Makes the maps after those of the active generation, which takes less time than to read how they are declared. */
static int copy_maps(const struct generation_request *request, struct map_order orders[GENERATION_MAPS])
{
	int models[GENERATION_MAPS], result;

	result = request->slow->known ? open_old_maps(request, models) : -ENOENT;
	if (result)
		return result;
	result = maps_create_like(models, orders, GENERATION_MAPS);
	for (int i = 0; i < GENERATION_MAPS; i++)
		close(models[i]);
	return result;
}

static int create_maps(const struct generation_request *request, struct map_order orders[GENERATION_MAPS])
{
	struct environment_size size = environment_size(request->interfaces, request->routes);

	for (int i = 0; i < GENERATION_MAPS; i++)
		orders[i] = (struct map_order){.name = generation_map_names[i], .fd = -1};
	orders[GENERATION_RULESET].entries = store_elements(request->ruleset);
	orders[GENERATION_INTERFACES].entries = size.interfaces;
	orders[GENERATION_LOCAL_ADDRESSES].entries = size.local_addresses;
	orders[GENERATION_ROUTES].entries = size.routes;
	orders[GENERATION_STATE_RULES].entries = state_rules_elements(request->ruleset);
	return copy_maps(request, orders) ? maps_create(store_object_path(), orders, GENERATION_MAPS) : 0;
}

/* A rule that made states in the old generation stays the same one for them. */
static int fill_state_rules(const struct generation_request *request, int fd)
{
	char path[PINS_PATH_MAX];
	int old = -1, result;

	if (request->old) {
		pins_generation_path(path, request->pins, request->old, generation_map_names[GENERATION_STATE_RULES]);
		old = pins_get(path);
		if (old < 0)
			return old;
	}
	result = state_rules_write(fd, old, request->number, request->ruleset);
	if (!result)
		result = state_owners_add(request->lasting, fd, request->ruleset);
	if (old >= 0)
		close(old);
	return result < 0 ? result : 0;
}

static int fill_maps(const struct generation_request *request, const struct map_order orders[GENERATION_MAPS])
{
	struct environment_maps maps = {
		.interfaces = orders[GENERATION_INTERFACES].fd,
		.local_addresses = orders[GENERATION_LOCAL_ADDRESSES].fd,
		.routes = orders[GENERATION_ROUTES].fd,
	};
	int result = store_write(orders[GENERATION_RULESET].fd, request->ruleset);

	if (!result)
		result = environment_write(&maps, request->number, request->hooks, request->interfaces);
	if (!result)
		result = fill_state_rules(request, orders[GENERATION_STATE_RULES].fd);
	return result ? result : environment_write_routes(maps.routes, request->routes, request->interfaces);
}

static struct programs_request programs_of(const struct generation_request *request)
{
	return (struct programs_request){
		.ruleset = request->ruleset,
		.interfaces = request->interfaces,
		.describe = request->describe,
		.table_epochs = request->table_epochs,
		.hooks = {[HOOK_XDP] = hooks_any_xdp(request->hooks),
			  [HOOK_TC_EGRESS] = true,
			  [HOOK_TC_INGRESS] = hooks_any(request->hooks, HOOK_MODE_TC),
			  [HOOK_XDP_FORWARD] = request->forward},
		.xdp_plain_attach_type = request->lasting->control->xdp_entry_kind == XDP_ENTRY_DISPATCHED,
	};
}

void generation_begin(const struct generation_request *request)
{
	struct programs_request programs = programs_of(request);

	programs_begin(request->begun, &programs);
}

static int build_programs(const struct generation_request *request, const struct map_order orders[GENERATION_MAPS],
			  struct programs *programs, struct error *error)
{
	struct map_binding bindings[LASTING_MAPS + GENERATION_MAPS + 1];
	struct programs_request build = programs_of(request);

	build.maps = bindings;
	build.map_count = sizeof(bindings) / sizeof(*bindings);
	for (int i = 0; i < LASTING_MAPS; i++)
		bindings[i] = (struct map_binding){lasting_names[i], request->lasting->fds[i]};
	for (int i = 0; i < GENERATION_MAPS; i++)
		bindings[LASTING_MAPS + i] = (struct map_binding){orders[i].name, orders[i].fd};
	bindings[LASTING_MAPS + GENERATION_MAPS] = (struct map_binding){SLOW_MAP, request->slow->handover};
	return programs_build(programs, request->begun, &build, error);
}

static int pin_one(const struct generation_request *request, const char *name, int fd)
{
	char path[PINS_PATH_MAX];

	if (fd < 0)
		return 0;
	pins_generation_path(path, request->pins, request->number, name);
	return bpf_obj_pin(fd, path) ? -errno : 0;
}

static int pin_all(const struct generation_request *request, const struct map_order orders[GENERATION_MAPS],
		   const struct programs *programs)
{
	char path[PINS_PATH_MAX];
	int result;

	pins_generation_path(path, request->pins, request->number, "");
	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	result = pin_one(request, SLOW_MAP, request->slow->handover);
	for (int i = 0; !result && i < GENERATION_MAPS; i++)
		result = pin_one(request, orders[i].name, orders[i].fd);
	for (int hook = 0; !result && hook < HOOK_COUNT; hook++)
		result = pin_one(request, generation_program_names[hook], programs->fds[hook]);
	for (int parser = 0; !result && parser < SLOW_PARSERS; parser++)
		result = pin_one(request, slow_names[parser], request->slow->fds[parser]);
	return result;
}

/* Puts a program into a slot. One that this generation lacks (-1) must not be left there by an earlier one. */
static int fill_slot(struct slot slot, int fd)
{
	int result = 0;
	__u32 id;

	if (fd >= 0)
		result = bpf_map_update_elem(slot.array, &slot.index, &fd, BPF_ANY);
	else if (!bpf_map_lookup_elem(slot.array, &slot.index, &id))
		result = bpf_map_delete_elem(slot.array, &slot.index);
	return result ? -errno : 0;
}

static int fill_slots(const struct generation_request *request, const struct programs *programs)
{
	const int *arrays = request->lasting->fds;
	const struct slot slow_slots[SLOW_PARSERS] = {
		[SLOW_XDP] = {arrays[LASTING_XDP_PROGRAMS], XDP_SLOT_SLOW(request->number)},
		[SLOW_TC] = {arrays[LASTING_TC_PROGRAMS], TC_SLOT_SLOW(request->number)},
	};
	int result = 0;

	for (int parser = 0; !result && parser < SLOW_PARSERS; parser++)
		result = fill_slot(slow_slots[parser], request->slow->fds[parser]);
	for (int hook = 0; !result && hook < HOOK_COUNT; hook++)
		result = fill_slot(slot_of(request->lasting, hook, request->number), programs->fds[hook]);
	return result;
}

__u32 generation_next(const struct control *control)
{
	__u32 next = control->generation + 1;

	return next ? next : 2;
}

static int build_with(const struct generation_request *request, struct map_order orders[GENERATION_MAPS],
		      struct error *error)
{
	struct programs programs;
	int result = fill_maps(request, orders);

	if (result)
		return error_set(error, EX_UNAVAILABLE, -1, "cannot fill the maps of the new ruleset: %s",
				 strerror(-result));
	if (build_programs(request, orders, &programs, error))
		return -1;
	result = stretch_notes_write(orders[GENERATION_STRETCHES].fd, programs.notes, HOOK_COUNT);
	if (!result)
		result = pin_all(request, orders, &programs);
	if (!result)
		result = fill_slots(request, &programs);
	programs_free(&programs);
	if (result)
		return error_set(error, EX_UNAVAILABLE, -1, "cannot install the new ruleset: %s", strerror(-result));
	return 0;
}

int generation_build(const struct generation_request *request, struct error *error)
{
	struct map_order orders[GENERATION_MAPS];
	int result = create_maps(request, orders);

	if (result)
		return error_set(error, EX_UNAVAILABLE, -1, "cannot make the maps of the new ruleset: %s",
				 strerror(-result));
	result = build_with(request, orders, error);
	for (int i = 0; i < GENERATION_MAPS; i++)
		close(orders[i].fd);
	if (result)
		generation_unpin(request->pins, request->number);
	return result;
}

void generation_unpin(const struct pins *pins, __u32 number)
{
	char path[PINS_PATH_MAX];

	pins_generation_path(path, pins, number, "");
	bpffs_remove_tree(path);
}
