/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What generated code calls in the modules of the runtime. Sockets and routes are the kernel's; here the packet's mark
 * answers for them, so that tests see what was asked and with which argument.
 */
#ifndef UNIT_MATCH_MODULES_H
#define UNIT_MATCH_MODULES_H

#define ANSWER_VERREVPATH 1
#define ANSWER_VERSRCREACH 2
#define ANSWER_ANTISPOOF 3
#define ANSWER_SOCKARG 4
#define ANSWER_IPSEC 5
#define ANSWER_USER 0x1000000  /* + the user */
#define ANSWER_GROUP 0x2000000 /* + the group */
#define ANSWER_JAIL 0x3000000  /* + the id */
#define ANSWER_PATH 0x4000000  /* + the number of the path */
#define SOCKET_VALUE 7	       /* what `sockarg' gives to the rule */

#ifdef __bpf__

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bpf/table_value.h"
#include "ipfw/control_group.h"
#include "ipfw/packet.h"

__noinline int packet_verrevpath(struct __sk_buff *context, struct packet *packet)
{
	return packet && packet->mark == ANSWER_VERREVPATH;
}

__noinline int packet_versrcreach(struct packet *packet)
{
	return packet && packet->mark == ANSWER_VERSRCREACH;
}

__noinline int packet_antispoof(struct __sk_buff *context, struct packet *packet)
{
	return packet && packet->mark == ANSWER_ANTISPOOF;
}

__noinline int packet_user(struct __sk_buff *context, struct packet *packet, __u32 user)
{
	return packet && packet->mark == ANSWER_USER + user;
}

__noinline int packet_group(struct __sk_buff *context, struct packet *packet, __u32 group)
{
	return packet && packet->mark == ANSWER_GROUP + group;
}

__noinline int packet_control_group(struct __sk_buff *context, struct packet *packet, __u64 id)
{
	return packet && packet->mark == ANSWER_JAIL + id;
}

__noinline int packet_control_group_path(struct __sk_buff *context, struct packet *packet, __u32 number)
{
	return packet && packet->mark == ANSWER_PATH + number;
}

__noinline __s64 packet_user_key(struct __sk_buff *context, struct packet *packet)
{
	return packet && packet->mark >= ANSWER_USER && packet->mark < ANSWER_GROUP ? packet->mark - ANSWER_USER : -1;
}

/* An id for two levels, of 12 bits each; the higher one may be missing. */
__noinline __s64 packet_control_group_key(struct __sk_buff *context, struct packet *packet, __u32 above)
{
	__u32 id;

	if (!packet || packet->mark < ANSWER_JAIL || packet->mark >= ANSWER_PATH || above > 1)
		return CONTROL_GROUP_NONE;
	id = (packet->mark - ANSWER_JAIL) >> (above ? 12 : 0) & 0xfff;
	return above && !id ? CONTROL_GROUP_NONE : id;
}

__noinline int packet_socket_marked(struct __sk_buff *context, struct packet *packet)
{
	return packet && packet->mark == ANSWER_SOCKARG;
}

__noinline int packet_socket_value(struct __sk_buff *context, struct packet *packet)
{
	if (!packet || packet->mark != ANSWER_SOCKARG)
		return 0;
	table_keep_number(packet, TABLE_KEEP_ALL, SOCKET_VALUE);
	return 1;
}

__noinline int packet_ipsec(struct __sk_buff *context, struct packet *packet)
{
	return packet && packet->mark == ANSWER_IPSEC;
}

#endif
#endif
