/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/stretch.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/compile/box.h"
#include "loader/compile/cost.h"
#include "loader/compile/rest.h"
#include "loader/compile/table_value.h"

#define CLASSIFY_FROM 64
#define FUNCTIONS_FOR_JUMPS 32
#define GAP_MAX 4 /* rules in a row, within a stretch, that are found for most packets */

size_t plan_classify_from = CLASSIFY_FROM, plan_stretch_rules = SIZE_MAX;

struct boxed_rule {
	size_t first; /* of its boxes; the next rule's begin behind the last */
	__u64 held;
	bool selective;
	bool apart; /* packets get to its action by its states, which code alone can do */
};

/* The boxes of all rules of a plan. */
struct boxed_rules {
	struct boxed_rule *rules; /* as plan.rules, and one more */
	struct classifier_box *boxes;
	size_t count, capacity;
};

static int add_boxes(struct boxed_rules *boxed, const struct rule_boxes *boxes)
{
	if (!boxed->boxes || boxed->count + boxes->count > boxed->capacity) {
		size_t capacity = 2 * boxed->capacity + 64;
		struct classifier_box *more = realloc(boxed->boxes, capacity * sizeof(*more));

		if (!more)
			return -ENOMEM;
		boxed->boxes = more;
		boxed->capacity = capacity;
	}
	memcpy(boxed->boxes + boxed->count, boxes->box, boxes->count * sizeof(*boxes->box));
	boxed->count += boxes->count;
	return 0;
}

static void boxed_free(struct boxed_rules *boxed)
{
	free(boxed->rules);
	free(boxed->boxes);
}

static int box_all(struct boxed_rules *boxed, const struct plan *plan)
{
	int result = 0;

	boxed->rules = calloc(plan->rule_count + 1, sizeof(*boxed->rules));
	if (!boxed->rules)
		return -ENOMEM;
	for (size_t i = 0; !result && i < plan->rule_count; i++) {
		struct rule_boxes boxes;

		boxes_of(&boxes, plan, plan->rules[i].rule, (__u32)i);
		boxed->rules[i] = (struct boxed_rule){boxed->count, boxes.held, boxes_selective(&boxes),
						      plan->rules[i].action >= 0};
		result = add_boxes(boxed, &boxes);
	}
	boxed->rules[plan->rule_count].first = boxed->count;
	return result;
}

/* Adds a function for rules from `first` on; the caller says where it ends. */
static struct plan_function *add_function(struct plan *plan, size_t first, enum stretch_form form)
{
	struct plan_function *function = plan->functions + plan->function_count;

	*function = (struct plan_function){.first = first, .form = form};
	snprintf(function->name, sizeof(function->name), "rules_%zu", plan->function_count);
	plan->function_count++;
	return function;
}

/*
 * Whether a function ends behind the rule: where a skipto goes that takes its number out of a table is found out
 * between functions. The more there are, the more the verifier has to follow each time that packets start over, so some
 * rules have them do just that instead (plan.jumps_back).
 */
static bool ends_function(struct plan *plan, const struct plan_rule *planned)
{
	if (rule_action(planned->rule)->code != ACTION_SKIPTO || !rule_jumps_by_value(planned->rule))
		return false;
	if (plan->function_count < FUNCTIONS_FOR_JUMPS)
		return true;
	plan->jumps_back = true;
	return false;
}

