/* SPDX-License-Identifier: GPL-2.0-only */
/* What may follow the addresses in a description. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/packet_parse.h"
#include "ipfw-compat/parser_syntax.h"
#include "ipfw/packet.h"

/* Notes that the word to be read next says a field, if this packet can have it. Steps over the word. */
static int say(struct parse *parse, enum description_field field)
{
	if (!(field_rows[field].where & description_where(parse->description))) {
		packet_fail(parse, EX_DATAERR, "%s: this packet has no such thing", packet_peek(parse));
		return error_advise(parse->error, "it depends on the protocol, and on what fragment it is");
	}
	parse->said[field] = parse->at++;
	return 0;
}

/* The bits of names joined by commas. False if a name is unknown. */
static bool read_list(const char *word, const struct name_value *names, __u32 *bits)
{
	*bits = 0;
	for (;; word++) {
		size_t length = strcspn(word, ",");
		int value = names_value(names, word, length);

		if (value < 0)
			return false;
		*bits |= (__u32)value;
		word += length;
		if (!*word)
			return true;
	}
}

static int parse_value(struct parse *parse, enum description_field field)
{
	const struct name_value *names = field_names(parse->description, field);
	const char *keyword = packet_peek(parse), *word;
	__u32 *value = &parse->description->field[field];
	char list[256];
	int named;

	if (say(parse, field))
		return -1;
	word = packet_peek(parse);
	if (!word)
		return packet_fail(parse, EX_USAGE, "missing value of %s", keyword);
	named = names && field_rows[field].kind == FIELD_NAMED ? names_value(names, word, strlen(word)) : -1;
	if (named >= 0) {
		*value = (__u32)named;
	} else if (field_rows[field].kind == FIELD_LIST && !strcmp(word, "none")) {
		*value = 0;
	} else if (field_rows[field].kind == FIELD_LIST ? !read_list(word, names, value)
							: !packet_number(word, field_rows[field].maximum, value)) {
		packet_fail(parse, EX_DATAERR, "bad value ``%s''", word);
		if (!names)
			return error_advise(parse->error, "%s takes a number up to %u", keyword,
					    field_rows[field].maximum);
		names_list(names, list, sizeof(list));
		return error_advise(parse->error, "%s takes %s%s", keyword, list,
				    field_rows[field].kind == FIELD_LIST ? ", joined by commas" : ", or a number");
	}
	parse->at++;
	return 0;
}

/* `syn', `syn,ack': flags without a keyword. `ack 5' is the number, and the flag. */
static int parse_flag_words(struct parse *parse, __u32 flags)
{
	const char *next = parse->at + 1 < parse->words->count ? parse->words->word[parse->at + 1] : NULL;
	bool number = flags == TCP_FLAG_ACK && next && isdigit((unsigned char)*next);
	int said = parse->said[FIELD_TCP_FLAGS];

	/* What the list behind `flags' says holds. */
	if (!number || !said || strcmp(parse->words->word[said], "flags") != 0) {
		parse->description->field[FIELD_TCP_FLAGS] |= flags;
		if (say(parse, FIELD_TCP_FLAGS))
			return -1;
		parse->at -= number;
	}
	return number ? parse_value(parse, FIELD_ACKNOWLEDGMENT) : 0;
}

static int parse_fragment_bits(struct parse *parse, __u32 flags)
{
	if (parse->description->family == 6 && flags & (FRAGMENT_DONT | FRAGMENT_RESERVED)) {
		packet_fail(parse, EX_DATAERR, "%s: IPv6 has no such flag", packet_peek(parse));
		return error_advise(parse->error, "frag OFFSET, or frag OFFSET+ where more fragments follow");
	}
	parse->description->field[FIELD_FRAGMENT] |= flags;
	return say(parse, FIELD_FRAGMENT);
}

