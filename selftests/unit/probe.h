/* SPDX-License-Identifier: GPL-2.0-only */
/* Compiles a ruleset and runs it in the kernel on packet descriptors (match.bpf.c). */
#ifndef UNIT_PROBE_H
#define UNIT_PROBE_H

#include "selftests/unit/support.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <limits.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ipfw/packet.h"
#include "ipfw/verdict.h"
#include "loader/compile/plan.h"
#include "loader/link.h"
#include "loader/log.h"
#include "loader/stretch_maps.h"
#include "maps/lasting.h"
#include "maps/states.h"

#define PROBE_SLOTS 8192 /* as in match.bpf.c */
#define PROBE_GENERATION 1

struct probe {
	struct bpf_object *object;
	int program;
	__u64 *counted;	  /* by slot */
	struct tags tags; /* as the plan numbered them */
	bool classified;  /* some of the rules */
};

static inline void probe_describe(char *text, size_t size, const struct rule *rule)
{
	snprintf(text, size, "rule %u", rule->number);
}

/* Path of an object that is named from the directory of the test program; overwritten by the next call. */
static inline const char *probe_path(const char *name)
{
	static char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 40);

	assert_true(length > 0);
	path[length] = '\0';
	sprintf(strrchr(path, '/'), "/%.38s", name);
	return path;
}

#define PROBE_LAST_WORDS 800

/* Maps that all programs share, such as tables (probe_tables.h); NULL: each has its own. */
static const struct lasting *probe_lasting;

static inline void probe_bind(struct bpf_object *object)
{
	for (int i = 0; probe_lasting && i < LASTING_MAPS; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, lasting_names[i]);

		if (map && probe_lasting->fds[i] >= 0)
			assert_int_equal(bpf_map__reuse_fd(map, probe_lasting->fds[i]), 0);
	}
}

static char probe_log[1 << 20];
static const char *probe_refusal; /* the end of it */

/* Finds what tests need in a loaded object. */
static inline struct probe probe_open(struct bpf_object *object)
{
	struct probe probe = {.object = object};

	probe.program = bpf_program__fd(bpf_object__find_program_by_name(object, "match_probe"));
	probe.counted = mmap(NULL, PROBE_SLOTS * sizeof(*probe.counted), PROT_READ | PROT_WRITE, MAP_SHARED,
			     bpf_object__find_map_fd_by_name(object, "counted"), 0);
	assert_true(probe.counted != MAP_FAILED);
	return probe;
}

/* Which rules make states: the map "state_rules", in an object that is not loaded yet, and once it is. */
static inline void probe_size_states(struct bpf_object *object, const struct ruleset *ruleset)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, "state_rules");

	if (map)
		assert_int_equal(bpf_map__set_max_entries(map, state_rules_elements(ruleset)), 0);
}

/* Where rules are, for those that jump to numbers out of tables. */
static inline void probe_fill_positions(struct bpf_object *object, const struct plan *plan)
{
	int fd = bpf_object__find_map_fd_by_name(object, "rule_positions");
	size_t size = (RULE_NUMBER_DEFAULT + 1) * sizeof(__u64);
	__u64 *positions;

	if (fd < 0)
		return;
	positions = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(positions != MAP_FAILED);
	plan_positions(plan, positions);
	munmap(positions, size);
}

static inline void probe_fill_states(struct bpf_object *object, const struct ruleset *ruleset)
{
	int fd = bpf_object__find_map_fd_by_name(object, "state_rules");

	if (fd >= 0)
		assert_int_equal(state_rules_write(fd, -1, PROBE_GENERATION, ruleset), 0);
}

/* Loads; on failure the verifier's last words are in probe_refusal and the object is closed. */
static inline struct probe probe_verify(struct bpf_object *object, const struct plan *plan,
					const struct ruleset *ruleset)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, "match_probe");
	__u32 needs = plan_needs(plan);
	size_t length;

	assert_int_equal(bpf_map__set_initial_value(bpf_object__find_map_by_name(object, ".rodata.needs"), &needs,
						    sizeof(needs)),
			 0);
	bpf_program__set_log_buf(program, probe_log, sizeof(probe_log));
	probe_bind(object);
	probe_size_states(object, ruleset);
	assert_int_equal(stretch_prepare(object, plan), 0);
	if (!bpf_object__load(object)) {
		assert_int_equal(stretch_fill(object, plan), 0);
		probe_fill_states(object, ruleset);
		probe_fill_positions(object, plan);
		return probe_open(object);
	}
	length = strlen(probe_log);
	probe_refusal = probe_log + (length > PROBE_LAST_WORDS ? length - PROBE_LAST_WORDS : 0);
	bpf_object__close(object);
	return (struct probe){0};
}

