/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/route_ask.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "loader/netlink.h"

static int read_route(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attribute;

	if (message->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	mnl_attr_for_each(attribute, message, sizeof(struct rtmsg))
	{
		if (mnl_attr_get_type(attribute) == RTA_OIF)
			*(int *)data = (int)mnl_attr_get_u32(attribute);
	}
	return MNL_CB_STOP;
}

static int ask(struct mnl_socket *netlink, __u8 family, const __u32 address[4])
{
	char buffer[NETLINK_BYTES];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct rtmsg *route;
	int received, interface = 0;

	request->nlmsg_type = RTM_GETROUTE;
	request->nlmsg_flags = NLM_F_REQUEST;
	route = mnl_nlmsg_put_extra_header(request, sizeof(*route));
	route->rtm_family = family == 4 ? AF_INET : AF_INET6;
	mnl_attr_put(request, RTA_DST, family == 4 ? 4 : 16, address);
	if (mnl_socket_sendto(netlink, request, request->nlmsg_len) < 0)
		return 0;
	received = (int)mnl_socket_recvfrom(netlink, buffer, sizeof(buffer));
	if (received < 0 ||
	    mnl_cb_run(buffer, (size_t)received, 0, mnl_socket_get_portid(netlink), read_route, &interface) < 0)
		return 0;
	return interface;
}

int route_interface(__u8 family, const __u32 address[4])
{
	struct mnl_socket *netlink = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int interface = 0;

	if (!netlink)
		return 0;
	if (mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) >= 0)
		interface = ask(netlink, family, address);
	mnl_socket_close(netlink);
	return interface;
}
