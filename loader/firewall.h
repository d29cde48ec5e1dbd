/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one door from above: a transaction on the firewall of the current network namespace.
 *
 *   firewall_open(WRITE) -> change a copy of firewall_ruleset() -> firewall_commit() -> firewall_close()
 *
 * Invariants
 *  - Every handle holds a flock on the pin directory: shared for READ, exclusive for WRITE.
 *  - The pinned maps are the only store: what a handle shows was read from them after the lock.
 *  - firewall_commit() either makes the new ruleset active on all hooks by one store of
 *    control.generation, or returns an error and leaves the old one active. A process that dies
 *    anywhere inside leaves the same two outcomes; leftovers are swept by the next WRITE handle.
 */
#ifndef LOADER_FIREWALL_H
#define LOADER_FIREWALL_H

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "ipfw/error.h"
#include "ipfw/limits.h"
#include "ipfw/packet.h"
#include "ipfw/rule.h"
#include "ipfw/variable.h"
#include "ipfw/verdict.h"

struct firewall;

enum firewall_access {
	FIREWALL_READ,
	FIREWALL_WRITE,
	FIREWALL_RULES, /* like WRITE, and quicker if rules are going to be committed */
	FIREWALL_DOWN, /* like WRITE, for firewall_down() alone: works on what READ and WRITE refuse as damaged or alien
			*/
};

/* Counters of one rule, summed over CPUs. */
struct counters {
	__u64 packets;	   /* wire packets */
	__u64 bytes;	   /* IP lengths */
	time_t last_match; /* wall clock, 0: never matched */
};

/*
 * Opens the firewall of the current network namespace and takes the lock, waiting for others.
 * WRITE creates an (inactive, empty) firewall if there is none; READ of none succeeds and shows the
 * default rule alone with firewall_loaded() false. Returns 0, or -1 with *error set.
 */
int firewall_open(struct firewall **firewall, enum firewall_access access, struct error *error);
/* Releases the lock and everything else; NULL is allowed. Uncommitted changes are forgotten. */
void firewall_close(struct firewall *firewall);

/* Whether packets are being filtered: something has been committed and hooks are attached. */
bool firewall_loaded(const struct firewall *firewall);
/* The active ruleset, default rule included. Valid until firewall_commit() or firewall_close(). */
const struct ruleset *firewall_ruleset(const struct firewall *firewall);
/* The values of the variables (ipfw/variables.def) that are in force. Valid as long. */
const struct variables *firewall_variables(const struct firewall *firewall);

/*
 * Prints one rule as its canonical listing line; the compiler calls it for line information, so that
 * the loader needs not know the language. Writes at most `size` bytes, NUL-terminated.
 */
typedef void (*firewall_describe)(char *text, size_t size, const struct rule *rule);

/*
 * Compiles, verifies, loads and activates `ruleset` (which must end with rule 65535), its switches included. Rules with
 * slot RULE_SLOT_NEW get a zeroed counter slot; the others keep theirs, counters included. On success the firewall's
 * ruleset is a copy of it. Returns 0, or -1 with *error set and the old ruleset active.
 */
#define RULE_SLOT_NEW 0xffffffffu
int firewall_commit(struct firewall *firewall, struct ruleset *ruleset, firewall_describe describe,
		    struct error *error);

/* Reads the counters of the rule with this slot. Returns 0 or -errno. */
int firewall_counters(struct firewall *firewall, __u32 slot, struct counters *counters);
/* Sets the counters of the rules to zero whose slots are marked in slots[COUNTER_SLOTS]. Returns 0 or -errno. */
int firewall_zero(struct firewall *firewall, const bool *slots);
/* Lets the rule with this slot, which has `log`, log up to its limit again. Returns 0 or -errno. */
int firewall_reset_log(struct firewall *firewall, __u32 slot);

enum dynamic_kind { DYNAMIC_STATE, DYNAMIC_LIMIT, DYNAMIC_PARENT };

