/* SPDX-License-Identifier: GPL-2.0-only */
/* The entry programs: small, stable, attached once, each jumping to the active generation's ruleset. */
#ifndef LOADER_ENTRY_H
#define LOADER_ENTRY_H

#include <linux/types.h>
#include <stdbool.h>

#include "maps/lasting.h"

struct bpf_object;

enum tc_direction { TC_INGRESS, TC_EGRESS, TC_DIRECTIONS };

enum tc_entry {
	TC_ENTRY_EGRESS,
	TC_ENTRY_INGRESS, /* runs the rules, where XDP cannot */
	TC_ENTRY_LEFT,	  /* sits at ingress behind XDP and only deals with what that has left in front of packets */
	TC_ENTRIES
};

struct entries {
	const struct lasting *lasting; /* what the programs are linked to */
	__u32 checksum;		       /* CRC-32 of the object files: tells versions of the tool apart */
	__u32 control_id;	       /* id of the map "control" */
	int tc_fds[2][TC_ENTRIES];     /* for clsact, for TCX; loaded on first use, -1: not yet */
};

/* Reads what identifies the entry programs of this tool. Returns 0 or -errno. */
int entries_open(struct entries *entries, const struct lasting *lasting);
void entries_close(struct entries *entries);

/*
 * Opens (does not load) the XDP entry's object, bound to the firewall's maps. The caller closes it. Returns NULL with
 * errno set on failure.
 */
struct bpf_object *entry_xdp_object(const struct entries *entries);
/* The loaded TC entry, for TCX or for clsact: a file descriptor that `entries` owns, or -errno. */
int entry_tc_program(struct entries *entries, enum tc_entry entry, bool tcx);
enum tc_direction entry_direction(enum tc_entry entry);

/*
 * Whether the program `fd`, found on an interface, is an entry of ours: one that uses our control map, or one that
 * looks like an entry whose firewall has lost its pins, since a namespace has but one firewall. Returns 1, 0, or -errno
 * when that cannot be told.
 */
int entry_is_ours(const struct entries *entries, int fd);
/* Whether the program `fd` uses this firewall's control map. Returns as entry_is_ours(). */
int entry_uses_control(const struct entries *entries, int fd);

/* Id of the program or map `fd`, 0 on failure. */
__u32 program_id(int fd);
__u32 map_id(int fd);

/*
 * Opens (does not load) an object file of programs_directory() on the maps that exist; of its programs only `program`
 * will be loaded. The caller closes it. Returns NULL with errno set on failure.
 */
struct bpf_object *entry_open_object(const struct lasting *lasting, const char *file, const char *program);
/* Adds the object file's bytes to a CRC-32. Returns 0 or -errno. */
int entry_add_checksum(__u32 *checksum, const char *file);

#define ENTRY_XDP_PROGRAM "xdp_entry"

#endif
