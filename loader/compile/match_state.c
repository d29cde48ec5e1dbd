/* SPDX-License-Identifier: GPL-2.0-only */
/* States: the questions for them, and the options that make them (bpf/states.h). */
#include "loader/compile/table_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw/log_record.h"
#include "ipfw/verdict.h"

/* A rule that makes states, by its counter slot. */
struct maker {
	__u32 slot;
	const struct plan_rule *rule;
};

static int compare_makers(const void *a, const void *b)
{
	const struct maker *left = a, *right = b;

	return left->slot < right->slot ? -1 : left->slot > right->slot;
}

static void emit_tree(struct assembler *assembler, const struct maker *makers, size_t count, label miss)
{
	size_t middle = count / 2;
	label right;

	if (count == 1) {
		asm_jump_if32(assembler, BPF_JNE, BPF_REG_1, RESUME_STATE | makers->slot, miss);
		asm_store32(assembler, REGISTER_PACKET, offsetof(struct packet, resume), 0);
		asm_jump(assembler, makers->rule->action);
		return;
	}
	right = label_new(assembler);
	asm_jump_if32(assembler, BPF_JGE, BPF_REG_1, RESUME_STATE | makers[middle].slot, right);
	emit_tree(assembler, makers, middle, miss);
	label_bind(assembler, right);
	emit_tree(assembler, makers + middle, count - middle, miss);
}

void emit_state_branches(struct assembler *assembler, const struct plan *plan, size_t first, size_t end, label miss)
{
	struct maker *makers = calloc(end - first + 1, sizeof(*makers));
	size_t count = 0;

	if (!makers) {
		assembler->error = -ENOMEM;
		return;
	}
	for (size_t i = first; i < end; i++)
		if (plan->rules[i].action >= 0)
			makers[count++] = (struct maker){plan->rules[i].rule->slot, plan->rules + i};
	qsort(makers, count, sizeof(*makers), compare_makers);
	if (count)
		emit_tree(assembler, makers, count, miss);
	else
		asm_jump(assembler, miss);
	free(makers);
}

/*
 * If R0 says that a state is found, goes on at the action of its rule, which packet.resume names. To a rule further
 * down, the first question of a function branches by itself, since most states are found there; otherwise the function
 * is left and called again: jumps back would be loops to the verifier, and branches at each question too many.
 */
static void emit_found(struct emitter *emitter, const struct plan_rule *planned, label none)
{
	label leave = label_new(emitter->code);

	asm_jump_if32(emitter->code, BPF_JEQ, BPF_REG_0, 0, none);
	if (!emitter->questioned) {
		asm_load(emitter->code, BPF_W, BPF_REG_1, REGISTER_PACKET, offsetof(struct packet, resume));
		emit_state_branches(emitter->code, emitter->plan, (size_t)(planned - emitter->plan->rules),
				    emitter->function->end, leave);
		label_bind(emitter->code, leave);
	}
	emitter->questioned = true;
	asm_move_constant(emitter->code, BPF_REG_0, MATCH_RESULT(VERDICT_AGAIN, 0, 0));
	asm_exit(emitter->code);
}

/* What packet_state_check() asks first: goes to `none` if the last question was the same, or for all names. */
static void emit_asked(struct emitter *emitter, __u16 number, label none)
{
	asm_load(emitter->code, BPF_W, BPF_REG_1, REGISTER_PACKET, offsetof(struct packet, state_asked));
	asm_alu32(emitter->code, BPF_AND, BPF_REG_1, PACKET_STATE_QUESTION);
	asm_jump_if32(emitter->code, BPF_JEQ, BPF_REG_1, (__u32)PACKET_STATE_ASKED | number, none);
	asm_jump_if32(emitter->code, BPF_JEQ, BPF_REG_1, PACKET_STATE_ASKED, none);
}

static void emit_name_call(struct emitter *emitter, __u16 number, const char *symbol)
{
	asm_move(emitter->code, BPF_REG_1, REGISTER_PACKET);
	asm_move_constant(emitter->code, BPF_REG_2, number);
	asm_call(emitter->code, symbol);
}

void emit_state_question(struct emitter *emitter, const struct plan_rule *planned, const char *name)
{
	const struct state_names *names = &emitter->plan->names;
	label none = label_new(emitter->code);

	/* What comes of a state has found nothing in tables. */
	if (emitter->plan->values)
		emit_value_reset(emitter);
	if (strcmp(name, STATE_NAME_ANY) != 0) {
		__u16 number = state_names_number(names, name);

		/* A call costs more than this. */
		if (emitter->questioned)
			emit_asked(emitter, number, none);
		emit_name_call(emitter, number, SYMBOL_PACKET_STATE_CHECK);
	} else {
		for (size_t i = 0; i < names->count; i++)
			if (names->names[i].made)
				emit_name_call(emitter, names->names[i].number, SYMBOL_PACKET_STATE_SEEK);
		asm_move(emitter->code, BPF_REG_1, REGISTER_PACKET);
		asm_call(emitter->code, SYMBOL_PACKET_STATE_FOUND);
	}
	emit_found(emitter, planned, none);
	label_bind(emitter->code, none);
}

/*
 * Makes the state, which costs the packet its life if there is no room; goes on at target.match. The number of
 * connections is in R5 already.
 */
static void emit_keep(struct emitter *emitter, const char *name, __u32 fields, struct target target)
{
	label made = label_new(emitter->code);

	asm_move(emitter->code, BPF_REG_1, REGISTER_PACKET);
	asm_move_constant(emitter->code, BPF_REG_2, emitter->rule->slot);
	asm_move_constant(emitter->code, BPF_REG_3, state_names_number(&emitter->plan->names, name));
	asm_move_constant(emitter->code, BPF_REG_4, STATE_ORDER(emitter->rule->number, fields));
	asm_call(emitter->code, SYMBOL_PACKET_STATE_KEEP);
	asm_jump_if32(emitter->code, BPF_JNE, BPF_REG_0, 0, made);
	asm_move_constant(emitter->code, BPF_REG_0, MATCH_RESULT(VERDICT_DENY, emitter->rule->slot, 0));
	asm_exit(emitter->code);
	label_bind(emitter->code, made);
	emit_goto(emitter, target.match, target);
}

void emit_keep_state(struct emitter *emitter, const struct option *option, const struct option_row *row,
		     struct target target)
{
	asm_move_constant(emitter->code, BPF_REG_5, 0);
	emit_keep(emitter, option->u.text, 0, target);
}

void emit_limit(struct emitter *emitter, const struct option *option, const struct option_row *row,
		struct target target)
{
	if (option_table_value(option)) {
		emit_value(emitter, TABLE_VALUE_LIMIT);
		asm_move(emitter->code, BPF_REG_5, BPF_REG_0);
	} else {
		asm_move_constant(emitter->code, BPF_REG_5, option->u.limit.connections);
	}
	emit_keep(emitter, option->u.limit.name, option->u.limit.fields, target);
}

void emit_defer_action(struct emitter *emitter, const struct option *option, const struct option_row *row,
		       struct target target)
{
	emit_goto(emitter, target.fail, target);
}
