/* SPDX-License-Identifier: MIT */
/* A lease in a file: the cell of rules.h between processes of one host.
 *
 * The file holds two states, each with a sequence number and a checksum. The
 * newer whole state counts; the other is overwritten. A state is read and
 * written under a lock of one byte far beyond the end of the file. The holder
 * of the lease holds the lock of another byte there, one for each token, which
 * the kernel takes back when the process ends. Locks are of open file
 * descriptions (Linux fcntl(2)): closing another descriptor of the file does
 * not lose them, and a forked child shares them.
 *
 * The writes of a killed process stay in the page cache. Only a crash of the
 * host loses a write, and after it no time in the file counts (the boot id
 * differs). The last token has to outlive a crash: an ACQUIRE is on the disk
 * in both states before it is granted, so that either state knows it. So is
 * the record that a holder writes. No other write waits for the disk.
 *
 * Cost: six system calls, and two fdatasync() more for an ACQUIRE or a
 * record. */
#include "lease_state.h"

#include "../base/characters.h"
#include "../lease/internal.h"

#include <infra/driver.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RETRY_EVERY INFRA_MS(5) /* While another process has the lock. */
#define LOOK_EVERY INFRA_MS(50) /* Between looks at the holder. */

INFRA__NO_TAIL_PADDING(struct infra_lease_file_options, ttl);

struct file {
    struct infra_lease lease; /* First: it is a lease. */
    int fd;
    bool is_waiting;        /* The call waits for the lock. */
    bool is_record_waiting; /* The record waits for it. */
    bool was_held;          /* By another node, at the last look. */
    infra_time retry_at;
    infra_time look_at;
    uint64_t locked_token;   /* Token of the byte that we hold; 0: none. */
    bool is_unsynced;        /* An ACQUIRE of ours may not be on the disk, */
    bool is_record_unsynced; /* or a record. */
    int64_t clock_offset;    /* Of this time namespace. */
    struct infra__lease_origin origin;
    char path[PATH_MAX];
};

/* The time by the clock of the boot, as in the file: it is the same in all time
 * namespaces. */
static infra_time boot_time(const struct file *f, infra_time now)
{
    return now - (infra_time)f->clock_offset;
}

static const struct infra_lease_answer lost = { .outcome =
                                                    INFRA_LEASE_OUTCOME_LOST };

static bool has_byte(uint64_t token)
{
    return token > 0 && token < INFRA__LEASE_LOCKS;
}

/* Hold the byte of @token, and no other; 0: none. */
static void move_lock(struct file *f, uint64_t token)
{
    if (f->locked_token != 0 && f->locked_token != token) {
        (void)infra__lease_lock(f->fd, F_UNLCK, f->locked_token);
        f->locked_token = 0;
    }
    if (has_byte(token) && infra__lease_lock(f->fd, F_WRLCK, token) == 0) {
        f->locked_token = token;
    }
}

/* Read the state as it is now: after the time, a reboot or the end of a process
 * since it was written. 0 or an errno. */
static int read_state(const struct file *f, infra_time now,
                      struct infra__lease_state *ret)
{
    struct infra__lease_cell *cell = &ret->cell;
    int error = infra__lease_state_read(f->fd, ret);

    if (error != 0) {
        return error;
    }
    bool is_other_boot = !infra__lease_is_of_boot(ret, &f->origin);
    if (is_other_boot) {
        cell->request_until = 0;
    }
    infra__lease_cell_expire(cell, boot_time(f, now));
    if (cell->holder != 0 &&
        (is_other_boot ||
         (ret->is_locked != 0 && cell->holder != f->lease.incarnation &&
          infra__lease_is_unlocked(f->fd, cell->token)))) {
        infra__lease_cell_revoke(cell);
    }
    return 0;
}

/* Write to the disk. 0 or an errno: the next process may read the state then,
 * and the next boot may not. */
static int write_durably(struct file *f, const struct infra__lease_state *r)
{
    int error = infra__lease_state_write(f->fd, r, &f->origin, true);

    if (error == 0) {
        f->is_unsynced = false;
        f->is_record_unsynced = false;
    }
    return error;
}

/* Write the state after a call that was granted. After an ACQUIRE that may not
 * be on the disk, the next call that finds the lease to be ours writes it
 * again first. 0 or an errno. */
