/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/rest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw/verdict.h"
#include "loader/compile/table_value.h"

struct rest {
	size_t text, size; /* in rests.texts */
	__u32 code;	   /* 0: the slot is free */
};

/* Makes room for one more element in an array that `capacity` and its kin count. */
static int grow(void **array, size_t *capacity, size_t needed, size_t element)
{
	size_t more = needed > 2 * *capacity ? needed : 2 * *capacity;
	void *grown;

	if (needed <= *capacity)
		return 0;
	grown = realloc(*array, more * element);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*capacity = more;
	return 0;
}

static int write_bytes(struct rests *rests, const void *bytes, size_t size)
{
	if (grow((void **)&rests->texts, &rests->capacity, rests->size + size, 1))
		return -ENOMEM;
	memcpy(rests->texts + rests->size, bytes, size);
	rests->size += size;
	return 0;
}

/* Whether options of a block that may be true, from `first` to `last`, are left to be tested. */
static bool block_left(const struct plan *plan, const struct rule *rule, unsigned int number, __u64 held,
		       const struct option *first, const struct option *last)
{
	if (number < BLOCKS_MAX && held >> number & 1)
		return false;
	return plan_block_left(plan, rule, first, last);
}

/* The rule's number, if a test asks for it; else 0. */
static __u32 number_asked(const struct rule *rule)
{
	RULE_FOR_EACH_OPTION (option, rule)
		if (option->code == OPTION_LOOKUP && option->u.lookup.key == LOOKUP_RULE_NUMBER)
			return rule->number;
	return 0;
}

/*
 * Appends what the code for the tests that are left depends on: those options, what is known of the packet, and the
 * rule's number if they ask for it. Nothing, if no test is left. Returns 0 or -ENOMEM.
 */
static int write_tests(struct rests *rests, const struct plan *plan, const struct rule *rule, __u64 held)
{
	const struct option *option = rule_first_option(rule);
	struct head known = emit_rule_head_of(plan, rule);
	const __u32 words[] = {known.mask, known.value, number_asked(rule)};
	size_t begin = rests->size, options;
	int result = write_bytes(rests, words, sizeof(words));

	options = rests->size;
	for (unsigned int number = 0; option && !result; number++) {
		const struct option *last = plan_block_end(rule, option);
		const char *end = (const char *)last + last->size;

		if (block_left(plan, rule, number, held, option, last))
			result = write_bytes(rests, option, (size_t)(end - (const char *)option));
		option = rule_next_option(rule, last);
	}
	if (rests->size == options)
		rests->size = begin;
	return result;
}

/* Likewise, for the modifiers: those options, and the action, which `log` tells of. */
static int write_modifiers(struct rests *rests, const struct rule *rule)
{
	const struct action *action = rule_action(rule);
	const __u32 words[] = {action->code, action->extra, action->argument};
	int result = 0;

	RULE_FOR_EACH_OPTION (option, rule)
		if (option_row(option->code)->modifies && !result)
			result = write_bytes(rests, option, option->size);
	if (!result && rule_find_option(rule, OPTION_LOG))
		result = write_bytes(rests, words, sizeof(words));
	return result;
}

/* Likewise, for all that the piece is to do. What it has nothing to do of, it does not from then on. */
static int write_rest(struct rests *rests, const struct plan *plan, struct plan_code *piece)
{
	const struct rule *rule = plan->rules[piece->rule].rule;
	size_t begin = rests->size;
	int result = piece->tests ? write_tests(rests, plan, rule, piece->held) : 0;

	piece->tests = rests->size > begin;
	piece->modifies &= rule_modifies(rule);
	if (!result && piece->modifies)
		result = write_modifiers(rests, rule);
	if (!result && (piece->tests || piece->modifies)) {
		const __u32 parts[] = {piece->tests, piece->modifies};

		result = write_bytes(rests, parts, sizeof(parts));
	}
	return result;
}

static size_t hash_of(const __u8 *bytes, size_t size)
{
	__u64 hash = 0xcbf29ce484222325ull; /* FNV-1a */

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ull;
	return (size_t)(hash ^ hash >> 32);
}

/* The slot of the text, or the free one where it belongs. */
static struct rest *find(const struct rests *rests, const __u8 *text, size_t size)
{
	size_t slot = hash_of(text, size);

	for (;; slot++) {
		struct rest *rest = rests->table + (slot & (rests->slots - 1));

		if (!rest->code || (rest->size == size && !memcmp(rests->texts + rest->text, text, size)))
			return rest;
	}
}

static int make_room(struct rests *rests)
{
	struct rests larger = *rests;

	if (rests->slots && rests->used < rests->slots / 2)
		return 0;
	larger.slots = rests->slots ? 2 * rests->slots : 64;
	larger.table = calloc(larger.slots, sizeof(*larger.table));
	if (!larger.table)
		return -ENOMEM;
	for (size_t i = 0; i < rests->slots; i++)
		if (rests->table[i].code)
			*find(&larger, rests->texts + rests->table[i].text, rests->table[i].size) = rests->table[i];
	free(rests->table);
	*rests = larger;
	return 0;
}

/* The group of the next piece of code, for the rule at `index`. */
static unsigned int choose_group(struct rests *rests, const struct plan *plan, size_t index)
{
	size_t more = plan_rule_cost(plan->rules[index].rule);

	if (rests->group_pieces == plan_function_rules || rests->group_cost + more > FUNCTION_COST) {
		rests->group++;
		rests->group_pieces = rests->group_cost = 0;
	}
	rests->group_pieces++;
	rests->group_cost += more;
	return rests->group;
}

