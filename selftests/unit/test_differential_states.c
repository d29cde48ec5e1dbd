/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random rulesets with dynamic rules, and packets of few flows one after the other while time passes: verdicts,
 * counters, and all states and parents of limits must be what selftests/model says. IPFW_SEED is the first seed,
 * IPFW_RULESETS the number of short rulesets, IPFW_LARGE_RULESETS that of large ones, which are tried as straight-line
 * code and classified, with IPFW_LARGE_PACKETS packets: selftests/differential.
 */
#include "selftests/model/random_rules.h"
#include "selftests/unit/differential.h"
#include "selftests/unit/probe_tables.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#define RULESETS 160
#define PACKETS 80
#define LARGE_RULESETS 6
#define LARGE_PACKETS 300
#define FLOWS 5
#define LONG_AGO 100000 /* seconds after which no state is left */

static struct probe_tables probe_tables;
static struct model_tables model_tables;
static struct bpf_object *sweeper;
static struct control *control;
static struct state_totals *totals;

/* The maps of states, beside those of tables. */
static void open_states(void)
{
	const struct {
		enum lasting_map map;
		__u32 entries;
	} rows[] = {
		{LASTING_STATES4, state_table_elements(MODEL_STATES_MAX)},
		{LASTING_STATES6, state_table_elements(MODEL_STATES_MAX)},
		{LASTING_STATE_PARENTS, MODEL_STATES_MAX},
		{LASTING_STATE_RING_PARENTS, MODEL_STATES_MAX},
		{LASTING_STATE_TOTALS, 0},
		{LASTING_STATE_OWNERS, PROBE_SLOTS},
	};
	const size_t count = sizeof(rows) / sizeof(*rows);
	struct map_order orders[sizeof(rows) / sizeof(*rows)];

	for (size_t i = 0; i < count; i++)
		orders[i] = (struct map_order){lasting_names[rows[i].map], rows[i].entries, -1};
	assert_int_equal(maps_create(probe_path("../bpf/store.bpf.o"), orders, count), 0);
	for (size_t i = 0; i < count; i++)
		probe_tables.lasting.fds[rows[i].map] = orders[i].fd;
	assert_int_equal(state_table_prepare(probe_tables.lasting.fds[LASTING_STATES4], MODEL_STATES_MAX), 0);
	assert_int_equal(state_table_prepare(probe_tables.lasting.fds[LASTING_STATES6], MODEL_STATES_MAX), 0);
	totals = mmap(NULL, sizeof(*totals), PROT_READ | PROT_WRITE, MAP_SHARED,
		      probe_tables.lasting.fds[LASTING_STATE_TOTALS], 0);
	assert_true(totals != MAP_FAILED);
	control = probe_tables.lasting.control;
	control->states_clock = LONG_AGO;
	control->jiffies_per_second = 1;
}

static int set_up(void **state)
{
	struct choices choices = choices_from_seed(0);

	log_begin();
	random_tables(&choices, &model_tables);
	probe_tables_open(&probe_tables, &model_tables);
	probe_tables_fill(&probe_tables, &model_tables);
	open_states();
	sweeper = bpf_object__open_file(probe_path("../bpf/sweep.bpf.o"), NULL);
	assert_non_null(sweeper);
	probe_bind(sweeper);
	assert_int_equal(bpf_object__load(sweeper), 0);
	return 0;
}

static int tear_down(void **state)
{
	bpf_object__close(sweeper);
	munmap(totals, sizeof(*totals));
	probe_tables_close(&probe_tables);
	return 0;
}

static void sweep(struct model_states *states)
{
	__u8 frame[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame));

	assert_int_equal(bpf_prog_test_run_opts(
				 bpf_program__fd(bpf_object__find_program_by_name(sweeper, SWEEP_PROGRAM)), &options),
			 0);
	assert_int_equal(options.retval, 0);
	states_sweep(states);
}

