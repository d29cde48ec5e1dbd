/* SPDX-License-Identifier: GPL-2.0-only */
/* What generated code does to a packet, held against what selftests/model says. */
#ifndef UNIT_DIFFERENTIAL_H
#define UNIT_DIFFERENTIAL_H

#include "selftests/model/frame.h"
#include "selftests/model/random_packets.h"
#include "selftests/unit/match_modules.h"
#include "selftests/unit/probe.h"

static __u64 expected[PROBE_SLOTS]; /* how often each rule counts, by slot */

/* Where code and model disagree about a packet, or "". */
struct difference {
	char text[1024];
};

/* What match_modules.h answers in the kernel's place, and packets that it says yes to. */
static inline bool answer(const struct option *option, const struct packet *packet)
{
	switch (option->code) {
	case OPTION_VERREVPATH:
		return packet->mark == ANSWER_VERREVPATH;
	case OPTION_VERSRCREACH:
		return packet->mark == ANSWER_VERSRCREACH;
	case OPTION_ANTISPOOF:
		return packet->mark == ANSWER_ANTISPOOF;
	case OPTION_SOCKARG:
		return packet->mark == ANSWER_SOCKARG;
	case OPTION_IPSEC:
		return packet->mark == ANSWER_IPSEC;
	case OPTION_UID:
		return packet->mark == ANSWER_USER + option->u.number;
	case OPTION_GID:
		return packet->mark == ANSWER_GROUP + option->u.number;
	default:
		return packet->mark == ANSWER_JAIL + strtoul(option->u.text, NULL, 10);
	}
}

static inline void choose_answer(struct choices *choices, struct packet *packet)
{
	static const __u32 marks[] = {ANSWER_VERREVPATH,  ANSWER_VERSRCREACH, ANSWER_ANTISPOOF,	  ANSWER_SOCKARG,
				      ANSWER_IPSEC,	  ANSWER_USER,	      ANSWER_USER + 1000, ANSWER_GROUP,
				      ANSWER_GROUP + 100, ANSWER_JAIL + 1};

	packet->mark = CHOOSE_FROM(choices, marks);
}

/* Tags that the ruleset does not put on packets cannot come from the input pass either. */
static inline void keep_known_tags(struct subject *subject, const struct tags *tags)
{
	struct tag_set known = {{0}};

	subject->packet.tags = 0;
	for (size_t bit = 0; bit < TAGS_MAX; bit++) {
		if (!tags->number[bit] || !tag_set_has(&subject->tags, tags->number[bit]))
			continue;
		tag_set_put(&known, tags->number[bit], true);
		subject->packet.tags |= 1ull << bit;
	}
	subject->tags = known;
}

static inline void compare_outcome(struct difference *difference, __u64 result, struct outcome outcome)
{
	if (result != MATCH_RESULT(outcome.verdict, outcome.slot, outcome.argument))
		snprintf(difference->text, sizeof(difference->text),
			 "verdict %u by the rule in slot %u with %#x, expected verdict %u, slot %u, %#x",
			 MATCH_VERDICT(result), MATCH_SLOT(result), MATCH_ARGUMENT(result), outcome.verdict,
			 outcome.slot, outcome.argument);
}

/* The bytes of the packet must be those of one that always was as the model left it. */
static inline void compare_bytes(struct difference *difference, const __u8 *bytes, const struct subject *subject)
{
	struct packet wanted = subject->packet;
	__u8 expected_bytes[FRAME_BYTES_MAX];
	size_t length = frame_write(&wanted, expected_bytes);

	for (size_t i = 0; i < length; i++)
		if (bytes[i] != expected_bytes[i])
			snprintf(difference->text, sizeof(difference->text), "byte %zu is %#x, expected %#x", i,
				 bytes[i], expected_bytes[i]);
}

static inline void compare_packet(struct difference *difference, const struct packet *packet,
				  const struct subject *subject, const struct tags *tags)
{
	if (packet->mark != subject->packet.mark || packet->fib != subject->packet.fib)
		snprintf(difference->text, sizeof(difference->text), "mark %#x, fib %u, expected mark %#x, fib %u",
			 packet->mark, packet->fib, subject->packet.mark, subject->packet.fib);
	if (packet->traffic_class != subject->packet.traffic_class || packet->tcp_mss != subject->packet.tcp_mss)
		snprintf(difference->text, sizeof(difference->text), "traffic class %#x, MSS %u, expected %#x, %u",
			 packet->traffic_class, packet->tcp_mss, subject->packet.traffic_class,
			 subject->packet.tcp_mss);
	for (size_t bit = 0; bit < TAGS_MAX; bit++)
		if (tags->number[bit] && (packet->tags >> bit & 1) != tag_set_has(&subject->tags, tags->number[bit]))
			snprintf(difference->text, sizeof(difference->text), "tag %u is %s", tags->number[bit],
				 packet->tags >> bit & 1 ? "there" : "missing");
}

