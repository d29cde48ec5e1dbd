/* SPDX-License-Identifier: GPL-2.0-only */
/* Tags: one bit for each, or, where rules take them out of tables, numbers (tags.h). */
#include "ipfw/verdict.h"
#include "loader/compile/table_value.h"

/* R1 = packet.tags, R2 = bits. */
static void load_tags(struct emitter *emitter, const struct option_row *row, __u64 bits)
{
	asm_load(emitter->code, BPF_DW, BPF_REG_1, REGISTER_PACKET, (int)row->field);
	asm_move_constant(emitter->code, BPF_REG_2, bits);
}

static __u64 bit_of(const struct emitter *emitter, const struct option *option)
{
	__u16 number = (__u16)option->u.number;

	return tags_bits(&emitter->plan->tags, number, number);
}

/* R1 = the packet, R2 = the number of the tag. */
static void load_number(struct emitter *emitter, const struct option *option)
{
	if (option_table_value(option)) {
		emit_value(emitter, TABLE_VALUE_TAG);
		asm_move(emitter->code, BPF_REG_2, BPF_REG_0);
	} else {
		asm_move_constant(emitter->code, BPF_REG_2, option->u.number);
	}
	asm_move(emitter->code, BPF_REG_1, REGISTER_PACKET);
}

/* Asks for each range, or for the number out of a table. */
static void emit_tagged_number(struct emitter *emitter, const struct option *option, struct target target)
{
	for (unsigned int i = 0; i < option->count; i++) {
		asm_move(emitter->code, BPF_REG_1, REGISTER_PACKET);
		asm_move_constant(emitter->code, BPF_REG_2, option->u.range[i].low);
		asm_move_constant(emitter->code, BPF_REG_3, option->u.range[i].high);
		asm_call(emitter->code, SYMBOL_PACKET_TAGGED);
		asm_jump_if32(emitter->code, BPF_JNE, BPF_REG_0, 0, target.match);
	}
	if (option_table_value(option)) {
		load_number(emitter, option);
		asm_move(emitter->code, BPF_REG_3, BPF_REG_2);
		asm_call(emitter->code, SYMBOL_PACKET_TAGGED);
		asm_jump_if32(emitter->code, BPF_JNE, BPF_REG_0, 0, target.match);
	}
	emit_goto(emitter, target.fail, target);
}

void emit_tagged(struct emitter *emitter, const struct option *option, const struct option_row *row,
		 struct target target)
{
	__u64 bits = 0;

	if (emitter->plan->tags.numbers) {
		emit_tagged_number(emitter, option, target);
		return;
	}
	for (unsigned int i = 0; i < option->count; i++)
		bits |= tags_bits(&emitter->plan->tags, option->u.range[i].low, option->u.range[i].high);
	load_tags(emitter, row, bits);
	asm_alu64_register(emitter->code, BPF_AND, BPF_REG_1, BPF_REG_2);
	asm_jump_if64(emitter->code, BPF_JEQ, BPF_REG_1, 0, target.fail);
	emit_goto(emitter, target.match, target);
}

/* A packet that has no room for the tag is dropped: rules behind would not know it. */
static void emit_tag_number(struct emitter *emitter, const struct option *option)
{
	label tagged = label_new(emitter->code);

	load_number(emitter, option);
	asm_call(emitter->code, SYMBOL_PACKET_TAG);
	asm_jump_if32(emitter->code, BPF_JNE, BPF_REG_0, 0, tagged);
	asm_move_constant(emitter->code, BPF_REG_0, MATCH_RESULT(VERDICT_TAGS, 0, 0));
	asm_exit(emitter->code);
	label_bind(emitter->code, tagged);
}

void emit_tag(struct emitter *emitter, const struct option *option, const struct option_row *row, struct target target)
{
	if (emitter->plan->tags.numbers) {
		emit_tag_number(emitter, option);
		return;
	}
	load_tags(emitter, row, bit_of(emitter, option));
	asm_alu64_register(emitter->code, BPF_OR, BPF_REG_1, BPF_REG_2);
	asm_store(emitter->code, BPF_DW, REGISTER_PACKET, BPF_REG_1, (int)row->field);
}

void emit_untag(struct emitter *emitter, const struct option *option, const struct option_row *row,
		struct target target)
{
	if (emitter->plan->tags.numbers) {
		load_number(emitter, option);
		asm_call(emitter->code, SYMBOL_PACKET_UNTAG);
		return;
	}
	load_tags(emitter, row, ~bit_of(emitter, option));
	asm_alu64_register(emitter->code, BPF_AND, BPF_REG_1, BPF_REG_2);
	asm_store(emitter->code, BPF_DW, REGISTER_PACKET, BPF_REG_1, (int)row->field);
}
