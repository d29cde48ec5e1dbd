/* SPDX-License-Identifier: GPL-2.0-only */
/* Actions: one emitter per row of actions.def. */
#include "loader/compile/emit.h"

#include <errno.h>

#include "ipfw/verdict.h"
#include "loader/compile/table_value.h"

static enum verdict action_verdict(unsigned int code)
{
	switch (code) {
	case ACTION_ALLOW:
		return VERDICT_ALLOW;
	case ACTION_UNREACH:
		return VERDICT_UNREACH;
	case ACTION_UNREACH6:
		return VERDICT_UNREACH6;
	case ACTION_RESET:
		return VERDICT_RESET;
	case ACTION_RESET6:
		return VERDICT_RESET6;
	case ACTION_ABORT:
		return VERDICT_ABORT;
	case ACTION_ABORT6:
		return VERDICT_ABORT6;
	default:
		return VERDICT_DENY;
	}
}

/* What a rule that ends the search returns. */
static __u64 match_result(const struct rule *rule)
{
	const struct action *action = rule_action(rule);
	__u32 argument = action->argument | (__u32)action->extra << 16;

	return MATCH_RESULT(action_verdict(action->code), rule->slot, argument);
}

/* Ends the search. The runtime counts the rule, from the slot in the result. */
static void emit_action_verdict(struct emitter *emitter, const struct plan_rule *rule,
				const struct plan_function *function)
{
	asm_move_constant(emitter->code, BPF_REG_0, match_result(rule->rule));
	asm_exit(emitter->code);
}

static void emit_action_count(struct emitter *emitter, const struct plan_rule *rule,
			      const struct plan_function *function)
{
	asm_move(emitter->code, BPF_REG_1, REGISTER_PACKET);
	asm_move_constant(emitter->code, BPF_REG_2, rule->rule->slot);
	asm_call(emitter->code, SYMBOL_RULE_COUNT);
}

void emit_skip(struct emitter *emitter, size_t target, const struct plan_function *function)
{
	if (target < function->end) {
		asm_jump(emitter->code, emitter->plan->rules[target].entry);
		return;
	}
	asm_store32(emitter->code, REGISTER_PACKET, offsetof(struct packet, resume), (__s32)target);
	asm_move_constant(emitter->code, BPF_REG_0, VERDICT_NONE);
	asm_exit(emitter->code);
}

/*
 * To a number out of a table. Its rule is the last of its function, so that what comes next is the functions behind;
 * else the packet starts over.
 */
static void emit_skipto_value(struct emitter *emitter, const struct plan_rule *rule,
			      const struct plan_function *function)
{
	bool last = (size_t)(rule - emitter->plan->rules) + 1 >= function->end;

	emit_value_position(emitter);
	asm_store(emitter->code, BPF_W, REGISTER_PACKET, BPF_REG_0, offsetof(struct packet, resume));
	emit_action_count(emitter, rule, function);
	asm_move_constant(emitter->code, BPF_REG_0, last ? VERDICT_NONE : MATCH_RESULT(VERDICT_AGAIN, 0, 0));
	asm_exit(emitter->code);
}

static void emit_action_skipto(struct emitter *emitter, const struct plan_rule *rule,
			       const struct plan_function *function)
{
	if (rule_jumps_by_value(rule->rule)) {
		emit_skipto_value(emitter, rule, function);
		return;
	}
	emit_action_count(emitter, rule, function);
	emit_skip(emitter, rule->skip_target, function);
}

/* Counts the rule if R0, from a function of the runtime, says that its action took place; goes on at `next` if not. */
static void emit_count_done(struct emitter *emitter, const struct plan_rule *rule, const struct plan_function *function,
			    label next)
{
	asm_jump_if32(emitter->code, BPF_JEQ, BPF_REG_0, 0, next);
	emit_action_count(emitter, rule, function);
}

/*
 * Ends the action of a rule that changes where the packet goes on, by packet.resume, if R0 says that it does: leaves
 * the function, so that its caller starts over. ipfw counts such rules only then.
 */
static void emit_start_over(struct emitter *emitter, const struct plan_rule *rule, const struct plan_function *function)
{
	label next = label_new(emitter->code);

	emit_count_done(emitter, rule, function, next);
	asm_move_constant(emitter->code, BPF_REG_0, MATCH_RESULT(VERDICT_AGAIN, 0, 0));
	asm_exit(emitter->code);
	label_bind(emitter->code, next);
}

/* A call that finds the stack full goes on at the next rule, as does a return without a call. */
static void emit_action_call(struct emitter *emitter, const struct plan_rule *rule,
			     const struct plan_function *function)
{
	size_t index = (size_t)(rule - emitter->plan->rules);

	if (rule_jumps_by_value(rule->rule)) {
		emit_value_position(emitter);
		asm_move(emitter->code, BPF_REG_2, BPF_REG_0);
	} else {
		asm_move_constant(emitter->code, BPF_REG_2, rule->skip_target);
	}
	asm_move(emitter->code, BPF_REG_1, REGISTER_PACKET);
	asm_move_constant(emitter->code, BPF_REG_3, index + 1);
	asm_move_constant(emitter->code, BPF_REG_4, rule->return_target);
	asm_call(emitter->code, SYMBOL_PACKET_CALL);
	emit_start_over(emitter, rule, function);
}

