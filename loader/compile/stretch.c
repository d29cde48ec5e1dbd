/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/stretch.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/compile/chain.h"
#include "loader/compile/cost.h"
#include "loader/compile/rest.h"
#include "loader/compile/stretch_range.h"
#include "loader/compile/stretch_state.h"
#include "loader/compile/table_value.h"

#define CLASSIFY_FROM 64
#define FUNCTIONS_FOR_JUMPS 32

/*
 * Functions that are code, beside stretches. The kernel takes 256 with those of the runtime (BPF_MAX_SUBPROGS in
 * linux/bpf_verifier.h), of which rules that ask for all there is bring about a hundred.
 */
#define CODE_FUNCTIONS_MAX 128

/* Exact stretches have as many rules, and this share of those that are looked up, lest one stretch becomes many. */
#define EXACT_FROM 64
#define EXACT_SHARE 4

size_t plan_classify_from = CLASSIFY_FROM, plan_stretch_rules = SIZE_MAX, plan_exact_from = EXACT_FROM;

/* Adds a function for rules from `first` on; the caller says where it ends. */
static struct plan_function *add_function(struct plan *plan, size_t first, enum stretch_form form)
{
	struct plan_function *function = plan->functions + plan->function_count;

	*function = (struct plan_function){.first = first, .form = form};
	snprintf(function->name, sizeof(function->name), "rules_%zu", plan->function_count);
	plan->function_count++;
	return function;
}

static bool skips_by_value(const struct plan_rule *planned)
{
	return rule_action(planned->rule)->code == ACTION_SKIPTO && rule_jumps_by_value(planned->rule);
}

/*
 * Whether a function ends behind the rule: where a skipto goes that takes its number out of a table is found out
 * between functions. Each is a call for all packets that come past, and a branch for the verifier, so beyond some rules
 * have packets start over instead (plan.jumps_back).
 */
static bool ends_function(struct plan *plan, const struct plan_rule *planned)
{
	if (!skips_by_value(planned))
		return false;
	if (plan->function_count < FUNCTIONS_FOR_JUMPS)
		return true;
	plan->jumps_back = true;
	return false;
}

/* The last function, if it is code that goes on, and what its rules cost; NULL: there is none. */
static struct plan_function *last_linear(struct plan *plan, size_t *cost)
{
	struct plan_function *function;

	*cost = 0;
	if (!plan->function_count)
		return NULL;
	function = plan->functions + plan->function_count - 1;
	if (function->classified || skips_by_value(plan->rules + function->end - 1))
		return NULL;
	for (size_t i = function->first; i < function->end; i++)
		*cost += plan_rule_cost(plan->rules[i].rule);
	return function;
}

/* Code for the rules behind those that functions have, as few as hold them: each costs packets a call. */
static void add_linear(struct plan *plan, size_t first, size_t end, enum stretch_form form)
{
	size_t cost;
	struct plan_function *function = last_linear(plan, &cost);

	if (function && form != STRETCH_FEW)
		function->form = form;
	for (size_t i = first; i < end; i++) {
		size_t more = plan_rule_cost(plan->rules[i].rule);

		if (!function || i - function->first >= plan_function_rules || cost + more > FUNCTION_COST) {
			function = add_function(plan, i, form);
			cost = 0;
		}
		function->end = i + 1;
		cost += more;
		if (ends_function(plan, plan->rules + i))
			function = NULL;
	}
}

/* A range, and what is known of its two forms. */
struct candidate {
	struct range range;
	double linear; /* what it costs packets as code; -1: that is no matter */
	size_t wanted; /* index in candidates.stretches of its trees, or NOT_WANTED */
	size_t exact;  /* likewise, of its hash tables */
	long codes;    /* pieces of code that its rules brought, -1: not yet */
};

#define NOT_WANTED ((size_t)-1)

struct candidates {
	struct candidate *candidates;
	struct image_stretch *stretches; /* what is to be built to see what looking up costs */
	size_t count, stretch_count, capacity;
	size_t least;	/* rules of what is looked up, as there would be too many functions, else */
	bool no_tables; /* as some keys have no perfect hash */
	struct rests rests;
};

static void candidates_free(struct candidates *all)
{
	free(all->candidates);
	free(all->stretches);
	rests_free(&all->rests);
}

static int candidates_grow(struct candidates *all)
{
	size_t capacity = 2 * all->capacity + 4;
	struct candidate *candidates = realloc(all->candidates, capacity * sizeof(*candidates));
	struct image_stretch *stretches;

	if (!candidates)
		return -ENOMEM;
	all->candidates = candidates;
	stretches = realloc(all->stretches, 2 * capacity * sizeof(*stretches));
	if (!stretches)
		return -ENOMEM;
	all->stretches = stretches;
	all->capacity = capacity;
	return 0;
}

