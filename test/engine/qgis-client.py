"""Opens the published layers with GDAL and with QGIS' own clients: python3 qgis-client.py ADDRESS, of /ogc/town."""

import sys

from osgeo import gdal
from qgis.core import QgsApplication, QgsRasterLayer, QgsVectorLayer

gdal.UseExceptions()
address = sys.argv[1]
application = QgsApplication([], False)
application.initQgis()

wfs = gdal.OpenEx(f'WFS:{address}?SERVICE=WFS&VERSION=1.1.0', gdal.OF_VECTOR)
layer = wfs.GetLayerByName('towns')
print('gdal wfs', layer.GetFeatureCount())
layer.SetAttributeFilter("name = 'Ulm'")
print('gdal wfs filter', layer.GetFeatureCount())
layer.SetAttributeFilter(None)
layer.SetSpatialFilterRect(9, 47, 11, 49)
print('gdal wfs box', sum(1 for _ in layer))

query = 'SERVICE=WMS&VERSION=1.1.1&REQUEST=GetMap&LAYERS=towns&SRS=EPSG:4326&BBOX=0,0,64,64&FORMAT=image/png'
picture = gdal.Translate('/vsimem/map.tif', f'WMS:{address}?{query}', width=64, height=64)
print('gdal wms', picture.RasterXSize)

wms = QgsRasterLayer(f'crs=EPSG:4326&format=image/png&layers=towns&styles=&url={address}', 'map', 'wms')
print('qgis wms', wms.isValid())
block = wms.dataProvider().block(1, wms.extent(), 64, 64)
print('qgis wms picture', block.isValid() and not block.isEmpty())
vector = QgsVectorLayer(f"url='{address}' typename='towns' version='1.1.0' srsname='EPSG:4326'", 'towns', 'WFS')
print('qgis wfs', vector.isValid(), sum(1 for _ in vector.getFeatures()))
filtered = QgsVectorLayer(
    f"url='{address}' typename='towns' version='1.1.0' srsname='EPSG:4326' sql=SELECT * FROM towns WHERE name = 'Ulm'",
    'towns', 'WFS',
)
print('qgis wfs filter', filtered.isValid(), sum(1 for _ in filtered.getFeatures()))
