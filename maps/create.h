/* SPDX-License-Identifier: GPL-2.0-only */
/* Makes maps as the BPF object file declares them, type information included. */
#ifndef MAPS_CREATE_H
#define MAPS_CREATE_H

#include <linux/types.h>
#include <stddef.h>

struct map_order {
	const char *name;
	__u32 entries; /* max_entries, 0: as declared */
	int fd;	       /* out: the new map, owned by the caller; -1 on failure */
};

/*
 * Creates the `count` maps of `orders` from their declarations in the object file `object_path`. Returns 0, or -errno
 * with none created.
 */
int maps_create(const char *object_path, struct map_order *orders, size_t count);

/*
 * Creates the `count` maps of `orders`, each as the map of `models` at the same place is declared, but with the entries
 * of its order (0: as many as the model). Returns 0, or -errno with none created.
 */
int maps_create_like(const int *models, struct map_order *orders, size_t count);

#endif
