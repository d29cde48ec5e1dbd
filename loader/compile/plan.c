/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/plan.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw/control_group.h"
#include "loader/compile/emit.h"
#include "loader/compile/stretch.h"
#include "loader/compile/table_value.h"

size_t plan_function_rules = RULES_PER_FUNCTION;

static bool interface_matches(const struct interface *interface, const struct interface_match *match)
{
	switch (match->kind) {
	case INTERFACE_NAME:
		return !strcmp(interface->name, match->name);
	case INTERFACE_PATTERN:
		return !fnmatch(match->name, interface->name, 0);
	case INTERFACE_ADDRESS:
		for (size_t i = 0; i < interface->address_count; i++)
			if (interface->addresses[i].family == 4 && interface->addresses[i].address[0] == match->address)
				return true;
		return false;
	default:
		return true;
	}
}

size_t plan_interfaces(const struct plan *plan, const struct interface_match *match, __u32 *indexes, size_t capacity)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->interfaces->count; i++) {
		const struct interface *interface = plan->interfaces->interfaces + i;

		if (!interface_matches(interface, match))
			continue;
		if (count < capacity)
			indexes[count] = (__u32)interface->index;
		count++;
	}
	return count;
}

/* Whether an option does something once the rule's tests are done; `not' is a matter of rule_defers(). */
static bool acts_behind_tests(unsigned int code)
{
	return code == OPTION_KEEP_STATE || code == OPTION_RECORD_STATE || code == OPTION_LIMIT ||
	       code == OPTION_SET_LIMIT || code == OPTION_DEFER_ACTION;
}

/* The value of an option, OPTION_NOT aside. A packet has no transmit interface yet when it comes in. */
static enum fold fold_plain(const struct plan *plan, const struct option *option)
{
	if (acts_behind_tests(option->code))
		return FOLD_ALWAYS;
	switch (option->code) {
	case OPTION_IN:
		return plan->input ? FOLD_ALWAYS : FOLD_NEVER;
	case OPTION_COMMENT:
	case OPTION_LOG:
	case OPTION_TAG:
	case OPTION_UNTAG:
		return FOLD_ALWAYS;
	case OPTION_DIVERTED: /* nothing is diverted */
	case OPTION_DIVERTED_LOOPBACK:
	case OPTION_DIVERTED_OUTPUT:
		return FOLD_NEVER;
	case OPTION_ANTISPOOF:
		return plan->input ? FOLD_UNKNOWN : FOLD_ALWAYS;
	case OPTION_LAYER2:
	case OPTION_MAC:
	case OPTION_MAC_TYPE:
	case OPTION_SOURCE_MAC:
	case OPTION_DESTINATION_MAC:
		return plan->switches & RULESET_WITH_LAYER2 ? FOLD_UNKNOWN : FOLD_NEVER;
	case OPTION_XMIT_TABLE:
		return plan->input ? FOLD_NEVER : FOLD_UNKNOWN;
	case OPTION_XMIT:
		if (plan->input)
			return FOLD_NEVER;
		/* fall through */
	case OPTION_RECV:
	case OPTION_VIA:
		return plan_interfaces(plan, &option->u.interface, NULL, 0) ? FOLD_UNKNOWN : FOLD_NEVER;
	default:
		return FOLD_UNKNOWN;
	}
}

enum fold plan_fold(const struct plan *plan, const struct option *option)
{
	enum fold plain = fold_plain(plan, option);

	if (plain == FOLD_UNKNOWN || !(option->flags & OPTION_NOT) || acts_behind_tests(option->code))
		return plain;
	return plain == FOLD_ALWAYS ? FOLD_NEVER : FOLD_ALWAYS;
}

const struct option *plan_block_end(const struct rule *rule, const struct option *option)
{
	while (option->flags & OPTION_OR && rule_next_option(rule, option))
		option = rule_next_option(rule, option);
	return option;
}

enum fold plan_fold_block(const struct plan *plan, const struct rule *rule, const struct option *first,
			  const struct option *last)
{
	enum fold block = FOLD_NEVER;

	for (const struct option *option = first;; option = rule_next_option(rule, option)) {
		enum fold one = plan_fold(plan, option);

		if (one == FOLD_ALWAYS)
			return FOLD_ALWAYS;
		if (one == FOLD_UNKNOWN)
			block = FOLD_UNKNOWN;
		if (option == last)
			return block;
	}
}

