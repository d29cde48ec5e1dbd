/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Key and value of every pinned map, read by the BPF programs and by userland. BTF of these
 * structs is what `bpftool map dump` prints, so fields have full names and no hidden padding.
 *
 * Lasting maps live as long as the firewall: control, counters_*, drops, hooks, vlans, trace, fast_forward,
 * log_records, log_counts, log_losses, tables, table_*, states4, states6, state_parents, their state_*_*,
 * state_totals, state_sweep, state_owners, xdp_programs, tc_programs. Generation maps are rebuilt by every commit and
 * belong to one generation: ruleset, stretches, interfaces, local_addresses, routes, state_rules. "handover" comes and
 * goes with the slow parsers, since only programs of one version of the tool can share it.
 */
#ifndef MAPS_LAYOUT_H
#define MAPS_LAYOUT_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#include "ipfw/limits.h"
#include "ipfw/log_record.h"
#include "ipfw/packet.h"

#define MAPS_LAYOUT_VERSION 13

/* "control", ARRAY[1], BPF_F_MMAPABLE: the words that all hooks read. The first three stay where they are in every
 * layout. */
struct control {
	__u32 generation;	       /* even or odd picks the slots; one aligned store commits a ruleset */
	__u32 enabled;		       /* 0: every packet passes uncounted (`disable firewall`) */
	__u32 version;		       /* MAPS_LAYOUT_VERSION of the tool that made the maps */
	__u32 reply_mark;	       /* random: skb->mark of packets the firewall itself sends */
	__u8 reply_mac[6];	       /* random, locally administered: source of replies fed back to the stack */
	__u16 unvalidated;	       /* 1: take malformed headers to the rules, as ipfw_chk does; recordings only */
	__u32 default_accept;	       /* 1: rule 65535 is allow (net.inet.ip.fw.default_to_accept) */
	__u32 number_step;	       /* net.inet.ip.fw.autoinc_step */
	__u32 one_pass;		       /* net.inet.ip.fw.one_pass */
	__u32 verbose;		       /* net.inet.ip.fw.verbose */
	__u32 verbose_limit;	       /* net.inet.ip.fw.verbose_limit */
	__u32 debug;		       /* net.inet.ip.fw.debug */
	__u32 deny_unknown_extensions; /* net.inet6.ip6.fw.deny_unknown_exthdrs */
	__u32 permit_single_fragments; /* net.inet6.ip6.fw.permit_single_frag6 */
	__u32 xdp_entry_kind;	       /* enum xdp_entry_kind: which programs the array xdp_programs accepts */
	__u32 next_slot;	       /* where the search for a free counter slot goes on */
	__u64 namespace_inode;	       /* inode of the network namespace, for the garbage collector */
	__u32 start_switches;	       /* RULESET_* (ipfw/rule.h) that the first ruleset is to have */
	__u32 kept_checksum;	       /* CRC-32 of the object files of what commits take over from one another */
	__u32 dyn_max;		       /* net.inet.ip.fw.dyn_max and its kin; lifetimes are in seconds */
	__u32 dyn_parent_max;
	__u32 dyn_ack_lifetime;
	__u32 dyn_syn_lifetime;
	__u32 dyn_fin_lifetime;
	__u32 dyn_rst_lifetime;
	__u32 dyn_udp_lifetime;
	__u32 dyn_short_lifetime;
	__u32 dyn_keepalive;
	__u32 dyn_keep_states;
	__u32 dyn_buckets;
	__u32 tables_max;	  /* net.inet.ip.fw.tables_max */
	__u32 tables_sets;	  /* net.inet.ip.fw.tables_sets */
	__u32 jiffies_per_second; /* the unit of state.expire */
	__u32 sweep_checksum;	  /* CRC-32 of the object file of the sweep that works on these maps; 0: none does */
	__u32 states_clock;	  /* not 0: the time that states live by, in place of jiffies; recordings only */
};

/*
 * How libxdp attached the XDP entries: the kernel lets a program array hold either programs of type XDP
 * (expected_attach_type BPF_XDP) or those that fit an extension program (0), never both.
 */
enum xdp_entry_kind {
	XDP_ENTRY_UNKNOWN,    /* none attached yet */
	XDP_ENTRY_DIRECT,     /* the entry is the interface's program */
	XDP_ENTRY_DISPATCHED, /* the entry runs under libxdp's dispatcher */
};

