/** Requests to QGIS Server: those of map clients, and those that ask for what is not published. */

export interface Asked {
  name: string;
  path: string;
  /** A form or an XML document. */
  body?: string;
  type?: string;
}

type Query = Record<string, string>;
const town = '/ogc/town';
const at = (name: string, query: Query | string, path = town): Asked => ({
  name,
  path: `${path}?${typeof query === 'string' ? query : new URLSearchParams(query).toString()}`,
});
const post = (name: string, body: string, query = '', type = 'text/xml'): Asked => ({
  name,
  path: query === '' ? town : `${town}?${query}`,
  body,
  type,
});

const map: Query = {
  SERVICE: 'WMS',
  VERSION: '1.3.0',
  REQUEST: 'GetMap',
  CRS: 'EPSG:4326',
  BBOX: '0,0,64,64',
  WIDTH: '100',
  HEIGHT: '100',
  FORMAT: 'image/png',
  STYLES: '',
  LAYERS: 'towns',
};
const features: Query = {
  SERVICE: 'WFS',
  VERSION: '1.1.0',
  REQUEST: 'GetFeature',
  TYPENAME: 'towns',
  OUTPUTFORMAT: 'GeoJSON',
};
const coverage: Query = {
  SERVICE: 'WCS',
  VERSION: '1.0.0',
  REQUEST: 'GetCoverage',
  COVERAGE: 'height',
  CRS: 'EPSG:4326',
  BBOX: '0,0,64,64',
  WIDTH: '50',
  HEIGHT: '50',
  FORMAT: 'GTiff',
};
const print: Query = {
  SERVICE: 'WMS',
  VERSION: '1.3.0',
  REQUEST: 'GetPrint',
  TEMPLATE: 'A4',
  CRS: 'EPSG:4326',
  FORMAT: 'png',
  DPI: '72',
  'map0:EXTENT': '0,0,64,64',
  'map0:LAYERS': 'towns',
};
/** As Lizmap writes it: 3liz/lizmap-web-client:assets/src/modules/Digitizing.js */
const symbol = (rule: string): string =>
  `<StyledLayerDescriptor xmlns="http://www.opengis.net/sld" xmlns:ogc="http://www.opengis.net/ogc" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" version="1.1.0" xmlns:xlink="http://www.w3.org/1999/xlink" xsi:schemaLocation="http://www.opengis.net/sld http://schemas.opengis.net/sld/1.1.0/StyledLayerDescriptor.xsd" xmlns:se="http://www.opengis.net/se"><UserStyle><se:FeatureTypeStyle><se:Rule>${rule}</se:Rule></se:FeatureTypeStyle></UserStyle></StyledLayerDescriptor>`;
const point = (size: string): string =>
  `<se:PointSymbolizer><se:Graphic><se:Mark><se:WellKnownName>circle</se:WellKnownName><se:Fill><se:SvgParameter name="fill">#ff0000</se:SvgParameter></se:Fill></se:Mark><se:Size>${size}</se:Size></se:Graphic></se:PointSymbolizer>`;
const here = { HIGHLIGHT_GEOM: 'POINT(10 48)', HIGHLIGHT_SYMBOL: symbol(point('20')) };

