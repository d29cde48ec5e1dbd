/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parsers of both families share: results, and the transport header. */
#ifndef BPF_PARSE_COMMON_H
#define BPF_PARSE_COMMON_H

#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>

#include "ipfw/packet.h"

/* Reasons to drop are returned as negative numbers of enum drop_reason. */
enum parse_result {
	PARSE_RULES,		  /* the descriptor is filled: ask the rules */
	PARSE_UNREADABLE_SHORT,	  /* too short for an IP header */
	PARSE_UNREADABLE_VERSION, /* EtherType and IP version disagree */
	PARSE_PASS,		  /* + enum pass_reason: not for the firewall, let it pass uncounted */
};

/* Bytes of a transport header that must be there, as ipfw asks for them. */
#define TCP_BYTES 20
#define UDP_BYTES 8
#define SCTP_BYTES 12
#define ICMP_BYTES 4
#define ICMP6_BYTES 8

#define TCP_FLAGS_OFFSET 13 /* of the flag octet in a TCP header */
#define TCP_CHECKSUM_OFFSET 16

/* What the header says of itself, for rules that ask (PACKET_NEEDS_HEADERS). */
static __always_inline void ip4_numbers(struct packet *packet, const struct iphdr *ip)
{
	packet->ip_id = bpf_ntohs(ip->id);
	packet->ip_length = bpf_ntohs(ip->tot_len);
	packet->ttl = ip->ttl;
	packet->traffic_class = ip->tos;
}

static __always_inline void ip6_numbers(struct packet *packet, const struct ipv6hdr *ip)
{
	packet->ip_length = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	packet->traffic_class = ip->priority << 4 | ip->flow_lbl[0] >> 4;
	packet->flow_label = (ip->flow_lbl[0] & 0xf) << 16 | ip->flow_lbl[1] << 8 | ip->flow_lbl[2];
}

/* Behind the former. A header length that lies makes the data length wrap, as in ipfw. */
static __always_inline void tcp_numbers(struct packet *packet, const struct tcphdr *tcp)
{
	packet->tcp_window = bpf_ntohs(tcp->window);
	packet->tcp_data_length = packet->ip_length - packet->network_length - tcp->doff * 4;
	packet->tcp_sequence = bpf_ntohl(tcp->seq);
	packet->tcp_acknowledgment = bpf_ntohl(tcp->ack_seq);
}

#endif