static void emit_action_return(struct emitter *emitter, const struct plan_rule *rule,
			       const struct plan_function *function)
{
	asm_move(emitter->code, BPF_REG_1, REGISTER_PACKET);
	asm_move_constant(emitter->code, BPF_REG_2, rule_action(rule->rule)->argument);
	asm_call(emitter->code, SYMBOL_PACKET_RETURN);
	emit_start_over(emitter, rule, function);
}

/* Loads the action's number. */
static void emit_argument(struct emitter *emitter, int into)
{
	const struct action *action = rule_action(emitter->rule);

	if (!action_table_value(action)) {
		asm_move_constant(emitter->code, into, action->argument);
		return;
	}
	emit_action_value(emitter);
	asm_move(emitter->code, into, BPF_REG_0);
}

/* Has the runtime function `symbol` (bpf/modify.h) change the packet to the action's number; counts if that applies. */
static void emit_modify(struct emitter *emitter, const struct plan_rule *rule, const struct plan_function *function,
			const char *symbol)
{
	label next = label_new(emitter->code);

	emit_argument(emitter, BPF_REG_3);
	asm_move(emitter->code, BPF_REG_1, REGISTER_CONTEXT);
	asm_move(emitter->code, BPF_REG_2, REGISTER_PACKET);
	asm_call(emitter->code, symbol);
	emit_count_done(emitter, rule, function, next);
	label_bind(emitter->code, next);
}

static void emit_action_set_dscp(struct emitter *emitter, const struct plan_rule *rule,
				 const struct plan_function *function)
{
	emit_modify(emitter, rule, function, SYMBOL_PACKET_SET_DSCP);
}

static void emit_action_set_mss(struct emitter *emitter, const struct plan_rule *rule,
				const struct plan_function *function)
{
	emit_modify(emitter, rule, function, SYMBOL_PACKET_SET_MSS);
}

/* Writes the action's number into a word of the packet and goes on. */
static void emit_action_store(struct emitter *emitter, const struct plan_rule *rule,
			      const struct plan_function *function, size_t field)
{
	emit_argument(emitter, BPF_REG_1);
	asm_store(emitter->code, BPF_W, REGISTER_PACKET, BPF_REG_1, (int)field);
	emit_action_count(emitter, rule, function);
}

static void emit_action_set_fib(struct emitter *emitter, const struct plan_rule *rule,
				const struct plan_function *function)
{
	emit_action_store(emitter, rule, function, offsetof(struct packet, fib));
}

static void emit_action_set_mark(struct emitter *emitter, const struct plan_rule *rule,
				 const struct plan_function *function)
{
	emit_action_store(emitter, rule, function, offsetof(struct packet, mark));
}

/* It is the parent's rule that counts. */
static void emit_action_check_state(struct emitter *emitter, const struct plan_rule *rule,
				    const struct plan_function *function)
{
	emit_state_question(emitter, rule, action_text(rule_action(rule->rule)));
}

/* The language refuses rules with these. */
static void emit_action_later(struct emitter *emitter, const struct plan_rule *rule,
			      const struct plan_function *function)
{
	emitter->code->error = -EOPNOTSUPP;
}

static void (*const emitters[ACTION_CODES])(struct emitter *, const struct plan_rule *,
					    const struct plan_function *) = {
#define ACTION(code, keyword, aliases, argument, terminal, emitter, ...) [ACTION_##code] = emit_action_##emitter,
#include "ipfw/actions.def"
#undef ACTION
};

void emit_action(struct emitter *emitter, const struct plan_rule *rule, const struct plan_function *function)
{
	emitters[rule_action(rule->rule)->code](emitter, rule, function);
}

struct dispatch action_dispatch(const struct plan_rule *planned)
{
	const struct rule *rule = planned->rule;
	__u16 code = rule_action(rule)->code;

	if (emitters[code] == emit_action_verdict)
		return (struct dispatch){.kind = DISPATCH_VERDICT, .result = match_result(rule)};
	if (emitters[code] == emit_action_count)
		return (struct dispatch){.kind = DISPATCH_COUNT, .result = MATCH_RESULT(VERDICT_NONE, rule->slot, 0)};
	if (emitters[code] == emit_action_skipto && !rule_jumps_by_value(rule))
		return (struct dispatch){.kind = DISPATCH_SKIPTO,
					 .result = MATCH_RESULT(VERDICT_NONE, rule->slot, planned->skip_target)};
	return (struct dispatch){.kind = DISPATCH_CODE};
}
