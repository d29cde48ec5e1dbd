/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ipfw/verdict.h"
#include "loader/compile/plan.h"
#include "loader/compile/states.h"
#include "loader/features.h"
#include "loader/gate.h"
#include "loader/link.h"
#include "loader/log.h"
#include "loader/modules.h"

#define NEEDS_SECTION ".rodata.needs"
#define CARRY_SECTION ".rodata.carry"
#define SETTLED_SECTION ".rodata.settled" /* of programs for what leaves by TC */

struct hook_row {
	const char *kind;	  /* as in modules.h */
	const char *object;	  /* file in programs_directory() */
	const char *reply_object; /* likewise, for rulesets that answer packets */
	const char *plain_object; /* likewise, for others that are plain (plan_plain()); NULL: none of its own */
	const char *program;
	bool input;
};

static const struct hook_row hook_rows[HOOK_COUNT] = {
	[HOOK_XDP] = {"xdp", "xdp.bpf.o", "xdp_reply.bpf.o", "xdp_plain.bpf.o", "xdp_ruleset", true},
	[HOOK_TC_EGRESS] = {"tc", "tc_egress.bpf.o", "tc_egress_reply.bpf.o", "tc_egress_plain.bpf.o",
			    "tc_egress_ruleset", false},
	[HOOK_TC_INGRESS] = {"tc", "tc_ingress.bpf.o", "tc_ingress.bpf.o", NULL, "tc_ingress_ruleset", true},
	[HOOK_XDP_FORWARD] = {"xdp", "xdp_forward.bpf.o", "xdp_forward_reply.bpf.o", NULL, "xdp_forward_ruleset",
			      false},
};

/* How far the caller has come, which tells what threads can do. */
enum stage {
	STAGE_OPENED,	/* nothing is known */
	STAGE_EXPECTED, /* whether the runtimes are to answer */
	STAGE_BEGUN,	/* rules and interfaces */
	STAGE_MAPS,	/* all that is asked for, and the maps that programs take to be loaded */
	STAGE_ENDED,	/* nothing more is wanted */
};

/* One program being built, in a thread of its own: verifying takes most of the time. */
struct build {
	const struct programs_request *request; /* up to STAGE_MAPS the one of programs_begin() */
	struct programs_begun *begun;
	enum hook hook;
	struct linking *linking; /* with its runtime, NULL: not begun */
	struct bpf_object *object;
	int fd;
	struct stretch_notes notes;
	struct error error;
};

struct programs_begun {
	struct programs_request request;      /* from STAGE_BEGUN on */
	const struct programs_request *final; /* from STAGE_MAPS on */
	struct images *images;		      /* that all builds share */
	bool reply, likely_plain;	      /* the rules, from STAGE_EXPECTED on */
	struct gate gate;
	struct build builds[HOOK_COUNT];
	pthread_t threads[HOOK_COUNT];
	bool running[HOOK_COUNT]; /* in a thread */
	pthread_t first;	  /* the thread that begins before there is anything to build */
	bool first_running;
	int first_hook; /* which one it builds, from STAGE_BEGUN on; -1: none */
};

const char *programs_directory(void)
{
	static char directory[PATH_MAX];
	char program[PATH_MAX - 16], *slash;
	ssize_t length;

	if (directory[0])
		return directory;
	length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	if (length > 0) {
		program[length] = '\0';
		slash = strrchr(program, '/');
		snprintf(directory, sizeof(directory), "%.*s/bpf", (int)(slash - program), program);
		if (!access(directory, R_OK))
			return directory;
	}
	snprintf(directory, sizeof(directory), "%s", IPFW_LIBDIR);
	return directory;
}

static bool action_answers(unsigned int code)
{
	switch (code) {
	case ACTION_UNREACH:
	case ACTION_UNREACH6:
	case ACTION_RESET:
	case ACTION_RESET6:
	case ACTION_ABORT:
	case ACTION_ABORT6:
		return true;
	default:
		return false;
	}
}

