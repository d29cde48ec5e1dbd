/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/keepalive.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "loader/state.h"

#define HOPS 64 /* as in ipfw */

/* One segment, from one end to the other. */
struct segment {
	__u8 family;
	__u32 from[4], to[4]; /* network order */
	__u32 zone;
	__u16 from_port, to_port; /* host order, as are the numbers */
	__u32 sequence, acknowledgment;
};

struct keepalive {
	int sockets[2]; /* raw: IPv4, IPv6 */
	struct segment *segments;
	size_t count, capacity;
};

static int open_raw(int family)
{
	return socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
}

int keepalive_open(struct keepalive **keepalive, struct error *error)
{
	struct keepalive *opened = calloc(1, sizeof(*opened));

	if (!opened)
		return error_set(error, EX_OSERR, -1, "%s", strerror(ENOMEM));
	opened->sockets[0] = open_raw(AF_INET);
	if (opened->sockets[0] < 0) {
		error_set(error, errno == EPERM ? EX_NOPERM : EX_OSERR, -1, "cannot open a raw socket: %s",
			  strerror(errno));
		free(opened);
		return -1;
	}
	/* A kernel without IPv6 has no connections that would miss it. */
	opened->sockets[1] = open_raw(AF_INET6);
	*keepalive = opened;
	return 0;
}

void keepalive_close(struct keepalive *keepalive)
{
	if (!keepalive)
		return;
	for (int i = 0; i < 2; i++)
		if (keepalive->sockets[i] >= 0)
			close(keepalive->sockets[i]);
	free(keepalive->segments);
	free(keepalive);
}

static struct segment *append(struct keepalive *keepalive)
{
	if (keepalive->count == keepalive->capacity) {
		size_t capacity = keepalive->capacity ? keepalive->capacity * 2 : 64;
		struct segment *grown = reallocarray(keepalive->segments, capacity, sizeof(*grown));

		if (!grown)
			return NULL;
		keepalive->segments = grown;
		keepalive->capacity = capacity;
	}
	return keepalive->segments + keepalive->count++;
}

/* The segment to one end of the connection, in the name of the other: what has been acknowledged, once more. */
static int ask_end(struct keepalive *keepalive, const struct dynamic_rule *dynamic, bool to_source)
{
	__u32 acknowledged = dynamic->acks[!to_source];
	struct segment *segment;

	if (!acknowledged || dynamic->tcp & (to_source ? DYNAMIC_ACK_FORWARD : DYNAMIC_ACK_BACKWARD))
		return 0;
	segment = append(keepalive);
	if (!segment)
		return -ENOMEM;
	*segment = (struct segment){
		.family = dynamic->family,
		.zone = dynamic->zone,
		.from_port = to_source ? dynamic->destination_port : dynamic->source_port,
		.to_port = to_source ? dynamic->source_port : dynamic->destination_port,
		.sequence = acknowledged - 1,
		.acknowledgment = dynamic->acks[to_source],
	};
	memcpy(segment->from, to_source ? dynamic->destination : dynamic->source, sizeof(segment->from));
	memcpy(segment->to, to_source ? dynamic->source : dynamic->destination, sizeof(segment->to));
	return 0;
}

static int ask(void *argument, const struct dynamic_rule *dynamic)
{
	const __u32 both = DYNAMIC_SYN | DYNAMIC_SYN << DYNAMIC_BACKWARD_SHIFT;
	int result;

	if (dynamic->kind == DYNAMIC_PARENT || dynamic->protocol != IPPROTO_TCP || (dynamic->tcp & both) != both ||
	    dynamic->seconds > KEEPALIVE_INTERVAL)
		return 0;
	result = ask_end(argument, dynamic, true);
	return result ? result : ask_end(argument, dynamic, false);
}

/* Adds 16-bit words in network order; the caller folds and inverts. `length` is even. */
static __u32 sum_words(__u32 sum, const void *data, size_t length)
{
	const __u16 *words = data;

	for (size_t i = 0; i < length / sizeof(*words); i++)
		sum += words[i];
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

static bool send4(int fd, const struct segment *segment)
{
	struct {
		struct ip ip; /* the kernel fills in identification and checksum */
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
	const struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = packet.ip.ip_dst};

	fill_tcp(&packet.tcp, segment);
	return sendto(fd, &packet, sizeof(packet), 0, (const struct sockaddr *)&to, sizeof(to)) > 0;
}

static bool send6(int fd, const struct segment *segment)
{
	struct {
		struct ip6_hdr ip;
		struct tcphdr tcp;
	} packet = {0};
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_scope_id = segment->zone};

	packet.ip.ip6_vfc = 6 << 4;
	packet.ip.ip6_plen = htons(sizeof(packet.tcp));
	packet.ip.ip6_nxt = IPPROTO_TCP;
	packet.ip.ip6_hlim = HOPS;
	memcpy(&packet.ip.ip6_src, segment->from, sizeof(packet.ip.ip6_src));
	memcpy(&packet.ip.ip6_dst, segment->to, sizeof(packet.ip.ip6_dst));
	memcpy(&to.sin6_addr, segment->to, sizeof(to.sin6_addr));
	fill_tcp(&packet.tcp, segment);
	return sendto(fd, &packet, sizeof(packet), 0, (const struct sockaddr *)&to, sizeof(to)) > 0;
}

/* Finds what is due and marks the sockets as the firewall's own: their packets meet no rules. */
static int collect(struct keepalive *keepalive, struct firewall *firewall, struct error *error)
{
	const struct control *control = firewall->lasting.control;
	int result;

	keepalive->count = 0;
	if (!firewall_enabled(firewall) || !control->dyn_keepalive)
		return 0;
	for (int i = 0; i < 2; i++)
		if (keepalive->sockets[i] >= 0 && setsockopt(keepalive->sockets[i], SOL_SOCKET, SO_PRIORITY,
							     &control->reply_mark, sizeof(control->reply_mark)))
			return error_set(error, errno == EPERM ? EX_NOPERM : EX_OSERR, -1,
					 "cannot mark packets as the firewall's own: %s", strerror(errno));
	result = firewall_walk_dynamic(firewall, false, ask, keepalive);
	return result ? error_set(error, EX_OSERR, -1, "cannot read the dynamic rules: %s", strerror(-result)) : 0;
}

int keepalive_send(struct keepalive *keepalive, size_t *sent, struct error *error)
{
	struct firewall *firewall;
	int result;

	*sent = 0;
	if (firewall_open(&firewall, FIREWALL_READ, error))
		return -1;
	result = collect(keepalive, firewall, error);
	firewall_close(firewall);
	for (size_t i = 0; !result && i < keepalive->count; i++) {
		const struct segment *segment = keepalive->segments + i;

		*sent += segment->family == 4 ? send4(keepalive->sockets[0], segment)
					      : send6(keepalive->sockets[1], segment);
	}
	return result;
}
