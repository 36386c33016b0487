#!/bin/sh
# Grows the root partition and its file system to the disk, once the disk is larger.
set -eu
device=$(findmnt -nvo SOURCE /)
name=$(basename "$(readlink -f "$device")")
part=/sys/class/block/$name
if [ -e "$part/partition" ]; then
  disk=$(basename "$(dirname "$(readlink -f "$part")")")
  number=$(cat "$part/partition")
  end=$(($(cat "$part/start") + $(cat "$part/size")))
  total=$(cat "/sys/class/block/$disk/size")
  # The last 33 sectors hold the backup of the partition table; less than 4 MiB is not worth it.
  if [ $((total - end)) -gt 8192 ] && command -v sfdisk >/dev/null; then
    echo ", +" | sfdisk --quiet --force --no-reread --no-tell-kernel -N "$number" "/dev/$disk"
    partx --update --nr "$number" "/dev/$disk"
  fi
fi
case $(findmnt -no FSTYPE /) in
ext4) if command -v resize2fs >/dev/null; then resize2fs "$device"; fi ;;
xfs) if command -v xfs_growfs >/dev/null; then xfs_growfs /; fi ;;
esac
