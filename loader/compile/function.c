/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/compile/function.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw/verdict.h"
#include "loader/compile/chain.h"
#include "loader/compile/emit.h"
#include "loader/compile/run.h"
#include "loader/compile/stretch_emit.h"

void code_add_line(struct code *code, const struct rule *rule)
{
	struct code_line *last = code->lines + code->line_count - 1;

	if (code->line_count && last->instruction == code->assembler.count) {
		last->rule = rule;
		return;
	}
	code->lines[code->line_count++] = (struct code_line){code->assembler.count, rule};
}

/* Kernel 6.1 hands pointers to global functions over as "or NULL". */
void code_begin_function(struct code *code, const char *name, const char *type)
{
	struct assembler *assembler = &code->assembler;
	label valid = label_new(assembler);

	code->functions[code->function_count].name = name;
	code->functions[code->function_count].type = type;
	code->functions[code->function_count].first = assembler->count;
	code_add_line(code, NULL);
	asm_move_constant(assembler, BPF_REG_0, VERDICT_NONE);
	asm_jump_if64(assembler, BPF_JNE, BPF_REG_2, 0, valid);
	asm_exit(assembler);
	label_bind(assembler, valid);
	asm_move(assembler, REGISTER_PACKET, BPF_REG_2);
	asm_move(assembler, REGISTER_CONTEXT, BPF_REG_1);
}

void code_end_function(struct code *code)
{
	code->functions[code->function_count++].end = code->assembler.count;
}

/* Branches to the entries of the target rules among [first, end) by position in R1, by halves. */
static void emit_entry_tree(struct assembler *assembler, struct plan *plan, const size_t *targets, size_t count)
{
	size_t middle = count / 2;
	label right;

	if (count == 1) {
		asm_jump(assembler, plan->rules[targets[0]].entry);
		return;
	}
	right = label_new(assembler);
	asm_jump_if32(assembler, BPF_JGE, BPF_REG_1, (__u32)targets[middle], right);
	emit_entry_tree(assembler, plan, targets, middle);
	label_bind(assembler, right);
	emit_entry_tree(assembler, plan, targets + middle, count - middle);
}

/* For packets whose state is found: branches to the action of its rule, if that is one of this function's. */
static void emit_action_entries(struct assembler *assembler, const struct plan *plan,
				const struct plan_function *function, label miss)
{
	label positions = label_new(assembler);

	asm_jump_if32(assembler, BPF_JLT, BPF_REG_1, RESUME_STATE, positions);
	emit_state_branches(assembler, plan, function->first, function->end, miss);
	label_bind(assembler, positions);
}

/*
 * A function behind the target of a skipto starts by asking packet.resume: 0 is the ordinary way, a position behind
 * this function passes it by, as does a rule whose state is found, unless it is one of this function's; any other is
 * one of its rules.
 */
static void emit_late_entry(struct assembler *assembler, struct plan *plan, const struct plan_function *function)
{
	size_t *targets = calloc(function->end - function->first, sizeof(*targets)), count = 0;
	label start = label_new(assembler), here = label_new(assembler), elsewhere = label_new(assembler);

	if (!targets) {
		assembler->error = -ENOMEM;
		return;
	}
	for (size_t i = function->first; i < function->end; i++)
		if (plan->rules[i].is_target)
			targets[count++] = i;
	asm_load(assembler, BPF_W, BPF_REG_1, REGISTER_PACKET, offsetof(struct packet, resume));
	asm_jump_if32(assembler, BPF_JEQ, BPF_REG_1, 0, start);
	if (plan->states)
		emit_action_entries(assembler, plan, function, elsewhere);
	asm_jump_if32(assembler, BPF_JLT, BPF_REG_1, (__u32)function->end, here);
	label_bind(assembler, elsewhere);
	asm_move_constant(assembler, BPF_REG_0, VERDICT_NONE);
	asm_exit(assembler);
	label_bind(assembler, here);
	asm_store32(assembler, REGISTER_PACKET, offsetof(struct packet, resume), 0);
	if (count)
		emit_entry_tree(assembler, plan, targets, count);
	label_bind(assembler, start);
	free(targets);
}

/* Where a packet goes that the rule at `index` does not match, or does not keep. */
static label next_rule(const struct plan *plan, const struct plan_function *function, size_t index, label end)
{
	return index + 1 < function->end ? plan->rules[index + 1].entry : end;
}

