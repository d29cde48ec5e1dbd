/* SPDX-License-Identifier: GPL-2.0-only */
/* From words to a description. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ipfw-compat/packet_parse.h"
#include "ipfw/packet.h"

/* First of those that systems choose from themselves (RFC 6335). */
#define USUAL_SOURCE_PORT 49152

const char *packet_peek(const struct parse *parse)
{
	return parse->at < parse->words->count ? parse->words->word[parse->at] : NULL;
}

int packet_fail(const struct parse *parse, int exit_code, const char *format, const char *word)
{
	return error_set(parse->error, exit_code, parse->at, format, word ? word : "");
}

bool packet_number(const char *word, __u32 maximum, __u32 *value)
{
	unsigned long long number;
	char *end;

	if (!word || !isdigit((unsigned char)*word))
		return false;
	errno = 0;
	number = strtoull(word, &end, 0);
	if (*end || errno || number > maximum)
		return false;
	*value = (__u32)number;
	return true;
}

static bool is_arrow(const char *word)
{
	return word && (!strcmp(word, ">") || !strcmp(word, "->") || !strcmp(word, "to"));
}

int packet_parse_arrow(struct parse *parse)
{
	if (!is_arrow(packet_peek(parse))) {
		packet_fail(parse, EX_USAGE,
			    packet_peek(parse) ? "``%s'' instead of \">\" or \"to\"" : "missing destination%s",
			    packet_peek(parse));
		return error_advise(parse->error, "to the shell > means a file: quote it, or write \"to\"");
	}
	parse->at++;
	return 0;
}

static int parse_protocol(struct parse *parse)
{
	const char *word = packet_peek(parse);
	__u32 number;
	int named;

	if (!word) {
		packet_fail(parse, EX_USAGE, "missing packet%s", NULL);
		return error_advise(parse->error, "as in: tcp 10.0.0.5:1234 to 192.0.2.1:80 syn");
	}
	if (!strcmp(word, "ip") || !strcmp(word, "all") || !strcmp(word, "any") || !strcmp(word, "ip4")) {
		packet_fail(parse, EX_DATAERR, "a packet has one protocol, not ``%s''", word);
		return error_advise(parse->error,
				    "tcp, udp, icmp, icmp6, sctp, another name of /etc/protocols, or a number");
	}
	named = !strcmp(word, "icmp6") ? IPPROTO_ICMPV6 : protocol_number(word);
	if (named >= 0) {
		parse->description->protocol = (__u8)named;
	} else if (packet_number(word, 255, &number)) {
		parse->description->protocol = (__u8)number;
	} else {
		packet_fail(parse, EX_DATAERR, "unknown protocol ``%s''", word);
		return error_advise(parse->error,
				    "tcp, udp, icmp, icmp6, sctp, another name of /etc/protocols, or a number");
	}
	parse->at++;
	return 0;
}

/* The two families have ICMP of their own; what is written as a number is meant. */
static int check_icmp(struct parse *parse)
{
	const struct description *description = parse->description;
	const char *word = parse->words->word[parse->protocol];
	bool v4 = description->family == 4;

	if (description->protocol != (v4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) || isdigit((unsigned char)*word))
		return 0;
	error_set(parse->error, EX_DATAERR, parse->protocol, "%s does not go with IPv%d addresses", word, v4 ? 4 : 6);
	return error_advise(parse->error, "%s does", v4 ? "icmp" : "icmp6");
}

