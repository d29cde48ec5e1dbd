/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rule IR: one contiguous, position-independent block per rule, holding all that the canonical
 * listing and the compiler need. The parser writes it, the store keeps it byte for byte in pinned
 * maps, the printer and the compiler read it. Everything is in host byte order except addresses.
 *
 *   struct rule | option | option | ... | struct action
 *
 * Options stand in source order; each is 8-byte aligned and a multiple of 8 bytes long.
 */
#ifndef IPFW_RULE_H
#define IPFW_RULE_H

#ifndef __bpf__
#include <linux/types.h>
#endif
#include <stdbool.h>
#include <stddef.h>

#include "ipfw/limits.h"

enum option_code {
#define OPTION(code, ...) OPTION_##code,
#include "ipfw/options.def"
#undef OPTION
	OPTION_CODES
};

enum action_code {
#define ACTION(code, ...) ACTION_##code,
#include "ipfw/actions.def"
#undef ACTION
	ACTION_CODES
};

/* Shape of an option's payload; which member of struct option's union is in use. */
enum argument_kind {
	ARGUMENT_NONE,
	ARGUMENT_NUMBER,      /* u.number */
	ARGUMENT_ADDRESS4,    /* u.address4[]: any of them matches */
	ARGUMENT_ADDRESS6,    /* u.address6[]: any of them matches */
	ARGUMENT_ADDRESS_SET, /* u.address_set */
	ARGUMENT_RANGES,      /* u.range[]: any of them matches */
	ARGUMENT_INTERFACE,   /* u.interface */
	ARGUMENT_FLAGS,	      /* u.flags */
	ARGUMENT_BITMAP,      /* u.bitmap */
	ARGUMENT_TEXT,	      /* u.text */
	ARGUMENT_NUMBERS,     /* u.number32[]: any of them matches */
	ARGUMENT_MAC,	      /* u.mac */
	ARGUMENT_MASKED,      /* u.masked */
	ARGUMENT_LOG,	      /* u.log */
	ARGUMENT_TABLE,	      /* u.table */
	ARGUMENT_LOOKUP,      /* u.lookup */
	ARGUMENT_LIMIT,	      /* u.limit */
};

/* Shape of an action's argument: where it is, and what stands behind struct action. */
enum action_argument {
	ACTION_ARGUMENT_NONE,
	ACTION_ARGUMENT_RULE,	 /* argument: a rule's number */
	ACTION_ARGUMENT_CODE4,	 /* argument: an ICMP code */
	ACTION_ARGUMENT_CODE6,	 /* argument: an ICMPv6 code */
	ACTION_ARGUMENT_RETURN,	 /* argument: enum return_to */
	ACTION_ARGUMENT_DSCP,	 /* argument: 0 to 63 */
	ACTION_ARGUMENT_FIB,	 /* argument: a routing table */
	ACTION_ARGUMENT_MSS,	 /* argument: bytes */
	ACTION_ARGUMENT_MARK,	 /* argument: 32 bits */
	ACTION_ARGUMENT_NUMBER,	 /* argument: of a pipe, queue or hook, 1 to 65534 */
	ACTION_ARGUMENT_PORT,	 /* argument: of a divert socket, 1 to 65534 */
	ACTION_ARGUMENT_NAT,	 /* argument: a NAT instance; or ACTION_GLOBAL */
	ACTION_ARGUMENT_FORWARD, /* action_forward() */
	ACTION_ARGUMENT_STATE,	 /* action_text(): a name, or STATE_NAME_ANY */
	ACTION_ARGUMENT_NAME,	 /* action_text() */
	ACTION_ARGUMENT_NAMES,	 /* action_text(), then a second text */
};

/* Where the canonical listing puts an option (ipfw-facts 2.1). */
enum option_place {
	PLACE_HEAD,	/* before the action: prob */
	PLACE_MODIFIER, /* after the action: log, tag, altq */
	PLACE_PROTOCOL,
	PLACE_SOURCE,
	PLACE_SOURCE_PORT,
	PLACE_DESTINATION,
	PLACE_DESTINATION_PORT,
	PLACE_BODY,
	PLACE_COMMENT,
};

#define OPTION_NOT 0x01	     /* the test is inverted */
#define OPTION_OR 0x02	     /* alternative to the next option: `{ this or next }` */
#define OPTION_TABLEARG 0x04 /* the argument is the value that a table gave */

struct address4 {
	__u32 address; /* network order, already masked */
	__u32 mask;    /* network order; may be non-contiguous */
};

struct address6 {
	__u8 address[16]; /* already masked */
	__u8 mask[16];	  /* may be non-contiguous */
};

