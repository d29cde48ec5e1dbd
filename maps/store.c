/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/store.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>

#include "maps/checksum.h"
#include "maps/layout.h"

_Static_assert(sizeof(struct stored_rule) % 8 == 0, "array maps round element sizes up to 8 bytes");
_Static_assert(sizeof(struct stored_ruleset) <= STORED_RULE_BYTES, "the head has one element for this");
_Static_assert(sizeof(struct stored_tags) <= STORED_RULE_BYTES, "and one for these");

static __u32 rule_elements(const struct rule *rule)
{
	return (rule->size + STORED_RULE_BYTES - 1) / STORED_RULE_BYTES;
}

__u32 store_elements(const struct ruleset *ruleset)
{
	__u32 elements = STORED_HEAD_ELEMENTS;

	for (size_t i = 0; i < ruleset->count; i++)
		elements += rule_elements(ruleset->rules[i]);
	return elements;
}

/* What the checksum of a stored ruleset is to be; a commit takes it twice of the whole ruleset. */
static void stored_checksum(const struct stored_rule *elements, __u32 count, __u32 checksum[2])
{
	const struct stored_ruleset *head = (const struct stored_ruleset *)elements->bytes;
	__u64 sum = checksum_add(count - 1, elements + 1, (count - 1) * sizeof(*elements));

	sum = checksum_step(sum, (__u64)head->rules << 32 | head->elements);
	sum = checksum_step(sum, (__u64)head->disabled_sets << 32 | head->switches);
	checksum[0] = (__u32)sum;
	checksum[1] = (__u32)(sum >> 32);
}

/* Writes the elements of one rule. Returns the element behind them. */
static struct stored_rule *write_rule(struct stored_rule *element, const struct rule *rule)
{
	__u32 count = rule_elements(rule), left = rule->size, piece;

	for (__u32 part = 0; part < count; part++, element++) {
		piece = left < STORED_RULE_BYTES ? left : STORED_RULE_BYTES;
		element->number = rule->number;
		element->set = rule->set;
		element->part = (__u8)part;
		element->slot = rule->slot;
		element->size = rule->size;
		memcpy(element->bytes, (const char *)rule + (rule->size - left), piece);
		left -= piece;
	}
	return element;
}

int store_write(int fd, const struct ruleset *ruleset)
{
	__u32 count = store_elements(ruleset);
	size_t size = count * sizeof(struct stored_rule);
	struct stored_rule *elements, *next;
	struct stored_ruleset *head;
	struct stored_tags *tags;

	for (size_t i = 0; i < ruleset->count; i++)
		if (rule_elements(ruleset->rules[i]) > 256)
			return -E2BIG;
	elements = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (elements == MAP_FAILED)
		return -errno;
	next = elements + STORED_HEAD_ELEMENTS;
	for (size_t i = 0; i < ruleset->count; i++)
		next = write_rule(next, ruleset->rules[i]);
	elements[1].part = 1;
	tags = (struct stored_tags *)elements[1].bytes;
	memcpy(tags->numbers, ruleset->tags, sizeof(tags->numbers));
	head = (struct stored_ruleset *)elements->bytes;
	head->rules = (__u32)ruleset->count;
	head->elements = count;
	head->disabled_sets = ruleset->disabled_sets;
	head->switches = ruleset->switches;
	stored_checksum(elements, count, head->checksum);
	munmap(elements, size);
	return 0;
}

/* Puts one rule together again, as the ruleset's last. Returns NULL when its elements do not make a well-formed rule.
 */
static const struct rule *read_rule(const struct stored_rule *element, __u32 left, struct ruleset *ruleset)
{
	__u32 size = element->size, piece;
	struct rule *rule;

	if (size < sizeof(*rule) || size % 8 || size > (size_t)left * STORED_RULE_BYTES)
		return NULL;
	rule = ruleset_append(ruleset, size);
	if (!rule)
		return NULL;
	for (__u32 offset = 0; offset < size; offset += piece, element++) {
		piece = size - offset < STORED_RULE_BYTES ? size - offset : STORED_RULE_BYTES;
		memcpy((char *)rule + offset, element->bytes, piece);
	}
	return rule->size == size && rule_valid(rule, size) ? rule : NULL;
}

/* Returns 0, or -EUCLEAN if there are not just the rules that the head announces, in order, the last one 65535. */
static int read_rules(const struct stored_rule *elements, __u32 count, __u32 rules, struct ruleset *ruleset)
{
	__u32 position = STORED_HEAD_ELEMENTS;
	unsigned int number = 0;

	for (; rules; rules--) {
		const struct rule *rule =
			position < count ? read_rule(elements + position, count - position, ruleset) : NULL;

		if (!rule || rule->number < number)
			return -EUCLEAN;
		number = rule->number;
		position += rule_elements(rule);
	}
	return position == count && number == RULE_NUMBER_DEFAULT ? 0 : -EUCLEAN;
}

/* Returns 0, -EUCLEAN for contents that are not a stored ruleset, or -ENOMEM. */
static int read_elements(const struct stored_rule *elements, __u32 room, struct ruleset *ruleset)
{
	const struct stored_ruleset *head = (const struct stored_ruleset *)elements->bytes;
	__u32 count = head->elements, rules = head->rules, checksum[2];

	if (room < STORED_HEAD_ELEMENTS || elements->number || count < STORED_HEAD_ELEMENTS || count > room ||
	    rules > count)
		return -EUCLEAN;
	stored_checksum(elements, count, checksum);
	if (memcmp(checksum, head->checksum, sizeof(checksum)) != 0)
		return -EUCLEAN;
	if (ruleset_reserve(ruleset, rules, (size_t)(count - STORED_HEAD_ELEMENTS) * STORED_RULE_BYTES))
		return -ENOMEM;
	ruleset->disabled_sets = head->disabled_sets;
	ruleset->switches = head->switches;
	memcpy(ruleset->tags, ((const struct stored_tags *)elements[1].bytes)->numbers, sizeof(ruleset->tags));
	return read_rules(elements, count, rules, ruleset);
}

static int read_map(int fd, struct ruleset *ruleset)
{
	struct bpf_map_info info = {0};
	struct stored_rule *elements;
	__u32 length = sizeof(info);
	size_t size;
	int result;

	if (bpf_obj_get_info_by_fd(fd, &info, &length))
		return -errno;
	if (info.value_size != sizeof(*elements) || !(info.map_flags & BPF_F_MMAPABLE))
		return -EUCLEAN;
	size = (size_t)info.max_entries * sizeof(*elements);
	elements = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (elements == MAP_FAILED)
		return -errno;
	result = read_elements(elements, info.max_entries, ruleset);
	munmap(elements, size);
	return result;
}

int store_read(int fd, struct ruleset *ruleset, struct error *error)
{
	int result;

	memset(ruleset, 0, sizeof(*ruleset));
	result = read_map(fd, ruleset);
	if (!result)
		return 0;
	ruleset_free(ruleset);
	if (result != -EUCLEAN)
		return error_set(error, EX_OSERR, -1, "cannot read the stored ruleset: %s", strerror(-result));
	error_set(error, EX_DATAERR, -1, "the stored ruleset is damaged");
	return error_advise(error, "packets are still filtered by it; `ipfw-bpf down` and loading the rules file make "
				   "a new one");
}
