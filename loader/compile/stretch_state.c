/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/stretch_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw/log_record.h"
#include "ipfw/verdict.h"
#include "loader/compile/emit.h"
#include "loader/compile/table_value.h"

static bool checks(const struct plan_rule *planned)
{
	return rule_action(planned->rule)->code == ACTION_CHECK_STATE;
}

bool stretch_state_meets(const struct plan_rule *planned)
{
	return !planned->never && !planned->action_only && !checks(planned);
}

const char *stretch_state_question(const struct plan_rule *planned)
{
	if (planned->action_only)
		return NULL;
	if (checks(planned))
		return action_text(rule_action(planned->rule));
	return rule_implies_check(planned->rule) ? state_option_name(rule_state_option(planned->rule)) : NULL;
}

bool stretch_state_apart(const struct plan_rule *planned)
{
	const struct rule *rule = planned->rule;

	if (checks(planned))
		return !planned->unconditional || !strcmp(action_text(rule_action(rule)), STATE_NAME_ANY);
	if (planned->action < 0)
		return false;
	return rule_find_option(rule, OPTION_PROBABILITY) || rule_keeps_value(rule) || rule_jumps_by_value(rule) ||
	       option_table_value(rule_state_option(rule));
}

int stretch_states_new(struct plan *plan)
{
	size_t slots = 0;

	for (size_t i = 0; i < plan->rule_count; i++)
		if (plan->rules[i].action >= 0 && plan->rules[i].rule->slot >= slots)
			slots = plan->rules[i].rule->slot + 1;
	plan->stretch_states = calloc(slots + 1, sizeof(*plan->stretch_states));
	plan->stretch_questions = calloc(plan->rule_count + 1, sizeof(*plan->stretch_questions));
	plan->stretch_state_count = slots;
	return plan->stretch_states && plan->stretch_questions ? 0 : -ENOMEM;
}

/* Where a packet goes on that the action does not stop. */
static __u32 next_of(const struct plan *plan, size_t index)
{
	return (__u32)(plan->rules[index].gone ? plan_default(plan) : index + 1);
}

static void fill_state(struct stretch_state *state, const struct plan *plan, size_t index)
{
	const struct rule *rule = plan->rules[index].rule;
	const struct option *option = rule_state_option(rule);
	bool limits = option->code == OPTION_LIMIT || option->code == OPTION_SET_LIMIT;

	*state = (struct stretch_state){
		.next = next_of(plan, index),
		.order = STATE_ORDER(rule->number, limits ? option->u.limit.fields : 0),
		.connections = limits ? option->u.limit.connections : 0,
		.name = state_names_number(&plan->names, state_option_name(option)),
		.defers = rule_defers(rule),
	};
}

int stretch_state_add(struct rests *rests, struct plan *plan, size_t index, __u64 held)
{
	const struct plan_rule *planned = plan->rules + index;
	struct stretch_state *state = plan->stretch_states + planned->rule->slot;
	struct dispatch action = rests_action(planned), *tests = plan->dispatch + index;
	int error = 0;

	*tests = rests_end(planned);
	if (stretch_state_meets(planned))
		error = rests_add_tests(rests, plan, index, held, tests);
	if (!error)
		error = rests_add_action(rests, plan, index, &action);
	if (error)
		return error;
	fill_state(state, plan, index);
	state->result = action.result;
	state->action = (__u8)action.kind;
	state->code = action.code;
	state->number = action.number;
	state->group = action.group;
	return 0;
}

/* Where the rules of a stretch ask for states. */
static void note_questions(struct plan *plan, struct plan_function *function)
{
	__u64 next = ~0ull;

	for (size_t i = function->end; i-- > function->first;) {
		const char *question = stretch_state_question(plan->rules + i);

		if (question) {
			function->question = state_names_number(&plan->names, question);
			next = i;
		}
		plan->stretch_questions[i] = next;
	}
}

void stretch_states_settle(struct plan *plan)
{
	for (size_t i = 0; i < plan->function_count; i++) {
		struct plan_function *function = plan->functions + i;

		if (!function->classified)
			continue;
		note_questions(plan, function);
		for (size_t rule = function->first; rule < function->end; rule++) {
			if (plan->rules[rule].action < 0)
				continue;
			plan->stretch_states[plan->rules[rule].rule->slot].here = 1;
			plan->classifies_states = true;
		}
	}
}

void stretch_states_unsettle(struct plan *plan)
{
	for (size_t slot = 0; slot < plan->stretch_state_count; slot++)
		plan->stretch_states[slot].here = 0;
	plan->classifies_states = false;
}
