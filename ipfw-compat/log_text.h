/* SPDX-License-Identifier: GPL-2.0-only */
/* Records of rules with `log` as ipfw's lines for syslog. */
#ifndef COMPAT_LOG_TEXT_H
#define COMPAT_LOG_TEXT_H

#include <stdbool.h>

#include "ipfw/log_record.h"

/* Room for any text, and for any address, made here, the end included. */
#define LOG_TEXT_MAX 320
#define LOG_ADDRESS_MAX 46

/*
 * The action as ipfw writes it: "Deny", "SkipTo 300", "Unreach 3". `argument` as in struct action. An unknown code is
 * "UNKNOWN".
 */
void log_action_text(char text[LOG_TEXT_MAX], unsigned int code, __u32 argument);

/*
 * ipfw's line without newline: "ipfw: 900 Deny UDP 192.0.2.1:68 192.0.2.9:67 in via em0". `interface`: name of
 * record->packet.interface.
 */
void log_text(char text[LOG_TEXT_MAX], const struct log_record *record, const char *interface);

/* The line that follows if record->limit is not 0: "ipfw: limit 5 reached on entry 900". */
void log_limit_text(char text[LOG_TEXT_MAX], const struct log_record *record);

struct log_fragment {
	__u32 id;     /* identification */
	__u32 offset; /* bytes of the data in front of this fragment's */
	int length;   /* bytes of its data as the header tells, which may lie below 0 */
	bool more;    /* it is not the last one */
};

/* Fills *fragment from the record's bytes if the packet is a fragment and they reach that far; else returns false. */
bool log_fragment(const struct log_record *record, struct log_fragment *fragment);

/* The packet's source or destination, of family 4 or 6, as a plain address. */
void log_address_text(char text[LOG_ADDRESS_MAX], const struct packet *packet, const __u32 address[4]);

#endif
