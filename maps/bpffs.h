/* SPDX-License-Identifier: GPL-2.0-only */
/* Where pins live: a bpf file system that outlasts the process and is the same one for every caller. */
#ifndef MAPS_BPFFS_H
#define MAPS_BPFFS_H

#include <stdbool.h>
#include <stddef.h>

#include "ipfw/error.h"

#define BPFFS_PATH_MAX 256

/*
 * Finds the pin root: $IPFW_BPF_PIN_ROOT, else "ipfw" on the bpf file system that PID 1 sees at /sys/fs/bpf, since
 * `ip netns exec` hides the own one behind a new /sys. With `create` the file system is mounted there if need be and
 * the directory made. Returns 0, -ENOENT (no such directory; never with `create`), or -1 with *error set.
 */
int bpffs_pin_root(char root[BPFFS_PATH_MAX], bool create, struct error *error);

/* Directory above `root` if it is on the same bpf file system, else `root`: where libxdp shall keep its pins. */
void bpffs_of_root(char bpffs[BPFFS_PATH_MAX], const char *root);

/* Removes the pins in `directory`, its subdirectories and itself; what does not exist is no error. Returns 0 or -errno.
 */
int bpffs_remove_tree(const char *directory);

#endif