bool programs_need_reply(const struct ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->count; i++)
		if ((!(ruleset->disabled_sets & 1u << ruleset->rules[i]->set) ||
		     rule_state_option(ruleset->rules[i])) &&
		    action_answers(rule_action(ruleset->rules[i])->code))
			return true;
	return false;
}

/* Links every map that is given to its existing object. */
static int bind_maps(struct bpf_object *object, const struct programs_request *request)
{
	for (size_t i = 0; i < request->map_count; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, request->maps[i].name);
		int result = map ? bpf_map__reuse_fd(map, request->maps[i].fd) : 0;

		if (result)
			return result;
	}
	return 0;
}

/* Explains a refusal: sizes that the verifier does not manage are a matter of the ruleset, all else is ours. */
static void explain_refusal(struct build *build, int result)
{
	size_t rules = build->request->ruleset->count;

	/* Who knew better has said so. */
	if (build->error.exit_code)
		return;
	if (result == -E2BIG || result == -EFAULT || result == -ENOSPC) {
		error_set(&build->error, EX_UNAVAILABLE, -1,
			  "the ruleset is too large: the kernel's verifier does not finish with %zu rules", rules);
		error_advise(&build->error, "use fewer rules or shorter address lists; the old ruleset stays in force");
	} else if (result == -ENOMEM) {
		error_set(&build->error, EX_UNAVAILABLE, -1, "out of kernel memory for a ruleset of %zu rules", rules);
	} else if (result == -ENAMETOOLONG) {
		error_set(&build->error, EX_UNAVAILABLE, -1,
			  "jail: more than %u groups within each other, or a name of more than %u characters",
			  CONTROL_GROUP_PARTS, CONTROL_GROUP_PART_BYTES - 1);
	} else if (result == -EPERM) {
		error_set(&build->error, EX_UNAVAILABLE, -1, "the kernel does not permit loading BPF programs: %s",
			  strerror(-result));
		error_advise(&build->error, "this needs root (CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON)");
	} else {
		error_set(&build->error, EX_UNAVAILABLE, -1, "the kernel refused the ruleset's %s program: %s",
			  hook_rows[build->hook].program, strerror(-result));
		error_advise(&build->error, "%s", log_last());
	}
}

int programs_match_entry(struct bpf_program *program, bool dispatched)
{
	if (dispatched)
		return bpf_program__set_expected_attach_type(program, 0);
	return bpf_program__set_flags(program, BPF_F_XDP_HAS_FRAGS);
}

/* Writes a constant of the runtime before it is loaded; all are 0 in the objects. */
static int set_constant(struct bpf_object *object, const char *section, const void *value, size_t size)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, section);

	return map ? bpf_map__set_initial_value(map, value, size) : -ENOENT;
}

static int load_object(struct build *build, const struct plan *plan)
{
	__u32 needs = plan_needs(plan);
	struct carry carry = plan_carry(plan);
	__u64 settled = plan_settled(plan);
	struct bpf_program *program = bpf_object__find_program_by_name(build->object, hook_rows[build->hook].program);
	int result = program ? 0 : -ENOENT;

	if (build->hook == HOOK_XDP && build->request->hooks[HOOK_XDP_FORWARD])
		needs |= PACKET_FORWARDS;
	if (!result && !strcmp(hook_rows[build->hook].kind, "xdp"))
		result = programs_match_entry(program, build->request->xdp_plain_attach_type);
	if (!result && needs)
		result = set_constant(build->object, NEEDS_SECTION, &needs, sizeof(needs));
	if (!result && plan_carries(plan))
		result = set_constant(build->object, CARRY_SECTION, &carry, sizeof(carry));
	if (!result && build->hook == HOOK_TC_EGRESS && settled)
		result = set_constant(build->object, SETTLED_SECTION, &settled, sizeof(settled));
	if (!result)
		result = modules_prepare(build->object, plan, &build->request->table_epochs, &build->error);
	if (!result)
		result = bind_maps(build->object, build->request);
	if (!result)
		result = bpf_object__load(build->object);
	if (!result)
		result = modules_fill(build->object, plan);
	if (!result)
		build->fd = bpf_program__fd(program);
	return result;
}

