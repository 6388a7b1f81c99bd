#!/bin/bash
set -euo pipefail

TARGET=/mnt/backup
KEEP=7

# Removes all but the newest copies.
prune() {
  local count
  count=$(ls "$TARGET" | wc -l)
  if [ "$count" -gt "$KEEP" ]; then
    ls -t "$TARGET" | tail -n +$((KEEP + 1)) | xargs rm -f
  else
    echo "nothing to remove"
  fi
}

for folder in /home /etc /srv; do
  tar czf "$TARGET/$(basename $folder).tgz" "$folder"
done
prune