bool plan_block_left(const struct plan *plan, const struct rule *rule, const struct option *first,
		     const struct option *last)
{
	if (plan_fold_block(plan, rule, first, last) == FOLD_UNKNOWN)
		return true;
	if (!rule_takes_value(rule))
		return false;
	for (const struct option *option = first;; option = rule_next_option(rule, option)) {
		enum fold fold = plan_fold(plan, option);

		if (fold == FOLD_UNKNOWN && option_gives_value(option))
			return true;
		if (fold == FOLD_ALWAYS || option == last)
			return false;
	}
}

/*
 * The value of a whole rule: or-blocks are joined by "and", and what they ask of the head of the packet must not
 * exclude one another.
 */
static enum fold fold_rule(const struct plan *plan, const struct rule *rule)
{
	enum fold all = FOLD_ALWAYS, block = FOLD_NEVER;

	RULE_FOR_EACH_OPTION (option, rule) {
		enum fold one = plan_fold(plan, option);

		if (block != FOLD_ALWAYS && one != FOLD_NEVER)
			block = one;
		if (option->flags & OPTION_OR)
			continue;
		if (block == FOLD_NEVER)
			return FOLD_NEVER;
		if (block == FOLD_UNKNOWN)
			all = FOLD_UNKNOWN;
		block = FOLD_NEVER;
	}
	return all == FOLD_UNKNOWN && emit_rule_head_of(plan, rule).impossible ? FOLD_NEVER : all;
}

bool plan_can_match(const struct plan *plan, const struct rule *rule)
{
	return fold_rule(plan, rule) != FOLD_NEVER;
}

bool plan_action_continues(const struct plan_rule *planned)
{
	static const bool terminal[ACTION_CODES] = {
#define ACTION(code, keyword, aliases, argument, terminal, ...) [ACTION_##code] = terminal,
#include "ipfw/actions.def"
#undef ACTION
	};

	unsigned int code = rule_action(planned->rule)->code;

	return !terminal[code] && code != ACTION_SKIPTO;
}

bool plan_falls_through(const struct plan_rule *planned)
{
	return !planned->unconditional || planned->never || planned->action_only || rule_defers(planned->rule) ||
	       plan_action_continues(planned);
}

size_t plan_default(const struct plan *plan)
{
	return plan->rule_count - 1;
}

bool plan_starts_over(const struct plan *plan)
{
	return plan->calls || plan->states || plan->makes_states || plan->jumps_back;
}

bool plan_single(const struct plan *plan)
{
	return plan->function_count <= 1 && !plan_classifies(plan);
}

