/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/hooks.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "loader/attach_clsact.h"
#include "loader/attach_tc.h"
#include "loader/attach_xdp.h"
#include "loader/log.h"

/* In a record: some program of ours is attached, but not one to rely on. No real program has this id. */
#define PROGRAM_UNKNOWN 0xffffffffu

#define VLAN_DEPTH_MAX 8 /* MAX_NEST_DEV of the kernel's linux/netdevice.h */

bool hook_replies_by_tc(const struct hook_state *state)
{
	return state->record.mode == HOOK_MODE_NATIVE && !strcmp(state->interface->kind, "veth");
}

const char *hook_mode_text(const struct hook_state *state)
{
	switch (state->record.mode) {
	case HOOK_MODE_NATIVE:
		return "XDP native";
	case HOOK_MODE_GENERIC:
		return "XDP generic";
	case HOOK_MODE_TC:
		return "TC ingress";
	default:
		return "-";
	}
}

bool hook_displaced(const struct hook_state *state)
{
	return (state->record.mode == HOOK_MODE_NATIVE || state->record.mode == HOOK_MODE_GENERIC) &&
	       state->interface->xdp_program != state->record.xdp_program;
}

bool hook_tc_gone(const struct hook_state *state, enum tc_direction direction)
{
	__u32 noted = direction == TC_EGRESS ? state->record.tc_egress : state->record.tc_ingress;
	bool attached = false;

	return noted && (tc_attached(state->interface->index, direction, noted, &attached) || !attached);
}

/* Frames that enter by a port belong to the master: there they are filtered (ipfw(8), net.link.bridge.ipfw=0). */
static bool is_port(const struct interface *interface)
{
	static const char *const kinds[] = {"bridge", "bond", "team", "openvswitch"};

	for (size_t i = 0; interface->master && i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(interface->master_kind, kinds[i]))
			return true;
	return false;
}

/* No record is a record of zeros: nothing attached. Nor can records of another layout be read. */
static int read_record(const struct lasting *lasting, struct hook_state *state)
{
	__u32 key = (__u32)state->interface->index;

	if (lasting->alien || !bpf_map_lookup_elem(lasting->fds[LASTING_HOOKS], &key, &state->record))
		return 0;
	return errno == ENOENT ? 0 : -errno;
}

/* How many VLAN devices lead down from this one to a device that is none. */
static unsigned int vlan_depth(const struct interface_list *list, const struct interface *interface)
{
	unsigned int depth = 0;

	while (interface && interface->vlan_parent && depth < VLAN_DEPTH_MAX) {
		interface = interface_find(list, interface->vlan_parent);
		depth++;
	}
	return depth;
}

int hooks_open(struct hooks *hooks, const struct lasting *lasting, const struct interface_list *list)
{
	int result = 0;

	memset(hooks, 0, sizeof(*hooks));
	hooks->states = calloc(list->count + 1, sizeof(*hooks->states));
	if (!hooks->states)
		return -ENOMEM;
	hooks->count = list->count;
	for (size_t i = 0; !result && i < list->count; i++) {
		hooks->states[i].interface = list->interfaces + i;
		hooks->states[i].port = is_port(list->interfaces + i);
		hooks->states[i].depth = vlan_depth(list, list->interfaces + i);
		result = read_record(lasting, hooks->states + i);
	}
	if (!result)
		result = entries_open(&hooks->entries, lasting);
	if (result)
		hooks_close(hooks);
	return result;
}

void hooks_close(struct hooks *hooks)
{
	if (hooks->entries.lasting)
		entries_close(&hooks->entries);
	free(hooks->states);
	memset(hooks, 0, sizeof(*hooks));
}

static int write_record(const struct hooks *hooks, const struct hook_state *state)
{
	__u32 key = (__u32)state->interface->index;
	int fd = hooks->entries.lasting->fds[LASTING_HOOKS];

	return bpf_map_update_elem(fd, &key, &state->record, BPF_ANY) ? -errno : 0;
}

