/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keepalives of dynamic rules (ipfw(8), net.inet.ip.fw.dyn_keepalive), in the current network namespace: in the last
 * KEEPALIVE_INTERVAL seconds of its life an established TCP connection is asked every KEEPALIVE_PERIOD seconds, at each
 * end that has been silent, whether it still exists. What an end answers passes the rules and refreshes the state.
 */
#ifndef LOADER_KEEPALIVE_H
#define LOADER_KEEPALIVE_H

#include <stddef.h>
#include <stdio.h>

#include "ipfw/error.h"
#include "ipfw/limits.h"

struct keepalive;

/* Opens what sending takes, which needs CAP_NET_RAW and CAP_NET_ADMIN. Returns 0, or -1 with *error set. */
int keepalive_open(struct keepalive **keepalive, struct error *error);
/* NULL is allowed. */
void keepalive_close(struct keepalive *keepalive);

/*
 * Sends what is due now; the firewall's lock is held for reading while states are looked through, not while segments
 * are sent. They take the routing table that the rules give to what they are in the name of. Stores the number of
 * segments sent in *sent. Where there is no firewall, or net.inet.ip.fw.dyn_keepalive is 0, that is none. Returns 0, or
 * -1 with *error set.
 */
int keepalive_send(struct keepalive *keepalive, size_t *sent, struct error *error);
/* Prints what keepalive_send() would send, one IP packet per line in hexadecimal. Returns 0, or -1 with *error set. */
int keepalive_print(FILE *out, struct error *error);

#endif
