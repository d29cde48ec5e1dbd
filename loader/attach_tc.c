/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/attach_tc.h"

#include <errno.h>

#include "loader/attach_clsact.h"
#include "loader/attach_tcx.h"

int tc_attached(int ifindex, enum tc_direction direction, __u32 id, bool *attached)
{
	int result = tcx_attached(ifindex, direction, id, attached);
	__u32 present = 0;

	if (result != -EINVAL)
		return result;
	result = clsact_query(ifindex, direction, &present);
	*attached = !result && present == id;
	return result == -ENOENT ? 0 : result;
}

static int attach_clsact(struct entries *entries, int ifindex, enum tc_entry entry, __u32 *id)
{
	int fd = entry_tc_program(entries, entry, false);

	return fd < 0 ? fd : clsact_attach(ifindex, entry_direction(entry), fd, id);
}

/*
 * A filter that an older version of the tool has left would judge packets a second time. So it becomes one of this
 * version's, which lets alone what an entry at TCX has judged (bpf/entry_tc.bpf.c).
 */
static int yield_clsact(struct entries *entries, int ifindex, enum tc_entry entry)
{
	__u32 id = 0;
	int result = clsact_query(ifindex, entry_direction(entry), &id);

	if (result == -ENOENT || result == -EINVAL)
		return 0;
	return result ? result : attach_clsact(entries, ifindex, entry, &id);
}

int tc_attach(struct entries *entries, int ifindex, enum tc_entry entry, __u32 *id)
{
	enum tc_direction direction = entry_direction(entry);
	int result, fd;

	if (!tcx_present())
		return attach_clsact(entries, ifindex, entry, id);
	result = yield_clsact(entries, ifindex, entry);
	if (result)
		return result;
	fd = entry_tc_program(entries, entry, true);
	if (fd < 0)
		return fd;
	result = tcx_attach(entries, ifindex, direction, fd, id);
	return result ? result : clsact_detach(ifindex, direction);
}

int tc_detach(const struct entries *entries, int ifindex, enum tc_direction direction)
{
	int result = tcx_detach(entries, ifindex, direction);

	return result ? result : clsact_detach(ifindex, direction);
}
