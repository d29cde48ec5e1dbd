/* SPDX-License-Identifier: GPL-2.0-only */
/* Preloaded into a program under test: the kernel takes no routing rules for IPv6. */
#include <dlfcn.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

typedef ssize_t (*send_function)(const struct mnl_socket *, const void *, size_t);

ssize_t mnl_socket_sendto(const struct mnl_socket *netlink, const void *data, size_t size)
{
	const struct nlmsghdr *message = data;
	const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_type == RTM_NEWRULE && header->family == AF_INET6) {
		errno = ENOBUFS;
		return -1;
	}
	return ((send_function)dlsym(RTLD_NEXT, "mnl_socket_sendto"))(netlink, data, size);
}
