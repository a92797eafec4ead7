/* SPDX-License-Identifier: MIT */
/* States on the disk: two places in pages of their own, so that no write can
 * damage both; in the host's byte order, since the file never leaves the
 * host. */
#include "lease_state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PLACE_SIZE 4096
#define PLACES_COUNT 2u

static const char magic[8] = "infra-l3";

/* Without holes, because of the checksum. */
struct image {
    char magic[8];
    struct infra__lease_state state;
    uint64_t checksum;
};
_Static_assert(sizeof(struct image) ==
                   8 + 8 + sizeof(struct infra__lease_cell) + 8 + 64 + 40 + 8,
               "there are no holes");

static uint64_t checksum(const struct image *i)
{
    return infra_xxhash64(i, offsetof(struct image, checksum), 0);
}

static bool is_whole(const struct image *i)
{
    return memcmp(i->magic, magic, sizeof magic) == 0 &&
           i->checksum == checksum(i) &&
           i->state.cell.record_count <= sizeof i->state.cell.record;
}

int infra__lease_state_read(int fd, struct infra__lease_state *ret)
{
    bool is_found = false;

    for (uint32_t place = 0; place < PLACES_COUNT; place++) {
        struct image i;
        ssize_t count = pread(fd, &i, sizeof i, (off_t)place * PLACE_SIZE);
        if (count < 0) {
            return errno;
        }
        if ((size_t)count == sizeof i && is_whole(&i) &&
            (!is_found || i.state.sequence > ret->sequence)) {
            *ret = i.state;
            is_found = true;
        }
    }
    return is_found ? 0 : EBADMSG;
}

static int write_one(int fd, const struct infra__lease_state *r)
{
    struct image i = { .state = *r };
    off_t at = (off_t)(r->sequence % PLACES_COUNT) * PLACE_SIZE;

    memcpy(i.magic, magic, sizeof magic);
    i.checksum = checksum(&i);
    ssize_t count = pwrite(fd, &i, sizeof i, at);
    if (count < 0) {
        return errno;
    }
    return (size_t)count == sizeof i ? 0 : ENOSPC;
}

int infra__lease_state_write(int fd, const struct infra__lease_state *r,
                             const struct infra__lease_origin *o,
                             bool is_durable)
{
    struct infra__lease_state next = *r;
    uint32_t writes = is_durable ? PLACES_COUNT : 1;

    next.origin = *o;
    for (uint32_t i = 0; i < writes; i++) {
        next.sequence++;
        int error = write_one(fd, &next);
        if (error == 0 && is_durable && fdatasync(fd) != 0) {
            error = errno;
        }
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

/* Write the directory to the disk, too. */
static int sync_directory(const char *path)
{
    char directory[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');

    if (slash != NULL) { /* It fits: the file was opened. */
        size_t size = (size_t)(slash - path) + 1;
        memcpy(directory, path, size);
        directory[size] = '\0';
    }
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return INFRA_ESYSTEM;
    }
    int error = fsync(fd) == 0 ? 0 : errno;
    (void)close(fd);
    errno = error;
    return error == 0 ? INFRA_OK : INFRA_ESYSTEM;
}

int infra__lease_file_prepare(int fd, const char *path,
                              const struct infra__lease_origin *o)
{
    static const struct infra__lease_state first;
    struct infra__lease_state r;
    char start[sizeof magic] = { 0 };
    static const char zeroes[sizeof magic];

    if (infra__lease_state_read(fd, &r) == 0) {
        return INFRA_OK;
    }
    /* Without a whole state nobody was ever granted the lease: the file is
     * empty, or the host crashed while it was made. Other contents stay. */
    if (pread(fd, start, sizeof start, 0) < 0) {
        return INFRA_ESYSTEM;
    }
    if (memcmp(start, zeroes, sizeof zeroes) != 0) {
        return INFRA_EINVAL;
    }
    int error = infra__lease_state_write(fd, &first, o, true);
    if (error != 0) {
        errno = error; /* A short write sets no errno. */
        return INFRA_ESYSTEM;
    }
    return sync_directory(path);
}

/* Locks there may be local to a client, or lost with a connection. */
static bool is_on_network(int fd)
{
    static const uint32_t kinds[] = {
        0x6969,     /* NFS */
        0x517b,     /* SMB */
        0xff534d42, /* CIFS */
        0xfe534d42, /* SMB 2 */
        0x01021997, /* 9P */
        0x65735546, /* FUSE */
        0x73757245, /* Coda */
        0x5346414f, /* AFS */
        0x6b414653, /* AFS of the kernel */
        0x00c36400, /* Ceph */
        0x0bd00bd0, /* Lustre */
        0x01161970, /* GFS2 */
        0x7461636f, /* OCFS2 */
        0x786f4256, /* VirtualBox */
        0xbacbacbc, /* VMware */
    };
    struct statfs fs;

    if (fstatfs(fd, &fs) != 0) {
        return true; /* An unknown file system is not trusted. */
    }
    for (size_t i = 0; i < INFRA__COUNT_OF(kinds); i++) {
        if ((uint32_t)fs.f_type == kinds[i]) {
            return true;
        }
    }
    return false;
}

int infra__lease_file_open(int *ret_fd, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);

    if (fd < 0) {
        return errno == EISDIR ? INFRA_EINVAL : INFRA_ESYSTEM;
    }
    int err = INFRA_OK;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        err = INFRA_EINVAL;
    } else if (is_on_network(fd)) {
        err = INFRA_EREMOTE;
    }
    if (err != INFRA_OK) {
        (void)close(fd);
        return err;
    }
    *ret_fd = fd;
    return INFRA_OK;
}