/* `crowded': there is room for few states. */
static void choose_settings(struct choices *choices, bool crowded)
{
	control->states_clock += LONG_AGO;
	control->dyn_max = crowded ? 1 + choose(choices, 4) : MODEL_STATES_MAX;
	control->dyn_parent_max = crowded ? 1 + choose(choices, 2) : MODEL_STATES_MAX;
	control->dyn_ack_lifetime = 10 + choose(choices, 30);
	control->dyn_syn_lifetime = 1 + choose(choices, 10);
	control->dyn_fin_lifetime = 1 + choose(choices, 8);
	control->dyn_rst_lifetime = 1 + choose(choices, 8);
	control->dyn_udp_lifetime = 1 + choose(choices, 10);
	control->dyn_short_lifetime = 1 + choose(choices, 5);
}

static void turn_around(struct packet *packet)
{
	struct packet copy = *packet;

	memcpy(packet->source, copy.destination, sizeof(packet->source));
	memcpy(packet->destination, copy.source, sizeof(packet->destination));
	packet->source_port = copy.destination_port;
	packet->destination_port = copy.source_port;
}

/* A packet of one of the flows, in one of both directions. */
static void choose_packet(struct choices *choices, const struct subject *flows, const struct reference *reference,
			  struct subject *subject)
{
	static const __u8 flags[] = {TH_SYN, TH_SYN, TH_SYN | TH_ACK, TH_SYN | TH_ACK, TH_ACK, TH_ACK, TH_FIN | TH_ACK,
				     TH_RST, 0};
	static const __u32 acknowledgments[] = {0, 1, 2, 3, 0x7fffffff, 0xfffffffe};

	*subject = flows[choose(choices, FLOWS)];
	if (choose(choices, 2))
		turn_around(&subject->packet);
	if (subject->packet.flags & PACKET_TCP) {
		subject->packet.tcp_flags = CHOOSE_FROM(choices, flags);
		subject->packet.tcp_acknowledgment = CHOOSE_FROM(choices, acknowledgments);
	}
	if (choose_once_in(choices, 4))
		choose_answer(choices, &subject->packet);
	if (!(reference->ruleset->switches & RULESET_WITH_LAYER2))
		subject->packet.layer2 = 0;
}

/* What the kernel has, to be ticked off. */
struct comparison {
	const struct model_states *states;
	bool seen[MODEL_STATES_MAX], parent_seen[MODEL_STATES_MAX];
	size_t count, parent_count, strange;
};

static bool is_parent(const struct state_entry *entry, const struct model_parent *parent)
{
	return entry->slot == parent->rule->slot && entry->family == parent->family &&
	       entry->protocol == parent->protocol && !memcmp(entry->source, parent->source, 16) &&
	       !memcmp(entry->destination, parent->destination, 16) && entry->source_port == parent->source_port &&
	       entry->destination_port == parent->destination_port && entry->count == parent->count;
}

static bool is_state(const struct state_entry *entry, const struct model_state *state)
{
	__u32 left = state->expire > control->states_clock ? state->expire - control->states_clock : 0;

	return entry->slot == state->rule->slot && entry->family == state->family &&
	       entry->protocol == state->protocol && !memcmp(entry->source, state->source, 16) &&
	       !memcmp(entry->destination, state->destination, 16) && entry->source_port == state->source_port &&
	       entry->destination_port == state->destination_port && entry->packets == state->packets &&
	       entry->bytes == state->bytes && entry->remaining == left * 1000 &&
	       (entry->kind == STATE_ENTRY_LIMIT) == !!state->limited;
}

static int tick_off_parent(struct comparison *comparison, const struct state_entry *entry)
{
	comparison->parent_count++;
	for (size_t i = 0; i < comparison->states->parent_count; i++) {
		if (comparison->parent_seen[i] || !is_parent(entry, comparison->states->parents + i))
			continue;
		comparison->parent_seen[i] = true;
		return 0;
	}
	comparison->strange++;
	return 0;
}

