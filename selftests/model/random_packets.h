/* SPDX-License-Identifier: GPL-2.0-only */
/* Packet descriptors from a stream of choices, near the values that random rules ask for. */
#ifndef MODEL_RANDOM_PACKETS_H
#define MODEL_RANDOM_PACKETS_H

#include "selftests/model/choice.h"
#include "selftests/model/reference.h"

/* The interfaces that these packets come and go by. */
extern const struct interface_list random_interfaces;

/* A packet that comes in, or goes out; all fields and tags are as a packet of that kind may have them. */
void random_packet(struct choices *choices, bool input, struct subject *subject);

/* What packets of both kinds have: an address of the family, 4 or 6, whose words are 0 before; a port; the address of
 * a frame. */
void random_address(struct choices *choices, unsigned int family, __u32 *address);
__u16 random_port(struct choices *choices);
void random_mac(struct choices *choices, __u8 mac[6]);

/* Gives an IP packet addresses and ports near those of rules that are spread (random_rules.h). */
void random_spread_packet(struct choices *choices, struct packet *packet);

#endif
