/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses: IPv4 and IPv6 address/mask lists, address sets, `me` and `me6`. */
#include "loader/compile/emit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Tests all addresses of the list that share the mask of element `first`. What is compared is the masked value as it
 * stands in the packet, so masks need not be contiguous and no byte is swapped.
 */
static void emit_same_mask(struct emitter *emitter, const struct option *option, const struct option_row *row,
			   size_t first, struct range32 *ranges, struct target target)
{
	__u32 mask = option->u.address4[first].mask;
	size_t count = 0;

	for (size_t i = first; i < option->count; i++)
		if (option->u.address4[i].mask == mask)
			ranges[count++] =
				(struct range32){option->u.address4[i].address, option->u.address4[i].address};
	asm_load(emitter->code, BPF_W, BPF_REG_1, REGISTER_PACKET, (int)row->field);
	if (~mask)
		asm_alu32(emitter->code, BPF_AND, BPF_REG_1, mask);
	emit_ranges(emitter, ranges, count, target);
}

/* Whether an earlier element of the list has the mask of element `index`: then it is done already. */
static bool mask_seen(const struct option *option, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (option->u.address4[i].mask == option->u.address4[index].mask)
			return true;
	return false;
}

static size_t next_mask(const struct option *option, size_t index)
{
	while (index < option->count && mask_seen(option, index))
		index++;
	return index;
}

void emit_address4(struct emitter *emitter, const struct option *option, const struct option_row *row,
		   struct target target)
{
	struct range32 *ranges = calloc(option->count + 1u, sizeof(*ranges));

	if (!ranges) {
		emitter->code->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < option->count;) {
		size_t next = next_mask(option, i + 1);

		if (next >= option->count) {
			emit_same_mask(emitter, option, row, i, ranges, target);
		} else {
			label other = label_new(emitter->code);

			emit_same_mask(emitter, option, row, i, ranges, (struct target){target.match, other, other});
			label_bind(emitter->code, other);
		}
		i = next;
	}
	if (!option->count)
		emit_always_goto(emitter, target.fail, target);
	free(ranges);
}

/* Leaves for `other` unless one half (8 bytes) of the address is the wanted one, or joins that (joint.h). */
static void emit_half(struct emitter *emitter, size_t field, const __u8 *address, const __u8 *mask, label other,
		      bool joined)
{
	__u64 wanted, bits;

	memcpy(&wanted, address, sizeof(wanted));
	memcpy(&bits, mask, sizeof(bits));
	if (!bits)
		return;
	asm_load(emitter->code, BPF_DW, BPF_REG_1, REGISTER_PACKET, (int)field);
	if (~bits) {
		asm_move_constant(emitter->code, REGISTER_SCRATCH, bits);
		asm_alu64_register(emitter->code, BPF_AND, BPF_REG_1, REGISTER_SCRATCH);
	}
	asm_move_constant(emitter->code, REGISTER_SCRATCH, wanted);
	if (joined) {
		asm_alu64_register(emitter->code, BPF_XOR, BPF_REG_1, REGISTER_SCRATCH);
		joint_add_zero(emitter, BPF_REG_1);
	} else {
		asm_jump_if_register(emitter->code, BPF_JNE, BPF_REG_1, REGISTER_SCRATCH, other);
	}
}

void emit_address6(struct emitter *emitter, const struct option *option, const struct option_row *row,
		   struct target target)
{
	for (size_t i = 0; i < option->count; i++) {
		const struct address6 *element = option->u.address6 + i;
		bool last = i + 1 == option->count, joined = last && joint_takes(emitter, target);
		label other = last ? target.fail : label_new(emitter->code);

		if (joined)
			joint_take_scratch(emitter);
		emit_half(emitter, row->field, element->address, element->mask, other, joined);
		emit_half(emitter, row->field + 8, element->address + 8, element->mask + 8, other, joined);
		emit_always_goto(emitter, target.match, last ? target : (struct target){.next = other});
		if (!last)
			label_bind(emitter->code, other);
	}
	if (!option->count)
		emit_always_goto(emitter, target.fail, target);
}

void emit_address_set(struct emitter *emitter, const struct option *option, const struct option_row *row,
		      struct target target)
{
	const struct address_set *set = &option->u.address_set;
	struct range32 ranges[256];
	size_t count = 0;

	for (unsigned int bit = 0; bit < 256; bit++)
		if (set->member[bit / 32] & 1u << bit % 32)
			ranges[count++] = (struct range32){set->base + bit, set->base + bit};
	asm_load(emitter->code, BPF_W, BPF_REG_1, REGISTER_PACKET, (int)row->field);
	asm_big_endian32(emitter->code, BPF_REG_1);
	emit_ranges(emitter, ranges, count, target);
}

static void emit_local(struct emitter *emitter, __u32 bit, struct target target)
{
	asm_move(emitter->code, BPF_REG_1, REGISTER_PACKET);
	asm_call(emitter->code, SYMBOL_PACKET_LOCAL);
	asm_alu32(emitter->code, BPF_AND, BPF_REG_0, bit);
	emit_test(emitter, BPF_JNE, BPF_REG_0, 0, target);
}

void emit_local_source(struct emitter *emitter, const struct option *option, const struct option_row *row,
		       struct target target)
{
	emit_local(emitter, PACKET_LOCAL_SOURCE, target);
}

void emit_local_destination(struct emitter *emitter, const struct option *option, const struct option_row *row,
			    struct target target)
{
	emit_local(emitter, PACKET_LOCAL_DESTINATION, target);
}
