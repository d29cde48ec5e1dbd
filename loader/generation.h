/* SPDX-License-Identifier: GPL-2.0-only */
/* One generation: its maps, its programs, their pins and their slots in the program arrays. */
#ifndef LOADER_GENERATION_H
#define LOADER_GENERATION_H

#include "loader/hooks.h"
#include "loader/programs.h"
#include "loader/route.h"
#include "loader/slow.h"
#include "maps/lasting.h"

enum generation_map {
	GENERATION_RULESET,
	GENERATION_STRETCHES,
	GENERATION_INTERFACES,
	GENERATION_LOCAL_ADDRESSES,
	GENERATION_ROUTES,
	GENERATION_STATE_RULES,
	GENERATION_MAPS
};

extern const char *const generation_map_names[GENERATION_MAPS];
extern const char *const generation_program_names[HOOK_COUNT];

/* What a generation is made from; all of it outlives the build. */
struct generation_request {
	__u32 number;
	const struct pins *pins;
	const struct lasting *lasting;
	const struct hooks *hooks;
	const struct interface_list *interfaces;
	const struct route_list *routes; /* empty if no rule asks for them */
	const struct ruleset *ruleset;	 /* slots assigned */
	__u32 old;			 /* the active generation, 0: none */
	const struct slow *slow;
	struct programs_begun *begun;	  /* programs_expect() */
	bool forward;			  /* XDP forwards */
	struct table_epochs table_epochs; /* maps/layout.h */
	firewall_describe describe;
};

/* The number of the next generation: even and odd take turns, and 0 means that nothing has ever been committed. */
__u32 generation_next(const struct control *control);

/*
 * Begins to make the programs of a generation, as far as that takes no maps, while the caller does other things: rules
 * and interfaces must be what they will be in generation_build(), hooks and forwarding need not.
 */
void generation_begin(const struct generation_request *request);
/*
 * Builds generation `number`, pins it and fills its program slots; no packet runs through it until
 * control->generation says so. Returns 0, or -1 with *error set and nothing pinned.
 */
int generation_build(const struct generation_request *request, struct error *error);

/* Removes the pins of generation `number`, whether or not they are there. Its program slots are left to the next build.
 */
void generation_unpin(const struct pins *pins, __u32 number);

#define STORE_OBJECT "store.bpf.o"
/* Path of the object file of that name, which declares the maps. */
const char *store_object_path(void);

#endif
