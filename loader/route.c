/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/route.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "loader/netlink.h"

/* A dump that others interrupted is inconsistent (EINTR): it is read again at most this often. */
#define DUMP_ATTEMPTS 10

struct reader {
	struct route_list *list;
	size_t capacity;
};

bool route_list_needed(const struct ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->count; i++)
		RULE_FOR_EACH_OPTION (option, ruleset->rules[i])
			if (option->code == OPTION_VERREVPATH || option->code == OPTION_VERSRCREACH ||
			    option->code == OPTION_ANTISPOOF)
				return true;
	return false;
}

/* What a route of `type` in `table` is for us; false: nothing. */
static bool kind_of(const struct rtmsg *header, __u32 table, __u32 *kind)
{
	if (table == RT_TABLE_LOCAL) {
		*kind = ROUTE_LOCAL;
		return header->rtm_type == RTN_LOCAL;
	}
	switch (header->rtm_type) {
	case RTN_UNICAST:
		*kind = header->rtm_dst_len ? ROUTE_NETWORK : ROUTE_DEFAULT;
		break;
	case RTN_BLACKHOLE:
	case RTN_UNREACHABLE:
	case RTN_PROHIBIT:
	case RTN_THROW:
		*kind = ROUTE_REJECT;
		break;
	default:
		return false;
	}
	return table == RT_TABLE_MAIN;
}

static void add_interface(struct route *route, __u32 index)
{
	for (size_t i = 0; i < ROUTE_INTERFACES; i++) {
		if (route->interfaces[i] == index)
			return;
		if (!route->interfaces[i]) {
			route->interfaces[i] = index;
			return;
		}
	}
}

/* The interfaces of several next hops; those that are down do not count. */
static void read_next_hops(const struct nlattr *attribute, struct route *route)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(attribute);
	size_t left = mnl_attr_get_payload_len(attribute);

	while (left >= sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) && hop->rtnh_len <= left) {
		size_t length = RTNH_ALIGN(hop->rtnh_len);

		if (!(hop->rtnh_flags & RTNH_F_DEAD))
			add_interface(route, (__u32)hop->rtnh_ifindex);
		if (length >= left)
			break;
		left -= length;
		hop = (const void *)((const char *)hop + length);
	}
}

static void read_attribute(const struct nlattr *attribute, struct route_entry *entry, __u32 *table)
{
	switch (mnl_attr_get_type(attribute)) {
	case RTA_TABLE:
		*table = mnl_attr_get_u32(attribute);
		break;
	case RTA_DST:
		if (mnl_attr_get_payload_len(attribute) <= sizeof(entry->address))
			memcpy(entry->address, mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute));
		break;
	case RTA_PRIORITY:
		entry->metric = mnl_attr_get_u32(attribute);
		break;
	case RTA_OIF:
		add_interface(&entry->route, mnl_attr_get_u32(attribute));
		break;
	case RTA_MULTIPATH:
		read_next_hops(attribute, &entry->route);
		break;
	}
}

static int append(struct reader *reader, const struct route_entry *entry)
{
	struct route_list *list = reader->list;

	if (list->count == reader->capacity) {
		size_t capacity = 2 * reader->capacity + 64;
		struct route_entry *grown = reallocarray(list->entries, capacity, sizeof(*grown));

		if (!grown)
			return MNL_CB_ERROR;
		list->entries = grown;
		reader->capacity = capacity;
	}
	list->entries[list->count++] = *entry;
	return MNL_CB_OK;
}

static int read_route(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(message);
	struct route_entry entry = {.prefix_length = header->rtm_dst_len};
	__u32 table = header->rtm_table;
	const struct nlattr *attribute;

	if (message->nlmsg_type != RTM_NEWROUTE || header->rtm_src_len || header->rtm_tos ||
	    header->rtm_flags & (RTM_F_CLONED | RTNH_F_DEAD))
		return MNL_CB_OK;
	entry.family = header->rtm_family == AF_INET ? 4 : 6;
	mnl_attr_for_each(attribute, message, sizeof(*header)) read_attribute(attribute, &entry, &table);
	if (!kind_of(header, table, &entry.route.kind))
		return MNL_CB_OK;
	if (entry.route.kind == ROUTE_REJECT)
		memset(entry.route.interfaces, 0, sizeof(entry.route.interfaces));
	else if (!entry.route.interfaces[0])
		return MNL_CB_OK;
	return append(data, &entry);
}

static int dump(struct mnl_socket *netlink, unsigned char family, struct reader *reader)
{
	char buffer[NETLINK_BYTES];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct rtmsg *header;

	request->nlmsg_type = RTM_GETROUTE;
	header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	header->rtm_family = family;
	return netlink_dump(netlink, request, read_route, reader);
}

static int compare_prefix(const struct route_entry *left, const struct route_entry *right)
{
	int result = left->family - right->family;

	if (!result)
		result = left->prefix_length - right->prefix_length;
	return result ? result : memcmp(left->address, right->address, sizeof(left->address));
}

/* Routes of one prefix: first those that the kernel would take first. */
static int compare(const void *one, const void *other)
{
	const struct route_entry *left = one, *right = other;
	int result = compare_prefix(left, right);

	if (!result)
		result = (right->route.kind == ROUTE_LOCAL) - (left->route.kind == ROUTE_LOCAL);
	return result ? result : (left->metric > right->metric) - (left->metric < right->metric);
}

/* Leaves one route of each prefix; IPv6 has several next hops as several routes of one metric. */
static void choose(struct route_list *list)
{
	size_t kept = 0;

	if (!list->count)
		return;
	qsort(list->entries, list->count, sizeof(*list->entries), compare);
	for (size_t i = 1; i < list->count; i++) {
		const struct route_entry *next = list->entries + i;
		struct route_entry *best = list->entries + kept;

		if (compare_prefix(best, next)) {
			list->entries[++kept] = *next;
			continue;
		}
		if (best->metric != next->metric || best->route.kind != next->route.kind)
			continue;
		for (size_t hop = 0; hop < ROUTE_INTERFACES && next->route.interfaces[hop]; hop++)
			add_interface(&best->route, next->route.interfaces[hop]);
	}
	list->count = kept + 1;
}

static int read_all(struct route_list *list)
{
	struct mnl_socket *netlink = netlink_open(NETLINK_ROUTE);
	struct reader reader = {.list = list};
	int result;

	if (!netlink)
		return -errno;
	result = dump(netlink, AF_INET, &reader);
	if (!result)
		result = dump(netlink, AF_INET6, &reader);
	mnl_socket_close(netlink);
	return result;
}

int route_list_read(struct route_list *list)
{
	int result = -EINTR;

	memset(list, 0, sizeof(*list));
	for (int attempt = 0; attempt < DUMP_ATTEMPTS && result == -EINTR; attempt++) {
		route_list_free(list);
		result = read_all(list);
	}
	if (result)
		route_list_free(list);
	else
		choose(list);
	return result;
}

void route_list_free(struct route_list *list)
{
	free(list->entries);
	memset(list, 0, sizeof(*list));
}