/* Forgets interfaces that do not exist any more: what was attached to them went with them. */
static void forget_gone(const struct hooks *hooks)
{
	int fd = hooks->entries.lasting->fds[LASTING_HOOKS];
	__u32 key, *previous = NULL, before;
	size_t i;

	while (!bpf_map_get_next_key(fd, previous, &key)) {
		for (i = 0; i < hooks->count && (__u32)hooks->states[i].interface->index != key; i++)
			;
		if (i < hooks->count) {
			before = key;
			previous = &before;
		} else if (bpf_map_delete_elem(fd, &key)) {
			return;
		}
	}
}

static int ensure_clsact(struct hooks *hooks, struct hook_state *state)
{
	int result;

	/* Noted before it is made: a note too much only leads to removing an empty qdisc. */
	state->record.clsact_made = 1;
	result = write_record(hooks, state);
	if (!result)
		result = clsact_make(state->interface->index);
	return result == -EEXIST ? 0 : result;
}

/* Sees to it that `entry` of this version is attached on its side. */
static int ensure_tc(struct hooks *hooks, struct hook_state *state, enum tc_entry entry)
{
	enum tc_direction direction = entry_direction(entry);
	__u32 *noted = direction == TC_EGRESS ? &state->record.tc_egress : &state->record.tc_ingress;
	bool rules = entry == TC_ENTRY_INGRESS, right = direction == TC_EGRESS || state->record.ingress_rules == rules;
	bool attached;
	int result = tc_attached(state->interface->index, direction, *noted, &attached);

	if (!result && right && attached)
		return 0;
	if (result == -EINVAL)
		result = ensure_clsact(hooks, state);
	if (!result)
		result = tc_attach(&hooks->entries, state->interface->index, entry, noted);
	/* Of an older version, if the entry was the last of its filters to move to TCX. */
	if (!result && state->record.clsact_made)
		result = clsact_remove_empty(state->interface->index);
	if (result)
		return result;
	if (direction == TC_INGRESS)
		state->record.ingress_rules = rules;
	return write_record(hooks, state);
}

static bool xdp_as_noted(const struct hooks *hooks, const struct hook_state *state)
{
	return state->record.mode != HOOK_MODE_NONE && state->record.entry_checksum == hooks->entries.checksum &&
	       state->record.xdp_program == state->interface->xdp_program;
}

static int release_one(struct hooks *hooks, struct hook_state *state)
{
	__u32 key = (__u32)state->interface->index;
	int result = xdp_release(&hooks->entries, state->interface->index, &state->record);

	for (int direction = 0; !result && direction < TC_DIRECTIONS; direction++)
		result = tc_detach(&hooks->entries, state->interface->index, direction);
	if (!result && state->record.clsact_made)
		result = clsact_remove_empty(state->interface->index);
	if (!result) {
		memset(&state->record, 0, sizeof(state->record));
		bpf_map_delete_elem(hooks->entries.lasting->fds[LASTING_HOOKS], &key);
	}
	return result;
}

static int ensure_one(struct hooks *hooks, struct hook_state *state)
{
	int result = 0;

	if (state->port)
		return state->record.mode != HOOK_MODE_NONE ? release_one(hooks, state) : 0;
	if (!xdp_as_noted(hooks, state)) {
		/* Entries of another version do not pass for ours: TC ones are replaced as well. */
		if (state->record.entry_checksum != hooks->entries.checksum) {
			state->record.tc_egress = PROGRAM_UNKNOWN;
			state->record.tc_ingress = state->record.tc_ingress ? PROGRAM_UNKNOWN : 0;
		}
		result = xdp_ensure(&hooks->entries, state->interface, &state->record);
		if (!result)
			result = write_record(hooks, state);
	}
	return result ? result : ensure_tc(hooks, state, TC_ENTRY_EGRESS);
}

static bool is_gone(const struct hook_state *state)
{
	char name[IF_NAMESIZE];

	return !if_indextoname((unsigned int)state->interface->index, name);
}

static int failed(const struct hook_state *state, const char *what, int result, struct error *error)
{
	error_set(error, EX_UNAVAILABLE, -1, "cannot %s interface %s: %s", what, state->interface->name,
		  strerror(-result));
	if (*log_last())
		error_advise(error, "%s", log_last());
	return -1;
}

