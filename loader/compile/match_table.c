/* SPDX-License-Identifier: GPL-2.0-only */
/* Look-ups in tables (bpf/table.h). */
#include <errno.h>
#include <string.h>

#include "ipfw/control_group.h"
#include "ipfw/table_question.h"
#include "loader/compile/table_value.h"

/* Asks symbol(packet, question, value, ...); what comes behind these is in R4 and R5 already. */
static void emit_question(struct emitter *emitter, const char *symbol, __u64 question, __u32 value,
			  struct target target)
{
	if (!TABLE_QUESTION_INDEX(question))
		emitter->code->error = -EINVAL;
	if (rule_keeps_value(emitter->rule))
		question |= TABLE_QUESTION_KEEP;
	asm_move(emitter->code, BPF_REG_1, REGISTER_PACKET);
	asm_move_constant(emitter->code, BPF_REG_2, question);
	asm_move_constant(emitter->code, BPF_REG_3, value);
	asm_call(emitter->code, symbol);
	emit_test(emitter, BPF_JNE, BPF_REG_0, 0, target);
}

static void emit_match(struct emitter *emitter, const struct table_match *table, const char *symbol, __u8 fields,
		       struct target target)
{
	emit_question(emitter, symbol, TABLE_QUESTION(table->index, table->value_type, fields), table->value, target);
}

static void emit_address(struct emitter *emitter, const struct option *option, __u8 fields, struct target target)
{
	asm_move_constant(emitter->code, BPF_REG_4, ~0ull);
	asm_move_constant(emitter->code, BPF_REG_5, ~0ull);
	emit_match(emitter, &option->u.table, SYMBOL_PACKET_TABLE_ADDRESS, fields, target);
}

void emit_source_table(struct emitter *emitter, const struct option *option, const struct option_row *row,
		       struct target target)
{
	emit_address(emitter, option, 0, target);
}

void emit_destination_table(struct emitter *emitter, const struct option *option, const struct option_row *row,
			    struct target target)
{
	emit_address(emitter, option, TABLE_QUESTION_DESTINATION, target);
}

void emit_interface_table(struct emitter *emitter, const struct option *option, const struct option_row *row,
			  struct target target)
{
	asm_load(emitter->code, BPF_W, BPF_REG_4, REGISTER_PACKET, (int)row->field);
	emit_match(emitter, &option->u.table, SYMBOL_PACKET_TABLE_INTERFACE, 0, target);
}

void emit_flow_table(struct emitter *emitter, const struct option *option, const struct option_row *row,
		     struct target target)
{
	emit_match(emitter, &option->u.table, SYMBOL_PACKET_TABLE_FLOW, option->u.table.flow_fields, target);
}

static void emit_mac_table(struct emitter *emitter, const struct option *option, __u8 fields, struct target target)
{
	asm_move_constant(emitter->code, BPF_REG_4, ~0ull);
	emit_match(emitter, &option->u.table, SYMBOL_PACKET_TABLE_MAC, fields, target);
}

void emit_source_mac_table(struct emitter *emitter, const struct option *option, const struct option_row *row,
			   struct target target)
{
	emit_mac_table(emitter, option, 0, target);
}

void emit_destination_mac_table(struct emitter *emitter, const struct option *option, const struct option_row *row,
				struct target target)
{
	emit_mac_table(emitter, option, TABLE_QUESTION_DESTINATION, target);
}

/* Leaves for target.fail unless the packet has one of the families. */
static void emit_family(struct emitter *emitter, unsigned int family, struct target target)
{
	asm_load(emitter->code, BPF_B, BPF_REG_1, REGISTER_PACKET, offsetof(struct packet, family));
	asm_jump_if32(emitter->code, family ? BPF_JNE : BPF_JEQ, BPF_REG_1, family, target.fail);
}

static void emit_lookup_address(struct emitter *emitter, const struct lookup_match *lookup, unsigned int family,
				__u8 fields, struct target target)
{
	__u64 mask[2] = {~0ull, ~0ull};

	if (lookup->masked)
		memcpy(mask, lookup->mask, sizeof(mask));
	if (family)
		emit_family(emitter, family, target);
	asm_move_constant(emitter->code, BPF_REG_4, mask[0]);
	asm_move_constant(emitter->code, BPF_REG_5, mask[1]);
	emit_question(emitter, SYMBOL_PACKET_TABLE_ADDRESS, TABLE_QUESTION(lookup->index, 0, fields), 0, target);
}

static void emit_lookup_mac(struct emitter *emitter, const struct lookup_match *lookup, __u8 fields,
			    struct target target)
{
	__u64 mask = ~0ull;

	if (lookup->masked)
		memcpy(&mask, lookup->mask, 6);
	asm_move_constant(emitter->code, BPF_REG_4, mask);
	emit_question(emitter, SYMBOL_PACKET_TABLE_MAC, TABLE_QUESTION(lookup->index, 0, fields), 0, target);
}

/* Looks the number in R4 up. */
static void emit_lookup_number(struct emitter *emitter, const struct lookup_match *lookup, struct target target)
{
	__u32 mask;

	memcpy(&mask, lookup->mask, sizeof(mask));
	if (lookup->masked)
		asm_alu32(emitter->code, BPF_AND, BPF_REG_4, (__s32)mask);
	emit_question(emitter, SYMBOL_PACKET_TABLE_NUMBER, TABLE_QUESTION(lookup->index, 0, 0), 0, target);
}

