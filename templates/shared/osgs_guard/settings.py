"""The plugin's settings: environment variables of the container, read once when QGIS Server starts."""

import re


class Settings:
    def __init__(self, env):
        # Regular expressions of the whole text. The only paths that are served; a group `name` is the project's name.
        self.path = re.compile(env.get('OSGS_GUARD_PATH', '/ogc/(?P<name>[A-Za-z0-9_-]+)'))
        # The only project files that are served; {name} is the name in the path.
        self.project = env.get('OSGS_GUARD_PROJECT', '/io/data/{name}/{name}[.]qgs')
        # none: no request bodies. read: queries. write: WFS transactions, too.
        self.body = env.get('OSGS_GUARD_BODY', 'none')
        # Services of other plugins, apart from WMS, WFS, WCS and WMTS.
        self.services = set(env.get('OSGS_GUARD_SERVICES', '').split(','))
        # Those whose expressions come from the web application and not from its visitors.
        self.trusted_services = set(filter(None, env.get('OSGS_GUARD_TRUSTED_SERVICES', '').split(',')))
        # Pixels of one side of a map.
        self.side = int(env.get('OSGS_GUARD_SIDE', '4096'))
        # Pixels of all layers of a map together, 4 bytes each: QGIS draws every layer on an image of its own.
        self.pixels = int(env.get('OSGS_GUARD_PIXELS', '100000000'))
        self.dpi = int(env.get('OSGS_GUARD_DPI', '600'))
        self.layers = int(env.get('OSGS_GUARD_LAYERS', '50'))
        self.features = int(env.get('OSGS_GUARD_FEATURES', '10000'))