/* Looks for what differs, and starts the counts of the code over. */
static inline void compare_counters(struct difference *difference, const struct probe *probe,
				    const struct ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->count; i++) {
		__u32 slot = ruleset->rules[i]->slot;

		if (slot != COUNTER_SLOT_DEFAULT && probe->counted[slot] != expected[slot])
			snprintf(difference->text, sizeof(difference->text), "slot %u counted %llu, expected %llu",
				 slot, probe->counted[slot], expected[slot]);
		probe->counted[slot] = 0;
	}
}

/* A packet before and behind the rules, as the model reads them. */
struct passage {
	struct subject before, after;
	struct outcome outcome;
};

static inline void expect(struct passage *passage, const struct reference *reference, const struct tags *tags,
			  const struct subject *subject)
{
	__u8 bytes[FRAME_BYTES_MAX];

	for (size_t i = 0; i < reference->ruleset->count; i++)
		expected[reference->ruleset->rules[i]->slot] = 0;
	passage->before = *subject;
	keep_known_tags(&passage->before, tags);
	passage->before.packet.network_offset = sizeof(struct packet);
	frame_write(&passage->before.packet, bytes);
	passage->after = passage->before;
	passage->outcome = reference_run(reference, &passage->after, expected);
}

/* Sends the packet through the code. */
static inline struct difference compare(const struct probe *probe, const struct ruleset *ruleset,
					const struct passage *passage)
{
	struct packet packet = passage->before.packet;
	struct difference difference = {""};
	__u8 bytes[FRAME_BYTES_MAX];
	size_t length = frame_write(&packet, bytes);

	compare_outcome(&difference, probe_run_bytes(probe, &packet, bytes, length), passage->outcome);
	compare_bytes(&difference, bytes, &passage->after);
	compare_packet(&difference, &packet, &passage->after, &probe->tags);
	compare_counters(&difference, probe, ruleset);
	return difference;
}

static inline void print_ruleset(const struct ruleset *ruleset)
{
	struct print_options plain = {0};
	char text[1024];

	for (size_t i = 0; i < ruleset->count; i++) {
		rule_print(text, sizeof(text), ruleset->rules[i], &plain);
		print_message("  slot %u: %05u set %u %s\n", ruleset->rules[i]->slot, ruleset->rules[i]->number,
			      ruleset->rules[i]->set, text);
	}
	print_message("  disabled sets: %#x\n", ruleset->disabled_sets);
}

static inline void print_packet(const struct subject *subject)
{
	const struct packet *packet = &subject->packet;

	print_message("  family %u, protocol %u, flags %#x, fragment %#x, ports %u %u, interfaces %u %u %u\n",
		      packet->family, packet->protocol, packet->flags, packet->fragment, packet->source_port,
		      packet->destination_port, packet->interface, packet->receive_interface,
		      packet->transmit_interface);
	print_message("  all of it:");
	for (size_t i = 0; i < sizeof(*packet); i++)
		print_message(" %02x", ((const __u8 *)packet)[i]);
	print_message("\n");
}

/*
 * What becomes of the rules. Functions and stretches of a few rules show in small rulesets what happens between them;
 * among those that are not classified from the first rule on are rules that are not worth it.
 */
static inline void choose_form(struct choices *choices, struct ruleset *ruleset)
{
	bool small = ruleset->count < 100 && choose_once_in(choices, 2);

	plan_function_rules = small ? 1 + choose(choices, 12) : RULES_PER_FUNCTION;
	plan_stretch_rules = small ? 1 + choose(choices, 12) : SIZE_MAX;
	plan_classify_from = choose(choices, 2) ? choose(choices, 6) : 0;
	plan_exact_from = choose(choices, 2) ? 1 + choose(choices, 6) : SIZE_MAX;
	ruleset->linear = choose_once_in(choices, 3);
}

/* Large rulesets. */
#define LARGE_LEAST 50
#define LARGE_MOST 5000

/* Seeds in a row get sizes that are spread evenly (multiples of the golden ratio). */
static inline unsigned int large_size(unsigned int seed)
{
	return LARGE_LEAST + (unsigned int)((__u64)(seed * 2654435769u) * (LARGE_MOST - LARGE_LEAST + 1) >> 32);
}

/* Likewise what becomes of them, where they are looked up. */
static inline void choose_large_form(struct choices *choices, unsigned int rules)
{
	plan_function_rules = RULES_PER_FUNCTION;
	plan_stretch_rules = choose_once_in(choices, 4) ? 1 + choose(choices, rules) : SIZE_MAX;
	/* not so few that the functions between stretches would be more than a program may have */
	plan_classify_from = choose_once_in(choices, 2) ? 16 + choose(choices, 24) : 0;
	plan_exact_from = choose_once_in(choices, 2) ? 1 + choose(choices, 40) : SIZE_MAX;
}

/* A number of the environment. */
static inline unsigned int setting(const char *name, unsigned int otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned int)strtoul(text, NULL, 0) : otherwise;
}

#endif
