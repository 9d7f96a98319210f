# Read by `manage.py shell` at every start. Without an administrator WebODM lets the first visitor become one.
import os
from pathlib import Path

from django.contrib.auth.models import Group, User
from guardian.shortcuts import assign_perm

from nodeodm.models import ProcessingNode

if not User.objects.filter(is_superuser=True).exists():
    User.objects.create_superuser("admin", "", Path("/run/secrets/WEBODM_ADMIN_PASSWORD").read_text())
    print("made the user admin")

if os.environ.get("NODE_HOST"):
    token = Path(os.environ["NODE_TOKEN_FILE"]).read_text()
    node, created = ProcessingNode.objects.update_or_create(
        hostname=os.environ["NODE_HOST"], port=3000, defaults={"token": token}
    )
    if created:
        # The group of all users, which WebODM makes itself where it is not there yet.
        group, _ = Group.objects.get_or_create(name="Default")
        assign_perm("view_processingnode", group, node)
        print("added the processing node " + node.hostname)
