-- What goes from OpenStreetMap into which table of the schema osm. This file is yours: `make osm-mirror-import` makes the
-- tables anew from it. https://osm2pgsql.org/doc/manual.html#the-flex-output

-- The area of clip.geojson, where it has one. What touches it is kept whole.
local clip
if os.getenv('CLIP') == 'yes' then
    clip = osm2pgsql.define_locator({ name = 'clip' })
    clip:add_from_db("SELECT 'clip', ST_Subdivide(ST_GeomFromText(clip, 4326), 256) FROM osm.mirror")
end

-- Web maps use this projection, so tiles need no calculation.
local srid = 3857

-- A table with the object's number, all its tags and a geometry besides its own columns. Numbers of relations are
-- negative in tables of areas, so that they are unique.
local function define(name, ids, kind, columns)
    table.insert(columns, { column = 'tags', type = 'jsonb' })
    table.insert(columns, { column = 'geom', type = kind, projection = srid, not_null = true })
    ids.create_index = 'primary_key'
    return osm2pgsql.define_table({ name = name, schema = 'osm', ids = ids, columns = columns })
end

local function node() return { type = 'node', id_column = 'osm_id' } end
local function way() return { type = 'way', id_column = 'osm_id' } end
local function area() return { type = 'area', id_column = 'osm_id' } end

local places = define('places', node(), 'point', {
    { column = 'class', type = 'text' },
    { column = 'name', type = 'text' },
    { column = 'population', type = 'int' },
})
-- From points and from areas, so the number alone is not unique.
local pois = define('pois', { type = 'any', type_column = 'osm_type', id_column = 'osm_id' }, 'point', {
    { column = 'class', type = 'text' },
    { column = 'subclass', type = 'text' },
    { column = 'name', type = 'text' },
})
local addresses = define('addresses', { type = 'any', type_column = 'osm_type', id_column = 'osm_id' }, 'point', {
    { column = 'housenumber', type = 'text' },
    { column = 'street', type = 'text' },
    { column = 'postcode', type = 'text' },
    { column = 'city', type = 'text' },
})
local roads = define('roads', way(), 'linestring', {
    { column = 'class', type = 'text' },
    { column = 'name', type = 'text' },
    { column = 'ref', type = 'text' },
    { column = 'surface', type = 'text' },
    { column = 'oneway', type = 'direction' },
    { column = 'bridge', type = 'bool' },
    { column = 'tunnel', type = 'bool' },
    { column = 'layer', type = 'int' },
})
local railways = define('railways', way(), 'linestring', {
    { column = 'class', type = 'text' },
    { column = 'name', type = 'text' },
    { column = 'bridge', type = 'bool' },
    { column = 'tunnel', type = 'bool' },
    { column = 'layer', type = 'int' },
})
local waterways = define('waterways', way(), 'linestring', {
    { column = 'class', type = 'text' },
    { column = 'name', type = 'text' },
})
local power = define('power', way(), 'linestring', {
    { column = 'class', type = 'text' },
    { column = 'voltage', type = 'text' },
})
local water = define('water', area(), 'multipolygon', {
    { column = 'class', type = 'text' },
    { column = 'name', type = 'text' },
})
local landuse = define('landuse', area(), 'multipolygon', {
    { column = 'class', type = 'text' },
    { column = 'subclass', type = 'text' },
    { column = 'name', type = 'text' },
})
local buildings = define('buildings', area(), 'multipolygon', {
    { column = 'class', type = 'text' },
    { column = 'name', type = 'text' },
    { column = 'housenumber', type = 'text' },
    { column = 'levels', type = 'int' },
})
local boundaries = define('boundaries', area(), 'multipolygon', {
    { column = 'class', type = 'text' },
    { column = 'admin_level', type = 'int' },
    { column = 'name', type = 'text' },
})

local poi_keys = { 'amenity', 'shop', 'tourism', 'historic', 'leisure', 'healthcare', 'office', 'craft', 'emergency', 'man_made' }
-- Of natural=* what covers land, not trees and peaks.
local land_cover = {
    bare_rock = true, beach = true, fell = true, glacier = true, grassland = true, heath = true, mud = true, sand = true,
    scree = true, scrub = true, shingle = true, wetland = true, wood = true,
}
local water_landuse = { basin = true, reservoir = true }
local green_leisure = { garden = true, golf_course = true, nature_reserve = true, park = true, pitch = true, playground = true }

