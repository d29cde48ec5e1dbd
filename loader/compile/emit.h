/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Emitters: one per option row and one per action row, named by the `emitter` column of options.def and actions.def.
 *
 * Register convention of generated functions: R6 holds the struct packet and R7 the context of the hook for the whole
 * function; no other value lives across rules. Within the tests of one R3 may gather what is joined (joint.h), and R2,
 * R4 and R5 hold its values; R1 is for whatever is short. Every test loads its field again, so that the verifier sees
 * the same state at the start of each rule and checks each rule once.
 */
#ifndef COMPILE_EMIT_H
#define COMPILE_EMIT_H

#include "ipfw/packet.h"
#include "ipfw/rule.h"
#include "loader/compile/assembler.h"
#include "loader/compile/head.h"
#include "loader/compile/joint.h"
#include "loader/compile/plan.h"

#define REGISTER_PACKET BPF_REG_6
#define REGISTER_CONTEXT BPF_REG_7
#define REGISTER_RULE BPF_REG_8 /* in code that several rules have: LOG_RULE(slot, number, 0) of the one it is for */

/* Symbols of the runtime that generated code calls: count.h, local.h of bpf/. */
#define SYMBOL_RULE_COUNT "rule_count"
#define SYMBOL_PACKET_LOCAL "packet_local"
/* Of modules (loader/modules.h): calls.h, modify.h, log.h, source_route.h, socket.h, *_ipsec.bpf.c, states.h. */
#define SYMBOL_PACKET_CALL "packet_call"
#define SYMBOL_PACKET_RETURN "packet_return"
#define SYMBOL_PACKET_SET_DSCP "packet_set_dscp"
#define SYMBOL_PACKET_SET_MSS "packet_set_mss"
#define SYMBOL_PACKET_LOG "packet_log"
#define SYMBOL_PACKET_VERREVPATH "packet_verrevpath"
#define SYMBOL_PACKET_VERSRCREACH "packet_versrcreach"
#define SYMBOL_PACKET_ANTISPOOF "packet_antispoof"
#define SYMBOL_PACKET_USER "packet_user"
#define SYMBOL_PACKET_GROUP "packet_group"
#define SYMBOL_PACKET_CONTROL_GROUP "packet_control_group"
#define SYMBOL_PACKET_CONTROL_GROUP_PATH "packet_control_group_path"
#define SYMBOL_PACKET_SOCKET_MARKED "packet_socket_marked"
#define SYMBOL_PACKET_USER_KEY "packet_user_key"
#define SYMBOL_PACKET_CONTROL_GROUP_KEY "packet_control_group_key"
#define SYMBOL_PACKET_SOCKET_VALUE "packet_socket_value"
#define SYMBOL_PACKET_TABLE_ADDRESS "packet_table_address"
#define SYMBOL_PACKET_TABLE_NUMBER "packet_table_number"
#define SYMBOL_PACKET_TABLE_INTERFACE "packet_table_interface"
#define SYMBOL_PACKET_TABLE_FLOW "packet_table_flow"
#define SYMBOL_PACKET_TABLE_MAC "packet_table_mac"
#define SYMBOL_PACKET_TABLE_VALUE "packet_table_value"
#define SYMBOL_RULE_POSITION "rule_position"
#define SYMBOL_PACKET_TAG "packet_tag"
#define SYMBOL_PACKET_UNTAG "packet_untag"
#define SYMBOL_PACKET_TAGGED "packet_tagged"
#define SYMBOL_PACKET_IPSEC "packet_ipsec"
#define SYMBOL_PACKET_STATE_CHECK "packet_state_check"
#define SYMBOL_PACKET_STATE_SEEK "packet_state_seek"
#define SYMBOL_PACKET_STATE_FOUND "packet_state_found"
#define SYMBOL_PACKET_STATE_KEEP "packet_state_keep"
#define SYMBOL_STRETCH_MATCH "stretch_match"
#define SYMBOL_STRETCH_FIRST "stretch_first"
#define SYMBOL_EXACT_MATCH "exact_match"
#define SYMBOL_RULESET_FRONT "ruleset_front"
#define SYMBOL_STRETCH_STATE_MAKE "stretch_state_make"
#define SYMBOL_STRETCH_STATE_FOUND "stretch_state_found"
#define SYMBOL_STRETCH_STATE_UNTIL "stretch_state_until"
/* Generated code that the module `stretch` calls: the first of STRETCH_GROUPS functions of a type. */
#define SYMBOL_STRETCH_CODE "stretch_code_0"

struct emitter {
	struct assembler *code;
	const struct plan *plan;
	const struct plan_function *function;
	const struct rule *rule; /* whose body is being emitted */
	bool shared;		 /* other rules have the same code: REGISTER_RULE tells which */
	bool questioned;	 /* the function has asked for a state before */
	struct head known;	 /* what every packet is like that gets to the option being emitted */
	struct joint joint;
	struct endings endings;
};

/*
 * Where a test continues. `next` is the label that will be bound right behind the test: a path that goes there needs
 * no jump.
 */
struct target {
	label match, fail, next;
};

/* What the generic parts know of an option: its row of options.def, and where its field is in struct packet. */
struct option_row {
	size_t field;
	enum head_kind head;
	void (*emit)(struct emitter *emitter, const struct option *option, const struct option_row *row,
		     struct target target);
	bool modifies; /* emitted behind the tests of a rule, not as one of them */
};