export const ordinary: Asked[] = [
  at('WMS capabilities', { SERVICE: 'WMS', REQUEST: 'GetCapabilities' }),
  at('WMS 1.1.1 in small letters', { service: 'WMS', version: '1.1.1', request: 'GetCapabilities' }),
  at('WFS capabilities', { SERVICE: 'WFS', REQUEST: 'GetCapabilities', VERSION: '1.1.0' }),
  at('WCS capabilities', { SERVICE: 'WCS', REQUEST: 'GetCapabilities', VERSION: '1.0.0' }),
  at('WMTS capabilities', { SERVICE: 'WMTS', REQUEST: 'GetCapabilities', VERSION: '1.0.0' }),
  at('project settings', { SERVICE: 'WMS', REQUEST: 'GetProjectSettings' }),
  at('a map', map),
  at('a map of QGIS Desktop', {
    ...map,
    DPI: '96',
    MAP_RESOLUTION: '96',
    FORMAT_OPTIONS: 'dpi:96',
    TRANSPARENT: 'TRUE',
  }),
  at('a map with a filter', { ...map, FILTER: 'towns:"name" = \'Ulm\'' }),
  at("a map with Lizmap's filter", { ...map, FILTER: 'towns:"people" IN ( 126 , 330 )' }),
  at('a map with a selection', { ...map, SELECTION: 'towns:1,2' }),
  at('a map with Filter Encoding', {
    ...map,
    FILTER:
      '<Filter><PropertyIsEqualTo><PropertyName>name</PropertyName><Literal>Ulm</Literal></PropertyIsEqualTo></Filter>',
  }),
  at('a map with a highlight', { ...map, ...here, HIGHLIGHT_LABELSTRING: 'here', HIGHLIGHT_LABELSIZE: '12' }),
  at('feature info', {
    ...map,
    REQUEST: 'GetFeatureInfo',
    QUERY_LAYERS: 'towns',
    I: '50',
    J: '50',
    INFO_FORMAT: 'text/xml',
    FEATURE_COUNT: '10',
    FI_POINT_TOLERANCE: '16',
    WITH_GEOMETRY: 'TRUE',
  }),
  at('a legend', {
    SERVICE: 'WMS',
    VERSION: '1.3.0',
    REQUEST: 'GetLegendGraphic',
    LAYER: 'towns',
    FORMAT: 'image/png',
    SLD_VERSION: '1.1.0',
  }),
  at("Lizmap's legend", {
    SERVICE: 'WMS',
    VERSION: '1.3.0',
    REQUEST: 'GetLegendGraphic',
    LAYERS: 'towns',
    FORMAT: 'application/json',
    DPI: '96',
    SYMBOLSPACE: '2',
    ICONLABELSPACE: '2',
    ITEMFONTSIZE: '9',
  }),
  at('a description of a layer', {
    SERVICE: 'WMS',
    VERSION: '1.1.1',
    REQUEST: 'DescribeLayer',
    LAYERS: 'towns',
    SLD_VERSION: '1.1.0',
  }),
  at('styles', { SERVICE: 'WMS', VERSION: '1.1.1', REQUEST: 'GetStyles', LAYERS: 'towns' }),
  at('a feature type', {
    SERVICE: 'WFS',
    VERSION: '1.1.0',
    REQUEST: 'DescribeFeatureType',
    TYPENAME: 'towns',
  }),
  at('features', features),
  at('features by an expression', { ...features, EXP_FILTER: '"name" = \'Ulm\'' }),
  at('features by a longer expression', {
    ...features,
    EXP_FILTER: '"name" ILIKE \'%u%\' AND NOT ("people" > 200 OR lower("name") IS NULL)',
  }),
  at("features by Lizmap's selection tool", {
    ...features,
    EXP_FILTER:
      'intersects($geometry, geom_from_gml(\'<gml:Polygon xmlns:gml="http://www.opengis.net/gml"><gml:exterior><gml:LinearRing><gml:posList>9 47 11 47 11 49 9 49 9 47</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon>\'))',
  }),
  at('features by number', { ...features, EXP_FILTER: '$id IN (1,2)' }),
  at('features in a box', { ...features, BBOX: '0,0,64,64,EPSG:4326', SRSNAME: 'EPSG:4326' }),
  at('features by a box of Filter Encoding', {
    ...features,
    FILTER:
      '<ogc:Filter xmlns:ogc="http://www.opengis.net/ogc"><ogc:BBOX><ogc:PropertyName>geometry</ogc:PropertyName><gml:Envelope xmlns:gml="http://www.opengis.net/gml" srsName="http://www.opengis.net/gml/srs/epsg.xml#4326"><gml:lowerCorner>0 0</gml:lowerCorner><gml:upperCorner>60 60</gml:upperCorner></gml:Envelope></ogc:BBOX></ogc:Filter>',
  }),
  at('a count of features', { ...features, RESULTTYPE: 'hits', OUTPUTFORMAT: 'GML2' }),
  at('one page of features', {
    ...features,
    PROPERTYNAME: 'name',
    SORTBY: 'people DESC',
    MAXFEATURES: '1',
    STARTINDEX: '1',
  }),
  at('a coverage', coverage),
  at('a print', print),
  at("Lizmap's print", {
    ...print,
    FORMAT: 'pdf',
    FORMAT_OPTIONS: 'TEXT_RENDER_FORMAT:AlwaysText',
    'map0:SCALE': '100000000',
    'map0:ROTATION': '10',
    'map0:GRID_INTERVAL_X': '10',
    'map0:GRID_INTERVAL_Y': '10',
    'map0:HIGHLIGHT_GEOM': here.HIGHLIGHT_GEOM,
    'map0:HIGHLIGHT_SYMBOL': here.HIGHLIGHT_SYMBOL,
    'map0:HIGHLIGHT_LABELSTRING': 'here',
    'map0:OPACITIES': '255',
    title: 'Our towns\nand <b>more</b>',
  }),
  at('a print on A0', { ...print, TEMPLATE: 'A0' }),
];

