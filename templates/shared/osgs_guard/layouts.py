"""What can be checked only when the project is open: the sizes of maps and prints, and items of a print."""

from qgis.core import Qgis, QgsLayoutItemHtml, QgsProject

from .rules import Refused


def check_project(settings, parameters):
    request = parameters.get('REQUEST', '').lower()
    project = QgsProject.instance()
    if project is None:
        return
    if request == 'getprint':
        check_print(settings, parameters, project)
    elif request in ('getmap', 'getfeatureinfo'):
        check_map(settings, parameters, project)


def check_map(settings, parameters, project):
    width, height = (int(float(parameters.get(name) or 0)) for name in ('WIDTH', 'HEIGHT'))
    names = parameters.get('LAYERS', '').split(',') + parameters.get('HIGHLIGHT_GEOM', '').split(';')
    layers = sum(layers_of(project, name) for name in names if name)
    if width * height * max(layers, 1) > settings.pixels:
        raise Refused(f'{width} x {height} pixels with {layers} layers. Ask for a smaller map or for fewer layers.')


def layers_of(project, name):
    """How many layers QGIS draws for a name: a group is drawn as all of its layers, the project's name as all."""
    root = project.layerTreeRoot()
    group = root.findGroup(name)
    if group is not None:
        return len(group.findLayers())
    for layer in project.mapLayers().values():
        if name in (layer.name(), layer.id(), layer.serverProperties().shortName()):
            return 1
    return max(len(root.findLayers()), 1)


def check_print(settings, parameters, project):
    layout = project.layoutManager().layoutByName(parameters.get('TEMPLATE', ''))
    if layout is None:
        return
    for frames in layout.multiFrames():
        if isinstance(frames, QgsLayoutItemHtml) and frames.frameCount() > 0:
            if frames.frame(0).id().upper() in parameters:
                raise Refused('the print has an HTML item, which a request may not fill.')
    dpi = float(parameters.get('DPI') or layout.renderContext().dpi())
    for number in range(layout.pageCollection().pageCount()):
        size = layout.pageCollection().page(number).pageSize()
        page = layout.renderContext().measurementConverter().convert(size, Qgis.LayoutUnit.Millimeters)
        if page.width() / 25.4 * dpi * page.height() / 25.4 * dpi > settings.pixels / 2:
            raise Refused(f'a page of {page.width():.0f} x {page.height():.0f} mm with {dpi:.0f} dpi.')
    check_grids(parameters)


def check_grids(parameters):
    """A grid with a tiny interval has millions of lines."""
    for name, value in parameters.items():
        prefix, _, what = name.partition(':')
        if what not in ('GRID_INTERVAL_X', 'GRID_INTERVAL_Y') or not value.strip():
            continue
        extent = [float(number) for number in parameters.get(f'{prefix}:EXTENT', '0,0,0,0').split(',')]
        across = max(abs(extent[2] - extent[0]), abs(extent[3] - extent[1]))
        if float(value) > 0 and across / float(value) > 1000:
            raise Refused('a grid with more than 1000 lines.')