/* Index of the first rule from `low` on whose number is not below `number`. */
static size_t find_number(const struct plan *plan, size_t low, unsigned int number)
{
	size_t high = plan->rule_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (plan->rules[middle].rule->number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Where the rules behind those with the number of rule `index` begin. */
static size_t next_number(const struct plan *plan, size_t index)
{
	return find_number(plan, index + 1, plan->rules[index].rule->number + 1u);
}

/*
 * Where the packets of rule `index` go on by its action: a skipto always forward, past its own number at least
 * (ipfw-facts 2.4), a call in any direction. A number out of a table is known for each packet only.
 */
static size_t jump_target(const struct plan *plan, size_t index)
{
	const struct rule *rule = plan->rules[index].rule;
	const struct action *action = rule_action(rule);

	if (rule_jumps_by_value(rule))
		return PLAN_NO_TARGET;
	if (action->code == ACTION_CALL)
		return find_number(plan, 0, action->argument);
	if (action->code != ACTION_SKIPTO)
		return PLAN_NO_TARGET;
	return action->argument > rule->number ? find_number(plan, index + 1, action->argument)
					       : next_number(plan, index);
}

static void select_rules(struct plan *plan, const struct ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->count; i++) {
		const struct rule *rule = ruleset->rules[i];
		bool gone = rule->flags & RULE_GONE, makes_state = rule_state_option(rule);
		bool disabled = gone || ruleset->disabled_sets & 1u << rule->set;
		enum fold fold = disabled ? FOLD_NEVER : fold_rule(plan, rule);

		if (fold == FOLD_NEVER && !makes_state)
			continue;
		plan->rules[plan->rule_count++] = (struct plan_rule){
			.rule = rule,
			.unconditional = fold == FOLD_ALWAYS,
			.never = fold == FOLD_NEVER,
			.gone = gone,
			.action_only = disabled || (fold == FOLD_NEVER && !rule_implies_check(rule)),
			.action = makes_state ? 0 : -1,
			.skip_target = PLAN_NO_TARGET,
			.return_target = PLAN_NO_TARGET,
		};
	}
}

static unsigned int action_code(const struct plan *plan, size_t index)
{
	return rule_action(plan->rules[index].rule)->code;
}

/* Rules that packets get to, and those of them whose ways on are not followed yet. */
struct reach {
	bool *reached;
	size_t *pending, pending_count;
};

static void reach_rule(const struct plan *plan, struct reach *reach, size_t index)
{
	if (index >= plan->rule_count || reach->reached[index])
		return;
	reach->reached[index] = true;
	reach->pending[reach->pending_count++] = index;
}

/* Whether the rule at `index` is the first one with its number. */
static bool begins_number(const struct plan *plan, size_t index)
{
	return !index || plan->rules[index - 1].rule->number != plan->rules[index].rule->number;
}

/* All places that a number out of a table may lead to. */
static void reach_numbers(const struct plan *plan, struct reach *reach, size_t from)
{
	for (; from < plan->rule_count; from++)
		if (begins_number(plan, from))
			reach_rule(plan, reach, from);
}

/* Where the action of a rule takes packets. */
static void reach_by_action(const struct plan *plan, struct reach *reach, size_t index)
{
	unsigned int code = action_code(plan, index);

	if (plan_action_continues(plan->rules + index))
		reach_rule(plan, reach, plan->rules[index].gone ? plan_default(plan) : index + 1);
	if (rule_jumps_by_value(plan->rules[index].rule))
		reach_numbers(plan, reach, code == ACTION_CALL ? 0 : index + 1);
	else if (code == ACTION_SKIPTO || code == ACTION_CALL)
		reach_rule(plan, reach, jump_target(plan, index));
	if (code == ACTION_CALL)
		reach_rule(plan, reach, next_number(plan, index));
}

/* Whether packets that get to the rule are looked for in the states. */
static bool checks_states(const struct plan *plan, size_t index)
{
	const struct plan_rule *planned = plan->rules + index;

	return !planned->action_only &&
	       (action_code(plan, index) == ACTION_CHECK_STATE || rule_implies_check(planned->rule));
}

/* Follows the ways from all pending rules, which a call may make go back. */
static void reach_pending(struct plan *plan, struct reach *reach)
{
	while (reach->pending_count) {
		size_t index = reach->pending[--reach->pending_count];

		if (plan_falls_through(plan->rules + index))
			reach_rule(plan, reach, index + 1);
		if (!plan->rules[index].never && !rule_defers(plan->rules[index].rule))
			reach_by_action(plan, reach, index);
		plan->states |= checks_states(plan, index);
	}
}

/* Follows all ways from rule to rule. With a state packets get to the action of any rule that makes states. */
static void reach_all(struct plan *plan, struct reach *reach)
{
	reach_rule(plan, reach, 0);
	reach_pending(plan, reach);
	for (size_t i = 0; plan->states && i < plan->rule_count; i++) {
		if (plan->rules[i].action < 0)
			continue;
		reach_by_action(plan, reach, i);
		reach_pending(plan, reach);
	}
}

/* What becomes of a rule: without packets it goes, or its action alone stays. */
static bool keep_rule(const struct plan *plan, struct plan_rule *planned, bool reached)
{
	bool by_state = plan->states && planned->action >= 0;

	planned->action_only |= !reached;
	return planned->action_only ? by_state : true;
}

/* Drops the rules that no packet gets to: the verifier refuses code that nothing leads to. */
static int drop_unreachable(struct plan *plan)
{
	struct reach reach = {
		.reached = calloc(plan->rule_count + 1, sizeof(*reach.reached)),
		.pending = calloc(plan->rule_count + 1, sizeof(*reach.pending)),
	};
	int error = reach.reached && reach.pending ? 0 : -ENOMEM;
	size_t kept = 0;

	if (!error) {
		reach_all(plan, &reach);
		for (size_t i = 0; i < plan->rule_count; i++)
			if (keep_rule(plan, plan->rules + i, reach.reached[i]))
				plan->rules[kept++] = plan->rules[i];
		plan->rule_count = kept;
	}
	free(reach.reached);
	free(reach.pending);
	return error;
}

static void resolve_targets(struct plan *plan)
{
	for (size_t i = 0; i < plan->rule_count; i++) {
		unsigned int code = action_code(plan, i);

		plan->rules[i].skip_target = jump_target(plan, i);
		if (code == ACTION_CALL)
			plan->rules[i].return_target = next_number(plan, i);
		plan->calls |= code == ACTION_CALL || code == ACTION_RETURN;
		plan->values |= rule_keeps_value(plan->rules[i].rule);
		plan->makes_states |= plan->rules[i].action >= 0;
	}
}

/* Elements that one option compares with: each may become a compare or two. */
static size_t option_elements(const struct option *option)
{
	const __u32 *words;
	size_t elements = 0;

	switch (option->code) {
	case OPTION_SOURCE_SET:
	case OPTION_DESTINATION_SET:
		words = option->u.address_set.member;
		break;
	case OPTION_ICMP_TYPES:
	case OPTION_ICMP6_TYPES:
		words = option->u.bitmap;
		break;
	case OPTION_SOURCE_IP6:
	case OPTION_DESTINATION_IP6:
		return 3 * (size_t)option->count;
	case OPTION_LOOKUP:
		return option->u.lookup.key == LOOKUP_JAIL ? 3 * CONTROL_GROUP_LEVELS_LOOKED_UP : option->count;
	default:
		return option->count;
	}
	for (unsigned int i = 0; i < 8; i++)
		elements += (size_t)__builtin_popcount(words[i]);
	return elements;
}

#define VALUE_COST 16 /* to take one out of a table */
#define STATE_COST 40 /* to ask for a state and make one, and to get to the action from one that is found */

size_t plan_rule_cost(const struct rule *rule)
{
	size_t cost = action_table_value(rule_action(rule)) ? 16 + VALUE_COST : 16;

	RULE_FOR_EACH_OPTION (option, rule) {
		cost += 8 + 5 * option_elements(option);
		if (option_table_value(option))
			cost += VALUE_COST;
	}
	if (rule_state_option(rule) || rule_action(rule)->code == ACTION_CHECK_STATE)
		cost += STATE_COST;
	return cost;
}

void plan_positions(const struct plan *plan, __u64 positions[RULE_NUMBER_DEFAULT + 1])
{
	size_t at = 0;

	for (__u32 number = 0; number <= RULE_NUMBER_DEFAULT; number++) {
		while (at < plan->rule_count && plan->rules[at].rule->number < number)
			at++;
		positions[number] = at;
	}
}

/* The function that holds the rule at `index`. */
static size_t function_of(const struct plan *plan, size_t index)
{
	size_t low = 0, high = plan->function_count;

	while (low + 1 < high) {
		size_t middle = low + (high - low) / 2;

		if (plan->functions[middle].first <= index)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Packets come to rule `target`, if there is one, by packet.resume. */
static void mark_target(struct plan *plan, size_t target)
{
	if (target >= plan->rule_count)
		return;
	plan->rules[target].skipped_to = true;
	plan->rules[target].is_target = true;
}

/* Marks the target of rule `index`, and the functions that packets pass over or enter in the middle on their way. */
static void mark_skipto(struct plan *plan, size_t index, size_t target)
{
	size_t from, to;

	if (target >= plan->rule_count)
		return;
	plan->rules[target].skipped_to = true;
	from = function_of(plan, index);
	to = function_of(plan, target);
	if (from == to)
		return;
	mark_target(plan, target);
	while (from++ < to)
		plan->functions[from].entered_late = true;
}

/* Likewise all places that a number out of a table may lead to. */
static void mark_numbers(struct plan *plan, size_t from)
{
	for (size_t i = from; i < plan->rule_count; i++)
		if (begins_number(plan, i))
			mark_target(plan, i);
	for (size_t i = 0; i < plan->function_count; i++)
		if (plan->functions[i].end > from)
			plan->functions[i].entered_late = true;
}

/* The first one says it for all. */
static void mark_jumps(struct plan *plan)
{
	size_t first = plan->rule_count;

	for (size_t i = 0; i < plan->rule_count; i++) {
		if (!rule_jumps_by_value(plan->rules[i].rule))
			continue;
		if (action_code(plan, i) == ACTION_CALL)
			first = 0;
		else if (i + 1 < first)
			first = i + 1;
	}
	mark_numbers(plan, first);
}

/* Whether the rule is the last one of a stretch: behind one that makes states, packets start over. */
static bool ends_stretch(const struct plan *plan, size_t index)
{
	const struct plan_function *function = plan->functions + function_of(plan, index);

	return function->classified && index + 1 == function->end;
}

static void mark_late_entries(struct plan *plan)
{
	mark_jumps(plan);
	for (size_t i = 0; i < plan->rule_count; i++) {
		if (action_code(plan, i) == ACTION_CALL) {
			mark_target(plan, plan->rules[i].skip_target);
			mark_target(plan, plan->rules[i].return_target);
			mark_target(plan, i + 1);
		} else {
			mark_skipto(plan, i, plan->rules[i].skip_target);
		}
		if (plan->rules[i].gone && plan_action_continues(plan->rules + i))
			mark_skipto(plan, i, plan_default(plan));
		if (plan->rules[i].action >= 0 && ends_stretch(plan, i))
			mark_target(plan, i + 1);
	}
	for (size_t i = 0; plan_starts_over(plan) && i < plan->function_count; i++)
		plan->functions[i].entered_late = true;
}

/* Whether some rule has the action setfib. */
static bool sets_fib(const struct plan *plan)
{
	for (size_t i = 0; i < plan->rule_count; i++)
		if (action_code(plan, i) == ACTION_SETFIB)
			return true;
	return false;
}

bool plan_classifies(const struct plan *plan)
{
	for (size_t i = 0; i < plan->function_count; i++)
		if (plan->functions[i].classified)
			return true;
	return false;
}

const struct plan_function *plan_front(const struct plan *plan)
{
	return plan->function_count && plan->functions->classified && !plan_starts_over(plan) ? plan->functions : NULL;
}

struct carry plan_carry(const struct plan *plan)
{
	struct carry carry = {.tags = plan->tags.crossing};

	if (sets_fib(plan))
		carry.mark_mask = CARRY_FIB_MASK;
	if (!tags_fit_mark(&plan->tags))
		carry.by_metadata = plan->tags.numbers ? CARRY_NUMBERS : CARRY_BITS;
	else if (plan->input)
		carry.mark_mask |= (__u32)carry.tags << CARRY_TAGS_SHIFT;
	return carry;
}

bool plan_carries(const struct plan *plan)
{
	struct carry carry = plan_carry(plan);

	return carry.tags || carry.mark_mask || carry.by_metadata;
}

int plan_make_sharing(struct plan *plan, const struct ruleset *ruleset, const struct interface_list *interfaces,
		      bool input, struct images *images)
{
	int error;

	*plan = (struct plan){.input = input,
			      .interfaces = interfaces,
			      .switches = ruleset->switches,
			      .linear = ruleset->linear,
			      .images = images};
	error = tags_collect(&plan->tags, ruleset, interfaces);
	if (!error)
		error = control_groups_collect(&plan->groups, ruleset);
	if (!error)
		error = state_names_collect(&plan->names, ruleset);
	if (error) {
		plan_free(plan);
		return error;
	}
	plan->rules = calloc(ruleset->count + 1, sizeof(*plan->rules));
	if (plan->rules) {
		select_rules(plan, ruleset);
		error = drop_unreachable(plan);
	} else {
		error = -ENOMEM;
	}
	if (!error) {
		resolve_targets(plan);
		error = stretches_split(plan);
	}
	if (error) {
		plan_free(plan);
		return error;
	}
	mark_late_entries(plan);
	return 0;
}

int plan_make(struct plan *plan, const struct ruleset *ruleset, const struct interface_list *interfaces, bool input)
{
	struct images *images = images_new();
	int error;

	*plan = (struct plan){0};
	if (!images)
		return -ENOMEM;
	error = plan_make_sharing(plan, ruleset, interfaces, input, images);
	if (error)
		images_free(images);
	else
		plan->own_images = images;
	return error;
}

void plan_free(struct plan *plan)
{
	free(plan->rules);
	free(plan->functions);
	free(plan->dispatch);
	free(plan->codes);
	free(plan->stretch_states);
	free(plan->stretch_questions);
	images_free(plan->own_images);
	control_groups_free(&plan->groups);
	state_names_free(&plan->names);
	memset(plan, 0, sizeof(*plan));
}
