"""What is refused, by parameter. Only the standard library, so that it runs without QGIS.

Where QGIS reads each parameter, in qgis/QGIS at 3.44: src/server/
- qgsserver.cpp, qgsrequesthandler.cpp: MAP names any file; fields of a form, and attributes of an XML body's root, are
  parameters, and the last one of two equal ones counts.
- services/wms/qgswmsparameters.cpp: SLD is fetched (loadUrl), NAME:URL of an EXTERNAL_WMS:NAME layer is fetched.
- services/wms/qgswmsrenderer.cpp: SLD_BODY and HIGHLIGHT_SYMBOL load ExternalGraphic; label texts of GetPrint may hold
  [% expression %] and HTML; ATLAS_PK becomes part of an expression where the layer has no key; DPI and the page make the
  size of a print.
- services/wfs/qgswfsgetfeature.cpp: EXP_FILTER and SORTBY are expressions, FILTER may call them with ogc:Function; there
  is no limit of features.
- services/wfs/qgswfstransaction.cpp: OPERATION=DELETE needs no body, and a body counts with every method.
- services/wcs/qgswcsgetcoverage.cpp: WIDTH and HEIGHT have no limit.
- CRS, SRS, SRSNAME, RESPONSE_CRS and the fifth part of BBOX may be any text that PROJ reads, with names of files.
"""

import re
from urllib.parse import unquote

from . import documents, expressions


class Refused(Exception):
    """Why a request is refused, in words for the visitor."""


STANDARD = frozenset(['', 'WMS', 'WFS', 'WCS', 'WMTS'])
NEVER = frozenset(['SLD', 'SLD_BODY'])
CRS = frozenset(['CRS', 'SRS', 'SRSNAME', 'RESPONSE_CRS'])
# Lists of layers.
LAYERS = frozenset(['LAYERS', 'LAYER', 'QUERY_LAYERS', 'TYPENAME', 'TYPENAMES'])
SIDES = frozenset(['WIDTH', 'HEIGHT', 'SRCWIDTH', 'SRCHEIGHT'])
# Millimetres and points of a legend or a label.
LENGTHS = frozenset(
    'BOXSPACE LAYERSPACE LAYERTITLESPACE SYMBOLSPACE ICONLABELSPACE SYMBOLWIDTH SYMBOLHEIGHT ITEMFONTSIZE LAYERFONTSIZE '
    'HIGHLIGHT_LABELSIZE HIGHLIGHT_LABELBUFFERSIZE HIGHLIGHT_LABEL_DISTANCE'.split()
)
COUNTS = frozenset(['MAXFEATURES', 'COUNT', 'LIMIT', 'FEATURE_COUNT'])
# Expressions and filters have rules of their own. Texts in them are compared, not opened.
FILTERS = frozenset(['EXP_FILTER', 'FILTER', 'SORTBY', 'FILTER_GEOM'])
MAP_PARAMETER = re.compile(r'^MAP\d+:([A-Z_]+)$')
CRS_NAME = re.compile(
    r'^(?:(?!PROJ|WKT|FILE)[A-Za-z][A-Za-z0-9_]*:[A-Za-z0-9_.,-]+|urn:(?:x-)?ogc:def:crs:[A-Za-z0-9_.:-]+'
    r'|https?://www\.opengis\.net/[A-Za-z0-9_./#-]+)$',
    re.IGNORECASE,
)
NUMBER = re.compile(r'^\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?\s*$')
PARAMETERS, LENGTH, SYMBOLS, MILLIMETRES = 200, 1_000_000, 200, 500


def check_request(settings, parameters, body, path, project):
    """Raises Refused where a request asks for more than what is published."""
    service = parameters.get('SERVICE', '').upper()
    if len(parameters) > PARAMETERS:
        raise Refused(f'more than {PARAMETERS} parameters.')
    check_body(settings, parameters, body)
    trusted = service in settings.trusted_services
    for name, value in parameters.items():
        check_parameter(settings, name, value, bool(body), trusted)
    if service not in STANDARD | settings.services and not trusted:
        raise Refused(f'the service {service[:20]} is not offered here.')
    if parameters.get('REQUEST', '').lower() == 'transaction':
        if settings.body != 'write':
            raise Refused('write access is off.')
        if not documents.is_xml(body):
            raise Refused('a transaction has to come as an XML document.')
    check_project_file(settings, path, project)


def check_project_file(settings, path, project):
    """The file that QGIS is about to open has to be the one that the path names."""
    place = settings.path.fullmatch(path)
    if not place:
        raise Refused('there is no such path.')
    pattern = settings.project
    if 'name' in place.groupdict():
        pattern = pattern.replace('{name}', re.escape(place.group('name')))
    if project and ('/../' in project or not re.fullmatch(pattern, project)):
        raise Refused('MAP names a project that is not published here.')


def check_body(settings, parameters, body):
    if not body.strip():
        if 'REQUEST_BODY' in parameters:
            raise Refused('the parameter REQUEST_BODY.')
        return
    if settings.body == 'none':
        raise Refused('requests with a body. Use GET.')
    problem = documents.body_problem(body, settings.body == 'write')
    if problem:
        raise Refused(f'the request body has {problem}.')


