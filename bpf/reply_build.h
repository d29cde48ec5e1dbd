/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bytes of a reply. A frame that is being answered goes through three steps: reply_compose() reads what
 * the headers need, the hook makes room (and puts the quoted packet behind the room), reply_finish() computes
 * the checksums and writes the headers into it.
 */
#ifndef BPF_REPLY_BUILD_H
#define BPF_REPLY_BUILD_H

#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>

#include "bpf/checksum.h"
#include "bpf/icmp.h"
#include "bpf/link.h"
#include "bpf/reply_abort.h"
#include "maps/layout.h"

#define REPLY_TTL 64
#define REPLY_TOS 0x10 /* low delay, what ipfw puts into packets that are no ICMP errors */
#define REPLY_RESET_BYTES 20
#define REPLY_ICMP_BYTES 8

/* What both ICMP versions put in front of the quote. */
struct icmp_error {
	__u8 type;
	__u8 code;
	__u16 checksum;
	__be16 unused;
	__be16 mtu;
};

/* Headers of a reply, each complete but for lengths and checksums. */
struct reply_headers {
	union {
		struct iphdr ip4;
		struct ipv6hdr ip6;
	};
	union {
		struct tcphdr tcp;
		struct sctp_packet abort;
		struct icmp_error icmp;
		__u32 words[REPLY_RESET_BYTES / 4];
	};
};