_Static_assert(MODULES_MAX + 1 <= LINK_RUNTIMES_MAX, "all modules may be linked");

static void runtime_path(char path[MODULE_PATH_MAX], const char *object)
{
	snprintf(path, MODULE_PATH_MAX, "%s/%s", programs_directory(), object);
}

/* The object file of the runtime; `plain`: the rules are plain, unless they answer (plan_plain()). */
static const char *runtime_object(enum hook hook, bool reply, bool plain)
{
	const struct hook_row *row = hook_rows + hook;

	if (reply)
		return row->reply_object;
	return plain && row->plain_object ? row->plain_object : row->object;
}

/* The one of XDP that is likely to be needed. */
static const char *ahead_object(const struct programs_begun *begun)
{
	return runtime_object(HOOK_XDP, begun->reply, begun->likely_plain);
}

/* What has begun with this object file, or NULL. */
static struct linking *take_linking(struct build *build, const char *object)
{
	struct linking *linking = build->linking;

	build->linking = NULL;
	if (!linking || !strcmp(object, ahead_object(build->begun)))
		return linking;
	link_abandon(linking);
	return NULL;
}

/* Joins the generated code with the runtime of its hook and the modules that it calls. */
static struct bpf_object *link_objects(struct build *build, const struct plan *plan, const struct code *code)
{
	const char *object = runtime_object(build->hook, build->begun->reply, plan_plain(plan));
	char path[MODULE_PATH_MAX], modules[MODULES_MAX][MODULE_PATH_MAX];
	const char *paths[MODULES_MAX + 2] = {path};
	int count = modules_find(code, hook_rows[build->hook].kind, modules, &build->error);

	runtime_path(path, object);
	for (int i = 0; i < count; i++)
		paths[i + 1] = modules[i];
	if (count < 0)
		return NULL;
	return link_program(take_linking(build, object), code, paths, build->request->describe, &build->error);
}

/* Waits for the maps. Returns false if the program is not wanted after all. */
static bool pass_gate(struct build *build)
{
	if (gate_wait(&build->begun->gate, STAGE_MAPS) == STAGE_ENDED)
		return false;
	build->request = build->begun->final;
	return build->request->hooks[build->hook];
}

/* Makes the code, which asks nothing of the kernel but what it can do. */
static int make_object(struct build *build, struct plan *plan)
{
	struct code code;
	int result = stretch_notes_take(&build->notes, plan, build->hook);

	if (!result)
		result = code_generate(&code, plan);
	if (result)
		return result;
	build->object = link_objects(build, plan, &code);
	code_free(&code);
	return 0;
}

static void build_program(struct build *build)
{
	struct plan plan;
	int result = plan_make_sharing(&plan, build->request->ruleset, build->request->interfaces,
				       hook_rows[build->hook].input, build->begun->images);

	if (result) {
		explain_refusal(build, result);
		return;
	}
	result = make_object(build, &plan);
	if (!result && build->object && pass_gate(build))
		result = load_object(build, &plan);
	plan_free(&plan);
	if (result)
		explain_refusal(build, result == -ERANGE ? -E2BIG : result);
}

static void *build_thread(void *argument)
{
	struct build *build = argument;

	log_begin();
	build_program(build);
	return NULL;
}

/* Begins to link that one. Returns NULL if that does not work. */
static struct linking *link_ahead(const struct programs_begun *begun)
{
	char path[MODULE_PATH_MAX];

	runtime_path(path, ahead_object(begun));
	return link_begin(path);
}

