/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fields of the kernel's own structures that programs read: what no helper tells. Where they are differs between
 * kernels; the loader learns it from the running kernel's type information.
 */
#ifndef IPFW_KERNEL_FIELDS_H
#define IPFW_KERNEL_FIELDS_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* X(structure, field) */
#define KERNEL_FIELDS(X)                                                                                               \
	X(sock, sk_socket)                                                                                             \
	X(sock, sk_mark)                                                                                               \
	X(sock, sk_uid)                                                                                                \
	X(sock, sk_cgrp_data)                                                                                          \
	X(sock_cgroup_data, cgroup)                                                                                    \
	X(socket, file)                                                                                                \
	X(file, f_cred)                                                                                                \
	X(cred, fsgid)                                                                                                 \
	X(cred, group_info)                                                                                            \
	X(group_info, ngroups)                                                                                         \
	X(group_info, gid)                                                                                             \
	X(cgroup, level)                                                                                               \
	X(cgroup, kn)                                                                                                  \
	X(cgroup, ancestors)                                                                                           \
	X(kernfs_node, id)                                                                                             \
	X(kernfs_node, name)

/* Offsets in bytes: structure_field. */
struct kernel_fields {
#define X(structure, field) __u32 structure##_##field;
	KERNEL_FIELDS(X)
#undef X
};

#endif
