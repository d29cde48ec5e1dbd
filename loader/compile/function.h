/* SPDX-License-Identifier: GPL-2.0-only */
/* The generated code of one hook: functions in one text section, and which rule starts where. */
#ifndef COMPILE_FUNCTION_H
#define COMPILE_FUNCTION_H

#include "loader/compile/assembler.h"
#include "loader/compile/plan.h"

/* Symbol that the runtime calls: `__u64 ruleset_match(hook_context *, struct packet *)`. */
#define SYMBOL_RULESET_MATCH "ruleset_match"

struct code_function {
	const char *name;  /* points into the plan, or is a constant */
	const char *type;  /* a function of the runtime that has the same parameters and result */
	size_t first, end; /* instructions */
};

struct code_line {
	size_t instruction;
	const struct rule *rule; /* NULL: start of a function, no rule yet */
};

#define LINES_PER_RULE 3 /* start of its run, filter, body */

struct code {
	struct assembler assembler;
	struct code_function *functions;
	size_t function_count;
	struct code_line *lines; /* by ascending instruction; each function starts with one */
	size_t line_count;
	bool front; /* the runtime asks ruleset_front() first (bpf/front.h) */
};

/* The next instruction is the first one of `rule`, or of a part of it. At most LINES_PER_RULE times per rule. */
void code_add_line(struct code *code, const struct rule *rule);

/*
 * Starts a function of (context, packet...) with the type of function `type`: R6 keeps the packet and R7 the context.
 * Then ends it.
 */
void code_begin_function(struct code *code, const char *name, const char *type);
void code_end_function(struct code *code);

/* Generates the code of a plan, which must outlive it. Returns 0 or -errno (assembler.h) with *code empty. */
int code_generate(struct code *code, struct plan *plan);
void code_free(struct code *code);

#endif
