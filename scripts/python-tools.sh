#!/bin/sh
# Makes .venv with what the tests use of Python. Does nothing where it is there already.
set -eu
cd "$(dirname "$0")/.."
wanted=scripts/python-requirements.txt
if cmp -s "$wanted" .venv/installed.txt; then exit 0; fi
rm -rf .venv
python3 -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check --requirement "$wanted"
cp "$wanted" .venv/installed.txt