/* Whether a packet is done sooner with the rules looked up. An estimate of zeros: whether it may be. */
static bool cheaper(const struct plan *plan, const struct boxed_rules *boxed, const struct candidate *candidate,
		    const struct classifier_estimate *estimate)
{
	struct range range = candidate->range;
	double common = 0, continuing = 0, again;

	if (candidate->linear < 0)
		return true;
	for (size_t i = range.first; i < range.end; i++) {
		common += !boxed->rules[i].selective;
		continuing += plan_action_continues(plan->rules + i);
	}
	/* Half of those that most packets meet, and of the others as many as are among those that are compared. */
	again = common / 2 + estimate->records * continuing / (double)(range.end - range.first);
	return cost_classified(estimate, again) < candidate->linear;
}

/* Whether packets may get to rules behind the first one without meeting that. */
static bool entered_inside(const struct plan *plan, struct range range)
{
	if (plan_starts_over(plan))
		return true;
	for (size_t i = 0; i < range.end; i++)
		if (skips_by_value(plan->rules + i) ||
		    (plan->rules[i].skip_target > range.first && plan->rules[i].skip_target < range.end))
			return true;
	return false;
}

/* Fills in what is to be done for the rules. Returns how many pieces of code that brought, or an error. */
static long add_rests(struct plan *plan, const struct boxed_rules *boxed, struct range range, struct rests *rests)
{
	size_t codes = plan->code_count;
	int result = 0;

	for (size_t i = range.first; !result && i < range.end; i++)
		if (plan->rules[i].action >= 0)
			result = stretch_state_add(rests, plan, i, boxed->rules[i].held);
		else if (stretch_state_meets(plan->rules + i))
			result = rests_add(rests, plan, i, boxed->rules[i].held);
	return result ? result : (long)(plan->code_count - codes);
}

/* Wants a stretch of the image for the boxes of the candidate; returns its number. */
static size_t want_stretch(struct candidates *all, const struct boxed_rules *boxed, struct range range, bool exact)
{
	size_t first = boxed->rules[range.first].first, end = boxed->rules[range.end].first;

	all->stretches[all->stretch_count] =
		(struct image_stretch){.first = first, .count = end - first, .exact = exact};
	return all->stretch_count++;
}

/* What the range costs packets that get to it as code: of those, as many end there as of the rules from there on. */
static double cost_as_code(const struct plan *plan, struct range range)
{
	size_t left = plan_default(plan) - range.first, rules = range.end - range.first;

	return cost_linear(plan, range.first, range.end, rules < left ? (double)rules / (double)left : 1);
}

static struct candidate *new_candidate(struct candidates *all, const struct plan *plan, struct range range)
{
	bool compare = plan_classify_from >= CLASSIFY_FROM;

	if (all->count == all->capacity && candidates_grow(all))
		return NULL;
	all->candidates[all->count] =
		(struct candidate){range, compare ? cost_as_code(plan, range) : -1, NOT_WANTED, NOT_WANTED, -1};
	return all->candidates + all->count++;
}

static int add_candidate(struct candidates *all, const struct plan *plan, const struct boxed_rules *boxed,
			 struct range range)
{
	static const struct classifier_estimate least;
	struct candidate *candidate;

	if (range.first == range.end)
		return 0;
	candidate = new_candidate(all, plan, range);
	if (!candidate)
		return -ENOMEM;
	if (cheaper(plan, boxed, candidate, &least))
		candidate->wanted = want_stretch(all, boxed, range, false);
	return 0;
}

/* The end of the rules from `first` on that have at most so many masks (exact.h). */
static size_t exact_end(const struct boxed_rules *boxed, size_t first, size_t end, size_t masks_most)
{
	struct exact_masks masks = {0};

	for (size_t i = first; i < end; i++)
		for (size_t box = boxed->rules[i].first; box < boxed->rules[i + 1].first; box++)
			if (!exact_masks_add(&masks, boxed->boxes + box, masks_most))
				return i;
	return end;
}

/* Whether the rules, which have as many masks, are better off in hash tables than as code. */
static bool exact_pays(const struct candidates *all, const struct plan *plan, const struct boxed_rules *boxed,
		       struct range range, unsigned int tables)
{
	size_t first = boxed->rules[range.first].first;
	const struct exact_set set = {boxed->boxes + first, boxed->rules[range.end].first - first, plan->dispatch};

	if (all->no_tables || range.end - range.first < plan_exact_from || !exact_fits(&set))
		return false;
	return plan_exact_from < EXACT_FROM || cost_exact(tables) < cost_as_code(plan, range);
}

