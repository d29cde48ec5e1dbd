/* SPDX-License-Identifier: GPL-2.0-only */
/* Header fields: ports, flags, types, numbers. That the headers are there is tested before (head.h). */
#include "loader/compile/emit.h"

#include <errno.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdlib.h>

void emit_ranges16(struct emitter *emitter, const struct option *option, const struct option_row *row,
		   struct target target)
{
	struct range32 *ranges = calloc(option->count + 1u, sizeof(*ranges));

	if (!ranges) {
		emitter->code->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < option->count; i++) {
		__u32 high = option->u.range[i].high;

		/* no field is greater: nothing to compare */
		ranges[i] = (struct range32){option->u.range[i].low, high == 0xffff ? 0xffffffffu : high};
	}
	asm_load(emitter->code, BPF_H, BPF_REG_1, REGISTER_PACKET, (int)row->field);
	emit_ranges(emitter, ranges, option->count, target);
	free(ranges);
}

/* established: anything but a bare SYN among SYN, ACK and RST, so a FIN alone matches too (ipfw-facts 2.3). */
void emit_established(struct emitter *emitter, const struct option *option, const struct option_row *row,
		      struct target target)
{
	asm_load(emitter->code, BPF_B, BPF_REG_1, REGISTER_PACKET, (int)row->field);
	asm_alu32(emitter->code, BPF_AND, BPF_REG_1, TH_SYN | TH_ACK | TH_RST);
	emit_test(emitter, BPF_JNE, BPF_REG_1, TH_SYN, target);
}

/*
 * Ends a test: match if of the byte at row->field all bits that the option wants are set, and all that it does not want
 * and those in `never` are not. A bit that is wanted both ways makes it fail, as in ipfw.
 */
static void emit_bits(struct emitter *emitter, const struct option *option, const struct option_row *row, __u8 never,
		      struct target target)
{
	__u8 set = option->u.flags_test.set, clear = option->u.flags_test.clear | never;

	if (set & clear)
		emit_always_goto(emitter, target.fail, target);
	else
		emit_byte_test(emitter, row->field, set | clear, set, target);
}

void emit_flags(struct emitter *emitter, const struct option *option, const struct option_row *row,
		struct target target)
{
	emit_bits(emitter, option, row, 0, target);
}

/* Ends a test: match if the bit of the byte at row->field is set; up to `aliases` from bit 0 on stand for bit + 32,
 * too. */
static void emit_bitmap(struct emitter *emitter, const struct option *option, const struct option_row *row,
			unsigned int aliases, struct target target)
{
	struct range32 ranges[512];
	size_t count = 0;

	for (unsigned int bit = 0; bit < 256; bit++) {
		if (!(option->u.bitmap[bit / 32] & 1u << bit % 32))
			continue;
		ranges[count++] = (struct range32){bit, bit};
		if (bit < aliases)
			ranges[count++] = (struct range32){bit + 32, bit + 32};
	}
	asm_load(emitter->code, BPF_B, BPF_REG_1, REGISTER_PACKET, (int)row->field);
	emit_ranges(emitter, ranges, count, target);
}

/*
 * ipfw lets types up to 40 into its 32-bit map, where the last nine share the bits of 0 to 8. They are withdrawn from
 * use (RFC 6918), and agreeing with ipfw costs nothing.
 */
#define ICMP_TYPE_ALIASES 9

void emit_icmp_types(struct emitter *emitter, const struct option *option, const struct option_row *row,
		     struct target target)
{
	emit_bitmap(emitter, option, row, ICMP_TYPE_ALIASES, target);
}

void emit_icmp6_types(struct emitter *emitter, const struct option *option, const struct option_row *row,
		      struct target target)
{
	emit_bitmap(emitter, option, row, 0, target);
}

void emit_word(struct emitter *emitter, const struct option *option, const struct option_row *row, struct target target)
{
	asm_load(emitter->code, BPF_W, BPF_REG_1, REGISTER_PACKET, (int)row->field);
	emit_test(emitter, BPF_JEQ, BPF_REG_1, (__u32)option->u.number, target);
}

void emit_ip_version(struct emitter *emitter, const struct option *option, const struct option_row *row,
		     struct target target)
{
	/* 0 stands for a packet without a version */
	if (option->u.number == 4 || option->u.number == 6)
		emit_byte_test(emitter, row->field, 0xff, (__u8)option->u.number, target);
	else
		emit_always_goto(emitter, target.fail, target);
}

