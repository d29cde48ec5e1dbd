/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random rulesets and random packets: the code that the compiler makes, run by the kernel, must do to each packet what
 * selftests/model says: verdict, counters, mark, routing table, tags, and the packet itself where rules change it.
 * IPFW_SEED is the first seed, IPFW_RULESETS the number of small rulesets, IPFW_LARGE_RULESETS that of large ones, of
 * 50 to 5,000 rules, which are tried as straight-line code and classified: selftests/differential.
 */
#include "selftests/model/frame.h"
#include "selftests/model/random_packets.h"
#include "selftests/model/random_rules.h"
#include "selftests/unit/match_modules.h"
#include "selftests/unit/probe_tables.h"

#define RULESETS 1500 /* times PACKETS: 300,000 pairs */
#define PACKETS 200
#define LARGE_RULESETS 12 /* times LARGE_PACKETS */
#define LARGE_PACKETS 300
#define LARGE_LEAST 50
#define LARGE_MOST 5000

#define TABLES_SEEDS 8 /* so many small rulesets in a row have the same tables */

static __u64 expected[PROBE_SLOTS];
static struct probe_tables probe_tables;
static struct model_tables model_tables;

/* Where code and model disagree about a packet, or "". */
struct difference {
	char text[1024];
};

/* What match_modules.h answers in the kernel's place, and packets that it says yes to. */
static bool answer(const struct option *option, const struct packet *packet)
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

static void choose_answer(struct choices *choices, struct packet *packet)
{
	static const __u32 marks[] = {ANSWER_VERREVPATH,  ANSWER_VERSRCREACH, ANSWER_ANTISPOOF,	  ANSWER_SOCKARG,
				      ANSWER_IPSEC,	  ANSWER_USER,	      ANSWER_USER + 1000, ANSWER_GROUP,
				      ANSWER_GROUP + 100, ANSWER_JAIL + 1};

	packet->mark = CHOOSE_FROM(choices, marks);
}

/* Tags that the ruleset does not put on packets cannot come from the input pass either. */
static void keep_known_tags(struct subject *subject, const struct tags *tags)
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

static void compare_outcome(struct difference *difference, __u64 result, struct outcome outcome)
{
	if (result != MATCH_RESULT(outcome.verdict, outcome.slot, outcome.argument))
		snprintf(difference->text, sizeof(difference->text),
			 "verdict %u by the rule in slot %u with %#x, expected verdict %u, slot %u, %#x",
			 MATCH_VERDICT(result), MATCH_SLOT(result), MATCH_ARGUMENT(result), outcome.verdict,
			 outcome.slot, outcome.argument);
}

/* The bytes of the packet must be those of one that always was as the model left it. */
static void compare_bytes(struct difference *difference, const __u8 *bytes, const struct subject *subject)
{
	struct packet wanted = subject->packet;
	__u8 expected_bytes[FRAME_BYTES_MAX];
	size_t length = frame_write(&wanted, expected_bytes);

	for (size_t i = 0; i < length; i++)
		if (bytes[i] != expected_bytes[i])
			snprintf(difference->text, sizeof(difference->text), "byte %zu is %#x, expected %#x", i,
				 bytes[i], expected_bytes[i]);
}

static void compare_packet(struct difference *difference, const struct packet *packet, const struct subject *subject,
			   const struct tags *tags)
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
static void compare_counters(struct difference *difference, const struct probe *probe, const struct ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->count; i++) {
		__u32 slot = ruleset->rules[i]->slot;

		if (slot != COUNTER_SLOT_DEFAULT && probe->counted[slot] != expected[slot])
			snprintf(difference->text, sizeof(difference->text), "slot %u counted %llu, expected %llu",
				 slot, probe->counted[slot], expected[slot]);
		probe->counted[slot] = 0;
	}
}

/* A packet before and behind the rules, as the model reads them; how often each rule counted is in `expected'. */
struct passage {
	struct subject before, after;
	struct outcome outcome;
};