export const echoAddress = 'http://echo:9090/x';
const draft = '/io/data/draft/draft.qgs';
const aggregate = "aggregate('hidden','concatenate',\"secret\") like 'S%'";
const external = `<se:PointSymbolizer><se:Graphic><se:ExternalGraphic><se:OnlineResource xlink:href="${echoAddress}" xlink:type="simple"/><se:Format>image/svg+xml</se:Format></se:ExternalGraphic><se:Size>20</se:Size></se:Graphic></se:PointSymbolizer>`;
const calls =
  '<Filter><PropertyIsEqualTo><Function name="file_exists"><Literal>/etc/passwd</Literal></Function><Literal>1</Literal></PropertyIsEqualTo></Filter>';
const capabilities = 'SERVICE=WMS&REQUEST=GetCapabilities';
const form = (query: Query): string => new URLSearchParams(query).toString();
const formType = 'application/x-www-form-urlencoded';

export const hostile: Asked[] = [
  at('another project by MAP', { ...map, MAP: draft }),
  at('another project by map', `map=${draft}&${capabilities}`),
  at('another project by an encoded name', `%6dap=${draft}&${capabilities}`),
  at(
    'another project in the database',
    `MAP=postgresql:%3Fservice=gis%26schema=x%26project=y&${capabilities}`,
  ),
  at('another project in the path', capabilities, `/ogc/x&MAP=${draft}&y=`),
  at('another project at /ows/', `MAP=${draft}&${capabilities}`, '/ows/'),
  post('another project by a form', `MAP=${draft}&${capabilities}`, '', formType),
  post('another project by XML', `<GetCapabilities service="WMS" version="1.3.0" MAP="${draft}"/>`),
  at('SLD', { ...map, SLD: echoAddress }),
  at('SLD, the second time', `${form(map)}&SLD=&SLD=${echoAddress}`),
  post('SLD by a form', form({ ...map, SLD: echoAddress }), '', formType),
  post('SLD by XML', `<GetMap service="WMS" version="1.3.0" LAYERS="towns" SLD="${echoAddress}"/>`),
  at('SLD_BODY', { ...map, SLD_BODY: symbol(external) }),
  at('an external layer', { ...map, LAYERS: 'towns,EXTERNAL_WMS:foo', 'foo:url': echoAddress }),
  at('an external layer in a print', { ...print, 'map0:LAYERS': 'EXTERNAL_WMS:foo', 'foo:URL': echoAddress }),
  at('a graphic of a highlight', { ...map, ...here, HIGHLIGHT_SYMBOL: symbol(external) }),
  at('a graphic of a printed highlight', {
    ...print,
    'map0:HIGHLIGHT_GEOM': here.HIGHLIGHT_GEOM,
    'map0:HIGHLIGHT_SYMBOL': symbol(external),
  }),
  at('a function in a highlight', {
    ...map,
    ...here,
    HIGHLIGHT_SYMBOL: symbol(
      point('<ogc:Function name="file_size"><ogc:Literal>/etc/passwd</ogc:Literal></ogc:Function>'),
    ),
  }),
  at('a huge map', { ...map, WIDTH: '15000', HEIGHT: '15000' }),
  at('a large map of many layers', {
    ...map,
    WIDTH: '4096',
    HEIGHT: '4096',
    LAYERS: Array(20).fill('towns').join(','),
  }),
  at('60 layers', { ...map, LAYERS: Array(60).fill('towns').join(',') }),
  at('a print with 4800 dpi', { ...print, DPI: '4800' }),
  at('a print on A0 with 300 dpi', { ...print, TEMPLATE: 'A0', DPI: '300' }),
  at('a huge print', { ...print, WIDTH: '20000', HEIGHT: '20000' }),
  at('a grid of millions of lines', {
    ...print,
    'map0:GRID_INTERVAL_X': '0.0001',
    'map0:GRID_INTERVAL_Y': '0.0001',
  }),
  at('a huge legend', {
    SERVICE: 'WMS',
    VERSION: '1.3.0',
    REQUEST: 'GetLegendGraphic',
    LAYER: 'towns',
    FORMAT: 'image/png',
    SYMBOLWIDTH: '900000',
    SYMBOLHEIGHT: '900000',
  }),
  at('a huge coverage', { ...coverage, WIDTH: '40000', HEIGHT: '40000' }),
  at('an aggregate of a hidden layer', { ...features, EXP_FILTER: aggregate }),
  at('a property of a hidden layer', {
    ...features,
    EXP_FILTER: "layer_property('hidden','source') like '%'",
  }),
  at('whether a file exists', { ...features, EXP_FILTER: "file_exists('/etc/passwd')" }),
  at('the path of the project', { ...features, EXP_FILTER: "@project_path like '/%'" }),
  at('a function behind a comment', { ...features, EXP_FILTER: "aggregate/**/('hidden','count',1)>0" }),
  at('two gigabytes of text', { ...features, EXP_FILTER: "length(rpad('x',2000000000,'y'))>1" }),
  at('an expression to sort by', { ...features, SORTBY: aggregate }),
  at('a function of Filter Encoding in WFS', { ...features, FILTER: calls }),
  at('a function of Filter Encoding in WMS', { ...map, FILTER: calls }),
  at('an expression in a printed text', { ...print, title: "[% layer_property('hidden','source') %]" }),
  at('a picture in a printed text', { ...print, title: `<img src="${echoAddress}">` }),
  at('HTML in a print', { ...print, page: `<img src=//echo:9090/x>` }),
  at('text for HTML in a print', { ...print, page: 'hello' }),
  at('a coordinate system with a file', { ...map, CRS: 'PROJ4:+proj=longlat +nadgrids=/etc/passwd' }),
  at('a coordinate system at an address', { ...features, SRSNAME: echoAddress }),
  at('a box with an address', { ...features, BBOX: `0,0,1,1,${echoAddress}`, SRSNAME: 'EPSG:4326' }),
  at('a deletion without a body', {
    SERVICE: 'WFS',
    VERSION: '1.1.0',
    REQUEST: 'Transaction',
    OPERATION: 'DELETE',
    TYPENAME: 'towns',
    EXP_FILTER: '1=1',
  }),
  post(
    'a deletion',
    '<Transaction service="WFS" version="1.1.0" xmlns="http://www.opengis.net/wfs"><Delete typeName="towns"/></Transaction>',
    'SERVICE=WFS',
  ),
  post(
    'an entity',
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><GetFeature service="WFS" version="1.1.0"><Query typeName="&e;"/></GetFeature>',
    'SERVICE=WFS',
  ),
  at('a body in the query', { ...features, REQUEST_BODY: '<GetFeature/>' }),
  at('OGC API at its own path', `MAP=${draft}`, '/wfs3/collections'),
  at('OGC API below a project', '', '/ogc/town/wfs3/collections'),
];