struct rule_counter {
	__u64 packets;	  /* wire packets */
	__u64 bytes;	  /* their IP lengths */
	__u64 last_match; /* jiffies64 of the last match, 0: never */
};

/*
 * "counters_0", "counters_1", "counters_2", PERCPU_ARRAY[COUNTER_BANKn_SLOTS / COUNTER_GROUP_SLOTS], by counter slot.
 * Many counters are one element, since the kernel looks up the place of each element in memory, which for thousands of
 * them is in no cache. Only packets write them: they start from what "counter_zeros" says.
 */
struct counter_group {
	struct rule_counter counters[COUNTER_GROUP_SLOTS];
};

/*
 * "counter_zeros_0", "counter_zeros_1", "counter_zeros_2", ARRAY[COUNTER_BANKn_SLOTS], by counter slot; no program
 * reads it: the sums over all CPUs when the counter was last set to zero.
 */
struct counter_zero {
	__u64 packets, bytes;
};

/* "drops", PERCPU_ARRAY[DROP_REASON_COUNT], by enum drop_reason. */
struct drop_counter {
	__u64 packets;
	__u64 bytes;
};

/* "log_records", RINGBUF[LOG_RING_BYTES]: struct log_record (include/ipfw/log_record.h). One reader at a time. */

/* "log_counts", ARRAY[COUNTER_SLOTS], by counter slot; one element only until a rule has `log`. */
struct log_count {
	__u64 records; /* written since the count was reset, as far as the rule has a limit; lost ones included */
};

/* "log_losses", PERCPU_ARRAY[1]. */
struct log_loss {
	__u64 records; /* that the ring had no room for */
};

#define INTERFACE_KNOWN 0x01	   /* this slot describes an interface */
#define INTERFACE_REPLY_BY_TC 0x02 /* XDP_TX is unreliable here (veth): the TC program sends replies */
#define INTERFACE_LOOPBACK 0x04
#define INTERFACE_RULES_AT_TC 0x08    /* no XDP here: the TC ingress program runs the rules */
#define INTERFACE_POINT_TO_POINT 0x10 /* no broadcast, no link addresses */

/* interface_entry.forward; 0: XDP forwards nothing */
#define FORWARD_FROM 0x01	   /* XDP may forward what comes in by it */
#define FORWARD_TO 0x02		   /* XDP may send by it what it forwards */
#define FORWARD_SOURCE_STRICT 0x04 /* rp_filter=1: forwarded packets come in by the way back to their source */
#define FORWARD_SOURCE_LOOSE 0x08  /* rp_filter=2: there is such a way */

/* "interfaces", ARRAY[highest ifindex + 1], by ifindex. */
struct interface_entry {
	__u8 mac[6];	      /* link address, zeros when there is none */
	__u8 link_header;     /* bytes in front of the IP header: 14 for Ethernet, 0 for tun and ppp */
	__u8 flags;	      /* INTERFACE_* */
	__u32 mtu;	      /* bytes */
	__u32 address4;	      /* primary IPv4 address, network order, 0: none; source of ICMP replies */
	__u32 address6[4];    /* first global IPv6 address, or zeros */
	__u32 link_local6[4]; /* link-local IPv6 address, or zeros */
	__u32 generation;     /* that the map belongs to */
	__u32 forward;	      /* FORWARD_* */
};

/*
 * "handover", PERCPU_ARRAY[HANDOVERS]: the packet that a rules program gives to the slow parser and gets back, by tail
 * calls, which keep nothing else. Nothing runs in between on the same CPU, except while a frame is traced: traced ones
 * have an element to themselves. `generation` tells the asker its own answer from one that another generation never
 * fetched.
 */
#define HANDOVER_NETWORK 0
#define HANDOVER_TRACED 1
#define HANDOVERS 2
struct handover {
	__u32 generation;		  /* of the rules program that asks */
	__u32 needs;			  /* its PACKET_NEEDS_* and PACKET_WITHOUT_* */
	__u32 answered;			  /* 1: the packet is complete; whoever takes it writes 0 */
	struct interface_entry interface; /* that the frame came in by or is to leave by */
	struct packet packet;		  /* asked with nothing but its interfaces */
};

