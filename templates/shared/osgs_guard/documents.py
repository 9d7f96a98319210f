"""Which XML a visitor may send: filters, symbols of highlighted geometries, and the bodies of WFS requests."""

import re
from xml.parsers import expat

# Filter Encoding 1.0 to 2.0 without Function, which calls expressions, and GML geometries.
FILTER = frozenset(
    'Filter And Or Not PropertyIsEqualTo PropertyIsNotEqualTo PropertyIsLessThan PropertyIsGreaterThan '
    'PropertyIsLessThanOrEqualTo PropertyIsGreaterThanOrEqualTo PropertyIsLike PropertyIsNull PropertyIsBetween '
    'PropertyName ValueReference Literal LowerBoundary UpperBoundary Add Sub Mul Div FeatureId GmlObjectId ResourceId '
    'BBOX Intersects Within Contains Overlaps Touches Crosses Disjoint Equals DWithin Beyond Distance Box Envelope '
    'Point LineString LinearRing Polygon MultiPoint MultiLineString MultiPolygon MultiCurve MultiSurface pointMember '
    'lineStringMember polygonMember curveMember surfaceMember outerBoundaryIs innerBoundaryIs exterior interior '
    'coordinates coord X Y pos posList lowerCorner upperCorner'.split()
)
# Symbology Encoding without ExternalGraphic, OnlineResource, InlineContent, Filter, Label and Function.
SYMBOL = frozenset(
    'StyledLayerDescriptor NamedLayer UserStyle FeatureTypeStyle Rule Name Title Abstract Description IsDefault '
    'PointSymbolizer LineSymbolizer PolygonSymbolizer Fill Stroke SvgParameter CssParameter Graphic GraphicFill '
    'GraphicStroke Mark WellKnownName Size Opacity Rotation Displacement DisplacementX DisplacementY '
    'PerpendicularOffset Literal Gap InitialGap'.split()
)
# Text of a printed label. No tag may have an attribute: style, src and href fetch.
TEXT = frozenset('b i u br p em strong sub sup small big span div ul ol li h1 h2 h3 h4 h5 h6 table tr td th'.split())
NAMESPACE = re.compile(
    r"https?://(?:(?:www|schemas)\.opengis\.net|www\.w3\.org|www\.qgis\.org)(?:/[A-Za-z0-9_./#:-]*)?(?=[\s\"'<>]|$)"
)
ADDRESS = re.compile(r'[a-z][a-z0-9+.-]*:/|(?:^|[\s"\'(=])(?://|\\\\|/vsi)|\b(?:data|javascript):', re.IGNORECASE)
TAG = re.compile(r'<(/?)(?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*)')

REQUESTS = frozenset(['GetCapabilities', 'DescribeFeatureType', 'GetFeature'])
ATTRIBUTES = frozenset(
    'service version outputformat resulttype maxfeatures count startindex handle srsname releaseaction lockid '
    'traversexlinkdepth'.split()
)
ENCODING = re.compile(rb'^\s*<\?xml[^>]*?encoding\s*=\s*["\'](?!utf-8["\']|us-ascii["\']|iso-8859-1["\'])', re.IGNORECASE)
DEPTH = 100


def address(text):
    """Whether a text holds an address that is not a known XML namespace."""
    return ADDRESS.search(NAMESPACE.sub('', text)) is not None


def markup_problem(text, allowed, attributes=True):
    """Says what in a fragment of XML is refused, or None. Each `<` must begin a tag that is allowed."""
    for found in re.finditer('<', text):
        tag = TAG.match(text, found.start())
        if not tag:
            return repr(text[found.start() : found.start() + 12])
        if tag.group(3) not in allowed:
            return f'<{tag.group(3)}>'
        if not attributes and not re.match(r'\s*/?>', text[tag.end() :]):
            return f'attributes of <{tag.group(3)}>'
    if re.search(r'\b(?:href|src)\s*=', text, re.IGNORECASE):
        return 'href'
    return 'an address' if address(text) else None


def body_problem(body, write):
    """Says what in a request's body is refused, or None. A form is no concern here: its fields are parameters."""
    if b'\0' in body or not is_utf8(body):
        return 'a body that is not UTF-8'
    if not is_xml(body):
        return None
    if ENCODING.match(body.lstrip(b'\xef\xbb\xbf')):
        return 'the encoding of the XML'
    try:
        return Reader(write).read(body)
    except expat.ExpatError:
        return 'XML that is not well-formed'


def is_xml(body):
    return body.lstrip(b'\xef\xbb\xbf \t\r\n').startswith(b'<')


def is_utf8(body):
    try:
        body.decode('utf-8')
        return True
    except UnicodeDecodeError:
        return False


class Reader:
    """Reads the XML body of a WFS request."""

    def __init__(self, write):
        self.requests = REQUESTS | {'Transaction'} if write else REQUESTS
        self.path = []
        self.text = ''
        self.found = None

    def read(self, body):
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = lambda *_: self.refuse('DOCTYPE')
        parser.EntityDeclHandler = lambda *_: self.refuse('ENTITY')
        parser.ProcessingInstructionHandler = lambda *_: self.refuse('a processing instruction')
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.data
        for at in range(0, len(body), 65536):
            parser.Parse(body[at : at + 65536], False)
            if self.found:
                return self.found
        parser.Parse(b'', True)
        return self.found

    def refuse(self, what):
        self.found = self.found or what

    def start(self, name, attributes):
        local = name.rpartition(':')[2]
        if not self.path:
            if local not in self.requests:
                self.refuse(f'<{local}>')
            names = [key for key in attributes if not key.startswith(('xmlns', 'xsi:'))]
            for key in names:
                if key.lower() not in ATTRIBUTES:
                    self.refuse(f'the attribute {key}')
            if len({key.lower() for key in names}) < len(names):
                self.refuse('an attribute that is given twice')
        elif 'Filter' in self.path and local not in FILTER:
            self.refuse(f'<{local}> in a filter')
        self.path.append(local)
        self.text = ''
        if len(self.path) > DEPTH:
            self.refuse('XML that is nested so deeply')

    def data(self, text):
        self.text += text

    def end(self, _name):
        # The property that QGIS sorts by is an expression.
        if self.path[-1] == 'PropertyName' and 'SortBy' in self.path and re.search(r"[()'@$\[\]]", self.text):
            self.refuse('an expression in SortBy')
        self.path.pop()
        self.text = ''
