/* SPDX-License-Identifier: GPL-2.0-only */
/* Where `fwd` sends packets: `address[,port]`, `address:port`, `[address]:port`, tablearg. */
#include <arpa/inet.h>
#include <string.h>

#include "ipfw-compat/parser_keywords.h"
#include "ipfw-compat/parser_syntax.h"

/* Where the port begins, or NULL; *host_end is where the address ends. As ipfw reads it, brackets and all. */
static const char *find_port(const char *text, const char **host_end)
{
	const char *separator = strchr(text, ',');

	*host_end = text + strlen(text);
	if (!separator) {
		const char *bracket = strchr(text, ']');

		if (bracket)
			*host_end = bracket;
		separator = strchr(bracket ? bracket + 1 : text, ':');
		if (separator && strchr(separator + 1, ':'))
			return NULL; /* all of it is an IPv6 address */
	}
	if (!separator)
		return NULL;
	if (separator < *host_end)
		*host_end = separator;
	return separator + 1;
}

/* An IPv6 address, perhaps with the interface of a link-local one behind a percent sign. */
static bool read_address6(struct forward *forward, const char *host)
{
	const char *percent = strchr(host, '%');
	char address[HOST_NAME_MAX_IPFW];

	copy_text(address, sizeof(address), host, percent ? (size_t)(percent - host) : strlen(host));
	if (inet_pton(AF_INET6, address, forward->address) != 1)
		return false;
	forward->family = 6;
	if (percent)
		strncpy(forward->interface, percent + 1, sizeof(forward->interface) - 1);
	return true;
}

static int read_host(struct parser *parser, struct forward *forward, const char *host)
{
	__u32 address4;

	if (read_address6(forward, host))
		return 0;
	if (host_address4(host, &address4)) {
		memcpy(forward->address, &address4, sizeof(address4));
		forward->family = 4;
		return 0;
	}
	if (host_address6(host, forward->address)) {
		forward->family = 6;
		return 0;
	}
	parser_fail(parser, EX_DATAERR, "%s", ""); /* all that ipfw says */
	return error_advise(parser->error, "an address and perhaps a port follow, as in 192.0.2.1, 127.0.0.1,3128 or "
					   "2001:db8::1,80");
}

/* As in ipfw no address at all, 0.0.0.0, stands for the value that a table gave. */
static bool unspecified4(const struct forward *forward)
{
	static const __u8 zeros[4];

	return forward->family == 4 && !memcmp(forward->address, zeros, sizeof(zeros));
}

int parse_forward(struct parser *parser)
{
	struct forward *forward = parser_action_payload(parser, sizeof(*forward));
	char host[HOST_NAME_MAX_IPFW];
	const char *port, *host_end, *end;
	const char *text;

	if (parse_tablearg(parser)) {
		parser->action.flags |= ACTION_TABLEARG;
		forward->family = 4;
		return 0;
	}
	text = parser->word + (strchr(parser->word, '[') != NULL);
	port = find_port(text, &host_end);
	copy_text(host, sizeof(host), text, (size_t)(host_end - text));
	if (port) {
		forward->port = parse_port(port, &end, 0);
		if (end == port) {
			parser_fail(parser, EX_DATAERR, "illegal forwarding port ``%s''", port);
			return error_advise(parser->error, "a port is a number or the name of a service");
		}
	}
	if (read_host(parser, forward, host))
		return -1;
	if (unspecified4(forward))
		parser->action.flags |= ACTION_TABLEARG;
	parser_next(parser);
	return 0;
}
