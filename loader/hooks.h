/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which entry programs run on which interface: made so, noted in the pinned map "hooks", and checked against what the
 * kernel says on every commit, so that interfaces that came or were tampered with since are put right.
 */
#ifndef LOADER_HOOKS_H
#define LOADER_HOOKS_H

#include "ipfw/error.h"
#include "loader/entry.h"
#include "loader/interface.h"

struct hook_state {
	const struct interface *interface;
	struct interface_hooks record;
	unsigned int depth; /* 0, or of a VLAN device: how many devices lie below it */
	bool port;	    /* of a bridge or bond: filtered on the master, no hooks here */
};

struct hooks {
	struct entries entries;
	struct hook_state *states; /* one for each interface, same order */
	size_t count;
};

/* Looks at the interfaces of `list` (which must outlive *hooks) without changing anything. Returns 0 or -errno. */
int hooks_open(struct hooks *hooks, const struct lasting *lasting, const struct interface_list *list);
void hooks_close(struct hooks *hooks);

/*
 * Attaches XDP and TC egress entries wherever they are missing or of another version, and forgets interfaces that are
 * gone. `libxdp_pins` tells where libxdp keeps its own pins. Returns 0, or -1 with *error set; entries attached so far
 * stay.
 */
int hooks_ensure(struct hooks *hooks, const struct pins *libxdp_pins, struct error *error);

/* What the rules want to be done at TC ingress where they run at XDP. */
struct ingress_needs {
	bool reply; /* send replies, where that cannot be done by XDP */
	bool marks; /* give packets the skb->mark that rules asked for */
};

/*
 * Before a commit's flip: attaches TC ingress entries where they are needed, because there is no XDP or because of
 * `needs`; where XDP has taken over from TC, the entry that runs rules goes. Errors as hooks_ensure().
 */
int hooks_ensure_ingress(struct hooks *hooks, const struct ingress_needs *needs, struct error *error);
/* After the flip: detaches entries that no rule needs any more. What fails is tried again by the next commit. */
void hooks_trim_ingress(struct hooks *hooks, const struct ingress_needs *needs);

/* Detaches all entries of ours, noted or not, and our empty clsact qdiscs. Returns 0, or -1 with *error set, having
 * done what could be done. */
int hooks_release(struct hooks *hooks, const struct pins *libxdp_pins, struct error *error);

/* Whether some interface runs its rules in this mode. */
bool hooks_any(const struct hooks *hooks, enum hook_mode mode);
/* Whether some interface runs them at XDP, native or generic. */
bool hooks_any_xdp(const struct hooks *hooks);

/* Where rules run on input, in words; "-": nowhere. */
const char *hook_mode_text(const struct hook_state *state);
/* Whether somebody has taken our TC entry off this side of the interface since. */
bool hook_tc_gone(const struct hook_state *state, enum tc_direction direction);
/* Whether another XDP program has taken the place of ours since. */
bool hook_displaced(const struct hook_state *state);

/*
 * Whether replies must be sent by TC here: XDP_TX on a native veth needs a peer with NAPI. Not in generic mode: since
 * pages are recycled there (seen on 6.18), frames copied for generic XDP reach TC without their link header: no
 * metadata.
 */
bool hook_replies_by_tc(const struct hook_state *state);

#endif