/* Leaves for target.fail unless the packet has ports. */
static void emit_ports(struct emitter *emitter, struct target target)
{
	asm_load(emitter->code, BPF_B, BPF_REG_1, REGISTER_PACKET, offsetof(struct packet, flags));
	asm_alu32(emitter->code, BPF_AND, BPF_REG_1, PACKET_PORTS);
	asm_jump_if32(emitter->code, BPF_JEQ, BPF_REG_1, 0, target.fail);
}

static void emit_lookup_port(struct emitter *emitter, const struct lookup_match *lookup, size_t field,
			     struct target target)
{
	emit_ports(emitter, target);
	asm_load(emitter->code, BPF_H, BPF_REG_4, REGISTER_PACKET, (int)field);
	emit_lookup_number(emitter, lookup, target);
}

static void emit_lookup_dscp(struct emitter *emitter, const struct lookup_match *lookup, struct target target)
{
	emit_family(emitter, 0, target);
	asm_load(emitter->code, BPF_B, BPF_REG_4, REGISTER_PACKET, offsetof(struct packet, traffic_class));
	asm_alu32(emitter->code, BPF_RSH, BPF_REG_4, 2);
	emit_lookup_number(emitter, lookup, target);
}

/* R4 = symbol(context, packet, argument), or leaves for target.fail if that is -1. */
static void emit_socket_key(struct emitter *emitter, const char *symbol, __u32 argument, struct target target)
{
	asm_move(emitter->code, BPF_REG_1, REGISTER_CONTEXT);
	asm_move(emitter->code, BPF_REG_2, REGISTER_PACKET);
	asm_move_constant(emitter->code, BPF_REG_3, argument);
	asm_call(emitter->code, symbol);
	asm_jump_if64(emitter->code, BPF_JEQ, BPF_REG_0, -1, target.fail);
	asm_move(emitter->code, BPF_REG_4, BPF_REG_0);
}

static void emit_lookup_user(struct emitter *emitter, const struct lookup_match *lookup, struct target target)
{
	emit_ports(emitter, target);
	emit_socket_key(emitter, SYMBOL_PACKET_USER_KEY, 0, target);
	emit_lookup_number(emitter, lookup, target);
}

/* The socket's control group or the nearest one above it that the table has: `jail' includes what is below, too. */
static void emit_lookup_control_group(struct emitter *emitter, const struct lookup_match *lookup, struct target target)
{
	emit_ports(emitter, target);
	for (__u32 above = 0; above < CONTROL_GROUP_LEVELS_LOOKED_UP; above++) {
		label next = label_new(emitter->code);
		struct target one = {.match = target.match, .fail = next, .next = next};

		emit_socket_key(emitter, SYMBOL_PACKET_CONTROL_GROUP_KEY, above, target);
		asm_jump_if64(emitter->code, BPF_JEQ, BPF_REG_0, CONTROL_GROUP_NO_KEY, next);
		emit_lookup_number(emitter, lookup, one);
		label_bind(emitter->code, next);
	}
	emit_goto(emitter, target.fail, target);
}

void emit_lookup(struct emitter *emitter, const struct option *option, const struct option_row *row,
		 struct target target)
{
	const struct lookup_match *lookup = &option->u.lookup;

	switch (lookup->key) {
	case LOOKUP_DESTINATION_IP:
		return emit_lookup_address(emitter, lookup, 0, TABLE_QUESTION_DESTINATION, target);
	case LOOKUP_SOURCE_IP:
		return emit_lookup_address(emitter, lookup, 0, 0, target);
	case LOOKUP_DESTINATION_IP4:
		return emit_lookup_address(emitter, lookup, 4, TABLE_QUESTION_DESTINATION, target);
	case LOOKUP_SOURCE_IP4:
		return emit_lookup_address(emitter, lookup, 4, 0, target);
	case LOOKUP_DESTINATION_IP6:
		return emit_lookup_address(emitter, lookup, 6, TABLE_QUESTION_DESTINATION, target);
	case LOOKUP_SOURCE_IP6:
		return emit_lookup_address(emitter, lookup, 6, 0, target);
	case LOOKUP_DESTINATION_PORT:
		return emit_lookup_port(emitter, lookup, offsetof(struct packet, destination_port), target);
	case LOOKUP_SOURCE_PORT:
		return emit_lookup_port(emitter, lookup, offsetof(struct packet, source_port), target);
	case LOOKUP_DESTINATION_MAC:
		return emit_lookup_mac(emitter, lookup, TABLE_QUESTION_DESTINATION, target);
	case LOOKUP_SOURCE_MAC:
		return emit_lookup_mac(emitter, lookup, 0, target);
	case LOOKUP_DSCP:
		return emit_lookup_dscp(emitter, lookup, target);
	case LOOKUP_MARK:
		asm_load(emitter->code, BPF_W, BPF_REG_4, REGISTER_PACKET, offsetof(struct packet, mark));
		return emit_lookup_number(emitter, lookup, target);
	case LOOKUP_RULE_NUMBER:
		asm_move_constant(emitter->code, BPF_REG_4, emitter->rule->number);
		return emit_lookup_number(emitter, lookup, target);
	case LOOKUP_UID:
		return emit_lookup_user(emitter, lookup, target);
	case LOOKUP_JAIL:
		return emit_lookup_control_group(emitter, lookup, target);
	default:
		emitter->code->error = -EINVAL;
	}
}
