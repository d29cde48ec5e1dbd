/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random rulesets and random packets: the code that the compiler makes, run by the kernel, must do to each packet what
 * selftests/model says: verdict, counters, mark, routing table, tags, and the packet itself where rules change it.
 * IPFW_SEED is the first seed, IPFW_RULESETS the number of small rulesets, IPFW_LARGE_RULESETS that of large ones, of
 * 50 to 5,000 rules, which are tried as straight-line code and classified: selftests/differential.
 */
#include "selftests/model/random_rules.h"
#include "selftests/unit/differential.h"
#include "selftests/unit/probe_tables.h"

#define RULESETS 1000 /* times PACKETS: 300,000 pairs */
#define PACKETS 300
#define LARGE_RULESETS 12 /* times LARGE_PACKETS */
#define LARGE_PACKETS 300

#define TABLES_SEEDS 64 /* so many small rulesets in a row have the same tables */

static struct probe_tables probe_tables;
static struct model_tables model_tables;

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

static void report(struct reference *reference, const struct subject *subject, unsigned int seed,
		   const struct difference *difference)
{
	struct ruleset smallest;

	assert_int_equal(ruleset_clone(&smallest, reference->ruleset), 0);
	shrink(reference, reference->input, subject, &smallest);
	print_message("seed %u, %s, %zu rules a function, %s, %zu rules a stretch, from %zu on, exact from %zu on: %s; "
		      "the packet\n",
		      seed, reference->input ? "in" : "out", plan_function_rules,
		      reference->ruleset->linear ? "linear" : "classified", plan_stretch_rules, plan_classify_from,
		      plan_exact_from, difference->text);
	print_packet(subject);
	print_message("and as few rules as still show a difference, %s:\n",
		      find_difference(reference, reference->input, subject).text);
	print_ruleset(&smallest);
	fail_msg("generated code and selftests/model disagree");
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
	struct reference reference = {.ruleset = &ruleset,
				      .interfaces = &random_interfaces,
				      .input = seed & 1,
				      .tally = tally,
				      .tables = &model_tables,
				      .kernel = answer,
				      .socket_value = SOCKET_VALUE};
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

static void one_large_ruleset(unsigned int seed, unsigned int packets, struct large_tally *tally)
{
	struct choices choices = choices_from_seed(seed);
	unsigned int rules = large_size(seed);
	struct ruleset ruleset = random_ruleset(&choices, rules), linear = ruleset;
	struct reference classified = {.ruleset = &ruleset,
				       .interfaces = &random_interfaces,
				       .input = seed & 1,
				       .tables = &model_tables,
				       .kernel = answer,
				       .socket_value = SOCKET_VALUE};
	struct reference other = classified;

	choose_large_form(&choices, rules);
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
	struct reference reference = {.interfaces = &random_interfaces,
				      .input = false,
				      .tables = &model_tables,
				      .kernel = answer,
				      .socket_value = SOCKET_VALUE};
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