static int store(struct file *f, struct infra__lease_state *r)
{
    if (r->cell.holder != f->lease.incarnation) {
        return infra__lease_state_write(f->fd, r, &f->origin, false);
    }
    move_lock(f, r->cell.token);
    r->is_locked = f->locked_token == r->cell.token;
    f->is_unsynced |= f->lease.call.op == INFRA_LEASE_OP_ACQUIRE;
    return f->is_unsynced
               ? write_durably(f, r)
               : infra__lease_state_write(f->fd, r, &f->origin, false);
}

static uint32_t reason_of(int error)
{
    return error == EBADMSG ? INFRA_LEASE_REASON_CORRUPT
                            : INFRA_LEASE_REASON_SYSTEM;
}

/* Carry out the call, under the lock. 0 or an errno. */
static int carry_out(struct file *f, infra_time now,
                     struct infra_lease_answer *ret)
{
    const struct infra_lease *lease = &f->lease;
    struct infra__lease_state s;
    int error = read_state(f, now, &s);

    if (error != 0) {
        return error;
    }
    *ret = infra__lease_cell_do(&s.cell, lease, boot_time(f, now));
    if (ret->outcome == INFRA_LEASE_OUTCOME_UNKNOWN) {
        return 0;
    }
    if (ret->outcome == INFRA_LEASE_OUTCOME_GRANTED &&
        (lease->call.op != INFRA_LEASE_OP_READ || f->is_unsynced)) {
        error = store(f, &s);
    }
    if (error == 0 && s.cell.holder != lease->incarnation) {
        move_lock(f, 0);
        f->is_unsynced = f->is_record_unsynced = false;
    }
    return error;
}

/* Carry out the request about the record, under the lock. 0 or an errno. */
static int carry_out_record(struct file *f, infra_time now,
                            uint32_t *ret_outcome)
{
    struct infra_lease *lease = &f->lease;
    struct infra__lease_state s;
    int error = read_state(f, now, &s);

    if (error != 0) {
        return error;
    }
    *ret_outcome = infra__lease_cell_record(&s.cell, lease, boot_time(f, now));
    if (*ret_outcome != INFRA_LEASE_OUTCOME_GRANTED ||
        lease->record_call.token == 0) {
        return 0;
    }
    /* A record that is read with a token has to be on the disk. */
    f->is_record_unsynced |= lease->record_call.is_write;
    return f->is_record_unsynced ? write_durably(f, &s) : 0;
}

/* Take the lock without waiting. 0; EAGAIN: try again later; EBADMSG: the file
 * is no longer at its path, so that another file may be there, and this one
 * proves nothing; or another errno. */
static int enter(struct file *f, bool *is_waiting, infra_time now)
{
    int error = infra__lease_file_find(f->fd, f->path);

    if (error == 0) {
        error = infra__lease_lock(f->fd, F_WRLCK, 0);
        error = error == EACCES ? EAGAIN : error;
    }
    *is_waiting = error == EAGAIN;
    if (*is_waiting) {
        f->retry_at = infra__time_add(now, RETRY_EVERY);
    }
    return error;
}

static void leave(const struct file *f)
{
    (void)infra__lease_lock(f->fd, F_UNLCK, 0);
}

static void attempt(struct file *f, infra_time now)
{
    struct infra_lease_answer a = lost;
    int error = enter(f, &f->is_waiting, now);
    bool is_moved = error == EBADMSG;

    if (error == 0) {
        error = carry_out(f, now, &a);
        leave(f);
    }
    if (f->is_waiting) {
        return;
    }
    if (is_moved && f->lease.call.op == INFRA_LEASE_OP_RENEW) {
        /* Another file may be there, with another holder. */
        infra__lease_answer(&f->lease, &lost);
    } else if (error != 0) {
        infra__lease_unknown(&f->lease, reason_of(error), (uint32_t)error);
    } else if (a.outcome == INFRA_LEASE_OUTCOME_UNKNOWN) {
        infra__lease_unknown(&f->lease, INFRA_LEASE_REASON_OURS, 0);
    } else {
        infra__lease_answer(&f->lease, &a);
    }
}

static void attempt_record(struct file *f, infra_time now)
{
    uint32_t outcome = INFRA_LEASE_OUTCOME_UNKNOWN;
    int error = enter(f, &f->is_record_waiting, now);

    if (error == 0) {
        error = carry_out_record(f, now, &outcome);
        leave(f);
    }
    if (f->is_record_waiting) {
        return;
    }
    if (error == 0) {
        infra__lease_answer_record(&f->lease, outcome);
    } else {
        infra__lease_unknown_record(&f->lease, reason_of(error),
                                    (uint32_t)error);
    }
}

