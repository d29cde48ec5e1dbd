/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The plan of one hook: which rules its program holds, in which functions, and what follows from constants.
 *
 * Rules of disabled sets and rules that can never match at the hook vanish, as do rules that nothing can reach; tests
 * that are always true vanish from the rules that stay.
 */
#ifndef COMPILE_PLAN_H
#define COMPILE_PLAN_H

#include <stdbool.h>

#include "ipfw/carry.h"
#include "ipfw/rule.h"
#include "ipfw/stretch.h"
#include "loader/compile/assembler.h"
#include "loader/compile/classifier.h"
#include "loader/compile/control_groups.h"
#include "loader/compile/exact.h"
#include "loader/compile/images.h"
#include "loader/compile/states.h"
#include "loader/compile/tags.h"
#include "loader/interface.h"
#include "maps/layout.h"

/* The value of a test that is known when the program is made. */
enum fold { FOLD_NEVER, FOLD_ALWAYS, FOLD_UNKNOWN };

#define PLAN_NO_TARGET ((size_t)-1)

struct plan_rule {
	const struct rule *rule;
	bool unconditional;   /* no test is left: it matches every packet that gets here */
	bool skipped_to;      /* packets get here from elsewhere than the rule before */
	bool is_target;	      /* and from another function, or by packet.resume */
	size_t skip_target;   /* skipto, call: index in plan.rules where it goes on; else, or if only the packet tells,
				 PLAN_NO_TARGET */
	size_t return_target; /* call: index where its `return' goes on by number; else PLAN_NO_TARGET */
	label entry;	      /* of its first instruction; valid while its function is emitted */
	bool never;	      /* its tests match no packet here: it is there because of its states */
	bool action_only;     /* no packet meets it: its action is all that is emitted, for its states */
	bool gone;    /* it is deleted (RULE_GONE): where its action lets packets go on, that is the default rule */
	label action; /* where its states begin, as `entry`; -1: it makes none */
};

/* A run of rules that becomes one BPF function, or is classified. */
struct plan_function {
	size_t first, end; /* plan.rules[first] .. plan.rules[end - 1] */
	enum stretch_form form;
	bool entered_late; /* packets may come to start in its middle, or skip it: it reads packet.resume */
	bool classified;   /* stretches of plan.image take its place (stretch.h): */
	bool exact;	   /* `exact_stretch` (exact.h), and */
	bool walked;	   /* `stretch`, which an exact one needs for some packets */
	__u32 exact_stretch, stretch;
	struct exact_estimate exact_estimate; /* of them */
	struct classifier_estimate estimate;
	__u32 codes;	/* pieces of code that its rules brought */
	__u16 question; /* classified: number of the flow name that rules of it ask for, 0: none does */
	char name[24];	/* symbol, if not classified */
};

/* Code for what the classifier leaves to be done for some rule of a classified stretch. */
struct plan_code {
	size_t rule;   /* index in plan.rules: the first one that it is for */
	__u64 held;    /* blocks that need no test any more (box.h) */
	bool tests;    /* it tests, and */
	bool modifies; /* performs modifiers, and */
	bool acts;     /* the action, for that rule alone */
	__u16 group;   /* the BPF function that holds it: ascending, below STRETCH_GROUPS */
};

struct plan {
	bool input; /* true: `in`, false: `out` */
	const struct interface_list *interfaces;
	struct plan_rule *rules;
	size_t rule_count;
	struct plan_function *functions;
	size_t function_count;
	struct images *images;		      /* that `image` belongs to */
	struct images *own_images;	      /* the same, if no other plan shares them */
	const struct classifier_image *image; /* of all classified stretches, NULL: there are none */
	struct dispatch *dispatch;	      /* with it: by index in `rules` */
	struct plan_code *codes;	      /* likewise: by dispatch.code - 1 */
	size_t code_count, code_capacity;
	struct stretch_state *stretch_states; /* likewise: by counter slot, */
	size_t stretch_state_count;
	__u64 *stretch_questions; /* and by index in `rules`: of the next rule of its stretch that asks */
	bool classifies_states;	  /* some rules of stretches make states */
	__u32 switches;		  /* of the ruleset: RULESET_* */
	bool linear;		  /* nothing is to be classified */
	bool calls;		  /* some rule has the action call or return: functions are started over */
	struct tags tags;	  /* of the whole ruleset, so that both directions agree */
	struct control_groups groups;
	struct state_names names; /* of the whole ruleset */
	bool states;		  /* some rule looks for states: functions are started over */
	bool makes_states;	  /* some rule makes them: likewise, behind one in a stretch that lets packets go on */
	bool values;		  /* some rule takes values out of tables (tablearg) */
	bool jumps_back;	  /* a skipto by such a value is not the last rule of its function: likewise */
};

