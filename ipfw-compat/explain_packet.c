/* SPDX-License-Identifier: GPL-2.0-only */
/* One packet on its way through the rules. */
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/explain.h"

#define BUFFER_BYTES (DESCRIPTION_FRAME_MAX + ETH_HLEN)

/* A host on the link of which nothing is known. */
static const __u8 some_mac[ETH_ALEN] = {0x02, 0, 0, 0, 0, 0x01};

struct journey {
	const struct explain_question *question;
	struct transaction *transaction;
	struct explain_report *report;
	const struct explain_writer *writer;
	struct description packet; /* as it is now */
	bool made;		   /* from a description: there are no other bytes of it */
	__u8 *bytes;		   /* BUFFER_BYTES: it, from the IP header on unless made or `ethernet` */
	size_t length;
	bool ethernet; /* `bytes` begins with an Ethernet header */
	__u8 *frame;   /* BUFFER_BYTES: as it stands at the last place */
	size_t frame_length;
	bool frame_ethernet;
	__u32 fib; /* that it brings along to the next place, and tags */
	__u16 tags[TAGS_MAX];
	size_t tag_count;
};

static void make_wish(const struct journey *journey, enum explain_direction direction, struct explain_wish *wish)
{
	const struct explain_question *question = journey->question;
	const struct description *packet = &journey->packet;

	*wish = (struct explain_wish){.direction = direction, .family = packet->family, .link = packet->link};
	if (question->receive)
		strncpy(wish->receive, question->receive, sizeof(wish->receive) - 1);
	if (question->transmit && direction != EXPLAIN_IN)
		strncpy(wish->transmit, question->transmit, sizeof(wish->transmit) - 1);
	memcpy(wish->source, packet->source, sizeof(wish->source));
	memcpy(wish->destination, packet->destination, sizeof(wish->destination));
	memcpy(wish->source_mac, packet->source_mac, sizeof(wish->source_mac));
	memcpy(wish->destination_mac, packet->destination_mac, sizeof(wish->destination_mac));
}

/* The link address that packets to this group have (RFC 1112, RFC 2464). False if it is none. */
static bool group_mac(const struct description *packet, bool broadcast, __u8 mac[ETH_ALEN])
{
	const __u8 *address = (const __u8 *)packet->destination;

	if (broadcast) {
		memset(mac, 0xff, ETH_ALEN);
	} else if (packet->family == 4 && address[0] >> 4 == 0xe) {
		memcpy(mac, (const __u8[]){0x01, 0, 0x5e, address[1] & 0x7f, address[2], address[3]}, ETH_ALEN);
	} else if (packet->family == 6 && address[0] == 0xff) {
		memcpy(mac, (const __u8[]){0x33, 0x33}, 2);
		memcpy(mac + 2, address + 12, 4);
	} else {
		return false;
	}
	return true;
}

/* Link addresses that such a packet would have here, if they are not known. */
static void fill_link(const struct explain_place *place, struct description *packet)
{
	static const __u8 none[ETH_ALEN];
	const __u8 *other = memcmp(place->mac, none, ETH_ALEN) ? some_mac : none;

	if (packet->link)
		return;
	memcpy(packet->source_mac, place->input ? other : place->mac, ETH_ALEN);
	if (!group_mac(packet, place->broadcast, packet->destination_mac))
		memcpy(packet->destination_mac, place->input ? place->mac : other, ETH_ALEN);
}

/* Puts the packet into the frame that it is at this place. */
static void make_frame(struct journey *journey, const struct explain_place *place)
{
	struct description *packet = &journey->packet;
	struct description link = {.ether_type = packet->ether_type};
	size_t skipped = journey->ethernet && !place->ethernet ? description_link_bytes(packet) : 0;
	size_t header = 0;

	journey->frame_ethernet = place->ethernet;
	fill_link(place, packet);
	if (journey->made) {
		journey->frame_length = description_build(packet, place->ethernet, journey->frame);
		return;
	}
	if (place->ethernet && !journey->ethernet) {
		memcpy(link.source_mac, packet->source_mac, ETH_ALEN);
		memcpy(link.destination_mac, packet->destination_mac, ETH_ALEN);
		header = description_build(&link, true, journey->frame);
	}
	journey->frame_length = header + journey->length - skipped;
	memcpy(journey->frame + header, journey->bytes + skipped, journey->length - skipped);
}

static void judge(struct explain_pass *pass)
{
	const struct explain_answer *answer = pass->answer;

	pass->said = OUTCOME_PASS;
	if (answer && (answer->decided || !answer->passes))
		pass->said = answer->passes ? OUTCOME_ALLOW : OUTCOME_DROP;
	pass->outcome = pass->enabled ? pass->said : OUTCOME_PASS;
}

static void ignore_difference(void *argument, const char *name, const char *before, const char *after)
{
}

/* What the frame has become. */
static void read_after(const struct journey *journey, struct explain_pass *pass)
{
	const struct explain_answer *answer = pass->answer;
	bool same;

	if (!answer || (!answer->passes && !answer->answered))
		return;
	description_read(&pass->after, answer->frame, answer->length, pass->place->ethernet);
	/* That of an answer is random. */
	if (answer->answered)
		pass->after.field[FIELD_ID] = 0;
	same = answer->length == journey->frame_length && !memcmp(answer->frame, journey->frame, answer->length);
	pass->opaque =
		answer->passes && !same && !description_compare(pass->before, &pass->after, ignore_difference, NULL);
}

