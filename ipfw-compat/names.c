/* SPDX-License-Identifier: GPL-2.0-only */
/* Words for flags and codes; hosts. Contracts in names.h. */
#include "ipfw-compat/names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "ipfw-compat/parser_keywords.h"
#include "ipfw/packet.h"
#include "ipfw/rule.h"

/* The listing prints flags in the order of these tables. */
const struct name_value names_tcp_flags[] = {
	{"syn", TCP_FLAG_SYN},
	{"fin", TCP_FLAG_FIN},
	{"ack", TCP_FLAG_ACK},
	{"psh", TCP_FLAG_PSH},
	{"rst", TCP_FLAG_RST},
	{"urg", TCP_FLAG_URG},
	{NULL, 0},
};

const struct name_value names_fragment_flags[] = {
	{"rf", FRAGMENT_RESERVED}, {"df", FRAGMENT_DONT}, {"mf", FRAGMENT_MORE}, {"offset", FRAGMENT_OFFSET}, {NULL, 0},
};

/* RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1 */
const struct name_value names_unreachable_codes[] = {
	{"net", 0},
	{"host", UNREACHABLE_HOST},
	{"protocol", 2},
	{"port", 3},
	{"needfrag", UNREACHABLE_NEEDFRAG},
	{"srcfail", 5},
	{"net-unknown", 6},
	{"host-unknown", 7},
	{"isolated", 8},
	{"net-prohib", 9},
	{"host-prohib", 10},
	{"tosnet", 11},
	{"toshost", 12},
	{"filter-prohib", 13},
	{"host-precedence", 14},
	{"precedence-cutoff", 15},
	{NULL, 0},
};

/* RFC 4443 section 3.1 */
const struct name_value names_unreachable6_codes[] = {
	{"no-route", 0}, {"admin-prohib", 1}, {"address", 3}, {"port", 4}, {NULL, 0},
};

const struct name_value names_ip_options[] = {
	{"ssrr", IP_OPTION_STRICT_ROUTE},
	{"lsrr", IP_OPTION_LOOSE_ROUTE},
	{"rr", IP_OPTION_RECORD_ROUTE},
	{"ts", IP_OPTION_TIMESTAMP},
	{NULL, 0},
};

/* RFC 791, RFC 1349 and, for the last two bits, RFC 3168; overlapping as in ipfw */
const struct name_value names_ip_tos[] = {
	{"lowdelay", 0x10}, {"throughput", 0x08}, {"reliability", 0x04},
	{"mincost", 0x02},  {"congestion", 0x03}, {"ecntransport", 0x02},
	{NULL, 0},
};

const struct name_value names_tcp_options[] = {
	{"mss", TCP_OPTION_MSS},
	{"maxseg", TCP_OPTION_MSS},
	{"window", TCP_OPTION_WINDOW},
	{"sack", TCP_OPTION_SACK},
	{"ts", TCP_OPTION_TIMESTAMP},
	{"timestamp", TCP_OPTION_TIMESTAMP},
	{"cc", TCP_OPTION_CONNECTION_COUNT},
	{NULL, 0},
};

const struct name_value names_extension_headers[] = {
	{"frag", EXTENSION_FRAGMENT},	   {"hopopt", EXTENSION_HOP_BY_HOP}, {"route", EXTENSION_ROUTING},
	{"dstopt", EXTENSION_DESTINATION}, {"ah", EXTENSION_AUTHENTICATION}, {"esp", EXTENSION_ESP},
	{"rthdr0", EXTENSION_ROUTING_0},   {"rthdr2", EXTENSION_ROUTING_2},  {NULL, 0},
};

/* RFC 2474, RFC 2597, RFC 3246, RFC 5865 */
const struct name_value names_dscp[] = {
	{"af11", 10}, {"af12", 12}, {"af13", 14}, {"af21", 18}, {"af22", 20}, {"af23", 22}, {"af31", 26}, {"af32", 28},
	{"af33", 30}, {"af41", 34}, {"af42", 36}, {"af43", 38}, {"be", 0},    {"va", 44},   {"ef", 46},	  {"cs0", 0},
	{"cs1", 8},   {"cs2", 16},  {"cs3", 24},  {"cs4", 32},	{"cs5", 40},  {"cs6", 48},  {"cs7", 56},  {NULL, 0},
};

