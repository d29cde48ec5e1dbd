/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/cost.h"

#include "loader/compile/emit.h"

/* Measured with selftests/bench, where the families of rules differ most. */
#define COST_RUN 1.7	  /* to load a word, and go past a run for which it is wrong */
#define COST_COMPARE 0.35 /* with one value of a short run */
#define COST_HALVING 8.0  /* one step of the search in a long run: nobody can predict it */
#define COST_FUNCTION 10.0
#define SHORT_RUN 8

#define COST_SEARCH 65.0 /* calls, keys, roots, the rule that is found */
#define COST_TREE 20.0
#define COST_NODE 8.0
#define COST_RECORD 5.0
#define COST_AGAIN 40.0 /* to go on behind a rule that is found */
#define COST_DOUBT 1.15 /* nothing is to become slower: rules stay code if it is a near thing */

static bool same_word(struct filter one, struct filter other)
{
	return one.mask && one.mask == other.mask && one.field == other.field;
}

/* Of a run with so many rules (run.h). */
static double cost_run(size_t rules)
{
	double cost = COST_RUN;

	for (; rules > SHORT_RUN; rules /= 2)
		cost += COST_HALVING;
	return cost + COST_COMPARE * (double)rules;
}

double cost_linear(const struct plan *plan, size_t first, size_t end)
{
	const struct emitter emitter = {.plan = plan};
	double cost = COST_FUNCTION * (double)((end - first) / plan_function_rules + 1);
	size_t runs = 0;

	for (size_t i = first; i < end;) {
		struct filter filter = emit_filter_of(&emitter, plan->rules[i].rule);
		size_t run = 1;

		while (i + run < end && run < plan_function_rules && !plan->rules[i + run].skipped_to &&
		       same_word(filter, emit_filter_of(&emitter, plan->rules[i + run].rule)))
			run++;
		cost += cost_run(run);
		i += run;
		runs++;
	}
	/* Half of the runs are met on the average, but not half a run. */
	return runs ? cost * (double)(runs + 1) / (double)(2 * runs) : 0;
}

double cost_classified(const struct classifier_estimate *estimate, double again)
{
	return COST_DOUBT * (COST_SEARCH + COST_TREE * estimate->trees + COST_NODE * estimate->depth +
			     COST_RECORD * estimate->records + COST_AGAIN * again);
}
