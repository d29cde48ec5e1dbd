/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/keepalive.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "loader/fib.h"
#include "loader/keepalive_segment.h"
#include "loader/state.h"

/* What is due. */
struct segments {
	struct segment *segments;
	size_t count, capacity;
};

struct keepalive {
	int sockets[2]; /* raw: IPv4, IPv6 */
	struct segments segments;
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
	free(keepalive->segments.segments);
	free(keepalive);
}

static struct segment *append(struct segments *segments)
{
	if (segments->count == segments->capacity) {
		size_t capacity = segments->capacity ? segments->capacity * 2 : 64;
		struct segment *grown = reallocarray(segments->segments, capacity, sizeof(*grown));

		if (!grown)
			return NULL;
		segments->segments = grown;
		segments->capacity = capacity;
	}
	return segments->segments + segments->count++;
}

/* The segment to one end of the connection, in the name of the other: what has been acknowledged, once more. */
static int ask_end(struct segments *segments, const struct dynamic_rule *dynamic, bool to_source)
{
	__u32 acknowledged = dynamic->acks[!to_source];
	struct segment *segment;

	if (!acknowledged || dynamic->tcp & (to_source ? DYNAMIC_ACK_FORWARD : DYNAMIC_ACK_BACKWARD))
		return 0;
	segment = append(segments);
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

/* The frame that the segment would be if it came from its sender by this place. Returns its length. */
static size_t compose_frame(const struct segment *segment, const struct explain_place *place,
			    __u8 frame[sizeof(struct ethhdr) + SEGMENT_BYTES])
{
	struct ethhdr header = {.h_proto = htons(segment->family == 4 ? ETH_P_IP : ETH_P_IPV6)};
	size_t length = place->ethernet ? sizeof(header) : 0;

	memcpy(header.h_dest, place->mac, sizeof(header.h_dest));
	memcpy(frame, &header, length);
	return length + segment_compose(segment, frame + length);
}

/*
 * The routing table that the rules choose for what the sender sends itself: the loaded programs are asked, since any
 * rule may have the word, not the state's alone. Main, if they do not tell.
 */
static __u32 find_table(struct firewall *firewall, const struct segment *segment)
{
	struct explain_wish wish = {.direction = EXPLAIN_IN, .family = segment->family};
	__u8 frame[sizeof(struct ethhdr) + SEGMENT_BYTES];
	struct explain_answer answer;
	struct explain_place place;
	struct error ignored;
	size_t length;

	error_clear(&ignored);
	memcpy(wish.source, segment->from, sizeof(wish.source));
	memcpy(wish.destination, segment->to, sizeof(wish.destination));
	if (firewall_explain_place(firewall, &wish, &place, &ignored) || *place.unfiltered)
		return 0;
	length = compose_frame(segment, &place, frame);
	return firewall_explain(firewall, &place, frame, length, &answer, &ignored) ? 0 : answer.fib;
}

/* Finds what is due. */
static int collect(struct segments *segments, struct firewall *firewall, struct error *error)
{
	struct fib_tables tables;
	int result;

	segments->count = 0;
	if (!firewall_enabled(firewall) || !firewall->lasting.control->dyn_keepalive)
		return 0;
	result = firewall_walk_dynamic(firewall, false, ask, segments);
	if (result)
		return error_set(error, EX_OSERR, -1, "cannot read the dynamic rules: %s", strerror(-result));
	if (fib_collect(&tables, firewall_ruleset(firewall), error))
		return -1;
	for (size_t i = 0; fib_any(&tables) && i < segments->count; i++)
		segments->segments[i].fib = find_table(firewall, segments->segments + i);
	return 0;
}

/* Marks the sockets as the firewall's own: their packets meet no rules. */
static int mark_sockets(const struct keepalive *keepalive, const struct control *control, struct error *error)
{
	for (int i = 0; i < 2; i++)
		if (keepalive->sockets[i] >= 0 && setsockopt(keepalive->sockets[i], SOL_SOCKET, SO_PRIORITY,
							     &control->reply_mark, sizeof(control->reply_mark)))
			return error_set(error, errno == EPERM ? EX_NOPERM : EX_OSERR, -1,
					 "cannot mark packets as the firewall's own: %s", strerror(errno));
	return 0;
}

int keepalive_send(struct keepalive *keepalive, size_t *sent, struct error *error)
{
	struct segments *segments = &keepalive->segments;
	struct firewall *firewall;
	int result;

	*sent = 0;
	if (firewall_open(&firewall, FIREWALL_READ, error))
		return -1;
	result = collect(segments, firewall, error);
	if (!result && segments->count)
		result = mark_sockets(keepalive, firewall->lasting.control, error);
	firewall_close(firewall);
	for (size_t i = 0; !result && i < segments->count; i++)
		*sent += segment_send(segments->segments + i, keepalive->sockets[segments->segments[i].family == 6]);
	return result;
}

int keepalive_print(FILE *out, struct error *error)
{
	struct segments segments = {0};
	struct firewall *firewall;
	__u8 bytes[SEGMENT_BYTES];
	int result;

	if (firewall_open(&firewall, FIREWALL_READ, error))
		return -1;
	result = collect(&segments, firewall, error);
	firewall_close(firewall);
	for (size_t i = 0; !result && i < segments.count; i++) {
		size_t length = segment_compose(segments.segments + i, bytes);

		for (size_t byte = 0; byte < length; byte++)
			fprintf(out, "%02x", bytes[byte]);
		fputc('\n', out);
	}
	free(segments.segments);
	return result;
}
