/* SPDX-License-Identifier: GPL-2.0-only */
/* Explanations as JSON: one object a packet, on a line of its own. */
#include <string.h>

#include "ipfw-compat/explain.h"
#include "ipfw-compat/names.h"

#define RULE_TEXT_MAX 65536 /* names of hosts (-N) could fill it */

static void write_packet(struct json *json, const char *name, const struct description *description)
{
	char text[DESCRIPTION_TEXT_MAX];

	description_print(text, description, true);
	json_string(json, name, text);
}

static void json_begin(struct explain_report *report, const struct explain_subject *subject)
{
	struct json *json = &report->json;

	*json = (struct json){.out = report->out};
	json_open(json, NULL, '{');
	if (subject->number)
		json_number(json, "number", subject->number);
	write_packet(json, "packet", &subject->description);
	json_number(json, "bytes", subject->description.field[FIELD_LENGTH]);
	json_open(json, "passes", '[');
}

static void write_place(struct json *json, const struct explain_place *place)
{
	static const struct {
		unsigned int bit;
		const char *word;
	} assumed[] = {
		{EXPLAIN_ASSUMED_DIRECTION, "direction"},
		{EXPLAIN_ASSUMED_INTERFACE, "interface"},
		{EXPLAIN_ASSUMED_RECEIVE, "recv"},
	};

	json_string(json, "direction", place->input ? "in" : "out");
	json_string(json, "interface", place->name);
	json_string(json, "recv", *place->receive_name ? place->receive_name : NULL);
	json_open(json, "assumed", '[');
	for (size_t i = 0; i < sizeof(assumed) / sizeof(*assumed); i++)
		if (place->assumed & assumed[i].bit)
			json_string(json, NULL, assumed[i].word);
	json_close(json, ']');
	json_string(json, "hook", strcmp(place->hook, "-") != 0 ? place->hook : NULL);
}

/* What the rule took out of tables, by kind. */
static void write_values(struct json *json, const struct explain_match *match)
{
	const struct explain_value *value = match->values;

	json_open(json, "tablearg", '{');
	for (; value < match->values + EXPLAIN_VALUES && value->kind; value++)
		json_number(json, names_name(names_table_values, (int)value->kind), value->value);
	json_close(json, '}');
}

static void write_lookup(void *argument, const struct explain_lookup *lookup)
{
	struct json *json = argument;

	json_open(json, NULL, '{');
	json_string(json, "table", lookup->table);
	json_string(json, "key", lookup->asked);
	json_string(json, "entry", *lookup->entry ? lookup->entry : NULL);
	json_string(json, "value", *lookup->entry ? lookup->value : NULL);
	json_close(json, '}');
}

static void write_rules(struct explain_report *report, const struct explain_pass *pass)
{
	const struct explain_answer *answer = pass->answer;
	struct json *json = &report->json;
	struct explain_tables tables;
	char text[RULE_TEXT_MAX];

	json_open(json, "rules", '[');
	explain_tables_begin(&tables, report->transaction, pass);
	for (size_t i = 0; answer && i < answer->match_count; i++) {
		const struct rule *rule = answer->matches[i].rule;

		json_open(json, NULL, '{');
		json_number(json, "number", rule->number);
		json_number(json, "set", rule->set);
		rule_print(text, sizeof(text), rule, &report->format);
		json_string(json, "rule", text);
		json_boolean(json, "layer2", answer->matches[i].layer2);
		write_values(json, answer->matches + i);
		json_open(json, "lookups", '[');
		explain_lookups(&tables, answer->matches + i, write_lookup, json);
		json_close(json, ']');
		json_close(json, '}');
	}
	json_close(json, ']');
	json_number(json, "rules_omitted", answer ? answer->unknown : 0);
}

static void write_difference(void *argument, const char *name, const char *before, const char *after)
{
	struct json *json = argument;

	json_open(json, NULL, '{');
	json_string(json, "field", name);
	json_string(json, "before", before);
	json_string(json, "after", after);
	json_close(json, '}');
}

static void write_changes(struct json *json, const struct explain_pass *pass)
{
	json_open(json, "changes", '[');
	if (pass->answer && pass->answer->passes)
		description_compare(pass->before, &pass->after, write_difference, json);
	if (pass->opaque)
		write_difference(json, NULL, NULL, NULL);
	json_close(json, ']');
}

static void write_given(struct json *json, const struct explain_answer *answer)
{
	json_open(json, "tags", '[');
	for (size_t i = 0; i < answer->tag_count; i++)
		json_number(json, NULL, answer->tags[i]);
	json_close(json, ']');
	json_number(json, "fib", answer->fib);
	json_number(json, "mark", answer->mark);
}

static void write_answer(struct json *json, const struct explain_pass *pass)
{
	const struct explain_answer *answer = pass->answer;

	if (!answer->answered) {
		json_string(json, "answer", NULL);
		return;
	}
	json_open(json, "answer", '{');
	write_packet(json, "packet", &pass->after);
	json_number(json, "bytes", pass->after.field[FIELD_LENGTH]);
	json_hexadecimal(json, "frame", answer->frame, answer->length);
	json_close(json, '}');
}

static void json_pass(struct explain_report *report, const struct explain_pass *pass)
{
	const struct explain_answer *answer = pass->answer;
	struct json *json = &report->json;

	json_open(json, NULL, '{');
	write_place(json, pass->place);
	write_packet(json, "packet", pass->before);
	json_boolean(json, "enabled", pass->enabled);
	json_boolean(json, "filtered", answer && (answer->decided || !answer->passes));
	json_string(json, "reason", answer ? answer->reason : pass->place->unfiltered);
	write_rules(report, pass);
	write_changes(json, pass);
	if (answer) {
		write_given(json, answer);
		write_answer(json, pass);
	}
	json_string(json, "rules_say", explain_outcome_word(pass->said));
	json_string(json, "verdict", explain_outcome_word(pass->outcome));
	json_close(json, '}');
}

static void json_end(struct explain_report *report, enum explain_outcome outcome, const char *note, const char *failed)
{
	struct json *json = &report->json;

	json_close(json, ']');
	json_string(json, "note", note);
	json_string(json, "error", failed);
	json_string(json, "verdict", failed ? NULL : explain_outcome_word(outcome));
	json_close(json, '}');
	fputc('\n', report->out);
}

const struct explain_writer explain_json = {json_begin, json_pass, json_end};
