#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Clients of db_router that keep a diary of what they wrote and saw.

usage: db_router_history.py pg|mysql PORT DIRECTORY CLIENTS

Each client has a row of its own, whose value only grows by one with each write, and reads
its own row and those of others.  In DIRECTORY the number of acknowledged writes stands in
"progress"; a file "over" ends it.  Exit status 1, with a line for each:

- a client that reads its own row and sees less than it has written in this session;
- a client that sees less of another's row than it has seen before in this session
  (--consistency monotonic);
- a client that sees what nobody has written;
- a client whose reads were all answered by one node.

At the end "written" has a line "ROW ACKNOWLEDGED ISSUED" for each row: a database that lost
nothing has a value between both.
"""
import os
import random
import sys
import threading
import time

dialect, port, directory, clients = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
if dialect == "pg":
    import psycopg2 as driver
else:
    import pymysql as driver

node = "current_setting('port')" if dialect == "pg" else "@@server_id"
lock = threading.Lock()
issued = [0] * clients
acknowledged = [0] * clients
faults = []
totals = {"writes": 0, "reads": 0, "errors": 0, "sessions": 0}
began = time.monotonic()
written_at = [began]
pause = [0.0]


def connect():
    if dialect == "pg":
        c = driver.connect(host="127.0.0.1", port=port, user="app", password="apppw",
                           dbname="app", connect_timeout=60)
    else:
        c = driver.connect(host="127.0.0.1", port=port, user="app", password="apppw",
                           database="app", connect_timeout=60, read_timeout=120)
    if dialect == "pg":
        c.autocommit = True
    else:
        c.autocommit(True)
    return c


def over():
    return os.path.exists(directory + "/over")


class Client(threading.Thread):
    def __init__(self, me):
        super().__init__()
        self.me = me
        self.random = random.Random(me)
        self.nodes = set()
        self.seen = {} # Of each row: what was seen last, where and when.

    def begin(self):
        self.connection = connect()
        self.cursor = self.connection.cursor()
        # A new session promises nothing about what another has written or seen.
        self.floor = [0] * clients
        self.seen = {}
        totals["sessions"] += 1

    def fault(self, text):
        with lock:
            faults.append(f"client {self.me}: {text}")

    def write(self):
        value = issued[self.me] + 1
        issued[self.me] = value
        self.cursor.execute(f"UPDATE history SET v = {value} WHERE id = {self.me}")
        acknowledged[self.me] = value
        self.floor[self.me] = value
        self.seen[self.me] = f"{value} written, {time.monotonic() - began:.4f} s"
        with lock:
            now = time.monotonic()
            pause[0] = max(pause[0], now - written_at[0])
            written_at[0] = now
            totals["writes"] += 1
            if totals["writes"] % 10 == 0:
                with open(directory + "/progress.new", "w") as f:
                    f.write(str(totals["writes"]))
                os.rename(directory + "/progress.new", directory + "/progress")

    def read(self, row):
        asked = time.monotonic()
        self.cursor.execute(f"SELECT v, {node} FROM history WHERE id = {row}")
        rows = self.cursor.fetchall() # A replica may not have the row yet.
        value, at = (int(rows[0][0]), rows[0][1]) if rows else (0, "an empty node")
        now = f"{value} at {at}, {asked - began:.4f} to {time.monotonic() - began:.4f} s"
        if value < self.floor[row]:
            self.fault(f"row {row}: sees {now}, after {self.floor[row]}; before: {self.seen}")
        self.seen[row] = now
        if rows:
            self.nodes.add(at)
        if value > issued[row]:
            self.fault(f"row {row}: sees {value}, of which only {issued[row]} are written")
        self.floor[row] = max(self.floor[row], value)
        totals["reads"] += 1

    def turn(self):
        what = self.random.random()
        if what < 0.3:
            self.write()
            self.read(self.me)
        elif what < 0.9:
            self.read(self.random.randrange(clients))
        else:
            begin = "BEGIN READ ONLY" if dialect == "pg" else "START TRANSACTION READ ONLY"
            self.cursor.execute(begin)
            self.read(self.me)
            self.read(self.random.randrange(clients))
            self.cursor.execute("COMMIT")

    def run(self):
        self.begin()
        while not over():
            try:
                self.turn()
            except driver.Error as error:
                totals["errors"] += 1
                with lock:
                    print(f"client {self.me}: {str(error).strip()}", file=sys.stderr)
                self.again()

    def again(self):
        try:
            self.connection.close()
        except driver.Error:
            pass
        while not over():
            try:
                self.begin()
                return
            except driver.Error:
                time.sleep(0.1)


threads = [Client(me) for me in range(clients)]
for t in threads:
    t.start()
for t in threads:
    t.join()
    if len(t.nodes) < 2:
        t.fault(f"reads only from {t.nodes}")
with open(directory + "/written", "w") as f:
    for row in range(clients):
        f.write(f"{row} {acknowledged[row]} {issued[row]}\n")
print("{writes} writes, {reads} reads, {errors} errors, {sessions} sessions".format(**totals) +
      f", at most {pause[0]:.1f} s without a write")
for text in faults[:20]:
    print(text, file=sys.stderr)
sys.exit(1 if faults else 0)