#define ADDRESS_SET_PREFIX_MIN 24
#define ADDRESS_SET_PREFIX_MAX 31

struct address_set {
	__u32 base;	     /* host order, lowest address that the bitmap can hold: bit 0 */
	__u32 prefix_length; /* ADDRESS_SET_PREFIX_MIN..MAX, as written */
	__u32 member[8];     /* bit n of word n / 32: base + n is in the set */
};

struct range16 {
	__u16 low, high; /* inclusive, host order */
};

/* `via any` and its kin are no test at all: ipfw drops them when it parses them. */
enum interface_kind {
	INTERFACE_NAME,	   /* exactly this name */
	INTERFACE_PATTERN, /* fnmatch(3) pattern with * ? [] */
	INTERFACE_ADDRESS, /* an interface that has this IPv4 address */
};

struct interface_match {
	__u32 kind;		       /* enum interface_kind */
	__u32 address;		       /* network order, INTERFACE_ADDRESS only */
	char name[INTERFACE_NAME_MAX]; /* NUL-terminated */
};

struct mac_match {
	__u8 destination[6], destination_mask[6]; /* the address already masked */
	__u8 source[6], source_mask[6];		  /* likewise */
};

struct masked_number {
	__u32 value, mask; /* matches if (number & mask) == value; value already masked */
};

/* `prob 1`: the unit of OPTION_PROBABILITY, which 31 random bits are compared with. */
#define PROBABILITY_ONE 0x7fffffff

#define LOG_DEFAULT_LIMIT 0xffffffffu /* no `logamount': to become net.inet.ip.fw.verbose_limit when it is added */

struct log_settings {
	__u32 limit;	    /* records until `resetlog', 0: no limit */
	__u32 destinations; /* `logdst', LOG_TO_* joined by or; 0: not given */
};
#define LOG_TO_SYSLOG 0x01
#define LOG_TO_BPF 0x02
#define LOG_TO_ROUTE_SOCKET 0x04

/* What an entry of a table must hold besides being there. */
enum table_value {
	TABLE_VALUE_ANY, /* nothing */
	TABLE_VALUE_TAG, /* also the one that is meant when none is named */
	TABLE_VALUE_SKIPTO,
	TABLE_VALUE_PIPE,
	TABLE_VALUE_FIB,
	TABLE_VALUE_NAT,
	TABLE_VALUE_DSCP,
	TABLE_VALUE_DIVERT,
	TABLE_VALUE_NETGRAPH,
	TABLE_VALUE_LIMIT,
	TABLE_VALUE_IPV4,
	TABLE_VALUE_MARK,
	TABLE_VALUES
};
_Static_assert(TABLE_VALUES == TABLE_NUMBERS, "entries of tables have room for each kind of value");

struct table_match {
	__u32 value;	  /* host order, also of an address */
	__u8 value_type;  /* enum table_value */
	__u8 flow_fields; /* FLOW_* (maps/layout.h) of the table, for `flow`; 0 until it is installed */
	__u16 index;	  /* of the table; 0 until the rule is installed */
	char name[8];	  /* of the table; NUL-terminated */
};

/* What `lookup' asks a table for. */
enum lookup_key {
	LOOKUP_DESTINATION_IP,
	LOOKUP_SOURCE_IP,
	LOOKUP_DESTINATION_PORT,
	LOOKUP_SOURCE_PORT,
	LOOKUP_UID,
	LOOKUP_JAIL,
	LOOKUP_DSCP,
	LOOKUP_DESTINATION_MAC,
	LOOKUP_SOURCE_MAC,
	LOOKUP_MARK,
	LOOKUP_RULE_NUMBER,
	LOOKUP_DESTINATION_IP4,
	LOOKUP_SOURCE_IP4,
	LOOKUP_DESTINATION_IP6,
	LOOKUP_SOURCE_IP6,
	LOOKUP_KEYS
};

struct lookup_match {
	__u8 key;    /* enum lookup_key */
	__u8 masked; /* 1: only the bits of `mask` are looked up */
	__u16 index; /* of the table; 0 until the rule is installed */
	__u32 reserved;
	__u8 mask[16]; /* as the key is on the wire; of numbers the first four bytes, host order */
	char name[8];  /* of the table; NUL-terminated */
};

struct state_limit {
	__u32 connections; /* unless OPTION_TABLEARG */
	__u16 fields;	   /* LIMIT_*: connections are counted that agree in these */
	__u16 reserved;
	char name[8]; /* of the state; NUL-terminated */
};
#define LIMIT_SOURCE_ADDRESS 0x01
#define LIMIT_SOURCE_PORT 0x02
#define LIMIT_DESTINATION_ADDRESS 0x04
#define LIMIT_DESTINATION_PORT 0x08

