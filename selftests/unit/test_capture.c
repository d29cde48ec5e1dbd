/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of captured packets that are damaged in every way: cut at any place, any byte changed. */
#include "selftests/unit/support.h"

#include <sysexits.h>
#include <unistd.h>

#include "ipfw-compat/capture.h"

/* Two packets of four and six bytes behind Ethernet headers, in the classic format and as pcapng. */
static const __u8 classic[] = {
	0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0,   0,	  1,   0,
	0,    0,    1,	  0,	0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0,	  0,	'a', 'b', 'c', 'd',
	1,    0,    0,	  0,	2, 0, 0, 0, 6, 0, 0, 0, 9, 0, 0, 0, 'e',  'f',	'g', 'h', 'i', 'j',
};

static const __u8 blocks[] = {
	0x0a, 0x0d, 0x0d, 0x0a, 0,    0,    0,	 28,  0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,	 0,   0,    28,	  0,	0,    0, 1, 0, 0, 0,	20,
	0,    1,    0,	  0,	0,    0,    0,	 0,   0,    0,	  0,	20,   0, 0, 0, 6, 0,	0,
	0,    36,   0,	  0,	0,    0,    0,	 0,   0,    0,	  0,	0,    0, 0, 0, 0, 0,	4,
	0,    0,    0,	  4,	'a',  'b',  'c', 'd', 0,    0,	  0,	36,   0, 0, 0, 3, 0,	0,
	0,    24,   0,	  0,	0,    6,    'e', 'f', 'g',  'h',  'i',	'j',  0, 0, 0, 0, 0,	24,
};

static const char *path;

static void put_file(const __u8 *bytes, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

/* Reads all of the file. Returns how many packets there were, or -1 with the error's exit code in *code. */
static int read_all(int *code, size_t lengths[2])
{
	struct captured packet;
	struct capture *capture;
	struct error error;
	int count = 0, result;

	error_clear(&error);
	*code = 0;
	if (capture_open(&capture, path, &error)) {
		*code = error.exit_code;
		return -1;
	}
	while ((result = capture_next(capture, &packet, &error)) > 0) {
		volatile __u8 sum = 0;

		assert_true(packet.original >= packet.length);
		for (size_t i = 0; i < packet.length; i++)
			sum = (__u8)(sum + packet.bytes[i]);
		if (count < 2)
			lengths[count] = packet.length;
		count++;
	}
	capture_close(capture);
	*code = error.exit_code;
	return result ? -1 : count;
}

static void check_format(const __u8 *bytes, size_t size)
{
	__u8 changed[sizeof(blocks) + sizeof(classic)];
	size_t lengths[2];
	int code;

	put_file(bytes, size);
	assert_int_equal(read_all(&code, lengths), 2);
	assert_int_equal(lengths[0], 4);
	assert_int_equal(lengths[1], 6);
	for (size_t length = 0; length < size; length++) {
		int count;

		put_file(bytes, length);
		count = read_all(&code, lengths);
		assert_true(count < 2);
		assert_true(count >= 0 || code == EX_DATAERR);
	}
	for (size_t at = 0; at < size; at++) {
		memcpy(changed, bytes, size);
		changed[at] ^= 0x81;
		put_file(changed, size);
		if (read_all(&code, lengths) < 0)
			assert_int_equal(code, EX_DATAERR);
	}
}

static void test_classic(void **state)
{
	check_format(classic, sizeof(classic));
}

static void test_blocks(void **state)
{
	check_format(blocks, sizeof(blocks));
}

static void test_nothing_there(void **state)
{
	size_t lengths[2];
	int code;

	unlink(path);
	assert_int_equal(read_all(&code, lengths), -1);
	assert_int_equal(code, EX_NOINPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classic),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_nothing_there),
	};
	char name[] = "/tmp/ipfw-bpf-capture-XXXXXX";
	int result, fd = mkstemp(name);

	if (fd < 0)
		return 1;
	close(fd);
	path = name;
	result = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(name);
	return result;
}
