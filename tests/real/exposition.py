# SPDX-License-Identifier: MIT
# What tests/real/exposition.c prints, read by Prometheus's own parser.
#   exposition.py open|old FILE
#   exposition.py open|old FILE any: something else, which has to be read
import math
import sys

from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_open,
)
from prometheus_client.parser import text_string_to_metric_families as read_old

WHAT = 'C:\\dir\\"q"\nline, {a="b"} \u00e4\t#'
HELP = 'A "quote", a \\ and\na break; \u00e4\u20ac.'


def read(kind, path):
    text = open(path, encoding="utf-8", newline="").read()
    return list((read_open if kind == "open" else read_old)(text))


def value(families, name, labels):
    found = [
        s.value
        for f in families
        for s in f.samples
        if s.name == name and all(s.labels.get(k) == v for k, v in labels.items())
    ]
    assert len(found) == 1, (name, labels, found)
    return found[0]


def check(kind, families):
    assert len(families) == 5, families
    for family in families:
        assert family.documentation == HELP, family
        for sample in family.samples:
            assert sample.labels["what"] == WHAT, sample
    assert value(families, "x_build_info", {}) == 1
    for state in ("up", "down", "drain"):
        want = 1 if state == "drain" else 0
        assert value(families, "x_state", {"x_state": state}) == want
    assert value(families, "x_level_seconds", {}) == -1.5
    assert value(families, "x_received_bytes_total", {}) == 2**53
    assert value(families, "x_took_seconds_count", {}) == 1000
    assert math.isclose(value(families, "x_took_seconds_sum", {}), 500.5)
    for bound, count in (("0.001", 1), ("0.1", 100), ("1.0", 1000), ("+Inf", 1000)):
        got = value(families, "x_took_seconds_bucket", {"le": bound})
        assert count <= got <= count * 1.032, (bound, got)
    if kind == "open":
        assert value(families, "x_took_seconds_created", {}) == 1726600000.123
        units = {f.name: f.unit for f in families}
        assert units["x_took_seconds"] == "seconds", units
        assert units["x_received_bytes"] == "bytes", units


families = read(sys.argv[1], sys.argv[2])
if sys.argv[3:] == ["any"]:
    assert len(families) > 5, families
else:
    check(sys.argv[1], families)