/* Explains the packet at one place, of which it tells. *outcome becomes what happens to it. Returns 0 or -1. */
static int pass_place(struct journey *journey, const struct explain_wish *wish, enum explain_outcome *outcome,
		      struct explain_answer *answer, struct error *error)
{
	struct firewall *firewall = journey->transaction->firewall;
	struct explain_pass pass = {.enabled = firewall_enabled(firewall)};
	struct description before;
	struct explain_place place;

	*answer = (struct explain_answer){0};
	if (firewall_explain_place(firewall, wish, &place, error))
		return -1;
	place.fib = journey->fib;
	place.tags = journey->tags;
	place.tag_count = place.input ? 0 : journey->tag_count;
	make_frame(journey, &place);
	description_read(&before, journey->frame, journey->frame_length, place.ethernet);
	if (!*place.unfiltered) {
		if (firewall_explain(firewall, &place, journey->frame, journey->frame_length, answer, error))
			return -1;
		pass.answer = answer;
	}
	pass.place = &place;
	pass.before = &before;
	pass.length = journey->frame_length;
	judge(&pass);
	read_after(journey, &pass);
	journey->writer->pass(journey->report, &pass);
	*outcome = pass.outcome;
	return 0;
}

static __u16 get16(const __u8 *from)
{
	return (__u16)(from[0] << 8 | from[1]);
}

static void put16(__u8 *to, unsigned int value)
{
	to[0] = (__u8)(value >> 8);
	to[1] = (__u8)value;
}

/* One hop less to live, and the checksum of IPv4 with it (RFC 1624). */
static void age(__u8 *ip)
{
	unsigned int checksum;

	if (*ip >> 4 == 6) {
		ip[7]--;
		return;
	}
	ip[8]--;
	checksum = get16(ip + 10) + 0x100u;
	put16(ip + 10, (checksum & 0xffff) + (checksum >> 16));
}

/*
 * Between input and output: what the input pass has made of the packet, without its link header, as a router forwards
 * it. Returns NULL, or why it is not forwarded.
 */
static const char *forward(struct journey *journey, const struct explain_answer *answer)
{
	const __u8 *frame = answer->frame ? answer->frame : journey->frame;
	size_t length = answer->frame ? answer->length : journey->frame_length;
	struct description packet;

	description_read(&packet, frame, length, journey->frame_ethernet);
	if (!packet.family || length > BUFFER_BYTES)
		return "what is not IP is not forwarded";
	if (packet.field[FIELD_TTL] <= 1)
		return "not forwarded: its time to live is over";
	journey->length = length - description_link_bytes(&packet);
	memmove(journey->bytes, frame + description_link_bytes(&packet), journey->length);
	age(journey->bytes);
	journey->fib = answer->fib;
	journey->tag_count = answer->tag_count;
	for (size_t i = 0; i < answer->tag_count; i++)
		journey->tags[i] = answer->tags[i];
	description_read(&journey->packet, journey->bytes, journey->length, false);
	journey->made = journey->ethernet = false;
	return NULL;
}

/* Whether a rule that decides by chance may have been tried. */
static bool chance(const struct ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->count; i++)
		RULE_FOR_EACH_OPTION (option, ruleset->rules[i])
			if (option->code == OPTION_PROBABILITY)
				return true;
	return false;
}

static const char *note_of(const struct explain_subject *subject, const struct ruleset *ruleset)
{
	if (subject->missing)
		return "the capture has not all of its bytes: zeros stand for the rest";
	return chance(ruleset) ? "rules with prob decide by chance, each time anew" : NULL;
}

/* All places on its way. */
static int travel(struct journey *journey, enum explain_outcome *outcome, const char **note, struct error *error)
{
	const struct explain_question *question = journey->question;
	bool through = question->direction == EXPLAIN_ANY && question->receive && question->transmit;
	struct explain_answer answer;
	struct explain_wish wish;
	const char *stopped;

	make_wish(journey, through ? EXPLAIN_IN : question->direction, &wish);
	if (pass_place(journey, &wish, outcome, &answer, error))
		return -1;
	if (!through || *outcome == OUTCOME_DROP)
		return 0;
	stopped = forward(journey, &answer);
	if (stopped) {
		*note = stopped;
		return 0;
	}
	make_wish(journey, EXPLAIN_OUT, &wish);
	return pass_place(journey, &wish, outcome, &answer, error);
}

int explain_subject(const struct explain_question *question, struct transaction *transaction,
		    struct explain_subject *subject, struct explain_report *report, struct error *error)
{
	struct journey journey = {
		.question = question,
		.transaction = transaction,
		.report = report,
		.writer = question->json ? &explain_json : &explain_text,
		.packet = subject->description,
		.made = !subject->bytes,
		.length = subject->length,
		.ethernet = subject->ethernet,
		.fib = question->fib,
		.tag_count = question->tag_count,
	};
	const char *note = note_of(subject, &transaction->ruleset);
	enum explain_outcome outcome = OUTCOME_PASS;
	int result;

	journey.bytes = malloc(2 * BUFFER_BYTES);
	if (!journey.bytes)
		return error_set(error, EX_OSERR, -1, "out of memory");
	journey.frame = journey.bytes + BUFFER_BYTES;
	memcpy(journey.tags, question->tags, sizeof(journey.tags));
	if (subject->bytes)
		memcpy(journey.bytes, subject->bytes, subject->length);
	journey.writer->begin(report, subject);
	result = travel(&journey, &outcome, &note, error);
	journey.writer->end(report, outcome, note, result ? error->message : NULL);
	free(journey.bytes);
	return result;
}
