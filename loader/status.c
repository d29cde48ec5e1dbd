/* SPDX-License-Identifier: GPL-2.0-only */
/* `ipfw-bpf status`: what is attached where, and what it is made of. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "loader/fast_forward.h"
#include "loader/features.h"
#include "loader/generation.h"
#include "loader/state.h"
#include "maps/log_counts.h"

static const char *yes_no(bool value)
{
	return value ? "yes" : "no";
}

/* Whether and which packets meet the rules. */
static void print_state(const struct firewall *firewall, FILE *out)
{
	__u32 switches = firewall->ruleset.switches;

	if (!firewall_loaded(firewall)) {
		fprintf(out, "firewall:    not loaded\n");
		return;
	}
	if (ruleset_off(switches)) {
		fprintf(out, "firewall:    disabled, every packet passes\n");
		return;
	}
	fprintf(out, "firewall:    enabled%s%s%s\n", switches & RULESET_WITHOUT_IP4 ? ", IPv4 packets pass" : "",
		switches & RULESET_WITHOUT_IP6 ? ", IPv6 packets pass" : "",
		switches & RULESET_WITH_LAYER2 ? ", for frames as well" : "");
}

static void print_head(const struct firewall *firewall, FILE *out)
{
	const struct control *control = firewall->lasting.control;

	print_state(firewall, out);
	fprintf(out, "namespace:   cookie %llu, inode %llu\n", firewall->pins.cookie, pins_namespace_inode());
	if (!control)
		return;
	fprintf(out, "generation:  %u\n", control->generation);
	fprintf(out, "rules:       %zu, with the default rule\n", ruleset_present(&firewall->ruleset));
	fprintf(out, "pins:        %s\n", pins_shown(firewall->pins.directory));
}

/* Where packets do not meet the rules because somebody has taken TC entries off; NULL: nowhere. */
static const char *unfiltered(const struct hook_state *state)
{
	bool input = state->record.mode == HOOK_MODE_TC && hook_tc_gone(state, TC_INGRESS);

	if (hook_tc_gone(state, TC_EGRESS))
		return input ? "input and output" : "output";
	return input ? "input" : NULL;
}

/* What an entry at TC ingress does for rules that run at XDP. */
static void print_left_entry(const struct hook_state *state, FILE *out)
{
	fprintf(out, "%s replies and marks by TC ingress", state->record.reason[0] ? ";" : "");
	if (hook_tc_gone(state, TC_INGRESS))
		fprintf(out, ", which somebody took off; any change of the rules attaches it again");
}

static void print_hook(const struct hook_state *state, FILE *out)
{
	const struct interface_hooks *record = &state->record;
	const char *out_text = record->tc_egress ? "TC egress" : "-", *side = unfiltered(state);

	fprintf(out, "  %-15s in: %-12s out: %-10s", state->interface->name, hook_mode_text(state), out_text);
	if (state->port)
		fprintf(out, " port of a %s: filtered there", state->interface->master_kind);
	else if (record->mode == HOOK_MODE_NONE)
		fprintf(out, " not filtered: came after the last commit; any change of the rules attaches it");
	else if (hook_displaced(state))
		fprintf(out, " XDP program changed to %u; any change of the rules attaches ours again",
			state->interface->xdp_program);
	else if (side)
		fprintf(out, " not filtered on %s: somebody took it off; any change of the rules attaches it again",
			side);
	else if (record->reason[0])
		fprintf(out, " %.*s", HOOK_REASON_BYTES, record->reason);
	if (record->tc_ingress && record->mode != HOOK_MODE_TC)
		print_left_entry(state, out);
	fputc('\n', out);
}

