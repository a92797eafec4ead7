#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""idle_clients.py pg|mariadb PORT NUMBER: clients that have asked something and then do
nothing. A few come first; a line on stdin, and the rest comes; another one, and all leave.
Each step is said by a line on stdout. Run by against_db.sh."""
import sys

dialect, port, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
if dialect == "pg":
    import psycopg2
else:
    import pymysql


def connect():
    if dialect == "pg":
        c = psycopg2.connect(host="127.0.0.1", port=port, user="app", password="secret",
                             dbname="postgres", connect_timeout=60)
        c.autocommit = True
    else:
        c = pymysql.connect(host="127.0.0.1", port=port, user="app", password="secret",
                            database="sbtest", autocommit=True, connect_timeout=60)
    with c.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchall()
    return c


clients = [connect() for _ in range(10)]
print("few", flush=True)
sys.stdin.readline()
clients += [connect() for _ in range(number)]
print("all", flush=True)
sys.stdin.readline()
