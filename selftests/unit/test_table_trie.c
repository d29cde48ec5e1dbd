/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tries of addresses: what programs find in the kernel (table_trie.bpf.c) against the plainest of models, after changes
 * in place, rebuilding, and the death of whoever was changing them.
 */
#include "selftests/unit/probe.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "maps/table_trie.h"

struct model_entry {
	struct trie_key key;
	__u32 number;
};

/* Entries in no order; at most one has a key. */
struct model {
	struct model_entry *entries;
	size_t count;
};

/* A trie in the kernel, the program that searches it, and what it should hold. */
struct scene {
	struct bpf_object *object;
	int program;
	bool wide;
	struct trie trie;
	struct model model;
};

/* As in table_trie.bpf.c. */
struct question {
	__u64 high, low;
	__u32 entries, cover;
	__u32 reference;
	__u32 number, number2;
	__u32 some;
};

static __u64 random_state;

static __u64 random_number(void)
{
	random_state += 0x9e3779b97f4a7c15ull;
	__u64 z = random_state;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static __u64 mask(unsigned int bits)
{
	return bits >= 64 ? ~0ull : bits ? ~0ull << (64 - bits) : 0;
}

static void cut(struct trie_key *key, unsigned int bits)
{
	key->bits = (__u8)bits;
	key->high &= mask(bits);
	key->low &= bits > 64 ? mask(bits - 64) : 0;
}

static bool includes(const struct trie_key *prefix, const struct trie_key *key)
{
	struct trie_key copy = *key;

	cut(&copy, prefix->bits);
	return prefix->bits <= key->bits && copy.high == prefix->high && copy.low == prefix->low;
}

/* The longest entry that includes the key; NULL: none. */
static const struct model_entry *model_search(const struct model *model, const struct trie_key *key)
{
	const struct model_entry *best = NULL;

	for (size_t i = 0; i < model->count; i++)
		if (includes(&model->entries[i].key, key) && (!best || best->key.bits < model->entries[i].key.bits))
			best = model->entries + i;
	return best;
}

static struct model_entry *model_find(const struct model *model, const struct trie_key *key)
{
	for (size_t i = 0; i < model->count; i++)
		if (!memcmp(&model->entries[i].key, key, offsetof(struct trie_key, bits) + 1))
			return model->entries + i;
	return NULL;
}

/* What an entry holds: one number, the same for all kinds, or several, by turns. */
static struct table_record record_of(__u32 number)
{
	struct table_record record = {0};

	record.number[1] = number;
	for (int i = 2; number % 3 && i < TABLE_NUMBERS; i++)
		record.number[i] = number % 3 == 1 ? number : number + 1;
	return record;
}

static void show(struct scene *scene, const struct trie *image)
{
	__u32 zero = 0;
	int fd = trie_publish(image);

	assert_true(fd >= 0);
	if (scene->trie.memory)
		trie_close(&scene->trie);
	assert_int_equal(bpf_map_update_elem(bpf_object__find_map_fd_by_name(scene->object, "tries"), &zero, &fd, 0),
			 0);
	assert_int_equal(trie_open(&scene->trie, fd), 0);
}

static void rebuild(struct scene *scene, __u32 more)
{
	struct trie image;

	assert_int_equal(trie_unlinked(&image, scene->trie.memory ? &scene->trie : NULL, scene->wide, more), 0);
	assert_int_equal(trie_link_all(&image), 0);
	show(scene, &image);
	trie_close(&image);
}

static struct scene open_scene(bool wide, __u64 seed)
{
	struct scene scene = {.wide = wide};

	random_state = seed;
	scene.object = bpf_object__open_file(probe_path("table_trie.bpf.o"), NULL);
	assert_non_null(scene.object);
	assert_int_equal(bpf_object__load(scene.object), 0);
	scene.program = bpf_program__fd(bpf_object__find_program_by_name(scene.object, "look_up"));
	rebuild(&scene, 0);
	return scene;
}

static void close_scene(struct scene *scene)
{
	trie_close(&scene->trie);
	bpf_object__close(scene->object);
	free(scene->model.entries);
}

/* Writes or (number 0) removes an entry, in place if there is room. */
static void change(struct scene *scene, const struct trie_key *key, __u32 number)
{
	struct model_entry *known = model_find(&scene->model, key);
	struct table_record record = record_of(number);
	int result;

	for (;;) {
		result = number ? trie_set(&scene->trie, key, &record) : trie_remove(&scene->trie, key);
		if (result != -ENOSPC)
			break;
		rebuild(scene, 1);
	}
	assert_int_equal(result, 0);
	if (!number && known) {
		*known = scene->model.entries[--scene->model.count];
	} else if (number && !known) {
		scene->model.entries = realloc(scene->model.entries, (scene->model.count + 1) * sizeof(*known));
		scene->model.entries[scene->model.count++] = (struct model_entry){*key, number};
	} else if (number) {
		known->number = number;
	}
}

static struct question ask(const struct scene *scene, const struct trie_key *key)
{
	__u8 frame[64] = {0};
	struct question question = {.high = key->high, .low = key->low};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .data_out = frame,
		    .data_size_out = sizeof(frame));

	memcpy(frame, &question, sizeof(question));
	assert_int_equal(bpf_prog_test_run_opts(scene->program, &options), 0);
	assert_int_equal(options.retval, 0);
	memcpy(&question, frame, sizeof(question));
	return question;
}

