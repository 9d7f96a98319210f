"""Pulls the projects of PROJECTS into every folder below /projects, every INTERVAL seconds.

QGIS Server finds a project as NAME/NAME.qgs; a Mergin project has a .qgz of any name. So NAME.qgs is made from the first
project file that there is; a NAME.qgs that belongs to the Mergin project is left alone.
"""

import glob
import os
import pathlib
import shutil
import time
import zipfile

from mergin import MerginClient


def as_qgs(folder, name):
    target = os.path.join(folder, name + ".qgs")
    mark = os.path.join(folder, ".mergin", "made-qgs")
    if os.path.exists(target) and not os.path.exists(mark):
        return
    sources = [
        file
        for file in sorted(glob.glob(os.path.join(glob.escape(folder), "*.qg[sz]")))
        if file != target
    ]
    if not sources:
        print(f"{folder}: there is no project of QGIS in it")
        return
    source = sources[0]
    if os.path.exists(target) and os.path.getmtime(target) >= os.path.getmtime(source):
        return
    # Beside the target but out of Mergin's sight, then moved: QGIS Server never reads half a file.
    part = os.path.join(folder, ".mergin", "part.qgs")
    with open(part, "wb") as out:
        if source.endswith(".qgz"):
            with zipfile.ZipFile(source) as archive:
                inner = next(n for n in archive.namelist() if n.endswith(".qgs"))
                out.write(archive.read(inner))
        else:
            with open(source, "rb") as file:
                shutil.copyfileobj(file, out)
    pathlib.Path(mark).touch()
    os.replace(part, target)
    print(f"{target}: made from {os.path.basename(source)}")


def pull(client, project, folder):
    if os.path.isdir(os.path.join(folder, ".mergin")):
        client.pull_project(folder)
        return
    if os.path.exists(folder):
        raise FileExistsError("is there already and is not a Mergin project: move it away")
    # Downloaded under another name, so that an interrupted download is not taken for the project.
    part = os.path.join(os.path.dirname(folder), "." + os.path.basename(folder) + ".part")
    shutil.rmtree(part, ignore_errors=True)
    client.download_project(project, part)
    os.rename(part, folder)
    print(f"{folder}: downloaded")


def main():
    interval = int(os.environ["INTERVAL"])
    client, since = None, 0.0
    alive = pathlib.Path("/tmp/alive")
    alive.touch()
    while True:
        try:
            # Tokens live for twelve hours.
            if client is None or time.time() - since > 6 * 3600:
                client = MerginClient(
                    os.environ["SERVER_URL"],
                    login=os.environ["ACCOUNT"],
                    password=pathlib.Path("/run/secrets/MERGIN_CLIENT_PASSWORD").read_text(),
                )
                since = time.time()
        except Exception as error:
            print(f"no login at {os.environ['SERVER_URL']}: {error}")
            client = None
        for root in sorted(glob.glob("/projects/*")) if client else []:
            for project in os.environ["PROJECTS"].split(","):
                name = project.split("/")[1]
                folder = os.path.join(root, name)
                try:
                    pull(client, project, folder)
                    as_qgs(folder, name)
                except Exception as error:
                    print(f"{folder}: {error}")
        alive.touch()
        time.sleep(interval)


main()
