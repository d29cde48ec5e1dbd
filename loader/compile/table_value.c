/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/table_value.h"

#include "ipfw/limits.h"

#define DSCP_BITS 0x3f
#define FIB_BITS 0x7fff

bool rule_keeps_value(const struct rule *rule)
{
	return rule_takes_value(rule) && rule_gives_value(rule);
}

static bool jumps(const struct action *action)
{
	return action->code == ACTION_SKIPTO || action->code == ACTION_CALL;
}

bool rule_jumps_by_value(const struct rule *rule)
{
	const struct action *action = rule_action(rule);

	return jumps(action) && action_table_value(action) && rule_gives_value(rule);
}

void emit_value_reset(struct emitter *emitter)
{
	asm_store32(emitter->code, REGISTER_PACKET, offsetof(struct packet, table_found), 0);
}

void emit_value(struct emitter *emitter, unsigned int kind)
{
	if (!rule_gives_value(emitter->rule)) {
		asm_move_constant(emitter->code, BPF_REG_0, 0);
		return;
	}
	asm_move(emitter->code, BPF_REG_1, REGISTER_PACKET);
	asm_move_constant(emitter->code, BPF_REG_2, kind);
	asm_move_constant(emitter->code, BPF_REG_3, emitter->rule->slot);
	asm_call(emitter->code, SYMBOL_PACKET_TABLE_VALUE);
}

/* A routing table that there is not is the main one. */
static void emit_fib_range(struct assembler *assembler)
{
	label valid = label_new(assembler);

	asm_alu32(assembler, BPF_AND, BPF_REG_0, FIB_BITS);
	asm_jump_if32(assembler, BPF_JLT, BPF_REG_0, ROUTING_TABLES, valid);
	asm_move_constant(assembler, BPF_REG_0, 0);
	label_bind(assembler, valid);
}

void emit_action_value(struct emitter *emitter)
{
	const struct action *action = rule_action(emitter->rule);

	emit_value(emitter, action_table_value(action));
	if (action->code == ACTION_SETDSCP)
		asm_alu32(emitter->code, BPF_AND, BPF_REG_0, DSCP_BITS);
	if (action->code == ACTION_SETFIB)
		emit_fib_range(emitter->code);
}

void emit_value_position(struct emitter *emitter)
{
	__u32 own = emitter->rule->number;
	label ahead;

	emit_action_value(emitter);
	asm_move(emitter->code, BPF_REG_1, BPF_REG_0);
	if (rule_action(emitter->rule)->code == ACTION_SKIPTO) {
		ahead = label_new(emitter->code);
		asm_jump_if32(emitter->code, BPF_JGT, BPF_REG_1, own, ahead);
		asm_move_constant(emitter->code, BPF_REG_1, own + 1);
		label_bind(emitter->code, ahead);
	}
	asm_call(emitter->code, SYMBOL_RULE_POSITION);
}