static void add_linear(struct plan *plan, size_t first, size_t end, enum stretch_form form)
{
	struct plan_function *function = NULL;
	size_t cost = 0;

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

struct range {
	size_t first, end;
};

/* The next rules from `from` on that are worth while; an empty range at the end of the plan: there are none. */
static struct range find_range(const struct plan *plan, const struct boxed_rules *boxed, size_t from)
{
	size_t selective = 0, gap = 0;
	struct range range = {from, from};

	for (size_t i = from; i < plan->rule_count; i++) {
		if (boxed->rules[i].apart) {
			if (selective && selective >= plan_classify_from)
				break;
			selective = 0;
		} else if (!plan_classify_from || boxed->rules[i].selective) {
			if (!selective++)
				range.first = i;
			range.end = i + 1;
			gap = 0;
		} else if (selective && ++gap > GAP_MAX) {
			if (selective >= plan_classify_from)
				break;
			selective = 0;
		}
		if (range.end - range.first >= plan_stretch_rules)
			break;
	}
	if (!selective || selective < plan_classify_from)
		return (struct range){plan->rule_count, plan->rule_count};
	return range;
}

/* A range, and what is known of its two forms. */
struct candidate {
	struct range range;
	double linear; /* what it costs packets as code; -1: that is no matter */
	size_t wanted; /* index in candidates.stretches, or NOT_WANTED */
};

#define NOT_WANTED ((size_t)-1)

struct candidates {
	struct candidate *candidates;
	struct image_stretch *stretches; /* what is to be built to see what looking up costs */
	size_t count, stretch_count, capacity;
};

static void candidates_free(struct candidates *all)
{
	free(all->candidates);
	free(all->stretches);
}

static int candidates_grow(struct candidates *all)
{
	size_t capacity = 2 * all->capacity + 4;
	struct candidate *candidates = realloc(all->candidates, capacity * sizeof(*candidates));
	struct image_stretch *stretches;

	if (!candidates)
		return -ENOMEM;
	all->candidates = candidates;
	stretches = realloc(all->stretches, capacity * sizeof(*stretches));
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

static int add_candidate(struct candidates *all, const struct plan *plan, const struct boxed_rules *boxed,
			 struct range range)
{
	static const struct classifier_estimate least;
	bool compare = plan_classify_from >= CLASSIFY_FROM;
	struct candidate candidate = {range, compare ? cost_linear(plan, range.first, range.end) : -1, NOT_WANTED};
	size_t first = boxed->rules[range.first].first, end = boxed->rules[range.end].first;

	if (all->count == all->capacity && candidates_grow(all))
		return -ENOMEM;
	if (cheaper(plan, boxed, &candidate, &least)) {
		candidate.wanted = all->stretch_count++;
		all->stretches[candidate.wanted] = (struct image_stretch){.first = first, .count = end - first};
	}
	all->candidates[all->count++] = candidate;
	return 0;
}

static int find_candidates(struct candidates *all, const struct plan *plan, const struct boxed_rules *boxed)
{
	for (size_t i = 0; i < plan->rule_count;) {
		struct range range = find_range(plan, boxed, i);

		if (range.first < range.end && add_candidate(all, plan, boxed, range))
			return -ENOMEM;
		i = range.end;
	}
	return 0;
}

static int add_classified(struct plan *plan, const struct boxed_rules *boxed, const struct candidate *candidate,
			  const struct classifier_estimate *estimate, struct rests *rests)
{
	struct plan_function *function = add_function(plan, candidate->range.first, STRETCH_CLASSIFIED);
	size_t codes = plan->code_count;
	int result = 0;

	function->end = candidate->range.end;
	function->classified = true;
	function->stretch = (__u32)candidate->wanted;
	function->estimate = *estimate;
	for (size_t i = function->first; !result && i < function->end; i++)
		result = rests_add(rests, plan, i, boxed->rules[i].held);
	function->codes = (__u32)(plan->code_count - codes);
	return result;
}

/* Adds functions for all rules, in whichever form is cheaper. */
static int add_functions(struct plan *plan, const struct boxed_rules *boxed, const struct candidates *all)
{
	struct rests rests = {0};
	size_t done = 0;
	int result = 0;

	for (size_t i = 0; !result && i < all->count; i++) {
		const struct candidate *candidate = all->candidates + i;
		const struct image_stretch *stretch =
			candidate->wanted == NOT_WANTED ? NULL : all->stretches + candidate->wanted;

		add_linear(plan, done, candidate->range.first, STRETCH_FEW);
		done = candidate->range.end;
		if (stretch && cheaper(plan, boxed, candidate, &stretch->estimate))
			result = add_classified(plan, boxed, candidate, &stretch->estimate, &rests);
		else
			add_linear(plan, candidate->range.first, done, STRETCH_NOT_CHEAPER);
	}
	rests_free(&rests);
	if (!result)
		add_linear(plan, done, plan->rule_count, STRETCH_FEW);
	return result;
}

static int split(struct plan *plan, const struct boxed_rules *boxed)
{
	struct candidates all = {0};
	int result = find_candidates(&all, plan, boxed);

	if (!result && all.stretch_count)
		result = images_get(plan->images, boxed->boxes, boxed->count, all.stretches, all.stretch_count,
				    &plan->image);
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
	plan->jumps_back = false;
}

int stretches_split(struct plan *plan)
{
	struct boxed_rules boxed = {0};
	int result;

	plan->functions = calloc(plan->rule_count + 1, sizeof(*plan->functions));
	if (!plan->functions)
		return -ENOMEM;
	if (plan->linear || plan->rule_count < plan_classify_from) {
		add_linear(plan, 0, plan->rule_count, plan->linear ? STRETCH_WISHED : STRETCH_FEW);
		return 0;
	}
	plan->dispatch = calloc(plan->rule_count + 1, sizeof(*plan->dispatch));
	result = plan->dispatch ? box_all(&boxed, plan) : -ENOMEM;
	if (!result)
		result = split(plan, &boxed);
	boxed_free(&boxed);
	if (result != -E2BIG)
		return result;
	start_over(plan);
	add_linear(plan, 0, plan->rule_count, STRETCH_CODE_FULL);
	return 0;
}