/* By which interfaces XDP forwards in the active generation. Returns how many they are. */
static int print_forwarding_interfaces(const struct firewall *firewall, const struct interface_list *interfaces,
				       FILE *out)
{
	char path[PINS_PATH_MAX];
	int fd, count = 0;

	pins_generation_path(path, &firewall->pins, firewall->lasting.control->generation,
			     generation_map_names[GENERATION_INTERFACES]);
	fd = pins_get(path);
	for (size_t i = 0; fd >= 0 && i < interfaces->count; i++) {
		__u32 key = (__u32)interfaces->interfaces[i].index;
		struct interface_entry entry;

		if (bpf_map_lookup_elem(fd, &key, &entry) || !(entry.forward & FORWARD_TO))
			continue;
		fprintf(out, "%s%s", count++ ? " " : "forwarding:  at XDP, to ", interfaces->interfaces[i].name);
	}
	if (fd >= 0)
		close(fd);
	return count;
}

/* Who forwards packets, and why not XDP if it should. */
static void print_forwarding(const struct firewall *firewall, const struct interface_list *interfaces, FILE *out)
{
	const char *hindrance;

	if (print_forwarding_interfaces(firewall, interfaces, out)) {
		fprintf(out, "\n");
		return;
	}
	fprintf(out, "forwarding:  by the stack");
	if (firewall->ruleset.switches & RULESET_FORWARD) {
		hindrance = fast_forward_hindrance(&firewall->ruleset, interfaces);
		fprintf(out, ": %s", hindrance ? hindrance : "no interface is known to send what XDP forwards");
	}
	fprintf(out, "\n");
}

static int print_hooks(const struct firewall *firewall, FILE *out)
{
	struct interface_list interfaces;
	struct hooks hooks;
	int result = interface_list_read(&interfaces);

	if (result)
		return result;
	result = hooks_open(&hooks, &firewall->lasting, &interfaces);
	if (!result) {
		fprintf(out, "hooks:\n");
		for (size_t i = 0; i < hooks.count; i++)
			print_hook(hooks.states + i, out);
		hooks_close(&hooks);
	}
	if (!result && firewall_enabled(firewall))
		print_forwarding(firewall, &interfaces, out);
	interface_list_free(&interfaces);
	return result;
}

static void print_program(const char *path, FILE *out)
{
	struct bpf_prog_info info = {0};
	__u32 length = sizeof(info);
	int fd = pins_get(path);

	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &length)) {
		fprintf(out, "  id %-6u tag ", info.id);
		for (size_t i = 0; i < sizeof(info.tag); i++)
			fprintf(out, "%02x", info.tag[i]);
		fprintf(out, "  %7u bytes of BPF, %7u of machine code  %s\n", info.xlated_prog_len, info.jited_prog_len,
			pins_shown(path));
	}
	close(fd);
}

static void print_map(const char *path, FILE *out)
{
	struct bpf_map_info info = {0};
	__u32 length = sizeof(info);
	int fd = pins_get(path);

	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &length))
		fprintf(out, "  id %-6u %7u entries of %3u bytes  %s\n", info.id, info.max_entries, info.value_size,
			pins_shown(path));
	close(fd);
}

static void print_objects(const struct firewall *firewall, FILE *out)
{
	__u32 generation = firewall->lasting.control->generation;
	char path[PINS_PATH_MAX];

	fprintf(out, "programs:\n");
	for (int hook = 0; hook < HOOK_COUNT; hook++) {
		pins_generation_path(path, &firewall->pins, generation, generation_program_names[hook]);
		print_program(path, out);
	}
	for (int parser = 0; parser < SLOW_PARSERS; parser++) {
		pins_generation_path(path, &firewall->pins, generation, slow_names[parser]);
		print_program(path, out);
	}
	fprintf(out, "maps:\n");
	for (int i = 0; i < LASTING_MAPS; i++) {
		pins_path(path, &firewall->pins, lasting_names[i]);
		print_map(path, out);
	}
	pins_generation_path(path, &firewall->pins, generation, SLOW_MAP);
	print_map(path, out);
	for (int i = 0; i < GENERATION_MAPS; i++) {
		pins_generation_path(path, &firewall->pins, generation, generation_map_names[i]);
		print_map(path, out);
	}
}

