/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pin directory of one network namespace, `netns-<cookie>` below the pin root, and the lock on it.
 *
 * Invariants
 *  - A lock is a flock on the directory: shared to read, exclusive to write. The kernel drops it when its holder dies.
 *  - The pin `control` is made last and removed first among lasting maps: a directory without it holds debris only.
 *  - Everything that belongs to one generation is below `generation-<parity>`.
 */
#ifndef MAPS_PINS_H
#define MAPS_PINS_H

#include <linux/types.h>
#include <stdbool.h>

#include "ipfw/error.h"
#include "maps/bpffs.h"

#define PINS_DIRECTORY_MAX (BPFFS_PATH_MAX + 32)
#define PINS_PATH_MAX (PINS_DIRECTORY_MAX + 64)

struct pins {
	char root[BPFFS_PATH_MAX];
	char directory[PINS_DIRECTORY_MAX]; /* of this namespace; "" when there is none */
	__u64 cookie;			    /* of the network namespace: never used twice while the machine is up */
	int lock;			    /* open directory that carries the flock, -1: none */
	bool write;			    /* the lock is exclusive */
};

/*
 * Finds the directory of the current network namespace and locks it, waiting for other holders. With `write` the lock
 * is exclusive and the directory is made if need be; without, a missing directory is no error: pins->lock is -1 then.
 * Returns 0, or -1 with *error set and nothing held.
 */
int pins_open(struct pins *pins, bool write, struct error *error);
/* Drops the lock. A directory that a writer leaves empty is removed. */
void pins_close(struct pins *pins);

/* Writes "<directory>/<name>", or "<directory>/generation-<parity>/<name>" for a generation's pin. */
void pins_path(char path[PINS_PATH_MAX], const struct pins *pins, const char *name);
void pins_generation_path(char path[PINS_PATH_MAX], const struct pins *pins, __u32 generation, const char *name);

/* The path as PID 1 sees it, for people to read. Points into `path`. */
const char *pins_shown(const char *path);

/* Opens the map or program pinned at `path`. Returns a file descriptor or -errno. */
int pins_get(const char *path);
/* Pins `fd` at `path` in place of what is pinned there, at once. Returns 0 or -errno. */
int pins_replace(const char *path, int fd);

/* Inode number of the current network namespace, as in `readlink /proc/self/ns/net`; 0 when unknown. */
__u64 pins_namespace_inode(void);

/*
 * Removes the directories of network namespaces that exist no more. `inode_of` tells the inode a directory's namespace
 * had (0: unknown, it is kept). Returns how many were removed.
 */
int pins_sweep_dead(const struct pins *pins, __u64 (*inode_of)(const char *directory));

#endif
