/* SPDX-License-Identifier: MIT */
/* What a fuzz target defines: libFuzzer's entry point. It aborts when something
 * is wrong, and answers 0. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
