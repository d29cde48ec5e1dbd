/* SPDX-License-Identifier: GPL-2.0-only */
/* IPsec: the kernel's note on the packet, which only TC programs can see. */
#include "loader/compile/emit.h"

void emit_ipsec(struct emitter *emitter, const struct option *option, const struct option_row *row,
		struct target target)
{
	asm_move(emitter->code, BPF_REG_1, REGISTER_CONTEXT);
	asm_move(emitter->code, BPF_REG_2, REGISTER_PACKET);
	asm_call(emitter->code, SYMBOL_PACKET_IPSEC);
	emit_test(emitter, BPF_JNE, BPF_REG_0, 0, target);
}