/*
 * "fast_forward", PERCPU_ARRAY[1]: where the packet goes that the rules program for incoming packets has just given to
 * the one for outgoing packets, by tail call. Nothing runs in between on the same CPU.
 */
#define FAST_FORWARD_HOPS 256
struct fast_forward {
	__u32 interface;	 /* ifindex that it leaves by */
	__u8 sender_mac[6];	 /* of whom it came from */
	__u8 destination_mac[6]; /* of the next hop */
	__u8 source_mac[6];	 /* of the interface */
	__u8 reserved[2];
	__u32 shown[FAST_FORWARD_HOPS]; /* by next hop: jiffies at which a packet for it last went by the stack */
};

/* "local_addresses", HASH: the addresses that `me` means. */
struct local_address_key {
	__u32 family;	  /* 4 or 6 */
	__u32 address[4]; /* network order; IPv4 in [0] */
};
struct local_address {
	__u32 interface; /* ifindex that carries it */
};

#define ROUTE_INTERFACES 8

/*
 * "routes", LPM_TRIE: the routing tables local and main, and the networks that interfaces have addresses in. Empty
 * unless some rule asks for routes.
 */
struct route_key {
	__u32 bits;	  /* of what follows: ROUTE_KEY_BITS */
	__u32 space;	  /* ROUTE_SPACE */
	__u32 address[4]; /* network order; IPv4 in [0] */
};
#define ROUTE_KEY_BITS(prefix_length) (32u + (prefix_length))
#define ROUTE_SPACE(family, networks) ((family) | ((networks) ? 0x100u : 0)) /* networks: those of interfaces */

enum route_kind {
	ROUTE_REJECT,  /* packets end there: blackhole, unreachable, prohibit, throw */
	ROUTE_DEFAULT, /* for all that has no other route */
	ROUTE_NETWORK, /* any other, also the networks of interfaces */
	ROUTE_LOCAL,   /* an address of this machine */
};

struct route {
	__u32 kind;			    /* enum route_kind */
	__u32 interfaces[ROUTE_INTERFACES]; /* ifindexes of next hops, each once, 0: no more */
};

/* "vlans", HASH: VLAN devices, whose frames are filtered there and not on the parent. */
struct vlan_key {
	__u32 parent; /* ifindex */
	__u32 id;     /* VLAN id */
};
struct vlan_device {
	__u32 interface; /* ifindex of the VLAN device */
};

/*
 * "ruleset", ARRAY, BPF_F_MMAPABLE: STORED_HEAD_ELEMENTS of number 0, whose bytes hold a struct stored_ruleset and a
 * struct stored_tags; behind them the rules in evaluation order. A rule whose block does not fit into one element
 * continues in the following ones.
 */
#define STORED_HEAD_ELEMENTS 2
#define STORED_RULE_BYTES 128
struct stored_rule {
	__u16 number;
	__u8 set;
	__u8 part; /* 0: first element of this rule, 1..: continuation */
	__u32 slot;
	__u32 size; /* bytes of the whole rule block */
	__u32 reserved;
	__u8 bytes[STORED_RULE_BYTES]; /* piece of struct rule (include/ipfw/rule.h) */
};
struct stored_ruleset {
	__u32 rules;	     /* number of rules that follow */
	__u32 elements;	     /* number of elements in use, those of the head included */
	__u32 disabled_sets; /* bit n: set n is disabled */
	__u32 switches;	     /* RULESET_* (ipfw/rule.h) */
	__u32 checksum[2];   /* of all above and of the elements behind: low half, high half */
};
struct stored_tags {
	__u16 numbers[TAGS_MAX]; /* of the tags that the bits of packet.tags stand for, 0: free */
};

/*
 * Dynamic rules (ipfw(8), STATEFUL FIREWALL). A flow has one entry for both directions: the key holds its two ends in
 * ascending order, by address, then by port. There is a map for each family, a table that is addressed by the flow's
 * hash and little more than half full. All told a state takes 120 bytes of an IPv4 flow and 150 of an IPv6 one.
 *
 * The identity of the rule that made a state is its counter slot and the generation in which it got that slot. The
 * generation map "state_rules" says which identities are in force; a state of any other rule is none.
 */