/* What the program finds for an address, and whether that is what the model says. */
static void compare(const struct scene *scene, struct trie_key key)
{
	const struct model_entry *expected;
	struct question found;

	key.bits = scene->wide ? 128 : 32;
	expected = model_search(&scene->model, &key);
	found = ask(scene, &key);
	assert_int_equal(!found.some, !expected);
	if (!expected) {
		assert_int_equal(found.reference, 0);
		return;
	}
	if (!found.reference)
		fail_msg("%016llx%016llx not found, should be /%u", key.high, key.low, expected->key.bits);
	assert_int_equal(TRIE_REFERENCE_BITS(found.reference), expected->key.bits);
	assert_int_equal(found.number, expected->number);
	assert_int_equal(found.number2, record_of(expected->number).number[2]);
	assert_int_equal(TRIE_REFERENCE_INDEX(found.reference), trie_find(&scene->trie, &expected->key));
}

/* Addresses in entries, at their edges, and next to them. */
static void compare_some(const struct scene *scene, unsigned int count)
{
	while (count--) {
		struct trie_key key = {random_number(), scene->wide ? random_number() : 0, 0};

		if (scene->model.count && random_number() % 8) {
			const struct trie_key *near = &scene->model.entries[random_number() % scene->model.count].key;
			struct trie_key head = key;
			unsigned int bits = near->bits;

			if (random_number() % 4 == 0 && bits)
				bits--;
			cut(&head, bits);
			key.high ^= head.high ^ (near->high & mask(bits));
			key.low ^= head.low ^ (near->low & (bits > 64 ? mask(bits - 64) : 0));
		}
		if (!scene->wide)
			key.high &= mask(32);
		compare(scene, key);
	}
}

/* All entries that there are, once each. */
static void compare_contents(const struct scene *scene)
{
	const struct trie_header *header = trie_header(&scene->trie);
	size_t seen = 0;

	for (__u32 index = 1; index <= header->used_index; index++) {
		const struct model_entry *expected;
		struct table_record record, wanted;
		struct trie_key key;

		if (!trie_has(&scene->trie, index))
			continue;
		trie_read(&scene->trie, index, &key, &record);
		expected = model_find(&scene->model, &key);
		assert_non_null(expected);
		assert_int_equal(record.number[1], expected->number);
		assert_int_equal(record.number[0], key.bits);
		record.number[0] = 0;
		wanted = record_of(expected->number);
		assert_memory_equal(&record, &wanted, sizeof(record));
		assert_int_equal(trie_find(&scene->trie, &key), index);
		seen++;
	}
	assert_int_equal(seen, scene->model.count);
	assert_int_equal(header->count, scene->model.count);
}

/*
 * A prefix that has much in common with others: a few heads, of random length, and in each part of the rest random
 * bits in the last few places only.
 */
static struct trie_key random_key(bool wide, unsigned int heads)
{
	unsigned int width = wide ? 128 : 32, bits = (unsigned int)(random_number() % (width + 1));
	__u64 head = random_number() % heads * 0x9e3779b97f4a7c15ull;
	struct trie_key key = {head, wide ? head * 3 : 0, 0};
	__u64 tail = random_number() & random_number() & random_number();

	if (random_number() % 2)
		bits = width - (unsigned int)(random_number() % 10);
	if (!wide)
		key.high = (key.high & 0xffff0fff00000000ull) ^ (tail & 0x0000fff700000000ull);
	else if (random_number() % 2)
		key.low ^= tail & 0xffff;
	else
		key.high ^= tail & 0xffffffff;
	cut(&key, bits);
	return key;
}

/* Prefixes that fill a part of the address space, so that nodes have cells. */
static struct trie_key dense_key(bool wide)
{
	unsigned int from = wide ? 48 : 8, bits = from + (unsigned int)(random_number() % 25);
	struct trie_key key = {0x20010db800000000ull, wide ? random_number() : 0, 0};

	key.high = (key.high & mask(from)) | (random_number() & mask(12) & ~mask(1)) >> from;
	if (!wide)
		key.high |= random_number() & 0x00000fff00000000ull;
	if (random_number() % 8)
		bits = wide ? 128 - (unsigned int)(random_number() % 40) : 32 - (unsigned int)(random_number() % 8);
	cut(&key, bits);
	return key;
}