/** What a writer may not send either. */
export const hostileBodies: Asked[] = [
  ...hostile.filter(({ body, name }) => body !== undefined && name !== 'a deletion'),
  post(
    'a deletion by a form',
    'SERVICE=WFS&REQUEST=Transaction&OPERATION=DELETE&TYPENAME=places&EXP_FILTER=1=1',
    '',
    formType,
  ),
  post(
    'a function in a filter',
    `<GetFeature service="WFS" version="1.1.0" xmlns:ogc="http://www.opengis.net/ogc"><Query typeName="towns"><ogc:Filter><ogc:PropertyIsEqualTo><ogc:Function name="file_exists"><ogc:Literal>/etc/passwd</ogc:Literal></ogc:Function><ogc:Literal>1</ogc:Literal></ogc:PropertyIsEqualTo></ogc:Filter></Query></GetFeature>`,
    'SERVICE=WFS',
  ),
  post(
    'an expression to sort by in XML',
    `<GetFeature service="WFS" version="1.1.0" xmlns:ogc="http://www.opengis.net/ogc"><Query typeName="towns"><ogc:SortBy><ogc:SortProperty><ogc:PropertyName>${aggregate.replaceAll('"', '&quot;')}</ogc:PropertyName></ogc:SortProperty></ogc:SortBy></Query></GetFeature>`,
    'SERVICE=WFS',
  ),
  post(
    'an attribute that is given twice',
    '<GetFeature service="WFS" SERVICE="WMS" version="1.1.0"/>',
    'SERVICE=WFS',
  ),
  post(
    'XML of another encoding',
    '<?xml version="1.0" encoding="UTF-7"?><GetFeature service="WFS"/>',
    'SERVICE=WFS',
  ),
  post(
    'a field that the layer lacks, on which QGIS would work for ever',
    '<wfs:Transaction xmlns:wfs="http://www.opengis.net/wfs" xmlns:qgs="http://www.qgis.org/gml" service="WFS" version="1.1.0"><wfs:Insert><qgs:places><qgs:secret>x</qgs:secret></qgs:places></wfs:Insert></wfs:Transaction>',
    'SERVICE=WFS',
  ),
  post(
    'a deep document',
    `<GetFeature service="WFS">${'<a>'.repeat(5000)}${'</a>'.repeat(5000)}</GetFeature>`,
    'SERVICE=WFS',
  ),
];
