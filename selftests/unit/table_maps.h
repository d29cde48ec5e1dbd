/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps of look-up tables in the kernel, for tests without a firewall. */
#ifndef UNIT_TABLE_MAPS_H
#define UNIT_TABLE_MAPS_H

#include <sys/mman.h>

#include "maps/create.h"
#include "selftests/unit/probe.h"

/* Makes them as the firewall does, and "control", which says what is in force; the caller closes *lasting. */
static inline void table_maps_open(struct lasting *lasting)
{
	struct map_order orders[LASTING_TYPED_MAPS - LASTING_TABLES + 1] = {{.name = lasting_names[LASTING_CONTROL]}};
	const size_t count = sizeof(orders) / sizeof(*orders);

	memset(lasting, 0, sizeof(*lasting));
	for (int i = 0; i < LASTING_MAPS; i++)
		lasting->fds[i] = -1;
	for (size_t i = 1; i < count; i++)
		orders[i].name = lasting_names[LASTING_TABLES + i - 1];
	assert_int_equal(maps_create(probe_path("../bpf/store.bpf.o"), orders, count), 0);
	lasting->fds[LASTING_CONTROL] = orders[0].fd;
	for (size_t i = 1; i < count; i++)
		lasting->fds[LASTING_TABLES + i - 1] = orders[i].fd;
	lasting->control = mmap(NULL, sizeof(*lasting->control), PROT_READ | PROT_WRITE, MAP_SHARED, orders[0].fd, 0);
	assert_true(lasting->control != MAP_FAILED);
}

#endif
