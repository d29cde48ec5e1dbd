/* SPDX-License-Identifier: GPL-2.0-only */
/* One option in a listing: one print function per shape of argument. */
#include <string.h>

#include "ipfw-compat/names.h"
#include "ipfw-compat/parser_keywords.h"
#include "ipfw-compat/printer.h"

/* The keyword that says what an option is about; options of options.def without one share another's. */
static const char *option_keyword(const struct option *option)
{
	switch (option->code) {
	case OPTION_SOURCE_SET:
	case OPTION_SOURCE_ME:
	case OPTION_SOURCE_TABLE:
		return option_rows[OPTION_SOURCE_IP4].keyword;
	case OPTION_DESTINATION_SET:
	case OPTION_DESTINATION_ME:
	case OPTION_DESTINATION_TABLE:
		return option_rows[OPTION_DESTINATION_IP4].keyword;
	case OPTION_SOURCE_ME6:
		return option_rows[OPTION_SOURCE_IP6].keyword;
	case OPTION_DESTINATION_ME6:
		return option_rows[OPTION_DESTINATION_IP6].keyword;
	case OPTION_IP4:
	case OPTION_IP6:
		return option_rows[OPTION_PROTOCOL].keyword;
	case OPTION_RECV_TABLE:
		return option_rows[OPTION_RECV].keyword;
	case OPTION_XMIT_TABLE:
		return option_rows[OPTION_XMIT].keyword;
	case OPTION_VIA_TABLE:
		return option_rows[OPTION_VIA].keyword;
	default:
		return option_rows[option->code].keyword;
	}
}

/* Whether the option's position in the listing leaves its keyword out. */
static bool positional(const struct printer *printer, const struct option *option)
{
	switch (option_rows[option->code].place) {
	case PLACE_PROTOCOL:
		return !printer->have_protocol;
	case PLACE_SOURCE:
		return !printer->have_source;
	case PLACE_DESTINATION:
		return !printer->have_destination;
	case PLACE_SOURCE_PORT:
	case PLACE_DESTINATION_PORT:
		return !(printer->have_source && printer->have_destination);
	default:
		return false;
	}
}

static void print_interface(struct text *text, const struct interface_match *interface)
{
	text_character(text, ' ');
	if (interface->kind == INTERFACE_ADDRESS)
		print_dotted(text, interface->address);
	else
		text_add(text, interface->name);
}

static bool is_setup(const struct option *option)
{
	return option->code == OPTION_TCP_FLAGS && option->u.flags_test.set == TCP_FLAG_SYN &&
	       option->u.flags_test.clear == TCP_FLAG_ACK;
}

/* Tests that are words of their own. Returns whether this is one. */
static bool print_word(struct printer *printer, const struct option *option)
{
	const char *word;

	switch (option->code) {
	case OPTION_SOURCE_ME:
	case OPTION_DESTINATION_ME:
		word = "me";
		break;
	case OPTION_SOURCE_ME6:
	case OPTION_DESTINATION_ME6:
		word = "me6";
		break;
	case OPTION_IP4:
	case OPTION_IP6:
		word = option_rows[option->code].keyword;
		break;
	default:
		return false;
	}
	text_character(&printer->text, ' ');
	text_add(&printer->text, word);
	return true;
}

static void print_text(struct text *text, const struct option *option)
{
	bool state = option->code == OPTION_KEEP_STATE || option->code == OPTION_RECORD_STATE;

	text_add(text, state ? " :" : " ");
	text_add(text, option->u.text);
}

static void print_argument(struct printer *printer, const struct option *option)
{
	struct text *text = &printer->text;

	switch (option_rows[option->code].argument) {
	case ARGUMENT_NUMBER:
		print_number(printer, option);
		break;
	case ARGUMENT_ADDRESS4:
		print_address4(printer, option);
		break;
	case ARGUMENT_ADDRESS6:
		print_address6(printer, option);
		break;
	case ARGUMENT_ADDRESS_SET:
		print_address_set(printer, option);
		break;
	case ARGUMENT_RANGES:
		print_ranges(printer, option);
		break;
	case ARGUMENT_INTERFACE:
		print_interface(text, &option->u.interface);
		break;
	case ARGUMENT_FLAGS:
		print_flags(text, option);
		break;
	case ARGUMENT_BITMAP:
		print_bitmap(text, option);
		break;
	case ARGUMENT_TEXT:
		print_text(text, option);
		break;
	case ARGUMENT_TABLE:
		print_table(text, &option->u.table);
		break;
	case ARGUMENT_LOOKUP:
		print_lookup(text, &option->u.lookup);
		break;
	case ARGUMENT_LIMIT:
		print_limit(text, option);
		break;
	case ARGUMENT_NUMBERS:
		print_labels(text, option);
		break;
	case ARGUMENT_MAC:
		print_mac(text, &option->u.mac);
		break;
	case ARGUMENT_MASKED:
		print_masked(text, option);
		break;
	case ARGUMENT_LOG:
		print_log(text, &option->u.log);
		break;
	default:
		break;
	}
}

void print_option_test(struct printer *printer, const struct option *option)
{
	struct text *text = &printer->text;

	if (option->code == OPTION_IN) {
		text_add(text, option->flags & OPTION_NOT ? " out" : " in");
		return;
	}
	if (is_setup(option)) {
		text_add(text, " setup");
		return;
	}
	if (!positional(printer, option)) {
		text_character(text, ' ');
		text_add(text, option_keyword(option));
	}
	if (!print_word(printer, option))
		print_argument(printer, option);
}