static int tick_off(const struct state_entry *entry, void *data)
{
	struct comparison *comparison = data;

	if (entry->kind == STATE_ENTRY_PARENT)
		return tick_off_parent(comparison, entry);
	comparison->count++;
	for (size_t i = 0; i < comparison->states->count; i++) {
		if (comparison->seen[i] || !is_state(entry, comparison->states->states + i))
			continue;
		comparison->seen[i] = true;
		return 0;
	}
	comparison->strange++;
	return 0;
}

static void compare_states(struct difference *difference, const struct model_states *states, __u64 refused)
{
	struct comparison comparison = {.states = states};

	assert_int_equal(states_walk(&probe_tables.lasting, control->states_clock, tick_off, &comparison), 0);
	if (comparison.strange || comparison.count != states->count || comparison.parent_count != states->parent_count)
		snprintf(difference->text, sizeof(difference->text),
			 "%zu states and %zu parents, of which %zu are not the model's %zu and %zu", comparison.count,
			 comparison.parent_count, comparison.strange, states->count, states->parent_count);
	if (totals->states != states->count || totals->parents != states->parent_count)
		snprintf(difference->text, sizeof(difference->text), "totals: %u states, %u parents, expected %zu, %zu",
			 totals->states, totals->parents, states->count, states->parent_count);
	if (totals->refused - refused != states->refused)
		snprintf(difference->text, sizeof(difference->text), "%llu packets refused, expected %llu",
			 totals->refused - refused, states->refused);
}

static void check(const struct reference *reference, const struct subject *subject, unsigned int seed, int step,
		  const struct difference *difference)
{
	if (!difference->text[0])
		return;
	print_message("seed %u, packet %d, %s, %s: %s\n", seed, step, reference->input ? "in" : "out",
		      reference->ruleset->linear ? "linear" : "classified", difference->text);
	print_packet(subject);
	print_ruleset(reference->ruleset);
	fail_msg("generated code and selftests/model disagree");
}

/* What was met: the test asks that nothing is left out. */
struct tally {
	unsigned int sent, refreshed, made, limited, refused, expired, endless, classified;
};

/*
 * One packet after the other, but for those that would not come to an end: the model does not say how often these are
 * counted.
 */
static void send_packets(struct choices *choices, const struct reference *reference, const struct probe *probe,
			 unsigned int seed, int packets, bool crowded, struct tally *tally)
{
	static struct subject flows[FLOWS], subject;
	static struct passage passage;
	static struct model_states before;
	struct model_states *states = reference->states;
	__u64 refused = totals->refused;

	for (int i = 0; i < FLOWS; i++) {
		random_packet(choices, reference->input, flows + i);
		if (reference->ruleset->count > LARGE_LEAST && choose(choices, 2))
			random_spread_packet(choices, &flows[i].packet);
	}
	for (int step = 0; step < packets; step++) {
		struct difference difference;

		if (choose_once_in(choices, 4)) {
			control->states_clock += 1 + choose(choices, 6);
			if (crowded || choose(choices, 2)) {
				size_t count = states->count;

				sweep(states);
				tally->expired += count - states->count;
			}
		}
		choose_packet(choices, flows, reference, &subject);
		before = *states;
		expect(&passage, reference, &probe->tags, &subject);
		if (passage.outcome.verdict == VERDICT_BOUND) {
			*states = before;
			tally->endless++;
			continue;
		}
		tally->sent++;
		difference = compare(probe, reference->ruleset, &passage);
		compare_states(&difference, states, refused);
		check(reference, &subject, seed, step, &difference);
	}
	tally->made += states->sequence;
	tally->refused += states->refused;
	for (size_t i = 0; i < states->count; i++) {
		tally->refreshed += states->states[i].packets > 2;
		tally->limited += states->states[i].limited != 0;
	}
}

