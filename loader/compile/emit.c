/* SPDX-License-Identifier: GPL-2.0-only */
/* What all emitters share, and the walk over a rule's options. */
#include "loader/compile/emit.h"

#include <stdlib.h>

#include "loader/compile/table_value.h"

static const struct option_row rows[OPTION_CODES] = {
#define OPTION(code, keyword, aliases, argument, place, emitter, field, head, ...)                                     \
	[OPTION_##code] = {offsetof(struct packet, field), HEAD_##head, emit_##emitter,                                \
			   PLACE_##place == PLACE_MODIFIER},
#include "ipfw/options.def"
#undef OPTION
};

const struct option_row *option_row(unsigned int code)
{
	return rows + code;
}

/* The part of struct packet that begins with the field `first` is filled only if it is asked for. */
static const struct {
	size_t first;
	__u32 need;
} packet_parts[] = {
	{offsetof(struct packet, call_depth), PACKET_NEEDS_MARKS},
	{offsetof(struct packet, destination_mac), PACKET_NEEDS_LINK},
	{offsetof(struct packet, tcp_mss), PACKET_NEEDS_TCP_OPTIONS},
	{offsetof(struct packet, ip_id), PACKET_NEEDS_HEADERS},
	{0, 0},
};

static __u32 field_needs(size_t field)
{
	size_t part = 0;

	while (field < packet_parts[part].first)
		part++;
	return packet_parts[part].need;
}

/* What `lookup' reads depends on its key. */
static size_t option_field(const struct option *option)
{
	if (option->code != OPTION_LOOKUP)
		return option_row(option->code)->field;
	switch (option->u.lookup.key) {
	case LOOKUP_DSCP:
		return offsetof(struct packet, traffic_class);
	case LOOKUP_DESTINATION_MAC:
	case LOOKUP_SOURCE_MAC:
		return offsetof(struct packet, layer2);
	case LOOKUP_MARK:
		return offsetof(struct packet, mark);
	default:
		return offsetof(struct packet, source);
	}
}

__u32 plan_needs(const struct plan *plan)
{
	__u32 needs = 0;

	if (plan->switches & RULESET_WITHOUT_IP4)
		needs |= PACKET_WITHOUT_IP4;
	if (plan->switches & RULESET_WITHOUT_IP6)
		needs |= PACKET_WITHOUT_IP6;
	if (plan->switches & RULESET_WITH_LAYER2)
		needs |= PACKET_NEEDS_LAYER2;
	if (plan_starts_over(plan))
		needs |= PACKET_NEEDS_ROUNDS;
	if (plan_front(plan))
		needs |= PACKET_NEEDS_FRONT;
	for (size_t i = 0; i < plan->rule_count; i++) {
		if (rule_action(plan->rules[i].rule)->code == ACTION_SETFIB)
			needs |= PACKET_NEEDS_MARKS;
		RULE_FOR_EACH_OPTION (option, plan->rules[i].rule)
			needs |= field_needs(option_field(option));
	}
	return needs;
}

void emit_goto(struct emitter *emitter, label to, struct target target)
{
	if (to != target.next)
		asm_jump(emitter->code, to);
}

void emit_always_goto(struct emitter *emitter, label to, struct target target)
{
	if (to == target.next)
		return;
	asm_move_constant(emitter->code, BPF_REG_0, 0);
	asm_jump_if64(emitter->code, BPF_JEQ, BPF_REG_0, 0, to);
}

/* The condition that holds exactly when `condition` does not; 0 for JSET, which has none. */
static int inverse(int condition)
{
	switch (condition) {
	case BPF_JEQ:
		return BPF_JNE;
	case BPF_JNE:
		return BPF_JEQ;
	case BPF_JGT:
		return BPF_JLE;
	case BPF_JLE:
		return BPF_JGT;
	case BPF_JGE:
		return BPF_JLT;
	case BPF_JLT:
		return BPF_JGE;
	default:
		return 0;
	}
}

void emit_test(struct emitter *emitter, int condition, int dst, __u32 value, struct target target)
{
	if (condition == BPF_JEQ && joint_takes(emitter, target)) {
		joint_add_equal(emitter, dst, value);
		return;
	}
	if (target.match == target.next && inverse(condition)) {
		asm_jump_if32(emitter->code, inverse(condition), dst, value, target.fail);
		return;
	}
	asm_jump_if32(emitter->code, condition, dst, value, target.match);
	emit_goto(emitter, target.fail, target);
}

void emit_byte_test(struct emitter *emitter, size_t field, __u8 mask, __u8 value, struct target target)
{
	asm_load(emitter->code, BPF_B, BPF_REG_1, REGISTER_PACKET, (int)field);
	if (mask != 0xff)
		asm_alu32(emitter->code, BPF_AND, BPF_REG_1, mask);
	emit_test(emitter, BPF_JEQ, BPF_REG_1, value, target);
}

void emit_head_load(struct emitter *emitter, struct head head)
{
	asm_load(emitter->code, BPF_W, BPF_REG_1, REGISTER_PACKET, offsetof(struct packet, family));
	if (~head.mask)
		asm_alu32(emitter->code, BPF_AND, BPF_REG_1, head.mask);
}

/* For options whose head says it all; emit_option() has compared it. */
void emit_head_only(struct emitter *emitter, const struct option *option, const struct option_row *row,
		    struct target target)
{
	emit_always_goto(emitter, target.match, target);
}

/* Emits one option that the plan could not fold, OPTION_NOT included. */
static void emit_option(struct emitter *emitter, const struct option *option, struct target target)
{
	const struct option_row *row = option_row(option->code);
	struct head head = head_of(option, row->head);

	if (option->flags & OPTION_NOT) {
		label match = target.match;

		target.match = target.fail;
		target.fail = match;
	}
	if (head.impossible) {
		emit_always_goto(emitter, target.fail, target);
		return;
	}
	if (!head_implied(emitter->known, head)) {
		emit_head_load(emitter, head);
		if (row->emit == emit_head_only) {
			emit_test(emitter, BPF_JEQ, BPF_REG_1, head.value, target);
			return;
		}
		asm_jump_if32(emitter->code, BPF_JNE, BPF_REG_1, head.value, target.fail);
	}
	row->emit(emitter, option, row, target);
}

/* The next option of the block that is not known to fail, or NULL. */
static const struct option *next_alternative(const struct plan *plan, const struct rule *rule,
					     const struct option *option, const struct option *last)
{
	while (option != last) {
		option = rule_next_option(rule, option);
		if (plan_fold(plan, option) != FOLD_NEVER)
			return option;
	}
	return NULL;
}

static bool compares(const struct option_row *row)
{
	return row->emit == emit_head_only || row->emit == emit_address4 || row->emit == emit_address6 ||
	       row->emit == emit_address_set || row->emit == emit_ranges16 || row->emit == emit_flags ||
	       row->emit == emit_word || row->emit == emit_ip_precedence || row->emit == emit_icmp_types ||
	       row->emit == emit_established;
}

/* Whether the block does nothing but compare what is in the packet: it can be tested though one before it has failed.
 */
static bool only_compares(const struct rule *rule, const struct option *first, const struct option *last)
{
	while (first != last && compares(option_row(first->code)))
		first = rule_next_option(rule, first);
	return compares(option_row(first->code));
}

/*
 * Tests the alternatives first..last in order; the first that matches goes on behind the block. One that always matches
 * is the last.
 */
static void emit_block(struct emitter *emitter, const struct rule *rule, const struct option *first,
		       const struct option *last, label fail)
{
	label matched = label_new(emitter->code);
	const struct option *option = first;

	if (!only_compares(rule, first, last))
		joint_end(emitter);
	if (plan_fold(emitter->plan, option) == FOLD_NEVER)
		option = next_alternative(emitter->plan, rule, option, last);
	while (option && plan_fold(emitter->plan, option) != FOLD_ALWAYS) {
		const struct option *next = next_alternative(emitter->plan, rule, option, last);

		if (!next) {
			emit_option(emitter, option, (struct target){matched, fail, matched});
		} else {
			label other = label_new(emitter->code);

			emit_option(emitter, option, (struct target){matched, other, other});
			label_bind(emitter->code, other);
		}
		option = next;
	}
	label_bind(emitter->code, matched);
}

struct head emit_rule_head_of(const struct plan *plan, const struct rule *rule)
{
	struct head all = {0};
	const struct option *option = rule_first_option(rule);

	while (option) {
		const struct option *last = plan_block_end(rule, option);

		if (option == last && !(option->flags & OPTION_NOT) && plan_fold(plan, option) == FOLD_UNKNOWN)
			all = head_both(all, head_of(option, option_row(option->code)->head));
		option = rule_next_option(rule, last);
	}
	return all;
}

/* The first address option of the rule that every matching packet must have and one compare can test, or NULL. */
static const struct option *filter_option(const struct rule *rule)
{
	const struct option *option = rule_first_option(rule);

	while (option) {
		const struct option *last = plan_block_end(rule, option);

		if (option == last && !(option->flags & OPTION_NOT) && option->count == 1 &&
		    (option->code == OPTION_SOURCE_IP4 || option->code == OPTION_DESTINATION_IP4) &&
		    option->u.address4->mask)
			return option;
		option = rule_next_option(rule, last);
	}
	return NULL;
}

struct filter emit_filter_of(const struct emitter *emitter, const struct rule *rule)
{
	const struct option *tested = filter_option(rule);
	struct head head = emit_rule_head_of(emitter->plan, rule);

	if (rule_implies_check(rule))
		return (struct filter){0};
	if (tested)
		return (struct filter){option_row(tested->code)->field, tested->u.address4->mask,
				       tested->u.address4->address, tested, .head = head};
	return (struct filter){
		offsetof(struct packet, family), head.mask, head.value, NULL, .head = head, .known = head};
}

/* Tests what the rule's options ask of the head of the packet, all in one compare. */
static void emit_rule_head(struct emitter *emitter, const struct rule *rule, const struct filter *filter, label fail)
{
	emitter->known = emit_rule_head_of(emitter->plan, rule);
	if (!head_implied(filter ? filter->known : (struct head){0}, emitter->known)) {
		label like = label_new(emitter->code);

		emit_head_load(emitter, emitter->known);
		emit_test(emitter, BPF_JEQ, BPF_REG_1, emitter->known.value, (struct target){like, fail, like});
		label_bind(emitter->code, like);
	}
}

bool rule_modifies(const struct rule *rule)
{
	RULE_FOR_EACH_OPTION (option, rule)
		if (option_row(option->code)->modifies)
			return true;
	return false;
}

void emit_modifiers(struct emitter *emitter, const struct rule *rule)
{
	RULE_FOR_EACH_OPTION (option, rule) {
		const struct option_row *row = option_row(option->code);

		if (row->modifies)
			row->emit(emitter, option, row, (struct target){-1, -1, -1});
	}
}

static void emit_rest(struct emitter *emitter, const struct plan_rule *planned, const struct plan_function *function)
{
	emit_modifiers(emitter, planned->rule);
	emit_action(emitter, planned, function);
}

void emit_state_action(struct emitter *emitter, const struct plan_rule *planned, const struct plan_function *function)
{
	emitter->rule = planned->rule;
	label_bind(emitter->code, planned->action);
	emit_rest(emitter, planned, function);
}

/* What comes before all tests of a rule with keep-state or limit: its probability, and the question for a state. */
static void emit_implied_check(struct emitter *emitter, const struct plan_rule *planned, label fail)
{
	const struct rule *rule = planned->rule;
	const struct option *probability = rule_find_option(rule, OPTION_PROBABILITY);

	if (probability)
		emit_block(emitter, rule, probability, probability, fail);
	emit_state_question(emitter, planned, state_option_name(rule_state_option(rule)));
}

/*
 * Tests the blocks of the rule that are not among `held`, but not the option `tested` (NULL: none), nor the probability
 * if it has been asked.
 */
static void emit_blocks(struct emitter *emitter, const struct rule *rule, __u64 held, const struct option *tested,
			label fail)
{
	const struct option *option = rule_first_option(rule);
	bool asked = rule_implies_check(rule);

	if (rule_keeps_value(rule)) {
		joint_end(emitter);
		emit_value_reset(emitter);
	}
	for (unsigned int number = 0; option; number++) {
		const struct option *last = plan_block_end(rule, option);
		bool done = (tested && option == tested) || (number < BLOCKS_MAX && held >> number & 1) ||
			    (asked && option->code == OPTION_PROBABILITY);

		if (!done && plan_block_left(emitter->plan, rule, option, last))
			emit_block(emitter, rule, option, last, fail);
		option = rule_next_option(rule, last);
	}
}

void emit_tests_left(struct emitter *emitter, const struct plan_rule *planned, __u64 held, label fail)
{
	emitter->rule = planned->rule;
	emitter->known = emit_rule_head_of(emitter->plan, planned->rule);
	emit_blocks(emitter, planned->rule, held, NULL, fail);
}

/* Behind the tests, as in ipfw: makes the state. */
static void emit_state(struct emitter *emitter, const struct rule *rule)
{
	const struct option *option = rule_state_option(rule);
	const struct option_row *row = option_row(option->code);
	label made = label_new(emitter->code);

	row->emit(emitter, option, row, (struct target){made, made, made});
	label_bind(emitter->code, made);
}

/* Whether, behind tests that are joined, a rule does nothing but end the search. */
static bool only_ends(const struct emitter *emitter, const struct plan_rule *planned)
{
	if (!emitter->joint.pending || planned->action >= 0 || rule_defers(planned->rule) ||
	    rule_modifies(planned->rule))
		return false;
	return action_dispatch(planned).kind == DISPATCH_VERDICT;
}

void emit_body(struct emitter *emitter, const struct plan_rule *planned, const struct filter *filter, label fail,
	       bool followed, const struct plan_function *function)
{
	const struct rule *rule = planned->rule;
	size_t first_jump = emitter->code->jump_count;

	emitter->rule = rule;
	if (rule_implies_check(rule))
		emit_implied_check(emitter, planned, fail);
	if (planned->never) {
		asm_jump(emitter->code, fail);
		return;
	}
	joint_begin(emitter, fail);
	emit_rule_head(emitter, rule, filter, fail);
	emit_blocks(emitter, rule, 0, filter ? filter->tested : NULL, fail);
	if (only_ends(emitter, planned)) {
		joint_finish(emitter, action_dispatch(planned).result);
		return;
	}
	joint_close(emitter);
	if (planned->action >= 0)
		emit_state(emitter, rule);
	if (rule_defers(rule)) {
		asm_jump(emitter->code, fail);
		if (emitter->plan->states)
			emit_state_action(emitter, planned, function);
		return;
	}
	if (followed && !label_used(emitter->code, fail, first_jump)) {
		/* no test is left: what comes next must still look reachable */
		asm_move_constant(emitter->code, BPF_REG_0, 0);
		asm_jump_if64(emitter->code, BPF_JNE, BPF_REG_0, 0, fail);
	}
	if (planned->action >= 0)
		emit_state_action(emitter, planned, function);
	else
		emit_rest(emitter, planned, function);
}