/* Rules in one function at most. Only tests change it, to get several functions from few rules. */
extern size_t plan_function_rules;

/*
 * How many rules that leave out most packets make it worth while to see whether classifying is cheaper. Only tests
 * change it: below its default value no costs are compared, and with 0 all rules are classified. Then they want several
 * stretches from few rules.
 */
extern size_t plan_classify_from, plan_stretch_rules;
/* How many rules that ask for the same bits become an exact stretch (exact.h). Likewise. */
extern size_t plan_exact_from;

/*
 * Plans `ruleset` for one direction. The plan points into `ruleset` and `interfaces`, which must outlive it.
 * Returns 0, -ENOMEM, -EOVERFLOW (more than TAGS_MAX tags), or -ENAMETOOLONG (path of a control group), with *plan
 * empty. Rules that make states are planned whatever their set or direction, since their states may be met.
 */
int plan_make(struct plan *plan, const struct ruleset *ruleset, const struct interface_list *interfaces, bool input);
/* Likewise, with an image that other plans may have as well: `images` must outlive the plan. */
int plan_make_sharing(struct plan *plan, const struct ruleset *ruleset, const struct interface_list *interfaces,
		      bool input, struct images *images);
void plan_free(struct plan *plan);

/* The value of one option in this plan, its OPTION_NOT taken into account. */
enum fold plan_fold(const struct plan *plan, const struct option *option);

/* The last option of the or-block that starts at `option`: a block. An option without alternatives is one, too. */
const struct option *plan_block_end(const struct rule *rule, const struct option *option);
/* The value of the block from `first` to `last`. */
enum fold plan_fold_block(const struct plan *plan, const struct rule *rule, const struct option *first,
			  const struct option *last);

/*
 * Whether the block must be tested: its value is not known, or before the option that makes it true one may find a
 * value that the rule takes (tablearg).
 */
bool plan_block_left(const struct plan *plan, const struct rule *rule, const struct option *first,
		     const struct option *last);

/* Whether some packet may match the rule in the plan's direction; the plan need not have rules yet. */
bool plan_can_match(const struct plan *plan, const struct rule *rule);

/* Which fields of struct packet the rules look at beyond those that are always filled, and which packets do not meet
 * them: PACKET_NEEDS_*, PACKET_WITHOUT_*. */
__u32 plan_needs(const struct plan *plan);

/* MATCH_RESULT() of the first rule if that decides about every packet and the plan needs to know nothing of it; else 0.
 */
__u64 plan_settled(const struct plan *plan);

/*
 * Whether the ruleset is plain: its packets need nothing and take nothing along, XDP forwards none, and those that
 * leave are not settled. Then bpf/plain.h is true of it.
 */
bool plan_plain(const struct plan *plan);

/* Whether some of its rules are classified. */
bool plan_classifies(const struct plan *plan);
/* The stretch that the runtime asks before generated code (bpf/front.h), or NULL. */
const struct plan_function *plan_front(const struct plan *plan);

/* What packets take along when they leave these rules, or have taken along when they come to them. */
struct carry plan_carry(const struct plan *plan);
/* Whether that is anything. */
bool plan_carries(const struct plan *plan);

/* Whether a packet that the rule matches goes on at the next one: count does, verdicts and skipto do not. */
bool plan_action_continues(const struct plan_rule *rule);
/* The default rule, in a plan that some packet gets that far in. */
size_t plan_default(const struct plan *plan);

/*
 * Writes, by number, the position of the first rule with that number or a higher one; behind the last it is
 * plan->rule_count.
 */
void plan_positions(const struct plan *plan, __u64 positions[RULE_NUMBER_DEFAULT + 1]);

/* Whether rules send packets back (VERDICT_AGAIN): some call, or have to do with states. */
bool plan_starts_over(const struct plan *plan);
/* Whether one generated function is all: then it is ruleset_match(). */
bool plan_single(const struct plan *plan);

/* Whether packets can get from this rule to the one right behind it. */
bool plan_falls_through(const struct plan_rule *rule);

/* What a rule costs in a function, in instructions at most. */
size_t plan_rule_cost(const struct rule *rule);
/*
 * Limit of one generated function. The verifier follows at most 8,192 conditional jumps in a row, and a jump spans at
 * most 32,767 instructions; these estimates stay well below both.
 */
#define FUNCTION_COST 24000
/*
 * Collects the ifindexes that an interface test means now. Returns their number, at most `capacity` of which are
 * written to `indexes`.
 */
size_t plan_interfaces(const struct plan *plan, const struct interface_match *match, __u32 *indexes, size_t capacity);

#endif
