/* SPDX-License-Identifier: GPL-2.0-only */
/* Preloaded into the tool: the kernel does not know TCX, as before Linux 6.6. */
#include <errno.h>

#include "selftests/fault/interpose.h"

/* enum bpf_attach_type; older headers lack them. */
#define TCX_INGRESS 46
#define TCX_EGRESS 47

static bool refused(long command, const union bpf_attr *attributes)
{
	__u32 type = 0;

	if (command == BPF_PROG_QUERY)
		type = attributes->query.attach_type;
	else if (command == BPF_PROG_ATTACH || command == BPF_PROG_DETACH)
		type = attributes->attach_type;
	if (type != TCX_INGRESS && type != TCX_EGRESS)
		return false;
	errno = EINVAL;
	return true;
}
