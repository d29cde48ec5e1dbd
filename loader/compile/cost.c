/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/cost.h"

#include "loader/compile/emit.h"

/*
 * Measured with selftests/bench, for packets of few flows: code is then as fast as it gets, since the processor has
 * learned its branches. Both forms of each family of rules cost the same at 250 to 700 rules.
 */
#define COST_RUN 0.3	  /* to load a word, and go past a run for which it is wrong */
#define COST_COMPARE 0.1  /* with one value of a short run */
#define COST_HALVING 0.9  /* one step of the search in a long run */
#define COST_BODY 0.3	  /* to find that a rule with the packet's value does not match either */
#define COST_FUNCTION 7.0 /* to call one more */
#define SHORT_RUN 8

#define COST_SEARCH 3.0 /* keys, roots, the rule that is found */
#define COST_TREE 5.5
#define COST_NODE 2.2
#define COST_RECORD 1.4
#define COST_AGAIN 40.0 /* to go on behind a rule that is found */
#define COST_EXACT 6.0	/* what is done with the rule */
#define COST_TABLE 3.0
#define COST_DOUBT 1.3 /* nothing is to become slower: rules stay code if it is a near thing */

static bool same_word(struct filter one, struct filter other)
{
	return one.mask && one.mask == other.mask && one.field == other.field;
}

/* How often the values of a run occur; values may share a place, which makes no great difference. */
struct occurrences {
	__u16 count[256];
	size_t values, squares; /* places in use; the sum of all counts, squared */
};

static size_t place_of(__u32 value)
{
	return value * 0x9e3779b1u >> 24;
}

static void occurrences_add(struct occurrences *occurrences, __u32 value)
{
	__u16 *count = occurrences->count + place_of(value);

	occurrences->values += !*count;
	occurrences->squares += 2u * *count + 1u;
	(*count)++;
}

/* Of straight-line code: to search all runs for the packet's values, and to test what has them. */
struct linear {
	double searches, bodies;
	size_t runs;
};

/* Adds a run with so many rules (run.h): half of the others that have a value are tested for a packet that has it. */
static void add_run(struct linear *cost, const struct occurrences *occurrences, size_t rules)
{
	size_t values = occurrences->values;

	cost->bodies += COST_BODY * (double)(occurrences->squares - rules) / (double)(2 * rules);
	cost->searches += COST_RUN;
	for (; values > SHORT_RUN; values /= 2)
		cost->searches += COST_HALVING;
	cost->searches += COST_COMPARE * (double)values;
	cost->runs++;
}

/* Adds the run that begins at rule `first` with *filter; returns its length. *filter becomes that behind it. */
static size_t measure_run(const struct emitter *emitter, size_t first, size_t end, struct filter *filter,
			  struct linear *cost)
{
	const struct plan_rule *planned = emitter->plan->rules + first;
	struct occurrences occurrences = {0};
	struct filter of_run = *filter;
	size_t rules = 0;

	do {
		occurrences_add(&occurrences, filter->value);
		if (first + ++rules == end)
			break;
		*filter = emit_filter_of(emitter, planned[rules].rule);
	} while (rules < plan_function_rules && !planned[rules].skipped_to && same_word(of_run, *filter));
	add_run(cost, &occurrences, rules);
	return rules;
}

double cost_linear(const struct plan *plan, size_t first, size_t end, double share)
{
	const struct emitter emitter = {.plan = plan};
	double functions = COST_FUNCTION * (double)((end - first) / plan_function_rules), ending;
	struct filter filter = first < end ? emit_filter_of(&emitter, plan->rules[first].rule) : (struct filter){0};
	struct linear cost = {0};

	for (size_t i = first; i < end;)
		i += measure_run(&emitter, i, end, &filter, &cost);
	if (!cost.runs)
		return 0;
	/* Half of the runs are met on the average, but not half a run. */
	ending = (functions + cost.searches + cost.bodies) * (double)(cost.runs + 1) / (double)(2 * cost.runs);
	return share * ending + (1 - share) * (functions + cost.searches);
}

double cost_classified(const struct classifier_estimate *estimate, double again)
{
	return COST_DOUBT * (COST_SEARCH + COST_TREE * estimate->trees + COST_NODE * estimate->depth +
			     COST_RECORD * estimate->records + COST_AGAIN * again);
}

double cost_exact(unsigned int tables)
{
	return COST_DOUBT * (COST_EXACT + COST_TABLE * tables);
}
