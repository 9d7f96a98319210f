"""What can be checked of a WFS transaction only when the project is open."""

import xml.etree.ElementTree as ElementTree

from qgis.core import QgsMapLayerType, QgsProject

from . import documents
from .rules import Refused

# QGIS knows the geometry of a feature by this name, whatever the column is called.
OTHERS = {'geometry', 'boundedBy'}


def check_transaction(body):
    """Refuses an insert that names a field which the layer lacks.

    QGIS goes on with the same field for ever (services/wfs/qgswfstransaction.cpp, createFeaturesFromGML: `continue` before
    the next field is taken), so that one request keeps a process busy until the container restarts.
    """
    if not documents.is_xml(body):
        return
    for insert in ElementTree.fromstring(body).iter():
        if local(insert.tag) != 'Insert':
            continue
        for feature in insert:
            known = fields_of(local(feature.tag)) | OTHERS
            for field in feature:
                if local(field.tag) not in known:
                    raise Refused(f'{local(feature.tag)[:50]} has no field {local(field.tag)[:50]}.')


def fields_of(type_name):
    """The fields of a layer, by the name that WFS gives it; of all layers, where none has the name."""
    layers = [
        layer
        for layer in QgsProject.instance().mapLayers().values()
        if layer.type() == QgsMapLayerType.VectorLayer
    ]
    named = [layer for layer in layers if type_name in names_of(layer)]
    return {field.name() for layer in named or layers for field in layer.fields()}


def names_of(layer):
    names = (layer.name(), layer.id(), layer.serverProperties().shortName())
    return {name.replace(' ', '_') for name in names}


def local(tag):
    return tag.rsplit('}', 1)[-1] if isinstance(tag, str) else ''