/* Whether the code calls a function whose name begins so. */
static inline bool probe_calls(const struct code *code, const char *begin)
{
	for (size_t i = 0; i < code->assembler.call_count; i++)
		if (!strncmp(code->assembler.calls[i].symbol, begin, strlen(begin)))
			return true;
	return false;
}

#define PROBE_OBJECTS_MAX 7

/* Writes to paths[] which objects there are to be linked; the paths are in found[]. */
static inline void probe_objects(const struct code *code, bool classifies, char found[PROBE_OBJECTS_MAX][PATH_MAX],
				 const char *paths[PROBE_OBJECTS_MAX + 1])
{
	const struct {
		bool linked;
		const char *name;
	} objects[PROBE_OBJECTS_MAX] = {
		{true, "match.bpf.o"},
		{classifies, "../bpf/tc_stretch.bpf.o"},
		{probe_calls(code, "stretch_state_"), "../bpf/tc_stretch_states.bpf.o"},
		{probe_calls(code, "packet_state_") || probe_calls(code, "stretch_state_"), "../bpf/tc_states.bpf.o"},
		{probe_calls(code, "packet_table_"), "../bpf/tc_table.bpf.o"},
		{probe_calls(code, "packet_table_value"), "../bpf/tc_tablearg.bpf.o"},
		{probe_calls(code, "rule_position"), "../bpf/tc_positions.bpf.o"},
	};
	size_t count = 0;

	for (size_t i = 0; i < PROBE_OBJECTS_MAX; i++) {
		if (!objects[i].linked)
			continue;
		paths[count] = strcpy(found[count], probe_path(objects[i].name));
		count++;
	}
}

/* Compiles and loads. The object is NULL if the verifier refused it, for which see probe_refusal. */
static inline struct probe probe_try(const struct ruleset *ruleset, const struct interface_list *interfaces, bool input)
{
	static char found[PROBE_OBJECTS_MAX][PATH_MAX];
	const char *paths[PROBE_OBJECTS_MAX + 1] = {NULL};
	struct bpf_object *object;
	struct probe probe;
	struct error error;
	struct plan plan;
	struct code code;

	log_begin();
	error_clear(&error);
	assert_int_equal(plan_make(&plan, ruleset, interfaces, input), 0);
	assert_int_equal(code_generate(&code, &plan), 0);
	probe_objects(&code, plan_classifies(&plan), found, paths);
	object = link_program(NULL, &code, paths, probe_describe, &error);
	if (!object)
		fail_msg("%s", error.message);
	probe = probe_verify(object, &plan, ruleset);
	probe.tags = plan.tags;
	probe.classified = plan_classifies(&plan);
	code_free(&code);
	plan_free(&plan);
	return probe;
}

static inline struct probe probe_load(const struct ruleset *ruleset, const struct interface_list *interfaces,
				      bool input)
{
	struct probe probe = probe_try(ruleset, interfaces, input);

	if (!probe.object)
		fail_msg("the verifier refused it: ...%s", probe_refusal);
	return probe;
}

static inline void probe_close(struct probe *probe)
{
	munmap(probe->counted, PROBE_SLOTS * sizeof(*probe->counted));
	bpf_object__close(probe->object);
}

#define PROBE_FRAME_MAX 512

/*
 * The match result for one packet of which rules may see or change the `length` bytes at `bytes`, from the IP header
 * on; packet->network_offset must be sizeof(*packet). Both are as the rules left them afterwards, but for
 * packet->source.
 */
static inline __u64 probe_run_bytes(const struct probe *probe, struct packet *packet, __u8 *bytes, size_t length)
{
	__u8 input[PROBE_FRAME_MAX], output[PROBE_FRAME_MAX];
	size_t size = sizeof(*packet) + length;
	__u64 result;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = input, .data_size_in = (__u32)size, .data_out = output,
		    .data_size_out = (__u32)size);

	assert_true(size <= sizeof(input));
	memcpy(input, packet, sizeof(*packet));
	if (length)
		memcpy(input + sizeof(*packet), bytes, length);
	assert_int_equal(bpf_prog_test_run_opts(probe->program, &options), 0);
	assert_int_equal(options.retval, 0);
	memcpy(&result, output, sizeof(result));
	memcpy(packet, output, sizeof(*packet));
	if (length)
		memcpy(bytes, output + sizeof(*packet), length);
	return result;
}

/* The match result for one packet. */
static inline __u64 probe_run(const struct probe *probe, const struct packet *packet)
{
	struct packet copy = *packet;

	return probe_run_bytes(probe, &copy, NULL, 0);
}

static inline __u64 probe_counted(const struct probe *probe, __u32 slot)
{
	return probe->counted[slot];
}

#endif
