/* SPDX-License-Identifier: GPL-2.0-only */
#include "loader/stretch_notes.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "loader/compile/plan.h"
#include "loader/programs.h"

static struct stretch_note note_of(const struct plan *plan, const struct plan_function *function, int hook)
{
	const struct classifier_estimate *estimate = &function->estimate;
	struct stretch_note note = {
		.hook = (__u8)(hook + 1),
		.form = function->form,
		.first = plan->rules[function->first].rule->number,
		.last = plan->rules[function->end - 1].rule->number,
		.rules = (__u32)(function->end - function->first),
	};

	if (!function->classified)
		return note;
	note.tested = (__u16)(100 * estimate->records);
	note.depth = (__u16)estimate->depth;
	note.trees = function->exact ? function->exact_estimate.tables : estimate->trees;
	note.lines = (__u32)(estimate->lines + function->exact_estimate.lines);
	note.codes = function->codes;
	return note;
}

int stretch_notes_take(struct stretch_notes *notes, const struct plan *plan, int hook)
{
	notes->note = calloc(plan->function_count + 1, sizeof(*notes->note));
	if (!notes->note)
		return -ENOMEM;
	notes->count = plan->function_count;
	for (size_t i = 0; i < plan->function_count; i++)
		notes->note[i] = note_of(plan, plan->functions + i, hook);
	return 0;
}

int stretch_notes_write(int map, const struct stretch_notes *notes, size_t hooks)
{
	__u32 written = 0;

	for (size_t hook = 0; hook < hooks; hook++)
		for (size_t i = 0; i < notes[hook].count && written < STRETCHES_NOTED; i++, written++)
			if (bpf_map_update_elem(map, &written, notes[hook].note + i, BPF_ANY))
				return -errno;
	return 0;
}

static void print_note(const struct stretch_note *note, FILE *out)
{
	static const char *const forms[STRETCH_FORMS] = {
		[STRETCH_FEW] = "code: few of them leave out most packets",
		[STRETCH_NOT_CHEAPER] = "code: looking up would take longer",
		[STRETCH_WISHED] = "code: --no-optimize",
		[STRETCH_CODE_FULL] = "code: too many of them have tests or actions that are no look-up",
		[STRETCH_CLASSIFIED] = "looked up",
		[STRETCH_EXACT] = "looked up by hash",
		[STRETCH_SCATTERED] = "code: as stretches they would be too many",
	};

	fprintf(out, "  %05u to %05u  %6u rules  %s", note->first, note->last, note->rules,
		forms[note->form < STRETCH_FORMS ? note->form : STRETCH_FEW]);
	if (note->form == STRETCH_CLASSIFIED)
		fprintf(out, ": %u trees, %u deep, %u.%u rules compared, %u kB, %u pieces of code", note->trees,
			note->depth, note->tested / 100, note->tested / 10 % 10, (note->lines + 15) / 16, note->codes);
	if (note->form == STRETCH_EXACT)
		fprintf(out, ": %u table%s, %s, %u kB, %u pieces of code", note->trees, note->trees == 1 ? "" : "s",
			note->tested ? "and trees for what goes on behind a rule" : "all in one step",
			(note->lines + 15) / 16, note->codes);
	fputc('\n', out);
}

void stretch_notes_print(int map, const char *const *programs, FILE *out)
{
	struct stretch_note note;
	__u8 hook = 0;

	for (__u32 i = 0; i < STRETCHES_NOTED; i++) {
		if (bpf_map_lookup_elem(map, &i, &note) || !note.hook || note.hook > HOOK_COUNT)
			return;
		if (note.hook != hook)
			fprintf(out, "rules in %s:\n", programs[note.hook - 1]);
		hook = note.hook;
		print_note(&note, out);
	}
	fprintf(out, "  and more\n");
}
