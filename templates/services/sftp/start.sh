#!/bin/sh
# Makes the account and the host key where they are missing, then starts sshd.
set -eu
if ! grep -q '^gis:' /etc/passwd; then
    echo "gis:x:$SFTP_UID:$SFTP_GID::/home/gis:/sbin/nologin" >>/etc/passwd
    # No password: keys only.
    echo 'gis:*:::::::' >>/etc/shadow
fi
if [ -e /run/secrets/SFTP_PASSWORD ]; then
    # A hash that every libc knows, made without PAM.
    printf 'gis:%s\n' "$(cat /run/secrets/SFTP_PASSWORD)" | chpasswd -c SHA512
fi
# A new volume belongs to root. The folder that holds them must.
chown "$SFTP_UID:$SFTP_GID" /home/gis/uploads
key=/etc/ssh/keys/ssh_host_ed25519_key
[ -s "$key" ] || ssh-keygen -q -t ed25519 -N '' -C '' -f "$key"
# Some builds of sshd want it for their child without rights.
mkdir -p /run/sshd
# sshd starts itself again for each connection: by its whole path. The image's is called sshd.pam.
sshd=$(command -v sshd.pam || command -v sshd)
exec "$sshd" -D -e -f /sftp/sshd_config
