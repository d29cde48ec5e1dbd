/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/attach_clsact.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <time.h>

#include "loader/netlink.h"

/* First of all filters, so that no other one lets a packet through before the rules have seen it. */
#define TC_PRIORITY 1
#define TC_HANDLE 0x69706677 /* "ipfw" */

static const enum bpf_tc_attach_point attach_points[TC_DIRECTIONS] = {
	[TC_INGRESS] = BPF_TC_INGRESS,
	[TC_EGRESS] = BPF_TC_EGRESS,
};

int clsact_query(int ifindex, enum tc_direction direction, __u32 *program)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = attach_points[direction]);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = TC_HANDLE, .priority = TC_PRIORITY);
	int result = bpf_tc_query(&hook, &options);

	if (!result)
		*program = options.prog_id;
	return result;
}

int clsact_make(int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	return bpf_tc_hook_create(&hook);
}

int clsact_attach(int ifindex, enum tc_direction direction, int program_fd, __u32 *program)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = attach_points[direction]);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = TC_HANDLE, .priority = TC_PRIORITY, .prog_fd = program_fd,
		    .flags = BPF_TC_F_REPLACE);
	int result = bpf_tc_attach(&hook, &options);

	if (!result)
		*program = options.prog_id;
	return result;
}

int clsact_detach(int ifindex, enum tc_direction direction)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = attach_points[direction]);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = TC_HANDLE, .priority = TC_PRIORITY);
	int result = bpf_tc_detach(&hook, &options);

	return result == -ENOENT || result == -EINVAL || result == -ENODEV ? 0 : result;
}

static int note_filter(const struct nlmsghdr *message, void *data)
{
	if (message->nlmsg_type == RTM_NEWTFILTER)
		*(bool *)data = true;
	return MNL_CB_OK;
}

/* Whether there are filters at one side of clsact. Returns 0 or -errno. */
static int find_filters(struct mnl_socket *netlink, int ifindex, __u32 parent, bool *found)
{
	char buffer[NETLINK_BYTES];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(request, sizeof(*tc));

	request->nlmsg_type = RTM_GETTFILTER;
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = ifindex;
	tc->tcm_parent = parent;
	return netlink_dump(netlink, request, note_filter, found);
}

int clsact_remove_empty(int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	struct mnl_socket *netlink = netlink_open(NETLINK_ROUTE);
	bool found = false;
	int result;

	if (!netlink)
		return -errno;
	result = find_filters(netlink, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), &found);
	if (!result)
		result = find_filters(netlink, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS), &found);
	mnl_socket_close(netlink);
	if (!result && !found)
		result = bpf_tc_hook_destroy(&hook);
	/* No such qdisc or interface (any more). */
	return result == -EINVAL || result == -ENOENT || result == -ENODEV ? 0 : result;
}