/* The upper three bits of the octet. */
void emit_ip_precedence(struct emitter *emitter, const struct option *option, const struct option_row *row,
			struct target target)
{
	emit_byte_test(emitter, row->field, 0xe0, (__u8)(option->u.number << 5), target);
}

/* An IPv6 packet without a payload length, perhaps a jumbogram, has no known length of data. */
void emit_tcp_data_length(struct emitter *emitter, const struct option *option, const struct option_row *row,
			  struct target target)
{
	label known = label_new(emitter->code);

	asm_load(emitter->code, BPF_B, BPF_REG_1, REGISTER_PACKET, offsetof(struct packet, family));
	asm_jump_if32(emitter->code, BPF_JNE, BPF_REG_1, 6, known);
	asm_load(emitter->code, BPF_H, BPF_REG_1, REGISTER_PACKET, offsetof(struct packet, ip_length));
	asm_jump_if32(emitter->code, BPF_JEQ, BPF_REG_1, sizeof(struct ip6_hdr), target.fail);
	label_bind(emitter->code, known);
	emit_ranges16(emitter, option, row, target);
}

/* The upper six bits of the octet. */
void emit_dscp(struct emitter *emitter, const struct option *option, const struct option_row *row, struct target target)
{
	struct range32 ranges[64];
	size_t count = 0;

	for (unsigned int bit = 0; bit < 64; bit++)
		if (option->u.bitmap[bit / 32] & 1u << bit % 32)
			ranges[count++] = (struct range32){bit << 2, bit << 2 | 3};
	asm_load(emitter->code, BPF_B, BPF_REG_1, REGISTER_PACKET, offsetof(struct packet, family));
	asm_jump_if32(emitter->code, BPF_JEQ, BPF_REG_1, 0, target.fail);
	asm_load(emitter->code, BPF_B, BPF_REG_1, REGISTER_PACKET, (int)row->field);
	emit_ranges(emitter, ranges, count, target);
}

/* A length that lies makes every specification fail, also one of absent options. */
void emit_ip_options(struct emitter *emitter, const struct option *option, const struct option_row *row,
		     struct target target)
{
	emit_bits(emitter, option, row, IP_OPTION_INVALID, target);
}

/* Only a SYN that says so has one. */
void emit_tcp_mss(struct emitter *emitter, const struct option *option, const struct option_row *row,
		  struct target target)
{
	asm_load(emitter->code, BPF_B, BPF_REG_1, REGISTER_PACKET, offsetof(struct packet, tcp_flags));
	asm_alu32(emitter->code, BPF_AND, BPF_REG_1, TH_SYN);
	asm_jump_if32(emitter->code, BPF_JEQ, BPF_REG_1, 0, target.fail);
	asm_load(emitter->code, BPF_B, BPF_REG_1, REGISTER_PACKET, offsetof(struct packet, tcp_options));
	asm_alu32(emitter->code, BPF_AND, BPF_REG_1, TCP_OPTION_MSS);
	asm_jump_if32(emitter->code, BPF_JEQ, BPF_REG_1, 0, target.fail);
	emit_ranges16(emitter, option, row, target);
}

/* Any of the bits is set. */
void emit_any_flag(struct emitter *emitter, const struct option *option, const struct option_row *row,
		   struct target target)
{
	asm_load(emitter->code, BPF_B, BPF_REG_1, REGISTER_PACKET, (int)row->field);
	asm_alu32(emitter->code, BPF_AND, BPF_REG_1, option->u.flags_test.set);
	emit_test(emitter, BPF_JNE, BPF_REG_1, 0, target);
}

void emit_numbers(struct emitter *emitter, const struct option *option, const struct option_row *row,
		  struct target target)
{
	struct range32 *ranges = calloc(option->count + 1u, sizeof(*ranges));

	if (!ranges) {
		emitter->code->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < option->count; i++)
		ranges[i] = (struct range32){option->u.number32[i], option->u.number32[i]};
	asm_load(emitter->code, BPF_W, BPF_REG_1, REGISTER_PACKET, (int)row->field);
	emit_ranges(emitter, ranges, option->count, target);
	free(ranges);
}
