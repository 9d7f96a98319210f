#!/usr/bin/env bash
# Installs what the tests of the package and the benchmark need besides, apart from the project's own packages: a registry,
# the programs that people start the package with, and every version of Node that it must run on.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=node_modules/.cache/osgs-tools
if cmp -s test/package/tools/package.json "$folder/installed.json"; then exit 0; fi
rm -rf "$folder"
mkdir -p "$folder"
cp test/package/tools/package.json "$folder/"
npm install --prefix "$folder" --ignore-scripts --no-package-lock --no-audit --no-fund
cp test/package/tools/package.json "$folder/installed.json"