/* Rules of which exact_match() may say STRETCH_MUST_WALK, in so many tables. */
static size_t count_walkers(const struct plan *plan, struct range range, bool several)
{
	size_t count = 0;

	for (size_t i = range.first; i < range.end; i++)
		count += plan->dispatch[i].code || plan->dispatch[i].kind == DISPATCH_CODE ||
			 (several && plan->dispatch[i].kind != DISPATCH_VERDICT);
	return count;
}

static bool all_verdicts(const struct plan *plan, struct range range)
{
	for (size_t i = range.first; i < range.end; i++)
		if (plan->dispatch[i].code || plan->dispatch[i].kind != DISPATCH_VERDICT)
			return false;
	return true;
}

/* Hash tables, and trees for packets that walk; trees alone, if most would. */
static int add_exact_candidate(struct candidates *all, struct plan *plan, const struct boxed_rules *boxed,
			       struct range range, bool several)
{
	long codes = add_rests(plan, boxed, range, &all->rests);
	struct candidate *candidate;

	if (codes < 0)
		return (int)codes;
	if (plan_exact_from >= EXACT_FROM && count_walkers(plan, range, several) > (range.end - range.first) / 2) {
		if (add_candidate(all, plan, boxed, range))
			return -ENOMEM;
		all->candidates[all->count - 1].codes = codes;
		return 0;
	}
	candidate = new_candidate(all, plan, range);
	if (!candidate)
		return -ENOMEM;
	candidate->codes = codes;
	candidate->exact = want_stretch(all, boxed, range, true);
	if (!all_verdicts(plan, range) || entered_inside(plan, range))
		candidate->wanted = want_stretch(all, boxed, range, false);
	return 0;
}

/* Adds rules that can be looked up, without those that one hash table is enough for. */
static int divide(struct candidates *all, struct plan *plan, const struct boxed_rules *boxed, struct range range)
{
	size_t begin = range.first;
	int error = 0;

	for (size_t i = range.first; i < range.end && !error;) {
		size_t end = exact_end(boxed, i, range.end, 1);

		if ((end - i) * EXACT_SHARE >= range.end - range.first &&
		    exact_pays(all, plan, boxed, (struct range){i, end}, 1)) {
			error = add_candidate(all, plan, boxed, (struct range){begin, i});
			if (!error)
				error = add_exact_candidate(all, plan, boxed, (struct range){i, end}, false);
			begin = i = end;
		} else {
			i = end > i ? end : i + 1;
		}
	}
	return error ? error : add_candidate(all, plan, boxed, (struct range){begin, range.end});
}

/* Several tables are worth it if they have all the rules; trees would have to be searched as well, else. */
static int add_range(struct candidates *all, struct plan *plan, const struct boxed_rules *boxed, struct range range)
{
	if (exact_end(boxed, range.first, range.end, 1) < range.end &&
	    exact_end(boxed, range.first, range.end, EXACT_TABLES) == range.end &&
	    exact_pays(all, plan, boxed, range, EXACT_TABLES))
		return add_exact_candidate(all, plan, boxed, range, true);
	return divide(all, plan, boxed, range);
}

static int find_candidates(struct candidates *all, struct plan *plan, const struct boxed_rules *boxed)
{
	int error = 0;

	for (size_t i = 0; i < plan->rule_count && !error;) {
		struct range range = stretch_find_range(plan, boxed, i);

		if (range.end - range.first >= all->least)
			error = range.first < range.end ? add_range(all, plan, boxed, range) : 0;
		else
			error = new_candidate(all, plan, range) ? 0 : -ENOMEM;
		i = range.end;
	}
	return error;
}

static struct plan_function *add_looked_up(struct plan *plan, const struct candidates *all,
					   const struct candidate *candidate, enum stretch_form form)
{
	struct plan_function *function = add_function(plan, candidate->range.first, form);

	function->end = candidate->range.end;
	function->classified = true;
	function->codes = (__u32)candidate->codes;
	function->walked = candidate->wanted != NOT_WANTED;
	if (function->walked) {
		function->stretch = (__u32)candidate->wanted;
		function->estimate = all->stretches[candidate->wanted].estimate;
	}
	return function;
}

static void add_exact(struct plan *plan, const struct candidates *all, const struct candidate *candidate)
{
	struct plan_function *function = add_looked_up(plan, all, candidate, STRETCH_EXACT);

	function->exact = true;
	function->exact_stretch = (__u32)candidate->exact;
	function->exact_estimate = all->stretches[candidate->exact].exact_estimate;
	if (!function->exact_estimate.walks && !entered_inside(plan, candidate->range)) {
		function->walked = false;
		function->estimate = (struct classifier_estimate){0};
	}
}

