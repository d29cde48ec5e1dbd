/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/interface_features.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "loader/netlink.h"

/*
 * The kernel's include/uapi/linux/netdev.h (Documentation/netlink/specs/netdev.yaml), which the headers of older
 * systems lack.
 */
#define NETDEV_FAMILY "netdev"
#define NETDEV_VERSION 1
#define NETDEV_COMMAND_DEV_GET 1
#define NETDEV_ATTRIBUTE_IFINDEX 1
#define NETDEV_ATTRIBUTE_XDP_FEATURES 3
#define NETDEV_XDP_SENDS_REDIRECTED 4 /* NETDEV_XDP_ACT_NDO_XMIT */

/* A dump that others interrupted is inconsistent (EINTR): it is read again at most this often. */
#define DUMP_ATTEMPTS 10

/* Begins a request of generic netlink in a buffer of NETLINK_BYTES. */
static struct nlmsghdr *begin_generic(char *buffer, __u16 family, __u8 command, __u8 version)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *header;

	request->nlmsg_type = family;
	header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	header->cmd = command;
	header->version = version;
	return request;
}

static int read_family(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attribute;
	const char *name = "";
	__u16 id = 0;

	mnl_attr_for_each(attribute, message, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attribute) == CTRL_ATTR_FAMILY_ID)
			id = mnl_attr_get_u16(attribute);
		else if (mnl_attr_get_type(attribute) == CTRL_ATTR_FAMILY_NAME)
			name = mnl_attr_get_str(attribute);
	}
	if (!strcmp(name, NETDEV_FAMILY))
		*(__u16 *)data = id;
	return MNL_CB_OK;
}

static int read_device(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attribute;
	struct interface *interface;
	__u64 features = 0;
	int index = 0;

	mnl_attr_for_each(attribute, message, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attribute) == NETDEV_ATTRIBUTE_IFINDEX)
			index = (int)mnl_attr_get_u32(attribute);
		else if (mnl_attr_get_type(attribute) == NETDEV_ATTRIBUTE_XDP_FEATURES)
			features = mnl_attr_get_u64(attribute);
	}
	interface = interface_find(data, index);
	if (interface)
		interface->takes_redirects = features & NETDEV_XDP_SENDS_REDIRECTED;
	return MNL_CB_OK;
}

static int dump_redirects(struct mnl_socket *netlink, struct interface_list *list)
{
	char buffer[NETLINK_BYTES];
	__u16 family = 0;
	int result =
		netlink_dump(netlink, begin_generic(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1), read_family, &family);

	if (result || !family)
		return result;
	return netlink_dump(netlink, begin_generic(buffer, family, NETDEV_COMMAND_DEV_GET, NETDEV_VERSION), read_device,
			    list);
}

struct source_checks {
	struct interface_list *list;
	__u32 all; /* net.ipv4.conf.all.rp_filter: the greater of the two counts */
};

static int read_source_check(const struct nlmsghdr *message, void *data)
{
	struct source_checks *checks = data;
	const struct nlattr *attribute;
	struct interface *interface;
	int index = NETCONFA_IFINDEX_DEFAULT;
	__u32 value = 0;

	mnl_attr_for_each(attribute, message, sizeof(struct netconfmsg))
	{
		if (mnl_attr_get_type(attribute) == NETCONFA_IFINDEX)
			index = (int)mnl_attr_get_u32(attribute);
		else if (mnl_attr_get_type(attribute) == NETCONFA_RP_FILTER)
			value = mnl_attr_get_u32(attribute);
	}
	if (index == NETCONFA_IFINDEX_ALL)
		checks->all = value;
	interface = index > 0 ? interface_find(checks->list, index) : NULL;
	if (interface)
		interface->rp_filter = (__u8)value;
	return MNL_CB_OK;
}

static int dump_source_checks(struct mnl_socket *netlink, struct interface_list *list)
{
	struct source_checks checks = {.list = list};
	char buffer[NETLINK_BYTES];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct netconfmsg *header;
	int result;

	request->nlmsg_type = RTM_GETNETCONF;
	header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	header->ncm_family = AF_INET;
	result = netlink_dump(netlink, request, read_source_check, &checks);
	for (size_t i = 0; i < list->count; i++)
		if (list->interfaces[i].rp_filter < checks.all)
			list->interfaces[i].rp_filter = (__u8)checks.all;
	return result;
}

/* Opens a socket and asks, until nobody interrupts. */
static int ask(int bus, int (*dump)(struct mnl_socket *, struct interface_list *), struct interface_list *list)
{
	struct mnl_socket *netlink = netlink_open(bus);
	int result = -EINTR;

	if (!netlink)
		return -errno;
	for (int attempt = 0; attempt < DUMP_ATTEMPTS && result == -EINTR; attempt++)
		result = dump(netlink, list);
	mnl_socket_close(netlink);
	return result;
}

int interface_read_redirects(struct interface_list *list)
{
	return ask(NETLINK_GENERIC, dump_redirects, list);
}

int interface_read_source_checks(struct interface_list *list)
{
	return ask(NETLINK_ROUTE, dump_source_checks, list);
}
