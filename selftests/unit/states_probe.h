/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of states ask of states.bpf.c: the input frame is a struct states_order, and so is the output. */
#ifndef UNIT_STATES_PROBE_H
#define UNIT_STATES_PROBE_H

#include "ipfw/packet.h"

enum states_what { STATES_CHECK, STATES_KEEP };

/* Which field of the packet gets a value that no run has had before. */
enum states_new { STATES_SAME, STATES_NEW_SOURCE_PORT, STATES_NEW_PORT, STATES_NEW_SOURCE, STATES_NEW_DESTINATION };

struct states_order {
	__u32 what; /* enum states_what */
	__u32 slot, name, order,
		connections; /* arguments of packet_state_keep(); the name also packet_state_check()'s */
	__u32 new_flow;	     /* enum states_new */
	__s32 result;	     /* of the function */
	__u32 reserved;
	struct packet packet;
};

/* "results", ARRAY[1], BPF_F_MMAPABLE: sums over all runs, on whatever CPU. */
struct states_results {
	__u32 runs, hits; /* hits: the function returned 1 */
};

#endif