/* The candidate in the form that is cheaper. */
static int add_form(struct plan *plan, const struct boxed_rules *boxed, struct candidates *all,
		    struct candidate *candidate)
{
	if (candidate->exact != NOT_WANTED) {
		add_exact(plan, all, candidate);
		return 0;
	}
	if (candidate->wanted == NOT_WANTED ||
	    !cheaper(plan, boxed, candidate, &all->stretches[candidate->wanted].estimate)) {
		bool few = candidate->range.end - candidate->range.first < all->least;

		add_linear(plan, candidate->range.first, candidate->range.end,
			   few ? STRETCH_SCATTERED : STRETCH_NOT_CHEAPER);
		return 0;
	}
	if (candidate->codes < 0)
		candidate->codes = add_rests(plan, boxed, candidate->range, &all->rests);
	if (candidate->codes < 0)
		return (int)candidate->codes;
	add_looked_up(plan, all, candidate, STRETCH_CLASSIFIED);
	return 0;
}

/* Adds functions for all rules. */
static int add_functions(struct plan *plan, const struct boxed_rules *boxed, struct candidates *all)
{
	size_t done = 0;
	int result = 0;

	for (size_t i = 0; !result && i < all->count; i++) {
		struct candidate *candidate = all->candidates + i;

		add_linear(plan, done, candidate->range.first, STRETCH_FEW);
		done = candidate->range.end;
		result = add_form(plan, boxed, all, candidate);
	}
	if (!result)
		add_linear(plan, done, plan->rule_count, STRETCH_FEW);
	return result;
}

static int split(struct plan *plan, const struct boxed_rules *boxed, size_t least, bool no_tables)
{
	const struct image_wish wish = {boxed->boxes, boxed->count, plan->dispatch, plan->rule_count};
	struct candidates all = {.least = least, .no_tables = no_tables};
	int result = find_candidates(&all, plan, boxed);

	if (!result && all.stretch_count)
		result = images_get(plan->images, &wish, all.stretches, all.stretch_count, &plan->image);
	if (!result)
		result = add_functions(plan, boxed, &all);
	candidates_free(&all);
	return result;
}

/* Forgets what was classified. */
static void start_over(struct plan *plan)
{
	plan->function_count = 0;
	plan->code_count = 0;
	plan->image = NULL;
	plan->jumps_back = false;
	stretch_states_unsettle(plan);
}

/* Whether the kernel would refuse so many functions and stretches. */
static bool too_many(const struct plan *plan)
{
	size_t code = 0;

	for (size_t i = 0; i < plan->function_count; i++)
		code += !plan->functions[i].classified;
	return code > CODE_FUNCTIONS_MAX || chain_branches(plan) > CHAIN_BRANCHES_MAX;
}

/* Splits so that the kernel takes it: where many short stretches are too many, only longer ones are looked up. */
static int split_loadable(struct plan *plan, const struct boxed_rules *boxed)
{
	bool no_tables = false;
	size_t least = 0;

	for (;;) {
		int result = split(plan, boxed, least, no_tables);

		if (!result) {
			stretch_states_settle(plan);
			if (!too_many(plan) || least > plan->rule_count)
				return 0;
			least = 2 * (least + CLASSIFY_FROM);
		} else if (result == -EDOM && !no_tables) {
			no_tables = true;
		} else {
			return result;
		}
		start_over(plan);
	}
}

/* Classifies what is worth it. Returns 0, -E2BIG: not all rules can be done with so, or another error. */
static int classify(struct plan *plan)
{
	struct boxed_rules boxed = {0};
	int result;

	plan->dispatch = calloc(plan->rule_count + 1, sizeof(*plan->dispatch));
	result = plan->dispatch ? stretch_states_new(plan) : -ENOMEM;
	if (!result)
		result = boxed_make(&boxed, plan);
	if (!result)
		result = split_loadable(plan, &boxed);
	boxed_free(&boxed);
	return result;
}

int stretches_split(struct plan *plan)
{
	int result;

	plan->functions = calloc(plan->rule_count + 1, sizeof(*plan->functions));
	if (!plan->functions)
		return -ENOMEM;
	if (plan->linear || plan->rule_count < plan_classify_from) {
		add_linear(plan, 0, plan->rule_count, plan->linear ? STRETCH_WISHED : STRETCH_FEW);
		return 0;
	}
	result = classify(plan);
	if (result != -E2BIG)
		return result;
	start_over(plan);
	add_linear(plan, 0, plan->rule_count, STRETCH_CODE_FULL);
	return 0;
}
