/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of capture.h. Both formats say by a magic number in which byte order they were written.
 */
#ifndef COMPAT_CAPTURE_FILE_H
#define COMPAT_CAPTURE_FILE_H

#include <stdio.h>

#include "ipfw-compat/capture.h"

#define BLOCK_SECTION 0x0a0d0d0a /* type of the first block of a pcapng file: the same in both byte orders */
#define INTERFACES_MAX 256

struct capture {
	FILE *file;
	const char *path;
	bool next_generation;	     /* pcapng */
	bool type_read;		     /* pcapng: the type of the first block has been read */
	bool swapped;		     /* the other byte order */
	__u32 links[INTERFACES_MAX]; /* link layers of the section's interfaces; classic: [0] */
	__u32 link_count;
	__u8 *block; /* body of the last block or record */
	size_t room;
};

/* Records that the file is not what it should be. Returns -1. */
int capture_damaged(const struct capture *capture, struct error *error, const char *what);
/* A number of four bytes. */
__u32 capture_get32(const struct capture *capture, const __u8 *from);
/* Reads `length` bytes into capture->block. Returns 1, 0 at the end of the file, or -1 with *error set. */
int capture_read(struct capture *capture, size_t length, struct error *error);
/* The same where the end would be an error. */
int capture_must_read(struct capture *capture, size_t length, struct error *error);
/* Makes of a packet with this link layer what struct captured promises. Returns 1, or -1 with *error set. */
int capture_take_link(const struct capture *capture, __u32 link, struct captured *packet, struct error *error);

#define CAPTURE_NOTHING 2
/* Reads one block of pcapng. CAPTURE_NOTHING if it was not a packet's, else as capture_next(). */
int capture_next_block(struct capture *capture, struct captured *packet, struct error *error);

#endif