/* Adds a piece of code. Returns its number, -ENOMEM, or -E2BIG. */
static int add_code(struct rests *rests, struct plan *plan, struct plan_code piece)
{
	unsigned int group = choose_group(rests, plan, piece.rule);

	if (group >= STRETCH_GROUPS)
		return -E2BIG;
	if (grow((void **)&plan->codes, &plan->code_capacity, plan->code_count + 1, sizeof(*plan->codes)))
		return -ENOMEM;
	piece.group = (__u16)group;
	plan->codes[plan->code_count++] = piece;
	return (int)plan->code_count;
}

/* The number of a piece that other rules may have as well, 0 if it would do nothing, -ENOMEM, or -E2BIG. */
static int shared_code(struct rests *rests, struct plan *plan, struct plan_code piece)
{
	size_t begin = rests->size, size;
	int result = make_room(rests) ? -ENOMEM : write_rest(rests, plan, &piece);
	struct rest *rest;

	size = rests->size - begin;
	if (result || !size)
		return result;
	rest = find(rests, rests->texts + begin, size);
	if (rest->code) {
		rests->size = begin;
		return (int)rest->code;
	}
	*rest = (struct rest){begin, size, 0};
	rests->used++;
	result = add_code(rests, plan, piece);
	rest->code = result < 0 ? 0 : (__u32)result;
	return result;
}

struct dispatch rests_action(const struct plan_rule *planned)
{
	struct dispatch action = action_dispatch(planned);

	if (rule_keeps_value(planned->rule))
		action.kind = DISPATCH_CODE;
	action.number = planned->rule->number;
	return action;
}

struct dispatch rests_end(const struct plan_rule *planned)
{
	if (planned->action < 0)
		return rests_action(planned);
	return (struct dispatch){.kind = DISPATCH_VERDICT,
				 .result = MATCH_RESULT(VERDICT_STATE, planned->rule->slot, 0)};
}

static bool tests_left(const struct plan *plan, const struct rule *rule, __u64 held)
{
	const struct option *option = rule_first_option(rule);

	for (unsigned int number = 0; option; number++) {
		const struct option *last = plan_block_end(rule, option);

		if (block_left(plan, rule, number, held, option, last))
			return true;
		option = rule_next_option(rule, last);
	}
	return false;
}

__u32 rests_result(const struct plan *plan, size_t index, __u64 held)
{
	const struct plan_rule *planned = plan->rules + index;
	struct dispatch end = rests_end(planned);

	if (end.kind != DISPATCH_VERDICT || MATCH_ARGUMENT(end.result) ||
	    MATCH_VERDICT(end.result) >> CLASSIFIER_VERDICT_BITS || MATCH_SLOT(end.result) >> CLASSIFIER_SLOT_BITS ||
	    tests_left(plan, planned->rule, held) || (planned->action < 0 && rule_modifies(planned->rule)))
		return 0;
	return CLASSIFIER_RESULT(MATCH_VERDICT(end.result), MATCH_SLOT(end.result));
}

__u64 plan_settled(const struct plan *plan)
{
	const struct plan_rule *first = plan->rules;
	struct dispatch action;

	if (plan_falls_through(first) || first->action >= 0 || rule_modifies(first->rule) || plan_needs(plan) ||
	    plan_carries(plan))
		return 0;
	action = rests_action(first);
	if (action.kind != DISPATCH_VERDICT)
		return 0;
	return MATCH_VERDICT(action.result) == VERDICT_ALLOW || MATCH_VERDICT(action.result) == VERDICT_DENY
		       ? action.result
		       : 0;
}

bool plan_plain(const struct plan *plan)
{
	return !plan_needs(plan) && !plan_carries(plan) && !(plan->switches & RULESET_FORWARD) &&
	       (plan->input || !plan_settled(plan));
}

/* Has *dispatch name a piece of code (0: none, negative: an error, which is returned). */
static int name_code(struct dispatch *dispatch, const struct plan *plan, int code)
{
	if (code < 0)
		return code;
	dispatch->code = (__u16)code;
	dispatch->group = code ? plan->codes[code - 1].group : 0;
	return 0;
}

int rests_add_tests(struct rests *rests, struct plan *plan, size_t index, __u64 held, struct dispatch *dispatch)
{
	struct plan_code piece = {.rule = index, .held = held, .tests = true};

	return name_code(dispatch, plan, shared_code(rests, plan, piece));
}

int rests_add_action(struct rests *rests, struct plan *plan, size_t index, struct dispatch *dispatch)
{
	struct plan_code piece = {.rule = index, .modifies = true, .acts = dispatch->kind == DISPATCH_CODE};

	return name_code(dispatch, plan, piece.acts ? add_code(rests, plan, piece) : shared_code(rests, plan, piece));
}

int rests_add(struct rests *rests, struct plan *plan, size_t index, __u64 held)
{
	struct dispatch *dispatch = plan->dispatch + index;
	struct plan_code piece = {.rule = index, .held = held, .tests = true, .modifies = true};

	*dispatch = rests_action(plan->rules + index);
	piece.acts = dispatch->kind == DISPATCH_CODE;
	return name_code(dispatch, plan, piece.acts ? add_code(rests, plan, piece) : shared_code(rests, plan, piece));
}

void rests_free(struct rests *rests)
{
	free(rests->texts);
	free(rests->table);
}
