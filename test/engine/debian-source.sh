# shellcheck shell=bash
# Sourced: finds the machine's own Debian archive in its apt sources.

# Prints "URI suite file:line" of the first Debian main archive apt knows.
debian_archive() {
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(SOURCESENTRY)' \
    'Created-By: Packages' 'Component: main' 'Origin: Debian' 'Label: Debian' |
    awk '$2 !~ /-/ { print; exit }'
}

# Prints a deb822 source for the given suite: same URI, same keyring.
debian_source() {
  local uri entry keyring
  if ! read -r uri _ entry < <(debian_archive); then
    echo 'apt knows no Debian archive: run apt-get update first' >&2
    return 1
  fi
  keyring=$(grep -ohiE 'signed-by[:=][[:space:]]*/[^] ,]+' "${entry%:*}" | head -n 1 | grep -o '/.*' || true)
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n' "$uri" "$1"
  if [ -n "$keyring" ]; then printf 'Signed-By: %s\n' "$keyring"; fi
}