/* One rule without a filter, or a run: only its filters, the bodies come later. Returns how many rules that were. */
static size_t emit_next(struct code *code, struct emitter *emitter, const struct plan_function *function, size_t index,
			label end, struct run *run)
{
	int error = run_find(run, emitter, index, function->end);

	label_bind(&code->assembler, emitter->plan->rules[index].entry);
	if (emitter->plan->rules[index].action_only)
		return 1;
	code_add_line(code, emitter->plan->rules[index].rule);
	if (!run->count) {
		const struct plan_rule *rule = emitter->plan->rules + index;

		emit_body(emitter, rule, NULL, next_rule(emitter->plan, function, index, end), !rule->unconditional,
			  function);
		return 1;
	}
	run->next = next_rule(emitter->plan, function, index + run->count - 1, end);
	if (!error)
		error = run_emit_filters(run, code, emitter);
	if (error)
		code->assembler.error = error;
	return run->count;
}

/* Whether packets get from the rules of the function, one after the other, to its end. */
static bool reaches_end(const struct plan *plan, const struct plan_function *function)
{
	size_t last = function->end;

	while (last-- > function->first)
		if (!plan->rules[last].action_only)
			return plan_falls_through(plan->rules + last);
	return true;
}

static void emit_end(struct assembler *assembler, label end)
{
	label_bind(assembler, end);
	asm_move_constant(assembler, BPF_REG_0, VERDICT_NONE);
	asm_exit(assembler);
}

/* The actions of rules that packets meet by states alone. */
static void emit_lone_actions(struct code *code, struct emitter *emitter, const struct plan_function *function,
			      label end)
{
	for (size_t i = function->first; i < function->end; i++) {
		const struct plan_rule *rule = emitter->plan->rules + i;

		if (!rule->action_only && !(rule->never && emitter->plan->states))
			continue;
		code_add_line(code, rule->rule);
		emit_state_action(emitter, rule, function);
		if (plan_action_continues(rule) && rule->gone)
			emit_skip(emitter, plan_default(emitter->plan), function);
		else if (plan_action_continues(rule))
			asm_jump(emitter->code, next_rule(emitter->plan, function, i, end));
	}
}

/* The rules of one function, from R6 loaded to the exit that says that none ended the search. */
static void emit_rules(struct code *code, struct plan *plan, const struct plan_function *function)
{
	struct emitter emitter = {.code = &code->assembler, .plan = plan, .function = function, .endings.fail = -1};
	struct run *runs = calloc(function->end - function->first, sizeof(*runs));
	label end = label_new(&code->assembler);
	size_t count = 0;

	if (!runs) {
		code->assembler.error = -ENOMEM;
		return;
	}
	for (size_t i = function->first; i < function->end; i++)
		plan->rules[i].entry = label_new(&code->assembler);
	for (size_t i = function->first; i < function->end; i++)
		if (plan->rules[i].action >= 0)
			plan->rules[i].action = label_new(&code->assembler);
	if (function->entered_late)
		emit_late_entry(&code->assembler, plan, function);
	for (size_t i = function->first; i < function->end; count++)
		i += emit_next(code, &emitter, function, i, end, runs + count);
	if (reaches_end(plan, function))
		emit_end(&code->assembler, end);
	for (size_t i = 0; i < count; i++) {
		run_emit_bodies(runs + i, code, &emitter, function);
		run_free(runs + i);
	}
	emit_lone_actions(code, &emitter, function, end);
	if (!reaches_end(plan, function) && label_used(&code->assembler, end, 0))
		emit_end(&code->assembler, end);
	free(runs);
}

/* What the linker finds in the place of the function of the module `stretch`, where that is not needed. */
static void emit_no_front(struct code *code)
{
	code_begin_function(code, SYMBOL_RULESET_FRONT, SYMBOL_RULESET_MATCH);
	asm_exit(&code->assembler);
	code_end_function(code);
}

int code_generate(struct code *code, struct plan *plan)
{
	bool classified = plan_classifies(plan);
	bool single = plan_single(plan);
	size_t functions;
	int error;

	memset(code, 0, sizeof(*code));
	code->front = plan_front(plan);
	functions = plan->function_count + STRETCH_GROUPS + 2;
	code->functions = calloc(functions, sizeof(*code->functions));
	code->lines = calloc(LINES_PER_RULE * (plan->rule_count + functions), sizeof(*code->lines));
	if (!code->functions || !code->lines) {
		code_free(code);
		return -ENOMEM;
	}
	for (size_t i = 0; i < plan->function_count; i++) {
		if (plan->functions[i].classified)
			continue;
		code_begin_function(code, single ? SYMBOL_RULESET_MATCH : plan->functions[i].name,
				    SYMBOL_RULESET_MATCH);
		emit_rules(code, plan, plan->functions + i);
		code_end_function(code);
	}
	if (!single || !plan->function_count)
		chain_emit(code, plan);
	if (classified)
		stretch_emit(code, plan);
	else
		emit_no_front(code);
	error = assembler_finish(&code->assembler);
	if (error)
		code_free(code);
	return error;
}

void code_free(struct code *code)
{
	assembler_free(&code->assembler);
	free(code->functions);
	free(code->lines);
	memset(code, 0, sizeof(*code));
}