/* What became of the rules. */
static void print_stretches(const struct firewall *firewall, FILE *out)
{
	char path[PINS_PATH_MAX];
	int fd;

	pins_generation_path(path, &firewall->pins, firewall->lasting.control->generation,
			     generation_map_names[GENERATION_STRETCHES]);
	fd = pins_get(path);
	if (fd < 0)
		return;
	stretch_notes_print(fd, generation_program_names, out);
	close(fd);
}

static int print_drops(const struct firewall *firewall, FILE *out)
{
	static const char *const reasons[DROP_REASON_COUNT] = {
#define X(name, text) [DROP_##name] = text,
		DROP_REASONS(X)
#undef X
	};
	int cpus = libbpf_num_possible_cpus();
	struct drop_counter *values = cpus < 0 ? NULL : calloc((size_t)cpus, sizeof(*values));

	if (!values)
		return -ENOMEM;
	fprintf(out, "dropped before any rule:\n");
	for (__u32 reason = DROP_NONE + 1; reason < DROP_REASON_COUNT; reason++) {
		struct drop_counter sum = {0};

		if (bpf_map_lookup_elem(firewall->lasting.fds[LASTING_DROPS], &reason, values))
			continue;
		for (int cpu = 0; cpu < cpus; cpu++) {
			sum.packets += values[cpu].packets;
			sum.bytes += values[cpu].bytes;
		}
		fprintf(out, "  %-32s %llu packets, %llu bytes\n", reasons[reason], sum.packets, sum.bytes);
	}
	free(values);
	return 0;
}

static int print_losses(const struct firewall *firewall, FILE *out)
{
	__u64 records;
	int result = log_losses_read(firewall->lasting.fds[LASTING_LOG_LOSSES], &records);

	if (!result)
		fprintf(out, "log:         %llu records lost for want of a reader\n", records);
	return result;
}

static int print_dynamic(const struct firewall *firewall, FILE *out)
{
	const struct control *control = firewall->lasting.control;
	struct dynamic_totals totals;
	int result = firewall_dynamic_totals(firewall, &totals);

	if (result)
		return result;
	fprintf(out, "dynamic:     %u states of at most %u, room for %u; %u parents of at most %u\n", totals.states,
		control->dyn_max, totals.room, totals.parents, control->dyn_parent_max);
	fprintf(out, "             %llu packets refused by limits or for want of room\n", totals.refused);
	return 0;
}

static void print_features(const struct firewall *firewall, FILE *out)
{
	static const char *const entries[] = {
		[XDP_ENTRY_UNKNOWN] = "not known before the first rule",
		[XDP_ENTRY_DIRECT] = "no, the kernel refuses it; one XDP program per interface",
		[XDP_ENTRY_DISPATCHED] = "yes, other XDP programs can run beside ours",
	};
	__u32 kind = firewall->lasting.control ? firewall->lasting.control->xdp_entry_kind : XDP_ENTRY_UNKNOWN;
	struct features features;

	features_read(&features);
	fprintf(out, "kernel:      %s\n", features.release);
	fprintf(out, "  JIT compiler                     %s\n", yes_no(features.jit));
	fprintf(out, "  libxdp's dispatcher (freplace)   %s\n", entries[kind <= XDP_ENTRY_DISPATCHED ? kind : 0]);
	fprintf(out, "  TCX                              %s\n", yes_no(features.tcx));
	fprintf(out, "  coarse clock                     %s\n", yes_no(features.coarse_clock));
}

int firewall_status(struct firewall *firewall, bool verbose, FILE *out, struct error *error)
{
	int result = 0;

	print_head(firewall, out);
	if (firewall->lasting.control) {
		result = print_hooks(firewall, out);
		if (!result && firewall_loaded(firewall))
			print_objects(firewall, out);
		if (!result && firewall_loaded(firewall) && verbose)
			print_stretches(firewall, out);
		if (!result)
			result = print_drops(firewall, out);
		if (!result)
			result = print_losses(firewall, out);
		if (!result)
			result = print_dynamic(firewall, out);
	}
	if (result)
		return error_set(error, EX_OSERR, -1, "cannot read the state of the firewall: %s", strerror(-result));
	print_features(firewall, out);
	return 0;
}