/* Does what takes no rules while the caller reads them, and then builds one of the programs. */
static void *first_thread(void *argument)
{
	struct programs_begun *begun = argument;
	struct linking *linking = NULL;
	struct build *build;

	log_begin();
	features_ask();
	if (gate_wait(&begun->gate, STAGE_EXPECTED) == STAGE_EXPECTED)
		linking = link_ahead(begun);
	if (gate_wait(&begun->gate, STAGE_BEGUN) == STAGE_ENDED || begun->first_hook < 0) {
		link_abandon(linking);
		return NULL;
	}
	build = begun->builds + begun->first_hook;
	if (build->hook == HOOK_XDP)
		build->linking = linking;
	else
		link_abandon(linking);
	return build_thread(build);
}

/*
 * Keeps new threads off the CPU that this one runs on. They live for milliseconds, most of them inside one system call:
 * left alone, the scheduler often starts them here and moves them when all is over.
 */
static void place_elsewhere(pthread_attr_t *attributes)
{
	int here = sched_getcpu();
	cpu_set_t allowed;

	if (here < 0 || sched_getaffinity(0, sizeof(allowed), &allowed))
		return;
	CPU_CLR(here, &allowed);
	if (CPU_COUNT(&allowed))
		pthread_attr_setaffinity_np(attributes, sizeof(allowed), &allowed);
}

#define DESCRIPTORS 256 /* more than builds open */

/*
 * Has the kernel make the table of file descriptors large at once. To enlarge it when threads share it, they all wait
 * for a grace period of RCU: as long as everything else that a commit does. Not to have room is no error.
 */
static void make_room_for_descriptors(void)
{
	int some = open("/", O_PATH | O_CLOEXEC), last = fcntl(some, F_DUPFD_CLOEXEC, DESCRIPTORS - 1);

	if (last >= 0)
		close(last);
	if (some >= 0)
		close(some);
}

/* Tests have few rules looked up as well: from so many on, 0 for all; and so many that are alike by hash. */
static void read_test_settings(void)
{
	const char *from = getenv("IPFW_BPF_CLASSIFY_FROM"), *exact = getenv("IPFW_BPF_EXACT_FROM");

	if (from)
		plan_classify_from = strtoul(from, NULL, 10);
	if (exact)
		plan_exact_from = strtoul(exact, NULL, 10);
}

static void prepare_build(struct programs_begun *begun, enum hook hook)
{
	struct build *build = begun->builds + hook;

	*build = (struct build){.request = &begun->request, .begun = begun, .hook = hook, .fd = -1};
	error_clear(&build->error);
}

static bool start(pthread_t *thread, void *(*run)(void *), void *argument)
{
	pthread_attr_t attributes;
	bool started;

	pthread_attr_init(&attributes);
	place_elsewhere(&attributes);
	started = !pthread_create(thread, &attributes, run, argument);
	pthread_attr_destroy(&attributes);
	return started;
}

/* Builds the program of a hook in a thread of its own, or in the one that waits for a hook. */
static void start_build(struct programs_begun *begun, enum hook hook)
{
	if (begun->first_running && begun->first_hook < 0) {
		begun->first_hook = hook;
		begun->threads[hook] = begun->first;
		begun->running[hook] = true;
		begun->first_running = false;
	} else {
		begun->running[hook] = start(begun->threads + hook, build_thread, begun->builds + hook);
	}
}

/* The last hook of those: its program is built in the thread that asks for all, which would only wait for others. */
static int last_hook(const bool hooks[HOOK_COUNT])
{
	int hook = HOOK_COUNT - 1;

	while (hook >= 0 && !hooks[hook])
		hook--;
	return hook;
}

struct programs_begun *programs_prepare(void)
{
	struct programs_begun *begun = calloc(1, sizeof(*begun));

	if (!begun)
		return NULL;
	begun->images = images_new();
	if (!begun->images) {
		free(begun);
		return NULL;
	}
	begun->first_hook = -1;
	gate_init(&begun->gate);
	read_test_settings();
	programs_directory(); /* which is found out once, by one thread */
	make_room_for_descriptors();
	begun->first_running = start(&begun->first, first_thread, begun);
	return begun;
}

