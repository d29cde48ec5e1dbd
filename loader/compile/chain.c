/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls the functions of a plan in turn, until one has a result. Where packets start over (VERDICT_AGAIN) the runtime
 * calls it again; the functions then find by packet.resume which of them goes on.
 *
 * What rules of stretches have to do with states is done here, between calls: below a walk through a stretch there is
 * neither the stack nor the number of calls left that the kernel allows.
 */
#include "loader/compile/chain.h"

#include "ipfw/verdict.h"
#include "loader/compile/emit.h"

#define REGISTER_BOUND BPF_REG_8 /* end of the rules before a question */

struct chain {
	struct assembler *code;
	const struct plan *plan;
	label done; /* R0 is the result */
};

static void emit_exact_call(struct assembler *assembler, const struct plan_function *function)
{
	asm_move(assembler, BPF_REG_1, REGISTER_PACKET);
	asm_move_constant(assembler, BPF_REG_2, function->exact_stretch);
	asm_move_constant(assembler, BPF_REG_3, function->first);
	asm_move_constant(assembler, BPF_REG_4, function->end);
	asm_call(assembler, SYMBOL_EXACT_MATCH);
}

static void emit_first_call(struct assembler *assembler, const struct plan_function *function)
{
	asm_move(assembler, BPF_REG_1, REGISTER_CONTEXT);
	asm_move(assembler, BPF_REG_2, REGISTER_PACKET);
	asm_move_constant(assembler, BPF_REG_3, function->stretch);
	asm_move_constant(assembler, BPF_REG_4, function->end);
	asm_call(assembler, SYMBOL_STRETCH_FIRST);
}

/* Walks through a stretch up to its end, or REGISTER_BOUND. */
static void emit_walk_call(struct assembler *assembler, const struct plan_function *function, bool bounded)
{
	asm_move(assembler, BPF_REG_1, REGISTER_CONTEXT);
	asm_move(assembler, BPF_REG_2, REGISTER_PACKET);
	asm_move_constant(assembler, BPF_REG_3, function->stretch);
	asm_move_constant(assembler, BPF_REG_4, function->first);
	if (bounded)
		asm_move(assembler, BPF_REG_5, REGISTER_BOUND);
	else
		asm_move_constant(assembler, BPF_REG_5, function->end);
	asm_call(assembler, SYMBOL_STRETCH_MATCH);
}

/* What can be said in one step comes first; the walk is for the rest. */
static void emit_stretch_call(struct assembler *assembler, const struct plan_function *function)
{
	label said = label_new(assembler);

	if (function->exact)
		emit_exact_call(assembler, function);
	else
		emit_first_call(assembler, function);
	if (function->walked) {
		asm_jump_if64(assembler, BPF_JNE, BPF_REG_0, (__u32)STRETCH_MUST_WALK, said);
		emit_walk_call(assembler, function, false);
	}
	label_bind(assembler, said);
}

/*
 * Goes on behind ruleset_front(), which leaves in packet.resume where: within its stretch, right behind it, or beyond.
 * R0 is the result of a walk.
 */
static void emit_behind_front(struct assembler *assembler, const struct plan_function *front)
{
	label behind = label_new(assembler), done = label_new(assembler);

	asm_load(assembler, BPF_W, BPF_REG_1, REGISTER_PACKET, offsetof(struct packet, resume));
	if (front->walked) {
		asm_jump_if32(assembler, BPF_JGE, BPF_REG_1, (__u32)front->end, behind);
		emit_walk_call(assembler, front, false);
		asm_jump(assembler, done);
	}
	label_bind(assembler, behind);
	asm_move_constant(assembler, BPF_REG_0, VERDICT_NONE);
	asm_jump_if32(assembler, BPF_JNE, BPF_REG_1, (__u32)front->end, done);
	asm_store32(assembler, REGISTER_PACKET, offsetof(struct packet, resume), 0);
	label_bind(assembler, done);
}

/* Goes to `to` if the packet's last question was for this name, or all of them: the same again is no question. */
static void emit_asked(const struct chain *chain, __u16 name, label to)
{
	asm_load(chain->code, BPF_W, BPF_REG_1, REGISTER_PACKET, offsetof(struct packet, state_asked));
	asm_alu32(chain->code, BPF_AND, BPF_REG_1, PACKET_STATE_QUESTION);
	asm_jump_if32(chain->code, BPF_JEQ, BPF_REG_1, (__u32)PACKET_STATE_ASKED | name, to);
	asm_jump_if32(chain->code, BPF_JEQ, BPF_REG_1, PACKET_STATE_ASKED, to);
}