struct option {
	__u16 code;  /* enum option_code */
	__u8 flags;  /* OPTION_NOT, OPTION_OR */
	__u8 form;   /* how it was written, where the listing depends on it; private to ipfw-compat */
	__u16 count; /* number of array elements in use, 0 for scalar payloads */
	__u16 size;  /* bytes from here to the next option: a multiple of 8 */
	union {
		__u64 number;
		struct address4 address4[1];
		struct address6 address6[1];
		struct address_set address_set;
		struct range16 range[1];
		__u32 number32[1];
		struct interface_match interface;
		struct {
			__u8 set, clear; /* all of `set` must be on, all of `clear` off */
		} flags_test;
		__u32 bitmap[8]; /* bit n of word n / 32: value n matches */
		char text[8];	 /* NUL-terminated */
		struct mac_match mac;
		struct masked_number masked;
		struct log_settings log;
		struct table_match table;
		struct lookup_match lookup;
		struct state_limit limit;
	} u;
};

/* The action record that ends a rule. What its argument needs more room for stands behind it (enum action_argument). */
struct action {
	__u16 code;	/* enum action_code */
	__u16 form;	/* private to ipfw-compat */
	__u16 size;	/* bytes, a multiple of 8 */
	__u16 extra;	/* needfrag MTU for `unreach needfrag MTU`, else 0 */
	__u32 argument; /* rule number, ICMP or ICMPv6 code, DSCP, routing table, MSS, mark, enum return_to */
	__u32 flags;	/* ACTION_* */
};

#define STATE_NAME_ANY "any" /* of `check-state': all states; none can have this name */

#define ACTION_TABLEARG 0x01 /* the argument is the value that a table gave */
#define ACTION_GLOBAL 0x02   /* `nat global' */

/* Where `fwd` sends a packet. */
struct forward {
	__u8 address[16]; /* network order; an IPv4 address is in the first four bytes */
	__u16 family;	  /* 4 or 6 */
	__u16 port;	  /* 0: the packet's own */
	__u32 reserved;
	char interface[INTERFACE_NAME_MAX]; /* that a link-local address is on, or ""; NUL-terminated */
};

/* Where `return` goes on: behind the last rule with the caller's number, or at the rule behind the caller. */
enum return_to { RETURN_TO_NEXT_NUMBER, RETURN_TO_NEXT_RULE };

#define RULE_JUST_OPTIONS 0x01 /* entered without `from ... to`; private to ipfw-compat */
#define RULE_NO_ADDRESSES 0x02 /* entered with `from any to any`; private to ipfw-compat */
#define RULE_OPEN_BLOCK 0x04   /* an `or` behind the last option that nothing followed; private to ipfw-compat */
#define RULE_GONE 0x08	       /* deleted, but its states live on (net.inet.ip.fw.dyn_keep_states): matches no packet */

struct rule {
	__u32 size;	    /* bytes of the whole block, a multiple of 8 */
	__u16 number;	    /* 1..65535 */
	__u8 set;	    /* 0..31 */
	__u8 flags;	    /* RULE_* */
	__u32 slot;	    /* counter slot: the rule's identity while it lives */
	__u16 options_size; /* bytes of options between this header and the action */
	__u16 option_count;
	struct option options[];
};

/*
 * A ruleset in evaluation order; owns its rules: those that lie in `block`, which a copy of another ruleset or one read
 * from the kernel begins with, and others, each malloc'ed. The last is 65535.
 */
struct ruleset {
	struct rule **rules;
	size_t count;
	size_t capacity;
	char *block;
	size_t block_used, block_size; /* bytes */
	__u32 disabled_sets;	       /* bit n: set n is disabled */
	__u16 tags[TAGS_MAX];	       /* the number of the tag that each bit of packet.tags stands for, 0: free */
	__u32 switches;		       /* RULESET_*: which packets meet it, and who forwards them */
	bool linear;		       /* it is to become straight-line code (--no-optimize); not stored */
};

#define RULESET_WITHOUT_IP4 0x01				 /* IPv4 packets pass (net.inet.ip.fw.enable=0) */
#define RULESET_WITHOUT_IP6 0x02				 /* IPv6 packets pass (net.inet6.ip6.fw.enable=0) */
#define RULESET_WITH_LAYER2 0x04				 /* frames meet it, too (net.link.ether.ipfw=1) */
#define RULESET_NONE (RULESET_WITHOUT_IP4 | RULESET_WITHOUT_IP6) /* all packets pass: `disable firewall' */
#define RULESET_FORWARD_TOLD                                                                                           \
	0x08 /* XDP forwards, by interfaces that the kernel calls able (net.inet.ip.fastforwarding=1) */
