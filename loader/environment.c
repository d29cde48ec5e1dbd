/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/environment.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <string.h>

struct environment_size environment_size(const struct interface_list *list, const struct route_list *routes)
{
	struct environment_size size = {.interfaces = 1};

	for (size_t i = 0; i < list->count; i++) {
		size.interfaces = (__u32)list->interfaces[i].index + 1;
		size.local_addresses += (__u32)list->interfaces[i].address_count;
	}
	size.local_addresses += !size.local_addresses;
	size.routes = (__u32)routes->count + size.local_addresses;
	return size;
}

static __u8 flags_of(const struct hook_state *state)
{
	const struct interface *interface = state->interface;
	__u8 flags = INTERFACE_KNOWN;

	if (hook_replies_by_tc(state))
		flags |= INTERFACE_REPLY_BY_TC;
	if (interface->flags & IFF_LOOPBACK)
		flags |= INTERFACE_LOOPBACK;
	if (interface->flags & IFF_POINTOPOINT || !interface_ethernet(interface))
		flags |= INTERFACE_POINT_TO_POINT;
	if (state->record.mode == HOOK_MODE_TC && !state->port)
		flags |= INTERFACE_RULES_AT_TC;
	return flags;
}

/* First address of each kind: what replies are sent from. */
static void choose_addresses(struct interface_entry *entry, const struct interface *interface)
{
	static const __u32 none[4];

	for (size_t i = 0; i < interface->address_count; i++) {
		const struct interface_address *address = interface->addresses + i;
		__u32 *chosen = address->link_local ? entry->link_local6 : entry->address6;

		if (address->family == 4 && !entry->address4)
			entry->address4 = address->address[0];
		else if (address->family == 6 && !memcmp(chosen, none, sizeof(none)))
			memcpy(chosen, address->address, sizeof(none));
	}
}

static int write_interface(int fd, __u32 generation, const struct hook_state *state)
{
	const struct interface *interface = state->interface;
	struct interface_entry entry = {
		.link_header = interface_ethernet(interface) ? ETH_HLEN : 0,
		.flags = flags_of(state),
		.mtu = interface->mtu,
		.generation = generation,
		.forward = interface->forward,
	};
	__u32 key = (__u32)interface->index;

	memcpy(entry.mac, interface->mac, sizeof(entry.mac));
	choose_addresses(&entry, interface);
	return bpf_map_update_elem(fd, &key, &entry, BPF_ANY) ? -errno : 0;
}

static int write_addresses(int fd, const struct interface *interface)
{
	for (size_t i = 0; i < interface->address_count; i++) {
		const struct interface_address *address = interface->addresses + i;
		struct local_address_key key = {.family = address->family};
		struct local_address value = {.interface = (__u32)interface->index};

		memcpy(key.address, address->address, sizeof(key.address));
		if (bpf_map_update_elem(fd, &key, &value, BPF_ANY))
			return -errno;
	}
	return 0;
}

static int write_vlan(int fd, const struct interface *interface)
{
	struct vlan_key key = {(__u32)interface->vlan_parent, (__u32)interface->vlan_id};
	struct vlan_device value = {(__u32)interface->index};

	if (!interface->vlan_parent)
		return 0;
	return bpf_map_update_elem(fd, &key, &value, BPF_ANY) ? -errno : 0;
}

int environment_write(const struct environment_maps *maps, __u32 generation, const struct hooks *hooks,
		      const struct interface_list *list)
{
	int result = 0;

	for (size_t i = 0; !result && i < list->count; i++) {
		result = write_interface(maps->interfaces, generation, hooks->states + i);
		if (!result)
			result = write_addresses(maps->local_addresses, list->interfaces + i);
	}
	return result;
}

static int write_route(int fd, __u32 space, __u8 prefix_length, const __u32 *address, const struct route *route)
{
	struct route_key key = {.bits = ROUTE_KEY_BITS(prefix_length), .space = space};

	memcpy(key.address, address, sizeof(key.address));
	return bpf_map_update_elem(fd, &key, route, BPF_ANY) ? -errno : 0;
}

static int write_networks(int fd, const struct interface *interface)
{
	struct route route = {.kind = ROUTE_NETWORK, .interfaces = {(__u32)interface->index}};
	int result = 0;

	for (size_t i = 0; !result && i < interface->address_count; i++) {
		const struct interface_address *address = interface->addresses + i;

		result = write_route(fd, ROUTE_SPACE(address->family, true), address->prefix_length, address->network,
				     &route);
	}
	return result;
}

int environment_write_routes(int fd, const struct route_list *routes, const struct interface_list *list)
{
	int result = 0;

	for (size_t i = 0; !result && i < routes->count; i++) {
		const struct route_entry *entry = routes->entries + i;

		result = write_route(fd, ROUTE_SPACE(entry->family, false), entry->prefix_length, entry->address,
				     &entry->route);
	}
	for (size_t i = 0; !result && routes->count && i < list->count; i++)
		result = write_networks(fd, list->interfaces + i);
	return result;
}

static bool vlan_exists(const struct interface_list *list, const struct vlan_key *key)
{
	for (size_t i = 0; i < list->count; i++)
		if ((__u32)list->interfaces[i].vlan_parent == key->parent &&
		    (__u32)list->interfaces[i].vlan_id == key->id)
			return true;
	return false;
}

/* Frames of a VLAN device that is gone meet the rules on its parent. */
static int forget_vlans(int fd, const struct interface_list *list)
{
	struct vlan_key key, before, *previous = NULL;

	while (!bpf_map_get_next_key(fd, previous, &key)) {
		if (vlan_exists(list, &key)) {
			before = key;
			previous = &before;
		} else if (bpf_map_delete_elem(fd, &key)) {
			return -errno;
		}
	}
	return errno == ENOENT ? 0 : -errno;
}

int environment_write_vlans(int fd, const struct interface_list *list)
{
	int result = forget_vlans(fd, list);

	for (size_t i = 0; !result && i < list->count; i++)
		result = write_vlan(fd, list->interfaces + i);
	return result;
}
