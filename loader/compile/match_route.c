/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the packet's source is (bpf/source_route.h). */
#include "loader/compile/emit.h"

/* Outgoing packets match, if they are IP packets; plan_fold() knows those that always do. */
static void emit_outgoing(struct emitter *emitter, struct target target)
{
	asm_load(emitter->code, BPF_B, BPF_REG_1, REGISTER_PACKET, offsetof(struct packet, family));
	emit_test(emitter, BPF_JNE, BPF_REG_1, 0, target);
}

void emit_verrevpath(struct emitter *emitter, const struct option *option, const struct option_row *row,
		     struct target target)
{
	if (!emitter->plan->input) {
		emit_outgoing(emitter, target);
		return;
	}
	asm_move(emitter->code, BPF_REG_1, REGISTER_CONTEXT);
	asm_move(emitter->code, BPF_REG_2, REGISTER_PACKET);
	asm_call(emitter->code, SYMBOL_PACKET_VERREVPATH);
	emit_test(emitter, BPF_JNE, BPF_REG_0, 0, target);
}

void emit_versrcreach(struct emitter *emitter, const struct option *option, const struct option_row *row,
		      struct target target)
{
	if (!emitter->plan->input) {
		emit_outgoing(emitter, target);
		return;
	}
	asm_move(emitter->code, BPF_REG_1, REGISTER_PACKET);
	asm_call(emitter->code, SYMBOL_PACKET_VERSRCREACH);
	emit_test(emitter, BPF_JNE, BPF_REG_0, 0, target);
}

void emit_antispoof(struct emitter *emitter, const struct option *option, const struct option_row *row,
		    struct target target)
{
	asm_move(emitter->code, BPF_REG_1, REGISTER_CONTEXT);
	asm_move(emitter->code, BPF_REG_2, REGISTER_PACKET);
	asm_call(emitter->code, SYMBOL_PACKET_ANTISPOOF);
	emit_test(emitter, BPF_JNE, BPF_REG_0, 0, target);
}
