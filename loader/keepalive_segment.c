/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/keepalive_segment.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <string.h>
#include <sys/socket.h>

#include "ipfw/carry.h"

#define HOPS 64 /* as in ipfw */

/* Adds 16-bit words in network order; the caller folds and inverts. `length` is even. */
static __u32 sum_words(__u32 sum, const void *data, size_t length)
{
	const __u8 *bytes = data;
	__u16 word;

	for (size_t i = 0; i < length; i += sizeof(word)) {
		memcpy(&word, bytes + i, sizeof(word));
		sum += word;
	}
	return sum;
}

static __u16 checksum(__u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

static void fill_tcp(struct tcphdr *tcp, const struct segment *segment)
{
	size_t address = segment->family == 4 ? sizeof(struct in_addr) : sizeof(struct in6_addr);
	__u32 sum = htons(sizeof(*tcp) + IPPROTO_TCP);

	*tcp = (struct tcphdr){
		.th_sport = htons(segment->from_port),
		.th_dport = htons(segment->to_port),
		.th_seq = htonl(segment->sequence),
		.th_ack = htonl(segment->acknowledgment),
		.th_off = sizeof(*tcp) / 4,
		.th_flags = TH_ACK,
	};
	sum = sum_words(sum, segment->from, address);
	sum = sum_words(sum, segment->to, address);
	tcp->th_sum = checksum(sum_words(sum, tcp, sizeof(*tcp)));
}

/* The kernel fills in the identification when it sends the packet, and the checksum once more. */
static size_t compose4(const struct segment *segment, __u8 bytes[SEGMENT_BYTES])
{
	struct {
		struct ip ip;
		struct tcphdr tcp;
	} packet = {.ip = {.ip_v = 4,
			   .ip_hl = sizeof(struct ip) / 4,
			   .ip_tos = IPTOS_LOWDELAY,
			   .ip_len = htons(sizeof(packet)),
			   .ip_off = htons(IP_DF),
			   .ip_ttl = HOPS,
			   .ip_p = IPPROTO_TCP,
			   .ip_src.s_addr = segment->from[0],
			   .ip_dst.s_addr = segment->to[0]}};

	packet.ip.ip_sum = checksum(sum_words(0, &packet.ip, sizeof(packet.ip)));
	fill_tcp(&packet.tcp, segment);
	memcpy(bytes, &packet, sizeof(packet));
	return sizeof(packet);
}

static size_t compose6(const struct segment *segment, __u8 bytes[SEGMENT_BYTES])
{
	struct {
		struct ip6_hdr ip;
		struct tcphdr tcp;
	} packet = {0};

	packet.ip.ip6_vfc = 6 << 4;
	packet.ip.ip6_plen = htons(sizeof(packet.tcp));
	packet.ip.ip6_nxt = IPPROTO_TCP;
	packet.ip.ip6_hlim = HOPS;
	memcpy(&packet.ip.ip6_src, segment->from, sizeof(packet.ip.ip6_src));
	memcpy(&packet.ip.ip6_dst, segment->to, sizeof(packet.ip.ip6_dst));
	fill_tcp(&packet.tcp, segment);
	memcpy(bytes, &packet, sizeof(packet));
	return sizeof(packet);
}

size_t segment_compose(const struct segment *segment, __u8 bytes[SEGMENT_BYTES])
{
	return segment->family == 4 ? compose4(segment, bytes) : compose6(segment, bytes);
}

bool segment_send(const struct segment *segment, int socket)
{
	const struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_addr.s_addr = segment->to[0]};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_scope_id = segment->zone};
	__u32 mark = CARRY_MARK(segment->fib, 0);
	__u8 bytes[SEGMENT_BYTES];
	size_t length = segment_compose(segment, bytes);

	if (setsockopt(socket, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)))
		return false;
	if (segment->family == 4)
		return sendto(socket, bytes, length, 0, (const struct sockaddr *)&to4, sizeof(to4)) > 0;
	memcpy(&to6.sin6_addr, segment->to, sizeof(to6.sin6_addr));
	return sendto(socket, bytes, length, 0, (const struct sockaddr *)&to6, sizeof(to6)) > 0;
}