#define STATE_RULE(slot, generation) ((slot) | (generation) << 18)
#define STATE_RULE_SLOT(rule) ((rule)&0x3ffff)

/* Names of flows are numbers: bits 0..15 of what state_name_number() (loader/compile/states.h) makes of them. */
#define STATE_NAME_NUMBER_ANY 0

/* Addresses in network order, ports in host order; 0 for what has no ports. */
struct state4_key {
	__u32 address[2];
	__u16 port[2];
	__u16 name; /* number of the flow's name */
	__u8 protocol;
	__u8 used; /* STATE_KEY_* */
};

struct state6_address {
	__u32 word[4];
};
struct state6_key {
	struct state6_address address[2];
	__u16 port[2];
	__u32 zone; /* ifindex if an address is link-local, else 0 */
	__u16 name;
	__u8 protocol;
	__u8 used;
};
/* The word of name, protocol and `used` is 0 in a cell that nobody has; whoever changes it from 0 has the cell. */
#define STATE_KEY_TAKEN 0x80 /* being filled in: no flow's */
#define STATE_KEY_FLOW 1     /* the flow's; so in a key that is looked for */

/* Forward is the direction of the packet that made the state. */
struct state {
	__u64 bytes;   /* of IP packets, both directions */
	__u32 packets; /* wire packets, both directions */
	__u32 rule;    /* STATE_RULE() of the rule that made it; 0: nobody's, being removed or made anew */
	__u32 expire;  /* low half of the jiffies64 at which it is dead, or of control.states_clock */
	__u32 ack[2];  /* last TCP acknowledgment that moved on: forward, backward; 0: none */
	__u32 flags;   /* STATE_* */
};

#define STATE_TCP_FLAGS 0x07	   /* FIN, SYN, RST as TCP has them, seen forward */
#define STATE_BACKWARD_SHIFT 3	   /* likewise backward */
#define STATE_ACK_FORWARD 0x40	   /* an acknowledgment moved on; which of these counts is turned by each refresh */
#define STATE_ACK_BACKWARD 0x80	   /* likewise */
#define STATE_SOURCE_SECOND 0x0100 /* forward is from the second end of the key to the first */
#define STATE_LIMITED 0x0200	   /* made by limit: counted by its parent */
#define STATE_LIMIT_SHIFT 10	   /* LIMIT_* (ipfw/rule.h), the fields of the parent's key, in bits 10..13 */
#define STATE_LIMIT_MASK 0x0f	   /* of what is there */
#define STATE_KILLED 0x4000	   /* dead, whatever `expire` says */
#define STATE_SEQUENCE_SHIFT 16	   /* in which order states were made, modulo 65536 */

/*
 * "states4" and "states6", ARRAY, BPF_F_MMAPABLE, which puts the first element at the beginning of a page: a struct
 * state_head, and behind it groups of cells. The flow's hash (bpf/state_table.h) tells the cell in which its state has
 * its home; if that is taken the state is in another one of the group, or in one of the next groups. Groups are whole
 * lines of the cache, an IPv4 cell is one. Cells have numbers, those of each group in a row. A cell whose state.rule is
 * 0 is free, or about to be given back, or made anew.
 */
#define STATE_GROUP_CELLS 4
#define STATE_GROUP_STEPS 256 /* a state is in one of so many groups */
struct state4_cell {
	struct state state;
	struct state4_key key;
	__u32 passed; /* STATE_ELSEWHERE, STATE_BEYOND, STATE_HELD */
	__u32 reserved[3];
};
struct state4_group {
	struct state4_cell cells[STATE_GROUP_CELLS];
};
struct state6_cell {
	struct state state;
	struct state6_key key;
	__u32 passed;
};
struct state6_group {
	struct state6_cell cells[STATE_GROUP_CELLS];
};
#define STATE_ELSEWHERE 0xffff /* so many states have their home here and are in other cells */
#define STATE_ELSEWHERE_ONE 1
#define STATE_BEYOND 0x7fff0000 /* of a group's first cell: so many states have passed the group */
#define STATE_BEYOND_ONE 0x10000
#define STATE_HELD 0x80000000 /* a state that has its home here is being added */
struct state_head {
	__u32 groups; /* 0: there is no room yet */
	__u32 states; /* there is room for so many */
	__u64 seed;   /* of the hash */
};