static void expect(struct passage *passage, const struct reference *reference, const struct tags *tags,
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
static struct difference compare(const struct probe *probe, const struct ruleset *ruleset,
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

/* How code for `input', made of the rules of `reference', treats the packet differently. */
static struct difference find_difference(const struct reference *reference, bool input, const struct subject *subject)
{
	struct probe probe = probe_try(reference->ruleset, reference->interfaces, input);
	struct difference difference;
	struct passage passage;

	if (!probe.object) {
		snprintf(difference.text, sizeof(difference.text), "the verifier refused it: ...%s", probe_refusal);
		return difference;
	}
	expect(&passage, reference, &probe.tags, subject);
	difference = compare(&probe, reference->ruleset, &passage);
	probe_close(&probe);
	return difference;
}

static bool differs(const struct reference *reference, bool input, const struct subject *subject)
{
	return find_difference(reference, input, subject).text[0];
}

/* A copy without `count' rules from `first' on. */
static struct ruleset without(const struct ruleset *ruleset, size_t first, size_t count)
{
	struct ruleset copy;

	assert_int_equal(ruleset_clone(&copy, ruleset), 0);
	while (count--)
		ruleset_remove(&copy, first);
	return copy;
}

/* Leaves out rules, halves first and single ones at last, as long as code for `input' differs from the reference. */
static void shrink(struct reference *reference, bool input, const struct subject *subject, struct ruleset *ruleset)
{
	reference->ruleset = ruleset;
	for (size_t size = ruleset->count / 2; size; size /= 2) {
		for (size_t first = 0; first + size <= ruleset->count;) {
			struct ruleset smaller = without(ruleset, first, size);

			reference->ruleset = &smaller;
			if (differs(reference, input, subject)) {
				ruleset_free(ruleset);
				*ruleset = smaller;
			} else {
				ruleset_free(&smaller);
				first += size;
			}
			reference->ruleset = ruleset;
		}
	}
}

static void print_ruleset(const struct ruleset *ruleset)
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

static void print_packet(const struct subject *subject)
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

static void report(struct reference *reference, const struct subject *subject, unsigned int seed,
		   const struct difference *difference)
{
	struct ruleset smallest;

	assert_int_equal(ruleset_clone(&smallest, reference->ruleset), 0);
	shrink(reference, reference->input, subject, &smallest);
	print_message("seed %u, %s, %zu rules a function, %s, %zu rules a stretch, from %zu on: %s; the packet\n", seed,
		      reference->input ? "in" : "out", plan_function_rules,
		      reference->ruleset->linear ? "linear" : "classified", plan_stretch_rules, plan_classify_from,
		      difference->text);
	print_packet(subject);
	print_message("and as few rules as still show a difference, %s:\n",
		      find_difference(reference, reference->input, subject).text);
	print_ruleset(&smallest);
	fail_msg("generated code and selftests/model disagree");
}

static unsigned int setting(const char *name, unsigned int otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned int)strtoul(text, NULL, 0) : otherwise;
}

/*
 * What becomes of the rules. Functions and stretches of a few rules show in small rulesets what happens between them;
 * among those that are not classified from the first rule on are rules that are not worth it.
 */
static void choose_form(struct choices *choices, struct ruleset *ruleset)
{
	bool small = ruleset->count < 100 && choose_once_in(choices, 2);

	plan_function_rules = small ? 1 + choose(choices, 12) : RULES_PER_FUNCTION;
	plan_stretch_rules = small ? 1 + choose(choices, 12) : SIZE_MAX;
	plan_classify_from = choose(choices, 2) ? choose(choices, 6) : 0;
	ruleset->linear = choose_once_in(choices, 3);
}

static void check(struct reference *reference, const struct subject *subject, unsigned int seed,
		  struct difference difference)
{
	if (difference.text[0])
		report(reference, subject, seed, &difference);
}

/* A packet that may come to these rules. */
static void choose_packet(struct choices *choices, const struct reference *reference, struct subject *subject)
{
	random_packet(choices, reference->input, subject);
	if (choose(choices, 2))
		choose_answer(choices, &subject->packet);
	if (!(reference->ruleset->switches & RULESET_WITH_LAYER2))
		subject->packet.layer2 = 0;
}

/* Loads the rules. The verifier must take them; if not, `subject' is any packet. */
static struct probe load(struct reference *reference, unsigned int seed, const struct subject *subject)
{
	struct probe probe = probe_try(reference->ruleset, reference->interfaces, reference->input);

	if (!probe.object)
		check(reference, subject, seed, find_difference(reference, reference->input, subject));
	return probe;
}

/* Contents of tables that the seed determines. */
static void fill_tables(unsigned int seed)
{
	struct choices choices = choices_from_seed(seed);

	random_tables(&choices, &model_tables);
	probe_tables_fill(&probe_tables, &model_tables);
}

static void one_ruleset(unsigned int seed, struct reference_tally *tally)
{
	struct choices choices = choices_from_seed(seed);
	struct ruleset ruleset = random_ruleset(&choices, random_ruleset_size(&choices));
	struct reference reference = {&ruleset, &random_interfaces, seed & 1, tally, &model_tables, answer};
	static struct subject subject;
	static struct passage passage;
	struct probe probe;

	choose_form(&choices, &ruleset);
	choose_packet(&choices, &reference, &subject);
	probe = load(&reference, seed, &subject);
	for (int i = 0; i < PACKETS; i++) {
		choose_packet(&choices, &reference, &subject);
		expect(&passage, &reference, &probe.tags, &subject);
		check(&reference, &subject, seed, compare(&probe, &ruleset, &passage));
	}
	probe_close(&probe);
	ruleset_free(&ruleset);
}

/* What happened to large rulesets. */
struct large_tally {
	unsigned int packets, classified;
};

/* The same packets through both forms of a ruleset. */
static void try_both(struct choices *choices, unsigned int packets, struct reference *linear,
		     struct reference *classified, unsigned int seed, struct large_tally *tally)
{
	static struct subject subject;
	static struct passage passage;
	struct probe first, second;

	choose_packet(choices, linear, &subject);
	first = load(linear, seed, &subject);
	second = load(classified, seed, &subject);
	assert_memory_equal(first.tags.number, second.tags.number, sizeof(first.tags.number));
	tally->packets += packets;
	tally->classified += second.classified;
	while (packets--) {
		choose_packet(choices, linear, &subject);
		if (choose(choices, 2))
			random_spread_packet(choices, &subject.packet);
		expect(&passage, linear, &first.tags, &subject);
		check(linear, &subject, seed, compare(&first, linear->ruleset, &passage));
		check(classified, &subject, seed, compare(&second, classified->ruleset, &passage));
	}
	probe_close(&first);
	probe_close(&second);
}

/* Seeds in a row get sizes that are spread evenly (multiples of the golden ratio). */
static unsigned int large_size(unsigned int seed)
{
	return LARGE_LEAST + (unsigned int)((__u64)(seed * 2654435769u) * (LARGE_MOST - LARGE_LEAST + 1) >> 32);
}

static void one_large_ruleset(unsigned int seed, unsigned int packets, struct large_tally *tally)
{
	struct choices choices = choices_from_seed(seed);
	unsigned int rules = large_size(seed);
	struct ruleset ruleset = random_ruleset(&choices, rules), linear = ruleset;
	struct reference classified = {&ruleset, &random_interfaces, seed & 1, NULL, &model_tables, answer};
	struct reference other = classified;

	plan_function_rules = RULES_PER_FUNCTION;
	plan_stretch_rules = choose_once_in(&choices, 4) ? 1 + choose(&choices, rules) : SIZE_MAX;
	plan_classify_from = choose_once_in(&choices, 2) ? choose(&choices, 40) : 0;
	fill_tables(seed);
	linear.linear = true;
	other.ruleset = &linear;
	try_both(&choices, packets, &other, &classified, seed, tally);
	ruleset_free(&ruleset);
}

/* Options that no packet can miss, or none can match. */
static bool always(int option)
{
	return option == OPTION_COMMENT || option == OPTION_TAG || option == OPTION_UNTAG || option == OPTION_LOG;
}

static bool never(int option)
{
	return option == OPTION_DIVERTED || option == OPTION_DIVERTED_LOOPBACK || option == OPTION_DIVERTED_OUTPUT;
}

/* Every row of the language's tables must have been met, and every key of look-ups, both ways where there are two. */
static void check_tally(const struct reference_tally *tally)
{
	static const char *const options[] = {
#define OPTION(code, ...) #code,
#include "ipfw/options.def"
#undef OPTION
	};
	static const char *const actions[] = {
#define ACTION(code, ...) #code,
#include "ipfw/actions.def"
#undef ACTION
	};

	for (int code = 0; code < OPTION_CODES; code++)
		if (random_option_works(code) &&
		    ((!tally->hits[code] && !never(code)) || (!tally->misses[code] && !always(code))))
			fail_msg("option %s: %llu matches, %llu misses", options[code], tally->hits[code],
				 tally->misses[code]);
	for (int key = 0; key < LOOKUP_KEYS; key++)
		if (key != LOOKUP_UID && key != LOOKUP_JAIL && (!tally->lookup_hits[key] || !tally->lookup_misses[key]))
			fail_msg("lookup %d: %llu matches, %llu misses", key, tally->lookup_hits[key],
				 tally->lookup_misses[key]);
	for (int code = 0; code < ACTION_CODES; code++)
		if (random_action_works(code) && !tally->actions[code])
			fail_msg("action %s was never performed", actions[code]);
}

static void generated_code_agrees_with_the_model(void **state)
{
	unsigned int first = setting("IPFW_SEED", 1), count = setting("IPFW_RULESETS", RULESETS);
	struct reference_tally tally = {0};

	for (unsigned int seed = first; seed < first + count; seed++) {
		if (seed == first || !(seed % TABLES_SEEDS))
			fill_tables(seed / TABLES_SEEDS);
		one_ruleset(seed, &tally);
	}
	if (count >= RULESETS)
		check_tally(&tally);
}

static void both_forms_of_large_rulesets_agree_with_the_model(void **state)
{
	unsigned int first = setting("IPFW_SEED", 1), count = setting("IPFW_LARGE_RULESETS", LARGE_RULESETS);
	unsigned int packets = setting("IPFW_LARGE_PACKETS", LARGE_PACKETS);
	struct large_tally tally = {0};

	for (unsigned int i = 0; i < count; i++)
		one_large_ruleset(first + i, packets, &tally);
	print_message("seeds %u to %u: %u packets, %u of %u rulesets classified\n", first, first + count - 1,
		      tally.packets, tally.classified, count);
	assert_true(tally.classified >= count / 2);
}

/* The test itself: a model that takes `in' for `out' must be found out, and what remains must be the rule that tells.
 */
static void a_difference_is_found_and_shrunk(void **state)
{
	struct choices choices = choices_from_seed(1);
	struct reference reference = {
		.interfaces = &random_interfaces, .input = false, .tables = &model_tables, .kernel = answer};
	struct ruleset ruleset = random_ruleset(&choices, 60);
	static struct subject subject;
	struct rule *telling = rule_from("65534 count in");

	telling->slot = 100;
	assert_int_equal(ruleset_insert(&ruleset, telling), 0);
	for (size_t i = 0; i + 2 < ruleset.count;)
		if (rule_action(ruleset.rules[i])->code == ACTION_COUNT)
			i++;
		else
			ruleset_remove(&ruleset, i);
	reference.ruleset = &ruleset;
	random_packet(&choices, true, &subject);
	assert_true(differs(&reference, true, &subject));
	shrink(&reference, true, &subject, &ruleset);
	assert_int_equal(ruleset.count, 1);
	ruleset_free(&ruleset);
}

static int open_tables(void **state)
{
	struct choices choices = choices_from_seed(0);

	random_tables(&choices, &model_tables);
	probe_tables_open(&probe_tables, &model_tables);
	fill_tables(0);
	return 0;
}

static int close_tables(void **state)
{
	probe_tables_close(&probe_tables);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_difference_is_found_and_shrunk),
					   cmocka_unit_test(generated_code_agrees_with_the_model),
					   cmocka_unit_test(both_forms_of_large_rulesets_agree_with_the_model)};

	return cmocka_run_group_tests(tests, open_tables, close_tables);
}
