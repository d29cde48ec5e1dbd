/* SPDX-License-Identifier: GPL-2.0-only */
/* The frame: layer 2 and link addresses. In the pass at layer 3 a packet has neither link addresses nor an EtherType.
 */
#include "loader/compile/emit.h"

#include <string.h>

void emit_layer2(struct emitter *emitter, const struct option *option, const struct option_row *row,
		 struct target target)
{
	asm_load(emitter->code, BPF_B, BPF_REG_1, REGISTER_PACKET, (int)row->field);
	emit_test(emitter, BPF_JNE, BPF_REG_1, 0, target);
}

static void emit_only_at_layer2(struct emitter *emitter, struct target target)
{
	asm_load(emitter->code, BPF_B, BPF_REG_1, REGISTER_PACKET, offsetof(struct packet, layer2));
	asm_jump_if32(emitter->code, BPF_JEQ, BPF_REG_1, 0, target.fail);
}

/* Leaves for `fail` unless the half address (3 bytes are compared as 2 and 1) at `field` has the wanted bits. */
static void emit_mac_word(struct emitter *emitter, size_t field, const __u8 *address, const __u8 *mask, label fail)
{
	__u16 wanted, bits;

	memcpy(&wanted, address, sizeof(wanted));
	memcpy(&bits, mask, sizeof(bits));
	if (!bits)
		return;
	asm_load(emitter->code, BPF_H, BPF_REG_1, REGISTER_PACKET, (int)field);
	if (bits != 0xffff)
		asm_alu32(emitter->code, BPF_AND, BPF_REG_1, bits);
	asm_jump_if32(emitter->code, BPF_JNE, BPF_REG_1, wanted, fail);
}

static void emit_mac_address(struct emitter *emitter, size_t field, const __u8 address[6], const __u8 mask[6],
			     label fail)
{
	for (size_t i = 0; i < 6; i += sizeof(__u16))
		emit_mac_word(emitter, field + i, address + i, mask + i, fail);
}

void emit_mac(struct emitter *emitter, const struct option *option, const struct option_row *row, struct target target)
{
	const struct mac_match *mac = &option->u.mac;

	emit_only_at_layer2(emitter, target);
	emit_mac_address(emitter, offsetof(struct packet, destination_mac), mac->destination, mac->destination_mask,
			 target.fail);
	emit_mac_address(emitter, offsetof(struct packet, source_mac), mac->source, mac->source_mask, target.fail);
	emit_always_goto(emitter, target.match, target);
}

void emit_mac_type(struct emitter *emitter, const struct option *option, const struct option_row *row,
		   struct target target)
{
	emit_only_at_layer2(emitter, target);
	emit_ranges16(emitter, option, row, target);
}