/* Sends packets that `choices' gives through the rules, before which there is no state. */
static void try_form(struct choices choices, const struct ruleset *ruleset, unsigned int seed, int packets,
		     struct tally *tally)
{
	static struct model_states states;
	bool crowded = choose_once_in(&choices, 3);
	struct reference reference = {.ruleset = ruleset,
				      .interfaces = &random_interfaces,
				      .input = seed & 1,
				      .tables = &model_tables,
				      .kernel = answer,
				      .socket_value = SOCKET_VALUE,
				      .states = &states};
	struct probe probe;
	int rules;

	states = (struct model_states){.settings = control};
	choose_settings(&choices, crowded);
	sweep(&states);
	assert_int_equal(totals->states + totals->parents, 0);
	probe = probe_load(ruleset, &random_interfaces, reference.input);
	rules = bpf_object__find_map_fd_by_name(probe.object, "state_rules");
	if (rules >= 0)
		assert_true(state_owners_add(&probe_tables.lasting, rules, ruleset) >= 0);
	tally->classified += probe.classified;
	send_packets(&choices, &reference, &probe, seed, packets, crowded, tally);
	probe_close(&probe);
}

static void one_ruleset(unsigned int seed, struct tally *tally)
{
	struct choices choices = choices_from_seed(seed);
	struct ruleset ruleset = random_ruleset_with_states(&choices, 1 + choose(&choices, 16));

	choose_form(&choices, &ruleset);
	try_form(choices, &ruleset, seed, PACKETS, tally);
	ruleset_free(&ruleset);
}

/* The same packets through both forms of a ruleset. */
static void one_large_ruleset(unsigned int seed, int packets, struct tally *tally)
{
	struct choices choices = choices_from_seed(seed);
	struct ruleset ruleset = random_ruleset_with_states(&choices, large_size(seed));

	choose_large_form(&choices, large_size(seed));
	ruleset.linear = true;
	try_form(choices, &ruleset, seed, packets, tally);
	ruleset.linear = false;
	try_form(choices, &ruleset, seed, packets, tally);
	ruleset_free(&ruleset);
}

static void print_tally(const struct tally *tally)
{
	print_message("packets %u, states made %u, expired %u; left: refreshed %u, limited %u; packets refused %u, "
		      "endless %u; "
		      "rulesets classified %u\n",
		      tally->sent, tally->made, tally->expired, tally->refreshed, tally->limited, tally->refused,
		      tally->endless, tally->classified);
}

static void dynamic_rules_agree_with_the_model(void **state)
{
	unsigned int first = setting("IPFW_SEED", 1), count = setting("IPFW_RULESETS", RULESETS);
	struct tally tally = {0};

	for (unsigned int seed = first; seed < first + count; seed++)
		one_ruleset(seed, &tally);
	print_tally(&tally);
	if (count >= RULESETS)
		assert_true(tally.made && tally.expired && tally.refreshed && tally.limited && tally.refused &&
			    tally.endless < tally.sent / 2);
}

static void both_forms_of_large_rulesets_agree_with_the_model(void **state)
{
	unsigned int first = setting("IPFW_SEED", 1), count = setting("IPFW_LARGE_RULESETS", LARGE_RULESETS);
	unsigned int packets = setting("IPFW_LARGE_PACKETS", LARGE_PACKETS);
	struct tally tally = {0};

	for (unsigned int seed = first; seed < first + count; seed++)
		one_large_ruleset(seed, (int)packets, &tally);
	print_message("seeds %u to %u: ", first, first + count - 1);
	print_tally(&tally);
	assert_true(tally.classified >= count / 2);
	if (count >= LARGE_RULESETS)
		assert_true(tally.made && tally.refreshed && tally.refused && tally.endless < tally.sent / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(dynamic_rules_agree_with_the_model),
					   cmocka_unit_test(both_forms_of_large_rulesets_agree_with_the_model)};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
