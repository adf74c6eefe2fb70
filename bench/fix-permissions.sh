#!/bin/sh
# What docker-stacks documents of its fix-permissions: whatever is not in the group and group-writable gets so,
# every folder hands its group down. usage: fix-permissions.sh GID FOLDER
set -eu
find "$2" ! \( -group "$1" -a -perm -g+rwX \) -exec chgrp "$1" -- {} + -exec chmod g+rwX -- {} +
find "$2" \( -type d -a ! -perm -6000 \) -exec chmod +6000 -- {} +