/* Bytes of a reply's IP header, and of the header behind it. */
static __always_inline __u32 reply_network_bytes(const struct reply *reply)
{
	return reply->family == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

static __always_inline __u32 reply_transport_bytes(const struct reply *reply)
{
	switch (reply->kind) {
	case REPLY_RESET:
		return REPLY_RESET_BYTES;
	case REPLY_ABORT:
		return sizeof(struct sctp_packet);
	default:
		return REPLY_ICMP_BYTES;
	}
}

static __always_inline __u8 reply_protocol(const struct reply *reply)
{
	switch (reply->kind) {
	case REPLY_RESET:
		return IPPROTO_TCP;
	case REPLY_ABORT:
		return IPPROTO_SCTP;
	default:
		return reply->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	}
}

static __always_inline __u32 reply_headers_bytes(const struct reply *reply)
{
	return reply_network_bytes(reply) + reply_transport_bytes(reply);
}

/* A RST that the other side accepts (RFC 9293, 3.10.7.1). */
static __always_inline bool compose_reset(hook_context *context, const struct reply *reply, struct tcphdr *tcp)
{
	struct tcphdr answered;

	if (frame_load(context, reply->transport_offset, &answered, sizeof(answered)))
		return false;
	tcp->source = answered.dest;
	tcp->dest = answered.source;
	tcp->doff = sizeof(*tcp) / 4;
	tcp->rst = 1;
	if (answered.ack) {
		tcp->seq = answered.ack_seq;
	} else {
		tcp->ack_seq = answered.syn ? bpf_htonl(bpf_ntohl(answered.seq) + 1) : answered.seq;
		tcp->ack = 1;
	}
	return true;
}

static __always_inline bool compose_ip4(hook_context *context, const struct reply *reply, struct iphdr *ip)
{
	__be32 sender;

	if (frame_load(context, reply->network_offset + offsetof(struct iphdr, saddr), &sender, sizeof(sender)))
		return false;
	*ip = (struct iphdr){
		.version = 4,
		.ihl = sizeof(*ip) / 4,
		.tos = reply->kind == REPLY_UNREACHABLE ? 0 : REPLY_TOS,
		.tot_len = bpf_htons(reply_headers_bytes(reply) + reply->quote),
		.id = bpf_get_prandom_u32(),
		.ttl = REPLY_TTL,
		.protocol = reply_protocol(reply),
		.saddr = reply->source[0],
		.daddr = sender,
	};
	ip->check = checksum_fold(checksum_add(0, ip, sizeof(*ip)));
	return true;
}

static __always_inline bool compose_ip6(hook_context *context, const struct reply *reply, struct ipv6hdr *ip)
{
	*ip = (struct ipv6hdr){
		.version = 6,
		.payload_len = bpf_htons(reply_transport_bytes(reply) + reply->quote),
		.nexthdr = reply_protocol(reply),
		.hop_limit = REPLY_TTL,
	};
	__builtin_memcpy(&ip->saddr, reply->source, sizeof(ip->saddr));
	return !frame_load(context, reply->network_offset + offsetof(struct ipv6hdr, saddr), &ip->daddr,
			   sizeof(ip->daddr));
}

/* The header behind the IP header. */
static __always_inline bool compose_transport(hook_context *context, const struct reply *reply,
					      struct reply_headers *headers)
{
	if (reply->kind == REPLY_RESET)
		return compose_reset(context, reply, &headers->tcp);
	if (reply->kind == REPLY_ABORT)
		return abort_compose(context, reply, &headers->abort);
	headers->icmp.type = reply->family == 4 ? ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH;
	headers->icmp.code = reply->code;
	headers->icmp.mtu = bpf_htons(reply->mtu);
	return true;
}

/* Fills *headers from the frame that is answered. False if it cannot be read. */
__noinline int reply_compose(hook_context *context, const struct reply *reply, struct reply_headers *headers)
{
	if (!reply || !headers)
		return false;
	__builtin_memset(headers, 0, sizeof(*headers));
	if (!compose_transport(context, reply, headers))
		return false;
	return reply->family == 4 ? compose_ip4(context, reply, &headers->ip4)
				  : compose_ip6(context, reply, &headers->ip6);
}

/* Sum of the pseudo-header; ICMP has none in IPv4. */
static __always_inline __u32 pseudo_header_sum(const struct reply *reply, const struct reply_headers *headers)
{
	__u32 length = reply_transport_bytes(reply) + reply->quote;

	if (reply->family == 6)
		return checksum_pseudo_header(&headers->ip6.saddr, 2 * sizeof(headers->ip6.saddr), length,
					      headers->ip6.nexthdr);
	if (reply->kind != REPLY_RESET)
		return 0;
	return checksum_pseudo_header(&headers->ip4.saddr, 2 * sizeof(headers->ip4.saddr), length, IPPROTO_TCP);
}

/* Computes the checksum of the header behind the IP header at `offset`, and of the quote if there is one. */
static __always_inline void finish_checksum(hook_context *context, const struct reply *reply,
					    struct reply_headers *headers, __u32 offset)
{
	__u32 sum = pseudo_header_sum(reply, headers);

	if (reply->kind == REPLY_RESET) {
		headers->tcp.check = checksum_fold(checksum_add(sum, headers->words, REPLY_RESET_BYTES));
	} else if (reply->kind == REPLY_ABORT) {
		headers->abort.checksum = abort_checksum(headers->words);
	} else {
		sum = checksum_add(sum, headers->words, REPLY_ICMP_BYTES);
		sum = checksum_frame(context, offset + reply_headers_bytes(reply), reply->quote, sum);
		headers->icmp.checksum = checksum_fold(sum);
	}
}

/*
 * Writes the headers at `offset`; the quote stands behind them already. False if the frame has no such
 * bytes: the packet is to be dropped then.
 */
__noinline int reply_finish(hook_context *context, const struct reply *reply, struct reply_headers *headers,
			    __u32 offset)
{
	if (!reply || !headers)
		return false;
	finish_checksum(context, reply, headers, offset);
	if (frame_store(context, offset + reply_network_bytes(reply), headers->words, reply_transport_bytes(reply)))
		return false;
	if (reply->family == 4)
		return !frame_store(context, offset, &headers->ip4, sizeof(headers->ip4));
	return !frame_store(context, offset, &headers->ip6, sizeof(headers->ip6));
}

/*
 * Turns the Ethernet header round, so that the frame goes back where it came from. On loopback, where all
 * addresses are zero, the reply's source tells XDP that it is the firewall's own. Nothing without link header.
 */
static __always_inline void link_turn(hook_context *context, const struct reply *reply)
{
	__u16 before[ETH_ALEN], after[ETH_ALEN];
	const struct control *settings;

	if (reply->network_offset < ETH_HLEN || frame_load(context, 0, before, sizeof(before)))
		return;
	__builtin_memcpy(after, before + 3, ETH_ALEN);
	__builtin_memcpy(after + 3, before, ETH_ALEN);
	settings = control_find();
	if (settings && mac_zero(before))
		__builtin_memcpy(after + 3, settings->reply_mac, ETH_ALEN);
	frame_store(context, 0, after, sizeof(after));
}

#endif
