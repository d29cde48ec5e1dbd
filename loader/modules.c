/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/modules.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>

#include "loader/compile/emit.h"
#include "loader/kernel_fields.h"
#include "loader/programs.h"
#include "loader/stretch_maps.h"

static const struct module {
	const char *name;
	const char *symbols[9];		  /* that need it, up to the first NULL */
	enum bpf_func_id helper;	  /* that not every kernel has; 0: none */
	enum bpf_prog_type helper_caller; /* what kind of program calls it */
	const char *refusal;		  /* what to say without it */
} modules[] = {
	{
		.name = "stretch",
		.symbols = {SYMBOL_STRETCH_MATCH, SYMBOL_STRETCH_FIRST, SYMBOL_EXACT_MATCH, SYMBOL_RULESET_FRONT},
	},
	{
		.name = "stretch_states",
		.symbols = {SYMBOL_STRETCH_STATE_MAKE, SYMBOL_STRETCH_STATE_FOUND, SYMBOL_STRETCH_STATE_UNTIL},
	},
	{
		.name = "calls",
		.symbols = {SYMBOL_PACKET_CALL, SYMBOL_PACKET_RETURN},
	},
	{
		.name = "modify",
		.symbols = {SYMBOL_PACKET_SET_DSCP, SYMBOL_PACKET_SET_MSS},
	},
	{
		.name = "source_route",
		.symbols = {SYMBOL_PACKET_VERREVPATH, SYMBOL_PACKET_VERSRCREACH, SYMBOL_PACKET_ANTISPOOF},
	},
	{
		.name = "log",
		.symbols = {SYMBOL_PACKET_LOG},
	},
	{
		.name = "socket",
		.symbols = {SYMBOL_PACKET_USER, SYMBOL_PACKET_GROUP, SYMBOL_PACKET_CONTROL_GROUP,
			    SYMBOL_PACKET_CONTROL_GROUP_PATH, SYMBOL_PACKET_SOCKET_MARKED, SYMBOL_PACKET_USER_KEY,
			    SYMBOL_PACKET_CONTROL_GROUP_KEY, SYMBOL_PACKET_SOCKET_VALUE},
		.helper = BPF_FUNC_probe_read_kernel,
		.helper_caller = BPF_PROG_TYPE_XDP,
		.refusal = "uid, gid, jail, sockarg, also looked up: this kernel lets programs read none of its memory "
			   "(lockdown)",
	},
	{
		.name = "table",
		.symbols = {SYMBOL_PACKET_TABLE_ADDRESS, SYMBOL_PACKET_TABLE_NUMBER, SYMBOL_PACKET_TABLE_INTERFACE,
			    SYMBOL_PACKET_TABLE_FLOW, SYMBOL_PACKET_TABLE_MAC},
	},
	{
		.name = "tablearg",
		.symbols = {SYMBOL_PACKET_TABLE_VALUE},
	},
	{
		.name = "positions",
		.symbols = {SYMBOL_RULE_POSITION},
	},
	{
		.name = "tags",
		.symbols = {SYMBOL_PACKET_TAG, SYMBOL_PACKET_UNTAG, SYMBOL_PACKET_TAGGED},
	},
	{
		.name = "ipsec",
		.symbols = {SYMBOL_PACKET_IPSEC},
		.helper = BPF_FUNC_skb_get_xfrm_state,
		.helper_caller = BPF_PROG_TYPE_SCHED_CLS,
		.refusal = "ipsec: this kernel was built without IPsec (CONFIG_XFRM)",
	},
	{
		.name = "states",
		.symbols = {SYMBOL_PACKET_STATE_CHECK, SYMBOL_PACKET_STATE_SEEK, SYMBOL_PACKET_STATE_FOUND,
			    SYMBOL_PACKET_STATE_KEEP,
			    /* of stretch_states, which calls the former */
			    SYMBOL_STRETCH_STATE_MAKE, SYMBOL_STRETCH_STATE_FOUND, SYMBOL_STRETCH_STATE_UNTIL},
	},
};

_Static_assert(sizeof(modules) / sizeof(*modules) <= MODULES_MAX, "room for the paths of all modules");

