/* SPDX-License-Identifier: GPL-2.0-only */
/* Who owns the packet's socket (bpf/socket.h). */
#include "loader/compile/table_value.h"

/* Match if symbol(context, packet, argument) does not return 0. */
static void emit_socket_call(struct emitter *emitter, const char *symbol, __u64 argument, struct target target)
{
	asm_move(emitter->code, BPF_REG_1, REGISTER_CONTEXT);
	asm_move(emitter->code, BPF_REG_2, REGISTER_PACKET);
	asm_move_constant(emitter->code, BPF_REG_3, argument);
	asm_call(emitter->code, symbol);
	emit_test(emitter, BPF_JNE, BPF_REG_0, 0, target);
}

void emit_user(struct emitter *emitter, const struct option *option, const struct option_row *row, struct target target)
{
	emit_socket_call(emitter, SYMBOL_PACKET_USER, (__u32)option->u.number, target);
}

void emit_group(struct emitter *emitter, const struct option *option, const struct option_row *row,
		struct target target)
{
	emit_socket_call(emitter, SYMBOL_PACKET_GROUP, (__u32)option->u.number, target);
}

void emit_socket_mark(struct emitter *emitter, const struct option *option, const struct option_row *row,
		      struct target target)
{
	asm_move(emitter->code, BPF_REG_1, REGISTER_CONTEXT);
	asm_move(emitter->code, BPF_REG_2, REGISTER_PACKET);
	asm_call(emitter->code,
		 rule_keeps_value(emitter->rule) ? SYMBOL_PACKET_SOCKET_VALUE : SYMBOL_PACKET_SOCKET_MARKED);
	emit_test(emitter, BPF_JNE, BPF_REG_0, 0, target);
}

void emit_control_group(struct emitter *emitter, const struct option *option, const struct option_row *row,
			struct target target)
{
	__u64 id;

	if (control_group_number(option->u.text, &id))
		emit_socket_call(emitter, SYMBOL_PACKET_CONTROL_GROUP, id, target);
	else
		emit_socket_call(emitter, SYMBOL_PACKET_CONTROL_GROUP_PATH,
				 control_groups_find(&emitter->plan->groups, option->u.text), target);
}
