/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packet descriptor: what the runtime's parser (bpf/parse.h) fills once per packet and every
 * generated rule tests. Generated code addresses the fields by offsetof(), so the same match code
 * serves XDP and TC. Lives on the BPF stack; every field is written before rules run.
 *
 * Addresses are in network byte order as on the wire; everything else is in host byte order.
 */
#ifndef IPFW_PACKET_H
#define IPFW_PACKET_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* packet.flags: which of the fields below hold something */
#define PACKET_PORTS 0x01 /* TCP, UDP, UDP-Lite or SCTP with offset 0: ports are valid */
#define PACKET_TCP 0x02	  /* TCP header present (offset 0): tcp_flags is valid */
#define PACKET_ICMP 0x04  /* ICMPv4 header present (offset 0): icmp_type, icmp_code are valid */
#define PACKET_ICMP6 0x08 /* ICMPv6 header present (offset 0): icmp_type, icmp_code are valid */

/* packet.fragment: the bits that the option `frag` can ask for (ipfw(8), frag) */
#define FRAGMENT_MORE 0x01
#define FRAGMENT_DONT 0x02
#define FRAGMENT_OFFSET 0x04 /* offset != 0: not the first fragment */
#define FRAGMENT_RESERVED 0x08

/* packet.local: memo of "is this address one of mine", filled on first use by packet_local() */
#define PACKET_LOCAL_KNOWN 0x01
#define PACKET_LOCAL_SOURCE 0x02
#define PACKET_LOCAL_DESTINATION 0x04

/* packet.socket: memo of "whose socket is it", filled on first use by packet_socket() */
#define PACKET_SOCKET_NONE 1
#define PACKET_SOCKET_FOUND 2 /* the owner is in the map "socket_owners" */

struct packet {
	__u32 source[4];	  /* network order; an IPv4 address is in [0], [1..3] are 0 */
	__u32 destination[4];	  /* likewise */
	__u16 source_port;	  /* host order, 0 unless PACKET_PORTS */
	__u16 destination_port;	  /* likewise */
	__u32 interface;	  /* ifindex of the hook's interface: what `via` tests */
	__u32 receive_interface;  /* ifindex it came in by, 0: sent by this machine */
	__u32 transmit_interface; /* ifindex it leaves by, 0: on input */
	__u8 family;		  /* 4, 6, or 0: no IP header that can be read */
	__u8 protocol;		  /* IPv4 protocol, or the last IPv6 next header that was reached */
	__u8 flags;		  /* PACKET_* */
	__u8 fragment;		  /* FRAGMENT_* */
	__u8 tcp_flags;		  /* TCP flag octet, 0 unless PACKET_TCP */
	__u8 icmp_type;		  /* 0 unless PACKET_ICMP or PACKET_ICMP6 */
	__u8 icmp_code;
	__u8 local;		/* PACKET_LOCAL_* memo */
	__u32 bytes;		/* sum of the IP lengths of the wire packets that this frame is */
	__u32 segments;		/* number of wire packets: 1 unless it is a GSO super-packet; 0: traced (bpf/trace.h) */
	__u32 resume;		/* position of the rule where the next generated function starts */
	__u16 network_offset;	/* of the IP header, from the start of the frame */
	__u16 transport_offset; /* of the TCP/UDP/ICMP header, likewise; 0 when not reached */
	__u16 network_length;	/* bytes of IP headers up to the transport header */
	__u8 ip_options;	/* IP_OPTION_* */
	__u8 extension_headers; /* EXTENSION_* */

	/* From here on filled only if a rule asks for it (PACKET_NEEDS_*), else 0. All in host order. */
	__u16 ip_id;	       /* IPv4 */
	__u16 ip_length;       /* bytes of the IP packet as its header says, at most 65535 */
	__u16 ttl;	       /* IPv4 time to live */
	__u8 traffic_class;    /* IPv4 type of service or IPv6 traffic class */
	__u8 layers;	       /* LAYER_*: what it meets the rules as; with PACKET_NEEDS_LAYER2 */
	__u16 tcp_window;      /* with PACKET_TCP, as the following */
	__u16 tcp_data_length; /* bytes */
	__u32 tcp_sequence;
	__u32 tcp_acknowledgment;
	__u32 flow_label; /* IPv6 */
	/* From here on PACKET_NEEDS_TCP_OPTIONS. */
	__u16 tcp_mss;	  /* of a SYN, 0: none */
	__u8 tcp_options; /* TCP_OPTION_* */
	__u8 socket;	  /* PACKET_SOCKET_* memo; not of TCP options */
	/* From here on PACKET_NEEDS_LINK. */
	__u8 destination_mac[6]; /* zeros where the link has none */
	__u8 source_mac[6];
	__u16 ether_type; /* behind VLAN tags; 0 where the link has none */
	__u8 layer2;	  /* 1: this is the pass at layer 2 */
	/* From here on what earlier rules, or the input pass, left with the packet: PACKET_NEEDS_MARKS. */
	__u8 call_depth; /* of `call` */
	__u32 fib;	 /* routing table, 0: the main one */
	__u32 mark;	 /* of `setmark` */
	__u64 tags;	 /* bit n: the tag that the plan gave number n (plan.h); or numbers: PACKET_TAG() */
	/* The last question of this pass for a state, filled by rules themselves. */
	__u32 state_asked; /* PACKET_STATE_* and the number of the name; 0: none yet */
	__u32 table_epoch; /* of all look-ups of this packet in tables (maps/layout.h); 0: none yet */
	__u32 state_best;  /* while all names are asked: the newest state so far, sequence << 16 | name; 0: none */
	__u32 table_found; /* 1: what a table holds for the packet is kept for the rule at hand (bpf/table_value.h) */
};

