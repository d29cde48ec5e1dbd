/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/attach_tcx.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <unistd.h>

/* The kernel's linux/bpf.h since Linux 6.6; older headers lack them. */
#define ATTACH_BEFORE (1U << 3) /* BPF_F_BEFORE; without a program that is named: of all */
#define TCX_PROGRAMS_MAX 64	/* BPF_MPROG_MAX */

static const enum bpf_attach_type attach_types[TC_DIRECTIONS] = {
	[TC_INGRESS] = 46, /* BPF_TCX_INGRESS */
	[TC_EGRESS] = 47,  /* BPF_TCX_EGRESS */
};

struct programs {
	__u32 ids[TCX_PROGRAMS_MAX];
	__u32 count;
};

/* Reads which programs run, in their order. Returns 0 or -errno. */
static int query(int ifindex, enum tc_direction direction, struct programs *programs)
{
	programs->count = TCX_PROGRAMS_MAX;
	if (!bpf_prog_query(ifindex, attach_types[direction], 0, NULL, programs->ids, &programs->count))
		return 0;
	programs->count = 0;
	return errno == ENOENT ? 0 : -errno;
}

bool tcx_present(void)
{
	const int loopback = 1; /* in every network namespace */
	struct programs programs;

	return !query(loopback, TC_EGRESS, &programs);
}

int tcx_attached(int ifindex, enum tc_direction direction, __u32 id, bool *attached)
{
	struct programs programs;
	int result = query(ifindex, direction, &programs);

	*attached = false;
	for (__u32 i = 0; i < programs.count; i++)
		*attached |= programs.ids[i] == id;
	return result;
}

/* Opens the program if it is an entry of ours. Returns its descriptor, -ENOENT if it is not (or is gone), or -errno. */
static int open_ours(const struct entries *entries, __u32 id)
{
	int fd = bpf_prog_get_fd_by_id(id), ours;

	if (fd < 0)
		return -errno;
	ours = entry_is_ours(entries, fd);
	if (ours > 0)
		return fd;
	close(fd);
	return ours < 0 ? ours : -ENOENT;
}

/* The first of our entries that is attached, likewise. */
static int find_ours(const struct entries *entries, int ifindex, enum tc_direction direction)
{
	struct programs programs;
	int result = query(ifindex, direction, &programs);

	if (result)
		return result;
	result = -ENOENT;
	for (__u32 i = 0; result == -ENOENT && i < programs.count; i++)
		result = open_ours(entries, programs.ids[i]);
	return result;
}

int tcx_attach(const struct entries *entries, int ifindex, enum tc_direction direction, int program_fd, __u32 *id)
{
	LIBBPF_OPTS(bpf_prog_attach_opts, options, .flags = ATTACH_BEFORE);
	int old = find_ours(entries, ifindex, direction), result;

	if (old < 0 && old != -ENOENT)
		return old;
	if (old >= 0) {
		options.flags = BPF_F_REPLACE;
		options.replace_prog_fd = old;
	}
	result = bpf_prog_attach_opts(program_fd, ifindex, attach_types[direction], &options) ? -errno : 0;
	if (old >= 0)
		close(old);
	if (!result)
		*id = program_id(program_fd);
	return result;
}

int tcx_detach(const struct entries *entries, int ifindex, enum tc_direction direction)
{
	int fd, result = 0;

	while (!result && (fd = find_ours(entries, ifindex, direction)) >= 0) {
		result = bpf_prog_detach2(fd, ifindex, attach_types[direction]) ? -errno : 0;
		close(fd);
	}
	if (!result)
		result = fd;
	/* None, no such interface (any more), or no TCX. */
	return result == -ENOENT || result == -ENODEV || result == -EINVAL ? 0 : result;
}
