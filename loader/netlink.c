/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/netlink.h"

#include <errno.h>

static int exchange(struct mnl_socket *netlink, struct nlmsghdr *request, mnl_cb_t callback, void *data)
{
	static unsigned int sequence;
	int received, state;

	request->nlmsg_seq = ++sequence;
	if (mnl_socket_sendto(netlink, request, request->nlmsg_len) < 0)
		return -errno;
	do {
		received = (int)mnl_socket_recvfrom(netlink, request, NETLINK_BYTES);
		if (received < 0)
			return -errno;
		state = mnl_cb_run(request, (size_t)received, sequence, mnl_socket_get_portid(netlink), callback, data);
	} while (state > MNL_CB_STOP);
	return state < 0 ? -errno : 0;
}

int netlink_dump(struct mnl_socket *netlink, struct nlmsghdr *request, mnl_cb_t callback, void *data)
{
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	return exchange(netlink, request, callback, data);
}

int netlink_ask(struct mnl_socket *netlink, struct nlmsghdr *request, mnl_cb_t callback, void *data)
{
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	return exchange(netlink, request, callback, data);
}

int netlink_change(struct mnl_socket *netlink, struct nlmsghdr *request, __u16 flags)
{
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	return exchange(netlink, request, NULL, NULL);
}

struct mnl_socket *netlink_open(int family)
{
	struct mnl_socket *netlink = mnl_socket_open2(family, SOCK_CLOEXEC);
	int error;

	if (netlink && mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) < 0) {
		error = errno;
		mnl_socket_close(netlink);
		errno = error;
		return NULL;
	}
	return netlink;
}
