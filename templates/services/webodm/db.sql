-- WebODM's first migration makes a raster column, which later ones drop (WebODM/WebODM:app/migrations). PostGIS 3 has
-- rasters in an extension of its own.
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS postgis_raster;
