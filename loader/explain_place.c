/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a packet that is to be explained meets the rules: by which interface, in which direction. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "loader/explain.h"
#include "loader/route_ask.h"
#include "loader/state.h"

static const struct interface *by_name(const struct interface_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->interfaces[i].name, name))
			return list->interfaces + i;
	return NULL;
}

/* The interface that has this link address; NULL for those of groups and of nobody. */
static const struct interface *by_mac(const struct interface_list *list, const __u8 mac[6])
{
	static const __u8 nobody[6];

	if (mac[0] & 1 || !memcmp(mac, nobody, sizeof(nobody)))
		return NULL;
	for (size_t i = 0; i < list->count; i++)
		if (interface_ethernet(list->interfaces + i) && !memcmp(list->interfaces[i].mac, mac, sizeof(nobody)))
			return list->interfaces + i;
	return NULL;
}

static const struct interface *first_outside(const struct interface_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (!(list->interfaces[i].flags & IFF_LOOPBACK) && list->interfaces[i].flags & IFF_UP)
			return list->interfaces + i;
	return list->count ? list->interfaces : NULL;
}

/* By which way packets come from `address`, or get there. NULL: there is none. */
static const struct interface *by_route(const struct interface_list *list, __u8 family, const __u32 address[4])
{
	return family ? interface_find(list, route_interface(family, address)) : NULL;
}

static bool is_local(const struct interface_list *list, __u8 family, const __u32 address[4])
{
	for (size_t i = 0; i < list->count; i++)
		for (size_t k = 0; k < list->interfaces[i].address_count; k++)
			if (list->interfaces[i].addresses[k].family == family &&
			    !memcmp(list->interfaces[i].addresses[k].address, address, 4 * sizeof(*address)))
				return true;
	return false;
}

/* Whether an IPv4 address stands for all hosts of a network of the interface. */
static bool is_broadcast(const struct interface *interface, __u32 address)
{
	for (size_t i = 0; i < interface->address_count; i++) {
		const struct interface_address *own = interface->addresses + i;
		__u32 hosts = own->prefix_length < 31 ? htonl(0xffffffffu >> own->prefix_length) : 0;

		if (own->family == 4 && hosts && address == (own->address[0] | hosts))
			return true;
	}
	return address == INADDR_BROADCAST;
}

/* The interface with a name that was said. NULL with *error set if there is none. */
static const struct interface *named(const struct interface_list *list, const char *name, struct error *error)
{
	const struct interface *found = by_name(list, name);

	if (!found)
		error_set(error, EX_UNAVAILABLE, -1, "there is no interface %s", name);
	return found;
}

/* Takes the direction and interface that have not been said from where the frame comes from or goes to. */
static void find_direction(const struct interface_list *list, const struct explain_wish *wish,
			   struct explain_place *place)
{
	place->input = wish->direction == EXPLAIN_IN;
	if (wish->direction != EXPLAIN_ANY)
		return;
	place->assumed |= EXPLAIN_ASSUMED_DIRECTION;
	if (*wish->transmit)
		place->assumed &= ~(unsigned int)EXPLAIN_ASSUMED_DIRECTION;
	else
		place->input = *wish->receive || !wish->link || !by_mac(list, wish->source_mac);
}

static const struct interface *find_interface(const struct interface_list *list, const struct explain_wish *wish,
					      struct explain_place *place, struct error *error)
{
	const char *name = place->input ? wish->receive : wish->transmit;
	const struct interface *found = NULL;

	if (*name)
		return named(list, name, error);
	place->assumed |= EXPLAIN_ASSUMED_INTERFACE;
	if (wish->link)
		found = by_mac(list, place->input ? wish->destination_mac : wish->source_mac);
	if (!found)
		found = by_route(list, wish->family, place->input ? wish->source : wish->destination);
	if (!found)
		found = first_outside(list);
	if (!found)
		error_set(error, EX_UNAVAILABLE, -1, "there is no interface");
	return found;
}

/* Where an outgoing packet came in by. *received stays NULL for one that this machine sends. */
static int find_receive(const struct interface_list *list, const struct explain_wish *wish, struct explain_place *place,
			const struct interface **received, struct error *error)
{
	*received = NULL;
	if (*wish->receive) {
		*received = named(list, wish->receive, error);
		return *received ? 0 : -1;
	}
	place->assumed |= EXPLAIN_ASSUMED_RECEIVE;
	if (wish->family && !is_local(list, wish->family, wish->source))
		*received = by_route(list, wish->family, wish->source);
	return 0;
}

static void say_unfiltered(const struct explain *explain, const struct hook_state *state, struct explain_place *place)
{
	const struct interface *master = interface_find(&explain->interfaces, state->interface->master);
	const struct interface_hooks *record = &state->record;
	char *text = place->unfiltered;
	size_t size = sizeof(place->unfiltered);

	if (state->port)
		snprintf(text, size, "port of a %s: packets are filtered on %s", state->interface->master_kind,
			 master ? master->name : "it");
	else if (record->mode == HOOK_MODE_NONE || !record->tc_egress)
		snprintf(text, size, "the interface came after the last change of the rules");
	else if (place->input && hook_displaced(state))
		snprintf(text, size, "another XDP program has taken the place of ours");
	else if ((!place->input || record->mode == HOOK_MODE_TC) &&
		 hook_tc_gone(state, place->input ? TC_INGRESS : TC_EGRESS))
		snprintf(text, size, "somebody has taken the firewall's TC entry off");
}

static void fill(const struct firewall *firewall, const struct interface *interface, const struct interface *received,
		 const struct explain_wish *wish, struct explain_place *place)
{
	const struct explain *explain = firewall->explain;
	const struct hook_state *state = explain->hooks.states;

	place->interface = interface->index;
	strcpy(place->name, interface->name);
	place->receive = received ? received->index : 0;
	strcpy(place->receive_name, received ? received->name : "");
	place->ethernet = interface_ethernet(interface);
	memcpy(place->mac, interface->mac, sizeof(place->mac));
	place->broadcast = wish->family == 4 && is_broadcast(interface, wish->destination[0]);
	place->hook = "-";
	if (!state) {
		strcpy(place->unfiltered, "no ruleset is loaded");
		return;
	}
	state += interface - explain->interfaces.interfaces;
	say_unfiltered(explain, state, place);
	if (!*place->unfiltered)
		place->hook = place->input ? hook_mode_text(state) : "TC egress";
}

int firewall_explain_place(struct firewall *firewall, const struct explain_wish *wish, struct explain_place *place,
			   struct error *error)
{
	const struct interface *interface, *received;
	const struct interface_list *list;

	if (explain_open(firewall, error))
		return -1;
	list = &firewall->explain->interfaces;
	*place = (struct explain_place){0};
	find_direction(list, wish, place);
	interface = find_interface(list, wish, place, error);
	if (!interface)
		return -1;
	received = interface;
	if (!place->input && find_receive(list, wish, place, &received, error))
		return -1;
	fill(firewall, interface, received, wish, place);
	return 0;
}