/* "state_parents", HASH: how many states of a limit agree in its fields; those that it does not name are 0. */
struct state_parent_key {
	__u32 source[4]; /* network order; IPv4 in [0] */
	__u32 destination[4];
	__u16 source_port; /* host order */
	__u16 destination_port;
	__u32 zone; /* as in struct state6_key */
	__u32 rule; /* STATE_RULE() */
	__u16 name;
	__u8 family;
	__u8 protocol;
};
struct state_parent {
	__u32 count;  /* of states; STATE_PARENT_REMOVED: about to be removed */
	__u32 expire; /* as state.expire: dead if count is 0 as well */
};
#define STATE_PARENT_REMOVED 0x80000000

/*
 * "state_ring_parents", QUEUE: the keys of all parents. Each is there once, in the order in which the sweep
 * (bpf/sweep.bpf.c) looks at them. Only the sweep removes states and parents; all else marks them.
 */

/* Context of the program state_kill (SEC("syscall")): the state that is to die, if it is still this rule's. */
struct state_kill_request {
	__u32 family; /* 4 or 6: which of the keys */
	__u32 rule;   /* STATE_RULE() */
	struct state4_key key4;
	struct state6_key key6;
};

/* What the program state_restore gets as a frame: a state that is to be in the maps as well. */
struct state_restore_request {
	__u32 family; /* 4 or 6: which of the keys */
	__u32 reserved;
	struct state state;
	struct state4_key key4;
	struct state6_key key6;
	__u32 padding;
};

/* "state_totals", ARRAY[1], BPF_F_MMAPABLE. */
struct state_totals {
	__u32 states;	/* cells of "states4" and "states6" in use, by dead ones as well: at most dyn_max */
	__u32 parents;	/* of "state_parents": at most dyn_parent_max */
	__u32 sequence; /* states made so far */
	__u32 told;	/* jiffies at which an overflow was last logged */
	__u64 refused;	/* packets denied because of dyn_max, dyn_parent_max or a limit */
};

/*
 * "state_rules", ARRAY[highest slot of a rule that makes states + 1], by counter slot: what packets go by.
 * "state_owners", ARRAY[COUNTER_SLOTS], one element only until a rule makes states: what the sweep goes by, which
 * belongs to no generation. It has the new rules before a commit, and the old ones until after it.
 */
struct state_rule {
	__u32 rule; /* STATE_RULE(), 0: no rule with this slot makes states */
};

enum stretch_form {
	STRETCH_FEW,	     /* code: too few of the rules leave out most packets */
	STRETCH_NOT_CHEAPER, /* code: looking up would take longer */
	STRETCH_WISHED,	     /* code: --no-optimize */
	STRETCH_CODE_FULL,   /* code: too many rules have something left that is no look-up */
	STRETCH_CLASSIFIED,
	STRETCH_EXACT,	   /* looked up by hash */
	STRETCH_SCATTERED, /* code: looked up they would be too many functions */
	STRETCH_FORMS
};

/*
 * "stretches", ARRAY[STRETCHES_NOTED]: userland's note of what became of the rules, hook by hook in their order; no
 * program reads it. What there is no room for is left out.
 */
#define STRETCHES_NOTED 512
struct stretch_note {
	__u8 hook;	   /* 1 + enum hook (loader/programs.h), 0: no more notes */
	__u8 form;	   /* enum stretch_form */
	__u16 first, last; /* numbers of its rules */
	__u16 tested; /* records that a packet is compared with, a hundredth; of classified ones, as the following */
	__u32 rules;  /* how many they are in this direction */
	__u32 depth;  /* nodes from root to leaf at most */
	__u32 trees;  /* STRETCH_EXACT: hash tables, with nothing tested unless some packets walk */
	__u32 lines;  /* of 64 bytes, of the classifier's image */
	__u32 codes;  /* different pieces of code for what is left to be tested */
};

enum hook_mode {
	HOOK_MODE_NONE,	   /* nothing attached */
	HOOK_MODE_NATIVE,  /* XDP in the driver */
	HOOK_MODE_GENERIC, /* XDP in the stack */
	HOOK_MODE_TC,	   /* no XDP possible: rules run at TC ingress */
};

#define HOOK_REASON_BYTES 104

