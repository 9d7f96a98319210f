#!/bin/sh
# Prints the tasks of the makefiles given, by group.
set -eu
awk '
    /^##@ / { group = substr($0, 5); if (!(group in seen)) { seen[group] = 1; order[++count] = group } next }
    /^[a-zA-Z][a-zA-Z0-9_-]*:.*## / {
        name = $0; sub(/:.*/, "", name)
        help = $0; sub(/.*## /, "", help)
        lines[group] = lines[group] sprintf("  %-16s %s\n", name, help)
    }
    END { for (i = 1; i <= count; i++) printf "%s%s\n%s", (i > 1 ? "\n" : ""), order[i], lines[order[i]] }
' "$@"