static void test_dense(void **state)
{
	for (int wide = 0; wide < 2; wide++) {
		struct scene scene = open_scene(wide, 21);

		for (unsigned int i = 0; i < 9000; i++) {
			struct trie_key key = dense_key(wide);
			bool shrink = i >= 6000;

			if (scene.model.count && random_number() % 4 < (shrink ? 3 : 1))
				key = scene.model.entries[random_number() % scene.model.count].key;
			change(&scene, &key,
			       random_number() % 4 < (shrink ? 3 : 1) ? 0 : 1 + (__u32)(random_number() % 9));
			if (i % 8 == 0)
				compare_some(&scene, 4);
			if (i % 1024 == 0)
				compare_contents(&scene);
			if (i == 3000 || i == 7000)
				rebuild(&scene, 4000);
		}
		compare_some(&scene, 2000);
		close_scene(&scene);
	}
}

static void try_changes(bool wide, unsigned int heads, unsigned int changes)
{
	struct scene scene = open_scene(wide, heads);

	for (unsigned int i = 0; i < changes; i++) {
		struct trie_key key = random_key(wide, heads);
		bool shrink = i / (changes / 4) % 2;

		if (scene.model.count && random_number() % 4 < (shrink ? 3 : 1))
			key = scene.model.entries[random_number() % scene.model.count].key;
		change(&scene, &key, random_number() % 4 < (shrink ? 3 : 1) ? 0 : 1 + (__u32)(random_number() % 300));
		compare_some(&scene, 4);
		if (i % 64 == 0)
			compare_contents(&scene);
		if (i % 1024 == 1023)
			rebuild(&scene, 0);
	}
	close_scene(&scene);
}

static void test_changes4(void **state)
{
	try_changes(false, 1, 2000);
	try_changes(false, 300, 2000);
}

static void test_changes6(void **state)
{
	try_changes(true, 1, 2000);
	try_changes(true, 300, 2000);
}

/* Every length of prefix of one address: the deepest trees there are. */
static void try_nested(bool wide)
{
	unsigned int width = wide ? 128 : 32;
	struct scene scene = open_scene(wide, width);
	struct trie_key address = {random_number() & mask(wide ? 64 : 32), wide ? random_number() : 0, 0};

	for (unsigned int round = 0; round < 2; round++)
		for (unsigned int bits = 0; bits <= width; bits++) {
			struct trie_key key = address;

			cut(&key, round ? bits : width - bits);
			change(&scene, &key, 1 + key.bits);
			compare_some(&scene, 20);
		}
	rebuild(&scene, 0);
	compare_some(&scene, 2000);
	while (scene.model.count) {
		struct trie_key key = scene.model.entries[random_number() % scene.model.count].key;

		change(&scene, &key, 0);
		compare_some(&scene, 20);
	}
	close_scene(&scene);
}

static void test_nested(void **state)
{
	try_nested(false);
	try_nested(true);
}

/* Adds and removes entries in a few narrow parts of the tree, so that some cells become too small for them. */
static void change_parts(struct scene *scene, unsigned int changes)
{
	for (unsigned int i = 0; i < changes; i++) {
		size_t last = scene->model.count - 1 - (size_t)(random_number() % 16);
		struct trie_key key = scene->model.entries[i % 32 < 20 ? i / 32 * 977 : last].key;

		if (i % 32 < 20) {
			key.high ^= random_number() & mask(32) & ~mask(20);
			cut(&key, 21 + (unsigned int)(random_number() % 12));
		}
		change(scene, &key, i % 32 < 20 ? 1 + i : 0);
		key.high |= random_number() & mask(32) & ~mask(key.bits);
		compare(scene, key);
	}
}