#define LOOKED_UP_LIKELY 1000 /* of so many rules some are in a stretch, for which runtimes are not plain */

void programs_expect(struct programs_begun *begun, const struct ruleset *ruleset)
{
	begun->reply = programs_need_reply(ruleset);
	begun->likely_plain = ruleset->linear || ruleset->count < LOOKED_UP_LIKELY;
	gate_move(&begun->gate, STAGE_EXPECTED);
}

void programs_begin(struct programs_begun *begun, const struct programs_request *request)
{
	int last = last_hook(request->hooks);

	begun->request = *request;
	for (int hook = 0; hook < HOOK_COUNT; hook++) {
		prepare_build(begun, hook);
		if (hook < last && request->hooks[hook])
			start_build(begun, hook);
	}
	gate_move(&begun->gate, STAGE_BEGUN);
}

static void join_all(struct programs_begun *begun)
{
	if (begun->first_running)
		pthread_join(begun->first, NULL);
	begun->first_running = false;
	for (int hook = 0; hook < HOOK_COUNT; hook++) {
		if (begun->running[hook])
			pthread_join(begun->threads[hook], NULL);
		begun->running[hook] = false;
	}
}

/* Runs the builds that are asked for side by side, those that have begun without this among them. */
static void run_builds(struct programs_begun *begun, const struct programs_request *request)
{
	bool left[HOOK_COUNT];
	int last;

	for (int hook = 0; hook < HOOK_COUNT; hook++)
		left[hook] = request->hooks[hook] && !begun->running[hook];
	last = last_hook(left);
	begun->final = request;
	gate_move(&begun->gate, STAGE_MAPS);
	for (int hook = 0; hook < last; hook++)
		if (left[hook])
			begun->running[hook] = start(begun->threads + hook, build_thread, begun->builds + hook);
	for (int hook = 0; hook < HOOK_COUNT; hook++)
		if (left[hook] && !begun->running[hook])
			build_thread(begun->builds + hook);
	join_all(begun);
}

/* Takes over what the builds have made. Returns the first that failed, or NULL. */
static const struct build *collect(struct programs *programs, struct programs_begun *begun,
				   const bool hooks[HOOK_COUNT])
{
	const struct build *failed = NULL;

	for (int hook = 0; hook < HOOK_COUNT; hook++) {
		struct build *build = begun->builds + hook;

		if (!hooks[hook])
			continue;
		programs->objects[hook] = build->object;
		programs->fds[hook] = build->fd;
		programs->notes[hook] = build->notes;
		build->object = NULL;
		build->notes = (struct stretch_notes){0};
		if (build->error.exit_code && !failed)
			failed = build;
	}
	return failed;
}

int programs_build(struct programs *programs, struct programs_begun *begun, const struct programs_request *request,
		   struct error *error)
{
	const struct build *failed;

	*programs = (struct programs){0};
	for (int hook = 0; hook < HOOK_COUNT; hook++)
		programs->fds[hook] = -1;
	run_builds(begun, request);
	failed = collect(programs, begun, request->hooks);
	if (!failed)
		return 0;
	*error = failed->error;
	programs_free(programs);
	return -1;
}

void programs_end(struct programs_begun *begun)
{
	if (!begun)
		return;
	gate_move(&begun->gate, STAGE_ENDED);
	join_all(begun);
	for (int hook = 0; hook < HOOK_COUNT; hook++) {
		link_abandon(begun->builds[hook].linking);
		bpf_object__close(begun->builds[hook].object);
		free(begun->builds[hook].notes.note);
	}
	images_free(begun->images);
	gate_destroy(&begun->gate);
	free(begun);
}

void programs_free(struct programs *programs)
{
	for (int hook = 0; hook < HOOK_COUNT; hook++) {
		bpf_object__close(programs->objects[hook]);
		programs->objects[hook] = NULL;
		programs->fds[hook] = -1;
		free(programs->notes[hook].note);
		programs->notes[hook] = (struct stretch_notes){0};
	}
}