/* "hooks", HASH, by ifindex: userland's note of what it attached there; no program reads it. */
struct interface_hooks {
	__u32 xdp_program; /* id of the program that the interface shows: our entry, a dispatcher, another's */
	__u32 xdp_entry;   /* id of our XDP entry, 0: none */
	__u32 tc_egress;   /* ids of our TC entries, 0: none */
	__u32 tc_ingress;
	__u32 entry_checksum; /* CRC-32 of the object file that they came from */
	__u8 mode;	      /* enum hook_mode */
	__u8 clsact_made;     /* 1: the clsact qdisc is ours to remove */
	__u8 ingress_rules; /* 1: tc_ingress is the entry that runs rules, not the one that only deals with what XDP has
			       left */
	__u8 reserved;
	char reason[HOOK_REASON_BYTES]; /* why not native XDP, NUL-terminated; "" when it is */
};

enum table_type { TABLE_ADDRESS, TABLE_INTERFACE, TABLE_NUMBER, TABLE_FLOW, TABLE_MAC, TABLE_TYPES };

#define TABLE_ALGORITHM_BYTES 64

/*
 * "tables", HASH, by index of the table, which rules know it by as long as it lives: userland's note of each table; no
 * program reads it. With TABLE_JOURNAL in the key: what that note is to be once table_slots.next is in force.
 */
struct table_info {
	char name[OBJECT_NAME_MAX]; /* NUL-terminated; one of its kind in each set */
	__u8 set;
	__u8 type;	  /* enum table_type */
	__u8 flow_fields; /* FLOW_*, of type TABLE_FLOW */
	__u8 flags;	  /* TABLE_LOCKED and so on */
	__u32 values;	/* bit n: entries have the number n (enum table_value); TABLE_VALUES_ALL: one number for all */
	__u32 limit;	/* of entries, 0: none */
	__u32 items[2]; /* entries that do not expire: IPv4 and IPv6, or all in [0] */
	__u8 hash_bits[2]; /* TABLE_HASH: length of all prefixes, IPv4 and IPv6 */
	__u8 reserved[2];
	__u32 timeout;	   /* seconds that entries stay for which nothing else is said, 0: for ever */
	__u32 expiring;	   /* TABLE_TIMED: entries that the last removal of expired ones has left */
	__u32 sweep_after; /* TABLE_TIMED: second of table_clock() before which expired entries need not be removed */
	char algorithm[TABLE_ALGORITHM_BYTES]; /* as it was asked for, NUL-terminated */
};
#define TABLE_JOURNAL 0x80000000u
#define TABLE_LOCKED 0x01
#define TABLE_HASH 0x02
#define TABLE_GONE 0x04						  /* in the journal: the table is to go */
#define TABLE_COUNTED 0x08					  /* packets that find an entry are counted */
#define TABLE_TIMED 0x10					  /* there may be entries that expire */
#define TABLE_CREATED (TABLE_LOCKED | TABLE_HASH | TABLE_COUNTED) /* what `create' asks for */
#define TABLE_VALUES_ALL 0xffffffffu
#define FLOW_SOURCE 0x01
#define FLOW_PROTOCOL 0x02
#define FLOW_SOURCE_PORT 0x04
#define FLOW_DESTINATION 0x08
#define FLOW_DESTINATION_PORT 0x10

/*
 * "table_slots", ARRAY[1], BPF_F_MMAPABLE: where the contents of each table are, by its index. A change writes the half
 * that is not in use and then moves on with `epoch`, whose lowest bit picks the half: tables are swapped and replaced
 * by that one store. A packet keeps the first epoch that it sees.
 *
 * While tables are being changed, `next' is the epoch that is being made. It is in force once `epoch' says so or, if
 * rules change as well, once `next_generation' is that of the rules: their programs then take `next' for `epoch'.
 */
struct table_slots {
	__u32 epoch;	       /* from 2 on */
	__u32 next;	       /* 0: nothing is being changed */
	__u32 next_generation; /* 0: only tables are */
	__u32 edited;	       /* index of the table of which an entry is being changed in place, 0: none */
	__u32 slot[2][TABLES_MAX];
	/*
	 * 1: a slot of that type may have contents, in force or not. Noted before it gets them, for whoever sweeps: to
	 * ask the kernel about each would wait for as many grace periods.
	 */
	__u8 filled[TABLE_TYPES][TABLES_MAX];
};

