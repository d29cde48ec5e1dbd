/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/ipsec.h"

#include <errno.h>
#include <linux/xfrm.h>
#include <stdbool.h>

#include "loader/netlink.h"

static int read_counts(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attribute;
	bool *found = data;

	/* Behind a word of flags. */
	mnl_attr_for_each(attribute, message, sizeof(__u32))
	{
		const struct xfrmu_spdinfo *counts = mnl_attr_get_payload(attribute);

		if (mnl_attr_get_type(attribute) == XFRMA_SPD_INFO &&
		    mnl_attr_get_payload_len(attribute) >= sizeof(*counts))
			*found = counts->outcnt || counts->fwdcnt;
	}
	return MNL_CB_OK;
}

int ipsec_has_policies(void)
{
	struct mnl_socket *netlink = netlink_open(NETLINK_XFRM);
	char buffer[NETLINK_BYTES];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	bool found = false;
	int result;

	/* A kernel without IPsec. */
	if (!netlink)
		return errno == EPROTONOSUPPORT ? 0 : -errno;
	request->nlmsg_type = XFRM_MSG_GETSPDINFO;
	mnl_nlmsg_put_extra_header(request, sizeof(__u32));
	result = netlink_ask(netlink, request, read_counts, &found);
	mnl_socket_close(netlink);
	return result ? result : found;
}
