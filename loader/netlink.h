/* SPDX-License-Identifier: GPL-2.0-only */
/* Netlink: the one loop that asks and reads. */
#ifndef LOADER_NETLINK_H
#define LOADER_NETLINK_H

#include <libmnl/libmnl.h>

/* Bytes of a buffer for requests and answers. */
#define NETLINK_BYTES 32768

/*
 * Sends `request`, a dump request that begins a buffer of NETLINK_BYTES, and hands each message of the answer, which
 * overwrites it, to `callback` with `data`. Sets the request's flags and sequence. Returns 0 or -errno (-EINTR: what
 * was dumped changed meanwhile, ask again).
 */
int netlink_dump(struct mnl_socket *netlink, struct nlmsghdr *request, mnl_cb_t callback, void *data);

/* Likewise, for a request that has one answer, or none; the kernel's word that it is done follows. */
int netlink_ask(struct mnl_socket *netlink, struct nlmsghdr *request, mnl_cb_t callback, void *data);

/*
 * Sends `request`, which begins a buffer of NETLINK_BYTES and changes something, with `flags` (NLM_F_*) beside those
 * that every request has. The answer overwrites it. Returns 0 or -errno.
 */
int netlink_change(struct mnl_socket *netlink, struct nlmsghdr *request, __u16 flags);

/* A socket of this family (NETLINK_ROUTE and so on) that is bound. Returns NULL with errno set on failure. The caller
 * closes it. */
struct mnl_socket *netlink_open(int family);

#endif
