/* SPDX-License-Identifier: GPL-2.0-only */
/* Interfaces and addresses of the current network namespace, read by rtnetlink (libmnl). */
#ifndef LOADER_INTERFACE_H
#define LOADER_INTERFACE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "ipfw/limits.h"

struct interface_address {
	__u8 family; /* 4 or 6 */
	__u8 prefix_length;
	bool link_local;
	__u32 address[4]; /* network order; IPv4 in [0] */
	__u32 network[4]; /* its prefix is what the address is in: the peer's address on a point-to-point link */
};

struct interface {
	int index;
	int master;	 /* ifindex of the bridge, bond, ...; 0: none */
	int vlan_parent; /* ifindex under a VLAN device; 0: not one */
	int vlan_id;
	char name[INTERFACE_NAME_MAX];
	char kind[16];	      /* IFLA_INFO_KIND: "veth", "vlan", ...; "" for plain devices */
	char master_kind[16]; /* IFLA_INFO_SLAVE_KIND: "bridge", "bond", ...; "" when no master */
	__u32 mtu;
	unsigned int flags;  /* IFF_* */
	unsigned short type; /* ARPHRD_* */
	__u8 mac[6];
	__u8 xdp_attached; /* XDP_ATTACHED_*: what kind of XDP program the interface shows */
	__u32 xdp_program; /* its id, 0: none */
	/* Only if XDP forwards (interface_features.h, fast_forward.h): */
	bool takes_redirects; /* it can send frames that XDP redirects to it */
	__u8 rp_filter;	      /* net.ipv4.conf.NAME.rp_filter, or that for all if greater */
	__u8 forward;	      /* FORWARD_* (maps/layout.h) */
	struct interface_address *addresses;
	size_t address_count;
};

struct interface_list {
	struct interface *interfaces; /* by ascending index */
	size_t count;
};

/* Reads all interfaces and their addresses. Returns 0 or -errno with *list empty. */
int interface_list_read(struct interface_list *list);
void interface_list_free(struct interface_list *list);

/* The interface with this index, or NULL. */
struct interface *interface_find(const struct interface_list *list, int index);

/* Whether its frames begin with an Ethernet header; those of others begin with the IP header. */
bool interface_ethernet(const struct interface *interface);

#endif
