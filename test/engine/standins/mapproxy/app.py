"""WSGI application: one configuration, or every one in config/apps.

As in the image this stands in for, any text in MULTIAPP_MAPPROXY, "false" too,
switches the multi mode on here.
"""
import os
from logging.config import fileConfig

CONFIG = "/mapproxy/config"

if os.path.isfile(f"{CONFIG}/logging.ini"):
    fileConfig(f"{CONFIG}/logging.ini", {"here": "/mapproxy"})

if os.environ.get("MULTIAPP_MAPPROXY"):
    from mapproxy.multiapp import make_wsgi_app

    application = make_wsgi_app(
        f"{CONFIG}/apps/", allow_listing=os.environ.get("MULTIAPP_ALLOW_LISTINGS", False)
    )
else:
    from mapproxy.wsgiapp import make_wsgi_app

    application = make_wsgi_app(f"{CONFIG}/mapproxy.yaml", reloader=True)
