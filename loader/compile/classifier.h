/* SPDX-License-Identifier: GPL-2.0-only */
/* Builds the image (include/ipfw/classifier.h) in which programs search for the rules that may match a packet. */
#ifndef COMPILE_CLASSIFIER_H
#define COMPILE_CLASSIFIER_H

#include <stddef.h>

#include "ipfw/classifier.h"

/*
 * One conjunction of tests, which a rule asks for: a packet must pass them all. A rule with several boxes asks for any
 * of them.
 */
struct classifier_box {
	__u32 index;			    /* of the rule within the stretch, below CLASSIFIER_NONE */
	__u8 family;			    /* 4 or 6: only such packets; 0: any, and no addresses */
	__u8 source_bits, destination_bits; /* lengths of the prefixes, 0: any address */
	__u8 interface_key;		    /* CLASSIFIER_VIA, _RECV or _XMIT, or 0: any interface */
	__u32 interface;		    /* 0..CLASSIFIER_INTERFACE_MAX */
	__u32 source[4], destination[4];    /* host order, words from the left; IPv4: in [0] */
	__u16 source_port[2];		    /* low and high, inclusive, host order; 0 and 65535: any */
	__u16 destination_port[2];	    /* likewise */
	__u32 head_value, head_mask;	    /* as in struct head (head.h) */
	__u32 result; /* CLASSIFIER_RESULT(): all that is to be done with packets in the box, or 0 */
};

/* What searching a stretch will cost. */
struct classifier_estimate {
	double records;	    /* that a packet is compared with on the average, if packets are spread as the rules are */
	unsigned int trees; /* that it meets, if none is left out; this and the above: of the worst kind of packet */
	unsigned int depth; /* nodes from a root to a leaf at most */
	size_t lines;	    /* that the stretch adds to the image */
};

struct classifier_image;

/* NULL: no memory. For `stretches` stretches. */
struct classifier_image *classifier_image_new(unsigned int stretches);
void classifier_image_free(struct classifier_image *image);

/*
 * Adds the next stretch: `boxes` in any order, which are not kept. *estimate may be NULL. Returns its number (0, 1,
 * ...), -ENOMEM, -E2BIG (the image cannot hold it; the image is as before), or -EINVAL (a box that is none, or more
 * stretches than were announced).
 */
int classifier_add_stretch(struct classifier_image *image, const struct classifier_box *boxes, size_t count,
			   struct classifier_estimate *estimate);

/* Elements that the map "classifier" needs. */
size_t classifier_image_lines(const struct classifier_image *image);
/* Writes them to `memory`, that of the map. */
void classifier_image_write(const struct classifier_image *image, void *memory);

#endif
