"""Makes the projects of qgis-server.test.ts with QGIS itself: python3 qgis-project.py FOLDER

FOLDER/town/town.qgs publishes the layers `towns` (WMS, WFS), `places` (WMS, WFS with edits, of the database) and `height`
(WMS, WCS), and has a layer `hidden` that is in no service and two print layouts. FOLDER/draft/draft.qgs is another project.
"""

import json
import os
import sys

from osgeo import gdal
from qgis.core import (
    QgsApplication, QgsCoordinateReferenceSystem, QgsLayoutFrame, QgsLayoutItemHtml, QgsLayoutItemLabel,
    QgsLayoutItemMap, QgsLayoutPoint, QgsLayoutSize, QgsPrintLayout, QgsProject, QgsRasterLayer, QgsRectangle,
    QgsVectorFileWriter, QgsVectorLayer,
)

folder = sys.argv[1]
application = QgsApplication([], False)
application.initQgis()


def points(file, rows):
    features = [
        {'type': 'Feature', 'properties': properties, 'geometry': {'type': 'Point', 'coordinates': place}}
        for properties, place in rows
    ]
    source = file + '.geojson'
    with open(source, 'w') as out:
        json.dump({'type': 'FeatureCollection', 'features': features}, out)
    gdal.VectorTranslate(file, source, format='GPKG', layerName=os.path.basename(file)[:-5])
    os.remove(source)


def raster(file):
    data = gdal.GetDriverByName('GTiff').Create(file, 64, 64, 1, gdal.GDT_Byte)
    data.SetGeoTransform((0, 1, 0, 64, 0, -1))
    data.SetProjection(QgsCoordinateReferenceSystem('EPSG:4326').toWkt())
    data.GetRasterBand(1).Fill(7)


def layout(project, name, size):
    made = QgsPrintLayout(project)
    made.initializeDefaults()
    made.setName(name)
    made.pageCollection().page(0).setPageSize(QgsLayoutSize(*size))
    area = QgsLayoutItemMap(made)
    area.attemptMove(QgsLayoutPoint(5, 5))
    area.attemptResize(QgsLayoutSize(size[0] - 10, size[1] - 40))
    area.setExtent(QgsRectangle(0, 0, 64, 64))
    made.addLayoutItem(area)
    title = QgsLayoutItemLabel(made)
    title.setId('title')
    title.setText('Towns')
    title.attemptMove(QgsLayoutPoint(5, size[1] - 30))
    title.attemptResize(QgsLayoutSize(90, 20))
    made.addLayoutItem(title)
    page = QgsLayoutItemHtml(made)
    page.setContentMode(QgsLayoutItemHtml.ManualHtml)
    page.setHtml('<p>page</p>')
    frame = QgsLayoutFrame(made, page)
    frame.setId('page')
    frame.attemptMove(QgsLayoutPoint(100, size[1] - 30))
    frame.attemptResize(QgsLayoutSize(50, 20))
    page.addFrame(frame)
    made.addMultiFrame(page)
    project.layoutManager().addLayout(made)


def project(name):
    home = os.path.join(folder, name)
    os.makedirs(home, exist_ok=True)
    made = QgsProject.instance()
    made.clear()
    made.setCrs(QgsCoordinateReferenceSystem('EPSG:4326'))
    made.setFileName(os.path.join(home, name + '.qgs'))
    made.writeEntryBool('Paths', '/Absolute', False)
    return home, made


home, town = project('town')
points(home + '/towns.gpkg', [({'name': 'Ulm', 'people': 126}, (10, 48)), ({'name': 'Bonn', 'people': 330}, (7, 50))])
points(home + '/hidden.gpkg', [({'secret': 'SESAME'}, (1, 1))])
raster(home + '/height.tif')
towns = QgsVectorLayer(home + '/towns.gpkg', 'towns', 'ogr')
hidden = QgsVectorLayer(home + '/hidden.gpkg', 'hidden', 'ogr')
height = QgsRasterLayer(home + '/height.tif', 'height')
source = "service='gis' key='id' srid=4326 type=Point table=\"gis\".\"places\" (geom)"
places = QgsVectorLayer(source, 'places', 'postgres')
for layer in (height, hidden, towns, places):
    assert layer.isValid(), layer.name()
    town.addMapLayer(layer)
town.writeEntry('WMSRestrictedLayers', '/', ['hidden'])
town.writeEntry('WFSLayers', '/', [towns.id(), places.id()])
for kind in ('Insert', 'Update', 'Delete'):
    town.writeEntry('WFSTLayers', kind, [places.id()])
town.writeEntry('WCSLayers', '/', [height.id()])
town.writeEntryBool('WMSAddWktGeometry', '/', True)
layout(town, 'A4', (210, 297))
layout(town, 'A0', (841, 1189))
assert town.write()

home, draft = project('draft')
points(home + '/draft.gpkg', [({'name': 'DRAFT'}, (1, 1))])
draft.addMapLayer(QgsVectorLayer(home + '/draft.gpkg', 'draft', 'ogr'))
assert draft.write()