/* The row of an option code below OPTION_CODES. */
const struct option_row *option_row(unsigned int code);

/* Goes on at `to`: a jump, or nothing when `to` comes next anyway. For the end of a test that can end both ways. */
void emit_goto(struct emitter *emitter, label to, struct target target);
/*
 * Likewise, for a test whose outcome is known: the verifier refuses code that no path leads to, but itself removes what
 * a decided branch leaves out, so this is a branch on a constant.
 */
void emit_always_goto(struct emitter *emitter, label to, struct target target);
/*
 * Ends a test: match if ((u32)dst <condition> value), else fail. Any condition but the signed ones. The upper half of
 * dst is 0. Clobbers dst.
 */
void emit_test(struct emitter *emitter, int condition, int dst, __u32 value, struct target target);
/* Ends a test: match if (byte at packet offset `field` & mask) == value. */
void emit_byte_test(struct emitter *emitter, size_t field, __u8 mask, __u8 value, struct target target);
/* Loads the bytes that `head` is about, masked, into R1. */
void emit_head_load(struct emitter *emitter, struct head head);

struct range32 {
	__u32 low, high; /* inclusive */
};

/*
 * Ends a test: match if the unsigned 32-bit value of R1 lies in one of `ranges`, which are sorted and merged here. Few
 * ranges are compared in order, many by a decision tree, so that cost and verifier work grow with the logarithm.
 */
void emit_ranges(struct emitter *emitter, struct range32 *ranges, size_t count, struct target target);

/*
 * Emits the action of a planned rule: a verdict ends the function, count falls through to the next rule, skipto
 * continues at its target.
 */
void emit_action(struct emitter *emitter, const struct plan_rule *rule, const struct plan_function *function);

/* The action as data, for a rule in a classified stretch; DISPATCH_CODE if it is more than that. */
struct dispatch action_dispatch(const struct plan_rule *rule);

/*
 * A rule has two parts. Most packets match few of many rules, so what lies in their way is only the filter, one compare
 * of a masked word of the packet that tells most of them apart; the body, which has the remaining tests and the action,
 * stands behind all filters.
 */
struct filter {
	size_t field;	   /* of the word, in struct packet */
	__u32 mask, value; /* as they lie in memory; mask 0: the rule has no filter, its body comes in its place */
	const struct option *tested; /* the option that the filter decides; NULL: it is about the head of the packet */
	struct head head;	     /* what all options of the rule ask of the head of the packet */
	struct head known;	     /* what of it is tested before the body: by the filter, or the run (run.h) */
};

struct filter emit_filter_of(const struct emitter *emitter, const struct rule *rule);
/*
 * Emits the tests that the filter (NULL: none) has left, and the action. Tests that the plan found constant are left
 * out. A packet that does not match, or that the action lets go on, continues at `fail`, which must be bound behind.
 * `followed`: there is code at `fail` that nothing else may lead to.
 */
void emit_body(struct emitter *emitter, const struct plan_rule *rule, const struct filter *filter, label fail,
	       bool followed, const struct plan_function *function);

/*
 * Emits what a rule does once a state of it is found: modifiers and action. What the action lets go on falls off its
 * end.
 */
void emit_state_action(struct emitter *emitter, const struct plan_rule *rule, const struct plan_function *function);

/* Leads on to rule plan.rules[target]: inside the function a jump; beyond it packet.resume tells the following ones. */
void emit_skip(struct emitter *emitter, size_t target, const struct plan_function *function);

/*
 * Emits the question for the packet's state of a flow name, or of STATE_NAME_ANY: its rule's action is next if found.
 * `planned` is the rule that asks.
 */
void emit_state_question(struct emitter *emitter, const struct plan_rule *planned, const char *name);

/*
 * Branches by halves to the action of the rule that R1, of packet.resume, names (RESUME_STATE), if that is one of
 * plan.rules[first] .. plan.rules[end - 1]; else to `miss`.
 */
void emit_state_branches(struct assembler *assembler, const struct plan *plan, size_t first, size_t end, label miss);

/* What a packet must be like for all options of the rule that have no alternative. */
struct head emit_rule_head_of(const struct plan *plan, const struct rule *rule);

/* Sets of blocks (plan_block_end()) of a rule: bit n is the n-th. Later ones are in no set. */
#define BLOCKS_MAX 64
/*
 * Emits the tests of all blocks of the rule but those in `held`, for packets that are already known to be what all its
 * options ask of the head of a packet. One that does not match continues at `fail`, which must be bound behind.
 */
void emit_tests_left(struct emitter *emitter, const struct plan_rule *rule, __u64 held, label fail);
/* Whether the rule has modifiers (`log`, `tag` and the like), which are no tests. */
bool rule_modifies(const struct rule *rule);
/* Emits what a rule does besides its action, once it matches: log, tag, untag. */
void emit_modifiers(struct emitter *emitter, const struct rule *rule);

/* For rows without code so far: the language refuses their rules, and the compiler does if it gets one. */
void emit_later(struct emitter *emitter, const struct option *option, const struct option_row *row,
		struct target target);
#define OPTION(code, keyword, aliases, argument, place, name, ...)                                                     \
	void emit_##name(struct emitter *, const struct option *, const struct option_row *, struct target);
#include "ipfw/options.def"
#undef OPTION

#endif