/* Many entries at once, then changes in place. Those of IPv4 are enough for digests. */
static void try_many(bool wide)
{
	const __u32 count = wide ? 100000 : 300000;
	struct scene scene = open_scene(wide, 7);
	struct trie image;

	scene.model.entries = calloc(count, sizeof(*scene.model.entries));
	assert_int_equal(trie_unlinked(&image, &scene.trie, wide, count), 0);
	for (__u32 i = 0; i < count; i++) {
		struct trie_key key = {random_number() & mask(wide ? 64 : 32), wide ? random_number() : 0, 0};
		struct table_record record = record_of(1 + i);

		/* /20 to /32 that differ in the first 19 bits, so that none is there twice */
		key.high = (key.high & ~mask(19)) | (__u64)(i * 40503 & 0x7ffff) << 45;
		cut(&key, 20 + (unsigned int)(random_number() % (wide ? 109 : 13)));
		scene.model.entries[scene.model.count++] = (struct model_entry){key, 1 + i};
		assert_int_equal(trie_set(&image, &key, &record), 0);
	}
	assert_int_equal(trie_link_all(&image), 0);
	show(&scene, &image);
	trie_close(&image);
	compare_some(&scene, 500);
	for (unsigned int i = 0; i < 500; i++) {
		struct trie_key key = scene.model.entries[random_number() % scene.model.count].key;

		if (i % 2)
			cut(&key, (unsigned int)(random_number() % (key.bits + 1u)));
		change(&scene, &key, i % 4 == 0 ? 0 : 1 + i);
		compare_some(&scene, 2);
	}
	assert_true(trie_header(&scene.trie)->root.step & TRIE_CELLS);
	if (!wide) {
		assert_true(trie_header(&scene.trie)->root.cells &&
			    TRIE_STEP_BITS(trie_header(&scene.trie)->root.step) >= TRIE_DIGEST_BITS);
		change_parts(&scene, 2000);
		compare_some(&scene, 500);
	}
	assert_int_equal(trie_header(&scene.trie)->count, scene.model.count);
	close_scene(&scene);
}

static void test_many(void **state)
{
	try_many(false);
	try_many(true);
}

/* Entries keep their index, also when they move to another map. */
static void test_indexes_stay(void **state)
{
	struct scene scene = open_scene(false, 3);
	__u32 indexes[400];

	for (int i = 0; i < 400; i++) {
		struct trie_key key = {(__u64)(i + 1) << 40, 0, 32};

		change(&scene, &key, 5);
		indexes[i] = trie_find(&scene.trie, &key);
	}
	for (int i = 0; i < 400; i += 2) {
		struct trie_key key = {(__u64)(i + 1) << 40, 0, 32};

		change(&scene, &key, 0);
	}
	rebuild(&scene, 5000);
	for (int i = 1; i < 400; i += 2) {
		struct trie_key key = {(__u64)(i + 1) << 40, 0, 32};

		assert_int_equal(trie_find(&scene.trie, &key), indexes[i]);
		assert_true(indexes[i] <= trie_header(&scene.trie)->capacity);
	}
	close_scene(&scene);
}

/* Changes odd entries until it is killed. */
static void change_until_killed(struct trie *trie)
{
	for (__u64 i = 1;; i += 2) {
		struct trie_key key = {(i * 0x1003 & 0x3fff) << 36 | 1ull << 36, 0, 28};
		struct table_record record = record_of(2 + (__u32)(i % 3));

		if (i / 8192 % 2)
			trie_remove(trie, &key);
		else
			trie_set(trie, &key, &record);
	}
}

/* What was there before is untouched; what the victim changed is there for all or for nobody. */
static void compare_after_death(const struct scene *scene)
{
	for (__u64 i = 0; i < 0x4000; i++) {
		struct trie_key key = {i << 36, 0, 28};
		__u32 index = trie_find(&scene->trie, &key);
		struct question found = ask(scene, &key);

		if (!(i & 1)) {
			assert_int_equal(found.number, 1);
			assert_int_equal(TRIE_REFERENCE_BITS(found.reference), 28);
		} else {
			assert_int_equal(index, TRIE_REFERENCE_INDEX(found.reference));
			assert_int_equal(trie_has(&scene->trie, index), index != 0);
		}
	}
}

static void test_killed(void **state)
{
	struct scene scene = open_scene(false, 11);
	struct trie image;

	assert_int_equal(trie_unlinked(&image, &scene.trie, false, 0x8000), 0);
	for (__u64 i = 0; i < 0x4000; i += 2) {
		struct trie_key key = {i << 36, 0, 28};
		struct table_record record = record_of(1);

		assert_int_equal(trie_set(&image, &key, &record), 0);
	}
	assert_int_equal(trie_link_all(&image), 0);
	show(&scene, &image);
	trie_close(&image);
	for (int round = 0; round < 40; round++) {
		pid_t victim = fork();
		__u32 count = 0;

		if (!victim)
			change_until_killed(&scene.trie);
		usleep(2000 + (unsigned int)(random_number() % 20000));
		kill(victim, SIGKILL);
		waitpid(victim, NULL, 0);
		assert_int_equal(trie_recover(&scene.trie), 0);
		assert_false(trie_interrupted(&scene.trie));
		compare_after_death(&scene);
		for (__u32 index = 1; index <= trie_header(&scene.trie)->used_index; index++)
			count += trie_has(&scene.trie, index);
		assert_int_equal(trie_header(&scene.trie)->count, count);
	}
	close_scene(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes4), cmocka_unit_test(test_changes6), cmocka_unit_test(test_nested),
		cmocka_unit_test(test_dense),	 cmocka_unit_test(test_many),	  cmocka_unit_test(test_indexes_stay),
		cmocka_unit_test(test_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