-- Adds a row, where its geometry is valid and in the area.
local function add(table, object, geom, row)
    if geom:is_null() or (clip and not clip:first_intersecting(geom)) then
        return
    end
    row.tags = object.tags
    row.geom = geom
    table:insert(row)
end

-- A point of interest and an address, of a point or of an area, for which a point inside stands.
local function add_points(object, geom)
    local t = object.tags
    local poi
    for _, key in ipairs(poi_keys) do
        if t[key] then
            poi = key
            break
        end
    end
    if not (poi or t['addr:housenumber']) then
        return
    end
    if geom:geometry_type() == 'POLYGON' then
        geom = geom:pole_of_inaccessibility()
    elseif geom:geometry_type() == 'MULTIPOLYGON' then
        geom = geom:centroid()
    end
    if poi then
        add(pois, object, geom, { class = poi, subclass = t[poi], name = t.name })
    end
    if t['addr:housenumber'] then
        add(addresses, object, geom, {
            housenumber = t['addr:housenumber'], street = t['addr:street'] or t['addr:place'],
            postcode = t['addr:postcode'], city = t['addr:city'],
        })
    end
end

local function add_area(object, geom)
    if geom:is_null() then
        return
    end
    local t = object.tags
    if t.building then
        add(buildings, object, geom, {
            class = t.building, name = t.name, housenumber = t['addr:housenumber'],
            levels = tonumber((t['building:levels'] or ''):match('^%d%d?%d?$')),
        })
    end
    if t.natural == 'water' or t.waterway == 'riverbank' or t.waterway == 'dock' or water_landuse[t.landuse] then
        add(water, object, geom, { class = t.water or t.landuse or t.waterway or t.natural, name = t.name })
    elseif t.landuse then
        add(landuse, object, geom, { class = 'landuse', subclass = t.landuse, name = t.name })
    elseif land_cover[t.natural] then
        add(landuse, object, geom, { class = 'natural', subclass = t.natural, name = t.name })
    elseif green_leisure[t.leisure] then
        add(landuse, object, geom, { class = 'leisure', subclass = t.leisure, name = t.name })
    end
    add_points(object, geom)
end

local function yes(value)
    return value ~= nil and value ~= 'no'
end

local function layer(t)
    return tonumber((t.layer or ''):match('^-?%d$'))
end

function osm2pgsql.process_node(object)
    local t = object.tags
    local geom = object:as_point()
    if t.place then
        add(places, object, geom, {
            class = t.place, name = t.name,
            population = tonumber((t.population or ''):match('^%d%d?%d?%d?%d?%d?%d?%d?%d?$')),
        })
    end
    add_points(object, geom)
end

function osm2pgsql.process_way(object)
    local t = object.tags
    local line = t.highway or t.railway or t.waterway or t.power
    if line and t.area ~= 'yes' then
        local geom = object:as_linestring()
        if t.highway then
            add(roads, object, geom, {
                class = t.highway, name = t.name, ref = t.ref, surface = t.surface, oneway = t.oneway,
                bridge = yes(t.bridge), tunnel = yes(t.tunnel), layer = layer(t),
            })
        end
        if t.railway then
            add(railways, object, geom, {
                class = t.railway, name = t.name, bridge = yes(t.bridge), tunnel = yes(t.tunnel), layer = layer(t),
            })
        end
        if t.waterway and t.waterway ~= 'riverbank' and t.waterway ~= 'dock' then
            add(waterways, object, geom, { class = t.waterway, name = t.name })
        end
        if t.power == 'line' or t.power == 'minor_line' or t.power == 'cable' then
            add(power, object, geom, { class = t.power, voltage = t.voltage })
        end
    end
    if object.is_closed and not (t.highway and t.area ~= 'yes') then
        add_area(object, object:as_polygon())
    end
end

function osm2pgsql.process_relation(object)
    local t = object.tags
    if t.type == 'multipolygon' then
        add_area(object, object:as_multipolygon())
    elseif t.type == 'boundary' and t.boundary then
        add(boundaries, object, object:as_multipolygon(), {
            class = t.boundary, admin_level = tonumber((t.admin_level or ''):match('^%d%d?$')), name = t.name,
        })
    end
end
