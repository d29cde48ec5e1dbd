/* SPDX-License-Identifier: GPL-2.0-only */
/* Interfaces and addresses over rtnetlink; contracts in loader/interface.h. */
#include "loader/interface.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loader/netlink.h"

/* A dump that others interrupted is inconsistent (EINTR): it is read again at most this often. */
#define DUMP_ATTEMPTS 10

static void copy_name(char *to, size_t size, const struct nlattr *from)
{
	size_t length = strnlen(mnl_attr_get_payload(from), mnl_attr_get_payload_len(from));

	if (length >= size)
		length = size - 1;
	memcpy(to, mnl_attr_get_payload(from), length);
	to[length] = '\0';
}

static void read_vlan(const struct nlattr *data, struct interface *interface)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, data)
	{
		if (mnl_attr_get_type(attribute) == IFLA_VLAN_ID)
			interface->vlan_id = mnl_attr_get_u16(attribute);
	}
}

static void read_link_info(const struct nlattr *info, struct interface *interface)
{
	const struct nlattr *attribute, *data = NULL;

	mnl_attr_for_each_nested(attribute, info)
	{
		switch (mnl_attr_get_type(attribute)) {
		case IFLA_INFO_KIND:
			copy_name(interface->kind, sizeof(interface->kind), attribute);
			break;
		case IFLA_INFO_SLAVE_KIND:
			copy_name(interface->master_kind, sizeof(interface->master_kind), attribute);
			break;
		case IFLA_INFO_DATA:
			data = attribute;
			break;
		}
	}
	if (data && !strcmp(interface->kind, "vlan"))
		read_vlan(data, interface);
}

static void read_xdp(const struct nlattr *xdp, struct interface *interface)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, xdp)
	{
		if (mnl_attr_get_type(attribute) == IFLA_XDP_PROG_ID)
			interface->xdp_program = mnl_attr_get_u32(attribute);
		else if (mnl_attr_get_type(attribute) == IFLA_XDP_ATTACHED)
			interface->xdp_attached = mnl_attr_get_u8(attribute);
	}
}

static void read_link_attribute(const struct nlattr *attribute, struct interface *interface, int *lower)
{
	switch (mnl_attr_get_type(attribute)) {
	case IFLA_IFNAME:
		copy_name(interface->name, sizeof(interface->name), attribute);
		break;
	case IFLA_MTU:
		interface->mtu = mnl_attr_get_u32(attribute);
		break;
	case IFLA_MASTER:
		interface->master = (int)mnl_attr_get_u32(attribute);
		break;
	case IFLA_LINK:
		*lower = (int)mnl_attr_get_u32(attribute);
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(attribute) == sizeof(interface->mac))
			memcpy(interface->mac, mnl_attr_get_payload(attribute), sizeof(interface->mac));
		break;
	case IFLA_LINKINFO:
		read_link_info(attribute, interface);
		break;
	case IFLA_XDP:
		read_xdp(attribute, interface);
		break;
	}
}

static int read_link(const struct nlmsghdr *message, void *data)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	struct interface_list *list = data;
	struct interface *grown, *interface;
	const struct nlattr *attribute;
	int lower = 0;

	if (message->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	grown = reallocarray(list->interfaces, list->count + 1, sizeof(*grown));
	if (!grown) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	list->interfaces = grown;
	interface = memset(&grown[list->count++], 0, sizeof(*interface));
	interface->index = header->ifi_index;
	interface->flags = header->ifi_flags;
	interface->type = header->ifi_type;
	mnl_attr_for_each(attribute, message, sizeof(*header)) read_link_attribute(attribute, interface, &lower);
	if (!strcmp(interface->kind, "vlan"))
		interface->vlan_parent = lower;
	return MNL_CB_OK;
}

static int compare_index(const void *left, const void *right)
{
	return ((const struct interface *)left)->index - ((const struct interface *)right)->index;
}

struct interface *interface_find(const struct interface_list *list, int index)
{
	struct interface key = {.index = index};

	if (!list->count)
		return NULL;
	return bsearch(&key, list->interfaces, list->count, sizeof(key), compare_index);
}

bool interface_ethernet(const struct interface *interface)
{
	return interface->type == ARPHRD_ETHER || interface->type == ARPHRD_LOOPBACK;
}

static int read_address(const struct nlmsghdr *message, void *data)
{
	const struct ifaddrmsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute, *bytes = NULL, *network = NULL;
	struct interface_address *grown, *address;
	struct interface *interface;

	if (message->nlmsg_type != RTM_NEWADDR || (header->ifa_family != AF_INET && header->ifa_family != AF_INET6))
		return MNL_CB_OK;
	/* IFA_LOCAL is the own address of a point-to-point link, where IFA_ADDRESS is the peer's. */
	mnl_attr_for_each(attribute, message, sizeof(*header))
	{
		if (mnl_attr_get_type(attribute) == IFA_LOCAL)
			bytes = attribute;
		else if (mnl_attr_get_type(attribute) == IFA_ADDRESS)
			network = attribute;
	}
	if (!bytes)
		bytes = network;
	if (!network)
		network = bytes;
	interface = interface_find(data, (int)header->ifa_index);
	if (!bytes || !interface || mnl_attr_get_payload_len(bytes) > sizeof(address->address))
		return MNL_CB_OK;
	grown = reallocarray(interface->addresses, interface->address_count + 1, sizeof(*grown));
	if (!grown) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	interface->addresses = grown;
	address = memset(&grown[interface->address_count++], 0, sizeof(*address));
	address->family = header->ifa_family == AF_INET ? 4 : 6;
	address->prefix_length = header->ifa_prefixlen;
	address->link_local = header->ifa_scope == RT_SCOPE_LINK;
	memcpy(address->address, mnl_attr_get_payload(bytes), mnl_attr_get_payload_len(bytes));
	memcpy(address->network, mnl_attr_get_payload(network), mnl_attr_get_payload_len(bytes));
	return MNL_CB_OK;
}

/* Asks for all links or all addresses. Returns 0 or -errno. */
static int dump(struct mnl_socket *netlink, __u16 type, mnl_cb_t callback, struct interface_list *list)
{
	char buffer[NETLINK_BYTES];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

	request->nlmsg_type = type;
	if (type == RTM_GETLINK) {
		mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
		mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	} else {
		mnl_nlmsg_put_extra_header(request, sizeof(struct ifaddrmsg));
	}
	return netlink_dump(netlink, request, callback, list);
}

static int read_all(struct interface_list *list)
{
	struct mnl_socket *netlink = netlink_open(NETLINK_ROUTE);
	int result;

	if (!netlink)
		return -errno;
	result = dump(netlink, RTM_GETLINK, read_link, list);
	if (!result && list->count) {
		qsort(list->interfaces, list->count, sizeof(*list->interfaces), compare_index);
		result = dump(netlink, RTM_GETADDR, read_address, list);
	}
	mnl_socket_close(netlink);
	return result;
}

int interface_list_read(struct interface_list *list)
{
	int result = -EINTR;

	memset(list, 0, sizeof(*list));
	for (int attempt = 0; attempt < DUMP_ATTEMPTS && result == -EINTR; attempt++) {
		interface_list_free(list);
		result = read_all(list);
	}
	if (result)
		interface_list_free(list);
	return result;
}

void interface_list_free(struct interface_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->interfaces[i].addresses);
	free(list->interfaces);
	memset(list, 0, sizeof(*list));
}