def check_parameter(settings, name, value, has_body, trusted):
    """Checks one parameter, whose name is in capitals as QGIS has it."""
    if name == 'MAP' or (name == 'REQUEST_BODY' and has_body):
        return
    if (len(value) > LENGTH and not trusted) or len(name) > 100:
        raise Refused(f'the parameter {name[:40]} is too long.')
    plain = name
    if ':' in name:
        in_map = MAP_PARAMETER.match(name)
        if not in_map:
            raise Refused(f'the parameter {name[:40]}: external layers are not drawn.')
        plain = in_map.group(1)
    if plain in NEVER:
        raise Refused(f'the parameter {plain}: styles from requests are not used.')
    if any('external_wms:' in text.lower() for text in decoded(value)):
        raise Refused('external layers are not drawn.')
    if not trusted:
        check_value(settings, plain, value)


def check_value(settings, name, value):
    if name in FILTERS:
        check_filter(name, value)
        return
    if '[%' in value:
        raise Refused(f'an expression in {name[:40]}.')
    if name == 'HIGHLIGHT_SYMBOL':
        check_symbol(value)
        return
    if name in CRS and value and not CRS_NAME.match(value):
        raise Refused(f'{name} is not the name of a coordinate system.')
    if name == 'BBOX':
        check_box(value)
    if any(documents.address(text) for text in decoded(value)):
        raise Refused(f'an address in {name[:40]}: nothing is fetched for requests.')
    if '<' in value:
        problem = documents.markup_problem(value, documents.TEXT, attributes=False)
        if problem:
            raise Refused(f'{problem} in {name[:40]}.')
    if name == 'ATLAS_PK' and re.search(r"[()=<>'\"@$]|\b(?:or|and|in|is|like|not|between)\b", value, re.IGNORECASE):
        raise Refused('an expression in ATLAS_PK.')
    if name == 'FILE_NAME' and not re.match(r'^[\w .()-]{1,120}$', value):
        raise Refused('FILE_NAME is not a plain file name.')
    if name in ('LEGEND_ON', 'LEGEND_OFF') and not all(part.count(':') == 1 for part in value.split(';')):
        # Lizmap's plugin ends the process at anything else.
        raise Refused(f'{name} is not a list of LAYER:RULE.')
    check_sizes(settings, name, value)


def check_sizes(settings, name, value):
    if name in LAYERS and len(re.findall(r'[,()]+', value.strip('()'))) + 1 > settings.layers:
        raise Refused(f'more than {settings.layers} layers.')
    if name in SIDES:
        at_most(name, value, settings.side)
    elif name == 'DPI':
        at_most(name, value, settings.dpi)
    elif name in LENGTHS:
        for part in re.split('[;,]', value):
            at_most(name, part, MILLIMETRES)
    elif name in COUNTS or name == 'STARTINDEX':
        at_most(name, value, 2**31 - 1)
        if name == 'FEATURE_COUNT':
            at_most(name, value, settings.features)


def at_most(name, value, limit):
    if not value.strip():
        return
    if not NUMBER.match(value):
        raise Refused(f'{name} is not a number.')
    if float(value) > limit:
        raise Refused(f'{name} is larger than {limit}.')


def check_box(value):
    parts = value.split(',')
    if not all(not part.strip() or NUMBER.match(part) for part in parts[:4]) or len(parts) > 5:
        raise Refused('BBOX is not a list of numbers.')
    if len(parts) == 5 and not CRS_NAME.match(parts[4]):
        raise Refused('BBOX names no coordinate system.')


def check_filter(name, value):
    """An expression of QGIS, or Filter Encoding, or LAYER:SQL of WMS."""
    if name == 'FILTER_GEOM':
        problem = None if re.match(r'^[A-Za-z0-9 ,.()+-]*$', value) else 'more than WKT'
    elif name == 'SORTBY':
        problem = 'an expression' if re.search(r"[()'@$\[\]]", value) else None
    elif name == 'FILTER' and value.lstrip(' \t\r\n(').startswith('<'):
        problem = documents.markup_problem(value, documents.FILTER)
    elif name == 'FILTER':
        # WMS: LAYER,LAYER:SQL;LAYER:SQL. QGIS allows no function here; this says so before a project is opened.
        problem = next(filter(None, map(sql_problem, value.split(';'))), None)
    else:
        problem = expressions.problem(value)
    if problem:
        raise Refused(f'{problem} in {name}. Compare the published attributes only.')


def sql_problem(part):
    return expressions.problem(part.partition(':')[2], frozenset())


def check_symbol(value):
    symbols = [part for part in value.split(';') if part.strip()]
    if len(symbols) > SYMBOLS:
        raise Refused(f'more than {SYMBOLS} highlighted geometries.')
    for symbol in symbols:
        problem = documents.markup_problem(symbol, documents.SYMBOL)
        if problem:
            raise Refused(f'{problem} in HIGHLIGHT_SYMBOL.')


def features_limit(settings, parameters):
    """How many features a WFS answer may have, where the request asks for more or does not say."""
    if parameters.get('SERVICE', '').upper() != 'WFS' or parameters.get('REQUEST', '').lower() != 'getfeature':
        return None
    if parameters.get('RESULTTYPE', '').lower() == 'hits':
        return None
    asked = [int(float(parameters[name])) for name in ('MAXFEATURES', 'COUNT') if parameters.get(name, '').strip()]
    wanted = min([number for number in asked if number > 0], default=settings.features)
    limit = min(wanted, settings.features)
    return None if asked == [limit] and 'COUNT' not in parameters else limit


def decoded(value):
    """The value, and what it becomes where something decodes it once or twice more."""
    once = unquote(value)
    return {value, once, unquote(once)} if '%' in value else {value}
