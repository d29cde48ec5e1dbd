/* SPDX-License-Identifier: GPL-2.0-only */
/* The modifier `log`. */
#include "ipfw/log_record.h"
#include "loader/compile/table_value.h"

/* R4 = LOG_ACTION() of the rule. */
static void emit_log_action(struct emitter *emitter, const struct action *action)
{
	if (!action_table_value(action)) {
		asm_move_constant(emitter->code, BPF_REG_4, LOG_ACTION(action->code, action->extra, action->argument));
		return;
	}
	emit_action_value(emitter);
	asm_move(emitter->code, BPF_REG_4, BPF_REG_0);
	asm_move_constant(emitter->code, BPF_REG_1, 32);
	asm_alu64_register(emitter->code, BPF_LSH, BPF_REG_4, BPF_REG_1);
	asm_move_constant(emitter->code, BPF_REG_1, LOG_ACTION(action->code, action->extra, 0));
	asm_alu64_register(emitter->code, BPF_OR, BPF_REG_4, BPF_REG_1);
}

/* R3 = LOG_RULE() of the rule. */
static void emit_log_rule(struct emitter *emitter, __u16 destinations)
{
	if (!emitter->shared) {
		asm_move_constant(emitter->code, BPF_REG_3,
				  LOG_RULE(emitter->rule->slot, emitter->rule->number, destinations));
		return;
	}
	asm_move_constant(emitter->code, BPF_REG_3, LOG_RULE(0, 0, destinations));
	asm_alu64_register(emitter->code, BPF_OR, BPF_REG_3, REGISTER_RULE);
}

void emit_log(struct emitter *emitter, const struct option *option, const struct option_row *row, struct target target)
{
	emit_log_action(emitter, rule_action(emitter->rule));
	asm_move(emitter->code, BPF_REG_1, REGISTER_CONTEXT);
	asm_move(emitter->code, BPF_REG_2, REGISTER_PACKET);
	emit_log_rule(emitter, option->u.log.destinations);
	asm_move_constant(emitter->code, BPF_REG_5, option->u.log.limit);
	asm_call(emitter->code, SYMBOL_PACKET_LOG);
}
