/* SPDX-License-Identifier: MIT */
/* A client and a server that send db_router whatever they like in the protocol
 * of MySQL. The first byte says what both agreed on; then come pieces: a byte
 * with the side and the size, and that many bytes. However the bytes are split,
 * both sides get the same. A first byte of 255: what begins a connection. */
#include "fuzz.h"

#include "../examples/mysql_wire.h"

#include "mysql_settings.h"

#include <stdlib.h>
#include <string.h>

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

static void run(struct wire *w, const uint8_t *data, size_t size, bool is_split)
{
    bool is_mariadb = (data[0] & 1) != 0;
    uint32_t capabilities = ((data[0] & 2) != 0 ? MYSQL_CAN_DEPRECATE_EOF : 0) |
                            ((data[0] & 4) != 0 ? MYSQL_CAN_SESSION_TRACK : 0);
    size_t at = 1;

    wire_begin(w, is_mariadb ? &protocol_mariadb : &protocol_mysql,
               capabilities);
    while (at < size) {
        bool is_server = data[at] >= 128;
        size_t length = data[at] % 128;
        at++;
        length = length < size - at ? length : size - at;
        for (size_t i = 0; i < length; i += is_split ? 1 : length) {
            size_t part = is_split ? 1 : length;
            if (is_server) {
                wire_server(w, data + at + i, part);
            } else {
                wire_client(w, data + at + i, part);
            }
        }
        at += length;
    }
}

static void check_same(const struct link *a, const struct link *b)
{
    check(a->broken == b->broken);
    check(link_out_size(a) == link_out_size(b));
    check(link_out_size(a) == 0 ||
          memcmp(a->out.at + a->out.start, b->out.at + b->out.start,
                 link_out_size(a)) == 0);
}

/* Begin a connection; settings are inside of their text. */
static void fuzz_beginning(const uint8_t *data, size_t size)
{
    struct mysql_text payload = { data, size };
    struct mysql_greeting greeting;
    struct mysql_handshake handshake;
    struct mysql_settings settings;
    struct mysql_setting setting;
    size_t count = 0;

    (void)mysql_read_greeting(payload, &greeting);
    if (mysql_read_handshake(payload, &handshake) &&
        !handshake.is_tls_request) {
        check(handshake.user.bytes + handshake.user.size <= data + size);
        check(handshake.answer.bytes + handshake.answer.size <= data + size);
    }
    mysql_settings_begin(&settings, (const char *)data, size, false);
    for (;;) {
        enum mysql_setting_kind kind = mysql_settings_next(&settings, &setting);
        if (kind == MYSQL_SETTING_NONE || kind == MYSQL_SETTING_OPAQUE) {
            break;
        }
        check(kind == MYSQL_SETTING_OWN ||
              (setting.name_size > 0 &&
               setting.name_size <= MYSQL_SETTING_NAME_MAX &&
               setting.text_size <= size + 4));
        check(++count <= size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wire whole;
    static struct wire split;

    if (size == 0) {
        return 0;
    }
    if (data[0] == 255) {
        uint8_t *copy = malloc(size);
        check(copy != NULL);
        memcpy(copy, data + 1, size - 1);
        fuzz_beginning(copy, size - 1);
        free(copy);
        return 0;
    }
    run(&whole, data, size, false);
    run(&split, data, size, true);
    check(whole.has_ended == split.has_ended);
    check_same(&whole.client.link, &split.client.link);
    check_same(&whole.server.link, &split.server.link);
    check(memcmp(&whole.client_state.schema, &split.client_state.schema,
                 sizeof whole.client_state.schema) == 0);
    check(whole.client_state.status == split.client_state.status);
    wire_finish(&whole);
    wire_finish(&split);
    return 0;
}