/* Splits `ADDRESS[:PORT]` or `[ADDRESS]:PORT`. *port becomes NULL if there is none. False if it is neither. */
static bool split_end(const char *word, char *address, size_t size, const char **port)
{
	const char *first = strchr(word, ':'), *end = word + strlen(word);

	*port = NULL;
	if (*word == '[') {
		word++;
		end = strchr(word, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		if (end[1])
			*port = end + 2;
	} else if (first && !strchr(first + 1, ':')) {
		end = first;
		*port = first + 1;
	}
	if ((size_t)(end - word) >= size)
		return false;
	memcpy(address, word, (size_t)(end - word));
	address[end - word] = '\0';
	return true;
}

/* Returns the family of a numeric address, 0 if it is none. */
static __u8 read_address(const char *text, __u32 address[4])
{
	memset(address, 0, 4 * sizeof(*address));
	if (inet_pton(AF_INET, text, address) == 1)
		return 4;
	return inet_pton(AF_INET6, text, address) == 1 ? 6 : 0;
}

static int parse_port(struct parse *parse, const char *text, __u16 *port)
{
	int named = service_port(text, protocol_name(parse->description->protocol));
	__u32 number;

	if (!protocol_has_ports(parse->description->protocol)) {
		packet_fail(parse, EX_DATAERR, "%s: this protocol has no ports", parse->words->word[parse->at]);
		return error_advise(parse->error, "tcp, udp, udplite and sctp have");
	}
	if (packet_number(text, 65535, &number))
		*port = (__u16)number;
	else if (named >= 0)
		*port = (__u16)named;
	else
		return packet_fail(parse, EX_DATAERR, "bad port ``%s''", text);
	return 0;
}

/* One end of the packet. */
static int parse_end(struct parse *parse, const char *what, __u32 address[4], __u16 *port, bool *has_port)
{
	const char *word = packet_peek(parse), *port_text;
	char text[INET6_ADDRSTRLEN];
	__u8 family;

	if (!word)
		return packet_fail(parse, EX_USAGE, "missing %s", what);
	family = split_end(word, text, sizeof(text), &port_text) ? read_address(text, address) : 0;
	if (!family) {
		packet_fail(parse, EX_DATAERR, "bad address ``%s''", word);
		return error_advise(parse->error, "10.0.0.5, 10.0.0.5:80, 2001:db8::1 or [2001:db8::1]:80");
	}
	if (parse->description->family && parse->description->family != family) {
		packet_fail(parse, EX_DATAERR, "%s: not of the same family as the source", word);
		return error_advise(parse->error, "both addresses are IPv4, or both are IPv6");
	}
	parse->description->family = family;
	if (port_text && parse_port(parse, port_text, port))
		return -1;
	*has_port = port_text != NULL;
	parse->at++;
	return 0;
}

static int parse_ends(struct parse *parse)
{
	struct description *description = parse->description;

	if (packet_peek(parse) && !strcmp(packet_peek(parse), "from"))
		parse->at++;
	if (parse_end(parse, "source", description->source, &description->source_port, &parse->source_port) ||
	    check_icmp(parse) || packet_parse_arrow(parse))
		return -1;
	parse->destination = parse->at;
	return parse_end(parse, "destination", description->destination, &description->destination_port,
			 &parse->destination_port);
}

static int check_ports(struct parse *parse)
{
	struct description *description = parse->description;

	description->ports = description_has_ports(description);
	if (!description->ports && (parse->source_port || parse->destination_port)) {
		error_set(parse->error, EX_DATAERR, parse->said[FIELD_OFFSET], "only the first fragment has ports");
		return error_advise(parse->error, "leave them out, or say frag 0+");
	}
	if (description->ports && !parse->destination_port) {
		error_set(parse->error, EX_DATAERR, parse->destination, "missing destination port");
		return error_advise(parse->error, "%s:80, or [ADDRESS]:80 for IPv6", "ADDRESS");
	}
	if (description->ports && !parse->source_port)
		description->source_port = USUAL_SOURCE_PORT;
	return 0;
}

/* Routing headers are of a type; ESP hides what is behind it, so it can only be the protocol. */
static int check_extensions(struct parse *parse)
{
	__u32 *extensions = &parse->description->field[FIELD_EXTENSIONS];

	if (*extensions & EXTENSION_ESP || *extensions == EXTENSION_ROUTING) {
		error_set(parse->error, EX_DATAERR, parse->said[FIELD_EXTENSIONS] + 1, "this header cannot be made");
		return error_advise(parse->error,
				    "for ESP write esp as the protocol, for routing headers rthdr0 or rthdr2");
	}
	if (*extensions & (EXTENSION_ROUTING_0 | EXTENSION_ROUTING_2))
		*extensions |= EXTENSION_ROUTING;
	return 0;
}

/* Gives what was not said its value, and checks what only all words together tell. */
static int finish(struct parse *parse)
{
	struct description *description = parse->description;
	__u32 *length = &description->field[FIELD_LENGTH], least;

	for (int field = 0; field < DESCRIPTION_FIELDS; field++) {
		if (parse->said[field] && !field_applies(description, field))
			return error_set(parse->error, EX_DATAERR, parse->said[field],
					 "%s: this packet has no such thing", parse->words->word[parse->said[field]]);
		if (!parse->said[field] && field != FIELD_LENGTH && field_applies(description, field) &&
		    field_initial(description, field))
			description->field[field] = field_initial(description, field);
	}
	if (check_ports(parse) || check_extensions(parse))
		return -1;
	description_normalise(description);
	least = field_initial(description, FIELD_LENGTH);
	if (!parse->said[FIELD_LENGTH])
		*length = least;
	if (*length >= least)
		return 0;
	error_set(parse->error, EX_DATAERR, parse->said[FIELD_LENGTH] + 1, "shorter than the headers");
	return error_advise(parse->error, "%u bytes at least", least);
}

/* What is not IP: `mac-type arp' */
static int parse_ether_type(struct parse *parse)
{
	const char *word;
	__u32 number;
	int named;

	parse->at++;
	word = packet_peek(parse);
	named = word ? names_value(names_ether_types, word, strlen(word)) : -1;
	if (named < 0 && !packet_number(word, 0xffff, &number)) {
		packet_fail(parse, EX_DATAERR, "bad EtherType ``%s''", word);
		return error_advise(parse->error, "arp, another name of ipfw(8) mac-type, or a number");
	}
	parse->description->ether_type = (__u16)(named < 0 ? number : (__u32)named);
	parse->at++;
	return 0;
}

int description_parse(struct description *description, const struct words *words, int first, struct error *error)
{
	struct parse parse = {
		.description = description, .words = words, .at = first, .protocol = first, .error = error};
	int result;

	memset(description, 0, sizeof(*description));
	if (packet_peek(&parse) && !strcmp(packet_peek(&parse), "mac-type"))
		result = parse_ether_type(&parse);
	else
		result = parse_protocol(&parse) || parse_ends(&parse) ? -1 : 0;
	while (!result && packet_peek(&parse))
		result = packet_parse_option(&parse);
	return result ? -1 : finish(&parse);
}