/* What programs take for table_slots.epoch until that is behind it; the loader writes it. Zeros: nothing else. */
struct table_epochs {
	__u32 before, after;
};

/* "table_address4", "table_address6", "table_interface", "table_number", "table_flow", "table_mac": ARRAY_OF_MAPS, by
 * slot. Keys of the maps in them: */
/* "table_number" */
struct table_number {
	__u32 number;
};
struct table_address4 {
	__u32 bits;
	__u32 address; /* network order */
};
struct table_address6 {
	__u32 bits;
	__u32 address[4];
};
struct table_mac {
	__u32 bits;
	__u8 address[6];
	__u8 reserved[2];
};
/* The name of an entry, or (name "") the index of an interface that has such a name: what packets are looked up by. */
struct table_interface {
	__u32 index;
	char name[INTERFACE_NAME_MAX];
};
/* Fields that the table does not have are 0. */
struct table_flow {
	__u32 source[4], destination[4]; /* network order; IPv4 in [0] */
	__u16 source_port, destination_port;
	__u8 family; /* 4, 6, or 0 if the table has no addresses */
	__u8 protocol;
	__u16 reserved;
};

/* What an entry holds. */
struct table_record {
	__u32 number[TABLE_NUMBERS]; /* by enum table_value (ipfw/rule.h), host order; [0]: length of the prefix in bits
				      */
	__u32 address6[4];
};

/*
 * What the maps hold, but for "table_address4" and "table_address6", whose entries never expire; addresses that do are
 * in "table_timed4" and "table_timed6".
 */
struct table_entry {
	struct table_record record;
	__u64 expires; /* nanosecond of CLOCK_MONOTONIC_COARSE from which on it is not there any more, 0: it stays */
};

/*
 * "table_counters", ARRAY_OF_MAPS, by TABLE_COUNTERS_SLOT: hashes of struct rule_counter by entry, whose `last_match'
 * is a nanosecond as above. Programs add an element when the entry is first found; userland removes it to have it start
 * from 0.
 */
#define TABLE_COUNTERS_SLOT(type, slot) ((type)*TABLES_MAX + (slot))
struct table_counter_key {
	__u8 family,
		bits; /* and so on: a struct table_key (maps/table_kinds.h), for type iface with the index in [0] */
	__u16 reserved;
	__u32 word[10];
};

/*
 * "table_counts", ARRAY_OF_MAPS, by TABLE_COUNTS_SLOT: likewise those of addresses that stay, arrays by the index of
 * the entry in its trie (ipfw/table_trie.h). Userland sets them back before an entry gets an index.
 */
#define TABLE_COUNTS_SLOT(wide, slot) (((wide) ? TABLES_MAX : 0) + (slot))
struct table_count {
	struct rule_counter counter;
	__u64 reserved; /* two in a line, none in two */
};

/* Slots of "xdp_programs" and "tc_programs" (PROG_ARRAY). */
#define XDP_SLOT(generation) ((generation)&1)
#define XDP_SLOT_SLOW(generation) (((generation)&1) + 2)
#define XDP_SLOT_FORWARD(generation) (((generation)&1) + 4)
#define XDP_SLOTS 6
#define TC_SLOT_EGRESS(generation) (((generation)&1) * 2)
#define TC_SLOT_INGRESS(generation) (((generation)&1) * 2 + 1)
#define TC_SLOT_SLOW(generation) (((generation)&1) + 4)
#define TC_SLOTS 6

#define REPLY_NONE 0
#define REPLY_RESET 1	    /* TCP RST */
#define REPLY_UNREACHABLE 2 /* ICMP or ICMPv6 destination unreachable */
#define REPLY_ABORT 3	    /* SCTP ABORT */

/* The answer that a rule owes to a packet: all that it takes to build it from the packet's own bytes. */
struct reply {
	__u8 kind;   /* REPLY_* */
	__u8 family; /* 4 or 6 */
	__u8 code;   /* ICMP code; flags of an SCTP ABORT */
	__u8 reserved;
	__u16 network_offset;	/* of the IP header, from the start of the frame */
	__u16 transport_offset; /* of the TCP or SCTP header */
	__u16 mtu;		/* next-hop MTU of "fragmentation needed", else 0 */
	__u16 quote;		/* bytes of the packet that an ICMP error quotes */
	__u32 source[4];	/* address that the answer comes from, network order */
};

