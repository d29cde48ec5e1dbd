/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel knows of the owner of a socket; no helper tells it of one that was looked up. */
#ifndef BPF_SOCKET_OWNER_H
#define BPF_SOCKET_OWNER_H

#include <stdbool.h>

#include "bpf/control_group.h"
#include "bpf/kernel_fields.h"

/* The structures that addresses lead to live at least as long as the packet is being filtered. */
struct socket_owner {
	__u64 credentials;   /* address of those that the socket was made with, 0: no process holds it */
	__u64 control_group; /* address of the one that it was made in */
	__u32 user;
	__u32 mark; /* SO_MARK */
	/* Scratch, here since a stretch leaves little of the stack: */
	__u64 socket;
	struct bpf_sock_tuple asked;
	struct control_group_scratch path;
};

/*
 * Notes who owns `sock`. False for the kernel's own sockets. A pointer becomes a number, which programs may reckon with
 * and read from, by way of a map: that is where `owner` is.
 */
static __always_inline bool socket_owner_read(struct socket_owner *owner, struct bpf_sock *sock)
{
	__u64 address, socket, file;

	*(struct bpf_sock *volatile *)&owner->socket = sock;
	address = *(volatile __u64 *)&owner->socket;
	owner->user = kernel_half(address + kernel_fields.sock_sk_uid);
	owner->mark = kernel_half(address + kernel_fields.sock_sk_mark);
	owner->control_group =
		kernel_word(address + kernel_fields.sock_sk_cgrp_data + kernel_fields.sock_cgroup_data_cgroup);
	owner->credentials = 0;
	socket = kernel_word(address + kernel_fields.sock_sk_socket);
	if (!socket)
		return true;
	file = kernel_word(socket + kernel_fields.socket_file);
	if (!file)
		return false;
	owner->credentials = kernel_word(file + kernel_fields.file_f_cred);
	return true;
}

#endif
