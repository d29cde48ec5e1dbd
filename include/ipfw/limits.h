/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers that the language, the compiler and the BPF programs must agree on. */
#ifndef IPFW_LIMITS_H
#define IPFW_LIMITS_H

#define RULE_NUMBER_DEFAULT 65535 /* the rule that always exists (ipfw(8), DESCRIPTION) */
#define RULE_NUMBER_STEP 100	  /* net.inet.ip.fw.autoinc_step */
#define RULE_SETS 32
#define RULE_SET_DEFAULT 31 /* never disabled, survives flush (ipfw(8), SETS OF RULES) */
#define COMMENT_MAX 80
#define INTERFACE_NAME_MAX 16 /* IFNAMSIZ */
#define HOST_NAME_MAX_IPFW 256
#define OBJECT_NAME_MAX 64 /* bytes of the name of a table, state or instance, with its NUL */
#define TABLES_MAX 4096	   /* look-up tables, and one more: index 0 is none */
#define TABLE_NUMBERS 12   /* enum table_value of rule.h */
#define ROUTING_TABLES 16  /* net.fibs: `fib' and `setfib' take 0 to one less */

/*
 * Counters live in three per-CPU arrays so that the store can grow by a factor of eight without
 * ever moving a counter that packets are updating: slots [0, 1024), [1024, 9216), [9216, 140288).
 */
#define COUNTER_BANKS 3
#define COUNTER_BANK0_SLOTS 1024
#define COUNTER_BANK1_SLOTS 8192
#define COUNTER_BANK2_SLOTS 131072
#define COUNTER_GROUP_SLOTS 256 /* in one element of these arrays */
#define COUNTER_SLOTS (COUNTER_BANK0_SLOTS + COUNTER_BANK1_SLOTS + COUNTER_BANK2_SLOTS)
#define COUNTER_SLOT_DEFAULT 0 /* the slot of rule 65535 */

#define CALL_DEPTH_MAX 16 /* calls that have not returned (ipfw(8), call); a power of two */
#define CALLS_MAX 128	  /* calls, returns and states of one packet in one pass; beyond it is dropped (DROP_BOUND) */
#define TAGS_MAX 64	  /* different tags in a ruleset: bits of packet.tags */

#define KEEPALIVE_PERIOD 5    /* seconds between keepalives of a state; fin and rst lifetimes are shorter */
#define KEEPALIVE_INTERVAL 20 /* the last seconds of a state's life, in which keepalives are sent */

/* Rules per generated BPF function: the verifier walks each global function once, by itself. */
#define RULES_PER_FUNCTION 500

#endif