/* A dynamic rule (ipfw(8), STATEFUL FIREWALL). Its source is where the packet came from that made it. */
struct dynamic_rule {
	enum dynamic_kind kind;
	const struct rule *rule; /* that made it; owned by the firewall, valid until firewall_commit() */
	__u8 family;		 /* 4 or 6 */
	__u8 protocol;
	__u16 source_port; /* host order */
	__u16 destination_port;
	__u32 source[4]; /* network order; IPv4 in [0] */
	__u32 destination[4];
	__u32 zone;    /* ifindex that link-local addresses belong to, else 0 */
	__u64 packets; /* as struct counters, of both directions */
	__u64 bytes;
	__u32 seconds; /* that it has to live if no packet comes; 0: it has expired */
	__u32 age;     /* how many states have been made since, modulo 65536 */
	__u32 states;  /* that a parent counts */
	__u32 tcp;     /* DYNAMIC_*, as ipfw shows them */
	__u32 acks[2]; /* the greatest TCP acknowledgment numbers, forward and backward */
};

/* dynamic_rule.tcp */
#define DYNAMIC_FIN 0x01 /* seen from the source; from the destination the same << 8 */
#define DYNAMIC_SYN 0x02
#define DYNAMIC_RST 0x04
#define DYNAMIC_BACKWARD_SHIFT 8
#define DYNAMIC_ACK_FORWARD 0x10000 /* an acknowledgment has come since the last refresh */
#define DYNAMIC_ACK_BACKWARD 0x20000

/* How many dynamic rules there are. */
struct dynamic_totals {
	__u32 states;  /* those that have expired and are not removed yet included */
	__u32 parents; /* likewise */
	__u32 room;    /* states that the kernel's table of each family has room for */
	__u64 refused; /* packets denied for want of room, or by a limit */
};

/* What is done with each dynamic rule. Anything but 0 ends the walk. */
typedef int (*dynamic_visit)(void *argument, const struct dynamic_rule *dynamic);

/*
 * Visits the dynamic rules in no order; if `expired`, with those that have expired and are not removed yet. What begins
 * or ends meanwhile may be missing. Returns 0, what a visit returned, or -errno.
 */
int firewall_walk_dynamic(struct firewall *firewall, bool expired, dynamic_visit visit, void *argument);
/*
 * Reads the dynamic rules: by rule, then parents first, then the oldest first. *rules is the caller's to free. Returns
 * 0 or -errno.
 */
int firewall_dynamic(struct firewall *firewall, bool expired, struct dynamic_rule **rules, size_t *count);
/* Counts them; zeros while there is no firewall. Returns 0 or -errno. */
int firewall_dynamic_totals(const struct firewall *firewall, struct dynamic_totals *totals);
/* Ends the dynamic rules of the rules whose slots[slot] is set; it has COUNTER_SLOTS elements. Returns 0 or -errno. */
int firewall_delete_dynamic(struct firewall *firewall, const bool *slots);

/*
 * Sets the variables. Those that say which packets meet the rules take a commit, unless all packets are to pass or did:
 * `disable firewall` and `enable firewall` are a store. Returns 0, or -1 with *error set and nothing changed.
 */
int firewall_set_variables(struct firewall *firewall, const struct variables *variables, firewall_describe describe,
			   struct error *error);

/* Detaches and unpins everything of ours in this namespace. Returns 0, or -1 with *error set. */
int firewall_down(struct firewall *firewall, struct error *error);

enum explain_direction { EXPLAIN_ANY, EXPLAIN_IN, EXPLAIN_OUT };

/* Where a packet is to meet the rules. What is not said is found out: EXPLAIN_ANY, "". Addresses in network order. */
struct explain_wish {
	enum explain_direction direction;
	char receive[INTERFACE_NAME_MAX];  /* it comes in by, or came in by */
	char transmit[INTERFACE_NAME_MAX]; /* it goes out by */
	__u8 family;			   /* 4, 6, or 0 for what is not IP */
	__u32 source[4], destination[4];   /* IPv4 in [0] */
	bool link;			   /* the following are known */
	__u8 source_mac[6], destination_mac[6];
};

