#!/bin/bash
# Installs the QGIS Server plugins that Lizmap needs. What is there already is not asked for again, so that the stack
# also starts while plugins.qgis.org is out of reach.
set -eu
cd "$QGIS_PLUGINPATH"
# The plugin of this repository is mounted here, in a volume that is read-only where it is mounted.
mkdir -p osgs_guard

# name, version, folder. Lizmap 3.9 wants the Lizmap server plugin 2.13 or newer.
plugins='Lizmap server|2.14.1|lizmap_server
atlasprint|3.4.4|atlasprint
wfsOutputExtension|1.8.3|wfsOutputExtension'

missing=0
while IFS='|' read -r name version folder; do
    grep -qsx "version=$version" "$folder/metadata.txt" || missing=1
done <<<"$plugins"
if [ "$missing" -eq 0 ]; then
    echo "the plugins are in place"
    exit 0
fi

[ -e sources.list ] || qgis-plugin-manager init
qgis-plugin-manager update
while IFS='|' read -r name version folder; do
    # The newest version where the wanted one is no longer offered.
    qgis-plugin-manager install "$name==$version" </dev/null || qgis-plugin-manager install "$name" </dev/null
    if [ ! -e "$folder/metadata.txt" ]; then
        echo "the plugin $name could not be installed" >&2
        exit 1
    fi
done <<<"$plugins"