/* `frag 1480', `frag 0+' */
static int parse_offset(struct parse *parse)
{
	char text[16];
	const char *word;
	size_t length;
	__u32 offset;

	if (say(parse, FIELD_OFFSET))
		return -1;
	word = packet_peek(parse);
	length = word ? strcspn(word, "+") : 0;
	snprintf(text, sizeof(text), "%.*s", (int)length, word ? word : "");
	if (!word || length >= sizeof(text) || !packet_number(text, field_rows[FIELD_OFFSET].maximum, &offset) ||
	    offset % 8 || (word[length] && word[length + 1])) {
		packet_fail(parse, EX_DATAERR, "bad fragment offset ``%s''", word);
		return error_advise(parse->error, "bytes, a multiple of 8 up to %u; + behind it: more fragments follow",
				    field_rows[FIELD_OFFSET].maximum);
	}
	parse->description->field[FIELD_OFFSET] = offset;
	if (word[length])
		parse->description->field[FIELD_FRAGMENT] |= FRAGMENT_MORE;
	parse->at++;
	return 0;
}

static int parse_tos(struct parse *parse)
{
	__u32 value;

	if (say(parse, FIELD_DSCP))
		return -1;
	parse->said[FIELD_ECN] = parse->said[FIELD_DSCP];
	if (!packet_number(packet_peek(parse), 255, &value)) {
		packet_fail(parse, EX_DATAERR, "bad value ``%s''", packet_peek(parse));
		return error_advise(parse->error, "tos takes a number up to 255");
	}
	parse->description->field[FIELD_DSCP] = value >> 2;
	parse->description->field[FIELD_ECN] = value & 3;
	parse->at++;
	return 0;
}

/* `mac FROM > TO' */
static int parse_macs(struct parse *parse)
{
	__u8 *const macs[] = {parse->description->source_mac, parse->description->destination_mac};

	parse->at++;
	for (int i = 0; i < 2; i++) {
		if (i && packet_parse_arrow(parse))
			return -1;
		if (!packet_peek(parse) || !read_mac(packet_peek(parse), macs[i])) {
			packet_fail(parse, EX_DATAERR, "bad link address ``%s''", packet_peek(parse));
			return error_advise(parse->error, "as in: mac 02:00:00:00:00:01 to 02:00:00:00:00:02");
		}
		parse->at++;
	}
	parse->description->link = true;
	return 0;
}

static int parse_vlan(struct parse *parse)
{
	__u32 id;

	parse->at++;
	if (!packet_number(packet_peek(parse), 4094, &id) || parse->description->vlans == DESCRIPTION_VLANS_MAX) {
		packet_fail(parse, EX_DATAERR, "bad VLAN ``%s''", packet_peek(parse));
		return error_advise(parse->error, "ids up to 4094, the outer one first, and at most %d tags",
				    DESCRIPTION_VLANS_MAX);
	}
	parse->description->vlan[parse->description->vlans++] = (__u16)id;
	parse->at++;
	return 0;
}

int packet_parse_option(struct parse *parse)
{
	const char *word = packet_peek(parse);
	__u32 bits;

	if (!strcmp(word, "frag"))
		return parse_offset(parse);
	if (!strcmp(word, "tos"))
		return parse_tos(parse);
	if (!strcmp(word, "mac"))
		return parse_macs(parse);
	if (!strcmp(word, "vlan"))
		return parse_vlan(parse);
	if (!strcmp(word, "hlim"))
		return parse_value(parse, FIELD_TTL);
	if (read_list(word, names_segment_flags, &bits))
		return parse_flag_words(parse, bits);
	if (read_list(word, names_fragment_flags, &bits) && !(bits & FRAGMENT_OFFSET))
		return parse_fragment_bits(parse, bits);
	for (int field = 0; field < DESCRIPTION_FIELDS; field++)
		if (!strcmp(word, field_rows[field].word))
			return parse_value(parse, field);
	packet_fail(parse, EX_DATAERR, "unknown word ``%s''", word);
	return error_advise(parse->error,
			    "ttl N, len N, id N, frag N[+], df, dscp N, vlan N, mac A to B; for TCP flags (syn,ack), "
			    "seq N, ack N, win N, mss N; for ICMP type N, code N");
}
