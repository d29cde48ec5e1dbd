/* SPDX-License-Identifier: GPL-2.0-only */
/* The modifier `log`. */
#include "loader/compile/emit.h"

#include "ipfw/log_record.h"

void emit_log(struct emitter *emitter, const struct option *option, const struct option_row *row, struct target target)
{
	const struct rule *rule = emitter->rule;
	const struct action *action = rule_action(rule);

	asm_move(emitter->code, BPF_REG_1, REGISTER_CONTEXT);
	asm_move(emitter->code, BPF_REG_2, REGISTER_PACKET);
	asm_move_constant(emitter->code, BPF_REG_3, LOG_RULE(rule->slot, rule->number, option->u.log.destinations));
	asm_move_constant(emitter->code, BPF_REG_4, LOG_ACTION(action->code, action->extra, action->argument));
	asm_move_constant(emitter->code, BPF_REG_5, option->u.log.limit);
	asm_call(emitter->code, SYMBOL_PACKET_LOG);
}
