#!/bin/bash
exec node /opt/keycloak/lib/kcadm.mjs "$@"
