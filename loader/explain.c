/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs the loaded programs on frames that do not come from a network (BPF_PROG_TEST_RUN) and reads what they note in
 * the map "trace". How the programs tell such frames from others, and what they then leave alone: bpf/trace.h.
 */
#include "loader/explain.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "loader/compile/tags.h"
#include "loader/generation.h"
#include "loader/state.h"

static int take_lock(struct firewall *firewall)
{
	char path[PINS_PATH_MAX];
	int fd;

	pins_generation_path(path, &firewall->pins, firewall->lasting.control->generation, "");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	firewall->explain->lock = fd;
	while (flock(fd, LOCK_EX))
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int map_trace(struct firewall *firewall)
{
	void *memory = mmap(NULL, sizeof(struct trace), PROT_READ | PROT_WRITE, MAP_SHARED,
			    firewall->lasting.fds[LASTING_TRACE], 0);

	if (memory == MAP_FAILED)
		return -errno;
	firewall->explain->trace = memory;
	return 0;
}

static int index_rules(const struct ruleset *ruleset, struct explain *explain)
{
	explain->by_slot = calloc(COUNTER_SLOTS, sizeof(*explain->by_slot));
	if (!explain->by_slot)
		return -ENOMEM;
	for (size_t i = 0; i < ruleset->count; i++)
		if (ruleset->rules[i]->slot < COUNTER_SLOTS)
			explain->by_slot[ruleset->rules[i]->slot] = ruleset->rules[i];
	return 0;
}

static int open_all(struct firewall *firewall)
{
	struct explain *explain = firewall->explain;
	int result = interface_list_read(&explain->interfaces);

	if (result)
		return result;
	if (!firewall_loaded(firewall))
		return 0;
	result = hooks_open(&explain->hooks, &firewall->lasting, &explain->interfaces);
	if (result)
		return result;
	result = take_lock(firewall);
	if (!result)
		result = map_trace(firewall);
	return result ? result : index_rules(&firewall->ruleset, explain);
}

int explain_open(struct firewall *firewall, struct error *error)
{
	struct explain *explain;
	int result = -ENOMEM;

	if (firewall->explain)
		return 0;
	explain = calloc(1, sizeof(*explain));
	if (explain) {
		explain->lock = -1;
		for (int hook = 0; hook < HOOK_COUNT; hook++)
			explain->programs[hook] = -1;
		explain->before = malloc(EXPLAIN_BEFORE_BYTES);
		explain->after = malloc(EXPLAIN_AFTER_BYTES);
		firewall->explain = explain;
		result = explain->before && explain->after ? open_all(firewall) : -ENOMEM;
	}
	if (!result)
		return 0;
	return error_set(error, EX_OSERR, -1, "cannot read the state of the firewall: %s", strerror(-result));
}

void explain_close(struct explain *explain)
{
	if (!explain)
		return;
	for (int hook = 0; hook < HOOK_COUNT; hook++)
		if (explain->programs[hook] >= 0)
			close(explain->programs[hook]);
	if (explain->trace)
		munmap(explain->trace, sizeof(*explain->trace));
	if (explain->lock >= 0)
		close(explain->lock);
	hooks_close(&explain->hooks);
	interface_list_free(&explain->interfaces);
	free(explain->by_slot);
	free(explain->before);
	free(explain->after);
	free(explain);
}

static enum hook hook_at(const struct explain *explain, const struct explain_place *place)
{
	if (!place->input)
		return HOOK_TC_EGRESS;
	for (size_t i = 0; i < explain->hooks.count; i++)
		if (explain->hooks.states[i].interface->index == place->interface)
			return explain->hooks.states[i].record.mode == HOOK_MODE_TC ? HOOK_TC_INGRESS : HOOK_XDP;
	return HOOK_XDP;
}

/* The pinned program of the hook: a file descriptor that `explain` owns, or -errno. */
static int program_of(struct firewall *firewall, enum hook hook)
{
	int *fd = &firewall->explain->programs[hook];
	char path[PINS_PATH_MAX];

	if (*fd < 0) {
		pins_generation_path(path, &firewall->pins, firewall->lasting.control->generation,
				     generation_program_names[hook]);
		*fd = pins_get(path);
	}
	return *fd;
}

/* Whether the program's result means that the packet goes on, and whether it means that an answer is sent. */
static void read_result(const struct explain_run *run, struct explain_answer *answer)
{
	if (run->at_xdp) {
		answer->passes = run->result == XDP_PASS;
		answer->answered = run->result == XDP_TX;
	} else {
		answer->passes = (int)run->result == TC_ACT_UNSPEC || run->result == TC_ACT_OK;
		answer->answered = run->result == TC_ACT_REDIRECT;
	}
}

static const char *reason_text(const struct trace *trace)
{
	static const char *const passed[PASS_REASON_COUNT] = {
#define X(name, text) [PASS_##name] = text,
		PASS_REASONS(X)
#undef X
	};
	static const char *const dropped[DROP_REASON_COUNT] = {
#define X(name, text) [DROP_##name] = text,
		DROP_REASONS(X)
#undef X
	};

	if (trace->outcome == TRACE_PASSED && trace->reason < PASS_REASON_COUNT)
		return passed[trace->reason];
	if (trace->outcome == TRACE_DROPPED && trace->reason < DROP_REASON_COUNT)
		return dropped[trace->reason];
	return NULL;
}

/* Adds a kind of value that the rule takes, unless it is there, at 0: that is what it gets if no table has any. */
static void add_value(struct explain_match *match, unsigned int kind)
{
	for (struct explain_value *value = match->values; kind && value < match->values + EXPLAIN_VALUES; value++) {
		if (value->kind == kind)
			return;
		if (!value->kind) {
			value->kind = kind;
			return;
		}
	}
}

/* What the rule that matched as number `index` took out of tables. */
static void read_values(const struct trace *trace, __u32 index, struct explain_match *match)
{
	__u32 noted = trace->value_count < TRACE_VALUES_MAX ? trace->value_count : TRACE_VALUES_MAX;

	RULE_FOR_EACH_OPTION (option, match->rule)
		add_value(match, option_table_value(option));
	add_value(match, action_table_value(rule_action(match->rule)));
	for (__u32 i = 0; i < noted; i++)
		for (struct explain_value *value = match->values; value < match->values + EXPLAIN_VALUES; value++)
			if (trace->values[i].match == index && trace->values[i].slot == match->rule->slot &&
			    trace->values[i].kind == value->kind)
				value->value = trace->values[i].value;
}

/* The rules that matched, by their counter slots. */
static void read_matches(struct explain *explain, struct explain_answer *answer)
{
	const struct trace *trace = explain->trace;
	__u32 noted = trace->matches < TRACE_RULES_MAX ? trace->matches : TRACE_RULES_MAX;

	for (__u32 i = 0; i < noted; i++) {
		__u32 slot = trace->slots[i] & TRACE_SLOT;

		struct explain_match *match = explain->matches + answer->match_count;

		if (slot >= COUNTER_SLOTS || !explain->by_slot[slot])
			continue;
		*match = (struct explain_match){.rule = explain->by_slot[slot],
						.layer2 = (trace->slots[i] & TRACE_SLOT_LAYER2) != 0};
		/* The last place has the last match, if there were too many. */
		read_values(trace, i + 1 < noted ? i : trace->matches - 1, match);
		answer->match_count++;
	}
	answer->matches = explain->matches;
	answer->unknown = trace->matches - noted;
}

static int compare_tags(const void *left, const void *right)
{
	return *(const __u16 *)left - *(const __u16 *)right;
}

static void read_bits(__u64 tags, const struct firewall *firewall, struct explain_answer *answer)
{
	for (size_t bit = 0; bit < TAGS_MAX; bit++)
		if (tags >> bit & 1)
			firewall->explain->packet_tags[answer->tag_count++] = firewall->ruleset.tags[bit];
}

static void read_numbers(__u64 tags, struct explain *explain, struct explain_answer *answer)
{
	for (size_t place = 0; place < PACKET_TAGS_MAX; place++)
		if (PACKET_TAG_AT(tags, place))
			explain->packet_tags[answer->tag_count++] = (__u16)PACKET_TAG(PACKET_TAG_AT(tags, place));
}

static void read_given(const struct firewall *firewall, struct explain_answer *answer)
{
	struct explain *explain = firewall->explain;
	const struct packet *packet = &explain->trace->packet;

	answer->packet = *packet;
	answer->fib = packet->fib;
	answer->mark = packet->mark;
	if (tags_are_numbers(&firewall->ruleset))
		read_numbers(packet->tags, explain, answer);
	else
		read_bits(packet->tags, firewall, answer);
	qsort(explain->packet_tags, answer->tag_count, sizeof(*explain->packet_tags), compare_tags);
	answer->tags = explain->packet_tags;
}

/* The bit of the tag, 0: no rule puts it on packets. */
static __u64 tag_bit(const struct ruleset *ruleset, __u16 number)
{
	for (size_t bit = 0; bit < TAGS_MAX; bit++)
		if (ruleset->tags[bit] == number)
			return 1ull << bit;
	return 0;
}

/*
 * What the packet has from the rules on input, as the programs find it (bpf/carry_tc.h). Returns 0, or -E2BIG: more
 * tags than it can have.
 */
static int give_carried(const struct ruleset *ruleset, const struct explain_place *place, struct trace *trace)
{
	bool numbers = tags_are_numbers(ruleset);

	trace->packet = (struct packet){.fib = place->fib};
	if (numbers && place->tag_count > PACKET_TAGS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < place->tag_count; i++)
		if (numbers)
			trace->packet.tags |= (__u64)PACKET_TAG(place->tags[i]) << 16 * i;
		else
			trace->packet.tags |= tag_bit(ruleset, place->tags[i]);
	return 0;
}

int firewall_explain(struct firewall *firewall, const struct explain_place *place, const __u8 *frame, size_t length,
		     struct explain_answer *answer, struct error *error)
{
	struct explain *explain = firewall->explain;
	enum hook hook = hook_at(explain, place);
	struct explain_run run = {.program = program_of(firewall, hook), .at_xdp = hook == HOOK_XDP, .length = length};
	int result = run.program < 0 ? run.program : 0;

	if (give_carried(&firewall->ruleset, place, explain->trace))
		return error_set(error, EX_DATAERR, -1, "with these rules a packet has at most %d tags",
				 PACKET_TAGS_MAX);
	if (!result)
		result = explain_run(firewall->lasting.control, place, frame, explain, &run);

	if (result) {
		error_set(error, EX_UNAVAILABLE, -1, "the kernel does not run the programs on a frame of %zu bytes: %s",
			  length, strerror(-result));
		return error_advise(error, "test runs at TC take whole IP headers and about 3,700 bytes at most");
	}
	*answer = (struct explain_answer){.decided = explain->trace->outcome == TRACE_DECIDED};
	answer->reason = reason_text(explain->trace);
	if (!answer->decided && !answer->reason)
		return error_set(error, EX_SOFTWARE, -1, "the loaded programs did not say what they did");
	read_result(&run, answer);
	read_matches(explain, answer);
	read_given(firewall, answer);
	answer->frame = explain->after + run.mark;
	answer->length = run.length;
	return 0;
}