/* Has a packet whose state is found do what the state's rule says, if that is one of a stretch. */
static void emit_found(const struct chain *chain)
{
	asm_move(chain->code, BPF_REG_1, REGISTER_CONTEXT);
	asm_move(chain->code, BPF_REG_2, REGISTER_PACKET);
	asm_call(chain->code, SYMBOL_STRETCH_STATE_FOUND);
	asm_jump_if64(chain->code, BPF_JNE, BPF_REG_0, 0, chain->done);
}

/* Asks for a state. */
static void emit_question(const struct chain *chain, __u16 name, label none)
{
	asm_move(chain->code, BPF_REG_1, REGISTER_PACKET);
	asm_move_constant(chain->code, BPF_REG_2, name);
	asm_call(chain->code, SYMBOL_PACKET_STATE_CHECK);
	asm_jump_if32(chain->code, BPF_JEQ, BPF_REG_0, 0, none);
	if (chain->plan->classifies_states)
		emit_found(chain);
	asm_move_constant(chain->code, BPF_REG_0, MATCH_RESULT(VERDICT_AGAIN, 0, 0));
	asm_jump(chain->code, chain->done);
}

/*
 * A packet that has come to the stretch, but not to a rule that asks: looks up the rules before that one. If the packet
 * gets to it, packet.resume says so, and the question comes next.
 */
static void emit_approach(const struct chain *chain, const struct plan_function *function, label next)
{
	label there = label_new(chain->code);

	asm_move(chain->code, BPF_REG_1, REGISTER_PACKET);
	asm_move_constant(chain->code, BPF_REG_2, function->first);
	asm_move_constant(chain->code, BPF_REG_3, function->end);
	asm_call(chain->code, SYMBOL_STRETCH_STATE_UNTIL);
	asm_move(chain->code, REGISTER_BOUND, BPF_REG_0);
	emit_walk_call(chain->code, function, true);
	asm_jump_if64(chain->code, BPF_JNE, BPF_REG_0, 0, chain->done);
	asm_jump_if32(chain->code, BPF_JEQ, REGISTER_BOUND, (__u32)function->end, next);
	asm_load(chain->code, BPF_W, BPF_REG_1, REGISTER_PACKET, offsetof(struct packet, resume));
	asm_jump_if32(chain->code, BPF_JEQ, BPF_REG_1, 0, there);
	asm_jump_if_register(chain->code, BPF_JEQ, BPF_REG_1, REGISTER_BOUND, there);
	/* past it, by a skipto */
	asm_move_constant(chain->code, BPF_REG_0, MATCH_RESULT(VERDICT_AGAIN, 0, AGAIN_ONWARD));
	asm_jump(chain->code, chain->done);
	label_bind(chain->code, there);
	asm_store(chain->code, BPF_W, REGISTER_PACKET, REGISTER_BOUND, offsetof(struct packet, resume));
}

/* What comes before the look-up in a stretch of which rules ask for states; what passes it by goes to `next`. */
static void emit_states_asked(const struct chain *chain, const struct plan_function *function, label next)
{
	struct assembler *assembler = chain->code;
	bool at_once = chain->plan->stretch_questions[function->first] == function->first;
	label asked = label_new(assembler), start = label_new(assembler), question = label_new(assembler);

	asm_load(assembler, BPF_W, BPF_REG_1, REGISTER_PACKET, offsetof(struct packet, resume));
	asm_jump_if32(assembler, BPF_JEQ, BPF_REG_1, 0, start);
	asm_jump_if32(assembler, BPF_JGE, BPF_REG_1, (__u32)function->end, next);
	if (at_once) {
		asm_jump_if32(assembler, BPF_JEQ, BPF_REG_1, (__u32)function->first, start);
		emit_asked(chain, function->question, asked);
		emit_approach(chain, function, next);
		asm_jump(assembler, question);
	}
	label_bind(assembler, start);
	emit_asked(chain, function->question, asked);
	if (!at_once)
		emit_approach(chain, function, next);
	label_bind(assembler, question);
	emit_question(chain, function->question, asked);
	label_bind(assembler, asked);
}

