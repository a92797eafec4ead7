/* SPDX-License-Identifier: MIT */
/* The log of the example programs: whatever becomes of its reader, it neither
 * waits nor kills, and it says what is missing. */
#include "../../examples/common/log.h"
#include "support.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#define LINES_MAX 100000 /* More than a reader holds. */

static infra_time now;
static int reader;
static int writer;
static char heard[4 << 20];

static infra_time virtual_now(void)
{
    return now;
}

static void stamp(char *text, size_t size)
{
    (void)snprintf(text, size, "[%u] ", (unsigned)(now / INFRA_SEC(1)));
}

static void open_on(int read_fd, int write_fd, uint32_t repeats_max)
{
    const struct log_options options = {
        .fd = write_fd,
        .stamp = stamp,
        .repeats_max = repeats_max,
        .now = virtual_now,
    };

    now = INFRA_SEC(100);
    reader = read_fd;
    writer = write_fd;
    fcntl(reader, F_SETFL, fcntl(reader, F_GETFL) | O_NONBLOCK);
    log_open(&options);
}

static void open_pipe(uint32_t repeats_max)
{
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    open_on(fds[0], fds[1], repeats_max);
}

static void teardown(void)
{
    log_close();
    close(reader);
    close(writer);
}

/* What has come so far. */
static const char *hear(void)
{
    size_t size = 0;
    ssize_t n;

    while (size < sizeof heard - 1 &&
           (n = read(reader, heard + size, sizeof heard - 1 - size)) > 0) {
        size += (size_t)n;
    }
    heard[size] = '\0';
    return heard;
}

/* Lines until the reader is full, and 7 more; how many were written? */
static unsigned fill(void)
{
    char text[64];
    struct pollfd p = { .fd = writer, .events = POLLOUT };
    unsigned count = 0;

    while (count < LINES_MAX && poll(&p, 1, 0) == 1) {
        snprintf(text, sizeof text, "line %u", count++);
        log_line("%s and some more to fill it with", text);
    }
    ck_assert_uint_lt(count, LINES_MAX);
    for (unsigned i = 0; i < 2000; i++) { /* Some room may be left. */
        log_line("line %u, which nobody takes", count++);
    }
    return count;
}

static unsigned count_lines(const char *text, const char *what)
{
    unsigned count = 0;

    for (; (text = strstr(text, what)) != NULL; text++) {
        count++;
    }
    return count;
}

/* After the reader is back all is accounted for: written, or counted. */
static void check_account(unsigned told)
{
    const char *at = hear();
    unsigned written = count_lines(at, "] line ");
    unsigned dropped = 0;

    log_tend();
    at = strstr(hear(), "] log: ");
    ck_assert_ptr_nonnull(at);
    ck_assert_int_eq(sscanf(at, "] log: %u lines were dropped", &dropped), 1);
    /* The rest of a line that went out in part is written first. */
    written += count_lines(heard, "] line ");
    ck_assert_uint_gt(dropped, 0);
    ck_assert_uint_ge(written + dropped + 1, told);
    ck_assert_uint_le(written + dropped, told);
    log_line("%s", "after that");
    ck_assert_str_eq(hear(), "[100] after that\n");
}

/* A line is the stamp and the text. */
START_TEST(line_is_written)
{
    open_pipe(0);
    log_line("a %s", "word");
    ck_assert_str_eq(hear(), "[100] a word\n");
}
END_TEST

/* A line that is too long ends with dots. */
START_TEST(long_line_is_cut)
{
    char text[3 * LOG_LINE_MAX];

    open_pipe(0);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_line("%s", text);
    ck_assert_uint_eq(strlen(hear()), LOG_LINE_MAX - 1);
    ck_assert_str_eq(heard + LOG_LINE_MAX - 5, "...\n");
}
END_TEST

/* A program survives a reader that has left. */
START_TEST(closed_pipe_kills_nobody)
{
    open_pipe(0);
    close(reader);
    for (int i = 0; i < 10; i++) {
        log_line("line %d", i);
    }
    log_tend();
    reader = -1;
}
END_TEST

/* A full pipe is not waited for, and what was dropped is counted. */
START_TEST(full_pipe_is_not_waited_for)
{
    open_pipe(0);
    check_account(fill());
}
END_TEST

