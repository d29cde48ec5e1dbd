/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs: rules in a row whose filters compare the same word of the packet. A packet has one value of it, so the rules
 * of a run that want another value are all passed by at once: the values are looked up by halves, and the rules that
 * share the packet's value are tried in order. What lies in the way of most packets is a handful of compares.
 *
 * If all rules ask for the same bits of the packet's head, such as its protocol, and few values of them, the rules of
 * each such class are looked up apart, and need not compare those bits one by one.
 */
#ifndef COMPILE_RUN_H
#define COMPILE_RUN_H

#include "loader/compile/emit.h"
#include "loader/compile/function.h"

#define RUN_LAST ((size_t)-1)

struct run_rule {
	struct filter filter;
	label body;    /* where a packet that passes the filter goes on */
	__u32 class;   /* the bits of the head that it asks for, of run.class_mask */
	size_t follow; /* index in the run of the next rule with the same class and value, or RUN_LAST */
	bool leads;    /* no rule in front has the same ones */
};

struct run {
	size_t first; /* in plan.rules */
	struct run_rule *rules;
	size_t count;	  /* 0: the rule at `first` has no filter */
	__u32 class_mask; /* bits of the head that make classes, 0: all rules are one */
	label next;	  /* where a packet goes on that no rule of the run keeps; the caller sets it */
};

/*
 * Finds the run that starts at plan.rules[first] and ends before `limit`. Only its first rule may be entered from
 * elsewhere. Returns 0 or -ENOMEM; release with run_free().
 */
int run_find(struct run *run, struct emitter *emitter, size_t first, size_t limit);
void run_free(struct run *run);

/* Emits the look-up of the packet's value, which goes on at the body of the first rule that has it or behind itself. */
int run_emit_filters(struct run *run, struct code *code, struct emitter *emitter);
/* Emits the bodies, in a place that nothing falls into. */
void run_emit_bodies(const struct run *run, struct code *code, struct emitter *emitter,
		     const struct plan_function *function);

#endif
