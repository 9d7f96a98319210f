"""Loads a layer of a vector file into a table of the database.

`make load` and `make gdal-load` run it in the container gdal. FILE, SCHEMA (gis), LAYER, TABLE and MODE come from its
environment, further options of ogr2ogr as arguments.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from osgeo import gdal

gdal.UseExceptions()


def plain(name):
    """A name that needs no quotes in SQL: small letters, digits and underscores, no digit first."""
    return re.sub(r"^(?=\d)", "_", re.sub(r"[^a-z0-9_]", "_", name.lower()))[:60]


def main():
    if not os.environ.get("PGHOST"):
        sys.exit("PostGIS is not in this stack: npm create osgs@latest add postgis")
    file, layer = os.environ["FILE"], os.environ.get("LAYER")
    mode = os.environ.get("MODE") or "create"
    if mode not in ("create", "append", "overwrite"):
        sys.exit(f"mode is append or overwrite, not '{mode}'")
    source = gdal.OpenEx(file, gdal.OF_VECTOR)
    layers = [source.GetLayer(index).GetName() for index in range(source.GetLayerCount())]
    if not layer and len(layers) > 1:
        sys.exit(f"{file} has several layers, say which: layer=NAME, one of {', '.join(layers)}")
    schema = plain(os.environ.get("SCHEMA") or "gis")
    table = schema + "." + plain(os.environ.get("TABLE") or layer or Path(file).stem)
    database = f"PG:dbname={os.environ['PGDATABASE']}"
    if schema != "gis":
        gdal.OpenEx(database, gdal.OF_VECTOR | gdal.OF_UPDATE).ExecuteSQL(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    # ogr2ogr would add the rows a second time.
    if mode == "create" and gdal.OpenEx(database, gdal.OF_VECTOR).GetLayerByName(table):
        sys.exit(f"{table} is there already: mode=append adds the rows, mode=overwrite drops it and the views that read it")
    options = {
        "create": ["-lco", "GEOMETRY_NAME=geom", "-lco", "FID=fid", "-lco", "PRECISION=NO"],
        "append": ["-append"],
        "overwrite": ["-overwrite", "-lco", "GEOMETRY_NAME=geom", "-lco", "FID=fid", "-lco", "PRECISION=NO"],
    }[mode]
    names = [layer] if layer else []
    command = ["ogr2ogr", "-f", "PostgreSQL", database, file, *names, "-nln", table, "-nlt", "PROMOTE_TO_MULTI"]
    if subprocess.run([*command, *options, *sys.argv[1:]]).returncode != 0:
        sys.exit(f"{file} was not loaded")
    print(f"loaded {file} into {table}")


try:
    main()
except RuntimeError as error:
    sys.exit(str(error))
