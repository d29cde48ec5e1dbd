/* SPDX-License-Identifier: GPL-2.0-only */
/* Names and numbers: protocols, services and hosts of the system, and the words for flags and codes. */
#ifndef COMPAT_NAMES_H
#define COMPAT_NAMES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

/* A word and the value it stands for; tables end with a NULL name. */
struct name_value {
	const char *name;
	unsigned int value;
};

/* Where several words stand for one value, the first is the one that listings use. */
extern const struct name_value names_tcp_flags[];	   /* bits of the TCP flag octet */
extern const struct name_value names_fragment_flags[];	   /* FRAGMENT_* of include/ipfw/packet.h */
extern const struct name_value names_unreachable_codes[];  /* ICMP destination unreachable */
extern const struct name_value names_unreachable6_codes[]; /* ICMPv6 destination unreachable */

extern const struct name_value names_ip_options[];	  /* IP_OPTION_* of include/ipfw/packet.h */
extern const struct name_value names_ip_tos[];		  /* bits of the IPv4 type of service */
extern const struct name_value names_tcp_options[];	  /* TCP_OPTION_* of include/ipfw/packet.h */
extern const struct name_value names_extension_headers[]; /* EXTENSION_* of include/ipfw/packet.h */
extern const struct name_value names_dscp[];		  /* 0 to 63 */
extern const struct name_value names_ether_types[];	  /* 16 bits */
extern const struct name_value names_log_destinations[];  /* LOG_TO_* of include/ipfw/rule.h */
extern const struct name_value names_return_to[];	  /* enum return_to */
extern const struct name_value names_table_values[];	  /* enum table_value, but TABLE_VALUE_ANY */
extern const struct name_value names_lookup_keys[];	  /* enum lookup_key */
extern const struct name_value names_limit_fields[];	  /* LIMIT_* of include/ipfw/rule.h */

#define TCP_FLAG_FIN 0x01
#define TCP_FLAG_SYN 0x02
#define TCP_FLAG_RST 0x04
#define TCP_FLAG_PSH 0x08
#define TCP_FLAG_ACK 0x10
#define TCP_FLAG_URG 0x20
#define UNREACHABLE_HOST 1     /* ICMP code of `reject` */
#define UNREACHABLE_NEEDFRAG 4 /* the only ICMP code with an MTU */

/* Value of the `length` characters at `text` in `table`, or -1. */
int names_value(const struct name_value *table, const char *text, size_t length);
/* Name of `value` in `table`, or NULL. */
const char *names_name(const struct name_value *table, unsigned int value);
/* Writes the names of `table` to `text`, separated by ", ". */
void names_list(const struct name_value *table, char *text, size_t size);

/* Whether the `length` characters at `text` can name a table, a state or an instance. */
bool object_name_valid(const char *text, size_t length);

/*
 * Protocols and services are read once from the system's databases (/etc/protocols, /etc/services), in
 * their order. Numbers and ports are in host byte order.
 */

/* Number of the protocol with this name or alias, or -1. Case matters. */
int protocol_number(const char *name);
/* Name of protocol `number`, or NULL. */
const char *protocol_name(unsigned int number);
/*
 * Port of the service with this name or alias; `protocol` is a protocol's name or NULL for any. TCP and UDP fall
 * back on each other's names. Returns -1 when there is none.
 */
int service_port(const char *name, const char *protocol);
/* Name of the service at `port`, or NULL; `protocol` as above. */
const char *service_name(unsigned int port, const char *protocol);

/*
 * Users and groups by name or, when that is a number (decimal, octal or hexadecimal), by it: the system's databases
 * must know them. Return false when they do not.
 */
bool user_find(const char *word, __u32 *number);
bool group_find(const char *word, __u32 *number);
/* Copy the name of a user or group to `name`, of `size` bytes. Return false when there is none that fits. */
bool user_name(__u32 number, char *name, size_t size);
bool group_name(__u32 number, char *name, size_t size);

/*
 * Addresses in network byte order from numbers (inet_aton(3), inet_pton(3)) or a host name. Words that cannot be host
 * names, and the language's own keywords, are never asked of the resolver; localhost is always known. Return false when
 * unknown.
 */
bool host_address4(const char *name, __u32 *address);
bool host_address6(const char *name, __u8 address[16]);
/* Name of the host with this address (family AF_INET or AF_INET6), asked of the resolver. Returns false when it has
 * none. */
bool host_name(int family, const void *address, char *name, size_t size);

/* Number of leading one bits of a mask in network byte order, or -1 when ones follow a zero. */
int mask_length4(__u32 mask);
int mask_length6(const __u8 mask[16]);

#endif
