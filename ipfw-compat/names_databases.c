/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The protocols and services databases, each read once: a file of ten thousand rules asks for the same few names over
 * and over, and the C library would scan the files anew each time.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ipfw-compat/names.h"

/* One name or alias. The first entry of a number or port holds its official name. */
struct database_entry {
	char *name;
	char *protocol; /* services only */
	unsigned int number;
};

struct database {
	struct database_entry *entries; /* in the order of the file, each name followed by its aliases */
	size_t count;
};

static struct database protocols, services;
static pthread_once_t protocols_once = PTHREAD_ONCE_INIT;
static pthread_once_t services_once = PTHREAD_ONCE_INIT;
static const char *protocol_names[256];		       /* by number */
static const struct database_entry **protocols_sorted; /* by name; NULL when memory was out */

static void database_add(struct database *database, const char *name, const char *protocol, unsigned int number)
{
	struct database_entry *entries;

	if (database->count % 64 == 0) {
		entries = reallocarray(database->entries, database->count + 64, sizeof(*entries));
		if (!entries)
			return;
		database->entries = entries;
	}
	entries = &database->entries[database->count];
	entries->name = strdup(name);
	entries->protocol = protocol ? strdup(protocol) : NULL;
	entries->number = number;
	if (entries->name && (!protocol || entries->protocol))
		database->count++;
}

/* Most rules name one of these, which every database has by these names: for them alone none is read. */
static const struct name_value common_protocols[] = {
	{"tcp", 6}, {"udp", 17}, {"icmp", 1}, {"ipv6-icmp", 58}, {NULL, 0}};

/* Protocols as FreeBSD's database names them, where rules written for it use the name and Linux systems lack it. */
static const struct name_value more_protocols[] = {{"carp", 112}, {"pfsync", 240}, {NULL, 0}};
static const struct name_value more_protocol_aliases[] = {{"icmp6", 58}, {NULL, 0}};

static void protocols_add(const struct name_value *names)
{
	for (; names->name; names++)
		database_add(&protocols, names->name, NULL, names->value);
}

/* By name; equal ones in the order of the file. */
static int entry_compare(const void *one, const void *other)
{
	const struct database_entry *a = *(const struct database_entry *const *)one;
	const struct database_entry *b = *(const struct database_entry *const *)other;
	int order = strcmp(a->name, b->name);

	return order ? order : (a > b) - (a < b);
}

static void protocols_sort(void)
{
	protocols_sorted = calloc(protocols.count, sizeof(*protocols_sorted));
	for (size_t i = 0; protocols_sorted && i < protocols.count; i++)
		protocols_sorted[i] = &protocols.entries[i];
	if (protocols_sorted)
		qsort(protocols_sorted, protocols.count, sizeof(*protocols_sorted), entry_compare);
}

static void protocols_read(void)
{
	struct protoent *protocol;

	protocols_add(more_protocols);
	setprotoent(1);
	while ((protocol = getprotoent())) {
		database_add(&protocols, protocol->p_name, NULL, (unsigned int)protocol->p_proto);
		for (char **alias = protocol->p_aliases; *alias; alias++)
			database_add(&protocols, *alias, NULL, (unsigned int)protocol->p_proto);
	}
	endprotoent();
	protocols_add(more_protocol_aliases);
	for (size_t i = protocols.count; i-- > 0;)
		if (protocols.entries[i].number < 256)
			protocol_names[protocols.entries[i].number] = protocols.entries[i].name;
	protocols_sort();
}

static void services_read(void)
{
	struct servent *service;

	setservent(1);
	while ((service = getservent())) {
		unsigned int port = ntohs((__u16)service->s_port);

		database_add(&services, service->s_name, service->s_proto, port);
		for (char **alias = service->s_aliases; *alias; alias++)
			database_add(&services, *alias, service->s_proto, port);
	}
	endservent();
}

int protocol_number(const char *name)
{
	int common = names_value(common_protocols, name, strlen(name));
	size_t low = 0, high;

	if (common >= 0)
		return common;
	pthread_once(&protocols_once, protocols_read);
	for (high = protocols_sorted ? protocols.count : 0; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(protocols_sorted[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (!protocols_sorted || low == protocols.count || strcmp(protocols_sorted[low]->name, name) != 0)
		return -1;
	return (int)protocols_sorted[low]->number;
}

const char *protocol_name(unsigned int number)
{
	const char *common = names_name(common_protocols, number);

	if (common)
		return common;
	pthread_once(&protocols_once, protocols_read);
	return number < 256 ? protocol_names[number] : NULL;
}

/*
 * Whether a service may be taken from another protocol's entry: FreeBSD's database lists nearly every service under
 * both of these, others only under the protocol that really uses it.
 */
static bool shares_services(const char *protocol)
{
	static const char *const sharing[] = {"tcp", "udp"};

	for (size_t i = 0; protocol && i < sizeof(sharing) / sizeof(sharing[0]); i++)
		if (!strcmp(protocol, sharing[i]))
			return true;
	return false;
}

/* The first service with this name, or when that is NULL with this port. */
static const struct database_entry *service_find(const char *name, unsigned int port, const char *protocol)
{
	const struct database_entry *other = NULL;

	pthread_once(&services_once, services_read);
	for (size_t i = 0; i < services.count; i++) {
		const struct database_entry *service = &services.entries[i];

		if (name ? strcmp(service->name, name) != 0 : service->number != port)
			continue;
		if (!protocol || !strcmp(service->protocol, protocol))
			return service;
		if (!other)
			other = service;
	}
	return shares_services(protocol) ? other : NULL;
}

int service_port(const char *name, const char *protocol)
{
	const struct database_entry *service = service_find(name, 0, protocol);

	return service ? (int)service->number : -1;
}

const char *service_name(unsigned int port, const char *protocol)
{
	const struct database_entry *service = service_find(NULL, port, protocol);

	return service ? service->name : NULL;
}
