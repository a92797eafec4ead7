/* SPDX-License-Identifier: MIT */
#include "shared_gates.h"

#include "arguments.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int map(struct shared_gates *ret, int fd, uint32_t count)
{
    void *memory = mmap(NULL, count * sizeof(struct shared_gate),
                        PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (memory == MAP_FAILED) {
        return -1;
    }
    *ret = (struct shared_gates) { .gates = memory, .count = count };
    return 0;
}

int shared_gates_create(struct shared_gates *ret, uint32_t count)
{
    int fd = memfd_create("infra-gates", MFD_CLOEXEC);

    if (fd >= 0 &&
        (ftruncate(fd, (off_t)(count * sizeof(struct shared_gate))) != 0 ||
         map(ret, fd, count) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

bool shared_gates_open(struct shared_gates *ret)
{
    const char *text = getenv(SHARED_GATES_VARIABLE);
    struct stat status;
    uint32_t fd;

    if (text == NULL) {
        return arguments_wrong("--gate: no %s in the environment: it is for "
                               "what lb_pair runs",
                               SHARED_GATES_VARIABLE);
    }
    if (!read_number(&text, &fd) || *text != '\0' || fd > INT32_MAX ||
        fstat((int)fd, &status) != 0 || status.st_size <= 0 ||
        (size_t)status.st_size % sizeof(struct shared_gate) != 0 ||
        (size_t)status.st_size / sizeof(struct shared_gate) >
            SHARED_GATES_MAX ||
        map(ret, (int)fd,
            (uint32_t)((size_t)status.st_size / sizeof(struct shared_gate))) !=
            0) {
        return arguments_wrong("--gate: %s is no descriptor of gates",
                               SHARED_GATES_VARIABLE);
    }
    (void)close((int)fd);
    for (uint32_t i = 0; i < ret->count; i++) {
        atomic_store(&ret->gates[i].is_followed, 1);
    }
    return true;
}

void shared_gates_close(struct shared_gates *gates)
{
    if (gates->gates != NULL) {
        (void)munmap(gates->gates, gates->count * sizeof *gates->gates);
        gates->gates = NULL;
    }
}

static bool has_address(const struct shared_gate *gate, const void *address)
{
    for (uint32_t i = 0; i < gate->addresses_count && i < SHARED_ADDRESSES_MAX;
         i++) {
        if (memcmp(gate->addresses[i], address, 16) == 0) {
            return true;
        }
    }
    return false;
}

struct shared_gate *shared_gates_find(const struct shared_gates *gates,
                                      const struct sockaddr_storage *local)
{
    uint8_t address[16] = { [10] = 0xff, [11] = 0xff };

    if (local->ss_family == AF_INET6) {
        memcpy(address, &((const struct sockaddr_in6 *)local)->sin6_addr, 16);
    } else {
        memcpy(address + 12, &((const struct sockaddr_in *)local)->sin_addr, 4);
    }
    for (uint32_t i = 0; i < gates->count; i++) {
        if (has_address(&gates->gates[i], address)) {
            return &gates->gates[i];
        }
    }
    return gates->count == 1 && gates->gates[0].addresses_count == 0
               ? &gates->gates[0]
               : NULL;
}

bool shared_gates_allow(const struct shared_gates *gates, infra_time now)
{
    for (uint32_t i = 0; i < gates->count; i++) {
        if (infra_gate_is_open(&gates->gates[i].gate, now, NULL) == 1) {
            return true;
        }
    }
    return false;
}

bool shared_gates_admit(const struct shared_gates *gates, infra_time now)
{
    for (uint32_t i = 0; i < gates->count; i++) {
        if (infra_gate_admits(&gates->gates[i].gate, now, NULL) == 1) {
            return true;
        }
    }
    return false;
}