#define RULESET_FORWARD_ANY 0x10 /* likewise, by all that have XDP in the driver (=2) */
#define RULESET_FORWARD (RULESET_FORWARD_TOLD | RULESET_FORWARD_ANY)

/* Whether no packet meets a ruleset with these switches. */
static inline bool ruleset_off(__u32 switches)
{
	return (switches & ~RULESET_FORWARD) == RULESET_NONE;
}

/* First option of `rule`, or NULL when it has none. */
static inline const struct option *rule_first_option(const struct rule *rule)
{
	return rule->options_size ? rule->options : NULL;
}

/* The option after `option` in `rule`, or NULL at the end. */
static inline const struct option *rule_next_option(const struct rule *rule, const struct option *option)
{
	const char *end = (const char *)rule->options + rule->options_size;
	const char *next = (const char *)option + option->size;

	return next < end ? (const struct option *)next : NULL;
}

/* The action record of `rule`. */
static inline const struct action *rule_action(const struct rule *rule)
{
	return (const struct action *)((const char *)rule->options + rule->options_size);
}

/* The first option of `rule` with this code, or NULL. */
const struct option *rule_find_option(const struct rule *rule, unsigned int code);
/* The option by which `rule` makes states (keep-state, limit and their kin), or NULL; and its flow name. */
const struct option *rule_state_option(const struct rule *rule);
const char *state_option_name(const struct option *option);
/* Whether any rule makes states. */
bool ruleset_makes_states(const struct ruleset *ruleset);
/* How many rules there are, those that are gone (RULE_GONE) left out. */
size_t ruleset_present(const struct ruleset *ruleset);
/* What kind of value (enum table_value) an option or action takes out of a table, TABLE_VALUE_ANY: none. */
unsigned int option_table_value(const struct option *option);
unsigned int action_table_value(const struct action *action);
/* Whether the rule takes anything out of a table, and whether one of its options gives it such a value. */
bool rule_takes_value(const struct rule *rule);
bool option_gives_value(const struct option *option);
bool rule_gives_value(const struct rule *rule);
/* What stands behind `action` of a well-formed rule, if its argument is of that shape. */
const struct forward *action_forward(const struct action *action);
const char *action_text(const struct action *action);

#define RULE_FOR_EACH_OPTION(option, rule)                                                                             \
	for (const struct option *option = rule_first_option(rule); option; option = rule_next_option(rule, option))

/*
 * Whether a block of `size` bytes is a well-formed rule: sizes nest, codes are known, counts fit,
 * names are names, texts end. Used on everything read back from the kernel before it is trusted.
 */
bool rule_valid(const struct rule *rule, size_t size);

/* A malloc'ed copy of `rule`, or NULL when memory is out. */
struct rule *rule_clone(const struct rule *rule);

/* Frees the rules and the array; *ruleset is empty afterwards. */
void ruleset_free(struct ruleset *ruleset);
/*
 * Inserts `rule`, which the ruleset owns from then on, behind the last rule whose number is not
 * higher (so that equal numbers keep their order). Returns 0 or -ENOMEM (the caller still owns it).
 */
int ruleset_insert(struct ruleset *ruleset, struct rule *rule);
/* Removes and frees the rule at `index`. */
void ruleset_remove(struct ruleset *ruleset, size_t index);
/* Makes the rule at `index` a malloc'ed one, which another ruleset can take over. Returns 0, or -ENOMEM: as before. */
int ruleset_detach(struct ruleset *ruleset, size_t index);
/* Gives an empty ruleset room for `count` rules of `bytes` together. Returns 0 or -ENOMEM: still empty. */
int ruleset_reserve(struct ruleset *ruleset, size_t count, size_t bytes);
/*
 * Appends `size` bytes, of those reserved, for a rule that the caller fills in. Returns NULL if the reserve does not
 * suffice.
 */
struct rule *ruleset_append(struct ruleset *ruleset, size_t size);
/* Deep copy. Returns 0 or -ENOMEM with *copy empty. */
int ruleset_clone(struct ruleset *copy, const struct ruleset *ruleset);
/*
 * Index of the first rule whose number is >= `number` (ruleset->count when there is none):
 * binary search, the order of evaluation is the order of numbers.
 */
size_t ruleset_find(const struct ruleset *ruleset, unsigned int number);

#endif