/* Whether code that calls the function needs the module. */
static bool serves(const struct module *module, const char *symbol)
{
	for (size_t i = 0; module->symbols[i]; i++)
		if (!strcmp(module->symbols[i], symbol))
			return true;
	return false;
}

static bool calls(const struct code *code, const struct module *module)
{
	if (code->front && serves(module, SYMBOL_RULESET_FRONT))
		return true;
	for (size_t i = 0; i < code->assembler.call_count; i++)
		if (serves(module, code->assembler.calls[i].symbol))
			return true;
	return false;
}

static bool usable(const struct module *module, struct error *error)
{
	if (!module->helper || libbpf_probe_bpf_helper(module->helper_caller, module->helper, NULL))
		return true;
	error_set(error, EX_UNAVAILABLE, -1, "%s", module->refusal);
	return false;
}

int modules_find(const struct code *code, const char *hook, char paths[MODULES_MAX][MODULE_PATH_MAX],
		 struct error *error)
{
	int count = 0;

	for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++) {
		if (!calls(code, modules + i))
			continue;
		if (!usable(modules + i, error))
			return -1;
		snprintf(paths[count++], MODULE_PATH_MAX, "%s/%s_%s.bpf.o", programs_directory(), hook,
			 modules[i].name);
	}
	return count;
}

/* Where the kernel keeps what the module `socket` reads. */
static int prepare_kernel_fields(struct bpf_object *object, struct error *error)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata.kernel");
	const struct kernel_fields *fields = map ? kernel_fields_find(error) : NULL;

	if (!map)
		return 0;
	return fields ? bpf_map__set_initial_value(map, fields, sizeof(*fields)) : -EOPNOTSUPP;
}

#define CONTROL_GROUPS_MAP "control_groups"

/* Room for the paths that the module `socket` compares with. */
static int prepare_control_groups(struct bpf_object *object, const struct control_groups *groups)
{
	struct bpf_map *map = groups->count ? bpf_object__find_map_by_name(object, CONTROL_GROUPS_MAP) : NULL;

	return map ? bpf_map__set_max_entries(map, (__u32)groups->count) : 0;
}

/* From when on the module `table` sees the tables that change with the rules. */
static int prepare_tables(struct bpf_object *object, const struct table_epochs *epochs)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata.tables");

	return map ? bpf_map__set_initial_value(map, epochs, sizeof(*epochs)) : 0;
}

int modules_prepare(struct bpf_object *object, const struct plan *plan, const struct table_epochs *epochs,
		    struct error *error)
{
	int result = prepare_kernel_fields(object, error);

	if (!result)
		result = prepare_tables(object, epochs);
	if (!result)
		result = prepare_control_groups(object, &plan->groups);
	return result ? result : stretch_prepare(object, plan);
}

static int fill_control_groups(struct bpf_object *object, const struct plan *plan)
{
	int fd = plan->groups.count ? bpf_object__find_map_fd_by_name(object, CONTROL_GROUPS_MAP) : -1;
	struct control_group_path path;
	int result = 0;

	for (__u32 i = 0; fd >= 0 && !result && i < plan->groups.count; i++) {
		result = control_group_split(&path, plan->groups.paths[i]);
		if (!result)
			result = bpf_map_update_elem(fd, &i, &path, BPF_ANY) ? -errno : 0;
	}
	return result;
}

#define POSITIONS_MAP "rule_positions"

/* Where rules are, for jumps to numbers out of tables. */
static int fill_positions(struct bpf_object *object, const struct plan *plan)
{
	int fd = bpf_object__find_map_fd_by_name(object, POSITIONS_MAP);
	size_t size = (RULE_NUMBER_DEFAULT + 1) * sizeof(__u64);
	void *memory;

	if (fd < 0)
		return 0;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	plan_positions(plan, memory);
	munmap(memory, size);
	return 0;
}

int modules_fill(struct bpf_object *object, const struct plan *plan)
{
	int result = fill_control_groups(object, plan);

	if (!result)
		result = fill_positions(object, plan);
	return result ? result : stretch_fill(object, plan);
}