/* Hint if the lease has become free. Without the lock, since it is a hint. */
static void look(struct file *f, infra_time now)
{
    struct infra__lease_state s;

    f->look_at = infra__time_add(now, LOOK_EVERY);
    if (read_state(f, now, &s) != 0) {
        return;
    }
    bool is_held = s.cell.holder != 0 && s.cell.holder != f->lease.incarnation;
    if (f->was_held && !is_held) {
        infra__lease_hint(&f->lease);
    }
    f->was_held = is_held;
}

static void file_begin(struct infra_lease *lease, infra_time now)
{
    attempt((struct file *)lease, now);
}

static uint32_t file_expire(struct infra_lease *lease, bool is_record)
{
    struct file *f = (struct file *)lease;
    bool *is_waiting = is_record ? &f->is_record_waiting : &f->is_waiting;
    bool was_waiting = *is_waiting;

    *is_waiting = false;
    return was_waiting ? INFRA_LEASE_REASON_BUSY : INFRA_LEASE_REASON_TIMEOUT;
}

static void file_begin_record(struct infra_lease *lease, infra_time now)
{
    attempt_record((struct file *)lease, now);
}

static void file_turn(struct infra_lease *lease, infra_time now)
{
    struct file *f = (struct file *)lease;
    bool is_time = now >= f->retry_at;

    if (f->is_waiting && is_time) {
        attempt(f, now);
    }
    if (f->is_record_waiting && is_time) {
        attempt_record(f, now);
    }
    if (f->locked_token == 0 && now >= f->look_at) {
        look(f, now);
    }
}

static infra_time file_deadline(const struct infra_lease *lease)
{
    const struct file *f = (const struct file *)lease;
    bool is_waiting = f->is_waiting || f->is_record_waiting;
    infra_time at = is_waiting ? f->retry_at : INFRA_TIME_NEVER;

    return f->locked_token == 0 && f->look_at < at ? f->look_at : at;
}

static void file_finish(struct infra_lease *lease)
{
    const struct file *f = (const struct file *)lease;

    if (f->fd >= 0) {
        (void)close(f->fd);
    }
}

static const struct infra__lease_kind file_kind = {
    .begin = file_begin,
    .expire = file_expire,
    .begin_record = file_begin_record,
    .turn = file_turn,
    .deadline = file_deadline,
    .finish = file_finish,
};

/* Write the first states, unless they are there or another process has the
 * lock. */
static int prepare(struct file *f, const char *path)
{
    int error = infra__lease_lock(f->fd, F_WRLCK, 0);

    if (error != 0) {
        return error == EAGAIN || error == EACCES ? INFRA_OK : INFRA_ESYSTEM;
    }
    int err = infra__lease_file_prepare(f->fd, path, &f->origin);
    error = errno;
    (void)infra__lease_lock(f->fd, F_UNLCK, 0);
    errno = error;
    return err;
}

static int complete(void *options)
{
    const struct infra_lease_file_options *o = options;

    return o->path != NULL && infra__text_fits(o->node, 1, INFRA_LEASE_NAME_MAX)
               ? INFRA_OK
               : INFRA_EINVAL;
}

static int open_file(struct file *f, const struct infra_lease_file_options *o)
{
    int err = infra__lease_file_open(&f->fd, o->path);

    if (err == INFRA_OK) {
        err = infra__lease_path_init(f->path, o->path);
    }
    if (err == INFRA_OK) {
        err = infra__lease_origin_init(&f->origin, o->node);
    }
    if (err == INFRA_OK) {
        err = infra__lease_clock_init(&f->clock_offset);
    }
    return err == INFRA_OK ? prepare(f, o->path) : err;
}

int infra_lease_file(struct infra_lease **ret,
                     const struct infra_lease_file_options *options)
{
    struct infra_lease_file_options o = { .size = sizeof o };
    int err =
        ret != NULL ? infra__options_take(&o, options, complete) : INFRA_EINVAL;
    struct infra_lease *lease =
        infra__lease_create(&err, sizeof(struct file), &file_kind, o.allocator,
                            o.incarnation, o.ttl);

    if (lease == NULL) {
        return err;
    }
    struct file *f = (struct file *)lease;
    f->fd = -1;
    err = open_file(f, &o);
    if (err != INFRA_OK) {
        int error = errno;          /* Of INFRA_ESYSTEM, for the caller. */
        infra_lease_destroy(lease); /* Which closes what is open. */
        errno = error;
        return err;
    }
    *ret = lease;
    return INFRA_OK;
}