static void emit_function_call(const struct chain *chain, const struct plan_function *function)
{
	label next = label_new(chain->code);

	if (function == plan_front(chain->plan)) {
		emit_behind_front(chain->code, function);
	} else if (function->classified) {
		if (function->question)
			emit_states_asked(chain, function, next);
		emit_stretch_call(chain->code, function);
	} else {
		asm_move(chain->code, BPF_REG_1, REGISTER_CONTEXT);
		asm_move(chain->code, BPF_REG_2, REGISTER_PACKET);
		asm_call(chain->code, function->name);
	}
	asm_jump_if64(chain->code, BPF_JNE, BPF_REG_0, 0, chain->done);
	label_bind(chain->code, next);
}

/* A packet comes back whose state a function has found. */
static void emit_come_back(const struct chain *chain)
{
	label other = label_new(chain->code);

	asm_load(chain->code, BPF_W, BPF_REG_1, REGISTER_PACKET, offsetof(struct packet, resume));
	asm_jump_if32(chain->code, BPF_JLT, BPF_REG_1, RESUME_STATE, other);
	emit_found(chain);
	label_bind(chain->code, other);
}

/* R0 may say that a rule of a stretch, whose tests hold, makes a state. */
static void emit_making(const struct chain *chain)
{
	label other = label_new(chain->code);

	asm_move(chain->code, BPF_REG_1, BPF_REG_0);
	asm_alu32(chain->code, BPF_AND, BPF_REG_1, (__u32)MATCH_RESULT(0xff, 0, 0));
	asm_jump_if32(chain->code, BPF_JNE, BPF_REG_1, (__u32)MATCH_RESULT(VERDICT_STATE, 0, 0), other);
	asm_move(chain->code, BPF_REG_3, BPF_REG_0);
	asm_alu32(chain->code, BPF_AND, BPF_REG_3, MATCH_SLOT(~0ull));
	asm_move(chain->code, BPF_REG_1, REGISTER_CONTEXT);
	asm_move(chain->code, BPF_REG_2, REGISTER_PACKET);
	asm_call(chain->code, SYMBOL_STRETCH_STATE_MAKE);
	label_bind(chain->code, other);
}

#define BRANCHES_CALL 1
#define BRANCHES_STRETCH 3
#define BRANCHES_QUESTION 14

size_t chain_branches(const struct plan *plan)
{
	size_t branches = 2 * BRANCHES_STRETCH;

	for (size_t i = 0; i < plan->function_count; i++)
		branches += plan->functions[i].question	    ? BRANCHES_QUESTION + BRANCHES_STRETCH
			    : plan->functions[i].classified ? BRANCHES_STRETCH
							    : BRANCHES_CALL;
	return branches;
}

/* What chain->done leads to: out. R0 is 0 before and behind. */
static void emit_way_out(struct chain *chain)
{
	label on = label_new(chain->code);

	asm_jump(chain->code, on);
	label_bind(chain->code, chain->done);
	if (chain->plan->classifies_states)
		emit_making(chain);
	asm_exit(chain->code);
	label_bind(chain->code, on);
	chain->done = label_new(chain->code);
}

#define FUNCTIONS_PER_WAY_OUT 256 /* a jump spans at most 32,767 instructions */

void chain_emit(struct code *code, const struct plan *plan)
{
	struct chain chain = {&code->assembler, plan, label_new(&code->assembler)};

	code_begin_function(code, SYMBOL_RULESET_MATCH, SYMBOL_RULESET_MATCH);
	if (!plan_starts_over(plan) && !plan_front(plan))
		asm_store32(chain.code, REGISTER_PACKET, offsetof(struct packet, resume), 0);
	else if (plan->classifies_states && plan->states)
		emit_come_back(&chain);
	for (size_t i = 0; i < plan->function_count; i++) {
		if (i % FUNCTIONS_PER_WAY_OUT == FUNCTIONS_PER_WAY_OUT - 1)
			emit_way_out(&chain);
		emit_function_call(&chain, plan->functions + i);
	}
	label_bind(chain.code, chain.done);
	if (plan->classifies_states)
		emit_making(&chain);
	asm_exit(chain.code);
	code_end_function(code);
}
