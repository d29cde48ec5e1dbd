/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes become a ruleset, and its programs must pass the verifier. TC ingress gets the code that XDP gets, so that it
 * is enough to try it now and then.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>

#include "ipfw-compat/language.h"
#include "loader/programs.h"
#include "maps/layout.h"
#include "selftests/model/random_packets.h"
#include "selftests/model/random_rules.h"

int LLVMFuzzerTestOneInput(const __u8 *bytes, size_t size);

static void describe(char *text, size_t size, const struct rule *rule)
{
	struct print_options plain = {0};

	rule_print(text, size, rule, &plain);
}

static void complain(const struct ruleset *ruleset, const struct error *error)
{
	char text[1024];

	for (size_t i = 0; i < ruleset->count; i++) {
		describe(text, sizeof(text), ruleset->rules[i]);
		fprintf(stderr, "%05u set %u %s\n", ruleset->rules[i]->number, ruleset->rules[i]->set, text);
	}
	fprintf(stderr, "disabled sets: %#x\n%s\n%s\n", ruleset->disabled_sets, error->message, error->advice);
	abort();
}

/* Counters, the only large maps, are made once, and small. */
static size_t make_maps(struct map_binding *maps)
{
	static const char *const names[COUNTER_BANKS] = {"counters_0", "counters_1", "counters_2"};

	for (size_t i = 0; i < COUNTER_BANKS; i++) {
		maps[i].name = names[i];
		maps[i].fd = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, names[i], sizeof(__u32),
					    sizeof(struct counter_group), 1, NULL);
		if (maps[i].fd < 0)
			abort();
	}
	return COUNTER_BANKS;
}

int LLVMFuzzerTestOneInput(const __u8 *bytes, size_t size)
{
	static struct map_binding maps[COUNTER_BANKS];
	static size_t map_count;
	struct choices choices = choices_from_bytes(bytes, size);
	struct ruleset ruleset = random_ruleset(&choices, random_ruleset_size(&choices));
	struct programs_request request = {.ruleset = &ruleset,
					   .interfaces = &random_interfaces,
					   .describe = describe,
					   .maps = maps,
					   .hooks = {true, true, choose_once_in(&choices, 8)}};
	struct programs_begun *begun;
	struct programs programs;
	struct error error;

	if (!map_count)
		map_count = make_maps(maps);
	request.map_count = map_count;
	error_clear(&error);
	begun = programs_prepare();
	if (!begun)
		abort();
	programs_expect(begun, &ruleset);
	programs_begin(begun, &request);
	if (programs_build(&programs, begun, &request, &error))
		complain(&ruleset, &error);
	programs_free(&programs);
	programs_end(begun);
	ruleset_free(&ruleset);
	return 0;
}
