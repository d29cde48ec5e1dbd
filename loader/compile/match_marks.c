/* SPDX-License-Identifier: GPL-2.0-only */
/* What earlier rules left with the packet: routing table, mark, tags. */
#include "loader/compile/emit.h"

#include <errno.h>

void emit_fib(struct emitter *emitter, const struct option *option, const struct option_row *row, struct target target)
{
	emit_word(emitter, option, row, target);
}

void emit_mark(struct emitter *emitter, const struct option *option, const struct option_row *row, struct target target)
{
	asm_load(emitter->code, BPF_W, BPF_REG_1, REGISTER_PACKET, (int)row->field);
	if (~option->u.masked.mask)
		asm_alu32(emitter->code, BPF_AND, BPF_REG_1, option->u.masked.mask);
	emit_test(emitter, BPF_JEQ, BPF_REG_1, option->u.masked.value, target);
}

/* R1 = packet.tags, R2 = bits. */
static void load_tags(struct emitter *emitter, const struct option_row *row, __u64 bits)
{
	asm_load(emitter->code, BPF_DW, BPF_REG_1, REGISTER_PACKET, (int)row->field);
	asm_move_constant(emitter->code, BPF_REG_2, bits);
}

void emit_tagged(struct emitter *emitter, const struct option *option, const struct option_row *row,
		 struct target target)
{
	__u64 bits = 0;

	for (unsigned int i = 0; i < option->count; i++)
		bits |= tags_bits(&emitter->plan->tags, option->u.range[i].low, option->u.range[i].high);
	load_tags(emitter, row, bits);
	asm_alu64_register(emitter->code, BPF_AND, BPF_REG_1, BPF_REG_2);
	asm_jump_if64(emitter->code, BPF_JEQ, BPF_REG_1, 0, target.fail);
	emit_goto(emitter, target.match, target);
}

void emit_tag(struct emitter *emitter, const struct option *option, const struct option_row *row, struct target target)
{
	__u16 number = (__u16)option->u.number;

	load_tags(emitter, row, tags_bits(&emitter->plan->tags, number, number));
	asm_alu64_register(emitter->code, BPF_OR, BPF_REG_1, BPF_REG_2);
	asm_store(emitter->code, BPF_DW, REGISTER_PACKET, BPF_REG_1, (int)row->field);
}

void emit_untag(struct emitter *emitter, const struct option *option, const struct option_row *row,
		struct target target)
{
	__u16 number = (__u16)option->u.number;

	load_tags(emitter, row, ~tags_bits(&emitter->plan->tags, number, number));
	asm_alu64_register(emitter->code, BPF_AND, BPF_REG_1, BPF_REG_2);
	asm_store(emitter->code, BPF_DW, REGISTER_PACKET, BPF_REG_1, (int)row->field);
}