/* IEEE 802 numbers, IANA; names as in ipfw(8), mac-type */
const struct name_value names_ether_types[] = {
	{"ip", 0x0800},	    {"ipv4", 0x0800},	    {"ipv6", 0x86dd},	    {"arp", 0x0806},	  {"rarp", 0x8035},
	{"vlan", 0x8100},   {"loop", 0x9000},	    {"trail", 0x1000},	    {"at", 0x809b},	  {"atalk", 0x809b},
	{"aarp", 0x80f3},   {"pppoe_disc", 0x8863}, {"pppoe_sess", 0x8864}, {"ipx_8022", 0x00e0}, {"ipx_8023", 0},
	{"ipx_ii", 0x8137}, {"ipx_snap", 0x8137},   {"ipx", 0x8137},	    {"ns", 0x0600},	  {NULL, 0},
};

const struct name_value names_log_destinations[] = {
	{"syslog", LOG_TO_SYSLOG},
	{"bpf", LOG_TO_BPF},
	{"rtsock", LOG_TO_ROUTE_SOCKET},
	{NULL, 0},
};

const struct name_value names_return_to[] = {
	{"next-rulenum", RETURN_TO_NEXT_NUMBER},
	{"next-rule", RETURN_TO_NEXT_RULE},
	{NULL, 0},
};

const struct name_value names_table_values[] = {
	{"tag", TABLE_VALUE_TAG},	{"skipto", TABLE_VALUE_SKIPTO},	    {"pipe", TABLE_VALUE_PIPE},
	{"fib", TABLE_VALUE_FIB},	{"nat", TABLE_VALUE_NAT},	    {"dscp", TABLE_VALUE_DSCP},
	{"divert", TABLE_VALUE_DIVERT}, {"netgraph", TABLE_VALUE_NETGRAPH}, {"limit", TABLE_VALUE_LIMIT},
	{"ipv4", TABLE_VALUE_IPV4},	{"mark", TABLE_VALUE_MARK},	    {NULL, 0},
};

const struct name_value names_lookup_keys[] = {
	{"dst-ip", LOOKUP_DESTINATION_IP},
	{"src-ip", LOOKUP_SOURCE_IP},
	{"dst-port", LOOKUP_DESTINATION_PORT},
	{"src-port", LOOKUP_SOURCE_PORT},
	{"uid", LOOKUP_UID},
	{"jail", LOOKUP_JAIL},
	{"dscp", LOOKUP_DSCP},
	{"dst-mac", LOOKUP_DESTINATION_MAC},
	{"src-mac", LOOKUP_SOURCE_MAC},
	{"mark", LOOKUP_MARK},
	{"rulenum", LOOKUP_RULE_NUMBER},
	{"dst-ip4", LOOKUP_DESTINATION_IP4},
	{"src-ip4", LOOKUP_SOURCE_IP4},
	{"dst-ip6", LOOKUP_DESTINATION_IP6},
	{"src-ip6", LOOKUP_SOURCE_IP6},
	{NULL, 0},
};

/* `all` is listed in place of its parts. */
const struct name_value names_limit_fields[] = {
	{"all", LIMIT_SOURCE_ADDRESS | LIMIT_SOURCE_PORT | LIMIT_DESTINATION_ADDRESS | LIMIT_DESTINATION_PORT},
	{"src-addr", LIMIT_SOURCE_ADDRESS},
	{"src-port", LIMIT_SOURCE_PORT},
	{"dst-addr", LIMIT_DESTINATION_ADDRESS},
	{"dst-port", LIMIT_DESTINATION_PORT},
	{NULL, 0},
};

bool object_name_valid(const char *text, size_t length)
{
	if (!length || length >= OBJECT_NAME_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && (!text[i] || !strchr("-_.", text[i])))
			return false;
	return true;
}