/* The descriptor that other processes share keeps its flags. */
START_TEST(shared_descriptor_keeps_its_flags)
{
    open_pipe(0);
    log_line("%s", "line");
    ck_assert_int_eq(fcntl(writer, F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

/* Nor is a socket waited for. */
START_TEST(full_socket_is_not_waited_for)
{
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    open_on(fds[0], fds[1], 0);
    unsigned told = fill();
    ck_assert_int_eq(fcntl(writer, F_GETFL) & O_NONBLOCK, 0);
    check_account(told);
    close(reader);
    log_line("%s", "line");
    reader = -1;
}
END_TEST

/* Nor is a terminal frozen with Ctrl-S. */
START_TEST(frozen_terminal_is_not_waited_for)
{
    struct termios raw;
    int master = posix_openpt(O_RDWR | O_NOCTTY);

    ck_assert_int_ge(master, 0);
    ck_assert_int_eq(grantpt(master), 0);
    ck_assert_int_eq(unlockpt(master), 0);
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(terminal, 0);
    ck_assert_int_eq(tcgetattr(terminal, &raw), 0);
    cfmakeraw(&raw);
    ck_assert_int_eq(tcsetattr(terminal, TCSANOW, &raw), 0);
    open_on(master, terminal, 0);
    ck_assert_int_eq(tcflow(terminal, TCOOFF), 0);
    for (int i = 0; i < 100; i++) {
        log_line("line %d", i);
    }
    log_lines("two\nlines\n", 10);
    ck_assert_str_eq(hear(), "");
    ck_assert_int_eq(tcflow(terminal, TCOON), 0);
    log_tend();
    ck_assert_str_eq(hear(), "[100] log: 102 lines were dropped, unread\n");
    log_lines("two\nlines\n", 10);
    ck_assert_str_eq(hear(), "two\nlines\n");
}
END_TEST

/* A file gets each line at its end, although another process writes there. */
START_TEST(file_is_shared)
{
    char path[] = "/tmp/test_log_XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    open_on(open(path, O_RDONLY), fd, 0);
    unlink(path);
    log_line("%s", "one");
    ck_assert_int_eq(write(fd, "other\n", 6), 6);
    log_line("%s", "two");
    ck_assert_str_eq(hear(), "[100] one\nother\n[100] two\n");
}
END_TEST

/* Of one kind of line a number is written, then a count and the last of them;
 * other kinds are not held up. */
START_TEST(repetition_is_limited)
{
    open_pipe(3);
    for (int i = 0; i < 100; i++) {
        log_line("turn %d", i);
    }
    log_line("%s", "other");
    log_tend();
    ck_assert_str_eq(hear(), "[100] turn 0\n[100] turn 1\n[100] turn 2\n"
                             "[100] other\n");
    now += LOG_WINDOW - 1;
    log_tend();
    ck_assert_str_eq(hear(), "");
    now += 1;
    log_tend();
    ck_assert_str_eq(hear(),
                     "[110] log: 97 more of a kind, the last: turn 99\n");
    log_line("turn %d", 100);
    ck_assert_str_eq(hear(), "[110] turn 100\n");
}
END_TEST

/* What is left out at the end is said at the end. */
START_TEST(end_tells_what_was_left_out)
{
    open_pipe(1);
    for (int i = 0; i < 3; i++) {
        log_line("turn %d", i);
    }
    log_close();
    ck_assert_str_eq(hear(), "[100] turn 0\n"
                             "[100] log: 2 more of a kind, the last: turn 2\n");
}
END_TEST

/* An unread screen is not waited for; a line after it is whole. */
START_TEST(screen_is_not_waited_for)
{
    static char screen[1 << 20];

    open_pipe(0);
    memset(screen, '#', sizeof screen);
    log_block(screen, sizeof screen);
    log_line("%s", "line");
    size_t got = strlen(hear());
    ck_assert_uint_gt(got, 0);
    for (int i = 0; i < 1000 && got < sizeof screen; i++) {
        log_tend();
        got += strspn(hear(), "#");
    }
    ck_assert_uint_eq(got, sizeof screen);
    log_tend();
    log_line("%s", "line");
    ck_assert_ptr_nonnull(strstr(hear(), "[100] line\n"));
}
END_TEST

static Suite *log_suite(void)
{
    Suite *suite = suite_create("log");
    TCase *lines = tcase_create("lines");
    TCase *readers = tcase_create("readers");

    tcase_add_checked_fixture(lines, NULL, teardown);
    tcase_add_test(lines, line_is_written);
    tcase_add_test(lines, long_line_is_cut);
    tcase_add_test(lines, repetition_is_limited);
    tcase_add_test(lines, end_tells_what_was_left_out);
    suite_add_tcase(suite, lines);
    tcase_set_timeout(readers, 300);
    tcase_add_checked_fixture(readers, NULL, teardown);
    tcase_add_test(readers, closed_pipe_kills_nobody);
    tcase_add_test(readers, full_pipe_is_not_waited_for);
    tcase_add_test(readers, shared_descriptor_keeps_its_flags);
    tcase_add_test(readers, full_socket_is_not_waited_for);
    tcase_add_test(readers, frozen_terminal_is_not_waited_for);
    tcase_add_test(readers, file_is_shared);
    tcase_add_test(readers, screen_is_not_waited_for);
    suite_add_tcase(suite, readers);
    return suite;
}

int main(void)
{
    return test_main(log_suite());
}
