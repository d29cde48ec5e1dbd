/* SPDX-License-Identifier: GPL-2.0-only */
/* What earlier rules left with the packet: routing table and mark. */
#include "loader/compile/table_value.h"

void emit_fib(struct emitter *emitter, const struct option *option, const struct option_row *row, struct target target)
{
	emit_word(emitter, option, row, target);
}

void emit_mark(struct emitter *emitter, const struct option *option, const struct option_row *row, struct target target)
{
	bool value = option_table_value(option);

	if (value)
		emit_value(emitter, TABLE_VALUE_MARK);
	asm_load(emitter->code, BPF_W, BPF_REG_1, REGISTER_PACKET, (int)row->field);
	if (~option->u.masked.mask)
		asm_alu32(emitter->code, BPF_AND, BPF_REG_1, option->u.masked.mask);
	if (!value) {
		emit_test(emitter, BPF_JEQ, BPF_REG_1, option->u.masked.value, target);
		return;
	}
	asm_alu32(emitter->code, BPF_AND, BPF_REG_0, option->u.masked.mask);
	asm_jump_if_register(emitter->code, BPF_JNE, BPF_REG_1, BPF_REG_0, target.fail);
	emit_goto(emitter, target.match, target);
}
