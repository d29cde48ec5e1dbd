/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Classified stretches: what the compiler and bpf/stretch.h must agree on. The classifier finds the rules that may
 * match; the map "dispatch" says, by a rule's position in the plan, what is left to be done for it.
 */
#ifndef IPFW_STRETCH_H
#define IPFW_STRETCH_H

#ifndef __bpf__
#include <linux/types.h>
#endif

enum dispatch_kind {
	DISPATCH_VERDICT, /* the search ends with `result` */
	DISPATCH_COUNT,	  /* counts, and goes on at the next rule; the slot is in `result` */
	DISPATCH_SKIPTO,  /* counts, and goes on at the position that is the argument of `result` */
	DISPATCH_CODE,	  /* what the generated code says: it has performed the action if its tests held */
};

/* An element of "dispatch", ARRAY, BPF_F_MMAPABLE. */
struct dispatch {
	__u64 result; /* MATCH_RESULT() */
	__u16 code;   /* number of the generated code with the tests that are left, and the modifiers; 0: there are none
		       */
	__u16 number; /* of the rule */
	__u16 group;  /* of code that it is in: below STRETCH_GROUPS */
	__u16 kind;   /* enum dispatch_kind */
};

/*
 * A rule of a stretch that makes states: what it does once its tests hold, and what a packet does whose state is found.
 * The stretch itself ends with VERDICT_STATE for it: there is no room for more calls below a walk. An element of
 * "stretch_states", ARRAY, BPF_F_MMAPABLE, by counter slot.
 */
struct stretch_state {
	__u64 result;	   /* MATCH_RESULT() of the action, as in struct dispatch */
	__u32 next;	   /* position where a packet goes on that the action does not stop */
	__u32 order;	   /* STATE_ORDER() */
	__u32 connections; /* of `limit` */
	__u16 code;   /* number of the generated code for modifiers, and for an action that is DISPATCH_CODE; or 0 */
	__u16 number; /* of the rule */
	__u16 group;  /* that it is in */
	__u16 name;   /* number of the flow name */
	__u8 action;  /* enum dispatch_kind */
	__u8 here;    /* 1: a rule of a stretch, 0: the rule with this slot is none */
	__u8 defers;  /* 1: making a state is all; the action is for packets whose state is found */
	__u8 reserved;
};

/*
 * Generated code is in so many functions, stretch_code_0() and so on, as one function cannot hold all of it. They are
 * called directly: the kernel allows eight functions below each other, and modules take their share.
 */
#define STRETCH_GROUPS 16
#define STRETCH_EACH_GROUP(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

/* What generated code is told of a packet that must walk through the stretch; no match result has such a verdict. */
#define STRETCH_MUST_WALK (~0ull)

/* What generated code with nothing but tests returns if they all hold, else 0. */
#define STRETCH_MATCH 1

#endif
