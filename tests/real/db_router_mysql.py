#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""db_router_mysql.py PORT BASE PART [AUTHORITY]: clients of the proxy at PORT, in front of
servers at BASE, BASE + 1 and BASE + 2. Run by db_router_mysql.sh."""
import os
import sys
import threading
import time

import pymysql
from pymysql.constants import CLIENT, SERVER_STATUS

port, base, part = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


def connect(user="app", at=None, **options):
    options.setdefault("database", "d")
    return pymysql.connect(
        host="127.0.0.1",
        port=at or port,
        user=user,
        password=user + "-secret",
        autocommit=options.pop("autocommit", None),
        **options,
    )


def rows(connection, statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def value(connection, statement):
    return rows(connection, statement)[0][0]


def check(is_so, what):
    if not is_so:
        print(f"FAILED: {what}", file=sys.stderr)
        sys.exit(1)


def same(found, wanted, what):
    check(found == wanted, f"{what}: {str(found)[:200]!r} instead of {str(wanted)[:200]!r}")


def passed(what):
    print(f"ok: {what}", flush=True)


def error_of(connection, statement):
    try:
        rows(connection, statement)
    except pymysql.MySQLError as error:
        return error.args[0]
    return 0


def basics():
    c = connect()
    c.autocommit(True)
    c.ping(reconnect=False)
    same(value(c, "SELECT DATABASE()"), "d", "the database")
    same(error_of(c, "SELECT nonsense"), 1054, "the error of a server")
    same(error_of(c, "KILL 1"), 1235, "KILL")
    check(error_of(c, "LOAD DATA LOCAL INFILE '/etc/hosts' INTO TABLE t") != 0, "a local file")
    rows(c, "DELETE FROM t")
    # A packet of one byte less than the longest, and rows of several packets.
    long = "x" * 70000
    same(value(c, f"SELECT '{long}'"), long, "a long text")
    same(value(c, "SELECT REPEAT('y', 20000000)"), "y" * 20000000, "a row of 20 MB")
    same(len(rows(c, "SELECT seq FROM seq_1_to_50000")), 50000, "many rows")
    # Several results.
    many = connect(client_flag=CLIENT.MULTI_STATEMENTS)
    with many.cursor() as cursor:
        cursor.execute("SELECT 1; SELECT 2, 3; SELECT 4")
        results = [cursor.fetchall()]
        while cursor.nextset():
            results.append(cursor.fetchall())
    same(results, [((1,),), ((2, 3),), ((4,),)], "three results")
    check(error_of(c, "SELECT 1; SELECT 2") == 1064, "several statements where they are off")
    for wrong in ({"user": "nobody"}, {"database": "missing"},
                  {"user": "other", "database": "mysql"}):
        try:
            rows(connect(**wrong), "SELECT 1")
            check(False, f"{wrong} is accepted")
        except pymysql.MySQLError as error:
            check(error.args[0] in (1045, 1049, 1044), f"{wrong}: {error}")
    passed("answers are those of a server")
    same(value(connect("hashed"), "SELECT CURRENT_USER()"), "hashed@%", "a user by its hash")
    passed("a user of whom only the hash is known logs in at the nodes")
    # Own writes at once, and as a number of rows.
    for i in range(200):
        with c.cursor() as cursor:
            same(cursor.execute(f"INSERT INTO t VALUES ({i + 1}, 'own')"), 1, "rows of an INSERT")
        same(value(c, "SELECT COUNT(*) FROM t"), i + 1, "own writes")
    passed("200 writes, each read at once")
    # Transactions, also without autocommit.
    other = connect("other")
    other.autocommit(True)
    c.begin()
    rows(c, "INSERT INTO t VALUES (1000, 'open')")
    same(value(c, "SELECT COUNT(*) FROM t WHERE id = 1000"), 1, "in its transaction")
    same(value(other, "SELECT COUNT(*) FROM t WHERE id = 1000"), 0, "outside")
    c.rollback()
    same(value(c, "SELECT COUNT(*) FROM t WHERE id = 1000"), 0, "rolled back")
    off = connect(autocommit=False)
    rows(off, "INSERT INTO t VALUES (1001, 'off')")
    same(value(off, "SELECT COUNT(*) FROM t WHERE id = 1001"), 1, "with autocommit off")
    off.rollback()
    same(value(off, "SELECT COUNT(*) FROM t WHERE id = 1001"), 0, "and rolled back")
    passed("transactions")


def begins():
    """With --defer-begin."""
    c = connect(autocommit=False)
    c.begin()
    check(c.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS, "BEGIN: not in a transaction")
    c.commit()
    check(not c.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS, "COMMIT: in a transaction")
    c.begin()
    same(value(c, "SELECT @@server_id"), 1, "the server of a transaction that may write")
    c.rollback()
    c.autocommit(True)
    rows(c, "START TRANSACTION READ ONLY")
    check(c.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS, "READ ONLY: no transaction")
    check(value(c, "SELECT @@server_id") > 1, "a READ ONLY transaction is at the primary")
    same(error_of(c, "INSERT INTO t VALUES (3000, 'no')"), 1792, "a write in it")
    c.rollback()
    for end in (c.rollback, c.commit):
        rows(c, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
        rows(c, "INSERT INTO t VALUES (3001, 'begun')")
        same(value(c, "SELECT COUNT(*) FROM t WHERE id = 3001"), 1, "in its transaction")
        end()
    same(value(c, "SELECT COUNT(*) FROM t WHERE id = 3001"), 1, "committed")
    c.begin()
    rows(c, "DELETE FROM t WHERE id = 3001")
    c.rollback()
    same(value(c, "SELECT COUNT(*) FROM t WHERE id = 3001"), 1, "a DELETE that was rolled back")
    passed("a BEGIN that is answered by the proxy")


def sharing():
    a, b = connect(), connect()
    for c in (a, b):
        c.autocommit(True)
    rows(a, "DELETE FROM t")
    same(value(a, "SELECT CONNECTION_ID()"), value(b, "SELECT CONNECTION_ID()"),
         "one connection at the primary")
    passed("two clients share a server connection")
    rows(a, "SET SESSION sql_mode='ANSI_QUOTES', @@session.wait_timeout=77")
    rows(b, "SET SESSION wait_timeout=88")
    same(value(a, "SELECT @@wait_timeout"), 77, "a's setting")
    same(value(b, "SELECT @@wait_timeout"), 88, "b's setting")
    check("ANSI" in value(a, "SELECT @@sql_mode"), "a's mode")
    check("ANSI" not in value(b, "SELECT @@sql_mode"), "b's mode")
    rows(a, "SET NAMES latin1")
    same(value(a, "SELECT @@character_set_results"), "latin1", "a's names")
    check(value(b, "SELECT @@character_set_results").startswith("utf8"), "b's names")
    rows(a, "SET NAMES utf8mb4")
    rows(a, "USE mysql")
    same(value(b, "SELECT DATABASE()"), "d", "b's database")
    same(value(a, "SELECT DATABASE()"), "mysql", "a's database")
    a.select_db("d")
    same(value(a, "SELECT DATABASE()"), "d", "a's database again")
    passed("settings, names and databases are each client's own")
    with a.cursor() as cursor:
        cursor.execute("INSERT INTO t (v) VALUES ('a')")
        id_a = cursor.lastrowid
    with b.cursor() as cursor:
        cursor.execute("INSERT INTO t (v) VALUES ('b')")
        id_b = cursor.lastrowid
    check(id_a != id_b, "ids differ")
    for _ in range(3):
        same(value(a, "SELECT LAST_INSERT_ID()"), id_a, "a's id")
        same(value(b, "SELECT LAST_INSERT_ID()"), id_b, "b's id")
    same(value(connect(), "SELECT LAST_INSERT_ID()"), 0, "nobody's id")
    passed("LAST_INSERT_ID() is each client's own")
    for c in (a, b):
        c.close()
    # What cannot be shared: the other waits for the connection.
    for make, ask, drop in (
        ("CREATE TEMPORARY TABLE tmp AS SELECT 7 AS n", "SELECT n FROM tmp", None),
        ("SET @x = 7", "SELECT @x", None),
        ("SELECT GET_LOCK('one', 0)", "SELECT 7 * IS_USED_LOCK('one') / CONNECTION_ID()", None),
        ("SET SESSION sort_buffer_size = @@sort_buffer_size + 7 * 1024",
         "SELECT 7 + 0 * @@sort_buffer_size", None),
        ("PREPARE p FROM 'SELECT 7'", "EXECUTE p", None),
    ):
        c, waits = connect(), connect()
        c.autocommit(True)
        waits.autocommit(True)
        rows(c, make)
        done = []
        thread = threading.Thread(
            target=lambda: done.append(value(waits, "SELECT 1 FROM t LIMIT 1 FOR UPDATE")))
        thread.start()
        same(int(value(c, ask)), 7, ask)
        same(int(value(c, ask)), 7, ask)
        check(not done, f"the connection was given away after {make}")
        c.close()
        thread.join(120)
        same(done, [1], "who waited is answered")
        waits.close()
        passed(f"not shared after {make.split('(')[0]}")
    d, e = connect(), connect()
    d.autocommit(True)
    e.autocommit(True)
    same(value(e, "SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'tmp'"), 0,
         "temporary tables are gone")
    same(value(e, "SELECT @x"), None, "variables are gone")
    rows(d, "SELECT SQL_CALC_FOUND_ROWS seq FROM seq_1_to_30 LIMIT 3")
    same(value(d, "SELECT FOUND_ROWS()"), 30, "FOUND_ROWS()")
    rows(d, "SELECT 1 / 0")
    passed("FOUND_ROWS()")


def prepared():
    """The binary protocol, which PyMySQL does not speak: by hand."""
    import struct

    c = connect()
    c.autocommit(True)
    rows(c, "DELETE FROM t")
    rows(c, "INSERT INTO t VALUES (1, 'one'), (2, 'two')")
    capabilities = c.client_flag & c.server_capabilities

    def command(payload):
        c._next_seq_id = 0
        c._write_bytes(struct.pack("<I", len(payload))[:3] + b"\0" + payload)
        c._next_seq_id = 1

    def packets_of(count):
        packets = []
        for _ in range(count):
            packets.append(c._read_packet()._data)
        return packets

    def prepare(text):
        command(b"\x16" + text.encode())
        first = c._read_packet()._data
        number, columns, params = struct.unpack("<xIHH", first[:9])
        for n in (params, columns):
            packets_of(n + (n > 0))  # An EOF behind each.
        return number

    def execute(number, values, types=True):
        payload = b"\x17" + struct.pack("<IBI", number, 0, 1)
        if values:
            payload += b"\0" * ((len(values) + 7) // 8) + bytes([types])
            if types:
                payload += b"\x08\0" * len(values)
            payload += b"".join(struct.pack("<q", v) for v in values)
        command(payload)
        first = c._read_packet()._data
        if first[0] == 0:
            return None
        packets_of(first[0] + 1)
        found = []
        while True:
            row = c._read_packet()._data
            if row[0] == 0xFE and len(row) < 9:
                return found
            found.append(row)

    servers = set()
    who = prepare("SELECT @@server_id + ?")
    end = time.time() + 120
    first = True
    while not {2, 3} <= servers and time.time() < end:
        row = execute(who, [100], first)[0]
        servers.add(struct.unpack("<q", row[2:10])[0] - 100)
        first = False
    check({2, 3} <= servers, f"servers of one prepared statement: {servers}")
    passed("a prepared statement is executed at both replicas")
    insert = prepare("INSERT INTO t VALUES (?, 'prepared')")
    look = prepare("SELECT COUNT(*) FROM t WHERE id = ?")
    for i in range(50):
        execute(insert, [100 + i], i == 0)
        row = execute(look, [100 + i], i == 0)[0]
        same(struct.unpack("<q", row[2:10])[0], 1, "an own write by prepared statements")
    passed("50 prepared writes, each read at once")
    begin = prepare("UPDATE t SET v = ? WHERE id = 1")
    piece = b"\x18" + struct.pack("<IH", begin, 0)
    command(piece + b"long ")
    command(piece + b"data")
    payload = b"\x17" + struct.pack("<IBI", begin, 0, 1) + b"\0\x01\xfc\0"
    command(payload)
    check(c._read_packet()._data[0] == 0, "an UPDATE with a parameter in pieces")
    same(value(c, "SELECT v FROM t WHERE id = 1"), "long data", "the parameter in pieces")
    command(b"\x19" + struct.pack("<I", look))
    command(b"\x17" + struct.pack("<IBI", look, 0, 1))
    try:
        c._read_packet()
        check(False, "a closed statement is executed")
    except pymysql.MySQLError as error:
        same(error.args[0], 1243, "a closed statement")
    passed("parameters in pieces, and statements that are closed")
    command(b"\x1f")
    check(c._read_packet()._data[0] == 0, "COM_RESET_CONNECTION")
    same(value(c, "SELECT 1"), 1, "after a reset")
    check(capabilities != 0, "capabilities")


def lagging():
    """A replica stands still: its reads come from elsewhere."""
    locks = [connect(at=base + n, user="app") for n in (1, 2)]
    for lock in locks:
        rows(lock, "FLUSH TABLES WITH READ LOCK")
    c, other = connect(), connect("other")
    c.autocommit(True)
    other.autocommit(True)
    before = value(other, "SELECT COUNT(*) FROM t WHERE v = 'lag'")
    for i in range(20):
        rows(c, "INSERT INTO t (v) VALUES ('lag')")
        same(value(c, "SELECT COUNT(*) FROM t WHERE v = 'lag'"), before + i + 1,
             "own writes with replicas that stand still")
    same(value(c, "SELECT @@server_id"), 1, "reads at the primary")
    check(value(other, "SELECT @@server_id") in (2, 3), "reads of others at a replica")
    same(value(other, "SELECT COUNT(*) FROM t WHERE v = 'lag'"), before,
         "the replicas do stand still")
    passed("own writes are read while the replicas stand still")
    for lock in locks:
        rows(lock, "UNLOCK TABLES")
        lock.close()
    end = time.time() + 120
    while value(c, "SELECT @@server_id") == 1:
        check(time.time() < end, "reads come back to the replicas")
        time.sleep(0.05)
    same(value(c, "SELECT COUNT(*) FROM t WHERE v = 'lag'"), before + 20, "what was written")
    passed("reads are back at the replicas when these have caught up")


def tls():
    return {"ssl": {"ca": sys.argv[4]}}


def secure():
    """Rows of more than the socket takes, both ways, over TLS."""
    with connect("secure", **tls()) as c:
        same(value(c, "SELECT REPEAT('x', 20000000)"), "x" * 20000000, "a row of 20 MB")
        text = "y" * 3000000
        same(value(c, f"SELECT LENGTH('{text}')"), len(text), "a statement of 3 MB")
        check(rows(c, "SHOW STATUS LIKE 'Ssl_version'")[0][1].startswith("TLS"), "a node without TLS")
    with connect("app") as c:
        same(value(c, "SELECT 1"), 1, "a client without TLS")
    passed("long rows and statements over TLS")


def full_login():
    """caching_sha2_password where only a hash of SHA-1 is known: the password itself is
    asked for, over TLS alone."""
    with connect("hashed", database=None, **tls()) as c:
        c.ping()
    try:
        pymysql.connect(host="127.0.0.1", port=port, user="hashed", password="x", **tls())
        check(False, "a wrong password is accepted")
    except pymysql.MySQLError as error:
        same(error.args[0], 1045, "a wrong password")
    try:
        connect("app", database=None)
        check(False, "a client without TLS is accepted")
    except pymysql.MySQLError as error:
        same(error.args[0], 3159, "a client without TLS")
    passed("caching_sha2_password by the password, over TLS")


def transaction():
    """The primary is killed while a transaction is open there."""
    c = connect()
    c.begin()
    rows(c, "INSERT INTO t VALUES (100000, 'lost')")
    open("is_open", "w").close()
    while not os.path.exists("is_killed"):
        time.sleep(0.05)
    error = error_of(c, "INSERT INTO t VALUES (100001, 'lost')")
    check(error in (1053, 1213, 2006, 2013), f"the error of the open transaction: {error}")
    again = connect(read_timeout=300)
    again.autocommit(True)
    rows(again, "INSERT INTO t VALUES (100002, 'again')")  # It waits for a primary.
    same(value(again, "SELECT GROUP_CONCAT(v) FROM t WHERE id >= 100000"), "again", "what is there")
    passed(f"an open transaction ends with error {error}, and is not there")


{
    "basics": basics,
    "begins": begins,
    "sharing": sharing,
    "prepared": prepared,
    "lagging": lagging,
    "transaction": transaction,
    "secure": secure,
    "full_login": full_login,
}[part]()
