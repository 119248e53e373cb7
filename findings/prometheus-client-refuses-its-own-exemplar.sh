#!/usr/bin/env bash
# Guess:     Python's OpenMetrics parser reads an exemplar whose label value has an escaped quote, as it reads such a value in
#            the sample's own labels, and as the same package writes it.
# Package:   prometheus_client 0.26.0 (PyPI).
# Source:    OpenMetrics 1.0, ABNF: an exemplar has `labels` like any sample, with escaped-string values: \n, \" and \\.
# Behaviour: `\"` in a label of the sample is read. In a label of the exemplar it ends the parse of the whole exposition with
#            ValueError, so that one such trace or record id costs every metric. `\n` and `\\` there are read. What the
#            package's own generate_latest writes is refused by its own parser.
# Seen:      label \": read / exemplar \n: read / exemplar \\: read / exemplar \": Invalid line / own output: Invalid line
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check prometheus_client==0.26.0

cat > exemplar.py <<'PY'
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families


def outcome(text):
    try:
        for family in text_string_to_metric_families(text):
            assert family.samples
        return "read"
    except ValueError as error:
        return str(error).split(":")[0]


def exposition(labels, exemplar):
    return '# TYPE appends counter\nappends_total{%s} 1.0 # {%s} 1.0\n# EOF\n' % (labels, exemplar)


registry = CollectorRegistry()
Counter("appends", "Appends", registry=registry).inc(1, {"record": 'a"b'})
print(" / ".join([
    'label \\": ' + outcome(exposition('record="a\\"b"', 'record="ab"')),
    "exemplar \\n: " + outcome(exposition('a="b"', 'record="a\\nb"')),
    "exemplar \\\\: " + outcome(exposition('a="b"', 'record="a\\\\b"')),
    'exemplar \\": ' + outcome(exposition('a="b"', 'record="a\\"b"')),
    "own output: " + outcome(generate_latest(registry).decode()),
]))
PY
seen=$(venv/bin/python exemplar.py)
echo "$seen"
[ "$seen" = 'label \": read / exemplar \n: read / exemplar \\: read / exemplar \": Invalid line / own output: Invalid line' ]
