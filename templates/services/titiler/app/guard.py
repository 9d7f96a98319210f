"""TiTiler behind a guard: only the images of this stack, and those of servers that the owner named.

TiTiler opens whatever the parameter `url` names: any file of the container, and any address that it can reach, services
of this stack among them. Here `url` must be a GeoTIFF in one of the folders of COG_FOLDERS, below one of the addresses of
COG_ADDRESSES, which are the stack's own stores of public files, or https:// on a host of COG_HOSTS, whose redirects are followed: name only servers that you trust. Endpoints that take addresses in other ways
(STAC, mosaics, Zarr) are off in compose.yaml. An image of a request has at most SIDE pixels on each side: TiTiler itself has
no limit, and one image can fill the memory.
"""

import os
import re
from urllib.parse import parse_qsl, urlsplit

from titiler.application.main import app as titiler

FOLDERS = [os.path.realpath(folder) for folder in os.environ.get("COG_FOLDERS", "/data").split(":")]
HOSTS = {host.strip().lower() for host in os.environ.get("COG_HOSTS", "").split(",")} - {""}
ADDRESSES = tuple(address.strip() for address in os.environ.get("COG_ADDRESSES", "").split(",") if address.strip())
EXTENSIONS = (".tif", ".tiff")
SIDE = 4096
# developmentseed/titiler:src/titiler/core/titiler/core/dependencies.py and factory.py; buffer and padding widen a tile.
SIZES = ("width", "height", "max_size", "tilesize", "tile_size", "buffer", "padding")
# TIFF and BigTIFF, in both byte orders: the content decides which driver opens a file, not its name.
MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def allowed(url):
    """Whether TiTiler may open this."""
    if url.startswith("/"):
        return allowed_file(url)
    return allowed_store(url) if url.startswith(ADDRESSES) else allowed_address(url)


def allowed_file(path):
    if "\0" in path or not path.lower().endswith(EXTENSIONS):
        return False
    real = os.path.realpath(path)
    if not any(real.startswith(folder + os.sep) for folder in FOLDERS) or not os.path.isfile(real):
        return False
    try:
        with open(real, "rb") as file:
            return file.read(4) in MAGIC
    except OSError:
        return False


def allowed_store(url):
    # The address ends with a slash: what follows is a path and nothing else, and names no other folder.
    path = url[max(len(address) for address in ADDRESSES if url.startswith(address)) :]
    return re.fullmatch(r"[A-Za-z0-9._/-]+", path) is not None and ".." not in path and path.lower().endswith(EXTENSIONS)


def allowed_address(url):
    # Nothing that another reader of the address could take for the end or the start of its host.
    if not url.startswith("https://") or not url.isascii() or not url.isprintable() or any(c in url for c in ' \\,|"<>'):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    named = "@" not in parts.netloc and port in (None, 443) and parts.hostname in HOSTS
    return named and parts.path.lower().endswith(EXTENSIONS)


def small(path, query):
    """Whether no side of the image is larger than SIDE: in the path as WIDTHxHEIGHT, in the query by name."""
    sides = [side for pair in re.findall(r"/([0-9]+)x([0-9]+)(?=[./]|$)", path) for side in pair]
    sides += [value for name, value in query if name.lower() in SIZES and value.strip()]
    # int() takes other digits and underscores, too, and TiTiler may read them.
    return all(re.fullmatch(r"[0-9]{1,6}([.][0-9]*)?", side) and float(side) <= SIDE for side in sides)


async def refuse(send, status, detail):
    body = b'{"detail":"%s"}' % detail
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def app(scope, receive, send):
    """Refuses a request with an address or a size that is not allowed, and hands the others on."""
    if scope["type"] == "http":
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if not all(allowed(value) for name, value in query if name.lower() == "url"):
            await refuse(send, 403, b"No GeoTIFF in the folders of this server, and on no host that its owner named.")
            return
        if not small(scope["path"], query):
            await refuse(send, 400, b"The image is larger than %d pixels on one side." % SIDE)
            return
    await titiler(scope, receive, send)