/*
 * packet.tags where rules take tags out of tables, so that any number may come: each has 16 bits, complemented, 0 for
 * none; so 65535 is no tag.
 */
#define PACKET_TAGS_MAX 4
#define PACKET_TAG(number) (~(number)&0xffff)
#define PACKET_TAG_AT(tags, place) ((__u32)((tags) >> 16 * (place)) & 0xffff) /* a PACKET_TAG(), 0: none there */

#define PACKET_STATE_ASKED 0x10000 /* for this name, or for all of them (0) */
#define PACKET_STATE_QUESTION 0x1ffff
#define PACKET_STATE_HIT 0x20000  /* there was one, and the packet has made none since */
#define PACKET_STATE_MADE 0x40000 /* the packet has made a state since */
/* packet.resume: the action of the rule with this counter slot, instead of a position. */
#define RESUME_STATE 0x80000000

/* packet.layers */
#define LAYER_FRAME 0x01
#define LAYER_PACKET 0x02 /* IP */

/* What the rules of a program look at beyond the fields that are always filled: packet_needs in bpf/needs.h. */
#define PACKET_NEEDS_HEADERS 0x01     /* ip_id and what follows */
#define PACKET_NEEDS_TCP_OPTIONS 0x02 /* tcp_mss, tcp_options */
#define PACKET_NEEDS_LINK 0x04	      /* link addresses and EtherType */
#define PACKET_NEEDS_MARKS 0x08	      /* fib and tags are taken over from the input pass */
#define PACKET_NEEDS_LAYER2 0x10      /* net.link.ether.ipfw: frames meet the rules once more */
#define PACKET_WITHOUT_IP4 0x20	      /* IPv4 packets pass without meeting the rules */
#define PACKET_WITHOUT_IP6 0x40	      /* IPv6 packets likewise */
#define PACKET_NEEDS_ROUNDS 0x80      /* rules may give VERDICT_AGAIN: the runtime calls them once more */
#define PACKET_FORWARDS 0x100	      /* XDP forwards what the rules on input allow (bpf/fast_forward.h) */
#define PACKET_NEEDS_FRONT 0x200      /* the rules begin with a stretch that ruleset_front() asks (bpf/front.h) */

/* packet.ip_options: which options an IPv4 header has (ipfw(8), ipoptions); the values of FreeBSD's IP_FW_IPOPT_*. */
#define IP_OPTION_LOOSE_ROUTE 0x01
#define IP_OPTION_STRICT_ROUTE 0x02
#define IP_OPTION_RECORD_ROUTE 0x04
#define IP_OPTION_TIMESTAMP 0x08
#define IP_OPTION_INVALID 0x80 /* a length that lies: no specification matches */

/* packet.extension_headers (ipfw(8), ext6hdr). */
#define EXTENSION_FRAGMENT 0x01
#define EXTENSION_HOP_BY_HOP 0x02
#define EXTENSION_ROUTING 0x04
#define EXTENSION_AUTHENTICATION 0x08
#define EXTENSION_ESP 0x10
#define EXTENSION_DESTINATION 0x20
#define EXTENSION_ROUTING_0 0x40
#define EXTENSION_ROUTING_2 0x80

/* packet.tcp_options (ipfw(8), tcpoptions); the values of FreeBSD's IP_FW_TCPOPT_*. */
#define TCP_OPTION_MSS 0x01
#define TCP_OPTION_WINDOW 0x02
#define TCP_OPTION_SACK 0x04
#define TCP_OPTION_TIMESTAMP 0x08
#define TCP_OPTION_CONNECTION_COUNT 0x10

#endif