static int ensure_depth(struct hooks *hooks, unsigned int depth, struct error *error)
{
	for (size_t i = 0; i < hooks->count; i++) {
		struct hook_state *state = hooks->states + i;
		int result = state->depth == depth ? ensure_one(hooks, state) : 0;

		if (result && !is_gone(state))
			return failed(state, "attach to", result, error);
	}
	return 0;
}

/* The kernel attaches nothing below a VLAN device that has XDP, and detaches nothing: those come last, and go first. */
int hooks_ensure(struct hooks *hooks, const struct pins *libxdp_pins, struct error *error)
{
	log_begin();
	xdp_use_bpffs(libxdp_pins);
	for (unsigned int depth = 0; depth <= VLAN_DEPTH_MAX; depth++)
		if (ensure_depth(hooks, depth, error))
			return -1;
	forget_gone(hooks);
	return 0;
}

static bool needs_left_entry(const struct hook_state *state, const struct ingress_needs *needs)
{
	return needs->marks || (needs->reply && hook_replies_by_tc(state));
}

static int drop_ingress(struct hooks *hooks, struct hook_state *state)
{
	int result = tc_detach(&hooks->entries, state->interface->index, TC_INGRESS);

	if (result)
		return result;
	state->record.tc_ingress = 0;
	state->record.ingress_rules = 0;
	return write_record(hooks, state);
}

static int ensure_ingress(struct hooks *hooks, struct hook_state *state, const struct ingress_needs *needs)
{
	if (state->record.mode == HOOK_MODE_TC)
		return ensure_tc(hooks, state, TC_ENTRY_INGRESS);
	if (needs_left_entry(state, needs))
		return ensure_tc(hooks, state, TC_ENTRY_LEFT);
	/* The next generation may have no program for this entry to run, and it would drop everything. */
	return state->record.ingress_rules ? drop_ingress(hooks, state) : 0;
}

int hooks_ensure_ingress(struct hooks *hooks, const struct ingress_needs *needs, struct error *error)
{
	int result;

	for (size_t i = 0; i < hooks->count; i++) {
		struct hook_state *state = hooks->states + i;

		result = state->port ? 0 : ensure_ingress(hooks, state, needs);
		if (result && !is_gone(state))
			return failed(state, "attach to", result, error);
	}
	return 0;
}

void hooks_trim_ingress(struct hooks *hooks, const struct ingress_needs *needs)
{
	for (size_t i = 0; i < hooks->count; i++) {
		struct hook_state *state = hooks->states + i;

		if (state->record.tc_ingress && state->record.mode != HOOK_MODE_TC && !needs_left_entry(state, needs))
			drop_ingress(hooks, state);
	}
}

static int release_depth(struct hooks *hooks, unsigned int depth, struct error *error)
{
	int failures = 0;

	for (size_t i = 0; i < hooks->count; i++) {
		struct hook_state *state = hooks->states + i;
		int result = state->depth == depth ? release_one(hooks, state) : 0;

		if (result && !is_gone(state))
			failures += failed(state, "detach from", result, error);
	}
	return failures;
}

int hooks_release(struct hooks *hooks, const struct pins *libxdp_pins, struct error *error)
{
	int failures = 0;

	log_begin();
	xdp_use_bpffs(libxdp_pins);
	for (unsigned int depth = VLAN_DEPTH_MAX + 1; depth-- > 0;)
		failures += release_depth(hooks, depth, error);
	return failures ? -1 : 0;
}

bool hooks_any(const struct hooks *hooks, enum hook_mode mode)
{
	for (size_t i = 0; i < hooks->count; i++)
		if (!hooks->states[i].port && hooks->states[i].record.mode == mode)
			return true;
	return false;
}

bool hooks_any_xdp(const struct hooks *hooks)
{
	return hooks_any(hooks, HOOK_MODE_NATIVE) || hooks_any(hooks, HOOK_MODE_GENERIC);
}
