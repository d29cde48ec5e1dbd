/* SPDX-License-Identifier: GPL-2.0-only */
/* From rules to loaded programs of one generation: plan, emit, link, load. Nothing is attached here. */
#ifndef LOADER_PROGRAMS_H
#define LOADER_PROGRAMS_H

#include <stdbool.h>

#include "ipfw/error.h"
#include "ipfw/rule.h"
#include "loader/firewall.h"
#include "loader/interface.h"
#include "loader/stretch_notes.h"

struct bpf_object;
struct bpf_program;

enum hook {
	HOOK_XDP,	  /* in, bpf/xdp.bpf.c */
	HOOK_TC_EGRESS,	  /* out, bpf/tc_egress.bpf.c */
	HOOK_TC_INGRESS,  /* in where XDP is not possible, bpf/tc_ingress.bpf.c */
	HOOK_XDP_FORWARD, /* out of what XDP forwards, bpf/xdp_forward.bpf.c; HOOK_XDP then does */
	HOOK_COUNT
};

/* A map that already exists: programs are linked to it instead of getting a new one. */
struct map_binding {
	const char *name;
	int fd;
};

struct programs_request {
	const struct ruleset *ruleset;		 /* slots assigned */
	const struct interface_list *interfaces; /* for interface names, patterns and addresses */
	const struct map_binding *maps;		 /* every map that the runtime objects declare */
	size_t map_count;
	firewall_describe describe;
	struct table_epochs table_epochs; /* maps/layout.h */
	bool hooks[HOOK_COUNT];		  /* which programs to build; programs_begin(): which it will be, probably */
	bool xdp_plain_attach_type;	  /* the entry runs under libxdp's dispatcher: expected_attach_type 0 */
};

/* Loaded programs; fds are owned by the objects. */
struct programs {
	struct bpf_object *objects[HOOK_COUNT];
	int fds[HOOK_COUNT]; /* -1: not built */
	struct stretch_notes notes[HOOK_COUNT];
};

/* Whether any rule of the ruleset answers incoming packets (reset, unreach...), so that TC ingress is needed. */
bool programs_need_reply(const struct ruleset *ruleset);

/*
 * Programs that are being made, in threads of their own, while what is needed for the next step is not there yet:
 * programs_prepare(), programs_expect(), programs_begin(), programs_build(), in this order; after any of them
 * programs_end().
 */
struct programs_begun;
/*
 * Before anything is known of the rules: libbpf gets to know the kernel. The tool's later threads, too, find the table
 * of file descriptors large enough. Returns NULL if there is no memory.
 */
struct programs_begun *programs_prepare(void);
/* What the rules are, but not yet where they run: the runtimes that they most likely need are read. */
void programs_expect(struct programs_begun *begun, const struct ruleset *ruleset);
/*
 * The code is made, which takes no maps: of *request maps, table_epochs and xdp_plain_attach_type do not matter. What
 * its pointers lead to must last, unchanged, until programs_end(); whether rules answer must be as it was expected.
 */
void programs_begin(struct programs_begun *begun, const struct programs_request *request);
/*
 * Builds the requested programs, loading them in parallel, with the same rules and interfaces as those begun; once for
 * each `begun`. Returns 0, or -1 with *error set (exit code EX_UNAVAILABLE; a ruleset the verifier finds too large is
 * said so in plain words) and *programs empty.
 */
int programs_build(struct programs *programs, struct programs_begun *begun, const struct programs_request *request,
		   struct error *error);
void programs_free(struct programs *programs);

/* Gives up what has begun and was not built; NULL is allowed. */
void programs_end(struct programs_begun *begun);

/*
 * Gives an XDP program the marks of the entry that jumps to it: a program array takes only programs that declare what
 * its entry declared. An entry that libxdp made an extension of its dispatcher (`dispatched`) has lost both marks: it
 * has no attach type and says nothing of multi-buffer frames (the dispatcher does). Returns 0 or -errno.
 */
int programs_match_entry(struct bpf_program *program, bool dispatched);

/* Directory with the *.bpf.o files: beside the executable in a build tree, else the installed one. */
const char *programs_directory(void);

#endif