/*
 * What XDP writes in front of a packet (bpf_xdp_adjust_meta) for the TC ingress program when the reply
 * must be sent from there. Trusted only if `mark` is control.reply_mark. 32 bytes is all that XDP may write.
 */
struct packet_metadata {
	__u32 mark;
	struct reply reply;
};

/*
 * What marks a frame that the tool itself runs the programs on (loader/explain.c): XDP finds it in front of the packet,
 * as metadata, TC in the context's `cb`. Its first two members are those of struct control, which nobody outside knows.
 */
struct trace_mark {
	__u32 reply_mark;
	__u8 reply_mac[6];
	__u8 source_mac[6]; /* of the frame. At XDP the frame bears reply_mac in its place: the fast parser gives up */
};

/* gso_size of traced frames at TC, to the same end. No other frame has it: no packet is that long. */
#define TRACE_SEGMENT_BYTES 0xfffe
/* Word of `cb` behind the mark, with the VLAN tag that the kernel keeps beside a frame: a test run cannot say it. */
#define TRACE_TAG_WORD 4
#define TRACE_TAG_PRESENT 0x10000    /* else there is none; the lower 16 bits are the tag's */
#define TRACE_SLOT 0x00ffffff	     /* in trace.slots */
#define TRACE_SLOT_LAYER2 0x80000000 /* with it: the rule saw the frame at layer 2 */
#define TRACE_RULES_MAX 1023
#define TRACE_VALUES_MAX 64

/* What a rule took out of a table (`tablearg`), or tried to before its other tests failed. */
struct trace_value {
	__u32 match; /* how many rules had matched before */
	__u32 slot;  /* of the rule */
	__u32 kind;  /* enum table_value (ipfw/rule.h) */
	__u32 value;
};

enum trace_outcome {
	TRACE_NOTHING, /* the programs did not see the frame as traced */
	TRACE_PASSED,  /* it met no rule; reason: enum pass_reason */
	TRACE_DROPPED, /* without a rule that says so; reason: enum drop_reason */
	TRACE_DECIDED, /* by the rule that matched last */
};

/* "trace", ARRAY[1], BPF_F_MMAPABLE: what became of a traced frame. One process at a time has frames traced. */
struct trace {
	__u64 result;  /* of the rules (MATCH_RESULT), if they were asked */
	__u32 outcome; /* enum trace_outcome */
	__u32 reason;
	struct packet packet;	      /* as the rules left it, if they were asked; before that, what it brings along */
	__u32 matches;		      /* how many rules matched, one that matched again included */
	__u32 slots[TRACE_RULES_MAX]; /* theirs (TRACE_SLOT), in order. If there were more, the last is that of the last
					 match */
	__u32 value_count;
	struct trace_value values[TRACE_VALUES_MAX]; /* the first ones */
};

/*
 * What XDP writes in front of every packet of a ruleset that sets tags or routing tables, for the programs that meet it
 * later (ipfw/carry.h). It begins METADATA_BYTES in front of the IP header, so that neither a link header that the
 * packet gets for its way out, rounded up to 16 bytes by the kernel, overwrites it, nor a missing one hides it. Halves
 * of words, since it is aligned no better.
 */
#define METADATA_BYTES 32
#define MARKS_OFFSET_ETHERNET 14 /* in the metadata of frames with Ethernet header; without link header: 0 */
struct packet_marks {
	__u16 secret[2]; /* the complement of control.reply_mark: nobody else's metadata. Its lowest bit is turned if
			    tags are numbers */
	__u16 mask;	 /* bits 16..31 of skb->mark that the packet gets */
	__u16 mark;	 /* their values */
	__u16 tags[4];	 /* packet.tags, if skb->mark has no room for those that cross; else 0 */
};

/* Context of the program jiffies_now (SEC("syscall")): one reading of both clocks. */
struct clock_reading {
	__u64 jiffies;	   /* jiffies64, the unit of rule_counter.last_match */
	__u64 nanoseconds; /* CLOCK_MONOTONIC */
};

#endif
