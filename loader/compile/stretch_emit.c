/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/stretch_emit.h"

#include <errno.h>
#include <stdlib.h>

#include "ipfw/verdict.h"
#include "loader/compile/emit.h"

#define REGISTER_NUMBER BPF_REG_3 /* of the code that is wanted, 1 for codes[0] */

/* Branches by number to one of `count` places, of which place n is for numbers up to lasts[n]; by halves. */
static void emit_switch(struct assembler *assembler, const label *places, const size_t *lasts, size_t count)
{
	size_t middle = count / 2;
	label right;

	if (count == 1) {
		asm_jump(assembler, places[0]);
		return;
	}
	right = label_new(assembler);
	asm_jump_if32(assembler, BPF_JGT, REGISTER_NUMBER, (__u32)lasts[middle - 1], right);
	emit_switch(assembler, places, lasts, middle);
	label_bind(assembler, right);
	emit_switch(assembler, places + middle, lasts + middle, count - middle);
}

static const struct plan_function nowhere; /* whatever goes on elsewhere leaves it */

static void emit_piece(struct code *code, struct emitter *emitter, const struct plan_code *piece)
{
	const struct plan_rule *rule = emitter->plan->rules + piece->rule;
	struct assembler *assembler = &code->assembler;
	label fail = label_new(assembler);
	size_t first_jump = assembler->jump_count;

	code_add_line(code, rule->rule);
	emitter->rule = rule->rule;
	emitter->shared = !piece->acts;
	if (piece->tests)
		emit_tests_left(emitter, rule, piece->held, fail);
	if (piece->modifies)
		emit_modifiers(emitter, rule->rule);
	if (piece->acts) {
		emit_action(emitter, rule, &nowhere);
	} else {
		asm_move_constant(assembler, BPF_REG_0, STRETCH_MATCH);
		asm_exit(assembler);
	}
	/* nothing may lead here if there are no tests: the verifier refuses such code */
	if (!label_used(assembler, fail, first_jump) && !(piece->acts && plan_action_continues(rule)))
		return;
	label_bind(assembler, fail);
	asm_move_constant(assembler, BPF_REG_0, VERDICT_NONE);
	asm_exit(assembler);
}

/* Places for emit_switch(), which the caller binds and frees; false: no memory. */
struct places {
	label *labels;
	size_t *lasts;
};

static void places_free(struct places *places)
{
	free(places->labels);
	free(places->lasts);
}

static bool places_make(struct places *places, struct assembler *assembler, size_t count)
{
	places->labels = calloc(count, sizeof(*places->labels));
	places->lasts = calloc(count, sizeof(*places->lasts));
	if (!places->labels || !places->lasts) {
		assembler->error = -ENOMEM;
		places_free(places);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		places->labels[i] = label_new(assembler);
	return true;
}

/* The pieces from codes[first] to before codes[end], in one function; there may be none. */
static void emit_code_group(struct code *code, const struct plan *plan, const char *name, size_t first, size_t end)
{
	/* No state's action is here to go on at: whoever finds a state leaves. */
	struct emitter emitter = {.code = &code->assembler, .plan = plan, .function = &nowhere, .questioned = true};
	struct places places;

	code_begin_function(code, name, SYMBOL_STRETCH_CODE);
	asm_move(&code->assembler, REGISTER_RULE, BPF_REG_4);
	if (first == end) {
		asm_exit(&code->assembler);
	} else if (places_make(&places, &code->assembler, end - first)) {
		for (size_t i = first; i < end; i++)
			places.lasts[i - first] = i + 1;
		emit_switch(&code->assembler, places.labels, places.lasts, end - first);
		for (size_t i = first; i < end; i++) {
			label_bind(&code->assembler, places.labels[i - first]);
			emit_piece(code, &emitter, plan->codes + i);
		}
		places_free(&places);
	}
	code_end_function(code);
}

void stretch_emit(struct code *code, const struct plan *plan)
{
	static const char *const names[STRETCH_GROUPS] = {
#define NAME(group) "stretch_code_" #group,
		STRETCH_EACH_GROUP(NAME)
#undef NAME
	};
	size_t first = 0;

	for (unsigned int group = 0; group < STRETCH_GROUPS; group++) {
		size_t end = first;

		while (end < plan->code_count && plan->codes[end].group == group)
			end++;
		emit_code_group(code, plan, names[group], first, end);
		first = end;
	}
}