int names_value(const struct name_value *table, const char *text, size_t length)
{
	for (; table->name; table++)
		if (!strncmp(table->name, text, length) && !table->name[length])
			return (int)table->value;
	return -1;
}

const char *names_name(const struct name_value *table, unsigned int value)
{
	for (; table->name; table++)
		if (table->value == value)
			return table->name;
	return NULL;
}

void names_list(const struct name_value *table, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (const struct name_value *entry = table; entry->name && used < size; entry++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", entry == table ? "" : ", ", entry->name);
}

/*
 * Whether a resolver may be asked for `name`. A forgotten address (`from to any`) must not become a rule
 * about whatever host the search domain calls "to", nor wait for a name server.
 */
static bool resolvable(const char *name)
{
	bool letters = false;

	for (const char *c = name; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("-._", *c))
			return false;
		letters |= !isdigit((unsigned char)*c) && *c != '.';
	}
	return letters && !keyword_reserved(name);
}

/* RFC 6761 section 6.3: this name is the loopback address whatever the databases say. */
static bool resolve_localhost(const char *name, int family, void *address)
{
	const __u32 loopback4 = htonl(INADDR_LOOPBACK);

	if (strcmp(name, "localhost") != 0)
		return false;
	memcpy(address, family == AF_INET ? (const void *)&loopback4 : &in6addr_loopback, family == AF_INET ? 4 : 16);
	return true;
}

/* First address of `family` that the resolver has for `name`, copied to `address`. */
static bool resolve(const char *name, int family, void *address)
{
	struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_RAW};
	struct addrinfo *found;

	if (resolve_localhost(name, family, address))
		return true;
	if (!resolvable(name) || getaddrinfo(name, NULL, &hints, &found))
		return false;
	if (family == AF_INET)
		memcpy(address, &((struct sockaddr_in *)found->ai_addr)->sin_addr, sizeof(struct in_addr));
	else
		memcpy(address, &((struct sockaddr_in6 *)found->ai_addr)->sin6_addr, sizeof(struct in6_addr));
	freeaddrinfo(found);
	return true;
}

bool host_address4(const char *name, __u32 *address)
{
	struct in_addr parsed;

	if (!inet_aton(name, &parsed) && !resolve(name, AF_INET, &parsed))
		return false;
	*address = parsed.s_addr;
	return true;
}

bool host_address6(const char *name, __u8 address[16])
{
	struct in6_addr parsed;

	if (inet_pton(AF_INET6, name, &parsed) != 1 && !resolve(name, AF_INET6, &parsed))
		return false;
	memcpy(address, &parsed, sizeof(parsed));
	return true;
}

bool host_name(int family, const void *address, char *name, size_t size)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct sockaddr_in four = {.sin_family = AF_INET};
	const struct sockaddr *socket_address = (const struct sockaddr *)&four;
	socklen_t length = sizeof(four);

	if (family == AF_INET) {
		memcpy(&four.sin_addr, address, sizeof(four.sin_addr));
	} else {
		memcpy(&six.sin6_addr, address, sizeof(six.sin6_addr));
		socket_address = (const struct sockaddr *)&six;
		length = sizeof(six);
	}
	if (family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six.sin6_addr))
		return snprintf(name, size, "localhost") > 0;
	return !getnameinfo(socket_address, length, name, (socklen_t)size, NULL, 0, NI_NAMEREQD);
}

int mask_length4(__u32 mask)
{
	__u32 zeros = ~ntohl(mask);
	int length = zeros ? __builtin_clz(zeros) : 32;

	return zeros & (zeros + 1) ? -1 : length;
}

int mask_length6(const __u8 mask[16])
{
	int length = 0;

	while (length < 128 && mask[length / 8] & 0x80 >> length % 8)
		length++;
	for (int bit = length; bit < 128; bit++)
		if (mask[bit / 8] & 0x80 >> bit % 8)
			return -1;
	return length;
}