/* explain_place.assumed: what was not said */
#define EXPLAIN_ASSUMED_DIRECTION 0x01
#define EXPLAIN_ASSUMED_INTERFACE 0x02
#define EXPLAIN_ASSUMED_RECEIVE 0x04

struct explain_place {
	bool input;
	int interface; /* ifindex that the packet comes in or goes out by */
	int receive;   /* on output: that it came in by, 0: this machine sends it. On input the same as `interface` */
	char name[INTERFACE_NAME_MAX], receive_name[INTERFACE_NAME_MAX]; /* of both; "" for none */
	unsigned int assumed;						 /* EXPLAIN_ASSUMED_* */
	bool ethernet;							 /* frames have an Ethernet header here */
	__u8 mac[6];							 /* link address of the interface */
	bool broadcast;	   /* the destination is an IPv4 broadcast address here */
	const char *hook;  /* which programs run here, in words; "-": none */
	__u32 fib;	   /* that the packet brings along from the rules on input; the caller may set it, */
	const __u16 *tags; /* and these */
	size_t tag_count;
	char unfiltered[80]; /* why no packet meets the rules here; "": they do */
};

/* What a rule took out of a table (tablearg). */
struct explain_value {
	unsigned int kind; /* enum table_value; TABLE_VALUE_ANY: no more values */
	__u32 value;
};

#define EXPLAIN_VALUES 4

struct explain_match {
	const struct rule *rule;		     /* owned by the firewall */
	bool layer2;				     /* it saw the frame at layer 2 (net.link.ether.ipfw) */
	struct explain_value values[EXPLAIN_VALUES]; /* each kind that the rule takes, once */
};

/* What became of a packet. */
struct explain_answer {
	bool passes;			     /* it would go on, rather than be dropped */
	bool decided;			     /* by the rule that matched last */
	const char *reason;		     /* if not decided: why not, in words */
	bool answered;			     /* `frame` is what would be sent in answer */
	const struct explain_match *matches; /* in order, as far as they are known; until the next call */
	size_t match_count;
	size_t unknown; /* matches between the last but one and the last that there was no room for */
	__u8 *frame;	/* the packet as it would go on, or the answer; as long as `matches` */
	size_t length;
	struct packet packet; /* as the rules left it */
	__u32 fib, mark;      /* that the rules gave to it */
	const __u16 *tags;    /* likewise, ascending */
	size_t tag_count;
};

/*
 * Finds the place that *wish describes. Reads the interfaces on the first call, and keeps other processes from
 * explaining until firewall_close(). Returns 0, or -1 with *error set (EX_UNAVAILABLE: there is no such interface).
 */
int firewall_explain_place(struct firewall *firewall, const struct explain_wish *wish, struct explain_place *place,
			   struct error *error);

/*
 * Runs the loaded programs on a packet at a place that is not `unfiltered`, without sending, counting or keeping
 * anything. `frame` begins with an Ethernet header if place->ethernet, else with the IP header. Works as well while the
 * firewall is disabled. Returns 0, or -1 with *error set if the kernel cannot be asked about such a frame.
 */
int firewall_explain(struct firewall *firewall, const struct explain_place *place, const __u8 *frame, size_t length,
		     struct explain_answer *answer, struct error *error);

/* Whether packets are filtered at all: `disable firewall` has not been said. */
bool firewall_enabled(const struct firewall *firewall);

/*
 * Prints `ipfw-bpf status`: interfaces, hooks, modes and why, generation, programs, maps, features; if `verbose` also
 * what became of the rules.
 */
int firewall_status(struct firewall *firewall, bool verbose, FILE *out, struct error *error);

#endif
